"""The pages of comparisons, previews and segmentations in Chromium, and what axe finds on any page."""

import os
from itertools import product
from pathlib import Path

import pytest
import report_runs
from report_pages import LOADED, comparison_of
from report_runs import reply

pytest.importorskip("browser", reason="selenium is not installed", exc_type=ImportError)
from selenium.webdriver.common.keys import Keys

AXE = os.environ.get("PGEN_AXE", "")


def test_two_runs_are_shown_side_by_side_and_filtered_by_their_differences(show, tmp_path):
    frame = lambda request: reply(f"Grab it at {request.sample.moment.frame_index}.")  # noqa: E731
    first = report_runs.run(tmp_path / "first", frame)
    browser = show(comparison_of(first, report_runs.run(tmp_path / "second", reply("Grab it at 0."))))
    different = ["Grab it at 10.", "Grab it at 0."]
    assert browser.texts(".speech.user > span") == [*different, "Grab it at 0.", "Grab it at 0."]
    assert browser.texts(".speech.user .only") == ["10.", "0."]
    browser.choose("#state", "different")
    assert browser.texts(".speech.user > span") == different
    browser.search("nowhere")
    assert browser.all(".moment") == []


def test_a_preview_shows_pictures_replies_and_prompts(show, pages):
    browser = show(pages["preview"])
    assert len(browser.all(".moment")) == len(browser.all(".speech.robot span")) == 3
    assert browser.run(LOADED)
    browser.all("summary")[0].click()
    assert "robot" in browser.all("pre")[0].text


def test_every_span_is_a_block_of_its_length_and_a_card_with_its_picture(show, skills):
    browser = show(skills)
    first, second = browser.all("section.episode")[:2]
    widths = [block.size["width"] for block in first.find_elements("css selector", ".timeline rect[class^=hue]")]
    assert widths[0] / sum(widths) == pytest.approx(1.2 / 2.0, abs=0.01)
    assert len(first.find_elements("css selector", ".card img")) == 2
    assert browser.run(LOADED)
    assert second.find_element("css selector", ".finding").text == "failed: refused\nno, thanks"


def test_spans_are_selected_by_name_state_and_word(show, skills):
    browser = show(skills)
    browser.choose("#skill", "reach")
    assert browser.texts(".card .when") == ["0.00 to 1.20 s, 1.20 s long"]
    browser.choose("#skill", "")
    browser.choose("#state", "failed")
    assert (len(browser.all(".card")), len(browser.all("section.episode"))) == (3, 3)
    browser.choose("#state", "")
    browser.search("reach")
    assert len(browser.all(".card")) == 1
    assert browser.one("#count").text == "1 of 5"


def test_a_pages_filters_stay_in_its_address_and_keys_move_within_it(show, browser, pages, skills):
    for text in (pages["compare"], skills):
        browser = show(text)
        browser.press("j")
        address = browser.run("location.hash")
        assert address.startswith("#ep=")
        browser.driver.refresh()
        assert browser.run("location.hash") == address
        assert len(browser.all("[aria-current]")) == 1
        browser.press("?")
        assert len(browser.all("dialog kbd")) > 4
        browser.press(Keys.ESCAPE)


@pytest.mark.skipif(not Path(AXE).is_file(), reason="PGEN_AXE names no axe.min.js")
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_any_page(show, browser, pages, faulty_report, scheme):
    browser.colours(scheme)
    for text, width in product([*pages.values(), faulty_report], [1440, 390]):
        browser.resize(width)
        show(text).driver.execute_cdp_cmd("Runtime.evaluate", {"expression": Path(AXE).read_text()})
        found = browser.driver.execute_async_script(
            "axe.run().then(({ violations }) => arguments[0](violations.map(({ id, nodes }) => [id, nodes[0].html])))"
        )
        assert found == [], (browser.run("document.title"), width)
    browser.colours("light")
    browser.resize(1280)
