"""`pgen verify`, and lerobot as its judge."""

import json

import pytest
from click.testing import CliRunner
from sink_helpers import annotate, change, dataset, results, set_cell, shards

from pgen.errors import VerificationError
from pgen_lerobot.command import verify as command
from pgen_lerobot.verify import lerobot as verify_lerobot
from pgen_lerobot.verify import verify


@pytest.fixture
def without_lerobot(monkeypatch):
    monkeypatch.setattr(verify_lerobot, "find_spec", lambda _: None)


@pytest.mark.usefixtures("without_lerobot")
def test_a_good_dataset_is_said_to_be_good_and_what_was_not_checked(out):
    done = CliRunner().invoke(command, [str(out)])
    assert done.exit_code == 0
    assert done.output.splitlines() == [
        "note: lerobot is not installed: it did not try to open the dataset",
        f"{out}: every check passed",
    ]


@pytest.mark.usefixtures("without_lerobot")
def test_problems_end_in_exit_code_five(out):
    change(shards(out)[0], lambda table: set_cell(table, "task_index_high_level", 5, None))
    done = CliRunner().invoke(command, [str(out)])
    assert isinstance(done.exception, VerificationError)
    assert done.exception.exit_code == 5
    assert "row 5, column task_index_high_level" in done.output


@pytest.mark.usefixtures("without_lerobot")
def test_as_json_every_problem_has_its_place(out):
    (out / "meta/stats.json").unlink()
    done = CliRunner().invoke(command, [str(out), "--json"])
    told = json.loads(done.output)
    assert told["ok"] is False
    assert told["problems"] == [
        {
            "file": "meta/stats.json",
            "row": None,
            "column": None,
            "what": "the file is missing; meta/pgen/manifest.json lists it",
        }
    ]


def test_a_folder_that_is_no_dataset_is_a_problem(tmp_path):
    found = verify(tmp_path / "none")
    assert [str(problem) for problem in found.problems] == [
        f"there is no dataset at {tmp_path / 'none'}: the folder does not exist."
    ]


@pytest.mark.needs("lerobot")
def test_lerobot_opens_a_good_dataset(tmp_path):
    found = verify(annotate(dataset(tmp_path / "in", codec="h264"), tmp_path / "out"))
    assert (found.problems, found.notes) == ([], [])


@pytest.mark.needs("lerobot")
def test_lerobot_objects_to_what_it_cannot_read(out):
    change(shards(out)[0], lambda table: table.append_column("more", table.column("index")))
    assert any("lerobot cannot read the dataset" in str(problem) for problem in verify(out).problems)


@pytest.mark.needs("lerobot")
def test_timestamps_that_lerobot_refuses_are_a_note(tmp_path, shared_datasets):
    root = shared_datasets / "cr5_realarm_v30conv_8ep"
    found = verify(annotate(root, tmp_path / "out", results(root, skills="task")))
    assert found.problems == []
    assert found.notes == ["lerobot refuses the dataset's timestamps, so only its table was read"]
