"""A former run's dialogues answer the same samples again; what they lack fails and is never made up."""

import asyncio
import json

import pytest
from altered import altered
from hypothesis import given
from hypothesis import strategies as st

from pgen import annotate
from pgen.errors import ConfigError, InputError, TooManyFailuresError
from pgen.formats.syn_annotations import read_lines, to_line
from pgen.testing import (
    FakeGenerator,
    FakeSource,
    check_sampler,
    make_annotation,
    make_episode,
    make_samples,
    plain_answer,
)
from pgen_demo.example import write_example
from pgen_lerobot.read import LeRobotSource
from pgen_lerobot.verify import verify
from pgen_replay.generator import ReplayGenerator
from pgen_replay.recorded import RecordedDialogues
from pgen_replay.sampler import ReplaySampler
from pgen_samplers.samplers import Segments

ATOMS = "meta/lerobot_annotations.json"
LINES = "meta/syn_annotations.jsonl"


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return write_example(tmp_path_factory.mktemp("replay") / "data")


@pytest.fixture(scope="module")
def former(root, tmp_path_factory):
    from pgen_lerobot.write.other_forms import LeRobotAnnotationsSink

    out = tmp_path_factory.mktemp("replay") / "former"
    annotate(root, out, generator="template", sink=LeRobotAnnotationsSink(), sampler=Segments(interval=2.0))
    return out


def again(root, out, file, **options):
    settings = {"sampler": Segments(interval=2.0), **options}
    return annotate(root, out, generator=ReplayGenerator(file=file), **settings)


def dialogues(out):
    return [(line["frame_index"], line["user_prompt"], line["robot_utterance"]) for line in read_lines(out / LINES)]


@pytest.mark.parametrize("name", ["", LINES])
def test_the_lines_of_a_former_run_give_the_same_output_again(root, former, tmp_path, name):
    again(root, tmp_path / "out", former / name)
    ours, theirs = (list(read_lines(out / LINES)) for out in (tmp_path / "out", former))
    assert ours == [{**line, "generator": "replay"} for line in theirs]
    for file in ("meta/tasks.parquet", "data/chunk-000/file-000.parquet"):
        assert (tmp_path / "out" / file).read_bytes() == (former / file).read_bytes()


def test_what_was_edited_on_the_annotate_page_is_what_the_output_says(root, former, tmp_path):
    content = json.loads((former / ATOMS).read_text())
    (first,) = [a for a in content["episodes"]["1"]["atoms"] if a["style"] == "interjection" and a["timestamp"] == 0.0]
    first["content"] = "Would you begin, please?"
    (tmp_path / "lerobot_annotations.json").write_text(json.dumps(content))
    source = LeRobotSource(root=former, skills="lerobot-annotations")
    from pgen_lerobot.write import LeRobotSink

    file = tmp_path / "lerobot_annotations.json"
    again(source, tmp_path / "out", file, prompt="seed", sink=LeRobotSink(overwrite=True))
    expected = dialogues(former)
    place = next(i for i, (frame, _, _) in enumerate(expected) if i and frame == 0)
    expected[place] = (0, "Would you begin, please?", expected[place][2])
    assert dialogues(tmp_path / "out") == expected
    assert verify(tmp_path / "out", with_lerobot=False).problems == []


def test_version_one_of_the_pages_file_is_replayed_too(tmp_path):
    high = [{"start": 0.0, "end": 1.8, "user_prompt": "Go", "robot_utterance": "Going", "skill": "x"}]
    path = tmp_path / "lerobot_annotations.json"
    path.write_text(json.dumps({"episodes": {"0": {"subtasks": [], "high_levels": high}}}))
    said = RecordedDialogues(path).find(make_samples(make_episode())[0])
    assert said is not None
    assert said.reply == {"user_prompt": "Go", "robot_utterance": "Going"}


def test_a_sample_that_the_former_run_lacks_fails_and_nothing_is_carried_over(root, former, tmp_path):
    report = again(root, tmp_path / "out", former, sampler=Segments(interval=1.0), max_failures=1.0)
    assert report.failed == {"generate": report.samples - 13}
    reasons = {line["reason"] for line in read_lines(tmp_path / "out" / LINES) if line["status"] == "failed"}
    assert any("holds no dialogue for ep_000000, frame 30" in reason for reason in reasons)


def test_a_dialogue_for_another_skill_is_not_used(former, tmp_path):
    spans = tmp_path / "spans.jsonl"
    spans.write_text('{"episode_index": 0, "skill": "dance", "start": 0.0, "end": 2.0}\n')
    source = LeRobotSource(root=former, episodes="0", skills=str(spans))
    with pytest.raises(TooManyFailuresError, match=r"but for the skill 'robot arm moves .*', not 'dance'"):
        again(source, tmp_path / "out", former, sink="jsonl")


