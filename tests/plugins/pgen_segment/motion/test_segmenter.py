"""The segmenter `gripper`: cuts where the motion turns or the gripper changes, and names from the gripper."""

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
from pgen_segment.motion.segmenter import GripperOptions
from pgen_segment.motion.spans import phases
from pgen_segment.segmentation import segment_all

STATE = "observation.state"


def segment(root, **options):
    """Return the phases and the inner edges of the first episode."""
    skills = segment_all(*opened(root, **options)).episodes[0].skills
    return tuple(skill.name.partition(":")[0] for skill in skills), [skill.start for skill in skills[1:]]


def check_pick(root, within=0.11, **options):
    names, edges = segment(root, **options)
    assert names == PICK_PHASES
    assert edges == pytest.approx(PICK_EDGES, abs=within)


def per_frame(phases, values):
    return [value for phase, value in zip(phases, values, strict=True) for _ in range(round(phase.seconds * FPS))]


def test_a_pick_and_place_is_cut_where_its_phases_change(tmp_path):
    root = dataset(tmp_path / "in")
    check_pick(root)
    check_pick(dataset(tmp_path / "state", episode(action=None)))
    source, segmenter = opened(root)
    assert segment_all(source, segmenter).episodes == segment_all(*opened(root)).episodes
    assert segmenter.change_points(read(source, segmenter)[0]) == pytest.approx(list(PICK_EDGES), abs=0.11)
    grippers = ["observation.state[3] gripper.pos", "action[3] gripper.pos"]
    assert list(segmenter.notes()) == [f"gripper    {', '.join(grippers)}"]
    assert segmenter.provenance() == {"gripper": grippers}


def test_names_hold_the_phase_and_the_episode_s_own_task(tmp_path):
    episodes = segment_all(*opened(dataset(tmp_path / "in", episode(task="a"), episode(task="b")))).episodes
    assert [episodes[index].skills[2].name for index in (0, 1)] == ["grasp: a", "grasp: b"]


@pytest.mark.parametrize("fps", [5, 30, 50])
def test_the_rate_of_frames_changes_no_phase(tmp_path, fps):
    check_pick(dataset(tmp_path / "in", episode(fps=fps), fps=fps, cameras=()), within=max(0.11, 1.01 / fps))


@pytest.mark.parametrize("action_names", [("dx", "dy", "dz", "gripper"), ("x", "y", "z", "gripper")])
def test_actions_that_are_speeds_are_recognized_whatever_their_names(tmp_path, action_names):
    states, _ = vectors(PICK)
    commands = [-1.0, -1.0, 1.0, 1.0, 1.0, -1.0, -1.0]
    speeds = per_frame(PICK, [[*phase.direction, command] for phase, command in zip(PICK, commands, strict=True)])
    names = {STATE: ("x", "y", "z", "gripper.pos"), "action": action_names}
    check_pick(dataset(tmp_path / "in", episode(**{STATE: states, "action": speeds}), names=names))


def test_a_closed_gripper_may_have_high_values(tmp_path):
    states, actions = ([[*row[:3], 1.0 - row[3]] for row in rows] for rows in vectors(PICK))
    check_pick(dataset(tmp_path / "in", episode(**{STATE: states, "action": actions})), closed="high")


def test_a_command_alone_begins_open_and_its_fingers_take_a_second(tmp_path):
    phases = (Phase(1.5, ACROSS), Phase(2.5, UP, opening=0.0), Phase(1.5, ACROSS), Phase(2.0, DOWN, opening=1.0))
    states, _ = vectors(phases)
    columns = {STATE: [row[:3] for row in states], "action": per_frame(phases, [[1.0], [0.0], [0.0], [1.0]])}
    names = {STATE: ("x", "y", "z"), "action": ("gripper",)}
    phase_names, edges = segment(dataset(tmp_path / "in", episode(phases, **columns), names=names))
    assert phase_names == ("approach", "grasp", "move", "move", "release", "retract")
    assert edges == pytest.approx([1.5, 2.5, 4.0, 5.5, 6.5], abs=0.11)


def test_a_gripper_that_opens_on_its_way_to_an_object_begins_no_span(tmp_path):
    opening = (Phase(1.0, ACROSS, opening=0.0), Phase(1.0, ACROSS, opening=1.0), *PICK[1:])
    states, actions = vectors(opening, opening=0.0)
    names, edges = segment(dataset(tmp_path / "in", episode(opening, **{STATE: states, "action": actions})))
    assert names == PICK_PHASES
    assert edges[0] == pytest.approx(2.0, abs=0.11)


def test_the_gripper_can_be_listed_where_its_name_is_no_gripper_s(tmp_path):
    names = dict.fromkeys((STATE, "action"), ("m0", "m1", "m2", "m3"))
    root = dataset(tmp_path / "in", names=names)
    check_pick(root, gripper=(f"{STATE}[3]", "action[3]"))
    check_pick(root, gripper=("m3",))
    with pytest.raises(ConfigError, match=r"no dimension 'action\[9\]'; there are: observation\.state\[0\] m0, "):
        opened(root, gripper=("action[9]",))


