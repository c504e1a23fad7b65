"""The segmenter `hybrid`: numbered spans from the motion, their names from a model, and the levels made of them."""

import json

import pytest
from hybrid_helpers import MOTIONS, PICK, PLACE, RETREAT, hybrid_job, naming, numbers, pick, reply
from segment_helpers import ACROSS, STILL, UP, Phase, dataset, episode, opened, read, read_json
from segment_helpers import PICK as PHASES

from pgen.errors import ConfigError, TooManyFailuresError
from pgen.formats.schemas import validator


@pytest.fixture
def root(tmp_path):
    return dataset(tmp_path / "in")


def execute(root, out, generator, run=None, **options):
    with hybrid_job(root, out, generator, run, **options) as job:
        return list(job.execute())


def spans_of(out, index=0):
    return [tuple(span.values()) for span in read_json(out / "skills.json")["episodes"][str(index)]["skills"]]


def names_of(out):
    return [name for name, *_ in spans_of(out)]


def levels_of(out, index=0):
    levels = read_json(out / "segmentation.json")["levels"][str(index)]
    return {level: [span["name"] for span in spans] for level, spans in levels.items()}


def test_one_request_names_the_spans_that_the_motion_shows(root, tmp_path):
    generator = naming()
    report = execute(root, tmp_path / "out", generator)
    (request,) = generator.requests
    assert numbers(request.prompt.text) == list(range(1, 8))
    assert "3: 2.0-2.6 s, gripper closes" in request.prompt.text
    edges = [span["start"] for span in read_json(tmp_path / "out/segmentation.json")["levels"]["0"]["motion"]]
    source, segmenter = opened(root)
    assert edges == pytest.approx([0, *segmenter.change_points(read(source, segmenter)[0])])
    assert levels_of(tmp_path / "out") == {
        "motion": [name for name, _ in MOTIONS],
        "skill": [PICK, PLACE, RETREAT],
        "phase": [PLACE],
    }
    assert names_of(tmp_path / "out") == [PICK, PLACE, RETREAT]
    assert "segmented  1 by hybrid, into 3 spans" in report
    assert validator("segmentation").first_error(read_json(tmp_path / "out/segmentation.json")) is None
    assert validator("skills").first_error(read_json(tmp_path / "out/skills.json")) is None


def test_the_sheet_shows_each_edge_and_the_middle_of_each_span(root, tmp_path):
    generator = naming()
    execute(root, tmp_path / "out", generator)
    (request,) = generator.requests
    frames = [frame.frame_index for frame in request.sample.moment.clip]
    assert frames == [0, 5, 11, 15, 20, 23, 26, 31, 36, 43, 50, 52, 55, 60, 65]
    (sheet,) = request.images
    assert sheet.width // 32 * (sheet.height // 32) >= len(frames)


@pytest.mark.parametrize("level", ["motion", "skill", "phase"])
def test_the_chosen_level_is_written_as_skills(root, tmp_path, level):
    execute(root, tmp_path / "out", naming(), level=level)
    assert names_of(tmp_path / "out") == levels_of(tmp_path / "out")[level]


def without(value, number):
    return {**value, "spans": [span for span in value["spans"] if span["numbers"] != [number]]}


def merged(value, first):
    spans = [{**span, "numbers": [first, first + 1]} if span["numbers"] == [first] else span for span in value["spans"]]
    return without({**value, "spans": spans}, first + 1)


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        (lambda value: without(value, 3), "no name for 3"),
        (lambda value: {**value, "spans": [*value["spans"], value["spans"][0]]}, "several for 1"),
        (lambda value: {**value, "spans": value["spans"][::-1]}, "not in order"),
        (lambda value: {**value, "skills": value["skills"][:1]}, "no skill has the letter B, C"),
        (
            lambda value: {**value, "spans": [{**s, "name": "lift: put the cup on the shelf"} for s in value["spans"]]},
            "task",
        ),
    ],
    ids=["missing", "twice", "order", "letter", "task"],
)
def test_a_reply_that_does_not_fit_is_requested_once_more_and_then_fails(root, tmp_path, wrong, problem):
    def once(request):
        value = pick(request.prompt.text)
        return value if request.repair else wrong(value)

    generator = naming(once)
    execute(root, tmp_path / "out", generator)
    assert problem in generator.requests[1].repair.problem
    assert names_of(tmp_path / "out") == [PICK, PLACE, RETREAT]
    generator = naming(lambda request: wrong(pick(request.prompt.text)))
    with pytest.raises(TooManyFailuresError, match=problem):
        execute(root, tmp_path / "none", generator)
    assert len(generator.requests) == 2


