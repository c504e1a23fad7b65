"""The files that dialogues are replayed from, as what was said at a moment.

`syn_annotations.jsonl` holds the whole sample of each dialogue, with its variant; `lerobot_annotations.json` names
the moment by episode and second, without a skill, without types, and once.
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
class Said:
    """A dialogue by its keys in a reply, and the skill it was made for, where the file says one.

    `failed` is the reason where the former run has none.
    """

    reply: dict[str, str]
    skill: str | None = None
    failed: str = ""


class Memory:
    """What a file says, by sample. Raises ConfigError or InputError."""

    def __init__(self, path: Path) -> None:
        self.path = located(path)
        self._by_frame: dict[str, dict[int, dict[tuple[int, bytes], Said]]] = {}
        self._by_time: dict[int, dict[int, Said]] = {}
        if self.path.suffix == ".jsonl":
            for sample, said in _of_lines(self.path):
                self._add(sample, said)
        else:
            self._by_time = dict(_of_atoms(self.path))
        if not self._by_frame and not any(self._by_time.values()):
            raise InputError(f"{self.path} holds no dialogue; name a file that does.")

    def said(self, sample: Sample) -> Said | None:
        """What was said in answer to the sample, or None.

        Another dataset, or fewer cameras, change a sample: where only one line is about its moment, variant and
        skill, that line answers it.
        """
        if self._by_frame:
            return self._of_sample(sample)
        if sample.moment.timestamp is None or sample.question.variant:
            return None
        tick, known = _tick(sample.moment.timestamp), self._by_time.get(sample.span.episode_index, {})
        near = (known.get(moment) for moment in (tick, tick - 1, tick + 1))
        return next((said for said in near if said is not None), None)

    def _of_sample(self, sample: Sample) -> Said | None:
        of_frame = self._by_frame.get(sample.span.episode_id, {}).get(sample.moment.frame_index, {})
        if exact := of_frame.get(_key(sample)):
            return exact
        alike = [said for (variant, _), said in of_frame.items() if variant == sample.question.variant]
        if len(alike) > 1:
            alike = [said for said in alike if said.skill == sample.span.skill]
        return alike[0] if len(alike) == 1 else None

    def frames(self, episode: Episode) -> Iterator[int]:
        """The frames of an episode that have a dialogue. Raises InputError for a moment that is no frame's."""
        for frame, found in self._by_frame.get(episode.id, {}).items():
            if not all(said.failed for said in found.values()):
                yield self._within(episode, frame)
        for tick in self._by_time.get(episode.index, {}):
            yield self._nearest(episode, tick)

    def remarks(self) -> tuple[str, ...]:
        """What a run should know that takes up the whole file: samples without a dialogue, and further variants."""
        of_frames = [found for frames in self._by_frame.values() for found in frames.values()]
        failed = sum(bool(said.failed) for found in of_frames for said in found.values())
        variants = max((variant for found in of_frames for variant, _ in found), default=0) + 1
        samples = sum(map(len, of_frames))
        lacking = f"{failed:,} of the {samples:,} samples in {self.path.name} failed there and have no dialogue"
        several = f"{self.path.name} holds up to {variants} dialogues of a moment: --variants {variants} takes all"
        return (*([lacking] if failed else ()), *([several] if variants > 1 else ()))

    def _add(self, sample: Sample, said: Said) -> None:
        """Keep what a line says. Raises InputError where two lines answer one sample in two ways."""
        of_frame = self._by_frame.setdefault(sample.span.episode_id, {}).setdefault(sample.moment.frame_index, {})
        if of_frame.setdefault(_key(sample), said) != said:
            raise InputError(
                f"{self.path}: two lines say different things about {sample.span.episode_id}, "
                f"frame {sample.moment.frame_index}, variant {sample.question.variant}; leave one of them."
            )

    def _within(self, episode: Episode, frame: int) -> int:
        if frame >= len(episode.timestamps):
            raise InputError(f"{self.path}: {episode.id} has no frame {frame}; it has {len(episode.timestamps)}.")
        return frame

    def _nearest(self, episode: Episode, tick: int) -> int:
        place = bisect_left(episode.timestamps, (tick - 1.5) * SLACK)
        if place == len(episode.timestamps) or abs(_tick(episode.timestamps[place]) - tick) > 1:
            second = f"{tick * SLACK:.3f} s"
            raise InputError(
                f"{self.path}: {episode.id} has no frame at {second}; move the dialogue to a frame's second."
            )
        return place


def located(path: Path) -> Path:
    """The file itself, or that of a dataset or of lines in a folder. Raises ConfigError."""
    if path.is_dir():
        places = [path / "meta" / FILE, path / FILE]
        return next((place for place in places if place.is_file()), places[0])
    if not path.is_file():
        raise ConfigError(f"generator replay: there is no file {path}; name one with --opt generator.file=FILE.")
    if path.suffix not in (".json", ".jsonl"):
        raise ConfigError(f"generator replay: {path} is neither {FILE} nor {ATOMS}.")
    return path


def _of_lines(path: Path) -> Iterator[tuple[Sample, Said]]:
    if not path.is_file():
        raise ConfigError(f"generator replay: there is no {path}; name the file with --opt generator.file=FILE.")
    for line in read_lines(path):
        said = {key: line[key] for key in ("user_prompt", "robot_utterance", "scenario_type", "response_type")}
        reply = {key: text for key, text in said.items() if text is not None}
        failed = f"{line['stage']}: {line['reason']}" if line["status"] == "failed" else ""
        sample = from_line(line).sample
        yield sample, Said(reply, sample.span.skill, failed)


def _key(sample: Sample) -> tuple[int, bytes]:
    """What tells the samples of one frame apart: the variant, and a digest of the rest, of which there may be much."""
    rest = (sample.span.episode_index, sample.span.skill_index, sample.span.skill, sample.span.history)
    text = json.dumps([*rest, sample.span.task, sample.moment.images])
    return sample.question.variant, blake2b(text.encode(), digest_size=8).digest()


def _of_atoms(path: Path) -> Iterator[tuple[int, dict[int, Said]]]:
    from pgen_lerobot.skills import load_json
    from pgen_lerobot.write.other_forms import atoms_of

    for index, episode in load_json(path, "lerobot_annotations")["episodes"].items():
        found: dict[int, dict[str, str]] = {}
        for atom in atoms_of(episode):
            key, text = _part(atom)
            if not text:
                continue
            reply = found.setdefault(_tick(atom["timestamp"]), {})
            if key in reply:
                where = f"{path}, episode {index}, {atom['timestamp']} s"
                raise InputError(f"{where}: {key} stands there twice; leave one of them.")
            reply[key] = text
        yield int(index), {tick: Said(reply) for tick, reply in found.items()}


def _part(atom: dict[str, Any]) -> tuple[str, str | None]:
    """Which part of a dialogue an atom is, and its text; none for other atoms."""
    if atom["style"] == "interjection" and atom["role"] == "user":
        return "user_prompt", atom["content"]
    if atom["style"] is None and atom["role"] == "assistant":
        for call in atom["tool_calls"] or ():
            function = call.get("function") or {}
            if function.get("name") == "say":
                text = (function.get("arguments") or {}).get("text")
                return "robot_utterance", text if isinstance(text, str) else None
    return "", None


def _tick(seconds: float) -> int:
    """Time in steps of the tolerance within which two numbers name one moment."""
    return round(seconds / SLACK)