def test_a_gripper_without_a_name_is_the_dimension_that_moves_between_two_levels(tmp_path):
    root = dataset(tmp_path / "in", names={})
    check_pick(root)
    _, segmenter = opened(root)
    assert list(segmenter.notes()) == [
        f"gripper    {STATE}[3], action[3]",
        f"gripper    {STATE}[3] moves between 0 and 1, and is near one of them 94% of the time",
        "gripper    action[3] moves between 0 and 1, and is near one of them 94% of the time",
    ]


def test_without_a_gripper_spans_are_cut_by_the_motion_and_each_is_a_move(tmp_path):
    states, actions = ([row[:3] for row in rows] for rows in vectors(PICK))
    root = dataset(tmp_path / "in", episode(**{STATE: states, "action": actions}), names={})
    source, segmenter = opened(root)
    (note,) = segmenter.notes()
    assert "none found by name or motion" in note
    listed = [f"{feature}[{position}]" for feature in (STATE, "action") for position in range(3)]
    assert note.endswith(f"There are: {', '.join(listed)}")
    assert {skill.name for skill in segment_all(source, segmenter).episodes[0].skills} == {f"move: {TASK}"}


def test_a_long_pause_is_given_to_its_neighbours_or_kept_as_idle(tmp_path):
    root = dataset(tmp_path / "in", episode((Phase(2, ACROSS), Phase(2, STILL), Phase(2, UP))))
    assert segment(root)[1] == pytest.approx([3.0], abs=0.11)
    skills = segment_all(*opened(root), keep_idle=True).episodes[0].skills
    assert [skill.name for skill in skills] == [f"move: {TASK}", "idle", f"move: {TASK}"]
    assert [skill.start for skill in skills] == pytest.approx([0.0, 2.0, 4.0], abs=0.11)


def test_a_slow_turn_begins_a_span_only_where_it_lasts(tmp_path):
    root = dataset(tmp_path / "in", episode((Phase(3, ACROSS), Phase(0.6, UP), Phase(3, ACROSS))))
    assert len(segment(root)[1]) == 2
    assert segment(root, steady=3.0)[1] == []


@pytest.mark.parametrize("phase", [Phase(5, STILL), Phase(0.1, UP)], ids=["no motion", "one frame"])
def test_an_episode_without_a_change_is_one_span(tmp_path, phase):
    assert segment(dataset(tmp_path / "in", episode((phase,)))) == (("move",), [])


def test_an_episode_of_ten_minutes_is_cut_at_every_turn(tmp_path):
    long = episode(PICK * 91)
    assert long.length > 6000
    names, edges = segment(dataset(tmp_path / "in", long, cameras=()))
    assert names.count("grasp") == names.count("release") == 91
    assert len(edges) == pytest.approx(91 * len(PICK), abs=5)


def test_values_that_are_not_finite_cost_their_episode_alone(tmp_path):
    states, _ = vectors(PICK)
    states[7][1] = float("nan")
    segmentation = segment_all(*opened(dataset(tmp_path / "in", episode(**{STATE: states}), episode())))
    assert list(segmentation.episodes) == [1]
    assert "no vectors of 4 finite numbers" in segmentation.failed[0].reason


@pytest.mark.parametrize("cell", [[0.0, 0.0], ["a", "b", "c", "d"], {"x": 0.0}])
def test_cells_of_another_form_than_declared_cost_their_episode(tmp_path, cell):
    source, segmenter = opened(dataset(tmp_path / "in"))
    (recording,) = read(source, segmenter)
    column = pa.chunked_array([[cell] * len(recording.episode.timestamps)])
    with pytest.raises(SampleError, match=r"the column action (holds|has cells that are) no vectors"):
        segmenter.segment(replace(recording, columns={**recording.columns, "action": column}))


def test_a_dataset_without_state_and_action_is_refused(tmp_path):
    root = dataset(tmp_path / "in", episode(action=None, **{STATE: None}))
    with pytest.raises(
        InputError, match=r"no column .*, such as observation\.state or action; .*: .*timestamp, .*task_index\."
    ):
        opened(root)


def test_every_option_is_in_the_docs():
    page = (Path(__file__).parents[4] / "docs/segment.md").read_text(encoding="utf-8")
    assert [name for name in GripperOptions.model_fields if f"segmenter.{name}=" not in page] == []


@pytest.mark.parametrize(
    ("closing", "expected"),
    [
        ([0, 1, 0, -1, 0], "approach grasp move release retract"),
        ([-1, 1, 0, -1], "approach grasp move release"),
        ([0, 1, 0], "approach grasp move"),
        ([0, 1, -1, 1, -1], "approach grasp release grasp release"),
        ([0, 1, 0, -1, 0, 0, 1, -1, 0], "approach grasp move release retract approach grasp release retract"),
        ([0, 1, -1, 0, 1], "approach grasp release approach grasp"),
        ([0, 0.1, -0.1], "move move move"),
        ([], ""),
        ([[1, 0], [0, 1], [-1, 0], [0, 0], [0, -1], [0, 0]], "grasp grasp release move release retract"),
    ],
)
def test_phases_follow_from_the_grippers(closing, expected):
    assert phases([change if isinstance(change, list) else [change] for change in closing]) == expected.split()
