"""The segmenter `gripper`: cuts where the motion turns or the gripper changes, and names from what it does."""

from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest
from segment_helpers import (
    ACROSS,
    DOWN,
    FPS,
    PICK,
    PICK_EDGES,
    PICK_PHASES,
    STILL,
    TASK,
    UP,
    Phase,
    dataset,
    episode,
    opened,
    read,
    vectors,
)

from pgen.errors import ConfigError, InputError, SampleError
from pgen_segment.job import segment_all
from pgen_segment.motion.dimensions import Dimension, dimensions, guessed
from pgen_segment.motion.phases import phases
from pgen_segment.motion.segmenter import GripperOptions


def found(root, **options):
    """The phases and the edges of the first episode."""
    source, segmenter = opened(root, **options)
    skills = segment_all(source, segmenter).episodes[0].skills
    return tuple(skill.name.partition(":")[0] for skill in skills), [skill.start for skill in skills[1:]]


def check_pick(root, within=0.11, **options):
    names, edges = found(root, **options)
    assert names == PICK_PHASES
    assert edges == pytest.approx(PICK_EDGES, abs=within)


def test_a_pick_and_place_is_cut_where_its_phases_change(tmp_path):
    check_pick(dataset(tmp_path / "in"))


def test_names_hold_the_phase_and_the_episodes_own_task(tmp_path):
    source, segmenter = opened(dataset(tmp_path / "in", episode(task="a"), episode(task="b")))
    every = segment_all(source, segmenter).episodes
    assert every[0].skills[2].name == "grasp: a"
    assert every[1].skills[2].name == "grasp: b"


def test_the_same_data_give_the_same_spans(tmp_path):
    root = dataset(tmp_path / "in")
    assert segment_all(*opened(root)).episodes == segment_all(*opened(root)).episodes


@pytest.mark.parametrize("fps", [5, 30, 50])
def test_the_rate_of_frames_changes_no_phase(tmp_path, fps):
    check_pick(dataset(tmp_path / "in", episode(fps=fps), fps=fps, cameras=()), within=max(0.11, 1.01 / fps))


def test_the_state_alone_is_enough(tmp_path):
    check_pick(dataset(tmp_path / "in", episode(action=None)))


@pytest.mark.parametrize("action_names", [("dx", "dy", "dz", "gripper"), ("x", "y", "z", "gripper")])
def test_actions_that_are_speeds_are_understood_whatever_their_names(tmp_path, action_names):
    states, _ = vectors(PICK)
    speeds = [[*phase.direction, 0.0] for phase in PICK for _ in range(round(phase.seconds * FPS))]
    told = 1.0
    for row, phase in zip(speeds, [p for p in PICK for _ in range(round(p.seconds * FPS))], strict=True):
        told = told if phase.opening is None else phase.opening
        row[3] = 1.0 - 2 * told
    names = {"observation.state": ("x", "y", "z", "gripper.pos"), "action": action_names}
    check_pick(dataset(tmp_path / "in", episode(**{"observation.state": states, "action": speeds}), names=names))


def test_a_closed_gripper_may_have_high_values(tmp_path):
    states, actions = ([[*row[:3], 1.0 - row[3]] for row in rows] for rows in vectors(PICK))
    root = dataset(tmp_path / "in", episode(**{"observation.state": states, "action": actions}))
    check_pick(root, closed="high")


def test_a_command_alone_begins_open_and_its_fingers_take_a_second(tmp_path):
    phases = (Phase(1.5, ACROSS), Phase(2.5, UP, opening=0.0), Phase(1.5, ACROSS), Phase(2.0, DOWN, opening=1.0))
    states, _ = vectors(phases)
    commands = [[1.0] for phase in phases for _ in range(round(phase.seconds * FPS))]
    for i in range(15, 55):
        commands[i] = [0.0]
    columns = {"observation.state": [row[:3] for row in states], "action": commands}
    names = {"observation.state": ("x", "y", "z"), "action": ("gripper",)}
    told, edges = found(dataset(tmp_path / "in", episode(phases, **columns), names=names))
    assert told == ("approach", "grasp", "move", "move", "release", "retract")
    assert edges == pytest.approx([1.5, 2.5, 4.0, 5.5, 6.5], abs=0.11)


