import json

import pytest
import report_runs
from report_runs import answered

from pgen.errors import SampleError
from pgen_results.figures import cost, figures
from pgen_results.read import codes, opened, reasons
from pgen_results.report_page import histogram

SAID = {0: "Grab the red cup.", 10: "Grab the red cup.", 20: "Lift it, please.", 30: "Up with it."}


def said(request):
    """Two answers, then a failure, then an answer; three seconds an episode, one a sample."""
    if request.sample.frame_index == 10:
        return SampleError("refused", "no, thanks")
    return answered(SAID[request.sample.frame_index], f"Now {request.sample.frame_index}.", "specific_object")


SKILLS = [("reach for the cup", 0.0, 2.0), ("lift the cup", 2.0, 4.0)]


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    folder = tmp_path_factory.mktemp("figures")
    return report_runs.run(folder / "out", said, episodes=2, skills=SKILLS, prompt="hi-robot")


@pytest.fixture(scope="module")
def found(result):
    with opened(result) as told:
        return figures(told)


def test_samples_answers_and_failures_by_stage_are_counted(found):
    assert (found.episodes, found.samples, found.answered) == (2, 8, 6)
    assert found.failed == {"refused": 2}
    assert found.reasons == {("refused", "no, thanks"): 2}


def test_shares_are_of_what_was_planned_and_of_what_came_back(found, result):
    lines = [json.loads(line) for line in (result / "syn_annotations.jsonl").read_text().splitlines()]
    shares = {share.name: share for share in found.shares("scenario_type")}
    assert shares["specific_object"].achieved == 1.0
    assert sum(share.planned for share in shares.values()) == pytest.approx(1.0)
    for name, share in shares.items():
        assert share.planned == sum(line["planned_scenario_type"] == name for line in lines) / 8
    agreed = sum(line["planned_scenario_type"] == line["scenario_type"] for line in lines if line["status"] == "ok")
    assert found.agreed["scenario_type"] == agreed


def test_skills_have_their_samples_and_answers(found):
    assert {name: (skill.samples, skill.answered) for name, skill in found.skills.items()} == {
        "reach for the cup": (4, 2),
        "lift the cup": (4, 4),
    }


def test_diversity_is_that_of_the_answers(found):
    assert found.prompts.texts == 6
    assert found.prompts.distinct[0] == 9 / 20  # grab the red cup; lift it please; up with it: each twice
    assert found.repeated == [("Grab the red cup.", 2), ("Lift it, please.", 2), ("Up with it.", 2)]


def test_frames_are_counted_where_the_input_is_at_hand(tmp_path):
    import pgen

    root = report_runs.rendered(tmp_path / "data", episodes=2)
    pgen.annotate(root, tmp_path / "out", generator="template")
    with opened(tmp_path / "out") as told:
        counted = figures(told)
    assert (counted.frames, counted.labelled) == (40, 40)
    assert counted.skills["lift the cup"].frames == 20


def test_the_cost_is_by_a_million_tokens():
    manifest = {"tokens": {"in": 3_000_000, "out": 500_000}}
    assert cost(manifest, 2.0, 8.0) == 10.0
    assert cost(manifest, None, 8.0) == 4.0
    assert cost(manifest, None, None) is None


def test_checks_are_read_where_a_line_has_them():
    line = {"status": "ok", "checks": [{"code": "length", "reason": "41 words"}, "duplicate"]}
    assert codes(line) == ["length", "duplicate"]
    assert reasons(line) == ["length: 41 words", "duplicate"]
    assert codes({"status": "ok"}) == []


def test_a_histogram_holds_every_text_in_bars_of_one_width():
    bars = histogram(dict.fromkeys(range(3, 90), 1))
    assert sum(count for _, _, count in bars) == 87
    assert len(bars) <= 24
    assert {last - first for first, last, _ in bars} == {bars[0][1] - bars[0][0]}
    assert histogram({}) == []
