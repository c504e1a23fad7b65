"""The page of `pgen review` in Chromium: queue, dialogue, keys, links and colours."""

import json
import os
from pathlib import Path

import pytest
from report_runs import segmented
from review_edits import Client
from review_helpers import LENGTHS, SKILLS

import pgen

pytest.importorskip("browser", reason="selenium is not installed", exc_type=ImportError)

AXE = os.environ.get("PGEN_AXE", "")
HASH = "new URLSearchParams(location.hash.slice(1))"


def at(browser, episode, frame):
    """Wait until the address names a frame."""
    browser.until(f"{HASH}.get('ep') === '{episode}' && {HASH}.get('frame') === '{frame}'")


def count(browser, samples):
    browser.until(f"document.getElementById('count').textContent === '{samples} samples'")


def problems_of(server):
    """Return the number of samples with a problem, which must be some, but not all."""
    problems = Client(server).get("/api/queue?problem=yes")["total"]
    assert 0 < problems < 120
    return problems


def test_the_dialogue_is_the_one_that_labels_the_frame_in_the_dataset(visit, server, numbered_run):
    browser = visit(server, "&ep=1&frame=0")
    frames = list(pgen.open(numbered_run))[LENGTHS[0] :]
    for number, frame in enumerate(frames):
        at(browser, 1, number)
        assert browser.texts("#label .speech span") == [frame.user_prompt, frame.robot_utterance]
        assert browser.one("#skill").text == f"skill {frame.skill}"
        browser.press(".")


def test_the_key_leaves_the_address_and_the_place_stays(visit, server):
    browser = visit(server, "&ep=1&frame=7")
    at(browser, 1, 7)
    assert server.key not in browser.run("location.href")
    assert browser.run("document.cookie") == ""


def test_without_the_key_the_page_says_what_to_open(browser, visit, server):
    visit(server)
    browser.driver.delete_all_cookies()
    browser.driver.get("about:blank")
    browser.driver.get(server.origin)
    browser.until("!document.getElementById('message').hidden")
    assert browser.one("#message").text == "Open the address that pgen review printed."
    assert all("403" in complaint for complaint in browser.complaints())


def test_at_first_the_queue_has_the_problems_the_worst_first(visit, serve, faulty):
    with serve(faulty, "--read-only") as server:
        browser = visit(server)
        count(browser, problems_of(server))
        chosen = browser.one("#items [aria-current]").text
        assert chosen == browser.all("#items button")[0].text
        prompt = chosen.splitlines()[0]
        browser.until("document.querySelector('#others h3')?.textContent === 'Selected in the queue'")
        assert prompt in browser.texts("#dialogue .speech.user span")
        assert browser.texts("#dialogue .finding.error")


def test_the_form_has_the_first_problem_with_what_checks_found(visit, faulty_server):
    browser = visit(faulty_server)
    count(browser, problems_of(faulty_server))
    browser.until("!document.getElementById('editor').hidden")
    prompt = browser.one("#items [aria-current]").text.splitlines()[0]
    browser.until(f"document.getElementById('edit-user').value === {json.dumps(prompt)}")
    assert browser.texts("#found .finding.error")


def test_keys_walk_through_the_queue(visit, faulty_server):
    browser = visit(faulty_server, "&state=failed")
    count(browser, 3)
    places = [text.splitlines()[-1] for text in browser.texts("#items button")]
    for key, place in [("n", 1), ("n", 2), ("n", 2), ("p", 1), ("p", 0), ("p", 0)]:
        browser.press(key)
        browser.until(f"document.querySelectorAll('#items button')[{place}].matches('[aria-current]')")
        episode, frame = (int(part.split()[-1]) for part in places[place].partition(":")[0].split(","))
        at(browser, episode, frame)
    browser.until("document.querySelector('#dialogue .finding.failed')")


def test_filters_and_search_leave_the_samples_that_fit_and_stay_in_the_address(visit, faulty_server):
    browser = visit(faulty_server, "&ep=0&frame=0")
    count(browser, 120)
    browser.one("#filters summary").click()
    browser.choose("select[name=scope]", "step")
    browser.choose("select[name=finding]", "refusal")
    browser.until(f"{HASH}.get('finding') === 'refusal' && {HASH}.get('scope') === 'step'")
    texts = browser.texts("#items button")
    assert texts
    assert all("refusal" in text for text in texts)
    browser.driver.refresh()
    browser.until(f"document.querySelectorAll('#items button').length === {len(texts)}")
    assert browser.texts("#items button") == texts
    browser.one("#filters summary").click()
    browser.one("#clear").click()
    count(browser, 120)
    browser.search("nothing has these words")
    count(browser, 0)
    assert browser.all("#items button") == []


@pytest.mark.parametrize(
    ("keys", "frame"),
    [(".", 11), (",", 9), (">", 20), ("<", 0), (".....,", 14), ("]", 14), ("[", 0), ("\ue00c", 10)],
)
def test_keys_move_within_an_episode(visit, server, keys, frame):
    browser = visit(server, "&ep=0&frame=10")
    at(browser, 0, 10)
    browser.press(*keys)
    at(browser, 0, frame)


