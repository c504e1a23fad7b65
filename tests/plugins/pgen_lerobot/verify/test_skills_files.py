"""An edit of the skills that users see is never ignored, also where the labels follow the run's own."""

import json

import pytest
from click.testing import CliRunner
from sink_helpers import dataset

from pgen.cli import cli
from pgen.errors import InputError
from pgen_lerobot.format import KEPT_SKILLS
from pgen_lerobot.repair import repair
from pgen_lerobot.verify import differing_episodes, verify

SKILLS = "meta/skills.json"


def rename(path, change=lambda span: span.update(name="wave")):
    content = json.loads(path.read_text())
    change(content["episodes"]["0"]["skills"][0])
    path.write_text(json.dumps(content))


@pytest.fixture
def repaired(out):
    repair(out)
    assert (out / KEPT_SKILLS).is_file()
    return out


def test_after_a_repair_both_files_have_the_same_spans(repaired):
    assert differing_episodes(repaired) == []
    assert verify(repaired, with_lerobot=False).problems == []


@pytest.mark.parametrize(
    "change",
    [lambda span: span.update(name="wave"), lambda span: span.update(end=span["end"] - 0.5)],
    ids=["name", "end"],
)
def test_an_edit_after_a_repair_is_a_problem_and_is_not_repaired_away(repaired, change):
    rename(repaired / SKILLS, change)
    assert (
        "meta/skills.json: differs from meta/pgen/skills.json, which the labels follow, in 1 episodes, first in 0; "
        "run `pgen annotate` again to use it"
    ) in [str(problem) for problem in verify(repaired, with_lerobot=False).problems]
    before = (repaired / SKILLS).read_bytes()
    with pytest.raises(InputError, match=r"meta/skills.json differs from meta/pgen/skills.json.* episode 0; run"):
        repair(repaired)
    assert (repaired / SKILLS).read_bytes() == before


def test_rounding_below_a_frame_is_no_edit(repaired):
    rename(repaired / SKILLS, lambda span: span.update(end=span["end"] + 1e-5))
    assert differing_episodes(repaired) == []


def test_a_file_that_cannot_be_read_is_a_problem(repaired):
    (repaired / SKILLS).write_text("{")
    assert {problem.file for problem in verify(repaired, with_lerobot=False).problems} == {SKILLS}


def test_skills_of_another_file_are_a_note(tmp_path):
    root = dataset(tmp_path / "in", codec="png")
    other = tmp_path / "other.json"
    other.write_text((root / SKILLS).read_text())
    rename(other)
    arguments = ["--root", root, "--output-dir", tmp_path / "out", "--skills", other, "--generator", "template"]
    done = CliRunner().invoke(cli, ["annotate", *map(str, arguments)])
    assert done.exit_code == 0, done.output
    result = verify(tmp_path / "out", with_lerobot=False)
    assert result.problems == []
    assert any("meta/skills.json differs from" in note for note in result.notes)
