"""The player in Chromium: the right frame on all cameras, whatever the videos are."""

from random import Random

import pytest
from old_layout import ONE_A_FILE, as_v21
from review_helpers import CAMERAS, LENGTHS, NUMBERS, annotated, encoded, number_of, numbered

import pgen

pytest.importorskip("browser", reason="selenium is not installed", exc_type=ImportError)

FRAMES = "[...document.querySelectorAll('.camera')].map((figure) => figure.dataset.frame)"
PLAYING = "document.getElementById('play').textContent === 'Pause'"


def shows(browser, episode, frame):
    """Wait until all cameras show a frame, and return the numbers that their pictures have."""
    browser.until(f"document.getElementById('episode').value === '{episode}'")
    browser.until(f"{FRAMES}.every((shown) => shown === '{frame}')")
    return browser.run(NUMBERS)


def assert_seeks_exactly(browser, seed, seeks=12):
    draw = Random(seed)
    for _ in range(seeks):
        episode = draw.randrange(len(LENGTHS))
        frame = draw.randrange(LENGTHS[episode])
        browser.run(f"location.hash = '#ep={episode}&frame={frame}'")
        assert shows(browser, episode, frame) == [number_of(episode, frame)] * len(CAMERAS)


@pytest.mark.parametrize(
    ("layout", "shown"),
    [
        ({}, "video"),
        ({"gop": 250, "fps": 29.97}, "video"),
        ({"codec": "av1", "fps": 30, "gop": 30}, "video"),
        ({"gop": 10, "fps": 50}, "video"),
        ({"codec": "mpeg4"}, "canvas"),
        ({"codec": "png"}, "canvas"),
    ],
    ids=str,
)
def test_every_camera_shows_the_frame_that_is_sought(visit, serve, tmp_path, layout, shown):
    with serve(annotated(tmp_path, **layout)) as server:
        browser = visit(server)
        assert len(browser.all(f".camera {shown}")) == len(CAMERAS)
        assert_seeks_exactly(browser, str(layout))


@pytest.mark.parametrize(
    ("encoder", "options", "pixels", "shown"),
    [
        ("libx264", {"bf": "3", "g": "30", "preset": "fast"}, "yuv420p", "video"),
        ("libx264", {"g": "30"}, "yuv444p", "canvas"),
        ("libvpx-vp9", {"g": "30", "deadline": "realtime"}, "yuv420p", "video"),
        ("libx265", {"g": "30", "preset": "ultrafast", "x265-params": "log-level=none"}, "yuv420p", "canvas"),
    ],
)
def test_other_encodings_show_the_frame_that_is_sought(visit, serve, tmp_path, encoder, options, pixels, shown):
    with serve(encoded(annotated(tmp_path), encoder, options, pixels)) as server:
        browser = visit(server)
        assert len(browser.all(f".camera {shown}")) == len(CAMERAS)
        assert_seeks_exactly(browser, encoder, 8)


def test_cameras_stay_together_while_they_play(visit, server):
    browser = visit(server, "&ep=1&frame=0")
    shows(browser, 1, 0)
    browser.run(f"""(window.apart = [], (function look() {{
      const frames = {NUMBERS};
      if ({PLAYING}) window.apart.push(Math.max(...frames) - Math.min(...frames));
      requestAnimationFrame(look);
    }})())""")
    browser.press(" ")
    browser.until(PLAYING)
    browser.until(f"!({PLAYING})")
    apart = browser.run("window.apart")
    assert apart
    assert sorted(apart)[len(apart) // 2] <= 1
    assert shows(browser, 1, LENGTHS[1] - 1) == [number_of(1, LENGTHS[1] - 1)] * len(CAMERAS)


def test_a_dataset_of_v2_1_is_played_too(visit, serve, tmp_path):
    root = as_v21(numbered(tmp_path / "data", **ONE_A_FILE))
    pgen.annotate(root, tmp_path / "out", generator="template")
    with serve(tmp_path / "out") as server:
        assert_seeks_exactly(visit(server), 0, 6)


def test_an_episode_plays_to_its_last_frame_and_not_into_the_next_one(visit, server):
    browser = visit(server, "&ep=0&frame=30")
    shows(browser, 0, 30)
    browser.press(" ")
    browser.until(PLAYING)
    browser.until(f"!({PLAYING})")
    assert shows(browser, 0, LENGTHS[0] - 1) == [number_of(0, LENGTHS[0] - 1)] * len(CAMERAS)
    browser.press(" ")
    browser.until(PLAYING)
    browser.press(" ")
    browser.until(f"!({PLAYING})")
    frame = int(browser.run("document.getElementById('seek').value"))
    assert shows(browser, 0, frame) == [number_of(0, frame)] * len(CAMERAS)


def test_single_frames_play_to_the_end_too(visit, serve, tmp_path):
    with serve(annotated(tmp_path, codec="png")) as server:
        browser = visit(server, "&ep=1&frame=40")
        shows(browser, 1, 40)
        browser.press(" ")
        browser.until(PLAYING)
        browser.until(f"!({PLAYING})")
        assert shows(browser, 1, LENGTHS[1] - 1) == [number_of(1, LENGTHS[1] - 1)] * len(CAMERAS)


def test_of_many_seeks_at_once_the_last_one_is_shown(visit, server):
    browser = visit(server, "&ep=1&frame=0")
    shows(browser, 1, 0)
    browser.press(*"." * 20)
    assert shows(browser, 1, 20) == [number_of(1, 20)] * len(CAMERAS)


def test_a_camera_without_a_video_of_the_episode_says_so(visit, serve, tmp_path):
    out = annotated(tmp_path, episodes_per_video_file=1)
    (out / f"videos/{CAMERAS[1]}/chunk-000/file-001.mp4").unlink()
    with serve(out) as server:
        browser = visit(server, "&ep=1&frame=3")
        browser.until(f"{FRAMES}[0] === '3'")
        assert browser.texts(".camera .note") == ["no video of this episode"]
        assert len(browser.all(".camera video")) == len(CAMERAS) - 1
        browser.press("P")
        assert shows(browser, 0, 0) == [number_of(0, 0)] * len(CAMERAS)


def test_a_dialogue_is_repeated_while_its_loop_is_on(visit, server):
    browser = visit(server, "&scope=step&sort=time")
    browser.until("document.querySelector('#items [aria-current]')")
    browser.all("#items button")[-1].click()
    browser.until("Number(document.getElementById('seek').value) > 10")
    browser.until("!document.getElementById('loop').disabled")
    begin = int(browser.run("document.getElementById('seek').value"))
    browser.one("#loop").click()
    browser.run("document.activeElement.blur()")
    browser.press(" ")
    # The clock runs to the end of the dialogue, and then from a second before it again.
    browser.until(f"Number(document.getElementById('seek').value) > {begin}")
    browser.until(f"Number(document.getElementById('seek').value) < {begin}")
    browser.until(PLAYING)
    browser.press(" ")
    browser.until(f"!({PLAYING})")
