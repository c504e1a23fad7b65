"""Read the results of a run, or of a segmentation: its record, and each episode with its annotations or spans.

The input, which has the images, is the output itself where that is a dataset, otherwise the folder that `--root`
names; a path that is stored in a result is never opened. Without the input, episodes are rebuilt from the annotations.
"""

from array import array
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from itertools import groupby
from pathlib import Path, PurePath
from typing import Any

from pgen.components import Phase, Results, Source
from pgen.errors import ConfigError, InputError, PgenError
from pgen.formats.schemas import validator
from pgen.formats.syn_annotations import FILE, LineFile, from_line, lines_of
from pgen.labels import exchanges
from pgen.records import Annotation, Episode, Skill
from pgen.registry import registry
from pgen.run.episodes import RecordedEpisodes
from pgen.safety.bounded_json import read_json
from pgen_results.lines import Line

_RUN = (("meta", "meta/pgen/manifest.json"), (".", "manifest.json"))
"""Where sinks write the annotations and the manifest: in a dataset, and alone."""


@dataclass(frozen=True, slots=True)
class RunResults:
    """The results of a run. Each call of `read` starts at the first episode.

    `source` is open; it is None where the input is not available, and `no_images` then gives the reason.
    `counterfactuals` reads those of all episodes.
    """

    name: str
    manifest: dict[str, Any]
    source: Source | None
    read: Callable[[], Iterator[tuple[Episode, list[Line]]]]
    no_images: str = ""
    counterfactuals: Callable[[], Iterator[Annotation]] = lambda: iter(())

    def shown(self, phase: Phase) -> "RunResults":
        """Return the same results, each reading of which is a phase whose progress is shown."""
        counts = self.manifest.get("counts")
        total = counts.get("episodes") if isinstance(counts, dict) else None

        def read() -> Iterator[tuple[Episode, list[Line]]]:
            step = phase("reading", total, "episode")
            for episode in self.read():
                yield episode
                step(1)

        return replace(self, read=read)


def from_sink(results: Results, name: str) -> RunResults:
    """Return the results that a sink receives in the form of results that are read from a folder."""

    def read() -> Iterator[tuple[Episode, list[Line]]]:
        for episode, annotations in results.read():
            yield episode, list(lines_of(episode, annotations, results.generator))

    return RunResults(name, results.manifest, results.source, read)


@contextmanager
def open_results(folder: Path, root: Path | None = None) -> Iterator[RunResults]:
    """Open the results in `folder`, with the input in `root`. Raises InputError or ConfigError."""
    from pgen_lerobot.format import COUNTERFACTUALS, read_counterfactuals

    lines, manifest = _locate(folder)
    is_dataset = manifest["source"]["name"] == "lerobot" and (folder / "meta/info.json").is_file()
    input_folder = root or (folder if is_dataset else None)
    name = folder.resolve().name
    if input_folder is None:
        reason = "the result does not contain its images; name the run's input with --root to see them."
        yield RunResults(name, manifest, None, lambda: _from_lines(lines), reason)
        return
    source = _source(manifest["source"], input_folder, folder)
    source.open()
    with closing(source), closing(RecordedEpisodes(source)) as episodes:
        counterfactuals = partial(read_counterfactuals, folder / COUNTERFACTUALS)
        read = partial(_from_source, episodes, lines)
        yield RunResults(name, manifest, source, read, counterfactuals=counterfactuals)


def has_dialogue(folder: Path) -> bool:
    """Return whether the folder contains the annotations of a run."""
    return any((folder / place / FILE).is_file() for place, _ in _RUN)


def read_validated(path: Path, schema: str) -> dict[str, Any]:
    """Read a JSON file that must fit a schema of pgen. Raises InputError."""
    try:
        content: dict[str, Any] = read_json(path)
    except FileNotFoundError:
        raise InputError(f"{path} is missing; the result cannot be read without it.") from None
    if problem := validator(schema).first_error(content):
        raise InputError(f"{path} does not fit the schema `{schema}` at {problem}.")
    return content


def _locate(folder: Path) -> tuple[LineFile, dict[str, Any]]:
    for place, manifest in _RUN:
        if (folder / place / FILE).is_file():
            return LineFile(folder / place / FILE), read_validated(folder / manifest, "manifest")
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


def _from_source(episodes: Iterable[Episode], file: LineFile) -> Iterator[tuple[Episode, list[Line]]]:
    groups = groupby(file.read(), key=lambda line: line["episode_index"])
    upcoming = next(groups, None)
    for episode in episodes:
        lines: list[Line] = []
        if upcoming is not None and upcoming[0] == episode.index:
            lines = with_exchanges([_checked(line, episode, file.path) for line in upcoming[1]], episode)
            upcoming = next(groups, None)
        yield episode, lines
    if upcoming is not None:
        raise InputError(
            f"{file.path}: episode {upcoming[0]} is not in the input, or out of order; is it another dataset?"
        )


