"""Every number that any command takes: what is none, or has no meaning there, is refused in one sentence."""

import click
import pytest
from click.testing import CliRunner

from pgen.cli import cli
from pgen.components.options import Options
from pgen.config.runfile import SHORT
from pgen.registry import registry
from pgen_demo.example import write_example
from pgen_lerobot.read import LeRobotSource

CONTEXT = click.Context(cli)
ARGUMENTS = {
    "annotate": ["--root", "ROOT", "--output-dir", "OUT", "--generator", "template"],
    "compare": ["RESULT", "RESULT"],
    "export": ["RESULT", "--output-dir", "OUT"],
    "preview": ["--root", "ROOT", "--generator", "template"],
    "report": ["RESULT"],
    "segment": ["--root", "ROOT", "--output-dir", "OUT", "--overwrite"],
}


def numeric():
    """Each numeric option of each command, with what it cannot be."""
    for name in cli.list_commands(CONTEXT):
        for option in cli.get_command(CONTEXT, name).params:
            if isinstance(option.type, click.types.FloatParamType):
                yield from ((name, option.opts[0], value) for value in ("nan", "inf", "-inf", "1e999", "-1"))
            elif isinstance(option.type, click.types.IntParamType) and option.name != "seed":
                yield from ((name, option.opts[0], value) for value in ("nan", "-1", "0.5"))


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    from pgen import annotate

    folder = tmp_path_factory.mktemp("numbers")
    root = write_example(folder / "data")
    annotate(LeRobotSource(root=root, episodes="0"), folder / "result", generator="template")
    return {"ROOT": str(root), "RESULT": str(folder / "result")}


@pytest.mark.parametrize(("command", "option", "value"), list(numeric()))
def test_a_number_that_an_option_cannot_be_is_refused_in_one_sentence(places, tmp_path, command, option, value):
    known = {**places, "OUT": str(tmp_path / "out")}
    arguments = [known.get(part, part) for part in ARGUMENTS[command]]
    done = CliRunner().invoke(cli, [command, *arguments, f"{option}={value}"])
    assert done.exit_code == 2, done.output
    (sentence,) = [line for line in done.output.splitlines() if "rror: " in line]
    name = option[2:].replace("-", "_")
    assert any(written in sentence for written in (option, name, SHORT.get(name, ("", option))[1]))
    assert list(tmp_path.iterdir()) == []


def test_a_float_of_any_components_options_is_finite():
    names = [
        (kind, name) for kind in ("sampler", "generator", "check", "executor") for name in registry().components(kind)
    ]
    for kind, name in names:
        assert registry().find(kind, name).Options.model_config["allow_inf_nan"] is False


@pytest.mark.parametrize("value", ["nan", "inf", "-inf"])
def test_a_plugins_option_is_finite_too(value):
    class Mine(Options):
        weight: float = 1.0

    with pytest.raises(ValueError, match="finite"):
        Mine(weight=value)

    @click.command()
    @click.option("--weight", type=float)
    def mine(weight):
        """A plugin's."""

    from pgen.cli.numbers import require_finite

    require_finite(mine)
    done = CliRunner().invoke(mine, ["--weight", value])
    assert done.exit_code == 2
    assert "is not a finite number" in done.output
