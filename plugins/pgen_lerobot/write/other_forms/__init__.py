"""Other forms of the output, for other trainers: each sink adds to what the sink `lerobot` wrote."""

from pgen_lerobot.write.other_forms.annotations import ANNOTATIONS, LeRobotAnnotationsSink, atoms_of
from pgen_lerobot.write.other_forms.high_level_policy import HighLevelPolicySink
from pgen_lerobot.write.other_forms.language_columns import LanguageColumns, LanguageColumnsSink
from pgen_lerobot.write.other_forms.language_rows import COLUMNS, arrow_type
from pgen_lerobot.write.other_forms.task_override import TASK, TaskOverrideSink, overridden, targets

__all__ = [
    "ANNOTATIONS",
    "COLUMNS",
    "TASK",
    "HighLevelPolicySink",
    "LanguageColumns",
    "LanguageColumnsSink",
    "LeRobotAnnotationsSink",
    "TaskOverrideSink",
    "arrow_type",
    "atoms_of",
    "overridden",
    "targets",
]
