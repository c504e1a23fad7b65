"""Events, undo and redo through the server: what is stored, and what is refused."""

from uuid import uuid4

import pytest
from review_edits import Client, copied, event
from review_helpers import served

TAKEN = {"user": "a", "robot": "b", "scenario": None, "response": None, "asked": 1, "generator": "tiny"}
"""The members of an event that takes the dialogue of a model."""


@pytest.fixture(scope="module")
def folder(numbered_run, tmp_path_factory):
    return copied(numbered_run, tmp_path_factory.mktemp("changes"))


@pytest.fixture(scope="module")
def client(folder):
    with served(folder, "--as", "Ada") as running:
        yield Client(running)


@pytest.fixture
def sample(client):
    """A step that no test has changed."""
    steps = [sample for sample in client.samples() if sample["scope"] == "step"]
    return next(sample for sample in steps if not sample["review"]["n"])


def state_of(answer):
    (state,) = answer["states"]
    return state


def test_a_rejected_dialogue_labels_no_frame_until_that_is_undone(client, sample):
    before = client.get("/api/episodes/0")["labels"]
    position = [other["key"] for other in client.samples()].index(sample["key"])
    status, answer = client.edit(event(sample, "reject", reason="wrong  action"))
    assert (status, state_of(answer)["state"], state_of(answer)["reason"]) == (200, "rejected", "wrong action")
    assert state_of(answer)["start"] is None
    assert position not in [label[2] for label in client.get("/api/episodes/0")["labels"]]
    status, answer = client.turn("undo", answer["undo"])
    assert (status, state_of(answer)["state"], state_of(answer)["by"]) == (200, "open", None)
    assert client.get("/api/episodes/0")["labels"] == before
    status, answer = client.turn("redo", answer["redo"])
    assert (status, state_of(answer)["state"]) == (200, "rejected")


def test_an_edit_is_shown_with_its_original(client, sample):
    status, answer = client.edit(event(sample, "edit_text", user="Grab  it!", robot=sample["robot"]))
    state = state_of(answer)
    assert (status, state["state"], state["user"], state["changed"]) == (200, "edited", "Grab it!", ["user"])
    assert state["by"] == "Ada"
    shown = next(other for other in client.samples() if other["key"] == sample["key"])
    assert (shown["user"], shown["original"]["user"]) == ("Grab it!", sample["user"])
    items = client.get("/api/queue?sort=time&review=edited")["items"]
    assert ("Grab it!", "edited") in [(item["text"], item["review"]) for item in items]
    assert client.get("/api/summary")["review"]["counts"]["edited"] == len(items)


def test_the_search_finds_what_a_person_wrote_until_that_is_undone(client, sample):
    def found(words):
        return [item["key"] for item in client.get(f"/api/queue?q={words}")["items"]]

    _, answer = client.edit(
        event(sample, "edit_text", user="Grab the Xylophone!", robot="Yes."),
        event(sample, "note", text="a quokka is there"),
    )
    assert [found(words) for words in ("xylo", "QUOKKA", "quokka+grab")] == [[sample["key"]]] * 3
    assert sample["key"] in found("+".join(sample["user"].split()))
    client.turn("undo", answer["undo"])
    assert [found("xylo"), found("quokka")] == [[], []]


def test_a_shortened_dialogue_is_in_force_over_the_frames_that_were_chosen(client, sample):
    start, stop = sample["start"], sample["stop"]
    status, answer = client.edit(event(sample, "edit_range", start=start, stop=stop - 2))
    assert (status, state_of(answer)["stop"], state_of(answer)["changed"]) == (200, stop - 2, ["stop"])
    shown = next(other for other in client.samples() if other["key"] == sample["key"])
    assert (shown["start"], shown["stop"]) == (start, stop - 2)
    position = client.samples().index(shown)
    labels = client.get("/api/episodes/0")["labels"]
    assert all(last <= stop - 2 for _, last, where, _ in labels if where == position)


def test_events_that_are_sent_again_are_stored_once(client, sample):
    sent = event(sample, "flag", on=True)
    first, again = client.edit(sent), client.edit(sent)
    assert first == again
    turn = {"journal": client.journal, "id": str(uuid4()), "n": first[1]["undo"]}
    assert client.post("/api/undo", turn) == client.post("/api/undo", turn)
    assert client.get("/api/events?since=0")["n"] == first[1]["n"] + 1


def test_an_edit_of_an_older_state_is_refused_with_the_present_one(client, sample):
    late = event(sample, "accept")
    assert client.edit(event(sample, "note", text="look at the cup"))[0] == 200
    status, answer = client.edit(late)
    assert (status, state_of(answer)["note"]) == (409, "look at the cup")
    assert client.edit(event({**sample, "review": state_of(answer)}, "accept"))[0] == 200
    assert client.turn("undo", 1)[0] == 409


