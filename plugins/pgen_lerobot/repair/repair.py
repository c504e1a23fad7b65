"""Makes the labels of a dataset right again after lerobot's tools changed its tasks or its episodes.

Merging, splitting and deleting make a dataset without annotations, whose labels point at rows that are gone or
another dataset's: they are taken from the originals. Nothing is asked of a model. The dataset's own folder
gains all that a run would have left there, all of it or nothing.
"""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from pgen.components import Results
from pgen.errors import InputError
from pgen.labels.spans import frame_ranges
from pgen.records import Annotation, Episode
from pgen.run.job import Job, prepare, running
from pgen.storage.durable import write_text
from pgen.storage.in_place import InPlace
from pgen_lerobot.format import Dataset
from pgen_lerobot.read import LeRobotSource
from pgen_lerobot.repair.originals import Found, Original, match
from pgen_lerobot.verify import misfit
from pgen_lerobot.write import LeRobotSink


@dataclass(frozen=True, slots=True)
class Repaired:
    """What a repair did: episodes that have dialogue again, of how many, and how many answers label them."""

    annotated: int
    episodes: int
    answers: int


def repair(root: Path, originals: Sequence[Path] = ()) -> Repaired:
    """Derive the labels of the dataset at `root` again, from its own annotations or those of `originals`.

    Raises InputError where an episode's annotations cannot be told for sure; nothing is then changed.
    """
    place = InPlace(root, "repair")
    if not root.is_dir():
        raise InputError(f"there is no dataset at {root}: the folder does not exist.")
    if (summary := prepare(place)) is not None:
        return Repaired(**summary)
    known = [Original(original) for original in originals or (root,)]
    dataset = known[0].dataset if not originals else Dataset(root)
    found = match(dataset, known) if originals else dict(known[0].episodes())
    with running(place) as job:
        done = _write(job, place, dataset, known, found)
        job.summary = asdict(done)
    return done


def _write(job: Job, place: InPlace, dataset: Dataset, known: list[Original], found: dict[int, Found]) -> Repaired:
    skills = place.scratch / "skills.json"
    write_text(skills, [json.dumps(_skills(found), ensure_ascii=False)])
    first = known[0].manifest
    named = first["source"].items()
    shown = {name: value for name, value in named if name in ("cameras", "views") and value is not None}
    source = LeRobotSource(root=place.out, skills=str(skills), **shown)
    source.open()
    sink = LeRobotSink(overwrite=True, unlabelled=first["labels"]["unlabelled"])
    sink.open(source)
    job.check_room(sink.needs_bytes(source))

    def read() -> Iterator[tuple[Episode, list[Annotation]]]:
        for episode in source.episodes():
            yield episode, _renewed(source, episode, found)

    done = _counted(dataset, found)
    sink.write(Results(source, _manifest(source, known, done, found), read), job.stage())
    place.switch.check(place.switch.changes())
    return done


def _renewed(source: LeRobotSource, episode: Episode, found: dict[int, Found]) -> list[Annotation]:
    """The annotations an episode had, by its number and its files of today."""
    ranges = frame_ranges(episode)
    renewed = []
    for annotation in found[episode.index].annotations if episode.index in found else ():
        sample = annotation.sample
        span = replace(sample.span, episode_index=episode.index, episode_id=episode.id)
        images = source.image_names(episode, sample.moment.frame_index)
        moment = replace(sample.moment, cameras=episode.cameras, images=images)
        renewed.append(replace(annotation, sample=replace(sample, span=span, moment=moment)))
        if what := misfit(episode, ranges, renewed[-1]):
            raise InputError(f"{source.dataset.root}: the annotations do not fit: {what}; verify the original.")
    return renewed


def _skills(found: dict[int, Found]) -> dict[str, Any]:
    """The spans as a skills.json."""
    episodes = {}
    for index, what in found.items():
        spans = [{"name": span.name, "start": span.start, "end": span.end} for span in what.skills]
        episodes[str(index)] = {"episode_index": index, "description": what.task, "skills": spans}
    return {"episodes": episodes}


def _counted(dataset: Dataset, found: dict[int, Found]) -> Repaired:
    annotated = sum(1 for what in found.values() if what.annotations)
    answers = sum(1 for what in found.values() for annotation in what.annotations if annotation.dialogue)
    return Repaired(annotated, len(dataset.episode_indices), answers)


def _manifest(source: LeRobotSource, known: list[Original], done: Repaired, found: dict[int, Found]) -> dict[str, Any]:
    """The first original's, with the counts of today; those of all the originals are kept under `made_from`."""
    failed = Counter(a.failure.stage for what in found.values() for a in what.annotations if a.failure)
    names = dict.fromkeys(str(original.manifest["generator"]["name"]) for original in known)
    models = dict.fromkeys(original.manifest["generator"]["model"] for original in known)
    first = known[0].manifest
    generator = first["generator"]
    if len(names) > 1 or len(models) > 1:
        told = [str(model) for model in models if model]
        generator = {"name": ", ".join(names), "model": ", ".join(told) or None, "found": {}}
    counts = {
        "episodes": done.episodes,
        "frames": source.dataset.layout.frames,
        "samples": done.answers + failed.total(),
        "answered": done.answers,
        "failed": dict(failed),
    }
    kept = {
        "source": {**source.describe(), "skills": "meta/pgen/skills.json"},
        "generator": generator,
        "counts": counts,
    }
    return {**first, **kept, "repairs": source.notes(), "made_from": [original.manifest for original in known]}
