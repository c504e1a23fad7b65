"""Edited spans: what the server refuses, which dialogues are withdrawn, and the dataset that is written."""

import json
import shutil
import subprocess
import sys

import pyarrow.parquet as pq
import pytest
from review_edits import Client, copied, event, spans_event
from review_helpers import MAIN, SKILLS, numbered, served

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


def episode(client, index=0):
    return client.get(f"/api/episodes/{index}")


def edit(client, change, index=0):
    """Post the spans that a function makes of the present ones; return the episode after it."""
    shown = episode(client, index)
    status, answer = client.edit(spans_event(shown, change(shown["spans"])))
    assert status == 200, answer
    return episode(client, index)


def renamed(spans):
    return [{**spans[0]}, {**spans[1], "name": "raise the mug"}, {**spans[2]}]


def moved(spans):
    """The first span takes a frame of the second one, whose first sample stays in it."""
    return [{**spans[0], "stop": spans[0]["stop"] - 1}, {**spans[1], "start": spans[1]["start"] - 1}, spans[2]]


def split(spans):
    first, *rest = spans
    return [{**first, "stop": 5}, {**first, "start": 5}, *rest]


def apply(folder, expected=0):
    command = [sys.executable, "-c", MAIN, "review", str(folder), "--apply"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == expected, result.stderr
    return result.stdout


def lines(folder):
    return [json.loads(line) for line in (folder / "meta/syn_annotations.jsonl").read_text().splitlines()]


def states(shown):
    return {tuple(sample["key"]): sample["review"]["state"] for sample in shown["samples"]}


def test_the_dialogues_of_a_renamed_span_are_stale_and_label_nothing(client):
    before = episode(client)
    shown = edit(client, renamed)
    assert [span["name"] for span in shown["spans"]] == [REACH, "raise the mug", PUT]
    assert [(span["edited"], span["open"]) for span in shown["spans"]] == [(False, False), (True, True), (False, False)]
    middle = before["spans"][1]
    for old, sample in zip(before["samples"], shown["samples"], strict=True):
        stale = LIFT in old["skills"]
        assert (sample["review"]["state"] == "stale") == stale
        assert (sample["start"], sample["stop"]) == ((None, None) if stale else (old["start"], old["stop"]))
    for start, stop, position, _ in shown["labels"]:
        if position is not None and start < middle["stop"] and stop > middle["start"]:
            assert "raise the mug" in shown["samples"][position]["skills"]
    counts = client.get("/api/summary")["review"]["counts"]
    assert counts["stale"] == list(states(shown).values()).count("stale")
    assert client.get("/api/queue?review=stale")["total"] == counts["stale"]


def test_dialogues_of_the_same_skills_are_kept_where_edges_move_and_spans_are_split(client):
    before = episode(client)
    for change in (moved, split):
        shown = edit(client, change)
        assert "stale" not in states(shown).values()
        assert [(it["user"], it["robot"]) for it in shown["samples"]] == [
            (it["user"], it["robot"]) for it in before["samples"]
        ]


def test_an_acceptance_takes_a_stale_dialogue_for_the_present_skill(client):
    shown = edit(client, renamed)
    stale = next(it for it in shown["samples"] if it["review"]["state"] == "stale" and it["scope"] == "step")
    assert "“raise the mug” now" in stale["review"]["reason"]
    assert client.edit(event(stale, "accept"))[0] == 200
    accepted = next(it for it in episode(client)["samples"] if it["key"] == stale["key"])
    assert (accepted["review"]["state"], accepted["skills"]) == ("accepted", ["raise the mug"])
    assert accepted["stop"] is not None
    again = edit(client, lambda spans: [spans[0], {**spans[1], "name": "hold the mug"}, spans[2]])
    assert states(again)[tuple(stale["key"])] == "stale"


WRONG = [
    ([], "must have a span"),
    ([{"name": "a", "start": 0, "stop": 0}], "at least one of the frames"),
    ([{"name": "a", "start": 0, "stop": 9}, {"name": "b", "start": 8, "stop": 12}], "at least one of the frames"),
    ([{"name": "b", "start": 8, "stop": 12}, {"name": "a", "start": 0, "stop": 8}], "at least one of the frames"),
    ([{"name": "a", "start": 0, "stop": 41}], "at least one of the frames"),
    ([{"name": " ", "start": 0, "stop": 40}], "`name` must be"),
    ([{"name": "a", "start": 0.5, "stop": 40}], "must be frames"),
    ("a", "must be a list"),
]


def test_spans_that_break_a_rule_are_refused_in_a_sentence(client):
    shown = episode(client)
    for spans, reason in WRONG:
        status, answer = client.edit({**spans_event(shown, []), "spans": spans})
        assert (status, reason in answer) == (400, True), answer
    assert episode(client)["spans"] == shown["spans"]


def test_an_event_of_spans_that_names_a_dialogue_is_refused(client):
    shown = episode(client)
    for wrong in ({"kind": "accept"}, {"key": [9, 0, "spans", 0]}, {"key": shown["samples"][0]["key"]}):
        status, answer = client.edit({**spans_event(shown, shown["spans"]), **wrong})
        assert status == 400, answer


def test_an_older_base_is_refused_and_the_same_event_again_stores_nothing(client):
    shown = episode(client)
    sent = spans_event(shown, renamed(shown["spans"]))
    assert client.edit(sent)[0] == 200
    status, answer = client.edit(sent)
    assert (status, answer["n"]) == (200, 1)
    status, answer = client.edit(spans_event(shown, split(shown["spans"])))
    assert (status, answer["states"][0]["spans"][1]["name"]) == (409, "raise the mug")


def test_undo_and_redo_restore_spans_and_labels(client):
    before = episode(client)
    after = edit(client, renamed)
    assert client.turn("undo", 1)[1]["states"][0]["state"] == "open"
    undone = episode(client)
    assert (undone["spans"], undone["labels"]) == (before["spans"], before["labels"])
    client.turn("redo", 1)
    assert episode(client)["labels"] == after["labels"]


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
