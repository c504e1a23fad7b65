"""Name the phase of each piece of an episode by what its grippers do in it."""

from collections.abc import Sequence

GRASP, RELEASE = "grasp", "release"
APPROACH, MOVE, RETRACT = "approach", "move", "retract"
ENOUGH = 0.25
"""The share of its range by which a gripper must close or open in a grasp or release: fingers that close on an
object, or open to let it go, stop short of their full range."""


def phases(closing: Sequence[Sequence[float]]) -> list[str]:
    """Return a phase for each piece; `closing` has the share of its range by which each gripper closes in it.

    Opening is a release only of a gripper that has closed before: hands also open on their way to an object.
    Without any grasp every piece is a move.
    """
    events, holding = _events(closing)
    grasps = [i for i, event in enumerate(events) if event == GRASP]
    if not grasps:
        return [MOVE] * len(events)
    return [event or (MOVE if holding[i] else _without_object(i, events, grasps)) for i, event in enumerate(events)]


def _events(closing: Sequence[Sequence[float]]) -> tuple[list[str], list[bool]]:
    """Return the grasp or release of each piece, if any, and whether a gripper is closed after it."""
    events, holding = [], []
    closed: set[int] = set()
    for piece in closing:
        grasping = {hand for hand, change in enumerate(piece) if change > ENOUGH}
        opening = {hand for hand, change in enumerate(piece) if change < -ENOUGH} & closed
        closed = (closed - opening) | grasping
        events.append(GRASP if grasping else RELEASE if opening else "")
        holding.append(bool(closed))
    return events, holding


def _without_object(piece: int, events: Sequence[str], grasps: Sequence[int]) -> str:
    """Return the phase of an empty hand: it retracts from what it has released, then approaches the next object."""
    released = piece > 0 and events[piece - 1] == RELEASE
    return RETRACT if piece > grasps[-1] or (released and not events[piece + 1]) else APPROACH