def test_what_failed_in_the_former_run_fails_again_with_its_reason(tmp_path):
    def shaky(request):
        return "What?" if request.sample.span.skill_index == 1 else plain_answer(request)

    common = {"prompt": "seed", "sampler": Segments(interval=9.0), "max_failures": 0.5, "sink": "jsonl"}
    annotate(FakeSource(), tmp_path / "former", generator=FakeGenerator(shaky), **common)
    report = again(FakeSource(), tmp_path / "out", tmp_path / "former", **common)
    assert report.failed == {"generate": 1}
    (reason,) = [line["reason"] for line in read_lines(tmp_path / "out/syn_annotations.jsonl") if line["reason"]]
    assert "has no dialogue for ep_000000, frame 18: it failed there, at parse" in reason


SPOKEN = {"prompt": "seed", "sampler": Segments(interval=9.0), "max_failures": 0.5, "sink": "jsonl"}


def spoken(out):
    lines = read_lines(out / "syn_annotations.jsonl")
    return [(line["frame_index"], line["variant"], line["user_prompt"]) for line in lines]


def test_every_variant_of_a_moment_is_replayed_by_its_own_dialogue(tmp_path):
    annotate(FakeSource(), tmp_path / "former", generator=FakeGenerator(), variants=3, **SPOKEN)
    report = again(FakeSource(), tmp_path / "out", tmp_path / "former", variants=3, **SPOKEN)
    assert report.failed == {}
    assert spoken(tmp_path / "out") == spoken(tmp_path / "former")
    assert len({prompt for _, _, prompt in spoken(tmp_path / "out")}) == 9


@pytest.mark.parametrize("variant", [0, 1, 2])
def test_a_variant_that_failed_costs_no_other_one_and_is_reported(tmp_path, variant):
    def shaky(request):
        return "What?" if request.sample.question.variant == variant else plain_answer(request)

    annotate(FakeSource(), tmp_path / "former", generator=FakeGenerator(shaky), variants=3, **SPOKEN)
    file = tmp_path / "former/syn_annotations.jsonl"
    options = {**SPOKEN, "sampler": ReplaySampler(file=file), "variants": 3}
    report = again(FakeSource(), tmp_path / "out", file, **options)
    assert report.failed == {"generate": 3}
    assert spoken(tmp_path / "out") == spoken(tmp_path / "former")
    assert report.remarks == (
        "3 of the 9 samples in syn_annotations.jsonl failed there and have no dialogue",
        "syn_annotations.jsonl holds up to 3 dialogues of a moment: --variants 3 takes all",
    )


def test_a_variant_that_the_file_lacks_fails_with_its_number(tmp_path):
    annotate(FakeSource(), tmp_path / "former", generator=FakeGenerator(), variants=2, **SPOKEN)
    again(FakeSource(), tmp_path / "out", tmp_path / "former", variants=3, **SPOKEN)
    reasons = [line["reason"] for line in read_lines(tmp_path / "out/syn_annotations.jsonl") if line["reason"]]
    assert len(reasons) == 3
    assert "holds no dialogue for ep_000000, frame 0, variant 2" in reasons[0]


