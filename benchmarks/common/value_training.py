"""The rows on which a policy is trained: frames of the training episodes, a prompt held at each, and the next skill."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from random import Random

from common.value_draws import Draws, Row
from common.value_run import Frame, Run

EPOCHS = 4
"""Passes over the frames, each with other draws."""
HELD_OUT = 3
"""Every third episode is held out for the tests."""
TASKS, SHUFFLED, FORMER, EXCHANGES, OTHERS, BOUND = (
    "task names",
    "shuffled",
    "one line per second",
    "exchanges",
    "with counterfactuals",
    "the test prompts",
)


def is_held_out(run: Run, episode: int) -> bool:
    """Return whether an episode is for the tests: every third, or the last of fewer than three."""
    position = sorted(run.spans).index(episode)
    return position % HELD_OUT == min(HELD_OUT, len(run.spans)) - 1


def of_tasks(run: Run) -> list[Row]:
    """Return rows with the episode's task as the prompt, without any dialogue."""
    return [Row(*frame.place, run.tasks[frame.episode]) for frame in _training(run)]


def drawn(run: Run, draws: Draws, share: float, seed: str) -> list[Row]:
    """Return the rows of several epochs, the share of them counterfactual."""
    places = [frame.place for frame in _training(run)]
    return [row for epoch in range(EPOCHS) for row in draws.epoch(places, share, f"{seed} {epoch}")]


def shuffled(rows: Sequence[Row], seed: str) -> list[Row]:
    """Return the rows with the prompts of other rows, as a control."""
    prompts = [row.user_prompt for row in rows]
    Random(seed).shuffle(prompts)
    return [replace(row, user_prompt=prompt) for row, prompt in zip(rows, prompts, strict=True)]


def placed(run: Run, prompts: Mapping[str, Sequence[str]]) -> Draws:
    """Return draws among the prompts for each frame's skill; its task where there are none."""
    skills = {frame.place: frame.skill for frame in run.frames}

    def in_force(episode: int, frame: int) -> list[tuple[str, str]]:
        listed = [("step", prompt) for prompt in prompts.get(skills[episode, frame], ())]
        return listed or [("", run.tasks[episode])]

    return Draws(in_force)


def conditions(
    run: Run, share: float, seed: int, known: Mapping[str, Sequence[str]]
) -> Iterator[tuple[str, list[Row]]]:
    """Yield the name and the training rows of the run and of each baseline; `known` are test prompts by skill."""
    yield TASKS, of_tasks(run)
    rows = drawn(run, run.draws, 0.0, f"exchanges {seed}")
    yield SHUFFLED, shuffled(rows, f"shuffled {seed}")
    if run.former:
        yield FORMER, drawn(run, run.former, 0.0, f"former {seed}")
    yield EXCHANGES, rows
    if share and run.draws.counterfactuals:
        yield OTHERS, drawn(run, run.draws, share, f"others {seed}")
    if known:
        yield BOUND, drawn(run, placed(run, known), 0.0, f"bound {seed}")


def _training(run: Run) -> list[Frame]:
    held_out: Callable[[int], bool] = {episode: is_held_out(run, episode) for episode in run.spans}.__getitem__
    return [frame for frame in run.frames if not held_out(frame.episode)]
