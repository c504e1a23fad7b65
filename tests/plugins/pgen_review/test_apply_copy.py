"""A reviewed copy: a new dataset has the review, and the reviewed one stays as it is."""

import json
import sys
from hashlib import sha256

import pytest
from forked import run_pgen
from review_edits import copied, decided
from review_helpers import MAIN

from pgen_lerobot.verify import verify
from pgen_review import write_back
from pgen_review.apply import new_dataset
from pgen_review.starting import open_session

WRONG, TEXTS = {"reason": "wrong"}, {"user": "Grab the cup!", "robot": "On it."}


@pytest.fixture
def folder(numbered_run, tmp_path):
    """A copy of the run, in which a dialogue was rejected and another one edited."""
    folder = copied(numbered_run, tmp_path)
    with open_session(folder, None, "Ada") as session:
        decided(session, 0, "reject", **WRONG)
        decided(session, 1, "edit_text", **TEXTS)
    return folder


def run(folder, *options):
    return run_pgen([sys.executable, "-c", MAIN, "review", str(folder), *map(str, options)])


def hashes(folder):
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): sha256(path.read_bytes()).hexdigest() for path in files}


def work(folder):
    return folder.with_name(f".{folder.name}.pgen")


def events(folder):
    return (work(folder) / "review.jsonl").read_bytes()


def test_a_reviewed_copy_has_the_review_and_the_dataset_and_its_journal_stay_as_they_are(folder, tmp_path):
    before, journal = hashes(folder), events(folder)
    new = tmp_path / "new/cups-reviewed"
    result = run(folder, "--apply", "--output-dir", new)
    assert result.returncode == 0, result.stderr
    assert "2 dialogues reviewed, 2 of them changed; the dataset is verified" in result.stdout
    assert result.stdout.endswith(f"output     {new}\n")
    assert (hashes(folder), events(folder)) == (before, journal)
    assert "without the last 2 events" in run(folder, "--status").stdout
    assert verify(new).ok
    assert not work(new).exists()
    manifest = json.loads((new / "meta/pgen/manifest.json").read_text())
    assert (manifest["reviews"]["people"], manifest["reviews"]["events"]) == (["Ada"], 2)
    assert len((new / "meta/pgen/reviews.jsonl").read_text().splitlines()) == 2
    lines = [json.loads(line) for line in (new / "meta/syn_annotations.jsonl").read_text().splitlines()]
    states = [(line["review"]["state"], line["user_prompt"]) for line in lines if line.get("review")]
    assert sorted(states) == [("edited", TEXTS["user"]), ("rejected", None)]
    videos = sorted(name for name in before if name.startswith("videos/"))
    assert videos
    assert {name: before[name] for name in videos} == {name: hashes(new)[name] for name in videos}
    shares = manifest["videos"]["linked"] + manifest["videos"]["cloned"]
    assert shares == len(videos)
    assert all((new / name).samefile(folder / name) for name in videos) == bool(manifest["videos"]["linked"])


def test_the_copy_has_what_a_write_in_place_gives_and_its_review_goes_on(folder, tmp_path):
    with open_session(folder, None, "Ada") as session:
        write_back.copy(session, session.journal, new_dataset(folder, tmp_path / "new"), copy_videos=True)
        write_back.write(session, session.journal, lambda step: None)
    new, old = hashes(tmp_path / "new"), hashes(folder)
    own = {"meta/pgen/manifest.json"}  # it counts how the videos were carried over
    assert {name: new[name] for name in new.keys() - own} == {name: old[name] for name in old.keys() - own}
    assert json.loads((tmp_path / "new/meta/pgen/manifest.json").read_text())["videos"]["linked"] == 0
    with open_session(tmp_path / "new", None, "Bob") as session:
        assert (session.applied, session.fold.outcome(session.review.keys[0]).by) == (2, "Ada")
        session.turn("undo", {"journal": session.header.journal, "id": "undo-one", "n": 2})
        assert write_back.write(session, session.journal, lambda step: None).events == 3


def test_a_copy_is_refused_where_there_is_something_or_nothing_was_reviewed(folder, numbered_run, tmp_path):
    other = copied(numbered_run, tmp_path / "other")
    for reviewed, options, reason in (
        (folder, ("--apply", "--output-dir", folder), "exists already"),
        (folder, ("--apply", "--output-dir", folder / "inside"), "lies inside the input"),
        (folder, ("--output-dir", tmp_path / "new"), "add --apply"),
        (folder, ("--apply", "--copy-videos"), "name it with --output-dir"),
        (folder, ("--apply", "--read-only", "--output-dir", tmp_path / "new"), "leave out --read-only"),
        (other, ("--apply", "--output-dir", tmp_path / "new"), "has no events of a review"),
    ):
        before = hashes(reviewed)
        result = run(reviewed, *options)
        assert result.returncode == 2
        assert result.stderr.splitlines()[-1].startswith("pgen: error: "), result.stderr
        assert "Traceback" not in result.stderr
        assert reason in result.stderr
        assert hashes(reviewed) == before
        assert not (tmp_path / "new").exists()
        assert not work(tmp_path / "new").exists()


def test_a_copy_that_does_not_verify_is_not_written(folder, tmp_path):
    video = next(folder.glob("videos/**/*.mp4"))
    video.write_bytes(video.read_bytes()[:1000])
    result = run(folder, "--apply", "--output-dir", tmp_path / "new")
    assert result.returncode == 5
    assert f"{tmp_path / 'new'} was not written" in result.stderr
    assert not (tmp_path / "new").exists()
    assert not work(tmp_path / "new").exists()
