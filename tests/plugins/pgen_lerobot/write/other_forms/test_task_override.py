"""A dataset whose own tasks are the dialogue: what a trainer that reads nothing else gets."""

import json

import numpy as np
import pyarrow.parquet as pq
import pytest
from form_helpers import lerobot_or_skip, opened, written
from old_layout import ONE_A_FILE, as_v20, as_v21
from sink_helpers import TASKS, change, column, dataset, results, set_cell, shards, texts

from pgen.errors import InputError
from pgen_lerobot.read import LeRobotSource
from pgen_lerobot.read.frame_dialogues import Dialogues
from pgen_lerobot.verify import verify
from pgen_lerobot.write.other_forms import TaskOverrideSink


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


@pytest.fixture(params=[as_v20, as_v21], ids=["v2.0", "v2.1"])
def old_root(request, tmp_path):
    return request.param(dataset(tmp_path / "in", codec="h264", **ONE_A_FILE))


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.mark.parametrize("text", ["dialogue", "prompt"])
def test_a_frames_task_is_its_dialogue_in_the_frames_the_episodes_and_the_stats(old_root, tmp_path, text):
    out = written(old_root, tmp_path / "out", TaskOverrideSink(text=text))
    tasks = {line["task_index"]: line["task"] for line in lines(out / "meta/tasks.jsonl")}
    told = iter(Dialogues(out))
    values = {}
    for path in sorted((out / "data").glob("*/*.parquet")):
        mine = pq.read_table(path, columns=["task_index"]).column(0).to_pylist()
        values[len(values)] = mine
        for index in mine:
            spoken = next(told)
            whole = f"{spoken.user_prompt} | {spoken.robot_utterance}"
            assert tasks[index] == (whole if text == "dialogue" and spoken.robot_utterance else spoken.user_prompt)
    for line in lines(out / "meta/episodes.jsonl"):
        assert line["tasks"] == [tasks[index] for index in sorted(set(values[line["episode_index"]]))]
    if (out / "meta/episodes_stats.jsonl").exists():
        for line in lines(out / "meta/episodes_stats.jsonl"):
            assert line["stats"]["task_index"]["max"] == [max(values[line["episode_index"]])]
    assert json.loads((out / "meta/info.json").read_text())["total_tasks"] == len(tasks)
    assert verify(out, with_lerobot=False).problems == []


def test_a_dataset_whose_frames_have_no_task_is_refused(old_root):
    path = next((old_root / "data").glob("*/*.parquet"))
    pq.write_table(pq.read_table(path).drop_columns("task_index"), path)
    source = LeRobotSource(root=old_root)
    source.open()
    with pytest.raises(InputError, match=r"has no column task_index, which sink task-override writes again"):
        TaskOverrideSink().open(source)
