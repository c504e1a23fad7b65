"""The page of two runs: differences of values, and the samples that differ most first."""

import report_runs
from hypothesis import given
from hypothesis import strategies as st
from parsed_page import Parsed
from report_runs import reply

import pgen
from pgen_results import compare_page as module
from pgen_results.compare import compare_runs
from pgen_results.compare_page import compare_page, disagreement, table
from pgen_results.read import open_results

TEXT = st.text(st.sampled_from("ab "), min_size=1, max_size=12)


def line(user, robot="", status="ok"):
    return {"status": status, "user_prompt": user, "robot_utterance": robot}


def page_of(folder, first, second, **options):
    runs = [report_runs.run(folder / name, answer, **options) for name, answer in (("a", first), ("b", second))]
    with open_results(runs[0]) as a, open_results(runs[1]) as b:
        comparison = compare_runs(a, b)
        return Parsed(compare_page(comparison)), {name: row for name, *row in table(comparison)}


@given(TEXT, TEXT)
def test_disagreement_is_the_same_in_both_directions_and_0_for_the_same_words(first, second):
    assert disagreement(line(first), line(second)) == disagreement(line(second), line(first))
    assert 0 <= disagreement(line(first), line(second)) <= 1
    assert disagreement(line(first), line(first.upper())) == 0


def test_a_failure_in_one_run_alone_is_the_greatest_disagreement():
    assert disagreement(line("grab it"), line(None, None, "failed")) == 1
    assert disagreement(line(None, None, "failed"), line(None, None, "failed")) == 0


def test_values_have_differences_that_say_whether_they_are_better(tmp_path):
    def failing(request):
        return pgen.SampleError("refused", "no") if request.sample.span.skill_index else reply("Grab it.")

    _, rows = page_of(tmp_path, reply("Grab it."), failing, episodes=2)
    assert rows["failed"] == ["0", "2", "+2", "worse"]
    assert rows["answered"] == ["4", "2", "-2", "worse"]
    assert rows["words a user prompt"] == ["2.0", "2.0", "0", ""]
    assert rows["generator"] == ["fake", "fake", "", ""]
    assert rows["judged poorly"] == ["not judged", "not judged", "", ""]


def test_of_many_samples_those_that_differ_most_are_shown_in_their_order(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "LISTED", 3)

    def second(request):
        same = request.sample.span.episode_index in (0, 2)
        return reply("Grab it." if same else f"Take hold of {request.sample.span.skill}.")

    page, _ = page_of(tmp_path, reply("Grab it."), second, episodes=4)
    moments = page.data()["moments"]
    assert [moment["ep"] for moment in moments] == [1, 1, 3]
    assert all(moment["disagreement"] > 0 for moment in moments)
    assert "The 3 of 8 samples that differ most are in this page" in page.text


def test_a_finding_of_a_side_is_shown_with_its_severity(tmp_path):
    page, _ = page_of(tmp_path, reply("Grab it."), reply("As the image shows, grab it."), prompt="hi-robot")
    codes = {code for moment in page.data()["moments"] for code, _ in moment["sides"][1]["checks"]}
    assert codes <= {*page.data()["codes"]}
