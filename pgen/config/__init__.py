"""Configuration of a run: its options, run files, and the assembly of its components."""

from pgen.config.assembly import Parts, check_suited, create, fitting, worker_components
from pgen.config.options import RunKeywords, RunOptions
from pgen.config.ranges import parse_ranges
from pgen.config.runfile import Choice, RunConfig, assign, build, resolve

__all__ = [
    "Choice",
    "Parts",
    "RunConfig",
    "RunKeywords",
    "RunOptions",
    "assign",
    "build",
    "check_suited",
    "create",
    "fitting",
    "parse_ranges",
    "resolve",
    "worker_components",
]
