"""Figures in the pages are those of the table, and the table's are those of the benchmarks."""

import re

import pytest
from figures import PAGES, PERFORMANCE, TOP, agrees, numbers, rows, sentences

PAGE = PERFORMANCE.read_text(encoding="utf-8")
TABLE = rows(PAGE)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_every_benchmark_that_a_page_names_exists(path):
    named = set(re.findall(r"(?<!tests/)benchmarks/(\w+\.py)", path.read_text(encoding="utf-8")))
    assert {name for name in named if not (TOP / "benchmarks" / name).is_file()} == set()


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_figures_beside_a_command_are_those_of_its_rows(path):
    for benchmark, sentence in sentences(path.read_text(encoding="utf-8")):
        shown = TABLE.get(benchmark, {})
        assert not shown or [number for number in numbers(sentence) if not agrees(number, shown)] == [], sentence


def test_a_sentence_states_the_figures_of_the_command_that_it_names():
    page = "Old: 3 times.\n\n| a | 4 |\n\nIt takes 0.2 ms (`python benchmarks/a.py --x 5`) on an H100. Then 7.\n"
    assert [(name, numbers(sentence)) for name, sentence in sentences(page)] == [("a", ["0.2"])]


def test_figures_at_the_top_of_the_page_are_those_of_the_rows_about_a_gpu():
    top = "\n".join(PAGE.splitlines()[:4])
    assert len(numbers(top)) > 6
    assert [number for number in numbers(top) if not agrees(number, TABLE["gpu_cost"])] == []


@pytest.mark.parametrize("benchmark", ["gpu_cost", "report_page"])
def test_rows_of_a_benchmark_that_has_no_tiny_run_here_consist_of_its_texts(benchmark):
    source = (TOP / f"benchmarks/{benchmark}.py").read_text(encoding="utf-8")
    for measure in TABLE[benchmark]:
        assert [part for part in re.split(r"[,:]\s|(?<!\w)\d[\d,.]*", measure) if part.strip() not in source] == []


def test_the_shares_of_the_profile_are_as_the_page_says():
    shares = {part: float(share) for part, share in re.findall(r"^\| (.+) \| ([\d.]+) % \|$", PAGE, re.MULTILINE)}
    assert "Almost half is decoding" in PAGE
    assert 45 < sum(share for part, share in shares.items() if part.startswith("decoding")) < 50
    assert "a seventh is JPEG" in PAGE
    assert "Another seventh is the checks" in PAGE
    assert (shares["JPEG"], shares["checks"]) == pytest.approx((100 / 7, 100 / 7), rel=0.1)


def test_the_first_paragraph_about_scale_states_its_table():
    page = (TOP / "docs/scale.md").read_text(encoding="utf-8")
    stated = re.search(r"about ([\d,]+) hours .* ([\d,]+) dollars, and produces ([\d.]+) million dialogues", page)
    (line,) = (line for line in page.splitlines() if line.startswith("| DROID, default run |"))
    assert stated
    _, _, dialogues, _, hours, dollars, *_ = line.strip("| ").split(" | ")
    shown = {"hours": hours, "dollars": dollars, "dialogues": dialogues}
    assert [number for number in stated.groups() if not agrees(number, shown)] == []


@pytest.mark.parametrize(
    ("stated", "value", "expected"),
    [
        *[("21,200", "21,235", True), ("21,300", "21,235", False), ("22", "21.98", True), ("0.2", "0.16 ms", True)],
        *[("0.16", "0.2", False), ("1,350", "1,351", True), ("40", "36", True), ("41", "36", False)],
    ],
)
def test_a_stated_figure_agrees_with_what_it_is_rounded_from(stated, value, expected):
    assert agrees(stated, {"measure": value}) is expected
