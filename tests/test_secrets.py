import pytest

from pgen.secrets import redact, redacted

KEY = "abcdef0123456789"


def test_the_value_of_a_variable_whose_name_says_so_is_blotted_out(monkeypatch):
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
def test_what_has_the_form_of_a_key_is_blotted_out(text, shown):
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


def test_in_a_value_what_stands_under_a_telling_name_is_blotted_out():
    value = {"api_key": "x", "auth.token": "y", "extra": [{"password": "z"}], "max_tokens": 5, "api_key_env": "NAME"}
    assert redacted(value) == {
        "api_key": "***",
        "auth.token": "***",
        "extra": [{"password": "***"}],
        "max_tokens": 5,
        "api_key_env": "NAME",
    }
