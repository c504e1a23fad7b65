"""The contracts of everything that is chosen by name: one base class per kind."""

from pgen.components.base import Component
from pgen.components.check import Check, Context
from pgen.components.generator import Generator
from pgen.components.options import Options, tuning
from pgen.components.progress import Phase, Step, silent
from pgen.components.prompt import PromptBuilder
from pgen.components.sampler import Sampler
from pgen.components.sink import Results, Sink
from pgen.components.source import ImageReader, Source

__all__ = [
    "Check",
    "Component",
    "Context",
    "Generator",
    "ImageReader",
    "Options",
    "Phase",
    "PromptBuilder",
    "Results",
    "Sampler",
    "Sink",
    "Source",
    "Step",
    "silent",
    "tuning",
]
