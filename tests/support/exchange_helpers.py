"""Results with exchanges of every scope and counterfactuals, for the tests of the tables, the labels and `verify`."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from sink_helpers import Answer, annotate, results

from pgen.components import Results
from pgen.records import Annotation, Dialogue, Failure, Plan, Question, Sample
from pgen_lerobot.format import EXCHANGES


def questions(sample: Sample) -> Iterator[Question]:
    """Ask for an opening and a constraint at the first span, phases at even spans, two steps, and counterfactuals."""
    left = len(sample.span.future) + 1
    first = sample.moment.running == 0
    if first and sample.span.skill_index == 0:
        yield Question(scope="episode", skills=left)
        yield Question(scope="standing", skills=left)
    if first and sample.span.skill_index % 2 == 0:
        yield Question(scope="phase", skills=min(2, left))
    yield from (Question(variant=variant) for variant in range(2))
    if first:
        yield Question(counterfactual="other", target="fly away")
        yield Question(counterfactual="wait", variant=1)


def say(sample: Sample) -> Dialogue | Failure:
    """Return words of their own for each question."""
    question, span = sample.question, sample.span
    kind = question.counterfactual or question.scope
    prompt = f"{kind} {question.variant} at {sample.moment.frame_index} of ep_{span.episode_index}"
    return Dialogue(prompt, f"Sure, {kind}.", "specific_object", "confirmation")


def annotations(sample: Sample, answer: Answer = say, excluded: str | None = None) -> Iterator[Annotation]:
    """Return an annotation for each question about a moment; the standing ones forbid `excluded`."""
    for question in questions(sample):
        asked = replace(sample, question=question)
        plan = Plan(excluded=excluded) if question.scope == "standing" else Plan()
        yield Annotation(asked, plan, answer(asked))


def results_with_exchanges(
    root: Path,
    answer: Answer = say,
    *,
    excluded: str | None = None,
    run: Mapping[str, Any] | None = None,
    **source: Any,
) -> Results:
    """Return the results of a run with exchanges of every scope; `run` are options of its labelling."""
    made = results(root, of_moment=lambda sample: annotations(sample, answer, excluded), **source)
    made.manifest["run"] = made.manifest["run"] | dict(run or {})
    return made


def with_exchanges(root: Path, out: Path, answer: Answer = say, **options: Any) -> Path:
    """Annotate the dataset at `root` with exchanges of every scope."""
    return annotate(root, out, results_with_exchanges(root, answer, **options))


def exchange_table(root: Path) -> list[dict[str, Any]]:
    return pq.read_table(root / EXCHANGES).to_pylist()
