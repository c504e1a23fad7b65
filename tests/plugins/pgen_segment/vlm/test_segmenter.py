"""The segmenter `vlm`: its requests, what its replies become, and that no request is sent twice."""

import pickle
from io import BytesIO

import PIL.Image
import pytest
from segment_helpers import ACROSS, STILL, Phase, dataset, episode, files, opened, read, read_json, run
from vlm_helpers import SPANS, answering, kind, vlm_job

from pgen.errors import ConfigError, SampleError, TooManyFailuresError
from pgen.formats.schemas import first_error, validator
from pgen.testing import FakeGenerator
from pgen_lerobot.read import LeRobotSource
from pgen_segment.vlm.segmenter import Vlm


class TakesClips(FakeGenerator):
    takes_clips = True


@pytest.fixture
def root(tmp_path):
    return dataset(tmp_path / "in", episode(task="a"), episode(task="b"))


def execute(root, out, generator, run=None, **options):
    with vlm_job(root, out, generator, run, **options) as job:
        return list(job.execute())


def skills_of(out, index=0):
    return [tuple(span.values()) for span in read_json(out / "skills.json")["episodes"][str(index)]["skills"]]


def names_of(out):
    return [name for name, *_ in skills_of(out)]


def record_of(out):
    return read_json(out / "segmentation.json")["segmenter"]["found"]


def first(generator, name="skills", index=0):
    """The first request of a kind about an episode."""
    return next(r for r in generator.requests if kind(r) == name and r.sample.span.episode_index == index)


def test_an_episode_is_described_and_then_segmented(root, tmp_path):
    generator = FakeGenerator(answering(description="First it reaches, then $task lifts."))
    execute(root, tmp_path / "out", generator)
    assert sorted(map(kind, generator.requests)) == ["description", "description", "skills", "skills"]
    assert skills_of(tmp_path / "out") == [("reach for the cup", 0.0, 3.0), ("lift the cup", 3.0, 6.6)]
    assert "First it reaches, then $task lifts." in first(generator).prompt.text
    assert "The robot's task: a\n" in first(generator).prompt.text
    record = record_of(tmp_path / "out")
    assert first_error(validator("segmentation"), read_json(tmp_path / "out/segmentation.json")) is None
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


def long_episode(seconds, fps=10):
    return episode((Phase(seconds / 2, ACROSS), Phase(seconds / 2, STILL)), fps=fps)


def by_window(length, *, relative=False):
    """A skill for each `length` seconds, as far as a request shows them."""

    def spans(request):
        first, last = (request.sample.moment.clip[i].timestamp for i in (0, -1))
        shift = first if relative else 0.0
        starts = [start for start in range(0, int(last) + 1, length) if start + length > first]
        return [
            {"name": f"skill {s // length}", "start": max(s, first) - shift, "end": min(s + length, last) - shift}
            for s in starts
        ]

    return spans


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


def test_relabel_requests_each_name_again_with_the_frames_of_its_span(root, tmp_path):
    generator = FakeGenerator(answering(name=lambda r: f"step at {r.sample.moment.clip[0].timestamp:.0f}"))
    execute(root, tmp_path / "out", generator, relabel=True)
    assert skills_of(tmp_path / "out") == [("step at 0", 0.0, 3.0), ("step at 3", 3.0, 6.6)]
    assert "The skill before: none\nThe skill after: lift the cup" in first(generator, "name").prompt.text


def test_edges_are_moved_to_where_the_arm_changes(root, tmp_path):
    execute(root, tmp_path / "out", FakeGenerator(answering()), snap=True)
    source, gripper = opened(root)
    points = gripper.change_points(read(source, gripper)[0])
    nearest = pytest.approx(min(points, key=lambda point: abs(point - 3.0)))
    assert nearest != 3.0
    assert skills_of(tmp_path / "out") == [("reach for the cup", 0.0, nearest), ("lift the cup", nearest, 6.6)]


