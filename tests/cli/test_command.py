"""Options of all commands: names with underscores, numbers, groups in the help; and the order of commands."""

import click
import pytest
from click.testing import CliRunner
from rendered_example import write_example

from pgen.cli import cli
from pgen.cli.command import GROUPS, require_finite
from pgen.components import Options
from pgen.config.runfile import resolve
from pgen.registry import registry
from pgen_lerobot.read import LeRobotSource

COMMANDS = {name: cli.get_command(click.Context(cli), name) for name in cli.list_commands(click.Context(cli))}
OPTIONS = [(command, option) for command in COMMANDS for option in COMMANDS[command].params if option.opts[0][0] == "-"]
RUN = ["--root", "ROOT", "--output-dir", "OUT", "--generator", "template"]
ARGUMENTS = {
    "annotate": RUN,
    "compare": ["RESULT", "RESULT"],
    "export": ["RESULT", "--output-dir", "OUT"],
    "preview": ["--root", "ROOT", "--generator", "template"],
    "report": ["RESULT"],
    "review": ["RESULT"],
    "segment": ["--root", "ROOT", "--output-dir", "OUT", "--overwrite"],
}


def run(*arguments):
    return CliRunner().invoke(cli, list(arguments))


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    from pgen import annotate

    folder = tmp_path_factory.mktemp("numbers")
    root = write_example(folder / "data")
    annotate(LeRobotSource(root=root, episodes="0"), folder / "result", generator="template")
    return {"ROOT": str(root), "RESULT": str(folder / "result")}


def invalid_numbers():
    """Yield each numeric option of each command with values that it refuses."""
    for command, option in OPTIONS:
        if isinstance(option.type, click.types.FloatParamType):
            yield from ((command, option.opts[0], value) for value in ("nan", "inf", "-1"))
        elif isinstance(option.type, click.types.IntParamType) and option.name != "seed":
            yield from ((command, option.opts[0], value) for value in ("nan", "-1", "0.5"))


@pytest.mark.parametrize(("command", "option", "value"), list(invalid_numbers()))
def test_an_invalid_number_is_refused_in_one_sentence(places, tmp_path, command, option, value):
    names = {**places, "OUT": str(tmp_path / "out")}
    done = run(command, *(names.get(part, part) for part in ARGUMENTS[command]), f"{option}={value}")
    assert done.exit_code == 2, done.output
    (sentence,) = [line for line in done.output.splitlines() if "rror: " in line]
    name = option[2:].replace("-", "_")
    flag = registry().flags.get(name)
    assert any(written in sentence for written in (option, name, flag.target[1] if flag else option))
    assert list(tmp_path.iterdir()) == []


def test_the_options_of_all_components_are_finite():
    for kind in ("sampler", "generator", "check", "executor"):
        for cls in registry().components(kind).values():
            assert cls.Options.model_config["allow_inf_nan"] is False


@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "1e999"])
def test_the_options_of_a_plugin_are_finite(value):
    class Mine(Options):
        weight: float = 1.0

    with pytest.raises(ValueError, match="finite"):
        Mine(weight=value)

    @click.command()
    @click.option("--weight", type=float)
    def mine(weight):
        """A plugin's command."""

    require_finite(mine)
    done = CliRunner().invoke(mine, ["--weight", value])
    assert done.exit_code == 2
    assert "is not a finite number" in done.output


def test_every_option_may_be_written_with_underscores():
    for command, option in OPTIONS:
        for name in option.opts:
            if name.startswith("--") and "-" in name[2:]:
                outputs = [run(command, written).output for written in (name, f"--{name[2:].replace('-', '_')}")]
                assert outputs[0] == outputs[1]
                assert "No such option" not in outputs[1]


def test_underscored_options_have_the_same_effect(tmp_path):
    root = write_example(tmp_path / "data")
    arguments = ["annotate", "--root", str(root), "--generator", "template", "--output_dir", str(tmp_path / "out")]
    done = run(*arguments, "--max_samples", "3", "--sample_interval=2", "--dry_run")
    assert done.exit_code == 0, done.output
    assert "dialogues  3" in done.output


def test_a_components_option_may_have_dashes_but_keys_below_it_stay():
    values = resolve(None, {}, ["generator.base-url=http://x", "generator.extra.top-p=1"])
    assert values["generator"] == {"base_url": "http://x", "extra": {"top-p": "1"}}


def test_a_components_option_may_have_dashes_in_segment(tmp_path):
    root = write_example(tmp_path / "data")
    arguments = ["segment", "--root", str(root), "--output-dir", str(tmp_path / "out"), "--overwrite", "--dry-run"]
    outputs = [run(*arguments, "--opt", f"segmenter.{name}=x").output for name in ("min-s", "min_s")]
    assert outputs[0] == outputs[1]
    assert "min_s" in outputs[0]


def test_commands_are_listed_in_workflow_order_each_on_one_line():
    lines = CliRunner().invoke(cli, ["--help"], terminal_width=80).output.splitlines()
    listed = lines[lines.index("Commands:") + 1 :]
    names = [line.split()[0] for line in listed]
    assert names == list(COMMANDS)
    assert names[:5] == ["demo", "segment", "annotate", "preview", "report"]
    assert names[-2:] == ["plugins", "schema"]
    assert not any(line.endswith("...") or len(line) > 80 for line in listed)


@pytest.mark.parametrize("command", ["annotate", "preview"])
def test_options_of_a_run_are_grouped(command):
    output = run(command, "--help").output
    headings = [line[:-1] for line in output.splitlines() if line.endswith(":") and line[0] != " "]
    missing = {"annotate": {"segmentation"}, "preview": {"segmentation", "output"}}[command]
    groups = [group.capitalize() for group in GROUPS if group not in missing]
    assert headings == [*groups, "Options"]


def test_a_plugins_flag_appears_in_its_group_with_its_default():
    output = CliRunner().invoke(cli, ["annotate", "--help"], terminal_width=100).output
    for heading, option in {"Sampling and prompts": "--sample-interval SECONDS", "Server": "--base-url URL"}.items():
        assert option in output.partition(f"\n{heading}:\n")[2].partition("\n\n")[0]
    assert "--sampler NAME             How the samples are chosen.  [default: segments]" in output


def test_the_help_lists_no_argument_among_the_options():
    assert " report [OPTIONS] DIR" in (text := run("report", "--help").output)
    assert "\n  DIR" not in text
