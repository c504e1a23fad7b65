"""Export the dialogue of a run as chats: one line per sample, with its images, to train a high-level policy on.

A chat is the task of a high-level policy of Hi Robot (arXiv 2502.19417): it sees the cameras, reads the user's
prompt, and answers with the robot's utterance and the skill of the frame, whatever else its exchange leads to. In a
counterfactual, the skill is the one that the prompt leads to, or null. Failed samples and samples whose images cannot
be read are left out and counted. An episode is either for training or for validation.
"""

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple, TextIO

from pydantic import Field

from pgen.components import ImageReader, Options
from pgen.errors import ConfigError, InputError, SampleError
from pgen.formats.syn_annotations import from_line
from pgen.records import Annotation, Episode, Sample
from pgen.run.job import Job, prepare, running
from pgen.safety.terminal import printable
from pgen.seeds import derive
from pgen.storage.durable import sync
from pgen.storage.workspace import Workspace
from pgen_results.lines import Line, scope
from pgen_results.read import RunResults
from pgen_results.reviewed_dialogues import ApprovedDialogues, is_answered, is_approved

SYSTEM = (
    "You are the high-level policy of a robot. You see its cameras and hear what the user says. Answer with one JSON "
    "object: robot_utterance, what the robot says, and skill, what it does next."
)
WAITING = " The skill is null where the robot is to do none of its skills."
"""Ends the system message where some chats lead to no skill."""
PARTS = ("train", "validation")


class ExportOptions(Options):
    validation: float = Field(0.1, ge=0, lt=1)
    """The share of episodes for validation."""
    seed: int = 0
    """The seed of their choice."""
    max_pixels: int = Field(1003520, ge=1024)
    """Images are scaled down to this many pixels."""
    reviewed: bool = False
    """Export the dialogues alone that a person approved, with references for prompts and pairs of preference."""
    counterfactuals: bool = False
    """Also export the prompts that lead to another skill than the demonstrated one, or to none."""


@dataclass(frozen=True, slots=True)
class ExportReport:
    """Counts of an export: chats and episodes by part, and samples left out by reason."""

    folder: Path
    chats: Counter[str] = field(default_factory=Counter)
    episodes: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)
    reviewed: Counter[str] = field(default_factory=Counter)
    """References and pairs of preference, where they are written."""

    def lines(self) -> Iterator[str]:
        """Yield the report as the command prints it."""
        for part in PARTS:
            yield f"{part:<11}{self.chats[part]:,} chats of {self.episodes[part]:,} episodes"
        for name, count in self.reviewed.items():
            yield f"{name:<11}{count:,}"
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
    if options.reviewed and options.counterfactuals:
        raise ConfigError("--reviewed exports what people approved, and nobody reviews counterfactuals: leave one out.")
    workspace.check_outside(run.source.folder)
    validation = validation_episodes(run, options)
    with running(workspace) as job:
        return _write(run, job, options, validation)


def validation_episodes(run: RunResults, options: ExportOptions) -> set[int]:
    """Choose episodes with a dialogue by the seed, so that each part has at least one where there are two."""
    is_wanted = is_approved if options.reviewed else is_answered
    answered = [episode.index for episode, lines in run.read() if any(map(is_wanted, lines))]
    if not answered and options.reviewed:
        raise InputError(f"{run.name} has no dialogue that a person approved: use `pgen review`, then its --apply.")
    if not answered:
        raise InputError(f"{run.name} holds no answered sample; there is nothing to export.")
    wanted = max(1, round(options.validation * len(answered))) if options.validation else 0
    shuffled = sorted(answered, key=lambda index: (derive(options.seed, "validation", index), index))
    return set(shuffled[: min(wanted, len(answered) - 1)])


def _write(run: RunResults, job: Job, options: ExportOptions, validation: set[int]) -> ExportReport:
    assert run.source is not None
    staging, report = job.stage(), ExportReport(job.workspace.out)
    instead = _counterfactuals(run) if options.counterfactuals else {}
    system = SYSTEM + WAITING * options.counterfactuals
    with ExitStack() as stack:
        # backslashreplace: half of a surrogate pair, which UTF-8 cannot encode, becomes its JSON escape.
        files = [
            stack.enter_context((staging / f"{part}.jsonl").open("x", encoding="utf-8", errors="backslashreplace"))
            for part in PARTS
        ]
        reader = stack.enter_context(run.source.reader(options.max_pixels))
        approved = stack.enter_context(ApprovedDialogues(staging)) if options.reviewed else None
        for episode, every in run.read():
            part = episode.index in validation
            lines = [line for line in every if is_approved(line)] if approved else every
            if left := len(every) - len(lines):
                report.left_out["not approved by a person"] += left
            exchanges = [*_exchanges(lines, report.left_out), *_others(episode, lines, instead.get(episode.index, []))]
            images = _Images(reader, staging)
            written = _write_chats(exchanges, images, system, files[part], report.left_out)
            report.chats[PARTS[part]] += written
            report.episodes[PARTS[part]] += bool(written)
            if approved:
                report.reviewed.update(approved.write(lines, images.of, PARTS[part]))
    if not report.chats.total():
        raise InputError(f"{run.name}: no image of an answered sample could be read; is the input complete?")
    _write_provenance(staging / "export.json", run, options, report)
    for path in staging.rglob("*"):
        sync(path)
    return report


