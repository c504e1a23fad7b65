"""Models that reason before they reply: how a reply shows it, and what requests do about it.

Requests turn reasoning off where the server can do that. Elsewhere they reserve tokens for it, so that the reply that
follows it is complete.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pgen_qwen_openai.options import QwenOpenAIOptions

OPENED, CLOSED = "<think>", "</think>"
"""Enclose reasoning in the text of a reply. A chat template may open it, so that the text only closes it."""

SWITCH = "enable_thinking"
"""The variable of chat templates that turns reasoning off."""

RESERVED = (8192, 4096, 2048)
"""Tokens that are reserved for reasoning: the first number that the server's context has room for."""


@dataclass(frozen=True, slots=True, order=True)
class Reasoning:
    """What requests do about reasoning: they reserve tokens for it, turn it off, or do nothing."""

    reserved: int = 0
    off: bool = False

    def fields(self, options: QwenOpenAIOptions) -> dict[str, Any]:
        """Return the request fields that turn reasoning off, with the user's other template variables."""
        if not self.off:
            return {}
        return {"chat_template_kwargs": {SWITCH: False, **options.extra.get("chat_template_kwargs", {})}}

    def describe(self) -> str:
        """Return what is done, for the manifest; empty where nothing is."""
        if self.reserved:
            return f"up to {self.reserved} more tokens a reply"
        return f"off, by chat_template_kwargs.{SWITCH}=false" if self.off else ""


def remedies(options: QwenOpenAIOptions) -> Iterator[Reasoning]:
    """Yield what to try with a model that reasons. The user's own choice of the switch is respected."""
    chosen = options.extra.get("chat_template_kwargs", {})
    if isinstance(chosen, Mapping) and SWITCH not in chosen:
        yield Reasoning(off=True)
    yield from (Reasoning(tokens) for tokens in RESERVED)


def is_reasoned(text: str, reasoning: str, *, truncated: bool) -> bool:
    """Whether a reply shows reasoning: in a field of its own, in its text, or by tokens that left no text."""
    if reasoning.strip() or (truncated and not text.strip()):
        return True
    if CLOSED in text and not text.lstrip().startswith("{"):
        # Some models write an empty block where reasoning is turned off.
        return bool(text.partition(CLOSED)[0].strip().removeprefix(OPENED).strip())
    return text.lstrip().startswith(OPENED)


def after_reasoning(text: str) -> str:
    """Return the text of a reply behind its reasoning; empty where that never ends."""
    return "" if text.startswith(OPENED) and CLOSED not in text else text.rpartition(CLOSED)[2]
