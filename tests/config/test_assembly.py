"""Components of a run, by name or as objects: what a sink builds on comes along, and each option finds its owner."""

import pytest

import pgen
from pgen.config.assembly import create
from pgen.config.runfile import build
from pgen.errors import ConfigError
from pgen.registry import Registry, registry
from pgen.testing import FakeGenerator, FakeSource, MemorySink


class Marked(MemorySink):
    """Adds a mark to the output of `memory`."""

    name = "marked"
    builds_on = "memory"


class Twice(MemorySink):
    """Builds on a sink that builds on another."""

    name = "twice"
    builds_on = "marked"


class Lost(MemorySink):
    """Builds on a sink that is not installed."""

    name = "lost"
    builds_on = "nowhere"


class Provides:
    @pgen.hookimpl
    def pgen_sinks(self):
        return MemorySink, Marked, Twice, Lost


def sinks(*names, sink=None, **options):
    plugins = Registry([])
    plugins.register(Provides(), "provides")
    shipped = {"sampler": "segments", "prompt": "hi-robot", "executor": "local"}
    objects = {"source": FakeSource(), "generator": FakeGenerator()}
    objects |= {kind: registry().find(kind, name)() for kind, name in shipped.items()}
    tables: dict = {kind: {"name": kind} for kind in objects} | {"check": {"name": "none"}}
    config = build({"output_dir": "out", **tables, "sink": {"name": list(names), **options}})
    return [part.name for part in create(config, objects | ({"sink": sink} if sink else {}), plugins).sinks]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["memory"], ["memory"]),
        (["marked"], ["memory", "marked"]),
        (["memory", "marked"], ["memory", "marked"]),
        (["marked", "memory"], ["memory", "marked"]),
        (["twice"], ["memory", "marked", "twice"]),
        (["twice", "marked"], ["memory", "marked", "twice"]),
    ],
)
def test_a_sink_runs_once_after_the_sinks_it_builds_on(names, expected):
    assert sinks(*names) == expected


def test_a_sink_object_adds_the_sinks_it_builds_on():
    assert sinks(sink=Twice()) == ["memory", "marked", "twice"]


def test_a_missing_sink_that_another_builds_on_is_named():
    with pytest.raises(ConfigError, match="there is no sink named 'nowhere'"):
        sinks("lost")


def test_an_option_of_no_sink_is_refused_by_the_first_named():
    with pytest.raises(ConfigError, match="sink twice: there is no option colour"):
        sinks("twice", colour="red")
