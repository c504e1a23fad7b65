"""`pgen.annotate` as a function: components by name or as objects, and typed options of the run."""

import pytest

import pgen
from pgen.config.options import RunKeywords, RunOptions
from pgen.testing import FakeGenerator, FakeSource, MemorySink
from pgen_samplers.samplers import Segments


def test_the_keywords_are_the_options_of_a_run():
    assert {*RunKeywords.__annotations__, "output_dir"} == set(RunOptions.model_fields)
    for name, hint in RunKeywords.__annotations__.items():
        assert RunOptions.model_fields[name].annotation == hint


def test_components_may_be_names_and_objects(tmp_path):
    sink = MemorySink()
    report = pgen.annotate(
        FakeSource(), tmp_path / "out", generator="template", sampler=Segments(), sink=sink, checks=[]
    )
    assert report.samples == len(sink.annotations) > 0


@pytest.mark.parametrize(
    ("kind", "component", "message"),
    [
        ("generator", Segments(), r"generator=Segments\(.*\) is a sampler; pass a name or a pgen.Generator"),
        ("judge", Segments(), r"judge=Segments\(.*\) is a sampler; pass a name or a pgen.Generator"),
        ("sampler", Segments, r"sampler=Segments is a class; pass an object, Segments\(…\)"),
        ("sink", 3, r"sink=3 is no component but of type int; pass a name or a pgen.Sink"),
        ("checks", [FakeGenerator()], r"check=FakeGenerator\(\) is a generator"),
        ("root", FakeGenerator(), r"source=FakeGenerator\(\) is a generator"),
    ],
)
def test_an_object_of_the_wrong_kind_is_refused(tmp_path, kind, component, message):
    arguments = {"root": FakeSource(), "generator": FakeGenerator(), kind: component}
    with pytest.raises(pgen.ConfigError, match=message):
        pgen.annotate(output_dir=tmp_path / "out", **arguments)


def test_an_unknown_option_offers_the_closest(tmp_path):
    with pytest.raises(pgen.ConfigError, match=r"there is no option sed \(did you mean seed\?\)"):
        pgen.annotate(FakeSource(), tmp_path / "out", generator=FakeGenerator(), sed=3)
