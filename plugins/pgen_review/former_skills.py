"""Texts that name a skill to which their dialogue no longer leads: a person must read them before they are accepted."""

from collections.abc import Collection

from pgen.records import Dialogue
from pgen_dialogue.checks import content


def named(dialogue: Dialogue, former: Collection[str], present: Collection[str]) -> list[str]:
    """Return the former skills of which a dialogue has a word that no present skill has, or the whole name."""
    text = f"{dialogue.user_prompt} {dialogue.robot_utterance}"
    words = content(text).difference(*map(content, present))
    return [name for name in former if content(name) & words or name.casefold() in text.casefold()]
