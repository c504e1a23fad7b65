"""Decisions in Chromium: what keys do to a dialogue, and that the server has it."""

import json

import pytest
from review_edits import Client, copied
from selenium.webdriver.common.keys import Keys

pytest.importorskip("browser", reason="selenium is not installed", exc_type=ImportError)

ESCAPE, ENTER = "\ue00c", "\ue007"
UNSAVED = "document.getElementById('unsaved').textContent"
SELECTED = "document.querySelector('#items [aria-current]')"


@pytest.fixture
def folder(numbered_run, tmp_path):
    return copied(numbered_run, tmp_path)


@pytest.fixture
def review(folder, visit, serve):
    """The page of a run, its first dialogue selected, with a client of the same server."""
    with serve(folder) as server:
        browser = visit(server, "&sort=time")
        browser.until(f"{SELECTED} && !document.getElementById('editor').hidden")
        browser.client = Client(server)
        yield browser


def saved(browser):
    browser.until(f"{UNSAVED} === 'unsaved 0'")


def states(client, state):
    """Return the dialogues in a state, by their sample."""
    shown = client.get("/api/events?since=0")["states"]
    return {found["sample"]: found for found in shown if found["state"] == state}


def said(browser, text):
    browser.until(f"document.getElementById('said').textContent === {json.dumps(text)}")


def replaced(browser, field, text):
    """Type a text in place of the one that a field has."""
    browser.run(f"document.getElementById('edit-{field}').select()")
    browser.press(text)


def number(browser):
    """Return the number of the sample that is selected in the queue."""
    return browser.run(f"[...document.querySelectorAll('#items button')].indexOf({SELECTED})")


def test_accepted_dialogues_are_announced_and_the_next_one_is_selected_and_focused(review):
    total = review.client.get("/api/queue")["total"]
    review.press("a")
    said(review, f"accepted, {total - 1} left")
    review.until(f"document.activeElement === {SELECTED}")
    assert number(review) == 1
    review.press("a", "a")
    said(review, f"accepted, {total - 3} left")
    saved(review)
    assert list(states(review.client, "accepted")) == [0, 1, 2]
    assert review.one("#done").text == f"3 of {total} reviewed"
    assert review.texts("#items .state")[:4] == ["■", "■", "■", "□"]


@pytest.mark.parametrize(
    ("keys", "reason"), [(("3",), "not to be seen in the images"), (("too early", ENTER), "too early")]
)
def test_a_dialogue_is_rejected_with_a_reason_and_labels_nothing(review, keys, reason):
    prompt = review.run("document.getElementById('edit-user').value")
    review.press("r", *keys)
    review.until("document.getElementById('said').textContent.startsWith('rejected')")
    saved(review)
    assert states(review.client, "rejected")[0]["reason"] == reason
    assert number(review) == 1
    review.until(f"document.querySelector('#label .speech.user span').textContent !== {json.dumps(prompt)}")


def test_escape_leaves_the_reasons_without_a_decision(review):
    review.press("r", ESCAPE)
    review.until("!document.querySelector('dialog')")
    assert review.client.get("/api/events?since=0")["n"] == 0


def test_a_text_is_edited_and_kept_with_ctrl_enter(review):
    review.press("e")
    assert review.run("document.activeElement.id") == "edit-user"
    replaced(review, "user", "Please, the cup!")
    assert review.one("#draft").is_displayed()
    review.chord(Keys.CONTROL, ENTER)
    review.until("document.getElementById('said').textContent.startsWith('kept')")
    saved(review)
    assert states(review.client, "edited")[0]["user"] == "Please, the cup!"
    assert review.run("document.activeElement === document.body")
    assert not review.one("#draft").is_displayed()
    review.until("document.getElementById('versions').textContent.startsWith('originally, user')")
    assert review.texts("#items button > span[dir]")[0] == "Please, the cup!"


def test_escape_drops_what_was_typed(review):
    before = review.run("document.getElementById('edit-user').value")
    review.press("e", "and more", ESCAPE)
    assert review.run("document.getElementById('edit-user').value") == before
    assert review.run("document.activeElement === document.body")
    assert review.client.get("/api/events?since=0")["n"] == 0