def _checked(line: Line, episode: Episode, path: Path) -> Line:
    """Refuse a line of another dataset, which would be shown with the wrong images."""
    skills = [skill.name for skill in episode.skills]
    name, position = line["skill_current"], line["skill_index"]
    if line["episode_id"] != episode.id or (skills and skills[position : position + 1] != [name]):
        where = f"{line['episode_id']}, frame {line['frame_index']}"
        raise InputError(f"{path}: {where} is about {name!r}, which is not in the input; is it another dataset?")
    return line


def with_exchanges(lines: list[Line], episode: Episode) -> list[Line]:
    """Return the lines; those of an earlier version with the frames over which their dialogue is in force."""
    if all("scope" in line for line in lines):
        return lines
    annotations = [from_line(line) for line in lines]
    frames = {it.annotation.sample: (it.start, it.stop) for it in exchanges(episode, annotations)}
    places = (frames.get(annotation.sample, (None, None)) for annotation in annotations)
    return [{**line, "start": start, "stop": stop} for line, (start, stop) in zip(lines, places, strict=True)]


def _from_lines(file: LineFile) -> Iterator[tuple[Episode, list[Line]]]:
    for index, group in groupby(file.read(), key=lambda line: line["episode_index"]):
        lines = list(group)
        first = lines[0]
        yield Episode(index, first["episode_id"], first["task_description"], 1.0, array("d"), ()), lines


_SEGMENTATION = (("meta/pgen/segmentation.json", "meta/skills.json"), ("segmentation.json", "skills.json"))
"""The record and the skills: in a dataset, and alone."""


@dataclass(frozen=True, slots=True)
class Segmentation:
    """A segmentation. `read` gives every episode with its spans, in order; a failed episode has none.

    `source` is open; it is None where the dataset or its videos are not available, and `no_images` gives the reason.
    """

    name: str
    record: dict[str, Any]
    source: Source | None
    read: Callable[[], Iterator[Episode]]
    no_images: str = ""

    @property
    def failures(self) -> dict[int, str]:
        """Stage and reason of each failed episode, by its index."""
        return {
            failure["episode_index"]: f"{failure['stage']}: {failure['reason']}" for failure in self.record["failed"]
        }


def is_segmentation(folder: Path) -> bool:
    """Return whether the folder contains a segmentation."""
    return any((folder / record).is_file() for record, _ in _SEGMENTATION)


@contextmanager
def open_segmentation(folder: Path, root: Path | None = None) -> Iterator[Segmentation]:
    """Open the segmentation in `folder`, of the dataset in `root`. Raises InputError or ConfigError."""
    paths = next(paths for paths in _SEGMENTATION if (folder / paths[0]).is_file())
    record, name = read_validated(folder / paths[0], "segmentation"), folder.resolve().name
    skills = folder / paths[1]
    content = read_validated(skills, "skills")
    dataset = root or (folder if (folder / "meta/info.json").is_file() else None)
    if dataset is None:
        reason = "a skills file alone has none; name its dataset with --root to see them."
        yield Segmentation(name, record, None, lambda: _from_skills(content, record), reason)
        return
    source, no_images = _open_source(record["source"], dataset, skills)
    try:
        yield Segmentation(name, record, None if no_images else source, source.episodes, no_images)
    finally:
        source.close()


def _open_source(described: dict[str, Any], root: Path, skills: Path) -> tuple[Source, str]:
    """Return the dataset with its first camera; where that fails, without a camera and with the reason."""
    cls: Any = registry().find("source", "lerobot")
    options = {"root": root, "skills": str(skills), "episodes": described.get("episodes")}
    source: Source = cls(**options, cameras=tuple(described.get("cameras") or ())[:1], views=1)
    try:
        source.open()
    except PgenError as error:
        source = cls(**options, views=0)
        source.open()
        return source, str(error)
    return source, ""


def _from_skills(content: dict[str, Any], record: dict[str, Any]) -> Iterator[Episode]:
    episodes: dict[int, dict[str, Any]] = {failure["episode_index"]: {"skills": []} for failure in record["failed"]}
    episodes |= {int(key): episode for key, episode in content["episodes"].items()}
    for index, episode in sorted(episodes.items()):
        spans = tuple(
            Skill(span["name"], float(span["start"]), float(span["end"]), span.get("failed") is True)
            for span in episode["skills"]
        )
        yield Episode(index, f"ep_{index:06d}", episode.get("description") or "", 1.0, array("d"), spans)
