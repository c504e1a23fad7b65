"""The figures at the top of the page about performance are those of the benchmark and of the page's table."""

import re
import sys
from pathlib import Path

import pytest

TOP = Path(__file__).parents[2]
sys.path.insert(0, str(TOP / "benchmarks"))

import gpu_cost  # noqa: E402
import tokens  # noqa: E402
from common.groceries import write_groceries  # noqa: E402

PAGE = (TOP / "docs/performance.md").read_text(encoding="utf-8")
PER_HOUR, DOLLARS = "groceries, dialogues per hour on one H100", "groceries, dollars per 1,000 episodes"


def number(text):
    return float(text.replace(",", ""))


def row(measure):
    """Return the values of a row of the page: pgen's, then the others' by name."""
    (line,) = [line for line in PAGE.splitlines() if line.startswith(f"| {measure} |")]
    _, pgen, _, others, _ = (cell.strip() for cell in line.strip("|").split(" | "))
    named = re.findall(r"([a-zA-Z][\w -]*?) ([\d.,]*\d)(?:, |\Z)", others)
    return {"default run": number(pgen), **{name: number(value) for name, value in named}}


def test_the_first_paragraph_states_the_figures_of_the_table():
    paragraph = PAGE.split("\n\n")[1]
    rounded = [number(text) for text in re.findall(r"\b\d[\d,]*", paragraph.replace("H100", "").replace("1,000", ""))]
    per_hour, dollars = row(PER_HOUR), row(DOLLARS)
    stated = [value for name in per_hour for value in (per_hour[name], dollars[name])]
    assert rounded == [pytest.approx(value, rel=0.03) for value in stated]


@pytest.fixture(scope="module")
def groceries(tmp_path_factory):
    root = write_groceries(tmp_path_factory.mktemp("cost") / "groceries", gpu_cost.EPISODES)
    return root, tokens.sources([root])[0]


@pytest.mark.parametrize(("form", "name"), [("default", "default run"), ("former, each second", "one line per second")])
def test_the_table_states_what_the_benchmark_computes(groceries, form, name):
    work = gpu_cost.of_pgen(tokens.FORMS[form], groceries[1])
    assert row(PER_HOUR)[name] == pytest.approx(work.dialogues / work.seconds * 3600, rel=0.03)
    assert row(DOLLARS)[name] == pytest.approx(work.seconds * 1000 / 3600 * gpu_cost.DOLLARS, rel=0.03)


def test_lerobot_annotate_sends_what_the_table_states(groceries):
    pytest.importorskip("lerobot")
    work = gpu_cost.of_lerobot(groceries[0], gpu_cost.EPISODES, vqa=False)
    assert row(PER_HOUR)["lerobot-annotate without VQA"] == pytest.approx(
        work.dialogues / work.seconds * 3600, rel=0.03
    )


def test_a_default_run_costs_less_for_more_dialogues(groceries):
    now, former = (gpu_cost.of_pgen(tokens.FORMS[form], groceries[1]) for form in ("default", "former, each second"))
    assert now.seconds < former.seconds
    assert now.dialogues > 2 * former.dialogues
