"""An option's name may be written with underscores, as in Python, in every command."""

import click
import pytest
from click.testing import CliRunner

from pgen.cli import cli
from pgen.config.runfile import resolve
from pgen_demo.example import write_example

CONTEXT = click.Context(cli)
NAMES = [
    (name, option)
    for name in cli.list_commands(CONTEXT)
    for param in cli.get_command(CONTEXT, name).params
    for option in param.opts
    if option.startswith("--") and "-" in option[2:]
]


@pytest.mark.parametrize(("command", "option"), NAMES)
def test_underscores_in_an_options_name_are_dashes(command, option):
    underscored = f"--{option[2:].replace('-', '_')}"
    asked = [CliRunner().invoke(cli, [command, name]).output for name in (option, underscored)]
    assert "No such option" not in asked[1]
    assert asked[0] == asked[1]


def test_a_command_with_underscores_does_what_the_one_with_dashes_does(tmp_path):
    root = write_example(tmp_path / "data")
    arguments = ["annotate", "--root", str(root), "--generator", "template", "--output_dir", str(tmp_path / "out")]
    done = CliRunner().invoke(cli, [*arguments, "--max_samples", "3", "--sample_interval=2", "--dry_run"])
    assert done.exit_code == 0, done.output
    assert "samples    3" in done.output


def test_the_option_of_a_component_may_have_dashes_and_what_is_below_it_stays():
    values = resolve(None, {}, ["generator.base-url=http://x", "generator.extra.top-p=1"])
    assert values["generator"] == {"base_url": "http://x", "extra": {"top-p": "1"}}


def test_the_option_of_a_component_may_have_dashes_in_segment_too(tmp_path):
    root = write_example(tmp_path / "data")
    arguments = ["segment", "--root", str(root), "--output-dir", str(tmp_path / "out"), "--overwrite", "--dry-run"]
    names = [
        CliRunner().invoke(cli, [*arguments, "--opt", f"segmenter.{name}=x"]).output for name in ("min-s", "min_s")
    ]
    assert names[0] == names[1]
    assert "min_s" in names[0]
