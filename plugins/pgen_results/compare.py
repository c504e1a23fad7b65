"""Two runs side by side on the samples that both were asked about: their figures, and what each said."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from pgen.cli.shown import printable
from pgen.errors import InputError
from pgen.records import Episode
from pgen_results.figures import KINDS, Figures, cost, figures
from pgen_results.page import render
from pgen_results.read import Line, Told, reasons
from pgen_results.thumbnails import thumbnails

LISTED = 5000
THUMBNAILS = 400
NAMES = 36
"""Characters of a name or model in the terminal's table."""

type Key = tuple[str, int, int, str, int]
type Row = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Both:
    """Two runs as far as they share samples. `same` counts those to which both gave the same words."""

    runs: tuple[Told, Told]
    samples: tuple[int, int]
    """Of each run in all."""
    figures: tuple[Figures, Figures]
    same: int


def compared(first: Told, second: Told) -> Both:
    """Match two runs by their samples. Raises InputError where they have none in common."""
    keys = [[_key(line) for _, lines in told.read() for line in lines] for told in (first, second)]
    common = set(keys[0]) & set(keys[1])
    if not common:
        raise InputError(f"{first.name} and {second.name} have no sample in common: compare two runs on one dataset.")
    a, b = (_only(told, common) for told in (first, second))
    same = sum(_words(one) == _words(other) for one, other in _pairs(a, b) if one["status"] == "ok")
    return Both((a, b), (len(keys[0]), len(keys[1])), (figures(a), figures(b)), same)


def rows(both: Both, price_in: float | None = None, price_out: float | None = None) -> list[Row]:
    """What is compared, as name and the two runs' values. Tokens, time and cost are those of the whole runs."""
    sides = []
    for told, samples, found in zip(both.runs, both.samples, both.figures, strict=True):
        paid = cost(told.manifest, price_in, price_out)
        priced = [] if paid is None else [("cost", f"{paid:,.2f}")]
        sides.append([*_made(told.manifest), *_counted(found, samples), *_spent(told.manifest), *priced])
    return [(name, one, other) for (name, one), (_, other) in zip(*sides, strict=True)]


def compare_text(both: Both, price_in: float | None = None, price_out: float | None = None) -> str:
    """The comparison as a table of text."""
    table = [("", both.runs[0].name, both.runs[1].name), *rows(both, price_in, price_out)]
    cells = [tuple(" ".join(cell.split())[:NAMES] for cell in row) for row in table]
    width = max(len(row[1]) for row in cells) + 2
    lines = [f"{name:<26}{one:<{width}}{other}" for name, one, other in cells]
    return printable("\n".join([*lines, "", f"same words: {both.same:,} of {both.figures[0].samples:,} samples"]))


def compare_page(both: Both, price_in: float | None = None, price_out: float | None = None) -> str:
    """The comparison as HTML, with both dialogues for each sample."""
    a, b = both.runs
    listed = min(LISTED, both.figures[0].samples)
    with thumbnails(a.source, listed, THUMBNAILS) as shown:
        moments: list[dict[str, Any]] = []
        for one, other in _pairs(a, b):
            if len(moments) == listed:
                break
            moments.append({**_moment(one), "picture": shown.of(one), "sides": [_side(one), _side(other)]})
    return render(
        "compare.html",
        ("page.js", "compare.js"),
        {"moments": moments, "thumbnails": shown.shown},
        both=both,
        rows=rows(both, price_in, price_out),
        listed=listed,
        pictures=len(shown.shown),
    )


def _made(run: dict[str, Any]) -> list[tuple[str, str]]:
    return [
        ("generator", str(run["generator"]["name"])),
        ("model", str(run["generator"]["model"] or "none")),
        ("prompt", f"{run['prompt']['name']}, {run['prompt']['hash'][:12]}"),
        ("seed", str(run["run"].get("seed"))),
    ]


def _counted(found: Figures, samples: int) -> list[tuple[str, str]]:
    """On the samples that both have; diversity is that of the user prompts."""
    prompts = found.prompts
    return [
        ("samples in both", f"{found.samples:,} of {samples:,}"),
        ("answered", f"{found.answered:,}"),
        ("failed", f"{found.failed.total():,}"),
        ("marked by checks", f"{found.checks.total():,}" if found.checked else "not checked"),
        *((f"{kind.replace('_', ' ')} as planned", _agreed(found, kind)) for kind in KINDS),
        *((f"distinct-{n}", f"{prompts.distinct[n - 1]:.3f}") for n in (1, 2, 3)),
        ("self-BLEU", f"{prompts.self_bleu:.3f}"),
        ("vocabulary", f"{prompts.vocabulary:,}"),
        ("words a user prompt", f"{prompts.mean_length:.1f}"),
        ("words an utterance", f"{found.utterances.mean_length:.1f}"),
    ]


def _agreed(found: Figures, kind: str) -> str:
    return f"{found.agreed[kind] / found.answered:.1%}" if found.answered and found.planned[kind] else "not planned"


def _spent(run: dict[str, Any]) -> list[tuple[str, str]]:
    tokens = run["tokens"]
    return [("tokens in, out", f"{tokens['in']:,}, {tokens['out']:,}"), ("seconds", f"{run['times']['seconds']:,.1f}")]


def _key(line: Line) -> Key:
    moment = line["episode_id"], line["frame_index"], line["skill_index"], line["skill_current"]
    return *moment, line.get("variant", 0)


def _only(told: Told, keys: set[Key]) -> Told:
    def read() -> Iterator[tuple[Episode, list[Line]]]:
        for episode, lines in told.read():
            if kept := [line for line in lines if _key(line) in keys]:
                yield episode, kept

    return replace(told, read=read)


def _pairs(a: Told, b: Told) -> Iterator[tuple[Line, Line]]:
    others = {_key(line): line for _, lines in b.read() for line in lines}
    for _, lines in a.read():
        yield from ((line, others[_key(line)]) for line in lines)


def _words(line: Line) -> tuple[Any, Any]:
    return line["user_prompt"], line["robot_utterance"]


def _moment(line: Line) -> dict[str, Any]:
    timestamp = line["timestamp"]
    when = f"frame {line['frame_index']}" if timestamp is None else f"{timestamp:.1f} s"
    return {"id": line["episode_id"], "when": when, "skill": line["skill_current"]}


def _side(line: Line) -> dict[str, Any]:
    types = [line["scenario_type"], line["response_type"]]
    return {
        "user": line["user_prompt"],
        "robot": line["robot_utterance"],
        "types": [name for name in types if name],
        "reasons": reasons(line),
    }
