"""A run's dialogues answer the same samples again; a sample without one fails and gets no other."""

import asyncio
import json

import pytest
from rendered_example import write_example

from pgen import annotate
from pgen.errors import ConfigError, InputError, SampleError, TooManyFailuresError
from pgen.formats.syn_annotations import read_lines
from pgen.testing import FakeGenerator, FakeSource, check_sampler, make_episode, plain_answer
from pgen_dialogue.prompts.hi_robot import HiRobotPrompt
from pgen_lerobot.read import LeRobotSource
from pgen_lerobot.verify import verify
from pgen_lerobot.write import LeRobotSink
from pgen_lerobot.write.other_forms import LeRobotAnnotationsSink
from pgen_replay.generator import ReplayGenerator, ReplaySampler
from pgen_samplers.samplers import Segments

ATOMS = "meta/lerobot_annotations.json"
LINES = "meta/syn_annotations.jsonl"
INSTEAD = "meta/counterfactuals.jsonl"
OPTIONS = {"prompt": "seed", "sampler": Segments(interval=9.0), "max_failures": 0.5, "sink": "jsonl"}
"""Of a run on a FakeSource, with three samples and variants of them."""


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return write_example(tmp_path_factory.mktemp("replay") / "data")


@pytest.fixture(scope="module")
def former(root, tmp_path_factory):
    out = tmp_path_factory.mktemp("replay") / "former"
    annotate(root, out, generator="template", sampler=Segments(interval=2.0), prompt=everything())
    return out


@pytest.fixture(scope="module")
def paged(root, tmp_path_factory):
    """A run with one dialogue per moment, and the file of the annotate page."""
    out, sink = tmp_path_factory.mktemp("replay") / "paged", LeRobotAnnotationsSink()
    annotate(root, out, generator="template", sink=sink, sampler=Segments(interval=2.0), prompt="seed")
    return out


def everything():
    """A prompt for all scopes, and for counterfactuals at every decision point."""
    return HiRobotPrompt(counterfactuals=1.0)


def replay(root, out, file, **options):
    return annotate(root, out, generator=ReplayGenerator(file=file), **{"sampler": Segments(interval=2.0), **options})


def dialogues(file):
    keys = ("episode_index", "frame_index", "variant", "user_prompt", "robot_utterance")
    return [tuple(line[key] for key in keys) for line in read_lines(file)]


def reasons(file):
    return [line["reason"] for line in read_lines(file) if line["reason"]]


@pytest.mark.parametrize("name", ["", LINES])
def test_the_lines_of_a_run_give_the_same_output_again(root, former, tmp_path, name):
    replay(root, tmp_path / "out", former / name, prompt=everything())
    lines = [{**line, "generator": "replay"} for line in read_lines(former / LINES)]
    assert list(read_lines(tmp_path / "out" / LINES)) == lines
    assert {line["scope"] for line in lines} == {"episode", "phase", "step", "standing"}
    assert (former / INSTEAD).read_text().count("\n") >= 3
    for file in ("meta/tasks.parquet", "meta/exchanges.parquet", INSTEAD, "data/chunk-000/file-000.parquet"):
        assert (tmp_path / "out" / file).read_bytes() == (former / file).read_bytes()


def test_the_sampler_requests_the_dialogues_of_the_file_and_no_others(root, former, tmp_path):
    lines = list(read_lines(former / LINES))
    chosen = [line for line in lines if line["scope"] == "phase" or (line["scope"] == "step" and line["variant"] == 1)]
    file = tmp_path / "syn_annotations.jsonl"
    file.write_text("\n".join(map(json.dumps, chosen)))
    report = replay(root, tmp_path / "out", file, sampler=ReplaySampler(file=file), prompt=everything())
    assert report.failed == {}
    assert dialogues(tmp_path / "out" / LINES) == dialogues(file)


def test_lines_of_an_earlier_version_are_about_steps(root, former, tmp_path):
    file, new = tmp_path / "syn_annotations.jsonl", ("scope", "start", "stop", "skills", "running", "planned_excluded")
    lines = [line for line in read_lines(former / LINES) if (line["scope"], line["variant"]) == ("step", 0)]
    file.write_text("\n".join(json.dumps({key: line[key] for key in line if key not in new}) for line in lines))
    report = replay(root, tmp_path / "out", file, sampler=ReplaySampler(file=file))
    assert report.failed == {}
    assert dialogues(tmp_path / "out" / LINES) == dialogues(file)


