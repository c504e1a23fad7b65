"""Repair the labels of a dataset whose tasks or episodes lerobot's tools changed.

Merging, splitting and deleting make a dataset without annotations, whose labels point at missing rows or at
another dataset's: the annotations are taken from the originals. lerobot's tools renumber episodes, so an episode is
identified by the bits of its recorded numbers; where several originals match, nothing is guessed. No request is
made. The dataset's own folder gets everything that a run would have written, or nothing.
"""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from hashlib import blake2b
from pathlib import Path
from typing import Any

import pyarrow as pa

from pgen.components import Results
from pgen.errors import InputError
from pgen.formats.syn_annotations import from_line, read_lines
from pgen.labels import frame_ranges
from pgen.records import Annotation, Episode, Skill
from pgen.run.job import Job, prepare, running
from pgen.storage.durable import write_text
from pgen.storage.in_place import InPlace
from pgen_lerobot.format import (
    COLUMN,
    COUNTERFACTUALS,
    KEPT_SKILLS,
    MANIFEST,
    Dataset,
    episode_tables,
    read_counterfactuals,
    to_array,
)
from pgen_lerobot.read import LeRobotSource, read_manifest, source_options
from pgen_lerobot.verify import misfit
from pgen_lerobot.write import LINES, Annotated, LeRobotSink, skills_entry

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

    def episodes(self) -> Iterator[tuple[int, AnnotatedEpisode]]:
        """Read every annotated episode. A skill that was the task has the name that the task had then."""
        source = LeRobotSource(**source_options(self.dataset.root, self.manifest))
        source.open()
        for episode in source.episodes():
            annotations = self._annotations.get(episode.index, [])
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


type Matched = dict[int, AnnotatedEpisode]
"""The original of each episode, by index."""


@dataclass(frozen=True, slots=True)
class Repaired:
    """The counts of a repair: episodes with dialogue, all episodes, and answered samples."""

    annotated: int
    episodes: int
    answers: int


def repair(root: Path, originals: Sequence[Path] = ()) -> Repaired:
    """Compute the labels of the dataset at `root` again, from its own annotations or those of `originals`.

    Raises InputError, and changes nothing, where an episode's annotations are ambiguous.
    """
    place = InPlace(root, "repair")
    if not root.is_dir():
        raise InputError(f"there is no dataset at {root}: the folder does not exist.")
    if (summary := prepare(place)) is not None:
        return Repaired(**summary)
    opened = [Original(original) for original in originals or (root,)]
    dataset = opened[0].dataset if not originals else Dataset(root)
    matched = match(dataset, opened) if originals else dict(opened[0].episodes())
    with running(place) as job:
        done = _write(job, place, dataset, opened, matched)
        job.summary = asdict(done)
    return done


def _write(job: Job, place: InPlace, dataset: Dataset, originals: list[Original], matched: Matched) -> Repaired:
    entries = {str(index): skills_entry(index, of.task, of.skills) for index, of in matched.items()}
    skills = place.scratch / "skills.json"
    write_text(skills, [json.dumps({"episodes": entries}, ensure_ascii=False)])
    first = originals[0].manifest
    options = {key: first["source"][key] for key in ("cameras", "views") if first["source"].get(key) is not None}
    source = LeRobotSource(root=place.out, skills=str(skills), **options)
    source.open()
    sink = LeRobotSink(overwrite=True, unlabelled=first["labels"]["unlabelled"])
    sink.open(source)
    job.check_room(sink.needs_bytes(source))

    def read() -> Iterator[Annotated]:
        for episode in source.episodes():
            yield episode, _adapted(source, episode, matched)

    done = _count(dataset, matched)
    sink.write(Results(source, _manifest(source, originals, done, matched), read), job.stage())
    place.switch.check(place.switch.changes())
    return done


def _adapted(source: LeRobotSource, episode: Episode, matched: Matched) -> list[Annotation]:
    """Return the original's annotations with the episode's present index, cameras and files."""
    ranges = frame_ranges(episode)
    adapted = []
    for annotation in matched[episode.index].annotations if episode.index in matched else ():
        sample = annotation.sample
        span = replace(sample.span, episode_index=episode.index, episode_id=episode.id)
        images = source.image_names(episode, sample.moment.frame_index)
        moment = replace(sample.moment, cameras=episode.cameras, images=images)
        adapted.append(replace(annotation, sample=replace(sample, span=span, moment=moment)))
        counterfactual = sample.question.counterfactual
        if not counterfactual and (what := misfit(episode, ranges, adapted[-1])):
            raise InputError(f"{source.dataset.root}: the annotations do not fit: {what}; verify the original.")
    return adapted


def _count(dataset: Dataset, matched: Matched) -> Repaired:
    annotated = sum(1 for original in matched.values() if original.annotations)
    annotations = [annotation for original in matched.values() for annotation in original.annotations]
    answers = sum(1 for it in annotations if it.dialogue and not it.sample.question.counterfactual)
    return Repaired(annotated, len(dataset.episode_indices), answers)


def _manifest(source: LeRobotSource, originals: list[Original], done: Repaired, matched: Matched) -> dict[str, Any]:
    """Return the first original's manifest with the present counts, and all the originals' as `made_from`."""
    failed = Counter(a.failure.stage for original in matched.values() for a in original.annotations if a.failure)
    first = originals[0].manifest
    generators = [original.manifest["generator"] for original in originals]
    names = dict.fromkeys(str(generator["name"]) for generator in generators)
    models = dict.fromkeys(generator["model"] for generator in generators)
    generator = first["generator"]
    if len(names) > 1 or len(models) > 1:
        model = ", ".join(str(model) for model in models if model)
        generator = {"name": ", ".join(names), "model": model or None, "found": {}}
    return {
        **first,
        "source": {**source.describe(), "skills": KEPT_SKILLS},
        "generator": generator,
        "counts": {
            "episodes": done.episodes,
            "frames": source.dataset.layout.frames,
            "samples": done.answers + failed.total(),
            "answered": done.answers,
            "failed": dict(failed),
        },
        "repairs": source.notes(),
        "made_from": [original.manifest for original in originals],
    }
