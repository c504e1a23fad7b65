"""Asking a model again in Chromium: by keyboard, from the reason to the dialogue that is taken."""

import json
import os
from pathlib import Path

import pytest
from hostile_server import HostileServer, is_probe, says, trickle
from review_edits import Client, copied, event
from selenium.webdriver.common.keys import Keys

pytest.importorskip("browser", reason="selenium is not installed", exc_type=ImportError)

AXE = os.environ.get("PGEN_AXE", "")
ESCAPE, ENTER = "\ue00c", "\ue007"
CANDIDATES = "document.querySelectorAll('#candidates > li').length"
SELECTED = "document.querySelector('#items [aria-current]')"


@pytest.fixture
def folder(numbered_run, tmp_path):
    return copied(numbered_run, tmp_path)


def decide(body, count):
    """Say something else for each seed."""
    types = {"scenario_type": "specific_object", "response_type": "confirmation"}
    user = f"Bring me cup number {body['seed'] % 1000}, please."
    dialogues = [{"number": 1, "user_prompt": user, "robot_utterance": "I bring it.", **types}]
    return says() if is_probe(body) else says(json.dumps({"seen": "a cup", "fits": True, "dialogues": dialogues}))


@pytest.fixture
def model():
    with HostileServer(decide) as running:
        yield running


@pytest.fixture
def review(folder, visit, serve, model):
    """The page of a run, its first dialogue selected, with a client of the same server."""
    with serve(folder, "--generator", "qwen-openai", "--base-url", model.url) as server:
        browser = visit(server, "&sort=time")
        browser.until(f"{SELECTED} && !document.getElementById('editor').hidden")
        browser.client = Client(server)
        yield browser


def state_of(client, sample=0):
    shown = client.get("/api/events?since=0")["states"]
    return next(found for found in shown if found["sample"] == sample)


def said(browser, text):
    browser.until(f"document.getElementById('said').textContent.startsWith({json.dumps(text)})")
    browser.until("document.getElementById('unsaved').textContent === 'unsaved 0'")


@pytest.mark.parametrize("keys", [("2",), ("too long", ENTER)])
def test_a_candidate_is_taken_by_its_number(review, model, keys):
    review.press("g", *keys)
    review.until(f"{CANDIDATES} === 2")
    assert f"at {model.url}" in review.one("dialog .quiet").text
    wanted = review.texts("#candidates .speech.user span")[1]
    review.press("2")
    said(review, "taken")
    state = state_of(review.client)
    assert (state["user"], state["state"], state["asked"]) == (wanted, "edited", 1)
    assert review.run(f"[...document.querySelectorAll('#items button')].indexOf({SELECTED})") == 1


def test_the_reason_of_a_rejection_is_proposed_and_sent(review, model):
    review.press("r", "3")
    said(review, "rejected")
    review.press("p", "g")
    review.until("document.getElementById('reason')?.value === 'not to be seen in the images'")
    review.press(ENTER)
    review.until(f"{CANDIDATES} === 2")
    assert any("not to be seen in the images" in json.dumps(body["messages"]) for body in model.bodies.values())
    review.press("1")
    said(review, "taken")
    assert state_of(review.client)["state"] == "edited"


def test_a_candidate_is_edited_before_it_is_kept(review):
    review.press("g", "4")
    review.until(f"{CANDIDATES} === 2")
    wanted = review.texts("#candidates .speech.user span")[0]
    review.press("e")
    review.until("document.activeElement.id === 'edit-user'")
    assert review.run("document.getElementById('edit-user').value") == wanted
    review.press(Keys.END, " Now.")
    review.chord(Keys.CONTROL, ENTER)
    said(review, "kept")
    state = state_of(review.client)
    assert (state["user"], state["robot"], state["asked"]) == (f"{wanted} Now.", "I bring it.", 1)
    review.press("z")
    said(review, "undone")
    assert state_of(review.client)["state"] == "open"


