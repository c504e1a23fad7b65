"""A dataset whose own tasks are the dialogue: what a trainer that reads nothing else gets."""

import json

import numpy as np
import pyarrow.parquet as pq
import pytest
from form_helpers import lerobot_or_skip, opened, written
from sink_helpers import TASKS, change, column, dataset, set_cell, shards, texts

from pgen_lerobot.read.frame_dialogues import Dialogues
from pgen_lerobot.verify import verify
from pgen_lerobot.write.other_forms import TaskOverrideSink


@pytest.fixture
def root(tmp_path):
    return dataset(tmp_path / "in")


def own(out):
    """The text of each frame's own task."""
    known = texts(out)
    return [known[index] for index in column(out, "task_index")]


def test_a_frames_task_is_its_dialogue_and_its_former_task_where_it_has_none(root, tmp_path):
    out = written(root, tmp_path / "out", TaskOverrideSink())
    assert column(out, "task_index") == column(out)
    before = column(root, "task_index")
    for row, (text, told) in enumerate(zip(own(out), Dialogues(out), strict=True)):
        spoken = f"{told.user_prompt} | {told.robot_utterance}"
        assert text == (spoken if told.robot_utterance else TASKS[before[row]])


@pytest.mark.parametrize("unlabelled", ["task", "-1"])
def test_a_frames_task_is_the_user_prompt_alone_where_that_is_wanted(root, tmp_path, unlabelled):
    out = written(root, tmp_path / "out", TaskOverrideSink(text="prompt"), unlabelled=unlabelled)
    assert own(out) == [told.user_prompt for told in Dialogues(out)]
    assert verify(out, with_lerobot=False).problems == []
    told = json.loads((out / "meta/info.json").read_text())
    assert told["total_tasks"] == len(texts(out)) == len(set(texts(out)))


@pytest.mark.parametrize("text", ["dialogue", "prompt"])
def test_the_episodes_and_the_stats_say_what_the_frames_say(root, tmp_path, text):
    out = written(root, tmp_path / "out", TaskOverrideSink(text=text))
    values = column(out, "task_index")
    stats = json.loads((out / "meta/stats.json").read_text())["task_index"]
    assert stats["max"] == [max(values)]
    assert stats["mean"] == pytest.approx([np.mean(values)])
    assert stats["count"] == [len(values)]
    (path,) = (out / "meta/episodes").glob("*/*.parquet")
    start = 0
    for episode in pq.read_table(path).to_pylist():
        mine = values[start : start + episode["length"]]
        assert episode["tasks"] == [texts(out)[index] for index in sorted(set(mine))]
        assert episode["stats/task_index/max"] == [max(mine)]
        assert episode["stats/task_index/std"] == pytest.approx([np.std(mine)])
        start += episode["length"]


def test_verify_names_the_frame_whose_task_is_not_its_dialogue(root, tmp_path):
    out = written(root, tmp_path / "out", TaskOverrideSink())
    assert verify(out, with_lerobot=False).problems == []
    change(shards(out)[0], lambda table: set_cell(table, "task_index", 4, 1))
    problems = [str(problem) for problem in verify(out, with_lerobot=False).problems]
    assert any("row 4, column task_index: found 1, expected" in problem for problem in problems)


def test_the_input_can_have_had_its_task_as_its_skill(root, tmp_path):
    (root / "meta/skills.json").unlink()
    from sink_helpers import results

    out = written(root, tmp_path / "out", TaskOverrideSink(), run=results(root, skills="task"))
    assert verify(out, with_lerobot=False).problems == []


@pytest.mark.filterwarnings("ignore")
def test_lerobot_gives_the_dialogue_as_the_task_of_an_item(root, tmp_path, monkeypatch):
    lerobot_or_skip(tmp_path, monkeypatch)
    out = written(root, tmp_path / "out", TaskOverrideSink())
    told, items = Dialogues(out), opened(out)
    for row in (0, 5, len(told) - 1):
        spoken = f"{told[row].user_prompt} | {told[row].robot_utterance}"
        assert items[row]["task"] == (spoken if told[row].robot_utterance else told[row].user_prompt)