def test_the_pages_file_answers_a_moment_once_and_further_variants_fail(root, former, tmp_path):
    options = {"variants": 2, "prompt": "seed", "max_failures": 0.5}
    report = again(root, tmp_path / "out", former / ATOMS, **options)
    assert report.failed == {"generate": report.samples // 2}


def test_lines_of_one_frame_that_differ_in_anything_else_are_told_apart(tmp_path):
    (base,) = make_samples(make_episode(("reach", 0.0, 1.0)))
    different = {"images": ("other.jpg",), "task": "other", "history": ("before",)}
    samples = [base, *(altered(base, **{key: value}) for key, value in different.items())]
    file = tmp_path / "said.jsonl"
    lines = (to_line(make_annotation(sample, f"Do {n}."), "fake") for n, sample in enumerate(samples))
    file.write_text("\n".join(map(json.dumps, lines)))
    memory = RecordedDialogues(file)
    assert [memory.find(sample).reply["user_prompt"] for sample in samples] == ["Do 0.", "Do 1.", "Do 2.", "Do 3."]
    assert memory.find(altered(base, images=("third.jpg",))) is None


def test_two_dialogues_for_one_sample_are_refused_and_one_said_twice_is_not(tmp_path):
    (sample,) = make_samples(make_episode(("reach", 0.0, 1.0)))
    file = tmp_path / "said.jsonl"
    lines = [json.dumps(to_line(make_annotation(sample, text), "fake")) for text in ("Go.", "Go.", "Stop.")]
    file.write_text("\n".join(lines[:2]))
    assert RecordedDialogues(file).find(sample).reply["user_prompt"] == "Go."
    file.write_text("\n".join(lines))
    with pytest.raises(InputError, match="two lines say different things about ep_000000, frame 0, variant 0"):
        RecordedDialogues(file)


def test_types_that_a_prompt_wants_and_the_page_does_not_keep_are_asked_for_in_plain_words(root, former, tmp_path):
    with pytest.raises(TooManyFailuresError, match=r"says no scenario_type .* Use --prompt seed"):
        again(root, tmp_path / "out", former / ATOMS)


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
def test_a_file_that_cannot_be_replayed_is_refused_before_anything_is_asked(tmp_path, name, text, error, message):
    if text is not None:
        (tmp_path / name).write_text(text)
    with pytest.raises(error, match=message):
        asyncio.run(ReplayGenerator(file=tmp_path / name).open())


def test_two_requests_at_one_moment_are_refused(tmp_path):
    asked = {"role": "user", "content": "Go", "style": "interjection", "timestamp": 1.0}
    path = tmp_path / "lerobot_annotations.json"
    path.write_text(json.dumps({"episodes": {"3": {"atoms": [asked, {**asked, "content": "Stop"}]}}}))
    with pytest.raises(InputError, match=r"episode 3, 1.0 s: user_prompt stands there twice"):
        RecordedDialogues(path)


def test_an_edited_file_is_another_generator_and_a_moved_one_is_not(former, tmp_path):
    first = ReplayGenerator(file=former / LINES).identity()
    text = (former / LINES).read_text()
    (tmp_path / "moved.jsonl").write_text(text)
    assert ReplayGenerator(file=tmp_path / "moved.jsonl").identity() == first
    edited = text.replace('"user_prompt": "', '"user_prompt": "Now then: ', 1)
    assert edited != text
    (tmp_path / "moved.jsonl").write_text(edited)
    assert ReplayGenerator(file=tmp_path / "moved.jsonl").identity() != first


@pytest.mark.parametrize("name", [LINES, ATOMS])
def test_the_sampler_asks_about_the_moments_that_the_file_holds(root, former, tmp_path, name):
    again(root, tmp_path / "out", former / name, sampler=ReplaySampler(file=former / name), prompt="seed")
    assert dialogues(tmp_path / "out") == dialogues(former)


def test_a_dialogue_that_somebody_added_is_taken_up(root, former, tmp_path):
    content = json.loads((former / ATOMS).read_text())
    atoms = content["episodes"]["0"]["atoms"]
    said = {"type": "function", "function": {"name": "say", "arguments": {"text": "Stopping."}}}
    time = make_time(root, 40)
    atoms.append({"role": "user", "content": "Wait!", "style": "interjection", "timestamp": time, "tool_calls": None})
    atoms.append({"role": "assistant", "content": None, "style": None, "timestamp": time, "tool_calls": [said]})
    file = tmp_path / "lerobot_annotations.json"
    file.write_text(json.dumps(content))
    again(root, tmp_path / "out", file, sampler=ReplaySampler(file=file), prompt="seed")
    assert (40, "Wait!", "Stopping.") in dialogues(tmp_path / "out")


def make_time(root, frame):
    source = LeRobotSource(root=root)
    source.open()
    return next(source.episodes()).timestamps[frame]


@pytest.mark.parametrize(
    ("time", "message"),
    [
        (0.05, r"ep_000000 has no frame at 0.050 s"),
        (99.0, r"has no frame at 99.000 s"),
        (5.0, r"where no skill goes on"),
    ],
)
def test_a_dialogue_that_belongs_to_no_frame_or_no_skill_is_refused(tmp_path, time, message):
    asked = {"role": "user", "content": "Go", "style": "interjection", "timestamp": time}
    file = tmp_path / "lerobot_annotations.json"
    file.write_text(json.dumps({"episodes": {"0": {"atoms": [asked]}}}))
    episode = make_episode(("reach", 0.0, 2.0), length=60)
    with pytest.raises(InputError, match=message):
        list(ReplaySampler(file=file).frames(episode))


def test_the_sampler_keeps_the_contract(root, former):
    source = LeRobotSource(root=root)
    source.open()
    check_sampler(ReplaySampler(file=former / LINES), [*source.episodes(), make_episode(index=7)])


@given(st.integers(0, 3000), st.sampled_from([5.0, 10.0, 29.97, 30.0, 60.0]))
def test_a_moment_is_found_by_its_second_and_its_neighbours_are_not(frame, fps):
    from struct import pack, unpack

    from pgen_replay.recorded import to_ticks

    single = unpack("f", pack("f", frame / fps))[0]
    assert abs(to_ticks(single) - to_ticks(frame / fps)) <= 1
    assert abs(to_ticks((frame + 1) / fps) - to_ticks(single)) > 1
