"""The pages in Chromium without a network."""

import pytest
import report_runs
from report_runs import HOSTILE, reply

import pgen
from pgen_results import page
from pgen_results.compare import compare_page, compare_runs
from pgen_results.preview import ask
from pgen_results.preview_view import preview_page
from pgen_results.read import open_results
from pgen_results.report_page import ReportOptions, report_page

pytest.importorskip("browser", reason="selenium is not installed", exc_type=ImportError)
VIEW = 48


@pytest.fixture
def show(browser, tmp_path):
    """Open the report of one result, or the comparison of two; the console must stay empty."""

    def show_page(folder, other=None):
        path = tmp_path / ("compare.html" if other else "report.html")
        with open_results(folder) as a, open_results(other or folder) as b:
            page.write(path, compare_page(compare_runs(a, b)) if other else report_page(a, ReportOptions()))
        browser.open(path)
        return browser

    yield show_page
    assert browser.complaints() == []


@pytest.fixture
def report(show, dataset):
    return show(dataset / "out")


def texts(browser, who):
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
    browser.one("#more").click()
    prompts = texts(browser, "user")
    assert len(prompts) == len(set(prompts)) == 2 * VIEW
    assert len(browser.all(".episode")) == -(-2 * VIEW // 20)


def test_search_finds_a_word_among_two_thousand_samples(browser, many):
    browser.open(many)
    search(browser, "ep_000042 word70")
    assert texts(browser, "user") == ["Word70 of ep_000042: please skill 7 now."]
    assert browser.one("#count").text == "1 of 2,000"
    search(browser, "no such words")
    assert browser.all(".card") == []
    assert browser.complaints() == []


def test_every_sample_is_a_card_with_its_picture_under_the_timeline_of_its_skills(report):
    first = report.all(".episode")[0]
    names = [text.text for text in first.find_elements("css selector", ".timeline text")]
    assert names == ["reach for the cup", "lift the cup"]
    for selector in (".timeline circle", ".card"):
        assert len(first.find_elements("css selector", selector)) == 2
    assert report.run("[...document.images].every((image) => image.complete && image.naturalWidth > 0)")
    assert len(report.all(".card img")) == 8


def test_a_filter_by_type_leaves_the_samples_of_that_type(report):
    types = [chip.text for chip in report.all(".card .chip:first-child")]
    report.choose("#scenario", types[0].replace(" ", "_"))
    visible = [chip.text for chip in report.all(".card .chip:first-child")]
    assert visible == [name for name in types if name == types[0]]


def test_failures_are_selected_by_their_state_and_show_their_reason(show, tmp_path):
    def answer(request):
        return pgen.SampleError("refused", "no, thanks") if request.sample.span.skill_index else reply("Grab it.")

    browser = show(report_runs.run(tmp_path / "out", answer, episodes=3))
    browser.choose("#state", "failed")
    assert [card.text for card in browser.all(".card p.bad")] == ["refused: no, thanks"] * 3
    assert len(browser.all(".card")) == 3
    browser.choose("#state", "ok")
    assert texts(browser, "user") == ["Grab it."] * 3


def test_dialogues_with_poor_scores_are_selected_and_show_the_reason(show, tmp_path):
    judge = report_runs.judging(lambda request: 2 if request.sample.span.skill_index else 5)
    options = {"judge": judge, "judge_share": 1.0, "checks": (), "episodes": 2}
    browser = show(report_runs.run(tmp_path / "out", reply("Grab it."), **options))
    assert len(browser.all(".card")) == 4
    assert "grounding 5" in [chip.text for chip in browser.all(".card .chip")]
    browser.choose("#state", "poor")
    assert len(browser.all(".card")) == 2
    assert [element.text for element in browser.all(".card p.bad")][:2] == [
        "grounding 2: grounding: so so.",
        "consistency 2: consistency: so so.",
    ]


def test_hostile_text_is_shown_as_it_is_and_never_runs(show, tmp_path):
    text = "Grab it. " + HOSTILE.replace("\x1b", "")
    out = report_runs.run(tmp_path / "out", reply(text, text), skills=[(HOSTILE, 0.0, 1.0)])
    with open_results(out) as results:
        ((_, (line,)),) = results.read()
    assert "</script><img" in line["user_prompt"]
    for other in (None, out):
        browser = show(out, other)
        assert browser.run("document.querySelector('.said.user span').textContent") == line["user_prompt"]
        assert browser.run("document.title") != "taken"
        assert browser.run("document.querySelectorAll('img[src=x]').length") == 0


def test_a_script_that_is_not_the_page_s_own_is_refused(report):
    report.driver.execute_script(
        "const made = document.createElement('script'); made.textContent = 'document.title = \"taken\"';"
        "document.body.append(made);"
    )
    assert report.run("document.title") != "taken"
    (complaint,) = report.complaints()
    assert "Content Security Policy" in complaint


@pytest.mark.parametrize("width", [1280, 390])
def test_no_page_is_wider_than_its_window(show, browser, dataset, many, width):
    browser.resize(width)
    out = dataset / "out"
    for load in (lambda: show(out), lambda: show(out, out), lambda: browser.open(many)):
        load()
        assert browser.run("document.documentElement.scrollWidth") <= width
    browser.resize(1280)


def test_printing_hides_what_only_a_screen_can_use(report):
    report.print_view()
    for selector in (".controls", "#more"):
        assert report.run(f"getComputedStyle(document.querySelector('{selector}')).display") == "none"
    assert report.one("#episodes .print").is_displayed()
    report.screen_view()


def test_two_runs_are_shown_side_by_side_and_filtered_by_their_differences(show, tmp_path):
    first = report_runs.run(
        tmp_path / "first", lambda request: reply(f"Grab it at {request.sample.moment.frame_index}.")
    )
    browser = show(first, report_runs.run(tmp_path / "second", reply("Grab it at 0.")))
    assert texts(browser, "user") == ["Grab it at 0.", "Grab it at 0.", "Grab it at 10.", "Grab it at 0."]
    browser.choose("#state", "different")
    assert texts(browser, "user") == ["Grab it at 10.", "Grab it at 0."]
    search(browser, "nowhere")
    assert browser.all(".moment") == []


def test_a_preview_shows_pictures_replies_and_prompts(browser, dataset, tmp_path):
    preview = ask(None, (), {"root": dataset / "data", "generator": "template", "max_samples": 3})
    page.write(tmp_path / "preview.html", preview_page(preview))
    browser.open(tmp_path / "preview.html")
    assert len(browser.all(".moment")) == 3
    assert len(texts(browser, "robot")) == 3
    assert browser.run("[...document.images].every((image) => image.complete && image.naturalWidth > 0)")
    browser.all("summary")[0].click()
    assert "robot" in browser.all("pre")[0].text
    assert browser.complaints() == []