def test_a_gripper_that_opens_on_its_way_to_an_object_begins_no_span(tmp_path):
    opening = (Phase(1.0, ACROSS, opening=0.0), Phase(1.0, ACROSS, opening=1.0), *PICK[1:])
    states, actions = vectors(opening, opening=0.0)
    names, edges = found(dataset(tmp_path / "in", episode(opening, **{"observation.state": states, "action": actions})))
    assert names == PICK_PHASES
    assert edges[0] == pytest.approx(2.0, abs=0.11)


def test_the_gripper_can_be_named_where_its_name_tells_nothing(tmp_path):
    names = {"observation.state": ("m0", "m1", "m2", "m3"), "action": ("m0", "m1", "m2", "m3")}
    root = dataset(tmp_path / "in", names=names)
    check_pick(root, gripper=("observation.state[3]", "action[3]"))
    check_pick(root, gripper=("m3",))


def test_without_a_gripper_spans_are_cut_by_the_motion_and_each_is_a_move(tmp_path):
    source, segmenter = opened(dataset(tmp_path / "in", names={}))
    (note,) = segmenter.notes()
    assert "none found by name" in note
    listed = [f"{feature}[{position}]" for feature in ("observation.state", "action") for position in range(4)]
    assert note.endswith(f"There are: {', '.join(listed)}")
    assert {skill.name for skill in segment_all(source, segmenter).episodes[0].skills} == {f"move: {TASK}"}


def test_the_dimensions_that_were_taken_are_shown(tmp_path):
    _, segmenter = opened(dataset(tmp_path / "in"))
    assert list(segmenter.notes()) == ["gripper    observation.state[3] gripper.pos, action[3] gripper.pos"]
    assert segmenter.provenance() == {"gripper": ["observation.state[3] gripper.pos", "action[3] gripper.pos"]}


def test_a_long_pause_is_given_to_its_neighbours_or_kept_as_idle(tmp_path):
    root = dataset(tmp_path / "in", episode((Phase(2, ACROSS), Phase(2, STILL), Phase(2, UP))))
    assert found(root)[1] == pytest.approx([3.0], abs=0.11)
    source, segmenter = opened(root)
    idle = segment_all(source, segmenter, keep_idle=True).episodes[0].skills
    assert [skill.name for skill in idle] == [f"move: {TASK}", "idle", f"move: {TASK}"]
    assert [skill.start for skill in idle] == pytest.approx([0.0, 2.0, 4.0], abs=0.11)


def test_a_slow_turn_begins_a_span_only_where_it_lasts(tmp_path):
    root = dataset(tmp_path / "in", episode((Phase(3, ACROSS), Phase(0.6, UP), Phase(3, ACROSS))))
    assert len(found(root)[1]) == 2
    assert found(root, steady=3.0)[1] == []


def test_an_arm_that_never_moves_is_one_span(tmp_path):
    assert found(dataset(tmp_path / "in", episode((Phase(5, STILL),)))) == (("move",), [])


def test_an_episode_of_one_frame_is_one_span(tmp_path):
    assert found(dataset(tmp_path / "in", episode((Phase(0.1, UP),)))) == (("move",), [])


def test_an_episode_of_ten_minutes_is_cut_at_every_turn(tmp_path):
    long = episode(PICK * 91)
    assert long.length > 6000
    names, edges = found(dataset(tmp_path / "in", long, cameras=()))
    assert names.count("grasp") == names.count("release") == 91
    assert len(edges) == pytest.approx(91 * len(PICK), abs=5)


def test_change_points_are_to_be_had_for_other_segmenters(tmp_path):
    source, segmenter = opened(dataset(tmp_path / "in"))
    assert segmenter.change_points(read(source, segmenter)[0]) == pytest.approx(list(PICK_EDGES), abs=0.11)


