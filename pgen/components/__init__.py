"""The contracts of everything that is chosen by name: one base class per kind."""

from pgen.components.base import Component
from pgen.components.check import Check, Context
from pgen.components.executor import Executor, KeyedResult, Recorder, Work
from pgen.components.generator import Generator
from pgen.components.options import Options, tuning
from pgen.components.progress import Phase, Step, silent
from pgen.components.prompt import PromptBuilder
from pgen.components.sampler import Sampler
from pgen.components.segmenter import EpisodeSpans, ModelSegmenter, Recording, Segmenter
from pgen.components.sink import Results, Sink
from pgen.components.source import ImageReader, Source

__all__ = [
    "Check",
    "Component",
    "Context",
    "EpisodeSpans",
    "Executor",
    "Generator",
    "ImageReader",
    "KeyedResult",
    "ModelSegmenter",
    "Options",
    "Phase",
    "PromptBuilder",
    "Recorder",
    "Recording",
    "Results",
    "Sampler",
    "Segmenter",
    "Sink",
    "Source",
    "Step",
    "Work",
    "silent",
    "tuning",
]
