"""Several forms of one output: each adds to what the sink `lerobot` wrote, whatever was named."""

import json
import os
from pathlib import Path

import pytest
from click.testing import CliRunner
from forked import run_lerobot
from needed import lerobot_python
from old_layout import ONE_A_FILE, as_v20, as_v21
from sink_helpers import dataset, results, snapshot

import pgen
from pgen.cli import cli
from pgen.errors import ConfigError, InputError
from pgen.testing import FakeGenerator, FakeSource
from pgen_lerobot.read import LeRobotSource
from pgen_lerobot.verify import verify
from pgen_lerobot.write.other_forms import LanguageColumnsSink, TaskOverrideSink

TOP = Path(__file__).parents[5]
FORMS = ("language-columns", "lerobot-annotations", "task-override")


def run(root, out, *sinks, **options):
    named = [part for sink in sinks for part in ("--sink", sink)]
    given = [part for key, value in options.items() for part in ("--opt", f"sink.{key}={value}")]
    arguments = ["annotate", "--root", str(root), "--output-dir", str(out), "--generator", "template", *named, *given]
    return CliRunner().invoke(cli, arguments, catch_exceptions=False)


def sinks_of(out):
    manifest = json.loads((out / "meta/pgen/manifest.json").read_text())
    return [sink["name"] for sink in manifest["sinks"]]


def test_a_form_brings_along_what_it_builds_on_in_whatever_order(root, tmp_path):
    named = [("language-columns",), ("lerobot", "language-columns"), ("language-columns", "lerobot")]
    for number, sinks in enumerate(named):
        out = tmp_path / f"out-{number}"
        assert run(root, out, *sinks).exit_code == 0
        assert sinks_of(out) == ["lerobot", "language-columns"]
    trees = [
        {name: digest for name, (digest, _) in snapshot(tmp_path / f"out-{number}").items() if "manifest" not in name}
        for number in range(len(named))
    ]
    assert trees[0] == trees[1] == trees[2]


def test_all_forms_go_into_one_output_that_verifies(root, tmp_path):
    out = tmp_path / "out"
    done = run(root, out, *FORMS, text="prompt")
    assert "note       the language columns need lerobot 0.6 or newer" in done.output
    assert sinks_of(out) == ["lerobot", *FORMS]
    assert verify(out).problems == []


def test_a_form_as_an_object_brings_along_what_it_builds_on(root, tmp_path):
    report = pgen.annotate(root, tmp_path / "out", generator="template", sink=LanguageColumnsSink())
    assert sinks_of(report.output_dir) == ["lerobot", "language-columns"]
    assert len(report.remarks) == 1


def test_a_form_of_another_source_is_refused_before_anything_is_asked(tmp_path):
    generator = FakeGenerator()
    with pytest.raises(ConfigError, match="the source fake is none"):
        pgen.annotate(FakeSource(), tmp_path / "out", generator=generator, sink=TaskOverrideSink())
    assert generator.requests == []


def test_an_output_with_every_form_can_be_annotated_again(root, tmp_path):
    assert run(root, tmp_path / "out", *FORMS).exit_code == 0
    again = tmp_path / "again"
    refused = CliRunner().invoke(
        cli, ["annotate", "--root", str(tmp_path / "out"), "--output-dir", str(again), "--generator", "template"]
    )
    assert refused.exit_code != 0
    assert run(tmp_path / "out", again, *FORMS, overwrite="true").exit_code == 0
    assert verify(again, with_lerobot=False).problems == []


def test_lerobot_0_4_4_reads_every_form_but_the_language_columns(root, tmp_path):
    python = lerobot_python("0.4.4", "PGEN_LEROBOT044_PYTHON")
    environment = os.environ | {"HF_DATASETS_CACHE": str(tmp_path / "cache"), "HF_HUB_OFFLINE": "1"}

    def judged(*sinks):
        out = tmp_path / sinks[0]
        assert run(root, out, *sinks).exit_code == 0
        command = [python, "-W", "ignore", TOP / "tests/support/read_with_lerobot.py", out]
        return run_lerobot(command, environment)

    assert json.loads(judged("task-override", "lerobot-annotations").stdout)["lerobot"] == "0.4.4"
    assert "Neither language nor language_ seems to be a pyarrow data type" in judged("language-columns").stderr


def test_tools_that_are_no_list_are_refused_before_anything_is_asked(root):
    info = json.loads((root / "meta/info.json").read_text())
    (root / "meta/info.json").write_text(json.dumps({**info, "tools": {"say": 1}}))
    with pytest.raises(InputError, match=r"info.json: `tools` is no list"):
        LanguageColumnsSink().open(results(root).source)


@pytest.mark.parametrize("rearrange", [as_v20, as_v21])
def test_language_columns_are_for_v3_alone(rearrange, tmp_path):
    root = rearrange(dataset(tmp_path / "in", **ONE_A_FILE))
    source = LeRobotSource(root=root)
    source.open()
    with pytest.raises((ConfigError, InputError), match=r"v2\.[01].*v3\.0|v3\.0.*v2\.[01]"):
        LanguageColumnsSink().open(source)