def test_only_names_of_the_vocabulary_become_labels(root, tmp_path):
    (tmp_path / "names.txt").write_text("# all of them\nReach for the cup\n\nlift the cup\n")
    generator = FakeGenerator(answering())
    execute(root, tmp_path / "out", generator, vocabulary=str(tmp_path / "names.txt"))
    assert names_of(tmp_path / "out") == ["Reach for the cup", "lift the cup"]
    prompt = first(generator).prompt
    span = prompt.schema["properties"]["skills"]["items"]["properties"]
    assert span["name"] == {"type": "string", "enum": ["Reach for the cup", "lift the cup"]}
    assert "Use these names and no others: Reach for the cup; lift the cup." in prompt.text
    (tmp_path / "names.txt").write_text("lift the cup\n")
    with pytest.raises(TooManyFailuresError, match="'reach for the cup' is none of the skills"):
        execute(root, tmp_path / "none", FakeGenerator(answering()), vocabulary=str(tmp_path / "names.txt"))


def test_auto_makes_a_vocabulary_from_some_episodes_for_all(root, tmp_path):
    def spans(request):
        closed = "Use these names" in request.prompt.text
        return [{"name": "Lift" if closed else f"lift {request.sample.span.task}", "start": 0, "end": 6.6}]

    generator = FakeGenerator(answering(spans, names=["lift", "lift"]))
    execute(root, tmp_path / "out", generator, vocabulary="auto")
    (merging,) = [r for r in generator.requests if kind(r) == "names"]
    assert "- lift a (1)\n- lift b (1)" in merging.prompt.text
    assert read_json(tmp_path / "out/skills.json")["skill_to_task_index"] == {"lift": 0}
    assert record_of(tmp_path / "out")["vocabulary"] == ["lift"]


SERVER = ["--segmenter", "vlm", "--generator", "qwen-openai", "--base-url", "http://127.0.0.1:9/v1"]


