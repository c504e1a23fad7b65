"""pgen writes the dialogue that hierarchical robot policies learn from into a LeRobot dataset.

Names are imported on first use, so that `import pgen` and the command line stay light.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from pgen.hookspecs import hookimpl

if TYPE_CHECKING:
    from pgen.api import annotate
    from pgen.components import Component, Generator, ImageReader, PromptBuilder, Results, Sampler, Sink, Source
    from pgen.components.check import Check, Context
    from pgen.components.executor import Executor
    from pgen.components.options import Options, tuning
    from pgen.errors import ConfigError, InputError, PgenError, PluginError, SampleError
    from pgen.records import (
        Annotation,
        Clip,
        ClipFrame,
        Dialogue,
        Episode,
        Failure,
        Finding,
        Image,
        Judgement,
        Moment,
        Plan,
        Prompt,
        Question,
        Repair,
        Reply,
        Request,
        Sample,
        Skill,
        SpanContext,
        Turn,
        Usage,
    )
    from pgen.run.report import Report
    from pgen_lerobot.read.frame_dialogues import open
    from pgen_lerobot.read.torch_dataset import LeRobotDialogueDataset

__version__ = "0.1.0"

__all__ = [
    "Annotation",
    "Check",
    "Clip",
    "ClipFrame",
    "Component",
    "ConfigError",
    "Context",
    "Dialogue",
    "Episode",
    "Executor",
    "Failure",
    "Finding",
    "Generator",
    "Image",
    "ImageReader",
    "InputError",
    "Judgement",
    "LeRobotDialogueDataset",
    "Moment",
    "Options",
    "PgenError",
    "Plan",
    "PluginError",
    "Prompt",
    "PromptBuilder",
    "Question",
    "Repair",
    "Reply",
    "Report",
    "Request",
    "Results",
    "Sample",
    "SampleError",
    "Sampler",
    "Sink",
    "Skill",
    "Source",
    "SpanContext",
    "Turn",
    "Usage",
    "annotate",
    "hookimpl",
    "open",
    "tuning",
]

_HOMES = {
    "pgen.api": ("annotate",),
    "pgen.components.check": ("Check", "Context"),
    "pgen.components": (
        "Component", "Generator", "ImageReader", "PromptBuilder", "Results", "Sampler", "Sink", "Source",
    ),
    "pgen.components.options": ("Options", "tuning"),
    "pgen.errors": ("ConfigError", "InputError", "PgenError", "PluginError", "SampleError"),
    "pgen.records": (
        "Annotation", "Clip", "ClipFrame", "Dialogue", "Episode", "Failure", "Finding", "Image", "Judgement", "Moment",
        "Plan", "Prompt", "Question", "Repair", "Reply", "Request", "Sample", "Skill", "SpanContext", "Turn", "Usage",
    ),
    "pgen.components.executor": ("Executor",),
    "pgen.run.report": ("Report",),
    # The one exception to "nothing in pgen/ knows a plugin": what reads a finished LeRobot dataset is asked for as
    # `pgen.…`, lives with everything else about that format, and is looked up only when it is asked for.
    "pgen_lerobot.read.frame_dialogues": ("open",),
    "pgen_lerobot.read.torch_dataset": ("LeRobotDialogueDataset",),
}  # fmt: skip
_HOME = {name: module for module, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'pgen' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)
