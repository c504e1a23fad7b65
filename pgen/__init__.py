"""pgen writes the dialogue that hierarchical robot policies learn from into a LeRobot dataset.

Names are imported on first use, so that `import pgen` and the command line stay light.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from pgen.hookspecs import Flag, Step, hookimpl

if TYPE_CHECKING:
    from pgen.api import annotate
    from pgen.components import (
        Check,
        Component,
        Context,
        Executor,
        Generator,
        ImageReader,
        MomentPromptBuilder,
        Options,
        PromptBuilder,
        Results,
        Sampler,
        Segmenter,
        Sink,
        Source,
        tuning,
    )
    from pgen.errors import ConfigError, InputError, PgenError, PluginError, SampleError
    from pgen.labels import frame_ranges
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

    # For type checkers only; at run time these come from the hook `pgen_names`.
    from pgen_lerobot.read import LeRobotDialogueDataset, open

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
    "Flag",
    "Generator",
    "Image",
    "ImageReader",
    "InputError",
    "Judgement",
    "LeRobotDialogueDataset",
    "Moment",
    "MomentPromptBuilder",
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
    "Segmenter",
    "Sink",
    "Skill",
    "Source",
    "SpanContext",
    "Step",
    "Turn",
    "Usage",
    "annotate",
    "frame_ranges",
    "hookimpl",
    "open",
    "tuning",
]

_MODULES = {
    "pgen.api": ("annotate",),
    "pgen.components": (
        "Check", "Component", "Context", "Generator", "ImageReader", "MomentPromptBuilder", "Options", "PromptBuilder",
        "Results", "Sampler", "Sink", "Source", "tuning",
    ),
    "pgen.components.executor": ("Executor",),
    "pgen.components.segmenter": ("Segmenter",),
    "pgen.errors": ("ConfigError", "InputError", "PgenError", "PluginError", "SampleError"),
    "pgen.labels": ("frame_ranges",),
    "pgen.records": (
        "Annotation", "Clip", "ClipFrame", "Dialogue", "Episode", "Failure", "Finding", "Image", "Judgement", "Moment",
        "Plan", "Prompt", "Question", "Repair", "Reply", "Request", "Sample", "Skill", "SpanContext", "Turn", "Usage",
    ),
    "pgen.run.report": ("Report",),
}  # fmt: skip
_MODULE = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name in _MODULE:
        return getattr(import_module(_MODULE[name]), name)
    if not name.startswith("_"):
        from pgen.registry import registry

        # Names of plugins, such as `open`.
        module, _, attribute = registry().names.get(name, "").partition(":")
        if module:
            return getattr(import_module(module), attribute)
    raise AttributeError(f"module 'pgen' has no attribute {name!r}")