def test_an_edit_on_the_annotate_page_is_in_the_output(paged, tmp_path):
    content = json.loads((paged / ATOMS).read_text())
    (first,) = [a for a in content["episodes"]["1"]["atoms"] if a["style"] == "interjection" and a["timestamp"] == 0.0]
    first["content"] = "Would you begin, please?"
    file = tmp_path / "lerobot_annotations.json"
    file.write_text(json.dumps(content))
    source = LeRobotSource(root=paged, skills="lerobot-annotations")
    replay(source, tmp_path / "out", file, prompt="seed", sink=LeRobotSink(overwrite=True))
    expected = [
        (*row[:3], "Would you begin, please?", row[4]) if row[:2] == (1, 0) else row for row in dialogues(paged / LINES)
    ]
    assert dialogues(tmp_path / "out" / LINES) == expected
    assert verify(tmp_path / "out", with_lerobot=False).problems == []


def test_a_dialogue_that_was_added_on_the_page_is_replayed(root, paged, tmp_path):
    source = LeRobotSource(root=root)
    source.open()
    time = next(source.episodes()).timestamps[40]
    call = {"type": "function", "function": {"name": "say", "arguments": {"text": "Stopping."}}}
    content = json.loads((paged / ATOMS).read_text())
    content["episodes"]["0"]["atoms"] += [
        {"role": "user", "content": "Wait!", "style": "interjection", "timestamp": time, "tool_calls": None},
        {"role": "assistant", "content": None, "style": None, "timestamp": time, "tool_calls": [call]},
    ]
    file = tmp_path / "lerobot_annotations.json"
    file.write_text(json.dumps(content))
    replay(root, tmp_path / "out", file, sampler=ReplaySampler(file=file), prompt="seed")
    assert (0, 40, 0, "Wait!", "Stopping.") in dialogues(tmp_path / "out" / LINES)


def test_a_sample_that_the_file_lacks_fails(root, paged, tmp_path):
    report = replay(root, tmp_path / "out", paged, sampler=Segments(interval=1.0), prompt="seed", max_failures=1.0)
    assert report.failed == {"generate": report.samples - 13}
    assert any("holds no dialogue for ep_000000, frame 30, step" in it for it in reasons(tmp_path / "out" / LINES))


def test_a_scope_that_the_file_lacks_fails_with_a_remedy(root, paged, tmp_path):
    replay(root, tmp_path / "out", paged, variants=1, max_failures=1.0)
    remedy = "standing, variant 0; --sampler replay requests only what the file holds."
    assert any(remedy in reason for reason in reasons(tmp_path / "out" / LINES))


def test_images_that_contradict_the_labels_are_reported_again_and_are_no_failure(tmp_path):
    def answer(request):
        at_start = request.sample.moment.frame_index == 0
        return SampleError("scene", "an empty table") if at_start else plain_answer(request)

    former, out = (tmp_path / name / "syn_annotations.jsonl" for name in ("former", "out"))
    options = {**OPTIONS, "max_failures": 0.0}
    annotate(FakeSource(), former.parent, generator=FakeGenerator(answer), **options)
    report = replay(FakeSource(), out.parent, former, **options)
    assert report.failed == {"scene": 1}
    assert reasons(out) == reasons(former) == ["an empty table"]


def test_a_dialogue_for_another_skill_is_not_used(paged, tmp_path):
    spans = tmp_path / "spans.jsonl"
    spans.write_text('{"episode_index": 0, "skill": "dance", "start": 0.0, "end": 2.0}\n')
    source = LeRobotSource(root=paged, episodes="0", skills=str(spans))
    with pytest.raises(TooManyFailuresError, match=r"but for the skill 'robot arm moves .*', not 'dance'"):
        replay(source, tmp_path / "out", paged, sink="jsonl", prompt="seed")


def test_a_dialogue_that_leads_to_other_skills_later_is_not_used(root, former, tmp_path):
    content = (root / "meta/skills.json").read_text()
    (root.parent / "renamed.json").write_text(content.replace("releases", "drops"))
    source = LeRobotSource(root=root, skills=str(root.parent / "renamed.json"))
    replay(source, tmp_path / "out", former, max_failures=1.0)
    failed = [line for line in read_lines(tmp_path / "out" / LINES) if line["status"] == "failed"]
    assert {"phase", "episode"} <= {line["scope"] for line in failed}
    assert all(any("drops" in skill for skill in line["skills"]) for line in failed)


def test_every_variant_has_its_own_dialogue_and_one_that_the_file_lacks_fails(tmp_path):
    former, out = (tmp_path / name / "syn_annotations.jsonl" for name in ("former", "out"))
    annotate(FakeSource(), former.parent, generator=FakeGenerator(), variants=2, **OPTIONS)
    replay(FakeSource(), out.parent, former.parent, variants=3, **OPTIONS)
    assert [row for row in dialogues(out) if row[2] < 2] == dialogues(former)
    assert len({row[3] for row in dialogues(former)}) == 6
    assert len(reasons(out)) == 3
    assert "holds no dialogue for ep_000000, frame 0, step, variant 2" in reasons(out)[0]


