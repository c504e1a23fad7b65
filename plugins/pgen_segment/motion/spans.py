"""Divide an episode into spans by the motion of its arms: cuts of each arm, merged, and the phase of each piece."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from pgen_segment.motion.arm_motion import Hand, Motion
from pgen_segment.motion.change_points import change_points
from pgen_segment.motion.levels import ENOUGH, FINGERS
from pgen_segment.normalize import LONG_GAP, SHORTEST

GRASP, RELEASE = "grasp", "release"
APPROACH, MOVE, RETRACT = "approach", "move", "retract"
type Piece = tuple[int, int]
"""The first step of a piece, and the one after its last."""


@dataclass(frozen=True, slots=True)
class MotionSpan:
    """A piece of an episode between two changes of the motion, in seconds.

    `arm` has the arms that act in it, on a robot with several. `still` is a pause: nothing moves for a second or
    more. `failed` spans belong to a grasp that held nothing, from its closing to its opening.
    """

    phase: str
    start: float
    end: float
    arm: str = ""
    still: bool = False
    failed: bool = False


def pieces(motions: Sequence[Motion], steady: float) -> list[Piece]:
    """Return the pieces between the cuts of all arms; of two cuts closer than the shortest span, the first is kept."""
    times = motions[0].times
    kept: list[int] = []
    of_arms = [_cuts(motion, steady) for motion in motions]
    for cut in sorted({cut for cuts in of_arms for cut in cuts}):
        if len(of_arms) == 1 or not kept or times[cut] - times[kept[-1]] >= SHORTEST - 1e-3:
            kept.append(cut)
    return list(pairwise([0, *kept, len(motions[0].starts)]))


def spans(motions: Sequence[Motion], steady: float, failed: Sequence[Piece] = ()) -> list[MotionSpan]:
    """Return the spans of an episode in their order; `failed` are the steps of failed grasps."""
    cut = pieces(motions, steady)
    times = motions[0].times
    of_arms = [phases([[closing(hand, *piece) for hand in motion.hands] for piece in cut]) for motion in motions]
    # The phases of an arm that never grasps say nothing beside those of one that does.
    telling = [i for i, of_arm in enumerate(of_arms) if GRASP in of_arm] or list(range(len(motions)))
    return [
        MotionSpan(
            _joint_phase([of_arms[k][i] for k in telling], [motions[k].still(*piece) for k in telling]),
            float(times[piece[0]]),
            float(times[piece[1]]),
            " and ".join(motion.arm for motion in motions if motion.arm and not _rests(motion, piece)),
            all(_is_pause(motion, *piece) for motion in motions),
            any(_overlaps(piece, part) for part in failed),
        )
        for i, piece in enumerate(cut)
    ]


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


def closing(hand: Hand, start: int, stop: int) -> float:
    """Return the share of its range by which a gripper closes in a piece, with a command given at its start."""
    return float(hand.closed[stop - 1] - hand.closed[max(start - 1, 0)])


def _joint_phase(of_arms: Sequence[str], still: Sequence[bool]) -> str:
    """Return the phase of a piece from those of its arms: a grasp or release, else what a moving arm does."""
    moving = [phase for phase, rests in zip(of_arms, still, strict=True) if not rests]
    for phase in (GRASP, RELEASE):
        if phase in of_arms:
            return phase
    return next((phase for phase in (MOVE, APPROACH, RETRACT) if phase in moving), of_arms[0])


def _cuts(motion: Motion, steady: float) -> list[int]:
    # Of two pieces, each of length t, at a distance of 1, a cut between them saves t / 2 of squared error.
    penalty = steady / 2 / motion.step
    cuts = change_points(motion.signal, penalty, motion.times, SHORTEST, motion.turning)
    return sorted({*cuts, *_command_ends(motion, cuts)})


def _command_ends(motion: Motion, cuts: list[int]) -> Iterator[int]:
    """Yield the steps at which fingers with only a recorded command are in position, while the arm moves on."""
    for start, stop in pairwise([*cuts, len(motion.starts)]):
        changed = [hand for hand in motion.hands if abs(closing(hand, start, stop)) > ENOUGH]
        if not changed or any(hand.measured for hand in changed):
            continue
        settled = int(np.searchsorted(motion.times, motion.times[start] + FINGERS - 1e-3))
        continues = settled < stop and motion.times[stop] - motion.times[settled] >= SHORTEST
        if continues and not motion.still(settled, stop):
            yield settled


def _rests(motion: Motion, piece: Piece) -> bool:
    """Return whether neither the arm nor its grippers move."""
    return motion.still(*piece) and not any(abs(closing(hand, *piece)) > ENOUGH for hand in motion.hands)


def _is_pause(motion: Motion, start: int, stop: int) -> bool:
    """Return whether nothing happens for so long that it is a pause."""
    return bool(motion.times[stop] - motion.times[start] >= LONG_GAP) and _rests(motion, (start, stop))


def _overlaps(piece: Piece, other: Piece) -> bool:
    """Return whether most of a piece lies in another."""
    return 2 * (min(piece[1], other[1]) - max(piece[0], other[0])) > piece[1] - piece[0]
