import json

import pytest
from click.testing import CliRunner

from pgen.cli import cli
from pgen.hookspecs import HOOKS
from pgen.registry import registry


def run(*arguments, expect=0):
    result = CliRunner().invoke(cli, ["plugins", *arguments])
    assert result.exit_code == expect, result.output
    return result.output


def test_every_component_is_listed():
    output = run()
    for kind in HOOKS:
        for name in registry().components(kind):
            assert f"  {name}" in output


@pytest.mark.parametrize("name", ["segments", "lerobot", "file"])
def test_show_prints_every_option(name):
    output = run("show", name)
    for kind, cls in registry().named(name).items():
        for option in cls.Options.model_fields:
            assert f"--opt {kind}.{option}=…" in output


def test_show_prints_the_json_schema():
    options = json.loads(run("show", "segments", "--json"))["sampler"]
    assert {"exclusiveMinimum": 0, "type": "number"} in options["properties"]["interval"]["anyOf"]


def test_show_suggests_names():
    assert "did you mean segments" in run("show", "segmnts", expect=2)
