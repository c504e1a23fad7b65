"""Reads the dialogues that are replayed, by sample.

`syn_annotations.jsonl` has the whole sample of each dialogue; a line of an earlier version, without a scope, is about a
step. The counterfactuals of the run are in the file beside it. `lerobot_annotations.json` identifies a moment by
episode and second; it has no skill and no types, and one dialogue per moment, which is about a step.
"""

import json
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any, NamedTuple

from pgen.errors import ConfigError, InputError
from pgen.formats.syn_annotations import FILE, from_line, read_lines
from pgen.labels import SLACK
from pgen.records import Annotation, Episode, Failure, Question, Sample, Scope

ATOMS = "lerobot_annotations.json"


@dataclass(frozen=True, slots=True)
class Recorded:
    """A recorded dialogue as a reply, with the skills that it leads to if the file has them.

    `failure` is that of the former run if it has no dialogue.
    """

    reply: dict[str, str]
    skills: tuple[str, ...] = ()
    failure: Failure | None = None


class Asked(NamedTuple):
    """What distinguishes the dialogues of one moment: the scope, the number of skills, the wording, and its kind."""

    scope: Scope
    skills: int
    variant: int
    counterfactual: str | None
    target: str | None

    @classmethod
    def of(cls, question: Question) -> "Asked":
        """Return what a question asks for."""
        return cls(question.scope, question.skills, question.variant, question.counterfactual, question.target)


STEP = Asked.of(Question())
"""The one dialogue of a moment in a file that has no scopes."""


class RecordedDialogues:
    """The dialogues of a file. Raises ConfigError or InputError if the file cannot be used."""

    def __init__(self, path: Path) -> None:
        self.path = locate(path)
        self._by_frame: dict[str, dict[int, dict[tuple[Asked, bytes], Recorded]]] = {}
        self._by_time: dict[int, dict[int, Recorded]] = {}
        if self.path.suffix == ".jsonl":
            episodes: dict[int, str] = {}
            for sample, recorded in _read_lines(self.path):
                episodes[sample.span.episode_index] = sample.span.episode_id
                self._add(sample.span.episode_id, sample, recorded)
            for sample, recorded in _read_counterfactuals(self.path.parent):
                if episode_id := episodes.get(sample.span.episode_index):
                    self._add(episode_id, sample, recorded)
        else:
            self._by_time = dict(_read_atoms(self.path))
        if not self._by_frame and not any(self._by_time.values()):
            raise InputError(f"{self.path} holds no dialogue; name a file that does.")

    def find(self, sample: Sample) -> Recorded | None:
        """Return what the file has for a sample, or None.

        Another dataset, or fewer cameras, change a sample: then a line is used if it is the only one for the moment
        that asks for the same and leads to the same skills.
        """
        timestamp, asked = sample.moment.timestamp, Asked.of(sample.question)
        if not self._by_frame:
            if timestamp is None or asked != STEP:
                return None
            tick, recorded = to_ticks(timestamp), self._by_time.get(sample.span.episode_index, {})
            return recorded.get(tick) or recorded.get(tick - 1) or recorded.get(tick + 1)
        of_frame = self._by_frame.get(sample.span.episode_id, {}).get(sample.moment.frame_index, {})
        if exact := of_frame.get(_key(sample)):
            return exact
        similar = [recorded for (other, _), recorded in of_frame.items() if other == asked]
        if len(similar) > 1:
            similar = [recorded for recorded in similar if recorded.skills == sample.skills]
        return similar[0] if len(similar) == 1 else None

    def has(self, episode: Episode, frame: int, question: Question) -> bool:
        """Return whether the file has what a question about a frame asks for, be it a dialogue or its failure."""
        asked = Asked.of(question)
        if not self._by_frame:
            return asked == STEP
        return any(other == asked for other, _ in self._by_frame.get(episode.id, {}).get(frame, {}))

    def frames(self, episode: Episode) -> Iterator[int]:
        """Yield the frames of an episode that have a dialogue. Raises InputError for a moment that is no frame's."""
        length = len(episode.timestamps)
        for frame, of_frame in self._by_frame.get(episode.id, {}).items():
            if frame >= length:
                raise InputError(f"{self.path}: {episode.id} has no frame {frame}; it has {length}.")
            if not all(recorded.failure for recorded in of_frame.values()):
                yield frame
        for tick in self._by_time.get(episode.index, {}):
            frame = bisect_left(episode.timestamps, (tick - 1.5) * SLACK)
            if frame == length or abs(to_ticks(episode.timestamps[frame]) - tick) > 1:
                second = f"{tick * SLACK:.3f} s"
                raise InputError(
                    f"{self.path}: {episode.id} has no frame at {second}; move the dialogue to a frame's second."
                )
            yield frame

    def remarks(self) -> tuple[str, ...]:
        """Return notes for a run that replays the whole file: samples without a dialogue, and further variants."""
        of_frames = [of_frame for frames in self._by_frame.values() for of_frame in frames.values()]
        failed = sum(bool(recorded.failure) for of_frame in of_frames for recorded in of_frame.values())
        variants = max((asked.variant for of_frame in of_frames for asked, _ in of_frame), default=0) + 1
        samples = sum(map(len, of_frames))
        lacking = f"{failed:,} of the {samples:,} samples in {self.path.name} failed there and have no dialogue"
        several = f"{self.path.name} holds up to {variants} wordings of a dialogue: --variants {variants} takes all"
        return (*([lacking] if failed else ()), *([several] if variants > 1 else ()))

    def _add(self, episode_id: str, sample: Sample, recorded: Recorded) -> None:
        of_frame = self._by_frame.setdefault(episode_id, {}).setdefault(sample.moment.frame_index, {})
        if of_frame.setdefault(_key(sample), recorded) != recorded:
            what = describe(sample.question)
            raise InputError(
                f"{self.path}: two lines say different things about {episode_id}, frame {sample.moment.frame_index}, "
                f"{what}; leave one of them."
            )


