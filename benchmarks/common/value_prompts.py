"""Test prompts, and the frames of held-out episodes at which each is held, with the skills that would be right.

A decision point is the first frame of a span at which the robot turns to another object: a span with the wording of
the skills of the prompts of the set `choice`, up to their object. The options at it are its own skill and those of
the later decision points of the episode.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from common.value_draws import WAIT
from common.value_run import Frame, Run
from common.value_training import is_held_out
from pgen.errors import InputError
from pgen.safety.bounded_json import json_lines

SETS = ("step", "choice", "steer", "stop", "whole", "standing")
FOLDER = Path(__file__).resolve().parents[1] / "value"
LATER = 3
"""A standing constraint is tested this many skills after the start, and later."""
STRIDE = 4
"""Of the frames at which a prompt may be held for long, each fourth is tested."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """A test prompt: its set, the skill that it leads to, the objects it orders first, and the one it excludes."""

    dataset: str
    set: str
    user_prompt: str
    skill: str | None = None
    order: tuple[str, ...] = ()
    excludes: str | None = None


@dataclass(frozen=True, slots=True)
class Placement:
    """A frame (its position in the run's frames), and the skills that are right there.

    The policy chooses among `options`, or where there are none, among all classes.
    """

    frame: int
    right: frozenset[str]
    options: tuple[str, ...] = ()


def read_prompts(files: Iterable[Path]) -> list[Prompt]:
    """Read prompts from lines of JSON. Raises InputError."""
    return [_prompt(line, f"{path}, line {number}") for path in files for number, line in json_lines(path)]


def _prompt(line: object, where: str) -> Prompt:
    """Return the prompt of a line; a set without a rule of its own is tested as `step` is."""
    texts = [line.get(key) for key in ("dataset", "set", "user_prompt")] if isinstance(line, dict) else []
    if not isinstance(line, dict) or not all(isinstance(text, str) for text in texts):
        raise InputError(f"{where} needs `dataset`, `set` and `user_prompt`.")
    skill, excludes, order = line.get("skill"), line.get("excludes"), tuple(map(str, line.get("order") or ()))
    if not skill and not excludes and line["set"] not in ("whole", "stop"):
        raise InputError(f"{where}: a prompt of the set {line['set']} needs `skill` or `excludes`.")
    return Prompt(line["dataset"], line["set"], line["user_prompt"], skill, order, excludes)


class Placements:
    """The tests of a run: `of(prompt)` returns where a prompt is held, and what would be right."""

    def __init__(self, run: Run, prompts: Sequence[Prompt]) -> None:
        self._run = run
        kinds = {_kind(prompt.skill) for prompt in prompts if prompt.set in ("choice", "steer") and prompt.skill}
        self._held_out = [(i, frame) for i, frame in enumerate(run.frames) if is_held_out(run, frame.episode)]
        self._decisions = {
            episode: [span for span, skill in enumerate(skills) if _kind(skill) in kinds]
            for episode, skills in run.spans.items()
        }

    def of(self, prompt: Prompt) -> list[Placement]:
        by_set = {
            "step": self._step,
            "choice": self._choice,
            "steer": self._steer,
            "stop": self._stop,
            "whole": self._whole,
            "standing": self._standing,
        }
        return list(by_set.get(prompt.set, self._step)(prompt))

    def _step(self, prompt: Prompt) -> Iterator[Placement]:
        """At the frames of the spans with the skill; at all if there is to be none."""
        for position, frame in self._held_out:
            if frame.skill == prompt.skill or prompt.skill == WAIT:
                yield _placement(position, prompt.skill)

    def _choice(self, prompt: Prompt) -> Iterator[Placement]:
        """At decision points that have the skill among their options, whichever is demonstrated."""
        for position, frame in self._held_out:
            options = self._options(frame)
            if frame.first and prompt.skill in options and len(options) > 1:
                yield _placement(position, prompt.skill, options)

    def _steer(self, prompt: Prompt) -> Iterator[Placement]:
        """While the robot turns to another object than the one that the user would rather have."""
        for position, frame in self._held_out:
            options = self._options(frame)
            if not frame.first and prompt.skill in options and prompt.skill != frame.skill:
                yield _placement(position, prompt.skill, options)

    def _stop(self, prompt: Prompt) -> Iterator[Placement]:
        for position, _ in self._held_out[::STRIDE]:
            yield _placement(position, WAIT)

    def _whole(self, prompt: Prompt) -> Iterator[Placement]:
        """At every frame, until the demonstration departs from the order that the user names.

        Without an order, or after it, any option is right at a decision point.
        """
        departed: set[int] = set()
        for number, (position, frame) in enumerate(self._held_out):
            options = self._options(frame)
            named = [skill for name in prompt.order for skill in options if name in skill]
            if named and frame.skill != named[0]:
                departed.add(frame.episode)
            if frame.episode not in departed and ((frame.first and options) or number % STRIDE == 0):
                yield Placement(
                    position, frozenset(options if frame.first and options and not named else [frame.skill])
                )

    def _standing(self, prompt: Prompt) -> Iterator[Placement]:
        """At decision points some skills after the start, with the excluded object and others as options.

        A prompt that names the skill instead of what it excludes leaves that alone.
        """
        for position, frame in self._held_out:
            options = self._options(frame) if frame.first and frame.span >= LATER else []
            excluded = {skill for skill in options if prompt.excludes and prompt.excludes in skill}
            if prompt.skill:
                excluded = set(options) - {prompt.skill}
            allowed = frozenset(options) - excluded
            if allowed and excluded:
                yield Placement(position, allowed, tuple(options))

    def _options(self, frame: Frame) -> list[str]:
        """Return the options of a decision point, its own skill first; none at other spans."""
        decisions = self._decisions[frame.episode]
        if frame.span not in decisions:
            return []
        skills = self._run.spans[frame.episode]
        return list(dict.fromkeys(skills[span] for span in decisions if span >= frame.span))


def _placement(position: int, skill: str | None, options: Sequence[str] = ()) -> Placement:
    return Placement(position, frozenset([skill] if skill else ()), tuple(options))


def _kind(skill: str) -> str:
    """Return the wording of a skill up to its object: "move above" of "move above the bread"."""
    before, article, _ = skill.partition(" the ")
    return before if article else skill.split()[0]
