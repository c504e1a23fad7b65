"""Dialogue: prompt builders, checks of dialogues, and the generator `template`, which uses no model."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from pgen.hookspecs import Flag, hookimpl

if TYPE_CHECKING:
    from pgen.components import Check, Generator, PromptBuilder


@hookimpl
def pgen_prompt_builders() -> "Iterable[type[PromptBuilder]]":
    from pgen_dialogue.prompts.file import FilePrompt
    from pgen_dialogue.prompts.hi_robot import HiRobotPrompt
    from pgen_dialogue.prompts.seed import SeedPrompt

    return HiRobotPrompt, SeedPrompt, FilePrompt


@hookimpl
def pgen_checks() -> "Iterable[type[Check]]":
    from pgen_dialogue.checks.duplicates import Duplicates
    from pgen_dialogue.checks.grounding import Grounding
    from pgen_dialogue.checks.language import Language
    from pgen_dialogue.checks.speech import Speech
    from pgen_dialogue.checks.wording import LabelCopy, Length, MetaWords

    return Grounding, Speech, MetaWords, LabelCopy, Length, Language, Duplicates


@hookimpl
def pgen_generators() -> "Iterable[type[Generator]]":
    from pgen_dialogue.template.generator import TemplateGenerator

    return (TemplateGenerator,)


@hookimpl
def pgen_flags() -> "Iterable[Flag]":
    text = "The share of decision points with prompts that lead elsewhere.  [default: 0]"
    group = "sampling and prompts"
    yield Flag("--counterfactuals", "prompt.counterfactuals", text, group, type=float, metavar="SHARE")


@hookimpl
def pgen_defaults() -> dict[str, str | tuple[str, ...]]:
    checks = ("grounding", "speech", "meta-words", "label-copy", "length", "language", "duplicates")
    return {"prompt": "hi-robot", "check": checks}