def test_a_model_that_writes_the_same_again_gives_nothing_to_take(folder, visit, serve):
    def repeat(body, count):
        if is_probe(body):
            return says()
        types = {"scenario_type": "specific_object", "response_type": "confirmation"}
        before = json.loads(next(turn["content"] for turn in body["messages"] if turn["role"] == "assistant"))
        dialogues = [{**before["dialogues"][0], **types}]
        return says(json.dumps({"seen": "a cup", "fits": True, "dialogues": dialogues}))

    with (
        HostileServer(repeat) as server,
        serve(folder, "--generator", "qwen-openai", "--base-url", server.url) as running,
    ):
        review = visit(running, "&sort=time")
        review.until(f"{SELECTED} && !document.getElementById('editor').hidden")
        review.press("g", "4")
        review.until("document.getElementById('asking')?.textContent.startsWith('The model wrote the same')")
        assert review.run(CANDIDATES) == 0
        review.press(ESCAPE)


def test_candidates_are_there_again_after_the_dialog_was_closed(review):
    review.press("g", "4")
    review.until(f"{CANDIDATES} === 2")
    shown = review.texts("#candidates .speech.user span")
    review.press(ESCAPE)
    review.until("!document.querySelector('dialog')")
    assert review.client.get("/api/events?since=0")["n"] == 0
    review.press("g")
    review.until(f"{CANDIDATES} === 2")
    assert review.texts("#candidates .speech.user span") == shown


def test_all_rejected_dialogues_are_asked_about_from_the_keyboard(review):
    client = review.client
    samples = client.samples()[:3]
    client.edit(*(event(sample, "reject", reason="too vague") for sample in samples))
    review.press("G")
    review.until("document.getElementById('asking')?.textContent.startsWith('3 rejected')")
    assert "tokens in" in review.one("dialog .quiet").text
    review.press(ENTER)
    review.until("document.getElementById('asking').textContent.startsWith('done: 3 of 3 written')")
    assert client.get("/api/ask?rejected")["dialogues"] == 0


def test_a_server_that_is_absent_is_named_and_the_button_is_grey_until_it_is_there(folder, visit, serve):
    with HostileServer() as server:
        url, port = server.url, server.port
    with serve(folder, "--generator", "qwen-openai", "--base-url", url) as running:
        review = visit(running, "&sort=time")
        review.until(f"{SELECTED} && !document.getElementById('editor').hidden")
        review.press("g", "4")
        review.until(f"document.getElementById('asking')?.textContent.includes({json.dumps(url.removesuffix('/v1'))})")
        review.until("document.getElementById('ask').disabled")
        with HostileServer(decide, port=port):
            review.press(ESCAPE)
            review.until("!document.querySelector('dialog')")
            review.press("g", "4")
            review.until(f"{CANDIDATES} === 2")
            review.until("!document.getElementById('ask').disabled")
        review.press(ESCAPE)


def test_closing_the_dialog_cancels(folder, visit, serve):
    silent = HostileServer(lambda body, count: says() if is_probe(body) else trickle)
    with silent as server, serve(folder, "--generator", "qwen-openai", "--base-url", server.url) as running:
        review = visit(running, "&sort=time")
        review.until(f"{SELECTED} && !document.getElementById('editor').hidden")
        review.press("g", "4")
        review.until("document.getElementById('start')?.textContent === 'Cancel'")
        review.press(ESCAPE)
        review.until("!document.querySelector('dialog')")
        while server.in_flight:
            pass


@pytest.mark.parametrize("width", [1440, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.skipif(not Path(AXE).is_file(), reason="PGEN_AXE names no axe.min.js")
def test_axe_finds_nothing_in_the_dialog(review, scheme, width):
    review.colours(scheme)
    review.resize(width)
    review.press("g", "4")
    review.until(f"{CANDIDATES} === 2")
    assert review.run("document.querySelector('dialog').scrollWidth") <= width
    review.driver.execute_script(Path(AXE).read_text(encoding="utf-8"))
    found = review.driver.execute_async_script(
        "axe.run().then(({ violations }) => arguments[0](violations.map(({ id, nodes }) => [id, nodes[0].html])))"
    )
    review.colours("light")
    assert found == []
