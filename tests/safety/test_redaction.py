import json

import pytest

from pgen.errors import ConfigError, StorageError
from pgen.safety.redaction import clean_json, excerpt, redact, redacted, register, register_options, without_keys

KEY = "abcdef0123456789"


def test_the_value_of_a_variable_whose_name_says_so_is_masked(monkeypatch):
    monkeypatch.setenv("MY_SERVICE_API_KEY", f" {KEY}\n")
    monkeypatch.setenv("HF_TOKEN", f"{KEY}-and-more")
    monkeypatch.setenv("SHORT_TOKEN", "abc")
    assert redact(f"x {KEY} y {KEY}-and-more abc") == "x *** y *** abc"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"Authorization: Bearer {KEY}", "Authorization: Bearer ***"),
        (f"vllm serve M --api-key {KEY} --port 1", "vllm serve M --api-key *** --port 1"),
        (f"--hf-token={KEY}", "--hf-token=***"),
        (f'{{"api_key": "{KEY}"}}', '{"api_key": "***"}'),
        (f"http://me:{KEY}@host/v1", "http://me:***@host/v1"),
        ("sk-proj-ABCdef0123456789xyz", "***"),
        ("hf_ABCdefGHIjklMNOpqr", "***"),
    ],
)
def test_what_has_the_form_of_a_key_is_masked(text, shown):
    assert redact(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "max_tokens: 1024, prompt_tokens: 123456",
        "the environment variable OPENAI_API_KEY, named by api_key_env, is not set",
        "unexpected token after the object",
        "http://127.0.0.1:8000/v1 answered 404",
        "robot arm picks up the key, then the secret box",
        "ask-hf_x",
    ],
)
def test_other_text_stays(text):
    assert redact(text) == text


def test_in_a_value_what_stands_under_a_telling_name_is_masked():
    value = {"api_key": "x", "auth.token": "y", "extra": [{"password": "z"}], "max_tokens": 5, "api_key_env": "NAME"}
    assert redacted(value) == {
        "api_key": "***",
        "auth.token": "***",
        "extra": [{"password": "***"}],
        "max_tokens": 5,
        "api_key_env": "NAME",
    }


def test_a_key_in_use_is_masked_whatever_its_variable_is_called():
    register("a-key-in-use-71", " padded-key-72\n")
    assert redact("see a-key-in-use-71 and padded-key-72") == "see *** and ***"
    assert without_keys({"a": ["see a-key-in-use-71", 1, None]}) == {"a": ["see ***", 1, None]}


@pytest.mark.parametrize("value", ["", "none", "EMPTY", "x"])
def test_a_placeholder_is_no_key(value):
    register(value)
    assert redact(f"the {value} box") == f"the {value} box"


def test_a_word_is_no_key_because_its_variable_is_called_so(monkeypatch):
    monkeypatch.setenv("SORT_KEY", "position")
    monkeypatch.setenv("LONG_KEY", "abcdefghijklmnop")
    assert redact("the position of abcdefghijklmnop") == "the position of ***"


@pytest.mark.parametrize("name", ["http_proxy", "HTTPS_PROXY"])
def test_a_proxy_s_password_is_masked(monkeypatch, name):
    monkeypatch.setenv(name, "http://me:pass%2Fword-81@proxy:3128")
    assert redact("pass%2Fword-81 and pass/word-81") == "*** and ***"
    assert redact("Basic bWU6cGFzcy93b3JkLTgx") == "Basic ***"


def test_the_hub_s_token_is_masked_where_it_lies_in_a_file(monkeypatch, tmp_path):
    (tmp_path / "token").write_text("not_of_that_form_91\n")
    for name in ("HF_TOKEN_PATH", "HF_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    assert redact("see not_of_that_form_91") == "see ***"
    monkeypatch.setenv("HF_TOKEN_PATH", str(tmp_path / "none"))
    assert redact("see not_of_that_form_91") == "see not_of_that_form_91"


def test_what_an_option_holds_under_a_telling_name_is_a_key_in_use():
    register_options({"extra": {"headers": [{"X-Api-Key": "key-of-an-option-61"}], "user": "somebody-else-61"}})
    assert redact("key-of-an-option-61 of somebody-else-61") == "*** of somebody-else-61"


def test_json_stays_json_without_its_keys():
    register("n4b-key-51", 'qu"ote-key-52')
    texts = ["\n4b-key-51", "\\n4b-key-51", 'see qu"ote-key-52.', "n4b-key-51"]
    clean = json.loads(clean_json(json.dumps(texts)))
    assert clean == ["\n4b-key-51", "\\***", "see ***.", "***"]
    assert clean_json('{"a": 1}') == '{"a": 1}'


def test_text_that_is_no_message_keeps_what_only_looks_like_a_key():
    assert without_keys("The secret: sprinkle it") == "The secret: sprinkle it"


def test_an_error_holds_no_key():
    register("a-key-in-use-71")
    assert str(ConfigError("bad a-key-in-use-71")) == "bad ***"
    assert str(StorageError("bad a-key-in-use-71", None)) == "bad ***"


def test_an_excerpt_is_one_line_of_a_length():
    assert excerpt("a\x1b[31m\n b\udc80" + "c" * 400, 20) == "a [31m b\\udc80ccccc…"
    assert excerpt(["a", 1]) == "['a', 1]"
