"""The review of a segmentation without dialogue: its spans are edited, accepted, and written back."""

import json
import shutil
import sys
from uuid import uuid4

import pytest
import segment_helpers
from forked import run_pgen
from review_edits import copied
from review_helpers import MAIN
from segment_helpers import files, read_json
from span_edits import present, store_spans

import pgen
from pgen.errors import ConfigError
from pgen_lerobot.verify import verify
from pgen_review import write_back
from pgen_review.apply import new_dataset
from pgen_review.events import UNDO, Key
from pgen_review.rebasing import rebase_review
from pgen_review.starting import open_session
from pgen_review.validation import InvalidEventError

REVIEW = {"meta/pgen/segmentation.json", "meta/pgen/reviews.jsonl", "meta/pgen/unedited_spans.jsonl"}


@pytest.fixture
def folder(segmentation, tmp_path):
    return copied(segmentation, tmp_path)


def undo(session):
    group = session.fold.undoable[-1]
    return session.turn(UNDO, {"journal": session.header.journal, "id": str(uuid4()), "n": group})


def write(session):
    return write_back.write(session, session.journal, lambda step: None)


def moved(listed):
    """The second span begins a frame later, and has another name."""
    first, second, *rest = listed
    return [{**first, "stop": first["stop"] + 1}, {**second, "start": second["start"] + 1, "name": "lower"}, *rest]


def states(state):
    return [span["review"] for span in state["spans"]]


def test_the_queue_lists_episodes_those_first_whose_spans_look_least_like_skills(segmentation, tmp_path):
    folder = copied(segmentation, tmp_path)
    skills = read_json(folder / "meta/skills.json")
    first, second, *rest = skills["episodes"]["1"]["skills"]
    skills["episodes"]["1"]["skills"] = [first, {**second, "failed": True}, *rest]
    (folder / "meta/skills.json").write_text(json.dumps(skills))
    with open_session(folder, None, "Ada") as session:
        queue = session.review.queue
        listed = [queue.item(number) | session.item(number) for number in queue.numbers({}, "", "worst")]
        assert [(item["ep"], item["marks"], item["review"]) for item in listed] == [
            (1, ["failed_attempt"], "open"),
            (0, [], "open"),
        ]
        assert queue.counts("problem") == {"no": 1, "yes": 1}
        assert session.summary()["counts"] == {"open": 2 * (len(rest) + 2), "accepted": 0, "edited": 0}


def test_a_span_is_accepted_until_it_is_another_one_and_an_edited_one_counts_as_accepted(folder):
    with open_session(folder, None, "Ada") as session:
        before = present(session)
        assert states(store_spans(session, "accept_spans", before[1:3]))[:4] == ["open", "accepted", "accepted", "open"]
        edited = store_spans(session, "spans", moved(before))
        assert states(edited)[:4] == ["edited", "edited", "accepted", "open"]
        assert edited["state"] == "open"
        done = store_spans(session, "accept_spans", present(session))
        assert (done["state"], "open" in states(done)) == ("edited", False)
        assert session.item(0)["review"] == "edited"
        counts = session.summary()["counts"]
        assert (counts["edited"], counts["accepted"]) == (2, len(before) - 2)
        undo(session), undo(session)
        assert states(session.episode(0).state(Key.of_spans(0)))[1] == "accepted"
        undo(session)
    with open_session(folder, None, "Ada", read_only=True) as session:
        assert session.summary()["counts"] == {"open": 2 * len(before), "accepted": 0, "edited": 0}


def test_what_leaves_a_frame_without_a_span_or_accepts_no_span_is_refused(folder):
    with open_session(folder, None, "Ada") as session:
        listed = present(session)
        for kind, wanted, reason in (
            ("spans", listed[1:], "each frame of a segmentation has a span"),
            ("accept_spans", [{**listed[0], "name": "other"}], "There is no span 'other'"),
            ("accept_spans", None, "`spans` must be a list"),
        ):
            with pytest.raises(InvalidEventError, match=f"(?i){reason}"):
                store_spans(session, kind, wanted)
        assert session.fold.events == []


def test_edited_spans_are_written_with_their_subtasks_and_an_undo_restores_every_file(folder):
    before = files(folder)
    with open_session(folder, None, "Ada") as session:
        changed = moved(present(session))
        store_spans(session, "spans", changed)
        store_spans(session, "accept_spans", changed[2:4])
        assert str(write(session)) == "4 spans reviewed, those of 1 episodes edited; the segmentation is verified"
        assert verify(folder).ok
        skills = read_json(folder / "meta/skills.json")["episodes"]["0"]
        assert [span.get("edited", False) for span in skills["skills"]][:3] == [True, True, False]
        assert (skills["reviewed"]["state"], skills["reviewed"]["by"]) == ("edited", "Ada")
        reviews = read_json(folder / "meta/pgen/segmentation.json")["reviews"]
        assert (reviews["people"], reviews["spans"]["edited"], reviews["events"]) == (["Ada"], 2, 2)
        assert write(session) is None
    with open_session(folder, None, "Ada") as session:
        assert session.applied == 2
        assert present(session) == changed
        undo(session), undo(session)
        write(session)
    after = files(folder)
    assert verify(folder).ok
    assert {name for name in after if after[name] != before.get(name)} == REVIEW
    assert (folder / "meta/pgen/unedited_spans.jsonl").read_bytes() == b""


