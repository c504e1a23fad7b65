"""What the data hold beside the listed episodes: annotate, segment, verify and repair hold the same of it."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from old_layout import ONE_A_FILE, as_v21
from sink_helpers import change, column, dataset, set_cell, shards

from pgen.cli import cli
from pgen_lerobot.verify import verify

UNLISTED = "1 episodes in the data that {} does not list: carried along as they are"
COMMANDS = {
    "annotate": ["annotate", "--generator", "template"],
    "annotate-some": ["annotate", "--generator", "template", "--episodes", "0"],
    "segment-subtasks": ["segment", "--overwrite", "--write-subtasks"],
    "segment-some": ["segment", "--overwrite", "--episodes", "0"],
}


def run(command, root, out):
    name, *options = COMMANDS[command]
    return CliRunner().invoke(cli, [name, "--root", str(root), "--output-dir", str(out), *options])


def crashed(root):
    """A recording that ended before its last episode was listed."""
    dataset(root)
    change(next((root / "meta/episodes").glob("*/*.parquet")), lambda table: table.slice(0, 3))
    return root


def with_file(root, edit):
    """A dataset of v2.1 with a data file of no listed episode, which lacks its end where `edit` is None."""
    as_v21(dataset(root, **ONE_A_FILE))
    table = pq.read_table(root / "data/chunk-000/episode_000003.parquet")
    path = root / "data/chunk-000/episode_000009.parquet"
    pq.write_table(edit(table) if edit else renumbered(table), path)
    if edit is None:
        path.write_bytes(path.read_bytes()[:-20])
    return root


def renumbered(table):
    index = pa.array([9] * len(table), pa.int64())
    return table.set_column(table.column_names.index("episode_index"), "episode_index", index)


@pytest.mark.parametrize("command", COMMANDS)
def test_rows_of_an_unlisted_episode_are_carried_along_and_noted_by_all(tmp_path, command):
    root, out = crashed(tmp_path / "in"), tmp_path / "out"
    done = run(command, root, out)
    assert done.exit_code == 0, done.output
    assert f"note       {UNLISTED.format('meta/episodes')}" in done.output
    found = verify(out, with_lerobot=command == "annotate")
    assert found.problems == []
    assert f"{UNLISTED.format('meta/episodes')}, as in the input" in found.notes
    assert column(out, "episode_index") == column(root, "episode_index")
    if command.startswith("annotate"):
        assert column(out)[-7:] == column(root, "task_index")[-7:]
    if not command.endswith("some"):
        info = json.loads((out / "meta/info.json").read_text())
        assert (info["total_episodes"], info["total_frames"]) == (3, 36)


def test_rows_that_became_unlisted_after_the_run_are_a_problem(tmp_path):
    for command in ("annotate", "segment-subtasks"):
        out = tmp_path / command
        assert run(command, dataset(tmp_path / f"{command}-in"), out).exit_code == 0
        change(next((out / "meta/episodes").glob("*/*.parquet")), lambda table: table.slice(0, 3))
        assert any("meta/episodes" in str(problem) for problem in verify(out, with_lerobot=False).problems)


def test_repair_carries_them_along_as_well(tmp_path):
    root = crashed(tmp_path / "in")
    command = ["annotate", "--generator", "template", "--root", str(root), "--in-place"]
    assert CliRunner().invoke(cli, command).exit_code == 0
    done = CliRunner().invoke(cli, ["repair", str(root)])
    assert done.exit_code == 0, done.output
    assert verify(root, with_lerobot=False).problems == []


@pytest.mark.parametrize("command", COMMANDS)
def test_a_file_of_an_unlisted_episode_is_carried_along_and_noted_by_all(tmp_path, command):
    root, out = with_file(tmp_path / "in", renumbered), tmp_path / "out"
    done = run(command, root, out)
    assert done.exit_code == 0, done.output
    assert f"note       {UNLISTED.format('meta/episodes.jsonl')}" in done.output
    found = verify(out, with_lerobot=False)
    assert found.problems == []
    assert f"{UNLISTED.format('meta/episodes.jsonl')}, as in the input" in found.notes
    assert column(out, "episode_index")[-7:] == [9] * 7


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (
            lambda table: table.drop_columns(["episode_index"]),
            "belongs to no listed episode and has no column episode_index",
        ),
        (
            lambda table: renumbered(table).drop_columns(["action"]),
            "belongs to no listed episode and has no column action",
        ),
        (lambda table: table, "holds rows of episode 3, which is in data/chunk-000/episode_000003.parquet"),
        (None, "belongs to no listed episode and is not a readable parquet file"),
    ],
    ids=["no-episode-index", "no-action", "episode-twice", "no-end"],
)
def test_a_stray_file_that_breaks_the_dataset_is_refused_by_all_in_one_sentence(tmp_path, command, edit, message):
    root = with_file(tmp_path / "in", edit)
    done = run(command, root, tmp_path / "out")
    assert done.exit_code == 2
    sentence = f"{root / 'data/chunk-000/episode_000009.parquet'} {message}"
    assert sentence in done.output
    assert sum(sentence in str(problem) for problem in verify(root, with_lerobot=False).problems) == 1
    assert not (tmp_path / "out").exists()


def test_unlisted_rows_without_a_task_are_refused(tmp_path):
    root = crashed(tmp_path / "in")
    change(shards(root)[0], lambda table: table.drop_columns(["task_index"]))
    for command in COMMANDS:
        done = run(command, root, tmp_path / "out")
        assert (done.exit_code, "its task is unknown" in done.output) == (2, True)


@pytest.mark.parametrize("command", ["annotate", "segment-subtasks"])
def test_metadata_that_tell_another_task_than_the_data_are_noted_by_annotate_and_verify(tmp_path, command):
    root, out = dataset(tmp_path / "in"), tmp_path / "out"
    path = next((root / "meta/episodes").glob("*/*.parquet"))
    change(path, lambda table: set_cell(table, "tasks", 2, ["something else"]))
    note = "1 episodes with another task in meta/episodes than that of their task_index: task_index counts"
    done = run(command, root, out)
    assert f"note       {note}" in done.output
    found = verify(out, with_lerobot=False)
    assert (found.problems, note in found.notes) == ([], True)


def test_further_texts_among_an_episodes_tasks_are_no_difference(tmp_path):
    root, out = dataset(tmp_path / "in"), tmp_path / "out"
    path = next((root / "meta/episodes").glob("*/*.parquet"))
    change(path, lambda table: set_cell(table, "tasks", 2, ["valid", "put the red brick away"]))
    assert "another task" not in run("annotate", root, out).output
    assert verify(out, with_lerobot=False).notes == []
