"""What trainers of v2.x datasets get: openpi and GR00T read those, and nothing but the task."""

import json

import pyarrow.parquet as pq
import pytest
from form_helpers import written
from old_layout import ONE_A_FILE, as_v20, as_v21
from sink_helpers import dataset

from pgen.errors import ConfigError, InputError
from pgen_lerobot.read import LeRobotSource
from pgen_lerobot.read.frame_dialogues import Dialogues
from pgen_lerobot.verify import verify
from pgen_lerobot.write.other_forms import LanguageColumnsSink, TaskOverrideSink


@pytest.fixture(params=[as_v20, as_v21], ids=["v2.0", "v2.1"])
def root(request, tmp_path):
    return request.param(dataset(tmp_path / "in", codec="h264", **ONE_A_FILE))


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.mark.parametrize("text", ["dialogue", "prompt"])
def test_a_frames_task_is_its_dialogue_in_the_frames_the_episodes_and_the_stats(root, tmp_path, text):
    out = written(root, tmp_path / "out", TaskOverrideSink(text=text))
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


def test_a_dataset_whose_frames_have_no_task_is_refused(root):
    path = next((root / "data").glob("*/*.parquet"))
    pq.write_table(pq.read_table(path).drop_columns("task_index"), path)
    source = LeRobotSource(root=root)
    source.open()
    with pytest.raises(InputError, match=r"has no column task_index, which sink task-override writes again"):
        TaskOverrideSink().open(source)


def test_language_columns_are_for_v3_alone(root):
    source = LeRobotSource(root=root)
    source.open()
    with pytest.raises((ConfigError, InputError), match=r"v2\.[01].*v3\.0|v3\.0.*v2\.[01]"):
        LanguageColumnsSink().open(source)
