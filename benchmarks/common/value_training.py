"""The rows on which a policy is trained: frames of the training episodes, a prompt held at each, and the next skill."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from random import Random

from common.value_run import Exchange, Run

WAIT = "wait"
"""The class of prompts that lead to no skill."""
DRAWS = 3
"""Rows per frame: as many draws among the exchanges in force."""
WEIGHTS = {"step": 4.0, "phase": 3.0, "episode": 2.0, "standing": 1.0}
HELD_OUT = 3
"""Every third episode is held out for the tests."""


@dataclass(frozen=True, slots=True)
class Row:
    """A frame (its position in the run's frames), the prompt held at it, and the skill that follows."""

    frame: int
    user_prompt: str
    skill: str


def is_held_out(run: Run, episode: int) -> bool:
    """Return whether an episode is for the tests: every third, or the last of fewer than three."""
    position = sorted(run.spans).index(episode)
    return position % HELD_OUT == min(HELD_OUT, len(run.spans)) - 1


def of_tasks(run: Run) -> list[Row]:
    """Return rows with the episode's task as the prompt, without any dialogue."""
    return [Row(position, run.tasks[run.frames[position].episode], skill) for position, skill in _frames(run)]


def of_exchanges(run: Run, rng: Random) -> list[Row]:
    """Return rows with exchanges in force: a scope drawn by the weights, then one of its latest wordings."""
    return list(_drawn(run, run.exchanges, rng))


def of_shuffled(run: Run, rng: Random) -> list[Row]:
    """Return the same rows with the prompts of other exchanges, as a control."""
    prompts = [exchange.user_prompt for exchange in run.exchanges]
    rng.shuffle(prompts)
    shuffled = [replace(exchange, user_prompt=text) for exchange, text in zip(run.exchanges, prompts, strict=True)]
    return list(_drawn(run, shuffled, rng))


def of_steps(run: Run, rng: Random) -> list[Row]:
    """Return rows of the former form: one line per moment, which leads to the current skill."""
    return list(_drawn(run, [e for e in run.exchanges if e.scope == "step" and e.variant == 0], rng))


def of_counterfactuals(run: Run, rng: Random, share: float, rows: int) -> list[Row]:
    """Return rows outside the demonstration, so many that they are the share of all."""
    positions = {(frame.episode, frame.number): position for position, frame in enumerate(run.frames)}
    listed = [
        Row(positions[each.episode, each.frame], each.user_prompt, each.skill or WAIT)
        for each in run.counterfactuals
        if not is_held_out(run, each.episode)
    ]
    count = round(rows * share / (1 - share))
    return [rng.choice(listed) for _ in range(count)] if listed else []


def conditions(run: Run, share: float, seed: int) -> Iterator[tuple[str, list[Row]]]:
    """Yield the name and the training rows of the run and of each baseline."""
    yield "task names", of_tasks(run)
    yield "shuffled", of_shuffled(run, Random(f"shuffled {seed}"))
    if _has_scopes(run):
        yield "one line per moment", of_steps(run, Random(f"steps {seed}"))
    rows = of_exchanges(run, Random(f"exchanges {seed}"))
    yield "exchanges" if _has_scopes(run) else "one line per moment", rows
    if run.counterfactuals:
        yield "with counterfactuals", rows + of_counterfactuals(run, Random(f"others {seed}"), share, len(rows))


def _has_scopes(run: Run) -> bool:
    return any(exchange.scope != "step" for exchange in run.exchanges)


def _frames(run: Run) -> Iterator[tuple[int, str]]:
    for position, frame in enumerate(run.frames):
        if not is_held_out(run, frame.episode):
            yield position, frame.skill


def _drawn(run: Run, exchanges: Sequence[Exchange], rng: Random) -> Iterator[Row]:
    in_force = _finder(exchanges)
    for position, skill in _frames(run):
        frame = run.frames[position]
        by_scope = in_force(frame.episode, frame.number)
        scopes = list(by_scope)
        for _ in range(DRAWS if scopes else 0):
            scope = rng.choices(scopes, [WEIGHTS[scope] for scope in scopes])[0]
            start = max(exchange.start for exchange in by_scope[scope])
            latest = [exchange.user_prompt for exchange in by_scope[scope] if exchange.start == start]
            yield Row(position, rng.choice(latest), skill)


def _finder(exchanges: Sequence[Exchange]) -> Callable[[int, int], dict[str, list[Exchange]]]:
    """Return a function from an episode and a frame to the exchanges in force, by scope."""
    by_episode: dict[int, list[Exchange]] = defaultdict(list)
    for exchange in exchanges:
        by_episode[exchange.episode].append(exchange)

    def in_force(episode: int, number: int) -> dict[str, list[Exchange]]:
        by_scope: dict[str, list[Exchange]] = {}
        for exchange in by_episode[episode]:
            if exchange.start <= number < exchange.stop:
                by_scope.setdefault(exchange.scope, []).append(exchange)
        return by_scope

    return in_force
