"""Pictures and videos in Chromium: which of them a camera shows, and when they change."""

import pytest
from review_helpers import CAMERAS, LENGTHS, MAIN, NUMBERS, number_of

pytest.importorskip("browser", reason="selenium is not installed", exc_type=ImportError)

FIGURES = "[...document.querySelectorAll('.camera')]"
FRAMES = f"{FIGURES}.map((figure) => figure.dataset.frame).join()"
SHOWN = f"{FIGURES}.map((figure) => figure.dataset.shows)"
VIDEOS = "[...document.querySelectorAll('.camera video')]"
PLAYING = "document.getElementById('play').textContent === 'Pause'"
LAST = LENGTHS[1] - 1

UNDECODED = f"""
from pgen.errors import SampleError
from pgen_review.pictures import Pictures
decoded = Pictures.frame
def frame(self, index, camera, number, width):
    if camera == 1 and number >= 20:
        raise SampleError("decode", "this part is damaged")
    return decoded(self, index, camera, number, width)
Pictures.frame = frame
{MAIN}
"""
"""A server that cannot decode the later frames of a camera."""

HELD = """((start) => {
  const fetched = window.fetch, held = [];
  window.fetch = async (path, ...rest) => {
    if (path.startsWith(start)) await new Promise((resolve) => held.push(resolve));
    return fetched(path, ...rest);
  };
  window.release = () => held.forEach((resolve) => resolve());
  window.isHeld = () => held.length > 0;
})"""
"""Holds the pictures whose paths have that start, until they are released."""

RECORDED = f"""(window.read = [], new MutationObserver(() => window.read.push({NUMBERS})).observe(
  document.getElementById('cameras'), {{ attributes: true, attributeFilter: ['data-frame'], subtree: true }}))"""
"""Reads the pictures whenever they change."""


def shows(browser, frame):
    """Wait until all cameras show a frame of the second episode, and check that their pictures do."""
    browser.until(f"{FRAMES} === '{','.join([str(frame)] * len(CAMERAS))}'")
    assert browser.run(NUMBERS) == [number_of(1, frame)] * len(CAMERAS)


def seek(browser, frame):
    browser.run(f"location.hash = '#ep=1&frame={frame}'")


def test_a_slow_picture_of_a_former_seek_is_never_shown_after_a_newer_one(visit, server):
    browser = visit(server, "&ep=1&frame=3")
    shows(browser, 3)
    browser.run(f"{HELD}('/frame/1/1/10.jpg')")
    browser.run(RECORDED)
    seek(browser, 10)
    browser.until("window.isHeld()")
    seek(browser, 30)
    browser.until("document.getElementById('seek').value === '30'")
    shows(browser, 3)
    browser.run("window.release()")
    shows(browser, 30)
    assert browser.run("window.read") == [[number_of(1, frame)] * len(CAMERAS) for frame in (10, 30)]


def test_nothing_moves_when_the_pictures_of_an_episode_come(visit, server):
    browser = visit(server, "&ep=1&frame=3")
    shows(browser, 3)
    browser.run(f"{HELD}('/frame/0/')")
    browser.run("location.hash = '#ep=0&frame=5'")
    browser.until("window.isHeld()")
    places = "['timeline', 'cameras'].map((id) => document.getElementById(id).getBoundingClientRect().bottom)"
    before = browser.run(places)
    browser.run("window.release()")
    browser.until(f"{FRAMES} === '{','.join(['5'] * len(CAMERAS))}'")
    assert browser.run(places) == before


def test_a_frame_is_a_picture_until_the_videos_play_and_then_again(visit, server):
    browser = visit(server, "&ep=1&frame=5")
    shows(browser, 5)
    assert browser.run(SHOWN) == ["picture"] * len(CAMERAS)
    browser.run(f"""(window.read = [], (function look() {{
      window.read.push([{SHOWN}, {NUMBERS}]);
      requestAnimationFrame(look);
    }})())""")
    browser.press(" ")
    browser.until(PLAYING)
    browser.until(f"!({PLAYING})")
    shows(browser, LAST)
    read = browser.run("window.read")
    assert {kind for kinds, _ in read for kind in kinds} == {"picture", "video"}
    assert all(len(set(kinds)) == 1 for kinds, _ in read)
    for numbers in zip(*(numbers for _, numbers in read), strict=True):
        assert list(numbers) == sorted(numbers)
        assert numbers[0] == number_of(1, 5)


def test_videos_load_nothing_before_they_play(visit, server):
    browser = visit(server, "&ep=1&frame=12")
    shows(browser, 12)
    seek(browser, 20)
    shows(browser, 20)
    assert browser.run(f"{VIDEOS}.map((video) => video.readyState)") == [0] * len(CAMERAS)


def test_a_frame_that_the_server_cannot_decode_is_shown_by_the_video_which_is_said(visit, serve, numbered_run):
    with serve(numbered_run, "--read-only", main=UNDECODED) as server:
        browser = visit(server, "&ep=1&frame=10")
        shows(browser, 10)
        for frame, shown in ((25, "undecoded"), (11, "picture"), (LAST, "undecoded")):
            seek(browser, frame)
            shows(browser, frame)
            assert browser.run(SHOWN) == ["picture", shown, "picture"]
        assert browser.run(f"getComputedStyle({FIGURES}[1].querySelector('figcaption'), '::after').content") == (
            '": pgen cannot decode this frame; the video shows it"'
        )
        assert all("404" in complaint for complaint in browser.complaints())


def test_what_the_browser_cannot_play_after_all_plays_as_pictures(visit, server):
    browser = visit(server, "&ep=1&frame=35")
    shows(browser, 35)
    browser.run(f"{VIDEOS}.forEach((video) => (video.src = '/video/0/999'))")
    browser.press(" ")
    browser.until(PLAYING)
    browser.until(f"!({PLAYING})")
    shows(browser, LAST)
    assert browser.run(SHOWN) == ["picture"] * len(CAMERAS)
    assert all("404" in complaint for complaint in browser.complaints())
