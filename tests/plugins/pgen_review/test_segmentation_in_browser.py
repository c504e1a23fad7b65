"""A segmentation without dialogue in Chromium: its spans are accepted and edited, by keys and with the mouse."""

import pytest
from review_edits import Client, copied

pytest.importorskip("browser", reason="selenium is not installed", exc_type=ImportError)

EDITED = "document.getElementById('edited').textContent"
ENTER = "\ue007"


def verdicts(review):
    review.until("document.getElementById('unsaved').textContent === 'unsaved 0'")
    return [span["review"] for span in review.client.get("/api/episodes/0")["spans"]]


def test_spans_are_accepted_edited_and_written_without_a_dialogue(segmentation, tmp_path, visit, serve):
    with serve(copied(segmentation, tmp_path), "--as", "Ada") as server:
        review = visit(server, "&ep=0&frame=0")
        review.client = Client(server)
        before = [(it["start"], it["stop"]) for it in review.client.get("/api/episodes/0")["spans"]]
        count = len(before)
        review.until("document.getElementById('count').textContent === '2 episodes'")
        review.until(f"document.querySelectorAll('.handle').length === {count + 1}")
        assert review.one("#label").text.startswith("A segmentation has no dialogue")
        assert not review.one("#editor").is_displayed()
        assert review.texts("#names span") == ["skills"]
        review.run("document.activeElement.blur()")
        review.press("a")
        review.until(f"{EDITED} === 'accepted, {2 * count - 1} left'")
        review.until(f"document.getElementById('seek').value === '{before[1][0]}'")
        assert verdicts(review) == ["accepted"] + (count - 1) * ["open"]
        review.press(ENTER, "lower the hand", ENTER)
        review.until(f"{EDITED} === 'renamed to lower the hand'")
        assert verdicts(review)[:3] == ["accepted", "edited", "open"]
        review.until("document.querySelectorAll('.timeline .span title')[1].textContent.endsWith('(edited)')")
        review.press("A")
        review.until("document.getElementById('episode').value === '1'")
        assert set(verdicts(review)) == {"accepted", "edited"}
        review.until("document.querySelector('#items .state').getAttribute('aria-label') === 'edited'")
        review.until(f"document.getElementById('done').textContent === '{count} of {2 * count} reviewed'")
        review.press("z")
        review.until(f"{EDITED} === 'undone, {2 * count - 2} left'")
        assert verdicts(review)[:3] == ["accepted", "edited", "open"]
        review.one("#apply").click()
        review.press(ENTER)
        review.until("document.getElementById('applying').dataset.state === 'done'")
        assert review.one("#applying").text.startswith("2 spans reviewed, those of 1 episodes edited")
        review.press("\ue00c")
