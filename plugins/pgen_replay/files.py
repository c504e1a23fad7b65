"""The files that dialogues are replayed from, as what was said at a moment.

`syn_annotations.jsonl` names the moment by episode and frame, and the skill it was said about;
`lerobot_annotations.json` by episode and second, without a skill and without types.
"""

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pgen.annotations import FILE, read_lines
from pgen.errors import ConfigError, InputError
from pgen.records import Episode, Sample
from pgen.spans import SLACK

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
        self._by_frame: dict[str, dict[int, Said]] = {}
        self._by_time: dict[int, dict[int, Said]] = {}
        if self.path.suffix == ".jsonl":
            for name, frame, said in _of_lines(self.path):
                self._by_frame.setdefault(name, {})[frame] = said
        else:
            self._by_time = dict(_of_atoms(self.path))
        if not self._by_frame and not any(self._by_time.values()):
            raise InputError(f"{self.path} holds no dialogue; name a file that does.")

    def said(self, sample: Sample) -> Said | None:
        """What was said at the sample's moment, or None."""
        if self._by_frame:
            return self._by_frame.get(sample.episode_id, {}).get(sample.frame_index)
        if sample.timestamp is None:
            return None
        tick, known = _tick(sample.timestamp), self._by_time.get(sample.episode_index, {})
        near = (known.get(moment) for moment in (tick, tick - 1, tick + 1))
        return next((said for said in near if said is not None), None)

    def frames(self, episode: Episode) -> Iterator[int]:
        """The frames of an episode that have a dialogue. Raises InputError for a moment that is no frame's."""
        for frame, said in self._by_frame.get(episode.id, {}).items():
            if not said.failed:
                yield self._within(episode, frame)
        for tick in self._by_time.get(episode.index, {}):
            yield self._nearest(episode, tick)

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


def _of_lines(path: Path) -> Iterator[tuple[str, int, Said]]:
    if not path.is_file():
        raise ConfigError(f"generator replay: there is no {path}; name the file with --opt generator.file=FILE.")
    for line in read_lines(path):
        said = {key: line[key] for key in ("user_prompt", "robot_utterance", "scenario_type", "response_type")}
        reply = {key: text for key, text in said.items() if text is not None}
        failed = f"{line['stage']}: {line['reason']}" if line["status"] == "failed" else ""
        yield line["episode_id"], line["frame_index"], Said(reply, line["skill_current"], failed)


def _of_atoms(path: Path) -> Iterator[tuple[int, dict[int, Said]]]:
    from pgen_lerobot.forms.annotations import atoms_of
    from pgen_lerobot.skills.base import load_json

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