def test_neighbours_can_be_named_together(root, tmp_path):
    execute(root, tmp_path / "out", naming(lambda r: merged(pick(r.prompt.text), 1)), level="motion")
    assert names_of(tmp_path / "out") == [name for name, _ in MOTIONS if not name.startswith("lower")]
    assert spans_of(tmp_path / "out")[0][1:] == (0.0, 2.0)


def test_what_the_model_calls_failed_is_marked_and_unclear_counted(root, tmp_path):
    answer = naming(lambda r: pick(r.prompt.text, n3="failed", n5="unclear"))
    report = execute(root, tmp_path / "out", answer)
    first, *others = read_json(tmp_path / "out/skills.json")["episodes"]["0"]["skills"]
    assert first["failed"] is True
    assert not any("failed" in span for span in others)
    assert "note       1 spans that the model calls unclear" in report


def test_idle_spans_are_gaps(tmp_path):
    root = dataset(tmp_path / "in", episode((*PHASES, Phase(2.0, STILL))))

    def answer(request):
        last = numbers(request.prompt.text)[-1]
        return pick(request.prompt.text, **{f"n{last}": "idle"})

    execute(root, tmp_path / "out", naming(answer), {"keep_idle": True})
    assert names_of(tmp_path / "out") == [PICK, PLACE, RETREAT, "idle"]
    execute(root, tmp_path / "closed", naming(answer))
    assert names_of(tmp_path / "closed") == [PICK, PLACE, RETREAT]


def test_a_long_episode_takes_several_requests_with_the_skills_before(tmp_path):
    root = dataset(tmp_path / "in", episode(PHASES * 3))
    generator = naming()
    execute(root, tmp_path / "out", generator, numbers=8)
    listed = [numbers(request.prompt.text) for request in generator.requests]
    assert [number for of_request in listed for number in of_request] == list(range(1, listed[-1][-1] + 1))
    assert max(map(len, listed)) == 8
    assert f"The skills until then: {PICK}; {PLACE}; {RETREAT}." in generator.requests[1].prompt.text


def test_without_usable_motion_an_episode_is_segmented_as_by_vlm(tmp_path):
    root = dataset(tmp_path / "in", episode(), episode((Phase(3.0, STILL),)))
    generator = naming()
    report = execute(root, tmp_path / "out", generator)
    assert "note       1 episodes without usable motion: segmented as by vlm" in report
    assert len(generator.requests) == 3
    assert [name for name, *_ in spans_of(tmp_path / "out", 1)] == ["reach for the cup"]
    columns = {"observation.state": None, "action": None}
    bare = dataset(tmp_path / "bare", episode(**columns), names={})
    report = execute(bare, tmp_path / "vlm", naming())
    assert any(line.startswith("motion     not usable: ") for line in report)
    assert [name for name, *_ in spans_of(tmp_path / "vlm")] == ["reach for the cup", "lift the cup"]


def test_names_come_from_a_vocabulary(root, tmp_path):
    (tmp_path / "names.txt").write_text(f"{PICK}\nPut the cup on the shelf\n{RETREAT}\n")
    generator = naming()
    execute(root, tmp_path / "out", generator, vocabulary=str(tmp_path / "names.txt"))
    assert names_of(tmp_path / "out") == [PICK, "Put the cup on the shelf", RETREAT]
    names = generator.requests[0].prompt.schema["properties"]["skills"]["items"]["properties"]["name"]
    assert names["enum"] == [PICK, "Put the cup on the shelf", RETREAT]
    with pytest.raises(ConfigError, match="--level phase"):
        execute(root, tmp_path / "phase", naming(), vocabulary=str(tmp_path / "names.txt"), level="phase")


