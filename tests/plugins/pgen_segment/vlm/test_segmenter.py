"""The segmenter `vlm`: its requests, what its replies become, and that no request is sent twice."""

import re
from io import BytesIO

import PIL.Image
import pytest
from segment_helpers import STILL, Phase, dataset, episode, files, opened, read, read_json, run
from vlm_helpers import (
    SPANS,
    TakesClips,
    answering,
    by_window,
    execute,
    first,
    kind,
    long_episode,
    record_of,
    skills_of,
)

from pgen.errors import ConfigError, SampleError, TooManyFailuresError
from pgen.formats.schemas import validator
from pgen.testing import FakeGenerator


def test_an_episode_is_described_and_then_segmented(root, tmp_path):
    generator = FakeGenerator(answering(description="First it reaches, then $task lifts."))
    execute(root, tmp_path / "out", generator)
    assert sorted(map(kind, generator.requests)) == ["description", "description", "skills", "skills"]
    assert skills_of(tmp_path / "out") == [("reach for the cup", 0.0, 3.0), ("lift the cup", 3.0, 6.6)]
    assert "First it reaches, then $task lifts." in first(generator).prompt.text
    assert "The robot's task: a\n" in first(generator).prompt.text
    record = record_of(tmp_path / "out")
    assert validator("segmentation").first_error(read_json(tmp_path / "out/segmentation.json")) is None
    assert (record["prompts"]["version"], record["shown"], record["attempts"]) == ("2", "sheets", 4)
    assert record["generator"]["name"] == "fake"


def test_a_sheet_holds_two_frames_a_second_and_the_last_one(root, tmp_path):
    generator = FakeGenerator(answering())
    execute(root, tmp_path / "out", generator)
    request = generator.requests[0]
    assert [moment.frame_index for moment in request.sample.moment.clip] == list(range(0, 66, 5))
    (sheet,) = request.images
    with PIL.Image.open(BytesIO(sheet.jpeg)) as picture:
        assert picture.size == (sheet.width, sheet.height)
    assert sheet.width % 32 == sheet.height % 32 == 0
    assert sheet.width // 32 * (sheet.height // 32) >= 14


def test_the_order_of_replies_does_not_change_the_file(root, tmp_path):
    for name, concurrency in (("one", 1), ("two", 9)):
        execute(root, tmp_path / name, FakeGenerator(answering(), concurrency))
    assert (tmp_path / "one/skills.json").read_bytes() == (tmp_path / "two/skills.json").read_bytes()


