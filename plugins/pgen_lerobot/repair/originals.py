"""Annotated datasets that another one was made from: whose episode is whose, told by what the robot did.

lerobot's tools renumber episodes and keep no word of where they came from. An episode is known again by its
recorded numbers (states, actions, times), bit by bit; where two look alike, nothing is guessed.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

import pyarrow as pa

from pgen.errors import InputError
from pgen.formats.syn_annotations import from_line, read_lines
from pgen.records import Annotation, Episode, Skill
from pgen_lerobot.format import COLUMN, Dataset, episode_tables, to_array
from pgen_lerobot.read import LeRobotSource
from pgen_lerobot.verify import LINES, source_options

_INDICES = {"index", "episode_index", "frame_index", "task_index", COLUMN}
_NUMBERS = ("float", "int", "uint", "bool")


@dataclass(frozen=True, slots=True)
class Found:
    """An annotated episode: its task, its spans, and the annotations it had."""

    task: str
    skills: tuple[Skill, ...]
    annotations: tuple[Annotation, ...]


class Original:
    """A dataset that pgen wrote, with the annotations it has. Raises InputError where it lacks them."""

    def __init__(self, root: Path) -> None:
        self.dataset = Dataset(root)
        self.manifest = _manifest(root)
        if not (root / LINES).is_file():
            raise InputError(f"{root / LINES} is missing; there are no annotations to make the labels from.")
        self._lines: dict[int, list[Annotation]] = {}
        for line in read_lines(root / LINES):
            self._lines.setdefault(line["episode_index"], []).append(from_line(line))

    def episodes(self) -> Iterator[tuple[int, Found]]:
        """Every annotated episode. Where its one task was its skill, the skill is called as it was then."""
        source = LeRobotSource(**source_options(self.dataset.root, self.manifest))
        source.open()
        for episode in source.episodes():
            found = self._lines.get(episode.index, [])
            yield episode.index, Found(episode.task, self._named(episode, found, source.options.skills), tuple(found))

    def _named(self, episode: Episode, found: list[Annotation], skills: str) -> tuple[Skill, ...]:
        if skills != "task":
            return episode.skills
        names = {annotation.sample.span.skill_index: annotation.sample.span.skill for annotation in found}
        spans = enumerate(episode.skills)
        return tuple(Skill(names.get(position, span.name), span.start, span.end) for position, span in spans)


def match(dataset: Dataset, originals: list[Original]) -> dict[int, Found]:
    """What each episode of the dataset was, by its index. Raises InputError where that cannot be told."""
    columns = _common([dataset, *(original.dataset for original in originals)])
    known: dict[bytes, list[Found]] = {}
    for original in originals:
        prints = {index: digest for digest, index in _fingerprints(original.dataset, columns)}
        annotated = dict(original.episodes())
        for index, digest in prints.items():
            known.setdefault(digest, []).append(annotated.get(index, Found("", (), ())))
    matched = {}
    for digest, index in _fingerprints(dataset, columns):
        candidates = known.get(digest, [])
        if not candidates:
            raise InputError(f"{dataset.root}: episode {index} is in none of the originals; name each with --from DIR.")
        if any(not _alike(candidates[0], other) for other in candidates[1:]):
            raise InputError(
                f"{dataset.root}: episode {index} is the same recording as several episodes of the originals, whose "
                "annotations differ; leave out the original that it is not from."
            )
        matched[index] = candidates[0]
    return matched


def _alike(one: Found, other: Found) -> bool:
    said = [[(a.sample.moment.frame_index, a.dialogue) for a in found.annotations] for found in (one, other)]
    return one.skills == other.skills and said[0] == said[1]


def _common(datasets: list[Dataset]) -> list[str]:
    """The columns of numbers that all have."""
    kinds = [{key: str(feature.get("dtype")) for key, feature in dataset.features.items()} for dataset in datasets]
    shared = set(kinds[0]).intersection(*kinds[1:]).difference(_INDICES)
    return sorted(name for name in shared if all(kind[name].startswith(_NUMBERS) for kind in kinds))


def _fingerprints(dataset: Dataset, columns: list[str]) -> Iterator[tuple[bytes, int]]:
    """The digest of each episode's numbers, and its index."""
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


def _manifest(root: Path) -> dict[str, Any]:
    path = root / "meta" / "pgen" / "manifest.json"
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError):
        raise InputError(
            f"{path} is missing or no JSON: {root} is not as pgen wrote it. lerobot's tools that make a new dataset "
            "keep no annotations; name those it was made from with --from DIR."
        ) from None
