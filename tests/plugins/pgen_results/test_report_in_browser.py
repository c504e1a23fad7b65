"""Finding a bad label in the report of a run with planted faults: keys, links, filters, the timeline."""

import json
from itertools import pairwise
from urllib.parse import parse_qs

import pytest
from parsed_page import Parsed

pytest.importorskip("browser", reason="selenium is not installed", exc_type=ImportError)
from selenium.webdriver.common.keys import Keys

CURRENT = "document.querySelector('[aria-current]')"
BADNESS = "view.listing.matches[view.listing.current].sample.badness ?? 0"


@pytest.fixture
def report(show, faulty_report):
    return show(faulty_report)


def state(browser):
    return {key: value for key, (value,) in parse_qs(browser.run("location.hash.slice(1)")).items()}


def shown(browser):
    return int(browser.one("#count").text.split()[0])


def follow(browser, link):
    """Go to an address of the page, and wait until the page shows it."""
    browser.run(f"(view.written = null, location.hash = {json.dumps(link)}, 1)")
    browser.until("view.written === location.hash")


def test_every_link_of_the_numbers_shows_as_many_samples_as_it_says(report, faulty_report):
    links = [attributes["href"] for tag, attributes in Parsed(faulty_report).elements if tag == "a"]
    links = [link for link in dict.fromkeys(links) if "=" in link]
    assert len(links) > 30
    for link in links:
        follow(report, link)
        assert shown(report) > 0, link
        (count,) = {element.text for element in report.all(f'a.tile[href="{link}"] strong')} or {""}
        if count.isdigit() and not link.startswith("#state=scene"):
            assert shown(report) == int(count), link


def test_every_link_of_a_card_and_of_a_timeline_leads_to_samples(report):
    links = report.run("[...new Set([...list.querySelectorAll('a')].map((link) => link.getAttribute('href')))]")
    assert len(links) > 60
    for link in links:
        follow(report, link)
        assert shown(report) > 0, link
        if "ep=" in link:
            wanted = {key: value for key, (value,) in parse_qs(link[1:]).items()}
            assert wanted.items() <= state(report).items()
            assert len(report.all("[aria-current]")) == 1


def test_links_to_parts_of_the_page_leave_the_filters(report):
    report.choose("#finding", "any")
    before = shown(report)
    for link in report.all("nav a"):
        link.click()
        assert report.run("location.hash.length > 1 && !location.hash.includes('=')")
        assert report.run("document.querySelector(location.hash) !== null")
    assert shown(report) == before


def test_j_and_k_go_to_the_next_and_the_previous_sample_also_over_the_end_of_a_page(report):
    report.press("j")
    first = report.run(f"{CURRENT}.textContent")
    report.press("j")
    assert report.run(f"{CURRENT}.textContent") != first
    report.press("k")
    assert report.run(f"{CURRENT}.textContent") == first
    assert report.run(f"document.activeElement === {CURRENT}")
    report.run("(view.listing.select(view.listing.pages[0][1] - 1), 1)")
    report.press("j")
    assert report.run("view.listing.page") == 1
    report.press("k")
    assert report.run("view.listing.page") == 0


def test_n_goes_to_the_next_problem_and_not_to_a_note(report):
    problems = report.run("entries.filter(({ sample }) => (sample.badness ?? 0) > data.notes).length")
    places = []
    for _ in range(problems + 1):
        report.press("n")
        assert report.run(BADNESS) > 3
        places.append(state(report)["frame"] + state(report)["id"] + state(report)["ep"])
    assert len(set(places)) == problems
    report.press("N")
    assert state(report)["frame"] + state(report)["id"] + state(report)["ep"] == places[-3]


def test_a_slash_goes_to_the_search_and_escape_leaves_it(report):
    report.press("/")
    assert report.run("document.activeElement.id") == "search"
    report.press("j", "?")
    assert report.one("#search").get_property("value") == "j?"
    report.press(Keys.ESCAPE)
    assert report.run("document.activeElement.id") != "search"


def test_a_question_mark_explains_every_key(report):
    report.press("?")
    assert {key.text for key in report.all("dialog kbd")} >= {"/", "j, k", "n, N", "?"}
    report.press("j")
    assert report.run(CURRENT) is None
    report.press(Keys.ESCAPE)
    report.until("document.querySelector('dialog') === null")


def test_enter_and_a_click_show_the_images_of_all_cameras(report):
    report.press("j", Keys.ENTER)
    assert [caption.text for caption in report.all("dialog figcaption")] == [
        "observation.images.front",
        "observation.images.top",
    ]
    assert report.run("[...document.querySelectorAll('dialog img')].every((image) => image.naturalWidth === 320)")
    assert report.one("dialog h2").rect["y"] < report.all("dialog img")[0].rect["y"]
    report.one("dialog > button").click()
    report.all(".card .image")[0].click()
    assert len(report.all("dialog img")) == 2


