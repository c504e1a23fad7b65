"""The pages in Chromium without a network."""

import pytest
import report_runs
from parsed_page import invoked
from report_pages import LOADED, PROMPT, report_of
from report_runs import HOSTILE, reply

import pgen

pytest.importorskip("browser", reason="selenium is not installed", exc_type=ImportError)


@pytest.fixture
def report(show, dataset):
    return show(report_of(dataset / "out"))


def test_two_thousand_samples_are_shown_in_pages_of_whole_episodes(browser, many):
    browser.open(many)
    assert browser.one("#count").text == "2,000 of 2,000"
    assert len(browser.all(".card")) == 40
    assert browser.run("document.querySelectorAll('*').length") < 3000
    prompts = browser.texts(".speech.user span")
    browser.one("#more").click()
    assert len({*prompts, *browser.texts(".speech.user span")}) == 80
    assert browser.texts("section.episode .id") == ["ep_000002", "ep_000003"]
    browser.choose("#page", "49")
    assert browser.texts("section.episode .id") == ["ep_000098", "ep_000099"]
    assert not browser.one("#more").is_displayed()
    browser.search("ep_000042 word70")
    assert browser.texts(".speech.user span") == ["Word70 of ep_000042: please skill 7 now."]
    assert {text.lower() for text in browser.texts(".speech.user mark")} == {"ep_000042", "word70"}
    assert browser.one("#count").text == "1 of 2,000"
    browser.search("no such words")
    assert browser.all(".card") == []
    assert browser.complaints() == []


def test_every_sample_is_a_card_with_its_picture_under_the_timeline_of_its_skills(report):
    first = report.all("section.episode")[0]
    names = [text.text for text in first.find_elements("css selector", "a > .hue0 + text, a > .hue1 + text")]
    assert sorted(names) == ["lift the cup", "reach for the cup"]
    assert len(first.find_elements("css selector", "a > .mark")) == 2
    assert len(first.find_elements("css selector", ".card")) == 15
    assert report.run(LOADED)
    assert len(report.all(".card img")) == len(report.all(".card")) == 45


def test_a_card_names_the_command_that_plays_its_moment(browser, dataset, tmp_path):
    folder = tmp_path / "it's"
    pgen.annotate(dataset / "data", folder, generator="template")
    invoked("report", folder)
    browser.open(folder / "report.html")
    browser.all(".card .review")[1].click()
    frame = browser.all(".card .when")[1].text.split("frame ")[1].split(",")[0]
    assert browser.one("dialog code").text == f"pgen review 'it'\\''s#ep=0&frame={frame}'"
    browser.press("\ue00c")
    browser.until("!document.querySelector('dialog')")  # it is removed after the event that closes it
    assert browser.complaints() == []


def test_exchanges_are_rows_by_scope_above_the_skills_each_with_its_length(report):
    first = report.all("section.episode")[0]
    rows = [row.text for row in first.find_elements("css selector", ".names span")]
    assert rows == ["episode", "phase", "step", "standing", "skills", "samples", "seconds"]
    bars = [bar.rect for bar in first.find_elements("css selector", ".timeline .exchange")]
    assert [round(bar["width"] / bars[0]["width"], 1) for bar in bars] == [1.0, 1.0, 0.5, 0.5, 1.0]
    tops = [bar["y"] for bar in bars]
    assert tops[0] < tops[1] < tops[2] == tops[3] < tops[4]
    skills = [block.rect["y"] for block in first.find_elements("css selector", ".timeline rect[class^=hue]")]
    assert tops[4] < skills[0] == skills[1]


def test_a_filter_by_scope_leaves_its_dialogues_and_each_card_says_what_it_leads_to(report):
    report.search("ep_000001")
    report.choose("#scope", "phase")
    assert report.texts(".card .reach") == ["phase, 0.00 to 2.00 s, 20 frames; then lift the cup"] * 3
    assert report.texts(".card .when") == [f"0.00 s, frame 0, {variant} of 3" for variant in (1, 2, 3)]
    report.choose("#scope", "step")
    steps = ["step, 0.00 to 1.00 s, 10 frames"] * 3 + ["step, 1.00 to 2.00 s, 10 frames"] * 3
    assert report.texts(".card .reach") == steps


def test_a_filter_by_type_leaves_the_samples_of_that_type(report):
    report.search("ep_000000")
    types = report.texts(".card .chip:first-child")
    report.choose("#scenario", types[0].replace(" ", "_"))
    assert report.texts(".card .chip:first-child") == [name for name in types if name == types[0]]


def test_failures_and_poor_dialogues_are_selected_and_show_the_reason(show, tmp_path):
    def answer(request):
        failed = request.sample.span.episode_index == 0 and request.sample.span.skill_index
        return pgen.SampleError("refused", "no, thanks") if failed else reply("Grab it.")

    judge = report_runs.judging(lambda request: 2 if request.sample.span.skill_index else 5)
    options = {"judge": judge, "judge_share": 1.0, "checks": (), "episodes": 2}
    browser = show(report_of(report_runs.run(tmp_path / "out", answer, **options)))
    assert len(browser.all(".card")) == 4
    assert "grounding 5" in browser.texts(".card .chip")
    browser.choose("#state", "failed")
    assert browser.texts(".card .finding") == ["failed: refused\nno, thanks"]
    browser.choose("#state", "ok")
    assert browser.texts(".speech.user span") == ["Grab it."] * 3
    browser.choose("#judge", "low")
    assert len(browser.all(".card")) == 1
    poor = ["poor: grounding 2 of 5\ngrounding: so so.", "poor: consistency 2 of 5\nconsistency: so so."]
    assert browser.texts(".card .finding")[:2] == poor


@pytest.mark.parametrize(
    ("name", "selector", "expected"),
    [
        ("report", ".speech.user span", [PROMPT]),
        ("compare", ".speech.user > span", [f"{PROMPT} "] * 2),
        ("skills", ".card .skill", ["reach", " ".join(HOSTILE.split())]),
    ],
)
def test_hostile_text_is_shown_as_it_is_and_never_runs(show, pages, name, selector, expected):
    browser = show(pages[name])
    assert [element.get_property("textContent") for element in browser.all(selector)] == expected
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


@pytest.mark.parametrize("width", [1920, 1280, 390])
def test_no_page_is_wider_than_its_window(show, browser, pages, faulty_report, many, width):
    browser.resize(width)
    for text in (*pages.values(), faulty_report, many.read_text()):
        show(text)
        assert browser.run("document.documentElement.scrollWidth") <= width, browser.run("document.title")
    browser.resize(1280)


@pytest.mark.parametrize("name", ["report", "skills"])
def test_printing_hides_what_only_a_screen_can_use(show, pages, name):
    browser = show(pages[name])
    browser.print_view()
    for selector in (".controls", "#more"):
        assert browser.run(f"getComputedStyle(document.querySelector('{selector}')).display") == "none"
    assert browser.one("#episodes .print").is_displayed()
    assert browser.all(".card")[0].is_displayed()
    browser.screen_view()
