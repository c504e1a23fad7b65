"""Draws of training rows from a run's dialogue: at each access, one of the exchanges in force at a frame.

`draws_of(root)` draws through `LeRobotDialogueDataset`; where lerobot is not installed, through `pgen.open`, with the
same rules and the same random numbers, so that the rows are the same.
"""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pgen
from pgen.labels import DEFAULT_WEIGHTS, Labelling
from pgen_lerobot.format import COLUMN, COUNTERFACTUALS, read_counterfactuals
from pgen_lerobot.read.recorded import read_manifest

WAIT = "wait"
"""The class of prompts that lead to no skill."""

type Place = tuple[int, int]
"""An episode and a frame, by its position in the episode."""
type InForce = Callable[[int, int], list[tuple[str, str]]]
"""Returns the scope and the user prompt of each exchange in force at a frame; where there is none, "" and the label."""


@dataclass(frozen=True, slots=True)
class Row:
    """A frame of an episode, the prompt held at it, and the skill that follows; None is the frame's own."""

    episode: int
    frame: int
    user_prompt: str
    skill: str | None = None

    @property
    def place(self) -> Place:
        return self.episode, self.frame


class Draws:
    """Draws among the exchanges in force by the weights of their scopes, and mixes in a share of counterfactuals."""

    def __init__(
        self,
        in_force: InForce,
        counterfactuals: Sequence[Row] = (),
        weights: Mapping[Any, float] = DEFAULT_WEIGHTS,
    ) -> None:
        self._in_force, self.counterfactuals, self._weights = in_force, list(counterfactuals), weights

    def epoch(self, places: Sequence[Place], share: float, seed: str) -> list[Row]:
        """Return one row per place; in the share of them, a counterfactual row of their episodes instead."""
        episodes = {episode for episode, _ in places}
        others = [row for row in self.counterfactuals if row.episode in episodes]
        with _seeded(seed):
            return [self._row(place, others, share if others else 0.0) for place in places]

    def _row(self, place: Place, others: Sequence[Row], share: float) -> Row:
        if share and random.random() < share:
            return random.choice(others)
        by_scope: dict[str, list[str]] = {}
        for scope, prompt in self._in_force(*place):
            by_scope.setdefault(scope, []).append(prompt)
        if "" in by_scope:
            return Row(*place, by_scope[""][0])
        weights = [self._weights.get(scope, 0.0) for scope in by_scope]
        weights = weights if any(weights) else [1.0] * len(weights)
        (prompts,) = random.choices(list(by_scope.values()), weights)
        return Row(*place, random.choice(prompts))


class TorchDraws(Draws):
    """Draws items of `LeRobotDialogueDataset`."""

    def __init__(self, root: Path, counterfactuals: Sequence[Row]) -> None:
        super().__init__(lambda *_: [], counterfactuals)
        self._root, self._weights = root, _weights(root)
        self._items: dict[Any, Any] = {}

    def epoch(self, places: Sequence[Place], share: float, seed: str) -> list[Row]:
        episodes = sorted({episode for episode, _ in places})
        share = share if any(row.episode in episodes for row in self.counterfactuals) else 0.0
        key = (tuple(episodes), share)
        if key not in self._items:
            self._items[key] = self._dataset(episodes, share)
        dataset, index = self._items[key]
        with _seeded(seed):
            return [_row(dataset[index[place]]) for place in places]

    def _dataset(self, episodes: Sequence[int], share: float) -> tuple[Any, dict[Place, int]]:
        """Return the dataset and the index of each place, without the videos: the policy has thumbnails of them."""
        dataset = pgen.LeRobotDialogueDataset(
            "local/run",
            root=self._root,
            draw=True,
            scopes=self._weights,
            counterfactuals=share,
            episodes=list(episodes),
            video_backend="pyav",
        )
        names = ["episode_index", "frame_index", "task_index", COLUMN]
        columns = dataset.dataset.hf_dataset.with_format(None).select_columns(names)[:]
        items = [dict(zip(names, values, strict=True)) for values in zip(*map(columns.get, names), strict=True)]
        dataset.dataset = items
        return dataset, {(item["episode_index"], item["frame_index"]): n for n, item in enumerate(items)}


def draws_of(root: Path, torch: bool = True) -> Draws:
    """Return the draws of a run, through torch if lerobot is installed."""
    listed = list(_counterfactuals(root / COUNTERFACTUALS))
    if torch and _has_lerobot():
        return TorchDraws(root, listed)
    dialogues = pgen.open(root)

    def in_force(episode: int, frame: int) -> list[tuple[str, str]]:
        made = [(it.scope or "step", it.user_prompt) for it in dialogues.in_force(episode, frame)]
        return made or [("", dialogues.at(episode, frame).user_prompt)]

    return Draws(in_force, listed, _weights(root))


def _has_lerobot() -> bool:
    try:
        from lerobot.datasets import lerobot_dataset
    except ImportError:
        return False
    return bool(lerobot_dataset)


def _weights(root: Path) -> Mapping[Any, float]:
    return Labelling.of_run(read_manifest(root).get("run", {})).scopes


def _counterfactuals(path: Path) -> Iterator[Row]:
    for made in read_counterfactuals(path):
        assert made.dialogue is not None
        place = made.sample.span.episode_index, made.sample.moment.frame_index
        yield Row(*place, made.dialogue.user_prompt, made.sample.question.target or WAIT)


def _row(item: Mapping[str, Any]) -> Row:
    place = int(item["episode_index"]), int(item["frame_index"])
    elsewhere = item["scope"] == "counterfactual"
    return Row(*place, item["user_prompt"], (item["skill"] or WAIT) if elsewhere else None)


@contextmanager
def _seeded(seed: str) -> Iterator[None]:
    """Seed Python's random numbers, and restore them."""
    state = random.getstate()
    random.seed(seed)
    try:
        yield
    finally:
        random.setstate(state)
