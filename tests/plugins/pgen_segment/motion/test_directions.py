"""Which values of a gripper mean closed."""

import numpy as np
import pytest

from pgen_segment.motion.arms import Robot
from pgen_segment.motion.columns import ACTION, STATE, Columns, Dimension
from pgen_segment.motion.directions import low_when_closed
from pgen_segment.motion.levels import opening

FPS = 10
OPEN, CLOSED = 1.0, 0.0
WIDTHS = (0.2, 0.5, 0.35, 0.6)
ALL_ALIKE = (0.3, 0.3, 0.3, 0.3)


def directions(*, widths=WIDTHS, inverted=False, opens=(OPEN,) * 4, name="gripper", closed="auto", command=True):
    """Return whether a closed gripper is low; it opens as far as `opens` and stops at objects of these widths."""
    measured = np.repeat([value for pair in zip(opens, widths, strict=True) for value in pair], 20)
    commanded = np.repeat([value for open_to in opens for value in (open_to, CLOSED)], 20)
    values = {STATE: 1 - measured if inverted else measured, ACTION: commanded}
    episodes = [{role: of[:, None] for role, of in values.items()}]
    if not command:
        del episodes[0][ACTION]
    columns = Columns({role: (Dimension(role, 0, name),) for role in episodes[0]})
    openings = {role: opening([episode[role] for episode in episodes], (0,)) for role in episodes[0]}
    return low_when_closed(Robot(columns, ()), openings, episodes, FPS, closed)


@pytest.mark.parametrize("opens", [(OPEN,) * 4, (0.8, 1.0, 0.7, 0.9)])
def test_objects_of_many_widths_show_the_closed_side(opens):
    assert directions(opens=opens) == {STATE: True, ACTION: True}
    assert directions(opens=opens, inverted=True) == {STATE: False, ACTION: True}


@pytest.mark.parametrize(
    "settings", [{"widths": ALL_ALIKE}, {"command": False}, {"widths": ALL_ALIKE, "inverted": True}]
)
def test_without_such_evidence_a_measured_gripper_is_low_when_closed(settings):
    assert directions(**settings)[STATE]


def test_a_name_and_the_option_decide_first():
    assert directions(name="gripper_closed") == {STATE: False, ACTION: False}
    assert directions(inverted=True, closed="low") == {STATE: True, ACTION: False}
    assert directions(closed="high") == {STATE: False, ACTION: False}