def test_a_request_is_stored_and_undone_as_a_whole(client, sample):
    number = client.get("/api/events?since=0")["n"]
    invalid = event(sample, "edit_types", scenario="no such type", response=None)
    assert client.edit(event(sample, "accept"), invalid)[0] == 400
    assert client.get("/api/events?since=0")["n"] == number
    status, answer = client.edit(event(sample, "accept"), event(sample, "note", text="fine"))
    assert (status, answer["n"], answer["undo"]) == (200, number + 2, number + 1)
    assert client.get(f"/api/events?since={number}")["states"] == answer["states"]
    status, answer = client.turn("undo", answer["undo"])
    assert (state_of(answer)["state"], state_of(answer)["note"]) == ("open", "")


@pytest.mark.parametrize(
    ("kind", "members", "reason"),
    [
        ("reject", {}, "`reason` must be a text of 1 to 500 characters."),
        ("reject", {"reason": " "}, "`reason` must be a text of 1 to 500 characters."),
        ("edit_text", {"user": "a | b", "robot": "c"}, "`user` must be one line without `|`"),
        ("edit_text", {"user": "a", "robot": "c\u001b[2J"}, "`robot` contains a control character; remove it."),
        ("edit_text", {"user": "a" * 301, "robot": "c"}, "`user` must be a text of 1 to 300 characters."),
        ("edit_text", {"user": "a", "robot": "\ud800"}, "`robot` contains a control character; remove it."),
        ("edit_range", {"start": 5, "stop": 5}, "`start` and `stop` must be frames from"),
        ("edit_range", {"start": 0, "stop": 10_000}, "`start` and `stop` must be frames from"),
        ("edit_range", {"start": True, "stop": 2.0}, "`start` and `stop` must be frames from"),
        ("edit_types", {"scenario": 5, "response": None}, "`scenario` must be null or one of"),
        ("take", {**TAKEN, "asked": 0}, "`asked` must be a number from 1"),
        ("take", {**TAKEN, "generator": ""}, "`generator` must be a text"),
        ("take", {**TAKEN, "user": "a | b"}, "`user` must be one line without `|`"),
        ("note", {"text": 5}, "`text` must be a text"),
        ("flag", {"on": 1}, "`on` must be true or false."),
        ("delete", {}, "a `kind` of accept, reject, edit_text"),
        ("accept", {"id": "short"}, "`id` must be a text"),
        ("accept", {"key": [0, 0]}, "`key` must be a list"),
        ("accept", {"key": [0, 99_999, "step", 0]}, "There is no dialogue [0, 99999, 'step', 0]."),
        ("accept", {"base": None}, "An event needs the number `base`"),
    ],
)
def test_an_invalid_event_is_refused_in_a_sentence_and_not_stored(client, sample, kind, members, reason):
    number = client.get("/api/events?since=0")["n"]
    status, text = client.edit({**event(sample, kind), **members})
    assert (status, client.get("/api/events?since=0")["n"]) == (400, number)
    assert reason in text


@pytest.mark.parametrize("body", [[], 5, {}, {"events": {}}, {"events": []}, {"events": [5]}])
def test_a_malformed_request_is_refused(client, body):
    if isinstance(body, dict):
        body = {"journal": client.journal, **body}
    assert client.post("/api/events", body)[0] == 400


def test_an_edit_of_another_result_is_refused(client, sample):
    status, answer = client.post("/api/events", {"journal": "another", "events": [event(sample, "accept")]})
    assert (status, answer["states"]) == (409, [])


def test_states_undo_and_redo_survive_a_restart(numbered_run, tmp_path):
    folder = copied(numbered_run, tmp_path)
    with served(folder) as running:
        client = Client(running)
        first, second, *_ = client.samples(1)
        client.edit(event(first, "reject", reason="wrong"))
        answer = client.edit(event(second, "accept"))[1]
        client.turn("undo", answer["undo"])
        before = client.get("/api/events?since=0")
    with served(folder) as running:
        client = Client(running)
        assert client.get("/api/events?since=0") == before
        status, answer = client.turn("redo", before["redo"])
        assert (status, state_of(answer)["state"]) == (200, "accepted")
        for _ in range(2):
            status, answer = client.turn("undo", answer["undo"])
        assert not any(answer["counts"][state] for state in ("accepted", "edited", "rejected"))
        assert client.turn("undo", None)[0] == 409


def test_a_read_only_review_shows_the_states_and_changes_nothing(folder, client, sample):
    with served(folder, "--read-only") as running:
        other = Client(running)
        assert other.journal is None
        assert other.get("/api/events?since=0") == client.get("/api/events?since=0")
        assert other.edit(event(sample, "accept")) == (400, "This review is read-only: nothing can be changed.")