def test_keys_move_between_episodes_and_act_on_the_page(visit, server):
    browser = visit(server, "&ep=0&frame=10")
    at(browser, 0, 10)
    browser.press("N")
    at(browser, 1, 0)
    browser.press("P")
    at(browser, 0, 0)
    browser.press("l", "l", "j")
    assert browser.run("document.getElementById('speed').value") == "2"
    browser.press("v", "v")
    assert browser.run("[...document.querySelectorAll('.camera')].map((c) => c.matches('.large'))") == [
        False,
        True,
        False,
    ]
    browser.press("v", "v", "?")
    assert len(browser.all("dialog tr")) > 15
    browser.press(".", "\ue00c")
    browser.until("!document.querySelector('dialog')")
    at(browser, 0, 0)


def test_no_key_acts_while_text_is_typed(visit, server):
    browser = visit(server, "&ep=0&frame=10")
    at(browser, 0, 10)
    browser.press("/", "n", "N", ".", " ", "v")
    assert browser.run("document.getElementById('search').value") == "nN. v"
    browser.until(f"{HASH}.get('q') === 'nN. v'")
    browser.press("\ue00c", ".")
    at(browser, 0, 11)


def test_a_key_leads_to_the_queue_and_space_still_plays(visit, server):
    browser = visit(server, "&ep=0&frame=10&sort=time")
    at(browser, 0, 10)
    browser.press("q")
    assert browser.run("document.activeElement === document.querySelector('#items button')")
    for key in (" ", "k"):
        browser.press(key)
        browser.until("document.getElementById('play').textContent === 'Pause'")
        browser.press(key)
        browser.until("document.getElementById('play').textContent === 'Play'")


def test_a_click_on_the_timeline_and_the_seek_bar_go_to_a_frame(visit, server):
    browser = visit(server, "&ep=0&frame=0")
    browser.one("#timeline").click()
    at(browser, 0, LENGTHS[0] // 2)
    browser.run("document.getElementById('seek').focus()")
    browser.press("\ue014")
    at(browser, 0, LENGTHS[0] // 2 + 1)
    assert [name for name in browser.texts("#names span") if name] == [
        "label", "episode", "phase", "step", "standing", "samples", "skills",
    ]  # fmt: skip


def test_an_episode_or_a_frame_that_does_not_exist_is_no_error(visit, server):
    browser = visit(server, "&ep=0&frame=999")
    at(browser, 0, LENGTHS[0] - 1)
    browser.run("location.hash = '#ep=9&frame=1'")
    browser.until("!document.getElementById('message').hidden")
    assert browser.one("#message").text == "There is no episode 9."
    assert all("404" in complaint for complaint in browser.complaints())


def test_skills_without_dialogue_are_played(visit, serve, tmp_path, numbered_run):
    spans = [{"name": SKILLS[0], "start": 0, "end": 2}, {"name": "<img src=x onerror=alert(1)>", "start": 2, "end": 4}]
    source = numbered_run.parent / "data"
    out = segmented(source, tmp_path / "out", spans, spans, overwrite=True)
    with serve(out) as server:
        browser = visit(server, "&ep=1&frame=25")
        at(browser, 1, 25)
        assert browser.one("#skill").text == "skill <img src=x onerror=alert(1)>"
        assert browser.one("#label").text.startswith("A segmentation has no dialogue: review its spans")
        browser.until("document.getElementById('count').textContent === '2 episodes'")


@pytest.mark.parametrize("width", [1440, 1000, 390])
def test_the_page_is_not_wider_than_its_window(visit, faulty_server, width):
    browser = visit(faulty_server)
    browser.resize(width)
    assert browser.run("document.documentElement.scrollWidth") <= width
    browser.resize(1440)


@pytest.mark.skipif(not Path(AXE).is_file(), reason="PGEN_AXE names no axe.min.js")
@pytest.mark.parametrize("width", [1440, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(visit, faulty_server, scheme, width):
    browser = visit(faulty_server)
    browser.colours(scheme)
    browser.resize(width)
    browser.one("#filters summary").click()
    browser.driver.execute_script(Path(AXE).read_text(encoding="utf-8"))
    found = browser.driver.execute_async_script(
        "axe.run().then(({ violations }) => arguments[0](violations.map(({ id, nodes }) => [id, nodes[0].html])))"
    )
    browser.colours("light")
    assert json.loads(json.dumps(found)) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_marks_and_the_present_sample_are_seen_in_forced_colours(visit, faulty_server, scheme):
    browser = visit(faulty_server)
    browser.until("document.querySelector('#items [aria-current]')")
    browser.colours(scheme, forced=True)
    assert browser.run("matchMedia('(forced-colors: active)').matches")
    system = browser.run("""(() => { const probe = document.body.appendChild(document.createElement('p'));
      probe.style.cssText = 'color: CanvasText; background: Canvas; forced-color-adjust: none';
      const { color, backgroundColor } = getComputedStyle(probe); probe.remove();
      return [color, backgroundColor]; })()""")
    assert system[0] != system[1]
    strokes = browser.run("""[...document.querySelectorAll('.timeline :is(rect, .dot, .here)')].map((shape) =>
      [shape.getAttribute('class'), getComputedStyle(shape).stroke])""")
    assert strokes
    assert [name for name, stroke in strokes if stroke != system[0]] == []
    current = "getComputedStyle(document.querySelector('#items [aria-current]'))"
    assert browser.run(f"{current}.outlineStyle") == "solid"
    browser.colours("light")
