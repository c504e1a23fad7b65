"""Two results compared: which dialogue of a moment a person prefers, who does not know whose it is."""

import json

import pytest
from review_edits import Client, copied, event
from review_helpers import served

from pgen.errors import InputError
from pgen_review.starting import open_session
from pgen_review.summary import reviews_entry, status_lines

TEXTS = ("user", "robot")


@pytest.fixture
def folder(numbered_run, tmp_path):
    return copied(numbered_run, tmp_path)


@pytest.fixture
def other(numbered_run, tmp_path):
    """The same run with other words in the first ten dialogues."""
    changed = copied(numbered_run, tmp_path / "changed")
    path = changed / "meta/syn_annotations.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    for line in lines[:10]:
        line["user_prompt"] = f"Other words, {line['user_prompt']}"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return changed.rename(changed.with_name("other"))


def pairs_of(client):
    return {tuple(sample["key"]): sample for sample in client.samples() if sample["pair"]}


def is_other(text):
    return text["user"].startswith("Other words")


def test_pairs_come_in_a_seeded_order_and_nothing_says_whose_a_dialogue_is(folder, other, numbered_run):
    orders = []
    for seed in ("1", "1", "2"):
        with served(folder, "--against", str(other), "--seed", seed) as running:
            client = Client(running)
            pairs = pairs_of(client)
            orders.append([is_other(sample["pair"][0]) for sample in pairs.values()])
            assert all({is_other(text) for text in sample["pair"]} == {True, False} for sample in pairs.values())
            assert {sample["user"] for sample in client.samples()} == {None}
            sent = json.dumps([{**sample, "pair": None} for sample in client.samples()])
            sent += json.dumps([client.get("/api/queue"), client.get("/api/events?since=0")])
            lines = [
                json.loads(line) for line in (numbered_run / "meta/syn_annotations.jsonl").read_text().splitlines()
            ]
            assert not [line for line in lines if line["user_prompt"] in sent]
            assert client.get("/api/queue?review=open")["total"] == 10
    assert len(orders[0]) == 10
    assert orders[0] == orders[1] != orders[2]
    assert set(orders[0]) == {True, False}


def test_preferences_are_stored_undone_and_counted(folder, other):
    with served(folder, "--against", str(other)) as running:
        client = Client(running)
        pairs = list(pairs_of(client).values())
        for place, sample in enumerate(pairs[:6]):
            own = 1 if is_other(sample["pair"][1]) else 2
            choice = [own, own, own, 3 - own, 0, own][place]
            status, answer = client.edit(event(sample, "prefer", choice=choice))
            assert status == 200, answer
            assert answer["states"][0]["state"] == "accepted"
            assert answer["states"][0]["user"] is None
        assert client.turn("undo", answer["undo"])[0] == 200
        assert client.get("/api/summary")["review"]["counts"]["open"] == 5
        status, text = client.edit(event(pairs[-1], "accept"))
        assert (status, text) == (
            400,
            "Two results are compared: prefer 1 or 2, or 0 for neither, where there are two.",
        )
    with open_session(folder, None, "Ada") as session:
        entry = reviews_entry(session.review, session.header, session.fold)
        assert entry["against"] == {
            "other": {"this": 3, "other": 1, "neither": 1, "share": 0.75, "low": 0.3006, "high": 0.9544}
        }
        assert entry["counts"]["open"] == len(session.review.keys)
        (line,) = (line for line in status_lines("x", entry, 0) if line.startswith("against"))
        assert line.endswith(
            "3 dialogues preferred to its own, 1 not, 1 equal; win rate 75.0% (30.1% to 95.4% at 95 %)"
        )


def test_without_another_result_no_preference_is_stored_and_equal_results_are_not_compared(folder, numbered_run):
    with served(folder) as running:
        client = Client(running)
        status, text = client.edit(event(client.samples()[0], "prefer", choice=1))
        assert (status, text) == (400, "No results are compared; start pgen review with --against.")
    with pytest.raises(InputError, match="no moment with two different dialogues"):
        open_session(folder, None, "Ada", against=(numbered_run, 0)).__enter__()


def test_keys_prefer_a_dialogue_on_the_page(visit, serve, folder, other):
    pytest.importorskip("browser", reason="selenium is not installed", exc_type=ImportError)
    with serve(folder, "--against", str(other)) as server:
        browser = visit(server, "&review=open")
        for key, said in (("1", "preferred 1"), ("2", "preferred 2"), ("0", "no preference")):
            browser.until("document.querySelectorAll('#conflict .verdict').length === 2")
            browser.press(key)
            browser.until(f"document.getElementById('said').textContent.startsWith('{said}')")
        browser.until("document.getElementById('unsaved').textContent === 'unsaved 0'")
        browser.until("document.getElementById('done').textContent === '3 of 10 reviewed'")
        assert not browser.one("#accept").is_displayed()
        assert browser.all("#label .speech") == []
        browser.press("z")
        browser.until("document.getElementById('done').textContent === '2 of 10 reviewed'")
