"""Spans in Chromium: each key and a drag with the mouse, and what the server has after them."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from review_edits import Client, copied
from review_helpers import SKILLS
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

pytest.importorskip("browser", reason="selenium is not installed", exc_type=ImportError)

ESCAPE, ENTER = "\ue00c", "\ue007"
EDITED = "document.getElementById('edited').textContent"
REACH, LIFT, PUT = SKILLS
LENGTH = 40


@pytest.fixture
def review(numbered_run, tmp_path, visit, serve):
    """The page of a run, its first episode shown, with a client of the same server."""
    with serve(copied(numbered_run, tmp_path)) as server:
        browser = visit(server, "&ep=0&frame=20")
        browser.until("document.querySelectorAll('.handle').length === 4")
        browser.run("document.activeElement.blur()")
        browser.client = Client(server)
        yield browser


def spans(review):
    """Return the spans that the server has, after all is saved and shown."""
    review.until("document.getElementById('unsaved').textContent === 'unsaved 0'")
    stored = [(it["name"], it["start"], it["stop"]) for it in review.client.get("/api/episodes/0")["spans"]]
    review.until(f"document.querySelectorAll('.timeline .span').length === {len(stored)}")
    return stored


def said(review, text):
    review.until(f"{EDITED} === {json.dumps(text)}")


def far(review, key):
    """Press a key while Alt and Shift are held."""
    held = ActionChains(review.driver).key_down(Keys.ALT).key_down(Keys.SHIFT)
    held.send_keys(key).key_up(Keys.SHIFT).key_up(Keys.ALT).perform()


def test_a_span_is_split_at_the_playhead_merged_again_and_both_are_undone(review):
    before = spans(review)
    review.press("s")
    said(review, f"split {LIFT} at frame 20")
    assert spans(review) == [before[0], (LIFT, 14, 20), (LIFT, 20, 27), before[2]]
    review.press(",", "x")
    said(review, f"merged {LIFT} into {LIFT}")
    assert spans(review) == before
    review.press("z", "z")
    review.until("document.getElementById('undo').disabled")
    assert spans(review) == before


def test_enter_renames_the_span_and_its_dialogues_are_stale_until_they_are_accepted(review):
    before = spans(review)
    review.press("t")
    said(review, f"{LIFT}, frames 14 to 26")
    review.press(ENTER)
    assert review.run("[...document.querySelectorAll('#skill-names option')].map((it) => it.value)") == sorted(SKILLS)
    review.press("raise the mug", ENTER)
    said(review, "renamed to raise the mug")
    assert spans(review) == [before[0], ("raise the mug", 14, 27), before[2]]
    review.until("document.querySelector('.timeline .dot.stale')")
    review.until("document.getElementById('skill').textContent.includes('raise the mug')")
    stale = review.client.get("/api/summary")["review"]["counts"]["stale"]
    review.until(f"document.getElementById('done').textContent.endsWith('{stale} stale')")
    review.until("document.querySelectorAll('.timeline .span title')[1].textContent.endsWith('(no dialogue yet)')")


def test_the_second_part_of_a_span_is_in_the_queue_until_a_person_writes_its_dialogue(review):
    listed = "[...document.querySelectorAll('#items button')].filter((it) => it.textContent.startsWith('no dialogue'))"
    review.press("s")
    review.until(f"{listed}.length === 1")
    review.until("document.querySelectorAll('.timeline .dot.open').length === 4")
    review.press("[", "]")
    review.until("document.getElementById('found').textContent.startsWith('no dialogue yet')")
    review.press("e", "Higher!", "\ue004", "Up it goes.")
    review.chord(Keys.CONTROL, ENTER)
    review.until("document.querySelectorAll('.timeline .dot.edited').length === 1")
    review.until("document.getElementById('unsaved').textContent === 'unsaved 0'")
    (sample,) = [sample for sample in review.client.samples() if sample["added"]]
    assert (sample["user"], sample["robot"], sample["start"], sample["stop"]) == ("Higher!", "Up it goes.", 20, 27)
    review.press("/", "higher up")
    review.until("document.getElementById('count').textContent === '1 samples'")
    review.press(ESCAPE, "z", "z")
    review.until("document.getElementById('count').textContent === '0 samples'")


def test_all_stale_dialogues_are_accepted_at_once_after_their_texts_were_shown(review):
    button = "document.getElementById('accept-stale')"
    assert review.run(f"{button}.hidden")
    review.press(ENTER, "raise the mug", ENTER)
    review.until(f"!{button}.hidden")
    stale = [it for it in review.client.samples() if it["review"]["state"] == "stale"]
    assert review.run(f"{button}.textContent") == f"Accept {len(stale)} stale …"
    former = [it for it in stale if it["review"]["former"]]
    assert {name for it in former for name in it["review"]["former"]} == {LIFT}
    assert all("lift" in f"{it['user']} {it['robot']}".lower() for it in former if it["scope"] == "step")
    review.press("A", ESCAPE)
    review.until("!document.querySelector('dialog')")
    assert review.client.get("/api/events?since=0")["n"] == 1
    review.press("A")
    review.until("document.activeElement.matches('dialog .listed')")
    assert review.texts("dialog h3")[0] == f"{len(former)} name a skill to which they no longer lead"
    shown = review.texts("dialog .speech.user span")
    assert sorted(shown[: len(former)]) == sorted(it["user"] for it in former)
    assert sorted(shown) == sorted(it["user"] for it in stale)
    assert review.texts("dialog .quiet")[0].endswith(f", not “{LIFT}”")
    review.press("\ue004", ENTER)
    review.until(f"{button}.hidden && document.getElementById('unsaved').textContent === 'unsaved 0'")
    states = {tuple(it["key"]): it["review"]["state"] for it in review.client.samples()}
    assert {states[tuple(it["key"])] for it in stale} == {"accepted"}
    assert review.client.get("/api/summary")["review"]["counts"]["accepted"] == len(stale)
    review.press("z")
    review.until(f"{button}.textContent === 'Accept {len(stale)} stale …' && !{button}.hidden")
    assert review.client.get("/api/summary")["review"]["counts"]["stale"] == len(stale)


def test_escape_leaves_the_name_as_it_is(review):
    before = spans(review)
    review.press(ENTER, "other", ESCAPE)
    review.until("!document.querySelector('dialog')")
    assert (spans(review), review.client.get("/api/events?since=0")["n"]) == (before, 0)


def test_edges_are_selected_and_moved_by_keys_and_stop_at_their_neighbours(review):
    review.press("{")
    said(review, f"end of {REACH}, start of {LIFT}: frame 14")
    assert review.run("document.querySelector('.handle.chosen').dataset.edge") == "1"
    review.chord(Keys.ALT, Keys.ARROW_LEFT)
    review.chord(Keys.ALT, Keys.ARROW_LEFT)
    said(review, "edge at frame 12")
    assert [start for _, start, _ in spans(review)] == [0, 12, 27]
    review.press("}")
    said(review, f"end of {LIFT}, start of {PUT}: frame 27")
    review.chord(Keys.ALT, Keys.ARROW_RIGHT)
    said(review, "edge at frame 28")
    far(review, Keys.ARROW_RIGHT)
    said(review, "edge at frame 38")
    far(review, Keys.ARROW_RIGHT)
    said(review, "edge at frame 39")
    assert spans(review) == [(REACH, 0, 12), (LIFT, 12, 39), (PUT, 39, LENGTH)]
    review.chord(Keys.ALT, Keys.ARROW_RIGHT)
    review.until("!document.getElementById('message').hidden")
    assert spans(review)[-1] == (PUT, 39, LENGTH)


def test_an_edge_is_dragged_with_the_mouse(review):
    width = review.run("document.getElementById('timeline').clientWidth")
    review.drag(".handle[data-edge='1']", round(-4 * width / LENGTH))
    said(review, "edge at frame 10")
    assert spans(review) == [(REACH, 0, 10), (LIFT, 10, 27), (PUT, 27, LENGTH)]
    review.drag(".handle[data-edge='2']", -width // 2)
    said(review, "edge at frame 11")
    assert spans(review) == [(REACH, 0, 10), (LIFT, 10, 11), (PUT, 11, LENGTH)]


def test_spans_that_were_edited_elsewhere_meanwhile_are_shown_and_nothing_is_stored(review):
    shown = review.client.get("/api/episodes/0")
    key, other = [0, 0, "spans", 0], [{"name": "wait", "start": 0, "stop": LENGTH}]
    event = {"id": "from-another-tab", "key": key, "base": shown["edits"], "kind": "spans", "spans": other}
    assert review.client.edit(event)[0] == 200
    review.press("s")
    assert spans(review) == [("wait", 0, LENGTH)]
    review.complaints()  # the refusal


def test_nothing_of_it_is_there_where_the_page_only_reads(numbered_run, tmp_path, visit, serve):
    with serve(copied(numbered_run, tmp_path), "--read-only") as server:
        browser = visit(server, "&ep=0&frame=20")
        browser.press("s", "x", "t", ENTER, "{")
        assert browser.all(".handle, dialog") == []
        assert not browser.one("#split").is_displayed()


EDITS = st.one_of(
    st.tuples(st.just("split"), st.integers(0, LENGTH), st.just(0)),
    st.tuples(st.just("merge"), st.integers(-1, 6), st.just(0)),
    st.tuples(st.just("rename"), st.integers(0, 6), st.sampled_from(["a", "b"])),
    st.tuples(st.just("moveEdge"), st.integers(0, 9), st.integers(-5, LENGTH + 5)),
)
APPLY = """(async (edits, frames) => {
  const spans = await import('/spans.js');
  let list = [{ name: 'a', start: 0, stop: 13 }, { name: 'b', start: 13, stop: 27 },
    { name: 'c', start: 30, stop: 38 }];
  const lists = [];
  for (const [kind, first, second] of edits) {
    if (kind === 'moveEdge') {
      const edges = spans.edgesOf(list);
      list = spans.moveEdge(list, edges[first % edges.length], second, frames);
    } else list = spans[kind](list, first, second);
    lists.push(list);
  }
  return lists;
})"""


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(edits=st.lists(EDITS, max_size=20))
def test_after_any_edits_spans_are_sorted_disjoint_and_have_a_frame(review, edits):
    script = f"{APPLY}({json.dumps(edits)}, {LENGTH}).then(arguments[arguments.length - 1])"
    for made in review.driver.execute_async_script(script):
        ends = [0, *(span["stop"] for span in made)]
        assert made
        for end, span in zip(ends, made, strict=False):
            assert end <= span["start"] < span["stop"] <= LENGTH