def test_filters_combine_and_each_option_says_how_many_it_leaves(report):
    report.choose("#scope", "step")
    for select in ("#finding", "#judge", "#type"):
        options = report.run(f"[...document.querySelectorAll('{select} option')].map((it) => [it.value, it.text])")
        for value, text in options[1:]:
            report.choose(select, value)
            assert text.endswith(f"({shown(report)})")
        report.choose(select, "")
    report.choose("#finding", "any")
    flagged = shown(report)
    report.choose("#episode", "1")
    assert 0 < shown(report) < flagged
    assert state(report) == {"scope": "step", "finding": "any", "episode": "1"}
    report.one("#clear").click()
    report.until("view.filters.active.length === 0")


def test_the_worst_come_first_whatever_their_episode(report):
    report.choose("#sort", "worst")
    badness = report.run("view.listing.matches.map(({ sample }) => sample.badness ?? 0)")
    assert badness == sorted(badness, reverse=True)
    assert report.all("section.episode h3") == []
    assert report.all(".card .when")[0].text.startswith("ep_")


def test_filters_and_position_stay_after_the_page_is_opened_again(report):
    report.choose("#finding", "any")
    report.press("j", "j", "j")
    before, card = state(report), report.run(f"{CURRENT}.textContent")
    assert {"finding", "ep", "frame", "id"} == {*before}
    report.driver.refresh()
    assert state(report) == before
    assert report.run(f"{CURRENT}.textContent") == card
    assert report.run(f"{CURRENT}.getBoundingClientRect().bottom > 0")


def test_an_address_with_an_episode_and_a_frame_shows_their_first_sample(report):
    follow(report, "#ep=1&frame=0&type=same")
    assert report.one("[aria-current] .when").text.startswith("0.00 s, frame 0")
    assert report.run("view.listing.matches[view.listing.current].episode.index") == 1
    assert report.one("#type").get_property("value") == "same"


def test_a_timeline_has_an_axis_gaps_numbers_and_neighbours_of_different_colours(report):
    hues = report.run("data.episodes.map(huesOf)")
    assert all(a != b for of_episode in hues for a, b in pairwise(of_episode))
    first = report.all("section.episode")[0]
    ticks = [float(tick.text) for tick in first.find_elements("css selector", ".tick")]
    assert ticks[0] == 0
    assert len({round(b - a, 6) for a, b in pairwise(ticks)}) == 1
    gap = first.find_elements("css selector", ".gap")[0]
    assert "no skill" in gap.get_property("textContent")
    numbers = [text.text for text in first.find_elements("css selector", "a > rect[class^=hue] + text")]
    legend = [item.text for item in first.find_elements("css selector", ".legend li")]
    assert {int(number) for number in numbers if number.isdigit()} <= set(range(1, len(legend) + 1))
    assert len(set(legend)) == len(legend) > 3


def test_every_mark_of_a_timeline_leads_to_its_samples(report):
    for kind in ("flagged", "scene"):
        link = report.all(f"section.episode a:has(> .{kind})")[0]
        follow(report, link.get_dom_attribute("href"))
        assert report.run("kindOf(view.listing.matches[view.listing.current].sample)") == kind


def test_a_timeline_is_one_stop_of_the_tab_key_and_arrows_move_within_it(report):
    stops = report.run(
        "[...document.querySelectorAll('.timeline')].map((it) => it.querySelectorAll('[tabindex=\"0\"]').length)"
    )
    assert set(stops) == {1}
    report.run("(document.querySelector('.timeline a').focus(), 1)")
    place = "(({ row, x }) => [Number(row), Number(x)])(document.activeElement.dataset)"
    row, _ = report.run(place)
    report.press(Keys.ARROW_DOWN)
    below, x = report.run(place)
    assert below == row + 1
    report.press(Keys.ARROW_RIGHT)
    assert report.run(place)[1] > x
    report.press(Keys.ARROW_LEFT)
    assert report.run(place) == [below, x]
    report.press(Keys.ENTER)
    report.until(f"{CURRENT} !== null")


def test_a_sample_without_an_image_shows_the_closest_of_its_span_with_its_time(report):
    report.run(
        "(data.episodes.forEach(({ samples }) => samples.forEach((sample, place) =>"
        " sample.variant[0] > 1 && delete sample.image)), view.apply(), 1)"
    )
    captions = [caption.text for caption in report.all(".near figcaption")]
    assert len(captions) == len(report.all(".card .when")) - len(report.all(".card > .image"))
    assert captions[0] == "image of 0.00 s"
