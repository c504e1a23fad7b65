"""The options of the generator `qwen-openai`, validated as far as that needs no server.

Options are shown, stored and hashed, so a key is never an option's value: one that looks like a key is refused
without being repeated.
"""

import json
import re
from collections.abc import Mapping
from typing import Any, ClassVar, Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from pgen.components import Options, tuning
from pgen.errors import ConfigError

FormatName = Literal["json_schema", "json_object_schema", "json_object", "plain"]

_SEPARATOR = re.compile(r"[\s,]+")
_DURATION = re.compile(r"\A(\d{1,12}(?:\.\d{1,12})?)\s?([smh])")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")

RESERVED = frozenset({"messages", "model", "n", "response_format", "stream"})
"""Request fields that `extra` may not set, because the response would then be read wrongly."""


class QwenOpenAIOptions(Options):
    generator: ClassVar[str] = "qwen-openai"
    """The name of the generator in messages."""
    base_url: tuple[str, ...] = tuning(())
    """The server's address with its version, as in http://127.0.0.1:8000/v1; requests are distributed over several,
    separated by commas or in a JSON list."""
    model: str = "auto"
    """The model's name on the server; `auto` takes the only one that the server lists."""
    api_key_env: str = tuning("OPENAI_API_KEY")
    """The name of the environment variable that holds the key; without the variable no key is sent."""
    temperature: float = Field(0.0, ge=0, le=2)
    """0 always takes the most likely token; above, each sample draws with its own seed."""
    max_tokens: int = Field(2048, ge=1)
    """Tokens of a reply at most; a model that reasons first needs more."""
    response_format: Literal["auto", "json_schema", "json_object_schema", "json_object", "plain"] = "auto"
    """How the server is held to the reply's schema; `auto` finds the strictest format that it obeys."""
    clips: Literal["sheet", "video"] = "sheet"
    """How clips are sent: as one sheet of their frames, which every server takes, or as a video of the type
    video/jpeg, which vLLM takes, with their times where it takes these too."""
    extra: dict[str, Any] = Field(default_factory=dict)
    """Further fields of each request, as in extra.top_p=0.9 or extra.chat_template_kwargs.enable_thinking=false;
    null omits a field that pgen would send, such as seed."""
    concurrency: int = tuning(64, ge=1, le=4096)
    """Requests in flight at most; fewer while a server says that it is busy."""
    timeout: float = tuning(300.0, gt=0, allow_inf_nan=False)
    """Seconds until a request without a complete response is sent again."""
    max_retries: int = tuning(8, ge=0, le=100)
    """How often a request is sent again after a lost connection, a time-out or another transient error."""
    retry_wait: float = tuning(0.5, gt=0, le=60)
    """Seconds before the first retry at most; doubled each time, up to 30, and random below that."""
    wait_for_server: float = tuning(0.0, ge=0, allow_inf_nan=False)
    """How long to wait for a server that is absent or busy: seconds, or a duration such as 90s, 10m or 2h."""
    serve: str | None = tuning(None)
    """A command that starts the server and contains {port}: vllm serve MODEL --port {port}."""
    replicas: int = tuning(1, ge=1, le=64)
    """The number of servers that `serve` starts; several get a GPU each."""
    serve_timeout: float = tuning(1800.0, gt=0, allow_inf_nan=False)
    """Seconds until a started server has to answer."""

    @field_validator("base_url", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        return tuple(part for part in _SEPARATOR.split(value) if part) if isinstance(value, str) else value

    @field_validator("base_url")
    @classmethod
    def _addresses(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(_address(url, cls.generator) for url in value))

    @field_validator("wait_for_server", mode="before")
    @classmethod
    def _seconds(cls, value: Any) -> Any:
        match = _DURATION.fullmatch(value.strip()) if isinstance(value, str) else None
        return float(match[1]) * {"s": 1, "m": 60, "h": 3600}[match[2]] if match else value

    @field_validator("api_key_env")
    @classmethod
    def _variable_name(cls, value: str) -> str:
        if not _VARIABLE.fullmatch(value):
            raise ConfigError(
                f"generator {cls.generator}: option api_key_env takes the name of an environment variable, not a key; "
                "put the key into that variable."
            )
        return value

    @field_validator("extra", mode="before")
    @classmethod
    def _parse_scalars(cls, value: Any) -> Any:
        return _parse(value) if isinstance(value, Mapping) else value

    @field_validator("extra")
    @classmethod
    def _refuse_reserved(cls, value: dict[str, Any]) -> dict[str, Any]:
        if reserved := sorted(RESERVED & set(value)):
            raise ValueError(f"{', '.join(reserved)} cannot be set here")
        return value

    @field_validator("serve")
    @classmethod
    def _require_port(cls, value: str | None) -> str | None:
        if value is not None and "{port}" not in value:
            raise ValueError("it must contain {port}, where the server takes its port")
        return value


def _address(url: str, generator: str) -> str:
    """Return the address without a slash at its end. Raises where it is not valid or could hold a secret."""
    parts = urlsplit(url)
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ConfigError(
            f"generator {generator}: option base_url takes an address without user, password or query; put a key "
            "into the environment variable that api_key_env names."
        )
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("an address begins with http:// or https://")
    return url.rstrip("/").removesuffix("/chat/completions")


def _parse(value: Any) -> Any:
    """Parse text that spells a JSON scalar; other text stays text."""
    if isinstance(value, Mapping):
        return {str(key): _parse(item) for key, item in value.items()}
    if not isinstance(value, str):
        return value
    try:
        parsed = json.loads(value, parse_constant=str)
    except ValueError:
        return value
    return value if isinstance(parsed, list | dict) else parsed