def test_accepting_keeps_what_was_typed(review):
    review.press("e")
    replaced(review, "robot", "I take it.")
    review.choose("#edit-response", "error_handling")
    review.run("document.activeElement.blur()")
    review.press("a")
    review.until("document.getElementById('said').textContent.startsWith('kept')")
    saved(review)
    assert states(review.client, "edited")[0]["robot"] == "I take it."
    assert number(review) == 1


def test_flags_and_notes_are_stored_and_decide_nothing(review):
    review.press("f")
    review.until("document.getElementById('said').textContent.startsWith('flagged')")
    review.press("m", "Ask Ada.")
    review.chord(Keys.CONTROL, ENTER)
    review.until("document.getElementById('said').textContent.startsWith('noted')")
    saved(review)
    assert [(state["flagged"], state["note"]) for state in states(review.client, "open").values()] == [
        (True, "Ask Ada.")
    ]
    assert "⚑" in review.texts("#items .state")[0]
    assert "note: Ask Ada." in review.texts("#reviewed span")


def test_a_dialogue_begins_and_ends_at_the_frame_that_is_shown(review):
    sample = review.client.samples()[0]
    review.press(*"....", "i")
    said_begin = "document.getElementById('said').textContent.startsWith('begins at frame 4')"
    review.until(said_begin)
    review.press(*"..", "o")
    review.until("document.getElementById('said').textContent.startsWith('ends at frame 6')")
    saved(review)
    (edited,) = states(review.client, "edited").values()
    assert (edited["key"], edited["start"], edited["stop"]) == (sample["key"], 4, 7)
    review.until("document.getElementById('about').textContent.includes('frames 4 to 6')")
    review.press(",", ",", ",", "o")
    review.until("!document.getElementById('message').hidden")
    assert "its end is before its beginning" in review.one("#message").text


def test_undo_and_redo_return_to_the_dialogue(review):
    review.press("a", "a", "z")
    review.until("document.getElementById('said').textContent.startsWith('undone')")
    review.until(f"{SELECTED} === document.querySelectorAll('#items button')[1]")
    saved(review)
    assert list(states(review.client, "accepted")) == [0]
    review.press("z")
    review.until(f"{SELECTED} === document.querySelectorAll('#items button')[0]")
    saved(review)
    assert states(review.client, "accepted") == {}
    review.press("Z", "Z")
    review.until("document.getElementById('redo').disabled")
    saved(review)
    assert list(states(review.client, "accepted")) == [0, 1]


HOLD_POLLS = """(window.held = [], window.original = window.fetch, window.fetch = async (path, ...others) => {
  const answer = await window.original(path, ...others);
  if (String(path).startsWith("/api/events?")) await new Promise((resolve) => window.held.push(resolve));
  return answer;
})"""


def test_an_answer_that_arrives_late_does_not_say_what_is_redone(review):
    review.run(HOLD_POLLS)
    review.press("a")
    saved(review)
    review.until("window.held.length > 0")
    review.press("z")
    saved(review)
    review.driver.execute_async_script("window.held.forEach((resolve) => resolve()); setTimeout(arguments[0])")
    review.press("Z")
    review.until("document.getElementById('said').textContent.startsWith('redone')")
    saved(review)
    assert list(states(review.client, "accepted")) == [0]


def test_the_help_has_the_keys_of_decisions_unless_the_page_only_reads(visit, serve, folder):
    for options, rows in (((), 31), (("--read-only",), 11)):
        with serve(folder, *options) as server:
            browser = visit(server)
            browser.press("?")
            assert len(browser.all("dialog tr")) == rows
            assert bool(browser.all("#editor:not([hidden])")) or options
            assert all(not found.is_displayed() for found in browser.all(".editing")) == bool(options)
            browser.press(ESCAPE)


def test_keys_in_one_go_act_on_one_dialogue_after_the_other(review):
    review.press("a", "f", "r", "3", "f", "e", "!", ESCAPE, "r", "4", "a")
    review.until("document.getElementById('done').textContent.startsWith('4 of')")
    saved(review)
    assert list(states(review.client, "accepted")) == [0, 3]
    assert [(found["reason"], found["flagged"]) for found in states(review.client, "rejected").values()] == [
        ("not to be seen in the images", True),
        ("said too early or too late", True),
    ]
    assert review.run("document.getElementById('message').hidden")
