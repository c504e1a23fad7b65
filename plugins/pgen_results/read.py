"""A finished run, read again: its manifest, its lines episode by episode, and the input with its pictures.

The input is the result itself where that is a dataset, else what `root` names: no path that stands in a
result is followed. Without the input, episodes are put together from the lines, and there are no pictures.
"""

import json
from array import array
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby, pairwise
from pathlib import Path, PurePath
from typing import Any

from pgen.components import Results, Source
from pgen.errors import ConfigError, InputError
from pgen.formats.schemas import first_error, validator
from pgen.formats.syn_annotations import FILE, read_lines, to_line
from pgen.inference.judging import SCORES
from pgen.records import Episode, Skill
from pgen.registry import registry

type Line = dict[str, Any]
"""A line of syn_annotations.jsonl."""

POOR = 2
"""A judge's score, of 5, that a page calls poor."""

_PLACES = (("meta", "meta/pgen/manifest.json"), (".", "manifest.json"))
"""Where the sinks put the lines and the manifest."""


@dataclass(frozen=True, slots=True)
class Told:
    """What a run told: `read` gives each episode with its lines, in order, as often as wanted.

    `source` is open; None where the input is not at hand, and `absent` then says why.
    """

    name: str
    manifest: dict[str, Any]
    source: Source | None
    read: Callable[[], Iterator[tuple[Episode, list[Line]]]]
    absent: str = ""


def of_results(results: Results, name: str) -> Told:
    """What a sink is given, in the form of a result that is read again."""

    def read() -> Iterator[tuple[Episode, list[Line]]]:
        for episode, annotations in results.read():
            yield episode, [to_line(annotation, results.generator) for annotation in annotations]

    return Told(name, results.manifest, results.source, read)


@contextmanager
def opened(folder: Path, root: Path | None = None) -> Iterator[Told]:
    """The result in `folder`, with the input at `root`. Raises InputError, ConfigError."""
    lines, manifest = _found(folder)
    is_dataset = manifest["source"]["name"] == "lerobot" and (folder / "meta/info.json").is_file()
    place = root or (folder if is_dataset else None)
    name = folder.resolve().name
    if place is None:
        reason = "the result does not hold its pictures; name the run's input with --root to see them."
        yield Told(name, manifest, None, lambda: _alone(lines), reason)
        return
    source = _source(manifest["source"], place, folder)
    source.open()
    try:
        yield Told(name, manifest, source, lambda: _together(source, lines))
    finally:
        source.close()


def has_dialogue(folder: Path) -> bool:
    """Whether the folder holds the lines of a run."""
    return any((folder / place / FILE).is_file() for place, _ in _PLACES)


def _found(folder: Path) -> tuple[Path, dict[str, Any]]:
    for place, manifest in _PLACES:
        lines = folder / place / FILE
        if lines.is_file():
            return lines, _manifest(folder / manifest)
    raise InputError(
        f"{folder} holds no {FILE}; name the output of a `pgen annotate` (sink lerobot or jsonl) or `pgen segment`."
    )


def _manifest(path: Path) -> dict[str, Any]:
    try:
        manifest: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path} cannot be read: {error}.") from None
    if problem := first_error(validator("manifest"), manifest):
        raise InputError(f"{path} does not fit the schema `manifest` at {problem}.")
    return manifest


def _source(described: dict[str, Any], root: Path, folder: Path) -> Source:
    """The run's source with its options, for the input where it is now."""
    cls: Any = registry().find("source", described["name"])
    told = {key: value for key, value in described.items() if key in cls.Options.model_fields}
    elsewhere = {"root": root, "repo_id": None, "revision": None}
    options = {**told, **{key: value for key, value in elsewhere.items() if key in cls.Options.model_fields}}
    if "skills" in options:
        options["skills"] = _skills(str(options["skills"]), folder / "meta/pgen/skills.json")
    source: Source = cls(**options)
    return source


