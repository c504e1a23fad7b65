"""A sink that builds on another one brings it along, once, and behind it."""

import pytest

import pgen
from pgen.config.assembly import create
from pgen.config.runfile import build
from pgen.errors import ConfigError
from pgen.registry import Registry
from pgen.testing import FakeGenerator, FakeSource, MemorySink


class Marked(pgen.Sink):
    """Adds a mark to what `memory` keeps."""

    name = "marked"
    builds_on = "memory"


class Twice(pgen.Sink):
    """Builds on what builds on something."""

    name = "twice"
    builds_on = "marked"


class Lost(pgen.Sink):
    """Builds on what is not installed."""

    name = "lost"
    builds_on = "nowhere"


class Provides:
    @pgen.hookimpl
    def pgen_sinks(self):
        return MemorySink, Marked, Twice, Lost


def sinks(*names, sink=None, **options):
    known = Registry([])
    known.register(Provides(), "provides")
    objects = {"source": FakeSource(), "generator": FakeGenerator(), "sampler": Every(), "prompt": Plain()}
    objects["executor"] = Here()
    tables: dict = {kind: {"name": kind} for kind in objects} | {"check": {"name": "none"}}
    config = build({"output_dir": "out", **tables, "sink": {"name": list(names), **options}})
    return [part.name for part in create(config, objects | ({"sink": sink} if sink else {}), known).sinks]


class Every(pgen.Sampler):
    name = "every"


class Plain(pgen.PromptBuilder):
    name = "plain"


class Here(pgen.Executor):
    name = "here"


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
def test_what_a_sink_builds_on_comes_first_and_once(names, expected):
    assert sinks(*names) == expected


def test_a_sink_that_is_an_object_brings_it_along_too():
    assert sinks(sink=Twice()) == ["memory", "marked", "twice"]


def test_what_is_built_on_and_not_installed_is_named():
    with pytest.raises(ConfigError, match="there is no sink named 'nowhere'"):
        sinks("lost")


def test_an_option_that_no_sink_has_is_refused_by_the_one_that_was_named():
    with pytest.raises(ConfigError, match="sink twice: there is no option colour"):
        sinks("twice", colour="red")
