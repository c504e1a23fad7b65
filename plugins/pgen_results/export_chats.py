"""The dialogue of a run as chats: one line a sample, pictures beside them, episodes kept together.

A chat is what a high-level policy of Hi Robot does (arXiv 2502.19417): it is shown the cameras and told the
user's words, and answers with what the robot says and the skill that comes next. Samples that failed, and
those whose pictures cannot be read, are left out and counted.
"""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from pydantic import Field

from pgen.cli.shown import printable
from pgen.components import ImageReader, Source
from pgen.components.options import Options
from pgen.errors import ConfigError, InputError, SampleError
from pgen.formats.syn_annotations import from_line
from pgen.records import Sample
from pgen.run.job import Job, prepare, running
from pgen.seeds import derive
from pgen.storage.durable import sync
from pgen.storage.workspace import Workspace
from pgen_results.read import Line, Told

SYSTEM = (
    "You are the high-level policy of a robot. You see its cameras and hear what the user says. Answer with one JSON "
    "object: robot_utterance, what the robot says, and skill, what it does next."
)
PARTS = ("train", "validation")


class ExportOptions(Options):
    validation: float = Field(0.1, ge=0, lt=1)
    """The share of episodes that are kept for validation."""
    seed: int = 0
    """Chooses them."""
    max_pixels: int = Field(1003520, ge=1024)
    """Pictures are scaled down to this many pixels."""


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written: chats by part; samples left out, by the reason."""

    folder: Path
    chats: Counter[str]
    episodes: Counter[str]
    left_out: Counter[str]

    def lines(self) -> Iterator[str]:
        for part in PARTS:
            yield f"{part:<11}{self.chats[part]:,} chats of {self.episodes[part]:,} episodes"
        for reason, count in sorted(self.left_out.items()):
            yield f"{'left out':<11}{count:,} {reason}"
        yield printable(f"{'output':<11}{self.folder}")


def write_chats(told: Told, output_dir: Path, options: ExportOptions) -> Exported:
    """Write `train.jsonl`, `validation.jsonl`, `images/` and `export.json` into a new folder.

    Raises ConfigError where the folder exists or the pictures are not at hand, InputError where nothing was answered.
    """
    workspace = Workspace(output_dir, "export")
    prepare(workspace)
    if told.source is None:
        raise ConfigError(f"{told.name}: {told.absent}")
    workspace.check_outside(told.source.folder)
    held = validation_episodes(told, options)
    with running(workspace) as job:
        return _write(told, told.source, job, options, held)


def validation_episodes(told: Told, options: ExportOptions) -> set[int]:
    """The episodes for validation: a seeded choice among those with an answer, at least one where it is a choice."""
    answered = [episode.index for episode, lines in told.read() if any(line["status"] == "ok" for line in lines)]
    if not answered:
        raise InputError(f"{told.name} holds no answered sample; there is nothing to export.")
    wanted = max(1, round(options.validation * len(answered))) if options.validation else 0
    ordered = sorted(answered, key=lambda index: (derive(options.seed, "validation", index), index))
    return set(ordered[: min(wanted, len(answered) - 1)])


def chat(sample: Sample, line: Line, images: list[str]) -> dict[str, Any]:
    """One chat; `images` are paths relative to the folder, in the order of the cameras."""
    shown = [{"type": "image", "image": name} for name in images]
    answer = {"robot_utterance": line["robot_utterance"], "skill": line["skill_current"]}
    return {
        "messages": [
            {"role": "system", "content": [_text(SYSTEM)]},
            {"role": "user", "content": [*shown, _text(line["user_prompt"])]},
            {"role": "assistant", "content": [_text(json.dumps(answer, ensure_ascii=False))]},
        ],
        "images": images,
        "episode_id": sample.episode_id,
        "frame_index": sample.frame_index,
        "cameras": list(sample.cameras),
        "task": sample.task_description,
    }


def _text(text: str) -> dict[str, str]:
    return {"type": "text", "text": text}


def _write(told: Told, source: Source, job: Job, options: ExportOptions, held: set[int]) -> Exported:
    staging = job.stage()
    done = Exported(job.workspace.out, Counter(), Counter(), Counter())
    # Half of a surrogate pair, which no file can hold, becomes what JSON writes for it.
    files = {part: (staging / f"{part}.jsonl").open("x", encoding="utf-8", errors="backslashreplace") for part in PARTS}
    try:
        with source.reader(options.max_pixels) as reader:
            for episode, lines in told.read():
                part = PARTS[episode.index in held]
                written = _write_episode(reader, lines, staging, files[part], done.left_out)
                done.chats[part] += written
                done.episodes[part] += bool(written)
    finally:
        for file in files.values():
            file.close()
    if not done.chats.total():
        raise InputError(f"{told.name}: no picture of an answered sample could be read; is the input complete?")
    _write_provenance(staging / "export.json", told, options, done)
    for path in staging.rglob("*"):
        sync(path)
    return done


def _write_episode(reader: ImageReader, lines: list[Line], folder: Path, file: TextIO, left_out: Counter[str]) -> int:
    written = 0
    for line in lines:
        if line["status"] == "failed":
            left_out["failed"] += 1
            continue
        sample = from_line(line).sample
        try:
            images = _write_images(reader, sample, folder)
        except SampleError:
            left_out["without readable pictures"] += 1
            continue
        file.write(json.dumps(chat(sample, line, images), ensure_ascii=False, allow_nan=False) + "\n")
        written += 1
    return written


def _write_images(reader: ImageReader, sample: Sample, folder: Path) -> list[str]:
    """The sample's pictures, under names that are numbers alone: a camera's name is data."""
    place = f"images/episode_{sample.episode_index:06d}"
    (folder / place).mkdir(parents=True, exist_ok=True)
    names = []
    for number, image in enumerate(reader.images(sample)):
        name = f"{place}/frame_{sample.frame_index:06d}_camera_{number}.jpg"
        (folder / name).write_bytes(image.jpeg)
        names.append(name)
    return names


def _write_provenance(path: Path, told: Told, options: ExportOptions, done: Exported) -> None:
    made_by = {key: told.manifest[key] for key in ("versions", "prompt", "generator")}
    counts = {"chats": done.chats, "episodes": done.episodes, "left_out": done.left_out}
    text = json.dumps({**made_by, **options.model_dump(), **counts}, indent=2)
    path.write_text(text + "\n", encoding="utf-8")