def test_auto_makes_a_vocabulary_of_the_skills(tmp_path):
    root = dataset(tmp_path / "in", episode(task="a"), episode(task="b"))
    generator = naming(names=[PICK, PLACE, RETREAT])
    execute(root, tmp_path / "out", generator, vocabulary="auto")
    merging = [r for r in generator.requests if "names" in r.prompt.schema["properties"]]
    assert f"- {PICK} (2)" in merging[0].prompt.text
    assert len(generator.requests) == 5
    assert read_json(tmp_path / "out/segmentation.json")["segmenter"]["found"]["vocabulary"] == [PICK, PLACE, RETREAT]


def test_relabel_names_each_span_once_more(root, tmp_path):
    execute(root, tmp_path / "out", naming(), relabel=True, snap=True)
    assert names_of(tmp_path / "out") == ["do it"] * 3


def test_names_are_in_one_style(root, tmp_path):
    def answer(request):
        value = pick(request.prompt.text)
        skills = [{**skill, "name": f"robot arm {skill['name'].replace('pick', 'picks')}"} for skill in value["skills"]]
        return {**value, "skills": skills}

    execute(root, tmp_path / "out", naming(answer))
    assert names_of(tmp_path / "out")[0] == PICK


def test_a_prompt_of_the_user_names_the_spans(root, tmp_path):
    (tmp_path / "own.txt").write_text("Name {first} to {last} of {task}:\n{spans}\n{names}")
    generator = naming()
    execute(root, tmp_path / "out", generator, prompt=f"file:{tmp_path / 'own.txt'}")
    assert generator.requests[0].prompt.text.startswith("Name 1 to 7 of put the cup on the shelf:\n1: 0.0-1.1 s")
    (tmp_path / "own.txt").write_text("{names} {start}")
    with pytest.raises(ConfigError, match="unknown placeholder start"):
        execute(root, tmp_path / "none", naming(), prompt=f"file:{tmp_path / 'own.txt'}")


def test_results_are_not_requested_twice(root, tmp_path):
    def broken(request):
        return "no" if request.sample.span.episode_index else pick(request.prompt.text)

    root = dataset(tmp_path / "two", episode(), episode(task="b"))
    failing, again = naming(broken), naming()
    with pytest.raises(TooManyFailuresError):
        execute(root, tmp_path / "out", failing)
    execute(root, tmp_path / "out", again)
    sent, missing = ([r.sample.span.episode_index for r in each.requests] for each in (failing, again))
    assert sorted(missing) == sorted({0, 1} - (set(sent) - {1}))  # the failure may end the run before episode 0


def starts(out):
    return [(name, round(start, 1)) for name, start, *_ in spans_of(out)]


def test_a_single_error_does_not_change_a_skill_but_a_correction_does(root, tmp_path):
    def named(skills):
        return naming(lambda r: reply({n: (f"motion {n}", skill) for n, skill in enumerate(skills, 1)}))

    execute(root, tmp_path / "one", named([PICK, PLACE, PICK, PICK, PLACE, PLACE, RETREAT]))
    assert starts(tmp_path / "one") == [(PICK, 0.0), (PLACE, 3.6), (RETREAT, 5.5)]
    execute(root, tmp_path / "two", named([PICK, PICK, PLACE, PLACE, PLACE, PLACE, RETREAT]))
    assert starts(tmp_path / "two") == [(PICK, 0.0), (PLACE, 2.0), (RETREAT, 5.5)]


def test_without_a_gripper_the_model_alone_groups(tmp_path):
    names = {"observation.state": ("x", "y", "z", "w"), "action": ("x", "y", "z", "w")}
    root = dataset(tmp_path / "in", episode((Phase(2, ACROSS), Phase(2, UP), Phase(2, ACROSS))), names=names)
    open_, close = ("pull the drawer", "open the drawer"), ("push the drawer", "close the drawer")
    execute(root, tmp_path / "out", naming(lambda r: reply({1: open_, 2: open_, 3: close})))
    assert names_of(tmp_path / "out") == ["open the drawer", "close the drawer"]
    assert json.loads((tmp_path / "out/skills.json").read_text())["skill_to_task_index"] == {
        "close the drawer": 0,
        "open the drawer": 1,
    }
