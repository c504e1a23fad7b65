"""Export the dialogue of a run as chats: one line per sample, with its images, to train a high-level policy on.

A chat is the task of a high-level policy of Hi Robot (arXiv 2502.19417): it sees the cameras, reads the user's
prompt, and answers with the robot's utterance and the next skill. Failed samples and samples whose images cannot be
read are left out and counted. An episode is either for training or for validation.
"""

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

from pydantic import Field

from pgen.components import ImageReader, Options
from pgen.errors import ConfigError, InputError, SampleError
from pgen.formats.syn_annotations import from_line
from pgen.records import Sample
from pgen.run.job import Job, prepare, running
from pgen.safety.terminal import printable
from pgen.seeds import derive
from pgen.storage.durable import sync
from pgen.storage.workspace import Workspace
from pgen_results.read import Line, RunResults

SYSTEM = (
    "You are the high-level policy of a robot. You see its cameras and hear what the user says. Answer with one JSON "
    "object: robot_utterance, what the robot says, and skill, what it does next."
)
PARTS = ("train", "validation")


class ExportOptions(Options):
    validation: float = Field(0.1, ge=0, lt=1)
    """The share of episodes for validation."""
    seed: int = 0
    """The seed of their choice."""
    max_pixels: int = Field(1003520, ge=1024)
    """Images are scaled down to this many pixels."""


@dataclass(frozen=True, slots=True)
class ExportReport:
    """Counts of an export: chats and episodes by part, and samples left out by reason."""

    folder: Path
    chats: Counter[str] = field(default_factory=Counter)
    episodes: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)

    def lines(self) -> Iterator[str]:
        """Yield the report as the command prints it."""
        for part in PARTS:
            yield f"{part:<11}{self.chats[part]:,} chats of {self.episodes[part]:,} episodes"
        for reason, count in sorted(self.left_out.items()):
            yield f"{'left out':<11}{count:,} {reason}"
        yield printable(f"{'output':<11}{self.folder}")


def export_chats(run: RunResults, output_dir: Path, options: ExportOptions) -> ExportReport:
    """Write `train.jsonl`, `validation.jsonl`, `images/` and `export.json` into a new folder.

    Raises ConfigError where the folder exists or the images are not available, InputError where no sample has a
    dialogue.
    """
    workspace = Workspace(output_dir, "export")
    prepare(workspace)
    if run.source is None:
        raise ConfigError(f"{run.name}: {run.no_images}")
    workspace.check_outside(run.source.folder)
    validation = validation_episodes(run, options)
    with running(workspace) as job:
        return _write(run, job, options, validation)


def validation_episodes(run: RunResults, options: ExportOptions) -> set[int]:
    """Choose episodes with a dialogue by the seed, so that each part has at least one where there are two."""
    answered = [episode.index for episode, lines in run.read() if any(line["status"] == "ok" for line in lines)]
    if not answered:
        raise InputError(f"{run.name} holds no answered sample; there is nothing to export.")
    wanted = max(1, round(options.validation * len(answered))) if options.validation else 0
    shuffled = sorted(answered, key=lambda index: (derive(options.seed, "validation", index), index))
    return set(shuffled[: min(wanted, len(answered) - 1)])


def _write(run: RunResults, job: Job, options: ExportOptions, validation: set[int]) -> ExportReport:
    assert run.source is not None
    staging, report = job.stage(), ExportReport(job.workspace.out)
    with ExitStack() as stack:
        # backslashreplace: half of a surrogate pair, which UTF-8 cannot encode, becomes its JSON escape.
        files = [
            stack.enter_context((staging / f"{part}.jsonl").open("x", encoding="utf-8", errors="backslashreplace"))
            for part in PARTS
        ]
        reader = stack.enter_context(run.source.reader(options.max_pixels))
        for episode, lines in run.read():
            part = episode.index in validation
            written = _write_episode(reader, lines, staging, files[part], report.left_out)
            report.chats[PARTS[part]] += written
            report.episodes[PARTS[part]] += bool(written)
    if not report.chats.total():
        raise InputError(f"{run.name}: no image of an answered sample could be read; is the input complete?")
    _write_provenance(staging / "export.json", run, options, report)
    for path in staging.rglob("*"):
        sync(path)
    return report


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
            left_out["without readable images"] += 1
            continue
        file.write(json.dumps(_chat(sample, line, images), ensure_ascii=False, allow_nan=False) + "\n")
        written += 1
    return written


def _write_images(reader: ImageReader, sample: Sample, folder: Path) -> list[str]:
    """Write the sample's images and return their relative paths, which are numbered: a camera's name is untrusted."""
    place = f"images/episode_{sample.span.episode_index:06d}"
    (folder / place).mkdir(parents=True, exist_ok=True)
    names = []
    for number, image in enumerate(reader.images(sample)):
        names.append(f"{place}/frame_{sample.moment.frame_index:06d}_camera_{number}.jpg")
        (folder / names[-1]).write_bytes(image.jpeg)
    return names


def _chat(sample: Sample, line: Line, images: list[str]) -> dict[str, Any]:
    answer = {"robot_utterance": line["robot_utterance"], "skill": line["skill_current"]}
    user = [*({"type": "image", "image": name} for name in images), _text(line["user_prompt"])]
    return {
        "messages": [
            {"role": "system", "content": [_text(SYSTEM)]},
            {"role": "user", "content": user},
            {"role": "assistant", "content": [_text(json.dumps(answer, ensure_ascii=False))]},
        ],
        "images": images,
        "episode_id": sample.span.episode_id,
        "frame_index": sample.moment.frame_index,
        "cameras": list(sample.moment.cameras),
        "task": sample.span.task,
    }


def _text(text: str) -> dict[str, str]:
    return {"type": "text", "text": text}


def _write_provenance(path: Path, run: RunResults, options: ExportOptions, report: ExportReport) -> None:
    recorded = {key: run.manifest[key] for key in ("versions", "prompt", "generator")}
    counts = {"chats": report.chats, "episodes": report.episodes, "left_out": report.left_out}
    path.write_text(json.dumps({**recorded, **options.model_dump(), **counts}, indent=2) + "\n", encoding="utf-8")