def describe(question: Question) -> str:
    """Return which dialogue of a moment a question asks for, in words."""
    what = f"counterfactual {question.counterfactual}" if question.counterfactual else question.scope
    return f"{what}, variant {question.variant}"


def locate(path: Path) -> Path:
    """Return the file itself, or the one in a dataset or an output folder. Raises ConfigError."""
    if path.is_dir():
        places = [path / "meta" / FILE, path / FILE]
        return next((place for place in places if place.is_file()), places[0])
    if not path.is_file():
        raise ConfigError(f"generator replay: there is no file {path}; name one with --opt generator.file=FILE.")
    if path.suffix not in (".json", ".jsonl"):
        raise ConfigError(f"generator replay: {path} is neither {FILE} nor {ATOMS}.")
    return path


def to_ticks(seconds: float) -> int:
    """Return a time in steps of the tolerance: numbers for the same moment differ by one step at most."""
    return round(seconds / SLACK)


def _key(sample: Sample) -> tuple[Asked, bytes]:
    """Return what distinguishes the samples of one frame: the dialogue, and a digest of the rest, to save memory."""
    span = sample.span
    fields = [span.episode_index, span.skill_index, span.skill, span.history, span.task, sample.moment.images]
    return Asked.of(sample.question), blake2b(json.dumps(fields).encode(), digest_size=8).digest()


def _read_lines(path: Path) -> Iterator[tuple[Sample, Recorded]]:
    if not path.is_file():
        raise ConfigError(f"generator replay: there is no {path}; name the file with --opt generator.file=FILE.")
    for line in read_lines(path):
        annotation = from_line(line)
        yield annotation.sample, _recorded(annotation)


def _read_counterfactuals(folder: Path) -> Iterator[tuple[Sample, Recorded]]:
    from pgen_lerobot.format import COUNTERFACTUALS, read_counterfactuals

    for annotation in read_counterfactuals(folder / Path(COUNTERFACTUALS).name):
        yield annotation.sample, _recorded(annotation)


def _recorded(annotation: Annotation) -> Recorded:
    dialogue, reply = annotation.dialogue, {}
    if dialogue:
        names = ("user_prompt", "robot_utterance", "scenario_type", "response_type")
        reply = {name: text for name in names if (text := getattr(dialogue, name)) is not None}
    return Recorded(reply, annotation.sample.skills, annotation.failure)


def _read_atoms(path: Path) -> Iterator[tuple[int, dict[int, Recorded]]]:
    from pgen_lerobot.skills import load_json
    from pgen_lerobot.write.other_forms import atoms_of

    for index, episode in load_json(path, "lerobot_annotations")["episodes"].items():
        replies: dict[int, dict[str, str]] = {}
        for atom in atoms_of(episode):
            key, text = _reply_part(atom)
            if not text:
                continue
            reply = replies.setdefault(to_ticks(atom["timestamp"]), {})
            if key in reply:
                where = f"{path}, episode {index}, {atom['timestamp']} s"
                raise InputError(f"{where}: {key} stands there twice; leave one of them.")
            reply[key] = text
        yield int(index), {tick: Recorded(reply) for tick, reply in replies.items()}


def _reply_part(atom: dict[str, Any]) -> tuple[str, str | None]:
    """Return the key of a reply that an atom holds, and its text; no text for other atoms."""
    if atom["style"] == "interjection" and atom["role"] == "user":
        return "user_prompt", atom["content"]
    if atom["style"] is None and atom["role"] == "assistant":
        for call in atom["tool_calls"] or ():
            function = call.get("function") or {}
            if function.get("name") == "say":
                text = (function.get("arguments") or {}).get("text")
                return "robot_utterance", text if isinstance(text, str) else None
    return "", None
