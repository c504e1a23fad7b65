"""The contracts of everything that is chosen by name: one base class per kind."""

from pgen.components.base import Component
from pgen.components.check import Check, Context
from pgen.components.executor import Executor, Groups, KeyedResult, Recall, Recorder, Work
from pgen.components.generator import Generator, Patches
from pgen.components.options import Options, defaults_of, explain, tuning
from pgen.components.progress import Phase, Step, silent
from pgen.components.prompt import MomentPromptBuilder, PromptBuilder
from pgen.components.sampler import Sampler
from pgen.components.segmenter import USUAL, EpisodeSpans, ModelSegmenter, Recording, Segmenter
from pgen.components.sink import Results, Sink
from pgen.components.source import ROOT, ImageReader, Source

__all__ = [
    "ROOT",
    "USUAL",
    "Check",
    "Component",
    "Context",
    "EpisodeSpans",
    "Executor",
    "Generator",
    "Groups",
    "ImageReader",
    "KeyedResult",
    "ModelSegmenter",
    "MomentPromptBuilder",
    "Options",
    "Patches",
    "Phase",
    "PromptBuilder",
    "Recall",
    "Recorder",
    "Recording",
    "Results",
    "Sampler",
    "Segmenter",
    "Sink",
    "Source",
    "Step",
    "Work",
    "defaults_of",
    "explain",
    "silent",
    "tuning",
]
