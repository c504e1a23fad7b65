"""A whole session by keyboard alone, from the first dialogue to the dataset that is written and verified."""

import json

import pytest
from review_edits import copied

from pgen_lerobot.verify import verify

pytest.importorskip("browser", reason="selenium is not installed", exc_type=ImportError)

TAB, ENTER, ESCAPE = "\ue004", "\ue007", "\ue00c"
APPLYING = "document.getElementById('applying')"


def to(browser, name):
    """Press Tab until an element has the focus."""
    for _ in range(80):
        if browser.run(f"document.activeElement.id === '{name}'"):
            return
        browser.press(TAB)
    raise AssertionError(f"Tab does not lead to {name}")


def test_a_session_by_keyboard_from_the_first_dialogue_to_the_verified_dataset(visit, serve, numbered_run, tmp_path):
    folder = copied(numbered_run, tmp_path)
    with serve(folder) as server:
        browser = visit(server, "&sort=time&scope=step")
        browser.until("!document.getElementById('editor').hidden")
        browser.press("a", "r", "1", "e", "wrong", ESCAPE, "e", " Be quick about it.")
        browser.until("document.getElementById('edit-user').value.endsWith('Be quick about it.')")
        prompt = browser.run("document.getElementById('edit-user').value")
        to(browser, "keep")
        browser.press(ENTER)
        browser.until("document.getElementById('said').textContent.startsWith('kept')")
        browser.press("a", "a", "z")
        browser.until("document.getElementById('said').textContent.startsWith('undone')")
        browser.until("document.getElementById('done').textContent.startsWith('3 of')")
        to(browser, "apply")
        browser.press(ENTER, ENTER)
        browser.until(f"{APPLYING}?.dataset.state")
        assert browser.run(f"{APPLYING}.dataset.state") == "done", browser.one("#applying").text
        browser.press(ESCAPE)
        browser.until("!document.querySelector('dialog')")
    assert verify(folder).ok
    lines = [json.loads(line) for line in (folder / "meta/syn_annotations.jsonl").read_text().splitlines()]
    reviewed = {line["review"]["state"]: line for line in lines if line.get("review")}
    assert sorted(reviewed) == ["accepted", "edited", "rejected"]
    assert reviewed["edited"]["user_prompt"] == prompt
