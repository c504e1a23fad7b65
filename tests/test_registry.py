from importlib.metadata import EntryPoint

import pytest

import pgen
from pgen.components import Generator, Sampler
from pgen.errors import ConfigError, PluginError
from pgen.hookspecs import Flag
from pgen.registry import Registry
from pgen.testing import FakeGenerator

SAMPLERS = EntryPoint("samplers", "pgen_samplers", "pgen")


class Provides:
    def __init__(self, *classes):
        self._classes = classes

    @pgen.hookimpl
    def pgen_generators(self):
        return self._classes


def test_components_are_found_through_entry_points():
    assert set(Registry([SAMPLERS]).components("sampler")) == {"segments", "interval", "uniform", "every-frame"}


def test_a_plugin_that_cannot_be_imported_breaks_nothing_else_and_is_named_where_it_is_missed():
    registry = Registry([SAMPLERS, EntryPoint("lost", "no_such_module", "pgen")])
    assert "segments" in registry.components("sampler")
    (lost,) = [plugin for plugin in registry.plugins if plugin.name == "lost"]
    assert "No module named 'no_such_module'" in lost.error
    with pytest.raises(ConfigError, match="Plugin lost failed to load: ModuleNotFoundError"):
        registry.find("sampler", "mine")


def test_a_hook_that_raises_breaks_nothing_else():
    class Raises:
        @pgen.hookimpl
        def pgen_samplers(self):
            raise ImportError("torch is not here")

    registry = Registry([SAMPLERS])
    registry.register(Raises(), "raises")
    assert "segments" in registry.components("sampler")
    assert [plugin.error for plugin in registry.plugins if plugin.name == "raises"] == [
        "ImportError: torch is not here"
    ]


def test_a_misspelled_hook_is_an_error_that_lists_the_hooks():
    class Misspelled:
        @pgen.hookimpl
        def pgen_sampler(self):
            return ()

    with pytest.raises(PluginError, match=r"pgen_sampler.*the hooks are: pgen_sources, pgen_samplers"):
        Registry([]).register(Misspelled(), "typo")


def test_a_name_taken_twice_names_both_owners():
    registry = Registry([])
    registry.register(Provides(FakeGenerator), "one")
    registry.register(Provides(FakeGenerator), "two")
    with pytest.raises(PluginError, match=r"two plugins provide a generator named 'fake': (one and two|two and one)"):
        registry.components("generator")


@pytest.mark.parametrize("wrong", [object(), Sampler, Generator, type("Nameless", (FakeGenerator,), {"name": None})])
def test_a_class_of_another_kind_or_an_incomplete_one_is_refused_with_its_plugin(wrong):
    registry = Registry([])
    registry.register(Provides(wrong), "odd")
    with pytest.raises(PluginError, match="plugin odd"):
        registry.components("generator")


def test_an_unknown_name_offers_the_closest():
    with pytest.raises(ConfigError, match="there is no sampler named 'segment'; did you mean segments"):
        Registry([SAMPLERS]).find("sampler", "segment")


def test_a_flag_for_two_different_options_names_both_plugins():
    class Flags:
        def __init__(self, option):
            self._option = option

        @pgen.hookimpl
        def pgen_flags(self):
            yield Flag("--rate", self._option, "A rate.", "generator", type=float)

    registry = Registry([])
    for name, option in {"one": "generator.rate", "two": "generator.rate", "three": "sampler.rate"}.items():
        registry.register(Flags(option), name)
    with pytest.raises(PluginError, match=r"two plugins provide --rate: one for generator.rate and three for sampler"):
        registry.flags  # noqa: B018
