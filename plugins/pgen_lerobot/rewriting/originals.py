"""The originals of a dataset that lerobot's tools made: the annotations of each of its episodes.

The tools renumber episodes, so an episode is identified by the bits of its recorded numbers; where several originals
match, nothing is guessed.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

import pyarrow as pa

from pgen.errors import InputError
from pgen.formats.syn_annotations import from_line, read_lines
from pgen.records import Annotation, Episode, Skill
from pgen_lerobot.format import (
    COLUMN,
    COUNTERFACTUALS,
    MANIFEST,
    Dataset,
    episode_tables,
    read_counterfactuals,
    to_array,
)
from pgen_lerobot.read import LeRobotSource, read_manifest, source_options
from pgen_lerobot.write import LINES

_INDICES = {"index", "episode_index", "frame_index", "task_index", COLUMN}
_NUMBERS = ("float", "int", "uint", "bool")


@dataclass(frozen=True, slots=True)
class AnnotatedEpisode:
    """An episode's task, spans and annotations."""

    task: str
    skills: tuple[Skill, ...]
    annotations: tuple[Annotation, ...]


class Original:
    """A dataset that pgen wrote, with its annotations. Raises InputError where it lacks them."""

    def __init__(self, root: Path) -> None:
        self.dataset = Dataset(root)
        self.manifest = _read_manifest(root)
        if not (root / LINES).is_file():
            raise InputError(f"{root / LINES} is missing; there are no annotations to make the labels from.")
        self._annotations: dict[int, list[Annotation]] = {}
        for line in read_lines(root / LINES):
            self._annotations.setdefault(line["episode_index"], []).append(from_line(line))
        for annotation in read_counterfactuals(root / COUNTERFACTUALS):
            self._annotations.setdefault(annotation.sample.span.episode_index, []).append(annotation)

    def source(self) -> LeRobotSource:
        """Return the dataset as the source of its run, open, with the spans that the run used."""
        source = LeRobotSource(**source_options(self.dataset.root, self.manifest))
        source.open()
        return source

    def annotations(self, episode: Episode) -> list[Annotation]:
        """Return the annotations of an episode, counterfactuals included."""
        return self._annotations.get(episode.index, [])

    def episodes(self) -> Iterator[tuple[int, AnnotatedEpisode]]:
        """Read every annotated episode. A skill that was the task has the name that the task had then."""
        source = self.source()
        for episode in source.episodes():
            annotations = self.annotations(episode)
            skills = episode.skills
            if source.options.skills == "task":
                skills = _renamed(episode, annotations)
            yield episode.index, AnnotatedEpisode(episode.task, skills, tuple(annotations))


def match(dataset: Dataset, originals: list[Original]) -> dict[int, AnnotatedEpisode]:
    """Return the original of each episode, by index. Raises InputError where none or several match."""
    columns = _common_columns([dataset, *(original.dataset for original in originals)])
    by_digest: dict[bytes, list[AnnotatedEpisode]] = {}
    for original in originals:
        digests = {index: digest for digest, index in _digests(original.dataset, columns)}
        annotated = dict(original.episodes())
        for index, digest in digests.items():
            by_digest.setdefault(digest, []).append(annotated.get(index, AnnotatedEpisode("", (), ())))
    matched = {}
    for digest, index in _digests(dataset, columns):
        candidates = by_digest.get(digest, [])
        if not candidates:
            raise InputError(f"{dataset.root}: episode {index} is in none of the originals; name each with --from DIR.")
        if any(not _equal(candidates[0], other) for other in candidates[1:]):
            raise InputError(
                f"{dataset.root}: episode {index} is the same recording as several episodes of the originals, whose "
                "annotations differ; leave out the original that it is not from."
            )
        matched[index] = candidates[0]
    return matched


def _renamed(episode: Episode, annotations: list[Annotation]) -> tuple[Skill, ...]:
    """Return the skills with the names that the annotations have."""
    factual = (it for it in annotations if not it.sample.question.counterfactual)
    names = {annotation.sample.span.skill_index: annotation.sample.span.skill for annotation in factual}
    spans = enumerate(episode.skills)
    return tuple(Skill(names.get(position, span.name), span.start, span.end) for position, span in spans)


def _equal(first: AnnotatedEpisode, second: AnnotatedEpisode) -> bool:
    def dialogues(episode: AnnotatedEpisode) -> list[Any]:
        return [(a.sample.moment.frame_index, a.dialogue) for a in episode.annotations]

    return first.skills == second.skills and dialogues(first) == dialogues(second)


def _common_columns(datasets: list[Dataset]) -> list[str]:
    """Return the columns of numbers that all datasets have."""
    dtypes = [{key: str(feature.get("dtype")) for key, feature in dataset.features.items()} for dataset in datasets]
    common = set(dtypes[0]).intersection(*dtypes[1:]).difference(_INDICES)
    return sorted(name for name in common if all(dtype[name].startswith(_NUMBERS) for dtype in dtypes))


def _digests(dataset: Dataset, columns: list[str]) -> Iterator[tuple[bytes, int]]:
    """Return the digest of each episode's numbers, and its index."""
    for name in dataset.data_files:
        with dataset.shard(name) as shard:
            for column in ["episode_index", *columns]:
                if column not in shard.schema_arrow.names:
                    raise InputError(f"{dataset.root / name} has no column {column}, by which its episodes are known.")
            for table in episode_tables(dataset, shard, ["episode_index", *columns]):
                yield _digest(table, columns), int(table.column("episode_index")[0].as_py())


def _digest(table: pa.Table, columns: list[str]) -> bytes:
    digest = blake2b(len(table).to_bytes(8, "little"), digest_size=16)
    for name in columns:
        cells: Any = table.column(name)
        while not pa.types.is_primitive(cells.type):
            cells = pa.chunked_array([chunk.flatten() for chunk in cells.chunks])
        numbers = cells.cast(pa.int8()) if pa.types.is_boolean(cells.type) else cells
        digest.update(to_array("d", numbers.cast(pa.float64(), safe=False)).tobytes())
    return digest.digest()


def _read_manifest(root: Path) -> dict[str, Any]:
    try:
        return read_manifest(root)
    except InputError:
        raise InputError(
            f"{root / MANIFEST} is missing or no JSON: {root} is not as pgen wrote it. lerobot's tools that make a new "
            "dataset keep no annotations; name those it was made from with --from DIR."
        ) from None
