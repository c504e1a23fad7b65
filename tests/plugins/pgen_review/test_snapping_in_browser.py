"""Edges snap to the frames at which the robot changes, in Chromium."""

import json

import pytest
from review_edits import Client, copied
from selenium.webdriver.common.keys import Keys

pytest.importorskip("browser", reason="selenium is not installed", exc_type=ImportError)

LENGTH = 66


@pytest.fixture
def review(annotated_segmentation, tmp_path, visit, serve):
    with serve(copied(annotated_segmentation, tmp_path)) as server:
        browser = visit(server, "&ep=0&frame=0")
        browser.client = Client(server)
        yield browser


def drag(review, edge, frames, *held):
    """Drag an edge by some frames, while keys are held; return the message."""
    width = review.run("document.getElementById('timeline').clientWidth")
    review.drag(f".handle[data-edge='{edge}']", round(frames * width / LENGTH), *held)


def said(review, place, text):
    review.until(f"document.getElementById('{place}').textContent.startsWith({json.dumps(text)})")


def test_dragged_edges_and_the_ends_of_dialogues_snap_to_changes_of_the_robot(review):
    # The spans of the dataset begin where the robot changes.
    edges = [span["start"] for span in review.client.get("/api/episodes/0")["spans"]][1:]
    assert review.client.get("/api/episodes/0/changes")["frames"] == edges
    assert edges[2:4] == [26, 36]
    review.until(f"document.querySelectorAll('.timeline .change').length === {len(edges)}")
    review.until("document.querySelectorAll('.handle').length === 8")
    drag(review, 4, 8)
    said(review, "edited", "edge at frame 44")
    drag(review, 4, -6)
    said(review, "edited", "edge at frame 36")
    drag(review, 3, 2, Keys.ALT)
    said(review, "edited", "edge at frame 28")
    review.until("document.querySelector('.timeline .dot.stale')")
    review.seek(26)
    review.press("o")
    said(review, "said", "ends at frame 25")
    review.press("z")
    said(review, "said", "undone")
    review.seek(26)
    review.chord(Keys.ALT, "o")
    said(review, "said", "ends at frame 26")


def test_the_nearest_change_that_fits_is_taken(review):
    script = """import('/snapping.js').then(({ snapped }) => arguments[arguments.length - 1]([
      snapped(10, [3, 8, 13]), snapped(10, [3, 14]), snapped(10, undefined), snapped(10, [9, 12], (at) => at > 10)]))"""
    assert review.driver.execute_async_script(script) == [8, 10, 10, 12]
