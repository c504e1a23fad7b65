"""The phase of each piece of an episode, told from what its grippers do in it."""

from collections.abc import Sequence

GRASP, RELEASE = "grasp", "release"
APPROACH, MOVE, RETRACT = "approach", "move", "retract"
ENOUGH = 0.25
"""The share of its range by which a gripper closes or opens in a piece that is named for it: fingers that
close on an object, or open to let it go, stop short of their full way."""


def phases(closing: Sequence[Sequence[float]]) -> list[str]:
    """A phase for each piece; `closing` has, for each, by how much of its range each gripper closes.

    Opening is a release only of a gripper that has closed before: hands open on their way to an object, too.
    Without any grasp there is nothing to tell pieces apart by, and each is a move.
    """
    events, held = _events(closing)
    grasps = [i for i, event in enumerate(events) if event == GRASP]
    if not grasps:
        return [MOVE] * len(events)
    return [
        event or (MOVE if holding else _empty(i, events, grasps))
        for i, (event, holding) in enumerate(zip(events, held, strict=True))
    ]


def _events(closing: Sequence[Sequence[float]]) -> tuple[list[str], list[bool]]:
    """What the grippers do in each piece, if anything; and whether one is closed after it."""
    events, held = [], []
    closed: set[int] = set()
    for piece in closing:
        grasping = {hand for hand, change in enumerate(piece) if change > ENOUGH}
        opening = {hand for hand, change in enumerate(piece) if change < -ENOUGH} & closed
        closed = (closed - opening) | grasping
        events.append(GRASP if grasping else RELEASE if opening else "")
        held.append(bool(closed))
    return events, held


def _empty(piece: int, events: Sequence[str], grasps: Sequence[int]) -> str:
    """An empty hand withdraws from what it has released, then approaches what it grasps next."""
    released = piece > 0 and events[piece - 1] == RELEASE
    if piece > grasps[-1]:
        return RETRACT
    return RETRACT if released and not events[piece + 1] else APPROACH
