"""Dialogue about skills that `hybrid` found: their phases and failures reach the planner."""

import json

import pytest
from hybrid_helpers import PICK, PLACE, RETREAT, hybrid_job, naming, pick
from parsed_page import invoked
from segment_helpers import PICK as PHASES
from segment_helpers import dataset, episode, read_json

from pgen.formats.syn_annotations import read_lines
from pgen.testing import make_samples
from pgen_dialogue.prompts.planner import PlanOptions, possible_types
from pgen_lerobot.read import LeRobotSource
from pgen_lerobot.verify import verify
from pgen_results.read import open_segmentation
from pgen_results.skills_page import count_spans

TEMPLATE = ("--generator", "template", "--sample-interval", "1")
RECORD = "meta/pgen/segmentation.json"


@pytest.fixture
def segmented(tmp_path):
    """A dataset in which a cup is picked and placed twice; the first time the grasp fails."""
    root = dataset(tmp_path / "in", episode(PHASES * 2, task="set the table"))
    generator = naming(lambda request: pick(request.prompt.text, n3="failed"))
    with hybrid_job(root, tmp_path / "out", generator, {"skills_only": False}) as job:
        list(job.execute())
    return tmp_path / "out"


def opened(root):
    source = LeRobotSource(root=root, views=0)
    source.open()
    (found,) = source.episodes()
    return source, found


def test_the_source_reads_phases_and_failures(segmented):
    _, found = opened(segmented)
    assert [(skill.name, skill.failed) for skill in found.skills] == [
        (PICK, True),
        *((name, False) for name in (PLACE, RETREAT, PICK, PLACE, RETREAT)),
    ]
    assert [sample.span.phases for sample in make_samples(found)] == [((0, 3), (3, 6))] * 6
    assert verify(segmented, with_lerobot=False).problems == []


def test_dialogue_is_about_the_phases_of_the_record(segmented):
    record = read_json(segmented / RECORD)
    first, last = record["levels"]["0"]["phase"]
    record["levels"]["0"]["phase"] = [{**first, "end": last["end"]}]
    (segmented / RECORD).write_text(json.dumps(record))
    invoked("annotate", "--root", segmented, "--output-dir", segmented.with_name("dialogue"), *TEMPLATE)
    lines = read_lines(segmented.with_name("dialogue") / "meta/syn_annotations.jsonl")
    assert {len(line["skills"]) for line in lines if line["scope"] == "phase"} == {6}


def test_phases_of_other_skills_are_not_used(segmented):
    path = segmented / "meta/skills.json"
    skills = read_json(path)
    skills["episodes"]["0"]["skills"][0]["name"] = "another"
    path.write_text(json.dumps(skills))
    source, found = opened(segmented)
    assert found.phases == ()
    note = "episodes whose skills are not those of segmentation.json: phases read from the labels"
    assert source.notes() == {note: 1}
    report = verify(segmented, with_lerobot=False)
    assert (report.problems, report.notes) == ([], [f"1 {note}"])


def test_a_record_that_does_not_fit_is_named(segmented):
    (segmented / RECORD).write_text('{"levels": 1}')
    out = segmented.with_name("dialogue")
    message = invoked("annotate", "--root", segmented, "--output-dir", out, *TEMPLATE, code=2)
    assert "segmentation.json does not fit the schema `segmentation`" in message


def test_an_error_may_be_handled_after_a_failed_skill_alone(segmented):
    _, found = opened(segmented)
    handled = [
        sample.span.skill_index
        for sample in make_samples(found)
        if "error_handling" in possible_types(sample, PlanOptions()).get("situated_correction", ())
    ]
    assert handled == [1]


def test_the_report_shows_which_skills_failed(segmented):
    with open_segmentation(segmented) as segmentation:
        names = count_spans(segmentation)
    assert {name: len(use.lengths) for name, use in names.items()} == {
        **{f"{PICK} (failed)": 1, PICK: 1},
        **{PLACE: 2, RETREAT: 2},
    }
