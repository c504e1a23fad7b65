"""The pages as a reader has them, in Chromium without a network."""

import pytest
import report_runs
from report_runs import HOSTILE, answered

import pgen
from pgen_results import page
from pgen_results.compare import compare_page, compared
from pgen_results.preview import ask
from pgen_results.preview_view import preview_page
from pgen_results.read import opened
from pgen_results.report_page import ReportOptions, report_page

pytest.importorskip("browser", reason="selenium is not installed", exc_type=ImportError)
VIEW = 48


@pytest.fixture
def report(browser, dataset, tmp_path):
    """A report on view."""
    with opened(dataset / "out") as told:
        page.write(tmp_path / "report.html", report_page(told, ReportOptions()))
    browser.open(tmp_path / "report.html")
    yield browser
    assert browser.complaints() == []


def words_of(browser, who):
    return [element.text for element in browser.all(f".said.{who} span")]


def search(browser, text):
    field = browser.one("#search")
    field.clear()
    field.send_keys(text)


def test_two_thousand_samples_open_with_what_fits_the_view(browser, many):
    browser.open(many)
    assert browser.complaints() == []
    assert browser.one("#count").text == "2,000 of 2,000"
    assert len(browser.all(".card")) == VIEW
    assert browser.run("document.querySelectorAll('*').length") < 3000
    assert browser.one("#more").text == f"Show more ({2000 - VIEW:,} left)"


