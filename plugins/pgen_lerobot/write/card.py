"""The section that pgen adds to a dataset card: what was written, by which generator, and how to use it.

It is delimited by two markers and replaces a former section. Texts from the data or from a model are escaped,
so that none of them is markup.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any

from pgen.errors import InputError
from pgen.formats.syn_annotations import FILE, from_line, read_lines
from pgen.labels import Labelling
from pgen.records import Annotation
from pgen.safety.terminal import printable
from pgen.storage.durable import write_text
from pgen_lerobot.format import (
    COLUMN,
    COUNTERFACTUALS,
    EXCHANGES,
    MANIFEST,
    TASK_ROWS,
    UNDECODED,
    Dataset,
    Layout,
    read_counterfactuals,
    read_text,
)
from pgen_lerobot.write.card_reviews import reviewed_items
from pgen_lerobot.write.labelling import Annotated
from pgen_lerobot.write.metadata import SEGMENTATION_FILES

BEGIN, END = "<!-- pgen:begin -->", "<!-- pgen:end -->"
EXAMPLES = 10
_FRONT_MATTER = """---
task_categories:
- robotics
tags:
- LeRobot
- pgen
configs:
- config_name: default
  data_files: data/*/*.parquet
---
"""
_USE = """```python
from lerobot.datasets.lerobot_dataset import LeRobotDataset

dataset = LeRobotDataset(repo_id)
frame = dataset[0]
text = {text}
```"""
_HOLD = "the utterance is part of it as long as the dialogue is in force."
_ONCE = "the utterance is part of it only in the second in which it is spoken, after that the prompt stands alone."
_MARKUP = re.compile(r"([\\`*_{}\[\]()#+!|~$:@-])")


@dataclass(slots=True)
class Counts:
    """The counts on the card: those of annotations are updated as they are read, those of frames at the end."""

    labelled: int = 0
    frames: int = 0
    dialogues: int = 0
    answered: int = 0
    failed: int = 0
    counterfactuals: int = 0
    scopes: Counter[str] = field(default_factory=Counter)
    scenarios: Counter[str] = field(default_factory=Counter)
    responses: Counter[str] = field(default_factory=Counter)
    examples: dict[str, Annotation] = field(default_factory=dict)

    def watch(self, annotated: Iterable[Annotated]) -> Iterator[Annotated]:
        """Return the same episodes and count each as it is taken."""
        for episode, annotations in annotated:
            for annotation in annotations:
                self.add(annotation)
            yield episode, annotations

    def add(self, annotation: Annotation) -> None:
        dialogue, question = annotation.dialogue, annotation.sample.question
        if question.counterfactual:
            self.counterfactuals += dialogue is not None
            return
        if dialogue is None:
            self.failed += 1
            return
        self.answered += 1
        self.scopes[question.scope] += 1
        self.scenarios[dialogue.scenario_type or "not given"] += 1
        self.responses[dialogue.response_type or "not given"] += 1
        if len(self.examples) < EXAMPLES and not question.variant:
            self.examples.setdefault(dialogue.task, annotation)


def write_card(
    source: Path, target: Path, manifest: dict[str, Any], counts: Counts, unlabelled: str, layout: Layout
) -> None:
    """Write the card of `source`, or a new one, with the section; `unlabelled` is the sink's option."""
    text = read_text(source) if source.is_file() else f"{_FRONT_MATTER}\n"
    write_text(target, [_with_section(text, _section(manifest, counts, unlabelled, layout))], UNDECODED)


def pushed_card(dataset: Dataset) -> str:
    """Return an output's card with the tag `pgen` and, where it was removed, the section. Raises InputError."""
    from huggingface_hub import DatasetCard

    path = dataset.root / "README.md"
    text = read_text(path) if path.is_file() else ""
    if not text.startswith("---"):
        text = f"{_FRONT_MATTER}\n{text}"
    if BEGIN not in text:
        text = _with_section(text, _section_again(dataset))
    try:
        card = DatasetCard(text)
    except Exception as error:  # whatever its YAML parser raises
        raise InputError(f"{path}: the Hub cannot read its front matter: {' '.join(str(error).split())}.") from None
    tags = card.data.get("tags") or []
    tags = [tags] if isinstance(tags, str) else list(tags)
    card.data["tags"] = tags if "pgen" in tags else [*tags, "pgen"]
    return str(card)


def _section_again(dataset: Dataset) -> str:
    """Return the section from the output's manifest and annotations."""
    if not (dataset.root / "meta/pgen/manifest.json").is_file():
        return _skills_section(json.loads(read_text(dataset.root / SEGMENTATION_FILES["segmentation.json"])))
    manifest = json.loads(read_text(dataset.root / "meta/pgen/manifest.json"))
    labels = manifest["labels"]
    counts = Counts(labels["frames_labelled"], labels["frames"], labels["dialogues"])
    for line in read_lines(dataset.root / "meta" / FILE):
        counts.add(from_line(line))
    for annotation in read_counterfactuals(dataset.root / COUNTERFACTUALS):
        counts.add(annotation)
    return _section(manifest, counts, labels["unlabelled"], dataset.layout)


def _skills_section(record: dict[str, Any]) -> str:
    """Return the section of a dataset with skills and without dialogue."""
    segmenter, counts = record["segmenter"], record["counts"]
    model = segmenter["found"].get("model")
    by = f"{escaped(str(segmenter['name']))}{f' and the model {escaped(str(model))}' if model else ''}"
    parts = [
        "## Skills",
        f"Found by pgen with the segmenter {by}: {counts['spans']} spans in {counts['segmented']} of "
        f"{counts['episodes']} episodes of {_origin(record['source'])}.",
        "`meta/skills.json` holds each episode's skills with their start and end in seconds, "
        "`meta/pgen/segmentation.json` says how they were made.",
    ]
    return "\n\n".join([BEGIN, *parts, END])


def _with_section(text: str, section: str) -> str:
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if begin and end:
        return f"{before}{section}{after}"
    gap = "" if not text or text.endswith("\n\n") else "\n" if text.endswith("\n") else "\n\n"
    return f"{text}{gap}{section}\n"


def _section(manifest: dict[str, Any], counts: Counts, unlabelled: str, layout: Layout) -> str:
    labelling = Labelling.of_run(manifest.get("run", {}))
    others = "points at its own task" if unlabelled == "task" else f"has {unlabelled}"
    parts = [
        "## Dialogue",
        f"Written by pgen with {_author(manifest['generator'])}: what a person might have said, and what the robot "
        "would answer, while it did what it is seen doing. Nobody said these words.",
        f"- Source: {_origin(manifest['source'])}.\n"
        f"- Frames with a dialogue: {counts.labelled} of {counts.frames}. Any other frame {others}.\n"
        f"- Dialogues: {counts.dialogues}, from {counts.answered} samples; {counts.failed} samples failed.\n"
        f"- Scopes, what a dialogue leads to: {_shares(counts.scopes)}.\n"
        f"- Scenario types: {_shares(counts.scenarios)}.\n"
        f"- Response types: {_shares(counts.responses)}.{reviewed_items(manifest.get('reviews'))}",
        f"`{COLUMN}` is the row of `{layout.tasks_file}` with a frame's dialogue, `user prompt | robot "
        f"utterance`; {_HOLD if labelling.speech == 'hold' else _ONCE} `{TASK_ROWS}` has the same rows, with the two "
        "apart and the skill and types.",
        f"A dialogue is in force over a range of frames, and several are at once; the column holds one. `{EXCHANGES}` "
        "has all of them, with the frames `[start, stop)`, the scope and the skills that each leads to."
        f"{_elsewhere(counts)} "
        f"`meta/{FILE}` has a line for each sample, `{MANIFEST}` says how they were made.",
        _USE.format(text=layout.text_of.format(f'int(frame["{COLUMN}"])')),
        _table(counts),
    ]
    return "\n\n".join([BEGIN, *(part for part in parts if part), END])


def _elsewhere(counts: Counts) -> str:
    if not counts.counterfactuals:
        return ""
    return (
        f" `{COUNTERFACTUALS}` has {counts.counterfactuals} prompts that lead elsewhere than the demonstration, or to "
        "nothing: they are for a high-level policy only, and label no frame."
    )


def _origin(source: dict[str, Any]) -> str:
    """Return the Hub id and revision; of a folder only its name."""
    if source.get("root"):
        return f"the folder {escaped(Path(source['root']).resolve().name)}"
    revision = source.get("commit") or source.get("revision")
    repo_id = escaped(str(source.get("repo_id")))
    return f"{repo_id} at {escaped(str(revision))}" if revision else repo_id


def _author(generator: dict[str, Any]) -> str:
    name = str(generator["name"])
    if name == "template":
        return "the generator template, which fills in sentences and asks no model: for trials only"
    model = generator.get("model")
    by = f"the generator {escaped(name)}"
    return f"{by} and the model {escaped(str(model))}" if model else by


def _shares(types: Counter[str]) -> str:
    return ", ".join(f"{escaped(name)} {number}" for name, number in sorted(types.items())) or "none"


def _table(counts: Counts) -> str:
    if not counts.examples:
        return ""
    rows = ["| scope | skill | user prompt | robot utterance |", "|---|---|---|---|"]
    for annotation in counts.examples.values():
        dialogue = annotation.dialogue
        if dialogue is not None:
            sample = annotation.sample
            cells = (sample.question.scope, sample.span.skill, dialogue.user_prompt, dialogue.robot_utterance)
            rows.append(f"| {' | '.join(map(escaped, cells))} |")
    return "\n".join(rows)


def escaped(text: str) -> str:
    """Return the text as one line of Markdown without markup."""
    return _MARKUP.sub(r"\\\1", escape(printable(" ".join(text.split())), quote=False))