def test_a_segmentation_whose_hidden_folder_is_lost_continues_from_its_own_events(folder):
    with open_session(folder, None, "Ada") as session:
        changed = moved(present(session))
        store_spans(session, "spans", changed)
        write(session)
    shutil.rmtree(folder.with_name(f".{folder.name}.pgen"))
    with open_session(folder, None, "Eve") as session:
        assert (session.applied, present(session)) == (1, changed)
        undo(session)
        assert present(session) != changed


def test_a_skills_file_alone_is_reviewed_with_its_dataset(segmentation, tmp_path):
    data = segmentation.parent / "data"
    folder = segment_helpers.segmented(data, tmp_path / "alone", "--segmenter", "gripper", "--skills-only")
    before = files(folder)
    with open_session(folder, data, "Ada") as session:
        store_spans(session, "spans", moved(present(session)))
        write(session)
        after = files(folder)
        assert set(after) == {"skills.json", "segmentation.json", "reviews.jsonl", "unedited_spans.jsonl"}
        assert after["skills.json"] != before["skills.json"]
        undo(session)
        write(session)
    assert files(folder)["skills.json"] == before["skills.json"]


def test_a_reviewed_copy_leaves_the_segmentation_as_it_is(folder, tmp_path):
    before, out = files(folder), tmp_path / "reviewed"
    with open_session(folder, None, "Ada") as session:
        changed = moved(present(session))
        store_spans(session, "spans", changed)
        done = write_back.copy(session, session.journal, new_dataset(folder, out), copy_videos=False)
        assert "hard links" in done.note
    assert files(folder) == before
    assert verify(out).ok
    with open_session(out, None, "Eve", read_only=True) as session:
        assert (present(session), session.applied) == (changed, 1)


def test_the_status_of_a_segmentation_counts_spans_and_episodes(folder):
    with open_session(folder, None, "Ada") as session:
        store_spans(session, "accept_spans", present(session))
        count = len(present(session))
    result = run_pgen([sys.executable, "-c", MAIN, "review", str(folder), "--status"])
    assert result.stdout == (
        f"spans      {count} of {2 * count} reviewed: {count} accepted, 0 edited\n"
        "episodes   1 of 2 reviewed: 1 accepted, 0 edited\n"
        f"dataset    without the last 1 events; pgen review {folder} --apply\n"
    )


@pytest.mark.parametrize("is_written", [False, True])
def test_spans_that_are_the_same_stay_reviewed_where_others_were_changed_by_hand(folder, is_written):
    with open_session(folder, None, "Ada") as session:
        store_spans(session, "spans", moved(present(session)))
        store_spans(session, "accept_spans", present(session)[2:4])
        store_spans(session, "accept_spans", present(session, 1), 1)
        if is_written:
            write(session)
    path = folder / "meta/skills.json"
    skills = read_json(path)
    skills["episodes"]["1"]["skills"][0]["name"] = "reach"
    path.write_text(json.dumps(skills))
    with (
        pytest.raises(ConfigError, match=r"of other spans than .* skills\.json changed .* --rebase"),
        open_session(folder, None, "Ada"),
    ):
        pass
    assert str(rebase_review(folder, None, "Eve")) == "the reviewed spans of 2 episodes went over"
    with open_session(folder, None, "Ada") as session:
        first, second = (states(session.episode(index).state(Key.of_spans(index))) for index in (0, 1))
        assert first[:5] == [*(2 * ["accepted" if is_written else "edited"]), "accepted", "accepted", "open"]
        assert (second[0], set(second[1:])) == ("open", {"accepted"})
        write(session)
    assert verify(folder).ok


def test_options_about_dialogue_are_refused_for_a_segmentation(folder):
    for options in ({"sample": (5, 0)}, {"blind": True}, {"against": (folder, 0)}):
        with (
            pytest.raises(ConfigError, match="contains no dialogue; leave out"),
            open_session(folder, None, "Ada", **options),
        ):
            pass


def test_events_about_skills_are_not_those_of_a_run_that_annotated_them(folder, tmp_path):
    with open_session(folder, None, "Ada") as session:
        store_spans(session, "spans", moved(present(session)))
        write(session)
    pgen.annotate(folder, tmp_path / "annotated", generator="template")
    assert (tmp_path / "annotated/meta/pgen/reviews.jsonl").is_file()
    with open_session(tmp_path / "annotated", None, "Eve", read_only=True) as session:
        assert session.fold.events == []
