"""Options: parsing of the command line's text, and what is refused."""

import asyncio
import traceback

import pytest

from pgen.errors import ConfigError
from pgen_qwen_openai.generator import QwenOpenAIGenerator

HERE = "http://127.0.0.1:8000/v1"


def options(**values):
    return QwenOpenAIGenerator(**{"base_url": HERE, **values}).options


@pytest.mark.parametrize(
    ("value", "urls"),
    [
        (HERE, (HERE,)),
        (f"{HERE}/, http://b:1/v1 {HERE}", (HERE, "http://b:1/v1")),
        ([f"{HERE}/chat/completions"], (HERE,)),
    ],
)
def test_base_url_is_one_address_or_several(value, urls):
    assert options(base_url=value).base_url == urls


def test_extra_fields_are_parsed_as_json_scalars():
    extra = {
        "top_p": "0.9",
        "stop": ["x"],
        "user": "me",
        "id": '"7"',
        "seed": "null",
        "n_best": "NaN",
        "a": {"b": "false"},
    }
    assert options(extra=extra).extra == {
        **{"top_p": 0.9, "stop": ["x"], "user": "me", "id": "7", "seed": None, "n_best": "NaN"},
        "a": {"b": False},
    }


@pytest.mark.parametrize(
    ("text", "seconds"), [("10m", 600), ("90s", 90), ("2h", 7200), ("1.5m", 90), ("45", 45), (0, 0)]
)
def test_a_duration_has_a_unit_or_is_in_seconds(text, seconds):
    assert options(wait_for_server=text).wait_for_server == seconds


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"base_url": ""}, "name the server"),
        ({"base_url": "127.0.0.1:8000"}, "begins with http"),
        ({"serve": "vllm serve"}, "{port}"),
        ({"extra": {"messages": []}}, "messages cannot be set here"),
        ({"temperature": "-1"}, "temperature"),
        ({"wait_for_server": "soon"}, "wait_for_server"),
        ({"concurrency": 0}, "concurrency"),
        ({"baseurl": HERE}, "did you mean base_url"),
    ],
)
def test_an_invalid_option_is_named(values, message):
    with pytest.raises(ConfigError, match=message):
        options(**values)


@pytest.mark.parametrize(
    "values",
    [
        {"api_key_env": "sk-secret-123"},
        {"api_key": "sk-secret-123"},
        {"base_url": "https://user:sk-secret-123@host/v1"},
        {"base_url": "https://host/v1?key=sk-secret-123"},
    ],
)
def test_a_key_in_an_option_is_refused_and_not_repeated(values):
    with pytest.raises(ConfigError) as caught:
        options(**values)
    assert "sk-secret" not in "".join(traceback.format_exception(caught.value))


def test_the_named_variable_of_the_key_must_be_set(monkeypatch):
    monkeypatch.delenv("NO_SUCH_KEY", raising=False)
    with pytest.raises(ConfigError, match=r"NO_SUCH_KEY, named by generator\.api_key_env, is not set"):
        asyncio.run(QwenOpenAIGenerator(base_url=HERE, api_key_env="NO_SUCH_KEY").open())


def test_only_what_can_change_a_reply_belongs_to_its_identity():
    assert set(QwenOpenAIGenerator(base_url=HERE).identity()) == {
        *("name", "model", "temperature", "max_tokens", "response_format", "clips", "extra")
    }
