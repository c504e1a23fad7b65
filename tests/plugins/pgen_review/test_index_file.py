"""The index of a review: it gives what every line gives, and is made again where it is damaged or does not fit."""

import json
import shutil
from array import array
from pathlib import Path
from typing import Any

import pytest
from review_edits import decided

import pgen
from pgen.errors import InputError
from pgen.records import Episode, Skill
from pgen_review import index_file
from pgen_review.events import Key
from pgen_review.queue import SORTS
from pgen_review.results import open_review
from pgen_review.starting import open_session
from pgen_review.stored_episodes import EpisodeTableBuilder
from pgen_review.write_back import write

LINES = "meta/syn_annotations.jsonl"


@pytest.fixture
def run(faulty, tmp_path) -> Path:
    """A copy of the run with planted faults, without an index."""
    return Path(shutil.copytree(faulty, tmp_path / "out"))


def index_of(folder: Path, blind: str = "") -> Path:
    return folder.with_name(f".{folder.name}.pgen") / f"review-index{blind}.bin"


def contents(folder: Path, *, blind: bool = False, index: bool = True) -> tuple[bool, dict[str, Any]]:
    """Return whether an index was read, and all that a review shows of the queue and of the episodes."""
    with open_review(folder, blind=blind, index=index) as review:
        queue = review.queue
        facets = queue.facets()
        filters = [{}, *({name: [value]} for name, values in facets.items() for value, _ in values)]
        searches = "", "brick", "because the", "ep_000001", "nothing has this"
        orders = [order for order in SORTS if order in queue.sorts]
        return review.is_indexed, {
            "facets": facets,
            "queues": [list(queue.numbers(it, words, by)) for it in filters for words in searches for by in orders],
            "items": [queue.item(number) for number in range(len(queue))],
            "keys": list(review.keys),
            "skills": review.skill_names(),
            "episodes": [(index, it.first, it.episode, it.lines) for index, it in review.episodes.items()],
        }


@pytest.mark.parametrize("blind", [False, True])
def test_a_review_is_the_same_with_the_index_as_without(run, blind):
    reading = contents(run, blind=blind, index=False)
    assert not index_of(run).parent.exists()
    assert [contents(run, blind=blind) for _ in range(2)] == [reading, (True, reading[1])]
    assert len(reading[1]["keys"]) > 100
    assert reading[1]["keys"] == [Key.of_line(line) for *_, lines in reading[1]["episodes"] for line in lines]
    assert [line for *_, lines in reading[1]["episodes"] for line in lines] == [
        json.loads(line) for line in (run / LINES).read_text(encoding="utf-8").splitlines()
    ]
    assert index_of(run, "-blind" if blind else "").is_file()


@pytest.mark.parametrize("size", [0, 1, 8, 20, 0.5, -1])
def test_a_truncated_index_is_made_again(run, size):
    reading = contents(run)
    content = index_of(run).read_bytes()
    index_of(run).write_bytes(content[: int(size * len(content)) if isinstance(size, float) else size])
    assert [contents(run) for _ in range(2)] == [reading, (True, reading[1])]
    assert index_of(run).read_bytes() == content


def test_a_damaged_index_is_made_again(run):
    reading = contents(run)
    content = bytearray(index_of(run).read_bytes())
    for place in range(0, len(content), len(content) // 9):
        index_of(run).write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        assert contents(run) == reading, place


@pytest.mark.parametrize("name", [LINES, "meta/skills.json", "meta/pgen/manifest.json", "meta/tasks.parquet"])
def test_a_changed_result_is_noticed(run, name):
    contents(run)
    content = (run / name).read_bytes()
    (run / name).write_bytes(
        content.replace(b'"user_prompt": "', b'"user_prompt": "Now ') if name == LINES else content
    )
    is_indexed, after = contents(run, index=False)
    assert contents(run) == (is_indexed, after)
    assert contents(run) == (True, after)


def test_an_index_of_another_state_of_the_code_is_made_again(run, tmp_path, monkeypatch):
    assert Path(pgen.__file__).parent in index_file._CODE
    code = tmp_path / "code"
    code.mkdir()
    (code / "checks.py").write_text("")
    monkeypatch.setattr(index_file, "_CODE", (*index_file._CODE, code))
    assert [contents(run)[0] for _ in range(2)] == [False, True]
    (code / "checks.py").write_text("# changed\n")
    assert [contents(run)[0] for _ in range(2)] == [False, True]


def test_an_index_is_neither_read_nor_stored_where_the_folder_is_none(run):
    reading = contents(run, index=False)
    index_of(run).parent.write_text("a file")
    assert [contents(run) for _ in range(2)] == [reading, reading]


def test_lines_that_change_while_they_are_reviewed_are_refused(run):
    with open_review(run) as review:
        content = (run / LINES).read_bytes()
        (run / LINES).write_bytes(content.replace(b"brick", b"stone"))
        with pytest.raises(InputError, match="start pgen review again"):
            _ = review.episodes[0].lines


def test_lines_that_another_file_replaces_stay_those_of_the_review(run):
    with open_review(run) as review:
        before = review.episodes[0].lines
        (run / "other").write_text("{}\n")
        (run / "other").replace(run / LINES)
        assert review.episodes[0].lines == before


def test_a_write_counts_anew_and_the_next_start_has_the_index_of_what_was_written(run):
    contents(run)
    with open_session(run, None, "Ada") as session:
        assert session.review.is_indexed
        number = session.review.queue.numbers({"state": ["ok"]}, "", "time")[0]
        decided(session, number, "edit_text", user="Take the other thing.", robot="I take it.")
        key, original = session.review.keys[number], session.review.episodes[0].lines[number]
        assert session.journal
        index_of(run).unlink()
        assert write(session, session.journal, lambda step: None)
    manifest = json.loads((run / "meta/pgen/manifest.json").read_text())
    assert manifest["reviews"]["counts"]["edited"] == 1
    for is_indexed in (False, True):
        with open_session(run, None, "Ada", read_only=True) as session:
            assert session.review.is_indexed == is_indexed
            assert session.review.episodes[0].lines[number] == original
            assert session.review.keys.number(key) == number
            assert session.fold.outcome(key).state == "edited"


def test_an_episode_comes_out_of_its_table_as_it_went_in():
    episode = Episode(
        7, "ep_000007", "put \udc00 away", 29.97, array("d", [0.0, 0.1 + 0.2]), (Skill("lift", 0.1, 0.3, True),),
        cameras=("front",), elsewhere=("push", "pull"), phases=(Skill("all", 0.0, 1 / 3),),
    )  # fmt: skip
    builder = EpisodeTableBuilder()
    builder.add(episode, 0, 0)
    builder.add(Episode(8, "ep_000008", "", 30.0, array("d"), ()), 0, 0)
    table = builder.build(None)
    assert [table.episode(place) for place in (0, 1)] == [episode, Episode(8, "ep_000008", "", 30.0, array("d"), ())]