def test_show_more_goes_on_where_the_view_ends(browser, many):
    browser.open(many)
    browser.one("#more").click()
    said = words_of(browser, "user")
    assert len(said) == len(set(said)) == 2 * VIEW
    assert len(browser.all(".episode")) == -(-2 * VIEW // 20)


def test_search_finds_a_word_among_two_thousand_samples(browser, many):
    browser.open(many)
    search(browser, "ep_000042 word70")
    assert words_of(browser, "user") == ["Word70 of ep_000042: please skill 7 now."]
    assert browser.one("#count").text == "1 of 2,000"
    search(browser, "no such words")
    assert browser.all(".card") == []
    assert browser.complaints() == []


def test_every_sample_is_a_card_with_its_picture_under_the_timeline_of_its_skills(report):
    first = report.all(".episode")[0]
    assert [text.text for text in first.find_elements("css selector", ".timeline text")] == [
        "reach for the cup",
        "lift the cup",
    ]
    assert (
        len(first.find_elements("css selector", ".timeline circle"))
        == len(first.find_elements("css selector", ".card"))
        == 2
    )
    assert report.run("[...document.images].every((image) => image.complete && image.naturalWidth > 0)")
    assert len(report.all(".card img")) == 8


def test_a_filter_by_type_leaves_the_samples_of_that_type(report):
    kinds = [chip.text for chip in report.all(".card .chip:first-child")]
    report.choose("#scenario", kinds[0].replace(" ", "_"))
    shown = [chip.text for chip in report.all(".card .chip:first-child")]
    assert shown == [kind for kind in kinds if kind == kinds[0]]


def test_failures_are_found_by_their_state_and_show_their_reason(browser, tmp_path):
    def said(request):
        return pgen.SampleError("refused", "no, thanks") if request.sample.skill_index else answered("Grab it.")

    out = report_runs.run(tmp_path / "out", said, episodes=3)
    with opened(out) as told:
        page.write(tmp_path / "report.html", report_page(told, ReportOptions()))
    browser.open(tmp_path / "report.html")
    browser.choose("#state", "failed")
    assert [card.text for card in browser.all(".card p.bad")] == ["refused: no, thanks"] * 3
    assert len(browser.all(".card")) == 3
    browser.choose("#state", "ok")
    assert words_of(browser, "user") == ["Grab it."] * 3
    assert browser.complaints() == []


def test_what_was_judged_poor_is_found_and_shows_why(browser, tmp_path):
    judge = report_runs.judging(lambda request: 2 if request.sample.skill_index else 5)
    options = {"judge": judge, "judge_share": 1.0, "checks": (), "episodes": 2}
    out = report_runs.run(tmp_path / "out", lambda request: answered("Grab it."), **options)
    with opened(out) as told:
        page.write(tmp_path / "report.html", report_page(told, ReportOptions()))
    browser.open(tmp_path / "report.html")
    assert len(browser.all(".card")) == 4
    assert "grounding 5" in [chip.text for chip in browser.all(".card .chip")]
    browser.choose("#state", "poor")
    assert len(browser.all(".card")) == 2
    assert [one.text for one in browser.all(".card p.bad")][:2] == [
        "grounding 2: grounding: so so.",
        "consistency 2: consistency: so so.",
    ]
    assert browser.complaints() == []


def test_hostile_text_is_shown_as_it_is_and_never_runs(browser, tmp_path):
    text = "Grab it. " + HOSTILE.replace("\x1b", "")
    skills = [(HOSTILE, 0.0, 1.0)]
    out = report_runs.run(tmp_path / "out", lambda request: answered(text, text), skills=skills)
    with opened(out) as a, opened(out) as b:
        ((_, lines),) = a.read()
        page.write(tmp_path / "report.html", report_page(a, ReportOptions()))
        page.write(tmp_path / "compare.html", compare_page(compared(a, b)))
    assert "</script><img" in lines[0]["user_prompt"]
    for name in ("report.html", "compare.html"):
        browser.open(tmp_path / name)
        assert browser.run("document.querySelector('.said.user span').textContent") == lines[0]["user_prompt"]
        assert browser.run("document.title") != "taken"
        assert browser.run("document.querySelectorAll('img[src=x]').length") == 0
        assert browser.complaints() == []


def test_a_script_that_is_not_the_pages_own_is_refused(report):
    report.driver.execute_script(
        "const made = document.createElement('script'); made.textContent = 'document.title = \"taken\"';"
        "document.body.append(made);"
    )
    assert report.run("document.title") != "taken"
    (complaint,) = report.complaints()
    assert "Content Security Policy" in complaint


@pytest.mark.parametrize("width", [1280, 390])
def test_no_page_is_wider_than_its_window(browser, dataset, many, tmp_path, width):
    with opened(dataset / "out") as a, opened(dataset / "out") as b:
        page.write(tmp_path / "report.html", report_page(a, ReportOptions()))
        page.write(tmp_path / "compare.html", compare_page(compared(a, b)))
    browser.resize(width)
    for path in (tmp_path / "report.html", tmp_path / "compare.html", many):
        browser.open(path)
        assert browser.run("document.documentElement.scrollWidth") <= width
    browser.resize(1280)


def test_printing_hides_what_only_a_screen_can_use(report):
    report.print_view()
    hidden = [
        report.run(f"getComputedStyle(document.querySelector('{name}')).display") for name in (".controls", "#more")
    ]
    assert hidden == ["none", "none"]
    assert report.one("#episodes .print").is_displayed()
    report.screen_view()


def test_two_runs_are_shown_side_by_side_and_filtered_by_other_words(browser, tmp_path):
    first = report_runs.run(tmp_path / "first", lambda request: answered(f"Grab it at {request.sample.frame_index}."))
    second = report_runs.run(tmp_path / "second", lambda request: answered("Grab it at 0."))
    with opened(first) as a, opened(second) as b:
        page.write(tmp_path / "compare.html", compare_page(compared(a, b)))
    browser.open(tmp_path / "compare.html")
    assert words_of(browser, "user") == ["Grab it at 0.", "Grab it at 0.", "Grab it at 10.", "Grab it at 0."]
    browser.choose("#state", "different")
    assert words_of(browser, "user") == ["Grab it at 10.", "Grab it at 0."]
    search(browser, "nowhere")
    assert browser.all(".moment") == []
    assert browser.complaints() == []


def test_a_preview_shows_pictures_replies_and_prompts(browser, dataset, tmp_path):
    asked = ask(None, (), {"root": dataset / "data", "generator": "template", "max_samples": 3})
    page.write(tmp_path / "preview.html", preview_page(asked))
    browser.open(tmp_path / "preview.html")
    assert len(browser.all(".moment")) == 3
    assert len(words_of(browser, "robot")) == 3
    assert browser.run("[...document.images].every((image) => image.complete && image.naturalWidth > 0)")
    browser.all("summary")[0].click()
    assert "robot" in browser.all("pre")[0].text
    assert browser.complaints() == []
