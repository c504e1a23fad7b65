import json
import re
import resource
import signal
import subprocess
import sys

import pytest
from click.testing import CliRunner

from pgen.cli import cli
from pgen.formats import schemas as schema
from pgen.registry import registry


def told(*arguments):
    result = CliRunner().invoke(cli, list(arguments))
    assert result.exit_code == 0, result.output
    return result.output


def test_plugins_lists_every_component_with_its_plugin():
    output = told("plugins")
    for kind in ("source", "sampler", "prompt", "generator", "sink"):
        for name in registry().components(kind):
            assert f"  {name}" in output


@pytest.mark.parametrize("name", ["segments", "lerobot", "hi-robot", "template", "file"])
def test_show_prints_every_option_with_type_default_and_documentation(name):
    output = told("plugins", "show", name)
    for kind, cls in registry().named(name).items():
        for option in cls.Options.model_fields:
            assert f"--opt {kind}.{option}=…" in output


def test_show_prints_the_json_schema():
    options = json.loads(told("plugins", "show", "segments", "--json"))["sampler"]
    assert options["properties"]["interval"]["exclusiveMinimum"] == 0


def test_show_of_an_unknown_component_offers_the_closest():
    result = CliRunner().invoke(cli, ["plugins", "show", "segmnts"])
    assert result.exit_code == 2
    assert "did you mean segments" in result.output


def test_schema_lists_and_prints_valid_schemas():
    for name in schema.names():
        assert name in told("schema")
        schema.compiled(json.loads(told("schema", name)))


def test_schema_of_an_unknown_name_lists_the_known_ones():
    result = CliRunner().invoke(cli, ["schema", "skill"])
    assert result.exit_code == 2
    assert "skills" in result.output


def test_a_dry_run_prints_the_plan_and_a_prompt_and_writes_nothing(tmp_path):
    from pgen_demo.example import write_example

    root = write_example(tmp_path / "data")
    output = told(
        "annotate", "--root", str(root), "--output-dir", str(tmp_path / "out"), "--generator", "template", "--dry-run"
    )
    assert "episodes   2" in output
    assert "samples    " in output
    assert "images     " in output
    assert "robot arm moves towards pink lego brick" in output
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_help_imports_nothing_heavy():
    heavy = ("torch", "av", "pyarrow", "PIL", "aiohttp", "huggingface_hub", "pydantic", "jsonschema", "lerobot")
    code = (
        "import sys\nfrom pgen.cli import cli\n"
        "try:\n    cli(['--help'])\nexcept SystemExit:\n    pass\n"
        f"print('HEAVY', [name for name in {heavy!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "HEAVY []" in done.stdout
    assert "annotate" in done.stdout


def test_a_dry_run_shows_what_conversations_variants_and_a_judge_cost(tmp_path):
    from pgen_demo.example import write_example

    root = write_example(tmp_path / "data")
    asked = ["annotate", "--root", str(root), "--output-dir", str(tmp_path / "out"), "--generator", "template"]
    wanted = ["--turns", "episode", "--variants", "2", "--judge", "qwen-openai", "--judge-share", "0.5", "--dry-run"]
    wanted += ["--opt", "judge.base_url=http://127.0.0.1:9/v1"]
    output = told(*asked, *wanted)
    assert "samples    48 (one request each)" in output
    assert "turns      in 4 conversations" in output
    assert "266 earlier turns are told again" in output
    assert "judged     about 24 (a request more each)" in output


def test_a_run_without_pictures_says_so_in_its_plan_and_in_its_report(tmp_path):
    from pgen_demo.example import write_example

    write_example(tmp_path / "data")
    run = ["annotate", "--root", str(tmp_path / "data"), "--generator", "template", "--max-samples", "2"]
    run += ["--output-dir", str(tmp_path / "out")]
    blind = [*run, "--num-image-views-per-sample", "0"]
    note = (
        "note       no picture is shown to the model: it is told so, and knows the scene from the task and the skills"
    )
    plan = told(*blind, "--dry-run")
    assert note in plan
    assert "You are shown no picture of the scene" in plan
    assert "You see the scene" not in plan
    assert note in told(*blind)
    assert "no picture" not in told(*run[:-1], str(tmp_path / "seen"), "--dry-run")


@pytest.mark.parametrize("command", [["segment", "--overwrite", "--output-dir", "out", "--root"], ["report"]])
def test_a_full_disk_ends_any_command_in_a_sentence_and_leaves_nothing(tmp_path, command):
    from pgen import annotate
    from pgen_demo.example import write_example

    def limited():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))

    root = write_example(tmp_path / "data")
    if command == ["report"]:
        root = tmp_path / "annotated"
        annotate(tmp_path / "data", root, generator="template")
    before = sorted(tmp_path.rglob("*"))
    run = [sys.executable, "-c", "from pgen.cli import main; main()", *command, str(root)]
    done = subprocess.run(run, capture_output=True, text=True, cwd=tmp_path, preexec_fn=limited)
    assert done.returncode == 2, done.stderr
    assert re.fullmatch(
        r"pgen: error: .*File too large.*[;.] [Pp]ut that right and (run|start) the same command again\.\n", done.stderr
    )
    assert sorted(tmp_path.rglob("*")) == before
