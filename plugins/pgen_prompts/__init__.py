"""Ways to ask for a dialogue: `hi-robot` (default), `seed` (the plain template), `file` (the user's own).

All ask with what Hi Robot conditions on: the pictures now, the task, every earlier skill, the next one.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from pgen.hookspecs import hookimpl

if TYPE_CHECKING:
    from pgen.components import PromptBuilder


@hookimpl
def pgen_prompt_builders() -> "Iterable[type[PromptBuilder]]":
    from pgen_prompts.file import FilePrompt
    from pgen_prompts.hi_robot import HiRobotPrompt
    from pgen_prompts.seed import SeedPrompt

    return HiRobotPrompt, SeedPrompt, FilePrompt