def _skills(told: str, kept: Path) -> str:
    """The skills of a run: the file that its result holds, or a way to find them; never another file."""
    if kept.is_file():
        return str(kept)
    if PurePath(told).suffix or len(PurePath(told).parts) > 1:
        raise ConfigError(f"the run had its skills from the file {told!r}; copy it to {kept} to read the result.")
    return told


def _together(source: Source, path: Path) -> Iterator[tuple[Episode, list[Line]]]:
    groups = groupby(read_lines(path), key=lambda line: line["episode_index"])
    upcoming = next(groups, None)
    for episode in source.episodes():
        lines: list[Line] = []
        if upcoming is not None and upcoming[0] == episode.index:
            lines = [_fitting(line, episode, path) for line in upcoming[1]]
            upcoming = next(groups, None)
        yield episode, lines
    if upcoming is not None:
        raise InputError(f"{path}: episode {upcoming[0]} is not in the input, or out of order; is it another dataset?")


def _fitting(line: Line, episode: Episode, path: Path) -> Line:
    """A line of another dataset would be shown with pictures that are not its own."""
    skills = [skill.name for skill in episode.skills]
    told, place = line["skill_current"], line["skill_index"]
    if line["episode_id"] != episode.id or (skills and skills[place : place + 1] != [told]):
        where = f"{line['episode_id']}, frame {line['frame_index']}"
        raise InputError(f"{path}: {where} is about {told!r}, the input's episode says otherwise; is it another one?")
    return line


def _alone(path: Path) -> Iterator[tuple[Episode, list[Line]]]:
    for index, group in groupby(read_lines(path), key=lambda line: line["episode_index"]):
        lines = list(group)
        first = lines[0]
        yield Episode(index, first["episode_id"], first["task_description"], 1.0, array("d"), ()), lines


def spans(episode: Episode, lines: list[Line]) -> tuple[Skill, ...]:
    """The skills to draw: the episode's own; else each from its first sample to the next one's (see `moments`)."""
    if episode.skills or not lines:
        return episode.skills
    times = moments(lines)
    starts = [place for place, line in enumerate(lines) if place == 0 or _other(lines[place - 1], line)]
    end = times[-1] + max(1.0, (times[-1] - times[0]) / max(1, len(times) - 1))
    edges = [*(times[place] for place in starts), end]
    names = [lines[place]["skill_current"] for place in starts]
    return tuple(Skill(name, *edge) for name, edge in zip(names, pairwise(edges), strict=True))


def moments(lines: list[Line]) -> list[float]:
    """The samples' times in seconds; their numbers where the input has no times, or they do not ascend."""
    times = [line["timestamp"] for line in lines]
    timed = all(time is not None for time in times) and all(a <= b for a, b in pairwise(times))
    return [float(time) for time in times] if timed else [float(place) for place in range(len(lines))]


def _other(before: Line, line: Line) -> bool:
    return (before["skill_current"], before["skill_index"]) != (line["skill_current"], line["skill_index"])


def codes(line: Line) -> list[str]:
    """The codes of the checks that a line did not pass; none where nothing was checked."""
    found = line.get("checks") or ()
    return [str(check["code"] if isinstance(check, dict) else check) for check in found]


def scores(judgement: Mapping[str, Any] | None) -> list[tuple[str, int, str]]:
    """What a judge thinks of a dialogue, as the name, the score from 1 to 5 and the reason of each."""
    return [(name, judgement[name], judgement[f"{name}_reason"]) for name in SCORES] if judgement else []


def reasons(line: Line) -> list[str]:
    """The checks' reasons, with their codes; for a failure, its stage and reason."""
    if line["status"] == "failed":
        return [f"{line['stage']}: {line['reason']}"]
    found = line.get("checks") or ()
    return [f"{check['code']}: {check.get('reason', '')}" if isinstance(check, dict) else str(check) for check in found]
