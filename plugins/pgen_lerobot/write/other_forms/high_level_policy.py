"""The sink `high-level-policy`: a dataset from which LeRobot's policies learn the next skill from the user prompt.

Their recipes show `task`, the text of a frame's `task_index`, and train the `subtask` row in force in
`language_persistent`. So `task_index` points at the user prompt, and the subtasks are the skills.
"""

from pathlib import Path

from pgen.components import Options, Results, Source
from pgen_lerobot.write import OtherForm
from pgen_lerobot.write.other_forms.language_columns import LanguageColumnsSink
from pgen_lerobot.write.other_forms.task_override import TaskOverrideSink


class HighLevelPolicyOptions(Options):
    overwrite: bool = False
    """Replace the language columns, with all that is in them, where the dataset has them already."""


class HighLevelPolicySink(OtherForm[HighLevelPolicyOptions]):
    """The main route for stock LeRobot: task_index is the user prompt, the subtask of the language columns the skill.

    It writes what `language-columns` and `task-override` with the prompt alone write.
    """

    name = "high-level-policy"

    def __init__(self, **options: object) -> None:
        super().__init__(**options)
        self._parts = LanguageColumnsSink(overwrite=self.options.overwrite), TaskOverrideSink(text="prompt")

    def open(self, source: Source) -> None:
        for part in self._parts:
            part.open(source)

    def needs_bytes(self, source: Source) -> int:
        return sum(part.needs_bytes(source) for part in self._parts)

    def remarks(self) -> tuple[str, ...]:
        return tuple(remark for part in self._parts for remark in part.remarks())

    def write(self, results: Results, out: Path) -> None:
        for part in self._parts:
            part.write(results, out)
