"""A request as the messages of a chat: the system's words, the pictures then the text, and the second try.

Text comes from datasets and models: where it spells one of the tokenizer's control tokens, it is parted
so that it ends no turn and stands for no picture.
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from pgen.records import Request

AGAIN = "That is not usable: {}\nReply again, with the JSON object alone."

MAX_QUOTED = 4000
"""Characters of a bad reply that are shown to the model again."""


def messages(request: Request, control: Iterable[str]) -> list[dict[str, Any]]:
    """The chat to answer; `control` are the texts that the tokenizer reads as control tokens."""
    pattern = _pattern(tuple(control))

    def turn(role: str, text: str, shown: Iterable[str] = ()) -> dict[str, Any]:
        whole = text.encode("utf-8", "replace").decode()
        plain = pattern.sub(lambda found: f"{found[0][0]} {found[0][1:]}", whole)
        return {"role": role, "content": [*({"type": kind} for kind in shown), {"type": "text", "text": plain}]}

    prompt, repair = request.prompt, request.repair
    chat = [turn("system", prompt.system)] if prompt.system else []
    chat.append(turn("user", prompt.text, ["image"] * len(request.images) + ["video"] * len(request.clips)))
    if repair:
        chat += [turn("assistant", repair.reply[:MAX_QUOTED]), turn("user", AGAIN.format(repair.problem))]
    return chat


@lru_cache(maxsize=4)
def _pattern(control: tuple[str, ...]) -> re.Pattern[str]:
    longest_first = sorted(control, key=len, reverse=True)
    return re.compile("|".join(map(re.escape, longest_first)) or r"(?!)")
