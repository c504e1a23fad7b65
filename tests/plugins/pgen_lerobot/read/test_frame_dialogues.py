"""`pgen.open` and `pgen.LeRobotDialogueDataset`: each frame's dialogue as text."""

import pickle
import subprocess
import sys

import pytest
from form_helpers import lerobot_or_skip
from sink_helpers import FPS, LENGTHS, TASKS, annotate, change, column, dataset, results, shards, texts

import pgen
from pgen.errors import InputError


@pytest.fixture
def out(tmp_path):
    return annotate(dataset(tmp_path / "in", episodes_per_data_file=3), tmp_path / "out")


def expected(out):
    """The text of each frame's label."""
    known = texts(out)
    return [known[label] for label in column(out)]


def test_a_frame_is_found_by_its_row_and_by_its_episode(out):
    told = pgen.open(out)
    assert len(told) == sum(LENGTHS)
    row = 0
    for episode, length in enumerate(LENGTHS):
        for frame in range(length):
            found = told.at(episode, frame)
            assert found == told[row]
            spoken = f"{found.user_prompt} | {found.robot_utterance}" if found.robot_utterance else found.user_prompt
            assert spoken == expected(out)[row]
            row += 1


def test_the_skill_and_the_types_come_with_it_and_a_frame_without_dialogue_has_its_task(out):
    told = pgen.open(out)
    second = told.at(0, round(0.6 * FPS))
    assert (second.skill, second.scenario_type, second.response_type) == ("grasp", "specific_object", "acknowledgment")
    bare = told.at(2, 0)
    assert (bare.user_prompt, bare.robot_utterance, bare.skill) == (TASKS[0], "", None)


def test_a_frame_that_holds_minus_one_has_its_task_too(tmp_path):
    out = annotate(dataset(tmp_path / "in"), tmp_path / "out", unlabelled="-1")
    assert -1 in column(out)
    assert pgen.open(out).at(2, 4).user_prompt == TASKS[0]


@pytest.mark.parametrize(("episode", "frame"), [(4, 0), (-1, 0), (0, 12), (0, -1)])
def test_a_frame_that_is_not_there_is_an_index_error(out, episode, frame):
    with pytest.raises(IndexError, match=r"there is no episode|has no frame"):
        pgen.open(out).at(episode, frame)
    with pytest.raises(IndexError, match="there is no frame 43; the dataset has 43"):
        pgen.open(out)[43]


def test_a_dataset_without_dialogue_is_refused(tmp_path, out):
    with pytest.raises(InputError, match=r"tasks_high_level.parquet is missing"):
        pgen.open(tmp_path / "in")
    change(shards(out)[0], lambda table: table.drop_columns("task_index_high_level"))
    with pytest.raises(InputError, match="has no column task_index_high_level"):
        pgen.open(out)


def test_it_needs_neither_torch_nor_lerobot(out):
    code = f"import pgen, sys; pgen.open({str(out)!r})[0]; assert not {{'torch', 'lerobot'}} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.filterwarnings("ignore")
def test_items_of_lerobots_dataset_gain_their_dialogue_and_batch(out, tmp_path, monkeypatch):
    lerobot_or_skip(tmp_path, monkeypatch)
    from torch.utils.data import DataLoader

    told = pgen.open(out)
    items = pgen.LeRobotDialogueDataset("local/x", root=out, video_backend="pyav")
    items = pickle.loads(pickle.dumps(items))  # as a worker of a DataLoader gets it
    assert len(items) == len(told)
    assert items.meta.fps == FPS
    rows = []
    for batch in DataLoader(items, batch_size=8):
        rows += zip(batch["user_prompt"], batch["robot_utterance"], batch["index"].tolist(), strict=True)
    assert rows == [(said.user_prompt, said.robot_utterance, row) for row, said in enumerate(told)]


@pytest.mark.filterwarnings("ignore")
def test_some_episodes_of_lerobots_dataset_keep_their_own_dialogue(tmp_path, monkeypatch):
    lerobot_or_skip(tmp_path, monkeypatch)
    out = annotate(dataset(tmp_path / "in"), tmp_path / "out", results(tmp_path / "in"), unlabelled="-1")
    items = pgen.LeRobotDialogueDataset("local/x", root=out, episodes=[3], video_backend="pyav")
    told = pgen.open(out)
    assert [items[row]["user_prompt"] for row in range(len(items))] == [told.at(3, f).user_prompt for f in range(7)]
