"""Outputs in the form that they had before exchanges had scopes."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from sink_helpers import annotate, results

from pgen.records import Annotation, Dialogue, Plan, Question, Sample
from pgen_lerobot.format import EXCHANGES, MANIFEST

LINES = "meta/syn_annotations.jsonl"
NEW_KEYS = ("scope", "start", "stop", "skills", "running", "planned_excluded", "planned_absent")


def former(root: Path, out: Path, variants: int) -> Path:
    """Annotate the dataset at `root` with single steps, and leave out what earlier versions did not write."""

    def of_moment(sample: Sample) -> Iterator[Annotation]:
        for variant in range(variants):
            place = f"{sample.moment.frame_index} of {sample.span.episode_index}"
            dialogue = Dialogue(
                f"Please {sample.span.skill} {variant} at {place}", "Sure.", "negative_task", "confirmation"
            )
            yield Annotation(replace(sample, question=Question(variant=variant)), Plan(), dialogue)

    annotate(root, out, results(root, of_moment=of_moment))
    (out / EXCHANGES).unlink()
    lines = [json.loads(line) for line in (out / LINES).read_text().splitlines()]
    kept = ({key: value for key, value in line.items() if key not in NEW_KEYS} for line in lines)
    (out / LINES).write_text("".join(json.dumps(line) + "\n" for line in kept))
    manifest = json.loads((out / MANIFEST).read_text())
    manifest["run"] = {"seed": 0, "variants": variants}
    hashes = manifest["labels"]["files"]
    del hashes[EXCHANGES]
    hashes[LINES] = hashlib.sha256((out / LINES).read_bytes()).hexdigest()
    (out / MANIFEST).write_text(json.dumps(manifest))
    return out
