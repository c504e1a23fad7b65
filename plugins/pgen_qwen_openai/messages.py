"""The body of a chat completion request, and the reply in its response."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from pybase64 import b64encode_as_string
from pydantic_core import to_json

from pgen.errors import SampleError
from pgen.records import Clip, Image, Prompt, Repair, Reply
from pgen.safety.redaction import excerpt
from pgen_qwen_openai.options import QwenOpenAIOptions
from pgen_qwen_openai.reasoning import OPENED, Reasoning, is_reasoned

type Message = dict[str, Any]

_CONTROL_TOKEN = re.compile(r"<(\|[A-Za-z0-9_]{1,32}\|>)")

_MEDIA = ("image", "video")

MAX_QUOTED = 4000
"""Characters of an unusable reply that are shown to the model again."""


class RequestFields:
    """The fields that all requests of a run share.

    The user's `extra` fields take precedence; a field set to None there is omitted, and so are the `unknown` fields,
    which a server does not know. `max_tokens` then becomes `max_completion_tokens`.
    """

    def __init__(self, model: str, options: QwenOpenAIOptions, unknown: frozenset[str], reasoning: Reasoning) -> None:
        limit = "max_tokens" if "max_tokens" not in unknown else "max_completion_tokens"
        tokens = options.max_tokens + reasoning.reserved
        fields = {"model": model, "temperature": options.temperature, limit: tokens, "stream": False}
        known = {name: value for name, value in fields.items() if name not in unknown}
        self._fields = {**known, **options.extra, **reasoning.fields(options)}
        self._seeded = "seed" not in unknown.union(options.extra)

    def body(
        self,
        messages: Sequence[Message],
        seed: int,
        response_format: Mapping[str, Any] | None,
        clip_times: Mapping[str, Any] | None = None,
    ) -> bytes:
        """Return the JSON body of a request. The seed is cut to 31 bits, which every server accepts."""
        seeded = {"seed": seed & 0x7FFFFFFF} if self._seeded else {}
        own = {"response_format": response_format, "media_io_kwargs": clip_times}
        fields = {**own, **self._fields, **seeded, "messages": messages}
        # json.dumps takes four times as long over the images, which is half of a request's CPU time.
        return to_json({name: value for name, value in fields.items() if value is not None})


def chat_messages(
    prompt: Prompt, suffix: str, media: Sequence[Image | Clip], repair: Repair | None = None
) -> list[Message]:
    """Return the system message, the images between their texts, and for a repair the bad reply with its error."""
    messages: list[Message] = []
    if prompt.system:
        messages.append({"role": "system", "content": _plain(prompt.system)})
    # What requests of an episode share comes first, so that a server finds it in its prefix cache.
    context = [{"type": "text", "text": _plain(prompt.context)}] if prompt.context else []
    text = {"type": "text", "text": _plain(prompt.text + suffix)}
    messages.append({"role": "user", "content": [*context, *map(_media_part, media), text]})
    if repair:
        problem = f"That is not usable: {repair.problem}\nReply again, with the JSON object alone."
        messages.append({"role": "assistant", "content": _plain(repair.reply[:MAX_QUOTED])})
        messages.append({"role": "user", "content": _plain(problem)})
    return messages


def clip_times(clips: Sequence[Clip]) -> dict[str, Any] | None:
    """Return the field that states when the frames of clips were taken, by their mean rate; None without clips.

    The clips of a moment have the same times.
    """
    if not clips:
        return None
    count, first = len(clips[0].frames), clips[0].times[0]
    rate = (count - 1) / -first if first else 1.0
    indices = list(range(count))
    return {"video": {"fps": rate, "frames_indices": indices, "total_num_frames": count, "duration": count / rate}}


def read_reply(completion: Any) -> Reply | None:
    """Return the reply in a chat completion; None where it is not one. Raises SampleError("refused")."""
    choice = _first(completion.get("choices")) if isinstance(completion, dict) else None
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
    reasoning = _text(message.get("reasoning") or message.get("reasoning_content")) or ""
    if not text and _is_object(reasoning):  # some servers take a whole reply for reasoning
        text, reasoning = reasoning, ""
    usage = completion.get("usage")
    tokens_in, tokens_out = (_token_count(usage, name) for name in ("prompt_tokens", "completion_tokens"))
    details = usage.get("prompt_tokens_details") if isinstance(usage, dict) else None
    cached = min(_token_count(details, "cached_tokens"), tokens_in)
    images = _image_tokens(details, tokens_in)
    truncated = finish == "length"
    reasoned = is_reasoned(text, reasoning, truncated=truncated)
    text = text or (f"{OPENED}{reasoning}" if reasoning else "")
    return Reply(text, truncated, tokens_in, tokens_out, 0, cached, reasoned, images)


def _media_part(media: Image | Clip) -> Message:
    """A JPEG as a data URL; a clip as vLLM's video/jpeg, whose frames are separated by commas."""
    kind, frames = ("image", (media,)) if isinstance(media, Image) else ("video", media.frames)
    data = ",".join(b64encode_as_string(frame.jpeg) for frame in frames)
    return {"type": f"{kind}_url", f"{kind}_url": {"url": f"data:{kind}/jpeg;base64,{data}"}}


def _is_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text, strict=False), dict)
    except (ValueError, RecursionError):
        return False


def _plain(text: str) -> str:
    """Replace lone surrogates, which servers reject, and break up what a tokenizer reads as a control token.

    So a dataset's text can neither end a turn nor stand for an image.
    """
    return _CONTROL_TOKEN.sub(r"< \1", text.encode("utf-8", "replace").decode())


def _first(values: Any) -> Any:
    return values[0] if isinstance(values, list) and values else None


def _text(content: Any) -> str | None:
    """Return a message's content, which is text, null, or text in parts."""
    if content is None or isinstance(content, str):
        return content or ""
    if isinstance(content, list) and all(isinstance(part, dict) for part in content):
        texts = [part.get("text") for part in content]
        return "".join(text for text in texts if isinstance(text, str))
    return None


def _image_tokens(details: Any, tokens_in: int) -> int | None:
    """Return the tokens of images and clips among those of a prompt; None where the server does not count them.

    vLLM counts them in `multimodal_tokens` by kind, SGLang and DashScope in `image_tokens` and `video_tokens`.
    """
    if not isinstance(details, dict):
        return None
    kinds = details.get("multimodal_tokens")
    kinds = kinds if isinstance(kinds, dict) else {kind: details.get(f"{kind}_tokens") for kind in _MEDIA}
    counts = [_token_count(kinds, kind) for kind in _MEDIA if isinstance(kinds.get(kind), int)]
    return min(sum(counts), tokens_in) if counts else None


def _token_count(usage: Any, name: str) -> int:
    value = usage.get(name) if isinstance(usage, dict) else None
    return value if isinstance(value, int) and 0 <= value < 1 << 40 else 0
