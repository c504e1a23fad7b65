"""Read the results of a run: the manifest, and each episode with its annotations.

The input, which has the images, is the output itself where that is a dataset, otherwise the folder that `--root`
names; a path that is stored in a result is never opened. Without the input, episodes are rebuilt from the annotations.
"""

from array import array
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path, PurePath
from typing import Any

from pgen.components import Results, Source
from pgen.errors import ConfigError, InputError
from pgen.formats.schemas import first_error, validator
from pgen.formats.syn_annotations import FILE, read_lines, to_line
from pgen.inference.judging import SCORES
from pgen.records import Episode
from pgen.registry import registry
from pgen.safety.bounded_json import read_json

type Line = dict[str, Any]
"""An annotation as a line of syn_annotations.jsonl."""

POOR = 2
"""The highest score of a judge, of 5, that a page marks as poor."""

_LOCATIONS = (("meta", "meta/pgen/manifest.json"), (".", "manifest.json"))
"""Where sinks write the annotations and the manifest: in a dataset, and alone."""


@dataclass(frozen=True, slots=True)
class RunResults:
    """The results of a run. Each call of `read` starts at the first episode.

    `source` is open; it is None where the input is not available, and `no_images` then gives the reason.
    """

    name: str
    manifest: dict[str, Any]
    source: Source | None
    read: Callable[[], Iterator[tuple[Episode, list[Line]]]]
    no_images: str = ""


def from_sink(results: Results, name: str) -> RunResults:
    """Return the results that a sink receives in the form of results that are read from a folder."""

    def read() -> Iterator[tuple[Episode, list[Line]]]:
        for episode, annotations in results.read():
            yield episode, [to_line(annotation, results.generator) for annotation in annotations]

    return RunResults(name, results.manifest, results.source, read)


@contextmanager
def open_results(folder: Path, root: Path | None = None) -> Iterator[RunResults]:
    """Open the results in `folder`, with the input in `root`. Raises InputError or ConfigError."""
    path, manifest = _locate(folder)
    is_dataset = manifest["source"]["name"] == "lerobot" and (folder / "meta/info.json").is_file()
    input_folder = root or (folder if is_dataset else None)
    name = folder.resolve().name
    if input_folder is None:
        reason = "the result does not contain its images; name the run's input with --root to see them."
        yield RunResults(name, manifest, None, lambda: _from_lines(path), reason)
        return
    source = _source(manifest["source"], input_folder, folder)
    source.open()
    try:
        yield RunResults(name, manifest, source, lambda: _from_source(source, path))
    finally:
        source.close()


def has_dialogue(folder: Path) -> bool:
    """Return whether the folder contains the annotations of a run."""
    return any((folder / place / FILE).is_file() for place, _ in _LOCATIONS)


def read_validated(path: Path, schema: str) -> dict[str, Any]:
    """Read a JSON file that must fit a schema of pgen. Raises InputError."""
    try:
        content: dict[str, Any] = read_json(path)
    except FileNotFoundError:
        raise InputError(f"{path} is missing; the result cannot be read without it.") from None
    if problem := first_error(validator(schema), content):
        raise InputError(f"{path} does not fit the schema `{schema}` at {problem}.")
    return content


def codes(line: Line) -> list[str]:
    """Return the codes of the checks that the dialogue did not pass."""
    return [finding["code"] for finding in line.get("checks", ())]


def reasons(line: Line) -> list[str]:
    """Return the codes and reasons of those checks; of a failed sample, its stage and reason."""
    if line["status"] == "failed":
        return [f"{line['stage']}: {line['reason']}"]
    return [f"{finding['code']}: {finding['reason']}" for finding in line.get("checks", ())]


def scores(judgement: Mapping[str, Any] | None) -> list[tuple[str, int, str]]:
    """Return the name, the score from 1 to 5 and the reason of each score of a judge."""
    return [(name, judgement[name], judgement[f"{name}_reason"]) for name in SCORES] if judgement else []


def _locate(folder: Path) -> tuple[Path, dict[str, Any]]:
    for place, manifest in _LOCATIONS:
        if (folder / place / FILE).is_file():
            return folder / place / FILE, read_validated(folder / manifest, "manifest")
    raise InputError(
        f"{folder} contains no {FILE}; name the output of `pgen annotate` (sink lerobot or jsonl) or `pgen segment`."
    )


def _source(described: dict[str, Any], root: Path, folder: Path) -> Source:
    """Return the run's source with its options, reading the input from `root`."""
    cls: Any = registry().find("source", described["name"])
    options = {**described, "root": root, "repo_id": None, "revision": None}
    options = {key: value for key, value in options.items() if key in cls.Options.model_fields}
    if "skills" in options:
        options["skills"] = _skills(str(options["skills"]), folder / "meta/pgen/skills.json")
    source: Source = cls(**options)
    return source


def _skills(option: str, stored: Path) -> str:
    """Return the source's option `skills`: the file stored with the result, or a form's name; never another file."""
    if stored.is_file():
        return str(stored)
    if PurePath(option).suffix or len(PurePath(option).parts) > 1:
        raise ConfigError(f"the run read its skills from the file {option!r}; copy it to {stored} to read the result.")
    return option


def _from_source(source: Source, path: Path) -> Iterator[tuple[Episode, list[Line]]]:
    groups = groupby(read_lines(path), key=lambda line: line["episode_index"])
    upcoming = next(groups, None)
    for episode in source.episodes():
        lines: list[Line] = []
        if upcoming is not None and upcoming[0] == episode.index:
            lines = [_checked(line, episode, path) for line in upcoming[1]]
            upcoming = next(groups, None)
        yield episode, lines
    if upcoming is not None:
        raise InputError(f"{path}: episode {upcoming[0]} is not in the input, or out of order; is it another dataset?")


def _checked(line: Line, episode: Episode, path: Path) -> Line:
    """Refuse a line of another dataset, which would be shown with the wrong images."""
    skills = [skill.name for skill in episode.skills]
    name, position = line["skill_current"], line["skill_index"]
    if line["episode_id"] != episode.id or (skills and skills[position : position + 1] != [name]):
        where = f"{line['episode_id']}, frame {line['frame_index']}"
        raise InputError(f"{path}: {where} is about {name!r}, which is not in the input; is it another dataset?")
    return line


def _from_lines(path: Path) -> Iterator[tuple[Episode, list[Line]]]:
    for index, group in groupby(read_lines(path), key=lambda line: line["episode_index"]):
        lines = list(group)
        first = lines[0]
        yield Episode(index, first["episode_id"], first["task_description"], 1.0, array("d"), ()), lines