def test_values_that_are_no_numbers_cost_their_episode_alone(tmp_path):
    states, _ = vectors(PICK)
    states[7][1] = float("nan")
    root = dataset(tmp_path / "in", episode(**{"observation.state": states}), episode())
    every = segment_all(*opened(root))
    assert list(every.episodes) == [1]
    assert "no vectors of 4 finite numbers" in every.failed[0].reason
    source, segmenter = opened(root)
    with pytest.raises(SampleError):
        segmenter.segment(read(source, segmenter)[0])


@pytest.mark.parametrize("cell", [[0.0, 0.0], ["a", "b", "c", "d"], {"x": 0.0}])
def test_cells_of_another_form_than_declared_cost_their_episode(tmp_path, cell):
    source, segmenter = opened(dataset(tmp_path / "in"))
    (recording,) = read(source, segmenter)
    column = pa.chunked_array([[cell] * len(recording.episode.timestamps)])
    with pytest.raises(SampleError, match=r"the column action (holds|has cells that are) no vectors"):
        segmenter.segment(replace(recording, columns={**recording.columns, "action": column}))


@pytest.mark.parametrize("shape", [None, [], "7", [0]])
def test_a_shape_that_is_none_is_refused(shape):
    with pytest.raises(InputError, match="the feature action has the shape"):
        dimensions("action", {"shape": shape})


def test_a_dataset_without_state_and_action_is_refused(tmp_path):
    root = dataset(tmp_path / "in", episode(action=None, **{"observation.state": None}))
    with pytest.raises(InputError, match=r"has neither observation\.state nor action; .*: .*timestamp, .*task_index\."):
        opened(root)


def test_every_option_is_in_the_page():
    page = (Path(__file__).parents[4] / "docs/segment.md").read_text(encoding="utf-8")
    assert [name for name in GripperOptions.model_fields if f"segmenter.{name}=" not in page] == []


def test_an_unknown_gripper_is_refused_with_those_there_are(tmp_path):
    with pytest.raises(ConfigError, match=r"no dimension 'action\[9\]'; there are: observation\.state\[0\] x, "):
        opened(dataset(tmp_path / "in"), gripper=("action[9]",))


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["shoulder.pos", "gripper.pos"], [1]),
        (["gripper.x", "gripper.y", "gripper.opening"], [2]),
        (["left_arm_0", "left_gripper", "right_arm_0", "right_gripper"], [1, 3]),
        (["x", "gripper_velocity", "gripper_position", "gripper_effort"], [2]),
        (["finger_joint1", "finger_joint2", "waist"], [0, 1]),
        ({"motors": ["main_shoulder_pan", "main_gripper"]}, [1]),
        (["motor_0", "motor_1"], []),
        (None, []),
    ],
)
def test_the_gripper_is_guessed_from_names(names, expected):
    size = len(names["motors"] if isinstance(names, dict) else names or [0])
    known = dimensions("action", {"shape": [size], "names": names})
    assert [dimension.position for dimension in guessed(known)] == expected


def test_names_that_do_not_fit_the_size_are_not_believed():
    assert dimensions("action", {"shape": [2], "names": ["gripper"]}) == [
        Dimension("action", 0),
        Dimension("action", 1),
    ]


@pytest.mark.parametrize(
    ("closing", "expected"),
    [
        ([0, 1, 0, -1, 0], "approach grasp move release retract"),
        ([-1, 1, 0, -1], "approach grasp move release"),
        ([0, 1, 0], "approach grasp move"),
        ([0, 1, -1, 1, -1], "approach grasp release grasp release"),
        (
            [0, 1, 0, -1, 0, 0, 1, -1, 0, 0],
            "approach grasp move release retract approach grasp release retract retract",
        ),
        ([0, 1, -1, 0, 1], "approach grasp release approach grasp"),
        ([0, 0.1, -0.1], "move move move"),
        ([], ""),
    ],
)
def test_phases_follow_from_what_the_gripper_does(closing, expected):
    assert phases([[change] for change in closing]) == expected.split()


def test_of_two_hands_one_may_hold_what_the_other_lets_go():
    assert phases([[1, 0], [0, 1], [-1, 0], [0, 0], [0, -1], [0, 0]]) == [
        "grasp",
        "grasp",
        "release",
        "move",
        "release",
        "retract",
    ]
