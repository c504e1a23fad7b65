import pytest
import report_runs
from parsed_page import invoked
from report_runs import HOSTILE, reply

import pgen
from pgen.errors import InputError
from pgen.labels import DEFAULT_WEIGHTS
from pgen_results.compare import compare_runs, compare_text, rows
from pgen_results.read import open_results
from pgen_samplers.samplers import Segments

SKILLS = [("reach for the cup", 0.0, 2.0), ("lift the cup", 2.0, 4.0)]


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Two runs over one dataset: the second has every other sample, and half of its dialogues differ."""
    folder = tmp_path_factory.mktemp("compare")
    options = {"episodes": 2, "skills": SKILLS}
    report_runs.run(folder / "first", reply("Grab it."), sampler=Segments(interval=1.0), **options)

    def second(request):
        if request.sample.span.episode_index:
            return pgen.SampleError("refused", "no") if request.sample.span.skill_index else reply("Grab it.")
        return reply("Hold the cup, please.")

    report_runs.run(folder / "second", second, sampler=Segments(interval=2.0), **options)
    return folder


@pytest.fixture
def comparison(folders):
    with open_results(folders / "first") as a, open_results(folders / "second") as b:
        yield compare_runs(a, b)


def test_runs_are_compared_on_the_samples_that_both_have(comparison):
    assert comparison.samples == (8, 4)
    assert [metrics.samples for metrics in comparison.metrics] == [4, 4]
    assert [metrics.answered for metrics in comparison.metrics] == [4, 3]
    assert comparison.same == 1


def test_each_variant_of_a_moment_is_compared_with_its_own(tmp_path):
    for name in ("first", "second"):
        report_runs.run(
            tmp_path / name, lambda request: reply(f"Grab number {request.sample.question.variant}."), variants=2
        )
    with open_results(tmp_path / "first") as a, open_results(tmp_path / "second") as b:
        comparison = compare_runs(a, b)
    assert comparison.same == comparison.samples[0] == 4


def test_each_scope_is_compared_with_its_own(tmp_path):
    def scoped(request):
        return reply(
            f"Do {request.sample.question.scope} {request.sample.question.variant}.", "Yes.", "specific_object"
        )

    for name, scopes in (("all", DEFAULT_WEIGHTS), ("steps", {"step": 1})):
        report_runs.run(tmp_path / name, scoped, prompt="hi-robot", scopes=scopes, checks=())
    with open_results(tmp_path / "all") as a, open_results(tmp_path / "steps") as b:
        comparison = compare_runs(a, b)
    assert comparison.same == comparison.samples[1] == 6
    values = {name: tuple(pair) for name, *pair in rows(comparison)}
    assert values["samples in both"] == ("6 of 15", "6 of 6")
    assert (values["step answered"], values["phase answered"]) == (("6 of 6", "6 of 6"), ("none", "none"))


def test_the_table_has_a_row_for_each_value_of_both_runs(comparison):
    values = {name: tuple(pair) for name, *pair in rows(comparison)}
    assert values["samples in both"] == ("4 of 8", "4 of 4")
    assert values["failed"] == ("0", "1")
    assert values["words a user prompt"] == ("2.0", "3.3")
    assert "cost" not in values
    assert rows(comparison, 1.0)[-1] == ("cost", "0.00", "0.00")
    lines = compare_text(comparison).splitlines()
    assert lines[0].split() == ["first", "second"]
    assert lines[0].index("second") == lines[1].rindex("fake")


def test_runs_without_a_sample_in_common_are_refused(folders, tmp_path):
    other = report_runs.run(tmp_path / "other", reply("Wipe it."), skills=[("wipe", 0.0, 1.0)])
    with open_results(folders / "first") as a, open_results(other) as b, pytest.raises(InputError, match="in common"):
        compare_runs(a, b)


def test_the_command_prints_the_table_and_writes_the_page(folders, tmp_path):
    output = invoked("compare", folders / "first", folders / "second", "--page", tmp_path / "page.html")
    assert "same words: 1 of 4 samples" in output
    assert "Two runs compared" in (tmp_path / "page.html").read_text()
    assert f"{tmp_path} contains no syn_annotations.jsonl" in invoked("compare", folders / "first", tmp_path, code=2)


def test_no_control_character_reaches_the_terminal(tmp_path):
    out = report_runs.run(tmp_path / HOSTILE.replace("/", "")[:40], reply(HOSTILE), skills=[(HOSTILE, 0.0, 1.0)])
    with open_results(out) as a, open_results(out) as b:
        assert "\x1b" not in compare_text(compare_runs(a, b))
