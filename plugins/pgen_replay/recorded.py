"""Reads the dialogues that are replayed, by sample.

`syn_annotations.jsonl` has the whole sample of each dialogue, with its variant. `lerobot_annotations.json` identifies a
moment by episode and second; it has no skill and no types, and one dialogue per moment.
"""

import json
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

from pgen.errors import ConfigError, InputError
from pgen.formats.syn_annotations import FILE, from_line, read_lines
from pgen.labels import SLACK
from pgen.records import Episode, Sample

ATOMS = "lerobot_annotations.json"


@dataclass(frozen=True, slots=True)
class Recorded:
    """A recorded dialogue as a reply, with its skill if the file has one.

    `failed` is the reason if the former run has no dialogue.
    """

    reply: dict[str, str]
    skill: str | None = None
    failed: str = ""


class RecordedDialogues:
    """The dialogues of a file. Raises ConfigError or InputError if the file cannot be used."""

    def __init__(self, path: Path) -> None:
        self.path = locate(path)
        self._by_frame: dict[str, dict[int, dict[tuple[int, bytes], Recorded]]] = {}
        self._by_time: dict[int, dict[int, Recorded]] = {}
        if self.path.suffix == ".jsonl":
            for sample, recorded in _read_lines(self.path):
                self._add(sample, recorded)
        else:
            self._by_time = dict(_read_atoms(self.path))
        if not self._by_frame and not any(self._by_time.values()):
            raise InputError(f"{self.path} holds no dialogue; name a file that does.")

    def find(self, sample: Sample) -> Recorded | None:
        """Return what the file has for a sample, or None.

        Another dataset, or fewer cameras, change a sample: then a line is used if it is the only one for the moment,
        the variant and the skill.
        """
        timestamp, variant = sample.moment.timestamp, sample.question.variant
        if not self._by_frame:
            if timestamp is None or variant:
                return None
            tick, recorded = to_ticks(timestamp), self._by_time.get(sample.span.episode_index, {})
            return recorded.get(tick) or recorded.get(tick - 1) or recorded.get(tick + 1)
        of_frame = self._by_frame.get(sample.span.episode_id, {}).get(sample.moment.frame_index, {})
        if exact := of_frame.get(_key(sample)):
            return exact
        similar = [recorded for (other, _), recorded in of_frame.items() if other == variant]
        if len(similar) > 1:
            similar = [recorded for recorded in similar if recorded.skill == sample.span.skill]
        return similar[0] if len(similar) == 1 else None

    def frames(self, episode: Episode) -> Iterator[int]:
        """Yield the frames of an episode that have a dialogue. Raises InputError for a moment that is no frame's."""
        length = len(episode.timestamps)
        for frame, of_frame in self._by_frame.get(episode.id, {}).items():
            if frame >= length:
                raise InputError(f"{self.path}: {episode.id} has no frame {frame}; it has {length}.")
            if not all(recorded.failed for recorded in of_frame.values()):
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
        failed = sum(bool(recorded.failed) for of_frame in of_frames for recorded in of_frame.values())
        variants = max((variant for of_frame in of_frames for variant, _ in of_frame), default=0) + 1
        samples = sum(map(len, of_frames))
        lacking = f"{failed:,} of the {samples:,} samples in {self.path.name} failed there and have no dialogue"
        several = f"{self.path.name} holds up to {variants} dialogues of a moment: --variants {variants} takes all"
        return (*([lacking] if failed else ()), *([several] if variants > 1 else ()))

    def _add(self, sample: Sample, recorded: Recorded) -> None:
        span, frame, variant = sample.span, sample.moment.frame_index, sample.question.variant
        of_frame = self._by_frame.setdefault(span.episode_id, {}).setdefault(frame, {})
        if of_frame.setdefault(_key(sample), recorded) != recorded:
            raise InputError(
                f"{self.path}: two lines say different things about {span.episode_id}, frame {frame}, "
                f"variant {variant}; leave one of them."
            )


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


def _key(sample: Sample) -> tuple[int, bytes]:
    """Return what distinguishes the samples of one frame: the variant, and a digest of the rest, to save memory."""
    span = sample.span
    fields = [span.episode_index, span.skill_index, span.skill, span.history, span.task, sample.moment.images]
    return sample.question.variant, blake2b(json.dumps(fields).encode(), digest_size=8).digest()


def _read_lines(path: Path) -> Iterator[tuple[Sample, Recorded]]:
    if not path.is_file():
        raise ConfigError(f"generator replay: there is no {path}; name the file with --opt generator.file=FILE.")
    for line in read_lines(path):
        keys = ("user_prompt", "robot_utterance", "scenario_type", "response_type")
        reply = {key: line[key] for key in keys if line[key] is not None}
        failed = f"{line['stage']}: {line['reason']}" if line["status"] == "failed" else ""
        sample = from_line(line).sample
        yield sample, Recorded(reply, sample.span.skill, failed)


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
