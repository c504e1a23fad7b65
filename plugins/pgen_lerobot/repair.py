"""Repair the labels of a dataset whose tasks or episodes lerobot's tools changed.

Merging, splitting and deleting make a dataset without annotations, whose labels point at missing rows or at
another dataset's: the annotations are taken from the originals. lerobot's tools renumber episodes, so an episode is
identified by the bits of its recorded numbers; where several originals match, nothing is guessed. No request is
made. The dataset's own folder gets everything that a run would have written, or nothing.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from pgen.components import Results
from pgen.errors import InputError
from pgen.labels import Labelling, frame_ranges
from pgen.records import Annotation, Episode
from pgen.run.job import Job, prepare, running
from pgen.run.manifest import Tally
from pgen.storage.durable import write_text
from pgen.storage.in_place import InPlace
from pgen_lerobot.format import KEPT_SKILLS, Dataset
from pgen_lerobot.read import LeRobotSource
from pgen_lerobot.rewriting import AnnotatedEpisode, Original, counts_entry, match, rewrite
from pgen_lerobot.skills import SkillsJson
from pgen_lerobot.verify import differing_episodes, misfit, reads_own
from pgen_lerobot.write import Annotated, skills_entry

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
    if reads_own(opened[0].manifest) and (differing := differing_episodes(root)):
        raise InputError(
            f"{root / SkillsJson.reads} differs from {KEPT_SKILLS}, which the labels follow, in episode "
            f"{differing[0]}; run `pgen annotate` again to use it, or remove it."
        )
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

    def read() -> Iterator[Annotated]:
        for episode in source.episodes():
            yield episode, _adapted(source, episode, matched)

    done = _count(dataset, matched)
    results = Results(source, _manifest(source, originals, done, matched), read)
    rewrite(job, results, first["labels"]["unlabelled"])
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


def _tally(matched: Matched) -> Tally:
    counts = Tally()
    for original in matched.values():
        for annotation in original.annotations:
            counts.add(annotation)
    return counts


def _count(dataset: Dataset, matched: Matched) -> Repaired:
    annotated = sum(bool(original.annotations) for original in matched.values())
    return Repaired(annotated, len(dataset.episode_indices), _tally(matched).scopes.total())


def _manifest(source: LeRobotSource, originals: list[Original], done: Repaired, matched: Matched) -> dict[str, Any]:
    """Return the first original's manifest with the present counts, and all the originals' as `made_from`.

    The entry of a review is about the dialogues of one original: with others it stays in `made_from` alone.
    """
    first = originals[0].manifest
    is_own = originals[0].dataset.root.samefile(source.dataset.root)
    return {
        **{name: entry for name, entry in first.items() if is_own or name != "reviews"},
        "source": {**source.describe(), "skills": first["source"].get("skills", "auto")},
        "generator": _generator([original.manifest["generator"] for original in originals]),
        "run": first["run"] | asdict(Labelling.of_run(first["run"])),
        "counts": counts_entry(_tally(matched), done.episodes, source.dataset.layout.frames),
        "repairs": source.notes(),
        "made_from": [original.manifest for original in originals],
    }


def _generator(generators: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the entry of the first generator, or the names and models of different ones."""
    names = dict.fromkeys(str(generator["name"]) for generator in generators)
    models = dict.fromkeys(generator["model"] for generator in generators)
    if len(names) == len(models) == 1:
        return generators[0]
    return {"name": ", ".join(names), "model": ", ".join(filter(None, models)) or None, "found": {}}
