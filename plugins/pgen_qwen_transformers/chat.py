"""A request as the messages of a chat: system message, images between their texts, and for a repair the bad reply."""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from pgen.records import Request

REPAIR = "That is not usable: {}\nReply again, with the JSON object alone."

MAX_QUOTED = 4000
"""Characters of an unusable reply that are shown to the model again."""


def messages(request: Request, control: Iterable[str]) -> list[dict[str, Any]]:
    """Return the messages. `control` holds the texts that the tokenizer reads as control tokens.

    Text of datasets and models that contains one is broken up, so that it neither ends a turn nor stands for an image.
    """
    pattern = _pattern(tuple(control))

    def plain(text: str) -> dict[str, str]:
        valid = text.encode("utf-8", "replace").decode()  # without lone surrogates
        return {"type": "text", "text": pattern.sub(lambda match: f"{match[0][0]} {match[0][1:]}", valid)}

    def turn(role: str, *content: dict[str, str]) -> dict[str, Any]:
        return {"role": role, "content": [*content]}

    prompt, repair = request.prompt, request.repair
    chat = [turn("system", plain(prompt.system))] if prompt.system else []
    context = [plain(prompt.context)] if prompt.context else []
    media = [{"type": "image"}] * len(request.images) + [{"type": "video"}] * len(request.clips)
    chat.append(turn("user", *context, *media, plain(prompt.text)))
    if repair:
        chat += [turn("assistant", plain(repair.reply[:MAX_QUOTED]))]
        chat += [turn("user", plain(REPAIR.format(repair.problem)))]
    return chat


@lru_cache(maxsize=4)
def _pattern(control: tuple[str, ...]) -> re.Pattern[str]:
    longest_first = sorted(control, key=len, reverse=True)
    return re.compile("|".join(map(re.escape, longest_first)) or r"(?!)")