def _counterfactuals(run: RunResults) -> dict[int, list[Annotation]]:
    """Return the counterfactuals of each episode. Raises ConfigError where there is none."""
    of_episodes: dict[int, list[Annotation]] = {}
    for annotation in run.counterfactuals():
        of_episodes.setdefault(annotation.sample.span.episode_index, []).append(annotation)
    if not of_episodes:
        raise ConfigError(f"{run.name} has no counterfactuals; annotate with --counterfactuals SHARE.")
    return of_episodes


class _Exchange(NamedTuple):
    """What a chat consists of besides its images; `skill` is its target, None where that is to do nothing."""

    sample: Sample
    user: str
    robot: str
    skill: str | None
    scope: str


def _exchanges(lines: list[Line], left_out: Counter[str]) -> Iterator[_Exchange]:
    for line in lines:
        if line["status"] == "failed":
            left_out["failed"] += 1
            continue
        texts = line["user_prompt"], line["robot_utterance"]
        yield _Exchange(from_line(line).sample, *texts, line["skill_current"], scope(line))


def _others(episode: Episode, lines: list[Line], annotations: list[Annotation]) -> Iterator[_Exchange]:
    """Yield the counterfactuals of an episode, with what their lines do not say."""
    cameras = {line["frame_index"]: tuple(line["cameras"]) for line in lines}
    for annotation in annotations:
        sample, dialogue = annotation.sample, annotation.dialogue
        assert dialogue is not None
        moment = replace(sample.moment, cameras=cameras.get(sample.moment.frame_index, episode.cameras))
        span = replace(sample.span, episode_id=episode.id, task=episode.task)
        texts = dialogue.user_prompt, dialogue.robot_utterance
        placed = replace(sample, span=span, moment=moment)
        yield _Exchange(placed, *texts, sample.question.target, "counterfactual")


class _Images:
    """Writes the images of the moments of an episode, each once."""

    def __init__(self, reader: ImageReader, folder: Path) -> None:
        self._reader, self._folder = reader, folder
        self._written: dict[int, list[str] | None] = {}

    def of(self, sample: Sample) -> list[str] | None:
        """Return the relative paths of a sample's images, or None where they cannot be read."""
        frame = sample.moment.frame_index
        if frame not in self._written:
            try:
                self._written[frame] = self._write(sample)
            except SampleError:
                self._written[frame] = None
        return self._written[frame]

    def _write(self, sample: Sample) -> list[str]:
        """Write the images, whose names are numbered: a camera's name is untrusted."""
        place = f"images/episode_{sample.span.episode_index:06d}"
        (self._folder / place).mkdir(parents=True, exist_ok=True)
        names = []
        for number, image in enumerate(self._reader.images(sample)):
            names.append(f"{place}/frame_{sample.moment.frame_index:06d}_camera_{number}.jpg")
            (self._folder / names[-1]).write_bytes(image.jpeg)
        return names


def _write_chats(exchanges: list[_Exchange], images: _Images, system: str, file: TextIO, left_out: Counter[str]) -> int:
    written = 0
    for exchange in exchanges:
        if (names := images.of(exchange.sample)) is None:
            left_out["without readable images"] += 1
            continue
        file.write(json.dumps(_chat(exchange, names, system), ensure_ascii=False, allow_nan=False) + "\n")
        written += 1
    return written


def _chat(exchange: _Exchange, images: list[str], system: str) -> dict[str, Any]:
    sample = exchange.sample
    answer = {"robot_utterance": exchange.robot, "skill": exchange.skill}
    user = [*({"type": "image", "image": name} for name in images), _text(exchange.user)]
    return {
        "messages": [
            {"role": "system", "content": [_text(system)]},
            {"role": "user", "content": user},
            {"role": "assistant", "content": [_text(json.dumps(answer, ensure_ascii=False))]},
        ],
        "images": images,
        "episode_id": sample.span.episode_id,
        "frame_index": sample.moment.frame_index,
        "cameras": list(sample.moment.cameras),
        "task": sample.span.task,
        "scope": exchange.scope,
    }


def _text(text: str) -> dict[str, str]:
    return {"type": "text", "text": text}


def _write_provenance(path: Path, run: RunResults, options: ExportOptions, report: ExportReport) -> None:
    recorded = {key: run.manifest[key] for key in ("versions", "prompt", "generator")}
    counts = {"chats": report.chats, "episodes": report.episodes, "left_out": report.left_out, **report.reviewed}
    path.write_text(json.dumps({**recorded, **options.model_dump(), **counts}, indent=2) + "\n", encoding="utf-8")
