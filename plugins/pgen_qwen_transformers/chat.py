"""A request as the messages of a chat: system message, images with text, and for a repair the bad reply."""

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

    def turn(role: str, text: str, media: Iterable[str] = ()) -> dict[str, Any]:
        valid = text.encode("utf-8", "replace").decode()  # without lone surrogates
        plain = pattern.sub(lambda match: f"{match[0][0]} {match[0][1:]}", valid)
        return {"role": role, "content": [*({"type": kind} for kind in media), {"type": "text", "text": plain}]}

    prompt, repair = request.prompt, request.repair
    chat = [turn("system", prompt.system)] if prompt.system else []
    chat.append(turn("user", prompt.text, ["image"] * len(request.images) + ["video"] * len(request.clips)))
    if repair:
        chat += [turn("assistant", repair.reply[:MAX_QUOTED]), turn("user", REPAIR.format(repair.problem))]
    return chat


@lru_cache(maxsize=4)
def _pattern(control: tuple[str, ...]) -> re.Pattern[str]:
    longest_first = sorted(control, key=len, reverse=True)
    return re.compile("|".join(map(re.escape, longest_first)) or r"(?!)")