@pytest.mark.parametrize("variant", [0, 1])
def test_a_variant_that_failed_fails_again_with_its_reason_and_no_other_one(tmp_path, variant):
    def answer(request):
        return "What?" if request.sample.question.variant == variant else plain_answer(request)

    former, out = (tmp_path / name / "syn_annotations.jsonl" for name in ("former", "out"))
    annotate(FakeSource(), former.parent, generator=FakeGenerator(answer), variants=2, **OPTIONS)
    report = replay(FakeSource(), out.parent, former, **{**OPTIONS, "sampler": ReplaySampler(file=former)}, variants=2)
    assert report.failed == {"generate": 3}
    assert dialogues(out) == dialogues(former)
    assert "has no dialogue for ep_000000, frame 0" in reasons(out)[0]
    assert "it failed there, at parse" in reasons(out)[0]
    assert report.remarks == (
        "3 of the 6 samples in syn_annotations.jsonl failed there and have no dialogue",
        "syn_annotations.jsonl holds up to 2 wordings of a dialogue: --variants 2 takes all",
    )


def test_the_file_of_the_page_has_one_dialogue_per_moment_and_no_types(root, paged, tmp_path):
    report = replay(root, tmp_path / "out", paged / ATOMS, variants=2, prompt="seed", max_failures=0.5)
    assert report.failed == {"generate": report.samples // 2}
    with pytest.raises(TooManyFailuresError, match=r"says no scenario_type .* Use --prompt seed"):
        replay(root, tmp_path / "typed", paged / ATOMS, sampler=ReplaySampler(file=paged / ATOMS))


@pytest.mark.parametrize(
    ("name", "text", "error", "message"),
    [
        ("gone.jsonl", None, ConfigError, r"there is no file .*gone.jsonl"),
        ("said.txt", "x", ConfigError, r"is neither syn_annotations.jsonl nor lerobot_annotations.json"),
        ("said.jsonl", "{}", InputError, r"said.jsonl, line 1: "),
        ("said.jsonl", "", InputError, r"said.jsonl holds no dialogue"),
        ("lerobot_annotations.json", '{"episodes": {"0": {"atoms": []}}}', InputError, r"holds no dialogue"),
        ("lerobot_annotations.json", "[]", InputError, r"does not fit the schema `lerobot_annotations`"),
    ],
)
def test_a_file_that_cannot_be_replayed_is_refused_before_the_first_request(tmp_path, name, text, error, message):
    if text is not None:
        (tmp_path / name).write_text(text)
    with pytest.raises(error, match=message):
        asyncio.run(ReplayGenerator(file=tmp_path / name).open())


def test_the_identity_depends_on_the_content_of_the_file_and_not_on_its_path(former, tmp_path):
    moved = tmp_path / "moved.jsonl"
    moved.write_text((former / LINES).read_text())
    identity = ReplayGenerator(file=former / LINES).identity()
    assert ReplayGenerator(file=moved).identity() == identity
    moved.write_text(moved.read_text().replace('"user_prompt": "', '"user_prompt": "Now then: ', 1))
    assert ReplayGenerator(file=moved).identity() != identity


@pytest.mark.parametrize("name", [LINES, ATOMS])
def test_the_sampler_chooses_the_moments_of_the_file(root, paged, tmp_path, name):
    sampler, source = ReplaySampler(file=paged / name), LeRobotSource(root=root)
    replay(root, tmp_path / "out", paged / name, sampler=sampler, prompt="seed")
    assert dialogues(tmp_path / "out" / LINES) == dialogues(paged / LINES)
    source.open()
    check_sampler(sampler, [*source.episodes(), make_episode(index=7)])


ERRORS = {0.05: r"ep_000000 has no frame at 0.050 s", 99.0: r"has no frame at 99.000 s", 5.0: "where no skill goes on"}


@pytest.mark.parametrize(("time", "message"), ERRORS.items())
def test_a_dialogue_that_belongs_to_no_frame_or_no_skill_is_refused(tmp_path, time, message):
    atom = {"role": "user", "content": "Go", "style": "interjection", "timestamp": time}
    file = tmp_path / "lerobot_annotations.json"
    file.write_text(json.dumps({"episodes": {"0": {"atoms": [atom]}}}))
    with pytest.raises(InputError, match=message):
        list(ReplaySampler(file=file).frames(make_episode(("reach", 0.0, 2.0), length=60)))
