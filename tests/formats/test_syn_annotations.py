"""Lines of `syn_annotations.jsonl`: what an exchange leads to, over which frames, and results of earlier versions."""

import json
from dataclasses import replace

import pytest
from altered import altered
from hypothesis import given
from hypothesis import strategies as st

from pgen.components import Results
from pgen.errors import InputError
from pgen.formats.schemas import validator
from pgen.formats.syn_annotations import LineFile, from_line, read_lines, to_line, write_lines
from pgen.labels import exchanges
from pgen.records import SCOPES, Annotation, ClipFrame, Dialogue, Failure, Finding, Judgement, Plan
from pgen.testing import FakeSource, make_annotation, make_episode, make_samples

EPISODE = make_episode()
FIRST, SECOND, THIRD = make_samples(EPISODE)
NEW = ("scope", "start", "stop", "skills", "running", "planned_excluded", "planned_absent")
"""Keys that earlier versions did not write."""


def annotations():
    """Return an exchange of each scope, a failed sample and a counterfactual one."""
    opening = [altered(FIRST, scope=scope, skills=3) for scope in ("episode", "standing")]
    samples = [*opening, FIRST, altered(SECOND, scope="phase", skills=2), SECOND]
    failed = Annotation(THIRD, Plan("specific_object"), Failure("scene", "the images contradict the labels"))
    return [*map(make_annotation, samples), failed, make_annotation(altered(THIRD, counterfactual="wait"))]


def write(path, annotated):
    write_lines(
        path, Results(FakeSource(EPISODE), {"generator": {"name": "fake"}}, lambda: iter([(EPISODE, annotated)]))
    )
    return list(read_lines(path))


def test_a_line_says_what_its_exchange_leads_to_and_over_which_frames(tmp_path):
    lines = write(tmp_path / "lines.jsonl", annotations())
    first, second, third = FIRST.skills + SECOND.skills + THIRD.skills
    assert [(line["scope"], line["start"], line["stop"], line["skills"]) for line in lines] == [
        ("episode", 0, 55, [first, second, third]),
        ("standing", 0, 55, [first, second, third]),
        ("step", 0, 18, [first]),
        ("phase", 18, 55, [second, third]),
        ("step", 18, 31, [second]),
        ("step", None, None, [third]),
    ]
    assert [line["skill_current"] for line in lines] == [first, first, first, second, second, third]


def test_every_answered_line_has_both_texts_and_a_failed_one_its_stage(tmp_path):
    *answered, failed = write(tmp_path / "lines.jsonl", annotations())
    assert all(line["user_prompt"] and line["robot_utterance"] and line["status"] == "ok" for line in answered)
    assert (failed["user_prompt"], failed["status"], failed["stage"]) == (None, "failed", "scene")


def test_counterfactual_dialogues_are_no_lines(tmp_path):
    assert len(write(tmp_path / "lines.jsonl", annotations())) == len(annotations()) - 1


def test_the_same_results_give_the_same_lines_whatever_they_cost(tmp_path):
    write(tmp_path / "first", annotations())
    write(tmp_path / "second", [replace(it, usage=replace(it.usage, tokens_in=7)) for it in annotations()])
    assert (tmp_path / "first").read_bytes() == (tmp_path / "second").read_bytes()


texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)
outcomes = st.builds(Dialogue, texts, texts, st.none() | texts, st.none() | texts) | st.builds(
    Failure, st.sampled_from(["parse", "scene", "transport"]), texts
)
plans = st.builds(Plan, *[st.none() | texts] * 4)
judgements = st.builds(Judgement, texts, st.integers(1, 5), texts, st.integers(1, 5), texts, st.integers(1, 5), texts)
samples = st.builds(
    altered,
    st.sampled_from([FIRST, SECOND, THIRD]),
    scope=st.sampled_from(SCOPES),
    skills=st.just(1),
    variant=st.integers(0, 5),
    running=st.sampled_from([0.0, 1.25]),
    clip=st.sampled_from([(), (ClipFrame(0, 0.0), ClipFrame(1, 0.1))]),
    turn_type=st.sampled_from([None, "opening"]),
)
annotated = st.builds(
    Annotation,
    samples,
    plans,
    outcomes,
    checks=st.lists(st.builds(Finding, texts, texts), max_size=2).map(tuple),
    judgement=st.none() | judgements,
)


@given(annotated)
def test_a_line_gives_its_annotation_again(annotation):
    line = json.loads(json.dumps(to_line(annotation, "fake")))
    assert validator("syn_annotation").first_error(line) is None
    assert from_line(line) == annotation


def test_a_line_gives_the_number_of_skills_that_it_leads_to():
    phase = make_annotation(altered(FIRST, scope="phase", skills=2))
    assert from_line(to_line(phase, "fake")).sample == phase.sample
    (exchange,) = exchanges(EPISODE, [from_line(to_line(phase, "fake"))])
    assert (exchange.start, exchange.stop) == (0, 31)


def test_lines_of_earlier_versions_are_read_as_steps(tmp_path):
    line = {key: value for key, value in to_line(make_annotation(SECOND), "fake").items() if key not in NEW}
    (tmp_path / "lines.jsonl").write_text(json.dumps(line) + "\n", encoding="utf-8")
    (read,) = read_lines(tmp_path / "lines.jsonl")
    assert from_line(read) == make_annotation(SECOND)


@pytest.mark.parametrize("change", [{"scope": "chapter"}, {"start": -1}, {"skills": []}, {"stop": "late"}])
def test_a_line_that_does_not_fit_the_schema_is_named(tmp_path, change):
    line = {**to_line(make_annotation(FIRST), "fake"), **change}
    (tmp_path / "lines.jsonl").write_text(json.dumps(line) + "\n", encoding="utf-8")
    with pytest.raises(InputError, match=rf"lines.jsonl, line 1: .*\.{next(iter(change))}"):
        list(read_lines(tmp_path / "lines.jsonl"))


def test_a_file_that_changed_since_it_was_read_to_its_end_is_validated_again(tmp_path):
    path = tmp_path / "lines.jsonl"
    lines = write(path, annotations())
    file = LineFile(path)
    assert list(file.read()) == list(file.read()) == lines
    path.write_text(path.read_text(encoding="utf-8") + '{"scope": "chapter"}\n', encoding="utf-8")
    with pytest.raises(InputError, match=rf"lines.jsonl, line {len(lines) + 1}: "):
        list(file.read())


def test_a_file_that_was_not_read_to_its_end_is_validated_again(tmp_path):
    path = tmp_path / "lines.jsonl"
    write(path, annotations())
    path.write_text(path.read_text(encoding="utf-8") + '{"scope": "chapter"}\n', encoding="utf-8")
    file = LineFile(path)
    next(file.read())
    for _ in range(2):
        with pytest.raises(InputError, match=r"lines.jsonl, line "):
            list(file.read())
