"""The simulated groceries and blocks are valid datasets whose images show what their plans say."""

import sys
from itertools import groupby
from pathlib import Path

import numpy as np
import pytest

TOP = Path(__file__).parents[2]
sys.path.insert(0, str(TOP / "benchmarks"))

from common.groceries import BIN_OF, GROCERIES, grocery_plans, stack_plans, write_groceries, write_stack  # noqa: E402
from pgen.labels import frame_ranges  # noqa: E402
from pgen_lerobot.read import LeRobotSource  # noqa: E402
from pgen_lerobot.read.video import VideoFile, pixels  # noqa: E402
from pgen_lerobot.verify import verify  # noqa: E402

FRONT = "observation.images.front"


@pytest.fixture(scope="module")
def groceries(tmp_path_factory):
    return write_groceries(tmp_path_factory.mktemp("made") / "groceries", 3, retry=(1,), wrong_scene=(2,))


def source_of(root):
    source = LeRobotSource(root=root)
    source.open()
    return source


def picture(root, row, camera=FRONT):
    with VideoFile(root / "videos" / camera / "chunk-000/file-000.mp4") as video:
        frame = video.frame(0.0, row)
        return np.array(pixels(frame, frame.width, frame.height)).astype(int)


def first_rows(episodes):
    """Return the row of each episode's first frame, as the videos of all episodes are one file."""
    lengths = [len(episode.timestamps) for episode in episodes]
    return [sum(lengths[:index]) for index in range(len(lengths))]


def reddish(image):
    """Return the number of pixels with the can's colour."""
    return int(((image[..., 0] > 120) & (image[..., 1] < 70) & (image[..., 2] < 80)).sum())


def test_an_episode_has_33_motor_level_spans_in_the_demonstrated_order(groceries):
    plan, episode = grocery_plans(3)[0], next(source_of(groceries).episodes())
    names = [skill.name for skill in episode.skills]
    assert len(names) == 33
    assert [name.removeprefix("move above the ") for name in names[::8]] == [*plan.order, "move home"]
    for position, name in enumerate(plan.order):
        bin = BIN_OF[name]
        assert names[8 * position : 8 * position + 8] == [
            f"move above the {name}",
            f"lower the gripper around the {name}",
            f"close the gripper on the {name}",
            f"lift the {name}",
            f"carry the {name} to the {bin} bin",
            f"lower the {name} into the {bin} bin",
            "open the gripper",
            "retreat upwards",
        ]
    assert all(frame_ranges(episode))
    assert episode.task.startswith(f"sort the groceries: put the {plan.order[0]}, ")


def test_the_written_dataset_is_without_notes(groceries):
    source = source_of(groceries)
    assert len(list(source.episodes())) == 3
    assert source.notes() == {}


def test_a_failed_grasp_is_labelled_again_and_leaves_the_object_on_the_table(groceries):
    plan = grocery_plans(3, retry=(1,))[1]
    episodes = list(source_of(groceries).episodes())
    names = [skill.name for skill in episodes[1].skills]
    grasp = [f"lower the gripper around the {plan.retried}", f"close the gripper on the {plan.retried}"]
    grasp.append(f"lift the {plan.retried}")
    start = names.index(grasp[0])
    assert len(names) == 36
    assert names[start : start + 6] == grasp * 2
    spans = frame_ranges(episodes[1])
    row = first_rows(episodes)[1]
    failed, lifted = (picture(groceries, row + spans[start + place].stop - 1) for place in (2, 5))
    before = picture(groceries, row + spans[start - 1].stop - 1)
    # After the failed lift the gripper is again above the object, which stands where it stood.
    assert np.abs(failed - before).mean() < np.abs(lifted - before).mean()


def test_a_wrong_scene_has_the_same_labels_without_the_object_in_the_images(tmp_path, groceries):
    right = write_groceries(tmp_path / "right", 3, retry=(1,))
    plan = grocery_plans(3, wrong_scene=(2,))[2]
    assert plan.absent in plan.order
    assert (right / "meta/skills.json").read_bytes() == (groceries / "meta/skills.json").read_bytes()
    episodes = list(source_of(right).episodes())
    row = first_rows(episodes)[2]
    difference = np.abs(picture(right, row) - picture(groceries, row)).max(axis=-1)
    assert 20 < (difference > 40).sum() < 600


def test_the_same_arguments_give_the_same_bytes(tmp_path):
    for folder in "ab":
        write_stack(tmp_path / folder, 2, seed=3)
    files = [
        sorted(path.relative_to(tmp_path / f) for path in (tmp_path / f).rglob("*") if path.is_file()) for f in "ab"
    ]
    assert files[0] == files[1]
    assert all((tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes() for name in files[0])


def test_each_object_is_the_first_of_equally_many_episodes():
    firsts = sorted(plan.order[0] for plan in grocery_plans(12))
    assert [len(list(group)) for _, group in groupby(firsts)] == [3] * len(GROCERIES)
    assert len({plan.order for plan in grocery_plans(12)}) == 12


def test_a_partial_episode_leaves_one_object_on_the_table(tmp_path):
    plan, whole = grocery_plans(1, partial=(0,))[0], grocery_plans(1)[0]
    episode = next(source_of(write_groceries(tmp_path / "three", 1, retry=(), partial=(0,))).episodes())
    assert len(episode.skills) == 25
    assert plan.order == whole.order[:-1]
    assert plan.places == whole.places
    left = whole.order[-1]
    assert left not in episode.task
    assert not any(left in skill.name for skill in episode.skills)


def test_a_stack_has_skill_level_spans_and_two_blocks_that_are_never_touched(tmp_path):
    plan, episode = stack_plans(1)[0], next(source_of(write_stack(tmp_path / "stack", 1)).episodes())
    first, second, third = plan.order
    assert [skill.name for skill in episode.skills] == [
        f"pick up the {first}",
        "place it on the plate",
        f"pick up the {second}",
        f"place it on the {first}",
        f"pick up the {third}",
        f"place it on the {second}",
    ]
    assert len(set(plan.places) - set(plan.order)) == 2


def test_the_can_is_in_the_images_until_the_end(groceries):
    episodes = list(source_of(groceries).episodes())
    rows = [*first_rows(episodes), sum(len(episode.timestamps) for episode in episodes)]
    shown = [reddish(picture(groceries, row)) > 20 for row in (rows[0], rows[1] - 1, rows[1], rows[2] - 1)]
    assert shown == [True] * 4


def test_an_annotated_dataset_of_groceries_passes_verification(tmp_path, groceries):
    from pgen import annotate

    annotate(groceries, tmp_path / "out", generator="template")
    assert verify(tmp_path / "out").ok
