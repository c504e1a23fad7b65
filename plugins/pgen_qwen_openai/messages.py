"""A request as the bytes that travel, and the parts of an answer.

Bodies are joined from bytes: pictures in base64 need no escaping, and are most of it.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from functools import lru_cache
from json.encoder import encode_basestring_ascii
from typing import Any

from pybase64 import b64encode

from pgen.errors import SampleError
from pgen.records import Clip, Image, Prompt, Repair, Reply
from pgen.safety.redaction import excerpt

_written = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode
_CONTROL = re.compile(r"<(\|[A-Za-z0-9_]{1,32}\|>)")

THINKING = "<think>"
"""Begins a text that is thinking and nothing else."""

MAX_QUOTED = 4000
"""Characters of a bad reply that are shown to the model again."""


class Fields:
    """What every request of a run has in common. `extra` goes before all else; what it sets to None is left out.

    So are the `unknown` fields, which a server does not know; the limit of tokens has a second name.
    """

    def __init__(
        self,
        model: str,
        temperature: float,
        max_tokens: int,
        extra: Mapping[str, Any],
        unknown: frozenset[str] = frozenset(),
    ) -> None:
        limit = "max_tokens" if "max_tokens" not in unknown else "max_completion_tokens"
        ours = {"model": model, "temperature": temperature, limit: max_tokens, "stream": False}
        ours = {name: value for name, value in ours.items() if name not in unknown}
        self._fields, self._seeded = {**ours, **extra}, "seed" not in unknown.union(extra)
        self._last: tuple[Mapping[str, Any] | None, bytes] | None = None

    def with_seed(self, seed: int, response_format: Mapping[str, Any] | None) -> bytes:
        """A JSON object of all but the messages, without its end. 31 bits of a seed are what every server takes."""
        if self._last is None or self._last[0] != response_format:
            self._last = deepcopy(response_format), self._encoded(response_format)
        common = self._last[1]
        return common + b',"seed":%d' % (seed & 0x7FFFFFFF) if self._seeded else common

    def _encoded(self, response_format: Mapping[str, Any] | None) -> bytes:
        """Once for a format: most samples of a run have the same one."""
        fields = {"response_format": response_format, **self._fields}
        return _json({name: value for name, value in fields.items() if value is not None})[:-1]


def encode(
    fields: bytes, prompt: Prompt, suffix: str, shown: Sequence[Image | Clip], repair: Repair | None = None
) -> bytes:
    """The body of a chat completion: system, then pictures and text, then what was wrong with a first reply."""
    parts = [fields, b',"messages":[']
    if prompt.system:
        parts += (_turn("system", prompt.system), b",")
    parts += _pictures_and_text(shown, prompt.text + suffix)
    if repair:
        said = f"That is not usable: {repair.problem}\nReply again, with the JSON object alone."
        parts += (b",", _turn("assistant", repair.reply[:MAX_QUOTED]), b",", _turn("user", said))
    parts.append(b"]}")
    return b"".join(parts)  # once: it is a picture's worth of bytes to copy


def reply_of(answer: Any) -> Reply | None:
    """The reply in a chat completion; None where it is none. Raises SampleError("refused")."""
    choice = _first(answer.get("choices")) if isinstance(answer, dict) else None
    message = choice.get("message") if isinstance(choice, dict) else None
    if not isinstance(message, dict) or not isinstance(choice, dict):
        return None
    finish = choice.get("finish_reason")
    if refusal := message.get("refusal"):
        raise SampleError("refused", f"the model refused: {excerpt(refusal, 200)!r}")
    if finish == "content_filter":
        raise SampleError("refused", "the server's content filter withheld the reply")
    text = _text(message.get("content"))
    if text is None:
        return None
    if not text and isinstance(thoughts := message.get("reasoning") or message.get("reasoning_content"), str):
        text = _answer_in(thoughts)
    usage = answer.get("usage")
    read, written = (_count(usage, name) for name in ("prompt_tokens", "completion_tokens"))
    return Reply(text, truncated=finish == "length", tokens_in=read, tokens_out=written)


def _answer_in(thoughts: str) -> str:
    """Of a reply whose content is empty: some servers take a whole answer for thinking. All else is thinking."""
    try:
        answered = isinstance(json.loads(thoughts, strict=False), dict)
    except (ValueError, RecursionError):
        answered = False
    return thoughts if answered else f"{THINKING}{thoughts}"


def _pictures_and_text(shown: Sequence[Image | Clip], text: str) -> Iterator[bytes]:
    yield b'{"role":"user","content":['
    for one in shown:
        kind, frames = ("image", (one,)) if isinstance(one, Image) else ("video", one.frames)
        yield f'{{"type":"{kind}_url","{kind}_url":{{"url":"data:{kind}/jpeg;base64,'.encode()
        for position, frame in enumerate(frames):
            yield b"," if position else b""
            yield b64encode(frame.jpeg)
        yield b'"}},'
    yield f'{{"type":"text","text":{encode_basestring_ascii(_whole(text))}}}]}}'.encode()


@lru_cache(16)
def _turn(role: str, text: str) -> bytes:
    return _json({"role": role, "content": _whole(text)})


def _whole(text: str) -> str:
    """Without halves of characters, which servers answer with an error, and without words that a tokenizer
    takes for control tokens: text of a dataset ends no turn and stands for no picture."""
    whole = text if text.isascii() else text.encode("utf-8", "replace").decode()
    return _CONTROL.sub(r"< \1", whole) if "<|" in whole else whole


def _json(value: Any) -> bytes:
    return _written(value).encode()


def _first(values: Any) -> Any:
    return values[0] if isinstance(values, list) and values else None


def _text(content: Any) -> str | None:
    """A message's content: text, nothing, or text in parts."""
    if content is None or isinstance(content, str):
        return content or ""
    if isinstance(content, list) and all(isinstance(part, dict) for part in content):
        texts = [part.get("text") for part in content]
        return "".join(text for text in texts if isinstance(text, str))
    return None


def _count(usage: Any, name: str) -> int:
    value = usage.get(name) if isinstance(usage, dict) else None
    return value if isinstance(value, int) and 0 <= value < 1 << 40 else 0
