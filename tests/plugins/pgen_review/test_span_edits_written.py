"""Edited spans in the dataset: skills, labels, subtasks and phases, and what an undo restores."""

import json
import shutil

import pyarrow.parquet as pq
import pytest
from review_edits import Client, copied, event
from review_helpers import SKILLS, numbered, served
from span_edits import apply, edit, episode, lines, moved, renamed

import pgen
from pgen.labels import frame_ranges
from pgen_lerobot.format import Dataset
from pgen_lerobot.read import LeRobotSource
from pgen_lerobot.verify import verify
from pgen_segment import subtasks
from pgen_segment.subtasks import Segmented

REACH, LIFT, PUT = SKILLS

RECORD = {
    "pgen_segmentation": 1,
    "versions": {"pgen": "1", "python": "3"},
    "source": {"name": "lerobot"},
    "segmenter": {"name": "phases", "found": {}},
    "run": {},
    "counts": {"episodes": 2, "frames": 90, "segmented": 2, "spans": 6},
    "changes": {},
    "failed": [],
    "times": {"began": "2026-11-30T10:00:00+00:00", "seconds": 1.0},
}


@pytest.fixture
def folder(numbered_run, tmp_path):
    return copied(numbered_run, tmp_path)


@pytest.fixture
def client(folder):
    with served(folder, "--as", "Ada") as running:
        yield Client(running)


def test_edited_spans_are_written_and_verified_and_an_undo_restores_the_dataset(folder):
    original = lines(folder)
    skills = (folder / "meta/skills.json").read_bytes()
    with served(folder, "--as", "Ada") as running:
        client = Client(running)
        edit(client, renamed)
        edit(client, moved, 1)
        labels = {index: episode(client, index)["labels"] for index in (0, 1)}
        samples = {index: client.samples(index) for index in (0, 1)}
        count = client.get("/api/summary")["review"]["counts"]["stale"]
    done = apply(folder)
    assert "the spans of 2 episodes edited" in done
    assert f"{count} dialogues stale" in done
    assert verify(folder).ok
    written = json.loads((folder / "meta/skills.json").read_text())["episodes"]["0"]
    assert [(span["name"], span.get("edited", False)) for span in written["skills"]] == [
        (REACH, False),
        ("raise the mug", True),
        (PUT, False),
    ]
    assert (written["reviewed"]["state"], written["reviewed"]["by"]) == ("edited", "Ada")
    frames = list(pgen.open(folder))
    for index, first in ((0, 0), (1, 40)):
        for start, stop, position, _ in labels[index]:
            for frame in frames[first + start : first + stop]:
                assert (frame.scope is None) == (position is None)
                assert position is None or frame.user_prompt == samples[index][position]["user"]
    present = {(it["episode_index"], it["frame_index"], it["scope"], it["variant"]): it for it in lines(folder)}
    for line in original:
        now = present[line["episode_index"], line["frame_index"], line["scope"], line["variant"]]
        stale = line["episode_index"] == 0 and LIFT in line["skills"]
        assert (now["status"], now["stage"]) == (("failed", "review") if stale else ("ok", None))
        assert stale or (now["user_prompt"], now["robot_utterance"]) == (line["user_prompt"], line["robot_utterance"])
    with served(folder) as running:
        client = Client(running)
        assert [episode(client, index)["labels"] for index in (0, 1)] == [labels[0], labels[1]]
        for _ in range(2):
            client.turn("undo", client.get("/api/events?since=0")["undo"])
    apply(folder)
    assert verify(folder).ok
    assert lines(folder) == original
    assert json.loads((folder / "meta/skills.json").read_text()) == json.loads(skills)


def test_a_frame_that_no_span_has_any_more_has_no_dialogue(folder):
    with served(folder) as running:
        client = Client(running)
        shown = edit(client, lambda spans: [{**spans[0], "start": 6}, spans[1], {**spans[2], "stop": 39}])
        first = next(it for it in shown["samples"] if it["frame"] == 0)
        assert first["review"]["reason"] == "no skill goes on at its frame now"
        status, answer = client.edit(event(first, "accept"))
        assert (status, answer.startswith("No skill goes on at the frame")) == (400, True)
    apply(folder)
    assert verify(folder).ok
    frames = list(pgen.open(folder))
    assert [frames[at].scope for at in (0, 5, 39)] == [None, None, None]


def test_edited_spans_of_a_review_whose_events_are_gone_stay(folder):
    with served(folder) as running:
        edit(Client(running), renamed)
    apply(folder)
    kept = lines(folder)
    shutil.rmtree(folder.with_name(f".{folder.name}.pgen"))
    (folder / "meta/pgen/reviews.jsonl").unlink()
    with served(folder) as running:
        client = Client(running)
        assert [span["name"] for span in episode(client)["spans"]] == [REACH, "raise the mug", PUT]
        client.edit(event(client.samples(1)[0], "accept"))
    apply(folder)
    assert [it for it in lines(folder) if it["episode_index"] == 0] == [it for it in kept if it["episode_index"] == 0]
    assert verify(folder).ok


def with_subtasks(folder):
    """A run on a dataset whose skills are its subtasks."""
    data = numbered(folder / "data")
    source = LeRobotSource(root=data, views=0)
    source.open()
    segmented = {it.index: Segmented(it.task, it.skills, tuple(frame_ranges(it))) for it in source.episodes()}
    for name in subtasks.write(Dataset(data), segmented, folder / "written"):
        (folder / "written" / name).replace(data / name)
    pgen.annotate(data, folder / "cups", generator="template")
    return folder / "cups"


def test_the_column_of_subtasks_follows_edited_spans(tmp_path):
    folder = with_subtasks(tmp_path)
    for change in (renamed, lambda spans: [spans[0], {**spans[1], "stop": spans[1]["stop"] - 2}, spans[2]]):
        with served(folder) as running:
            shown = edit(Client(running), change)
        apply(folder)
        assert verify(folder).ok
        data = pq.read_table(next(folder.glob("data/**/*.parquet")), columns=["episode_index", "subtask_index"])
        names = pq.read_table(folder / "meta/subtasks.parquet").to_pylist()
        texts = {row["subtask_index"]: row["subtask"] for row in names}
        column = [texts[row["subtask_index"]] for row in data.to_pylist() if row["episode_index"] == 0]
        for span in shown["spans"]:
            assert set(column[span["start"] : span["stop"]]) == {span["name"]}
    assert column[shown["spans"][1]["stop"]] == "move the cup"


def test_phases_of_other_spans_are_left_out_and_come_back_with_an_undo(folder):
    record = folder / "meta/pgen/phases.json"
    spans = json.loads((folder / "meta/skills.json").read_text())["episodes"]["0"]["skills"]
    levels = {index: {"skill": spans, "phase": [{"name": "move", "start": 0, "end": 4}]} for index in ("0", "1")}
    record.write_text(json.dumps({**RECORD, "levels": levels}, indent=2))
    before = record.read_bytes()
    with served(folder) as running:
        edit(Client(running), renamed)
    assert "meta/pgen/phases.json no longer has phases for edited spans" in apply(folder)
    assert list(json.loads(record.read_text())["levels"]) == ["1"]
    with served(folder) as running:
        Client(running).turn("undo", 1)
    apply(folder)
    assert json.loads(record.read_text()) == json.loads(before)