def test_a_dry_run_counts_the_requests_and_sends_none(tmp_path):
    cameras = ("observation.images.top", "observation.images.side")
    root = dataset(tmp_path / "in", long_episode(60), episode(), cameras=cameras)
    options = (*SERVER, "--dry-run", "--relabel", "--vocabulary", "auto")
    assert run("--root", root, "--output-dir", tmp_path / "out", *options).splitlines() == [
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


def test_names_of_another_style_are_converted_and_counted(root, tmp_path):
    spans = [
        {"name": "robot arm reaches for the cup", "start": 0, "end": 2},
        {"name": "lift the cup", "start": 2, "end": 4},
        {"name": "wiggling fnords", "start": 4, "end": 6.6},
    ]
    lines = execute(root, tmp_path / "out", FakeGenerator(answering(spans)))
    assert names_of(tmp_path / "out") == ["reach for the cup", "lift the cup", "wiggling fnords"]
    assert "note       2 names in another style: converted" in lines
    assert "note       2 names without a known verb: unchanged" in lines
    execute(root, tmp_path / "third", FakeGenerator(answering(spans)), names="third-person")
    assert names_of(tmp_path / "third") == [
        "robot arm reaches for the cup",
        "robot arm lifts the cup",
        "wiggling fnords",
    ]


def test_a_made_vocabulary_has_one_style_and_replies_in_the_other_match_it(root, tmp_path):
    def spans(request):
        closed = "Use these names" in request.prompt.text
        return [{"name": "picks up the cup" if closed else "pick up the cup", "start": 0, "end": 6.6}]

    generator = FakeGenerator(answering(spans, names=["robot arm picks up the cup", "pick up the cup"]))
    execute(root, tmp_path / "out", generator, vocabulary="auto")
    assert read_json(tmp_path / "out/skills.json")["skill_to_task_index"] == {"pick up the cup": 0}
    assert len(generator.requests) == 2 * 2 + 1 + 2


def test_the_users_own_vocabulary_is_unchanged_and_a_mixture_is_noted(root, tmp_path):
    (tmp_path / "names.txt").write_text("robot arm reaches for the cup\nlift the cup\n")
    spans = [{"name": "robot arm reaches for the cup", "start": 0, "end": 3}, SPANS[1]]
    lines = execute(root, tmp_path / "out", FakeGenerator(answering(spans)), vocabulary=str(tmp_path / "names.txt"))
    assert names_of(tmp_path / "out") == ["robot arm reaches for the cup", "lift the cup"]
    assert "note       --vocabulary mixes names in several styles: they are used as they are written" in lines
    (tmp_path / "names.txt").write_text("reach for the cup\nlift the cup\n")
    lines = execute(root, tmp_path / "one", FakeGenerator(answering()), vocabulary=str(tmp_path / "names.txt"))
    assert not any("mixes" in line for line in lines)


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("own.txt", "From {start} to {stop} of {end} s: {task}. {names} {clock} [{before}] {description}"),
        ("own.j2", "From {{ start }} to {{ stop }} of {{ end }} s: {{ task }}. {{ names }} {{ clock }} "
         "[{{ before|join('; ') }}] {{ description }}"),
    ],
)  # fmt: skip
def test_the_users_own_prompt_replaces_the_one_for_spans(root, tmp_path, file, text):
    (tmp_path / file).write_text(text)
    hostile = "{start} {{ 7 * 7 }} $task"
    generator = FakeGenerator(answering(description=hostile))
    execute(root, tmp_path / "out", generator, prompt=f"file:{tmp_path / file}")
    prompt = first(generator).prompt.text
    assert prompt.startswith("From 0.0 to 6.6 of 6.6 s: a. Name skills in the imperative")
    assert prompt.endswith(f"as burned into the frames [] {hostile}")
    execute(root, tmp_path / "plain", FakeGenerator(answering()))
    assert len({record_of(tmp_path / out)["prompts"]["hash"] for out in ("out", "plain")}) == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{start} {stop} {nmaes}", "has the unknown placeholder nmaes; the known ones are task, start"),
        ("{start} {stop}", "never mentions names, so the model cannot know how skills are named"),
        ("{start} {stop} {names", "is not a valid template"),
        (None, "there is no file"),
    ],
)
def test_an_unusable_prompt_of_the_user_is_refused_before_the_first_request(root, tmp_path, text, message):
    path = tmp_path / "own.txt"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ConfigError, match=message):
        execute(root, tmp_path / "out", FakeGenerator(answering()), prompt=f"file:{path}")
    with pytest.raises(ConfigError, match="write it as file:PATH"):
        execute(root, tmp_path / "out", FakeGenerator(answering()), prompt=str(path))


def test_results_of_another_prompt_of_the_user_are_refused(root, tmp_path):
    path = tmp_path / "own.txt"
    path.write_text("{start} {stop} {names}")
    with pytest.raises(TooManyFailuresError):
        execute(root, tmp_path / "out", FakeGenerator(answering("nothing")), prompt=f"file:{path}")
    path.write_text("{start} {stop} {names}, please")
    with pytest.raises(ConfigError, match="belongs to a run with other options"):
        execute(root, tmp_path / "out", FakeGenerator(answering()), prompt=f"file:{path}")
    path.rename(tmp_path / "moved.txt").write_text("{start} {stop} {names}")
    execute(root, tmp_path / "out", FakeGenerator(answering()), prompt=f"file:{tmp_path / 'moved.txt'}")


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


def test_the_work_travels_to_other_processes_with_the_users_own_prompt(root, tmp_path):
    (tmp_path / "own.txt").write_text("{start} {stop} {names}")
    segmenter, source = Vlm(prompt=f"file:{tmp_path / 'own.txt'}"), LeRobotSource(root=root, skills="task")
    source.open()
    segmenter.open(source)
    work = pickle.loads(pickle.dumps(segmenter.work(FakeGenerator(), 3)))
    assert work.template.fill({"start": 0, "stop": 1, "names": "any"}) == "0 1 any"
    assert work.seed == 3
    source.close()