@pytest.mark.parametrize(("seconds", "fps", "relative"), [(100, 10, False), (100, 10, True), (600, 2, False)])
def test_windows_of_a_long_episode_are_joined_at_common_edges(tmp_path, seconds, fps, relative):
    root = dataset(tmp_path / "in", long_episode(seconds, fps), fps=fps)
    generator = FakeGenerator(answering(by_window(3, relative=relative)))
    execute(root, tmp_path / "out", generator)
    assert max(len(request.sample.moment.clip) for request in generator.requests) == 60
    skills, count = skills_of(tmp_path / "out"), -(-seconds // 3)
    assert [name for name, *_ in skills] == [f"skill {i}" for i in range(count)]
    assert [start for _, start, _ in skills] == pytest.approx([3.0 * i for i in range(count)])
    assert skills[-1][2] == pytest.approx(seconds)


def test_the_prompt_of_a_window_names_the_skills_before_it(tmp_path):
    root = dataset(tmp_path / "in", long_episode(60))
    generator = FakeGenerator(answering(by_window(3)))
    execute(root, tmp_path / "out", generator)
    prompts = [r.prompt.text for r in generator.requests if kind(r) == "skills"]
    assert "Until then" not in prompts[0]
    assert "skill 7; skill 8; skill 9" in prompts[1]


def test_an_episode_of_one_frame_is_one_span(tmp_path):
    root = dataset(tmp_path / "in", episode((Phase(0.1, STILL),)))
    execute(root, tmp_path / "out", FakeGenerator(answering([{"name": "wait", "start": 0, "end": 0.1}])))
    assert skills_of(tmp_path / "out") == [("wait", 0.0, 0.1)]


@pytest.mark.parametrize(
    "spans",
    [
        [{"name": "reach for the cup", "start": "00:00", "end": "00:03"}, {**SPANS[1], "end": "99:00"}],
        [{"name": "reach for the cup", "start": "0 s", "end": "3.0"}, {**SPANS[1], "start": "3", "end": "6.6s"}],
        [{"name": "reach for the cup", "start": 0, "end": 30}, {"name": "lift the cup", "start": 30, "end": 66}],
        [{"name": "lift the cup", "start": 6.6, "end": 3}, {"name": "reach for the cup", "start": 3, "end": 0}],
        '```json\n[{"name": "reach for the cup", "start": 0, "end": 3}, {"name": "lift the cup", "start": 3, '
        '"end": 6.6},]\n```',
    ],
    ids=["clock", "strings", "frames", "reversed", "a bare list in a fence"],
)
def test_times_in_any_form_are_read(root, tmp_path, spans):
    execute(root, tmp_path / "out", FakeGenerator(answering(spans)))
    assert skills_of(tmp_path / "out") == [("reach for the cup", 0.0, 3.0), ("lift the cup", 3.0, 6.6)]


@pytest.mark.parametrize(
    "answer", ["", "I see nothing.", [], [{"name": "a"}], SampleError("transport", "gone"), RuntimeError("odd")]
)
def test_an_episode_without_a_usable_reply_fails_and_the_others_go_on(root, tmp_path, answer):
    generator = FakeGenerator(answering(lambda r: answer if r.sample.span.episode_index == 0 else SPANS))
    lines = execute(root, tmp_path / "out", generator, {"max_failures": 0.5})
    assert any(line.startswith("failed     episode 0, at ") for line in lines)
    assert list(read_json(tmp_path / "out/skills.json")["episodes"]) == ["1"]


def test_a_reply_that_does_not_fit_is_requested_again_with_the_problem(root, tmp_path):
    generator = FakeGenerator(answering(lambda r: SPANS if r.repair else "not yet"))
    execute(root, tmp_path / "out", generator)
    (again,) = [r for r in generator.requests if r.repair and r.sample.span.episode_index == 0]
    assert again.repair.reply == "not yet"
    assert "no JSON object" in again.repair.problem
    assert again.seed != first(generator).seed


@pytest.mark.parametrize("times", [(4, 4), (50.5, 60.5), (-9, -1)], ids=["empty", "behind", "before"])
def test_spans_outside_the_episode_are_requested_again(root, tmp_path, times):
    nowhere = [{"name": "reach", "start": times[0], "end": times[1]}]
    generator = FakeGenerator(answering(lambda r: SPANS if r.repair else nowhere))
    execute(root, tmp_path / "out", generator)
    assert skills_of(tmp_path / "out")[0] == ("reach for the cup", 0.0, 3.0)
    assert "no span lies between 0.0 and 6.6 s" in next(r.repair.problem for r in generator.requests if r.repair)


def test_after_a_failed_run_only_what_is_missing_is_requested(root, tmp_path):
    failing = FakeGenerator(answering(lambda r: "nothing" if r.sample.span.episode_index == 1 else SPANS))
    with pytest.raises(TooManyFailuresError, match="results so far are kept"):
        execute(root, tmp_path / "out", failing)
    again = FakeGenerator(answering())
    execute(root, tmp_path / "out", again)
    sent, missing = ([(kind(r), r.sample.span.episode_index) for r in each.requests] for each in (failing, again))
    stored = set(sent) - {("skills", 1)}
    assert len(missing) == len(set(missing))
    assert set(missing) == {(name, index) for name in ("description", "skills") for index in (0, 1)} - stored
    assert not list(tmp_path.glob(".*"))


def test_results_of_other_options_are_refused_unless_started_anew(root, tmp_path):
    with pytest.raises(TooManyFailuresError):
        execute(root, tmp_path / "out", FakeGenerator(answering("nothing")))
    with pytest.raises(ConfigError, match="frames_per_second"):
        execute(root, tmp_path / "out", FakeGenerator(answering()), frames_per_second=1.0)
    execute(root, tmp_path / "out", FakeGenerator(answering()), {"fresh": True}, frames_per_second=1.0)


@pytest.mark.parametrize("takes_clips", [False, True])
def test_a_camera_that_cannot_be_read_is_left_out_and_counted(tmp_path, takes_clips):
    cameras = ("observation.images.top", "observation.images.side")
    root = dataset(tmp_path / "in", episode(), episode(), cameras=cameras, episodes_per_video_file=1)
    (root / "videos/observation.images.side/chunk-000/file-001.mp4").write_bytes(b"broken")
    generator = (TakesClips if takes_clips else FakeGenerator)(answering())
    lines = execute(root, tmp_path / "out", generator)
    shown = {r.sample.span.episode_index: [each.camera for each in (*r.images, *r.clips)] for r in generator.requests}
    assert shown == {0: list(cameras), 1: [cameras[0]]}
    assert "note       1 sheets of a camera that cannot be read, or shows nothing: left out" in lines


def test_edges_are_moved_to_where_the_arm_changes(root, tmp_path):
    execute(root, tmp_path / "out", FakeGenerator(answering()), snap=True)
    source, gripper = opened(root)
    points = gripper.change_points(read(source, gripper)[0])
    nearest = pytest.approx(min(points, key=lambda point: abs(point - 3.0)))
    assert nearest != 3.0
    assert skills_of(tmp_path / "out") == [("reach for the cup", 0.0, nearest), ("lift the cup", nearest, 6.6)]


SERVER = ["--segmenter", "vlm", "--generator", "qwen-openai", "--base-url", "http://127.0.0.1:9/v1"]


def test_a_dry_run_counts_the_requests_and_sends_none(tmp_path):
    cameras = ("observation.images.top", "observation.images.side")
    root = dataset(tmp_path / "in", long_episode(60), episode(), cameras=cameras)
    options = (*SERVER, "--dry-run", "--relabel", "--vocabulary", "auto")
    lines = run("--root", root, "--output-dir", tmp_path / "out", *options).splitlines()
    (tokens,) = [line for line in lines if line.startswith("tokens ")]
    assert re.fullmatch(r"tokens     about [\d,]+ in, [\d,]+ out", tokens)
    assert [line for line in lines if line != tokens] == [
        "episodes   2",
        "frames     666",
        "windows    4",
        "requests   8",
        "images     16",
        "note       plus a request for each span, which --relabel names again",
        "note       plus the requests that make the vocabulary from some episodes",
    ]
    assert [path.name for path in tmp_path.iterdir()] == ["in"]
    generator = FakeGenerator(answering(by_window(3)))
    execute(root, tmp_path / "out", generator)
    assert (len(generator.requests), sum(len(r.images) for r in generator.requests)) == (8, 16)


def test_a_dry_run_names_the_gripper_and_checks_what_a_run_does(root, tmp_path):
    plan = run("--root", root, "--output-dir", tmp_path / "out", "--dry-run").splitlines()
    assert plan[:2] == ["episodes   2", "frames     132"]
    assert plan[2].startswith("gripper    observation.state[3]")
    (tmp_path / "out").mkdir()
    assert "exists already" in run("--root", root, "--output-dir", tmp_path / "out", *SERVER, "--dry-run", expect=2)


def test_a_generator_that_takes_clips_gets_the_times_of_the_frames_in_words(root, tmp_path):
    generator = TakesClips(answering())
    execute(root, tmp_path / "out", generator, max_pixels=60 * 400, relabel=True)
    request = first(generator)
    assert request.images == ()
    (clip,) = request.clips
    times = [moment.timestamp for moment in request.sample.moment.clip]
    assert clip.times == pytest.approx([time - times[-1] for time in times])
    assert max(frame.width * frame.height for frame in clip.frames) <= 400
    assert request.prompt.text.startswith("Each video has 14 frames, from these times, in seconds: 0.0, 0.5, 1.0,")
    assert "sheet" not in request.prompt.text + request.prompt.system
    assert "burned" not in request.prompt.text + request.prompt.system
    assert {len(r.clips) for r in generator.requests} == {1}
    assert skills_of(tmp_path / "out")[0] == ("do it", 0.0, 3.0)
    assert record_of(tmp_path / "out")["shown"] == "clips"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--segmenter", "vlm"], "name one with --generator NAME"),
        (["--segmenter", "vlm", "--generator", "template"], "leave --segmenter out, or use gripper"),
        (["--segmenter", "gripper", "--generator", "qwen-openai", "--base-url", "http://x"], "uses no model"),
        (["--generator", "qwen-opnai"], "did you mean qwen-openai"),
        (["--model", "tiny"], "name one with --generator NAME"),
        (["--generator", "qwen-openai", "--base-url", "http://x", "--device", "cpu"], "--device does not apply"),
        (["--generator", "qwen-openai", "--base-url", "http://x", "--vocabulary", "none.txt"], "cannot be read"),
        (
            ["--generator", "qwen-openai", "--base-url", "http://x", "--opt", "segmenter.window=8"],
            "overlap must be less than window",
        ),
    ],
)
def test_a_wrong_option_ends_in_one_sentence_before_the_first_request(root, tmp_path, options, message):
    assert message in run("--root", root, "--output-dir", tmp_path / "out", *options, expect=2)
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


def test_the_generator_template_stands_for_the_segmenter_gripper(root, tmp_path):
    run("--root", root, "--output-dir", tmp_path / "out", "--generator", "template")
    run("--root", root, "--output-dir", tmp_path / "same")
    assert files(tmp_path / "out")["meta/skills.json"] == files(tmp_path / "same")["meta/skills.json"]
