"""A preview as text and as a page."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from pgen.cli.shown import printable
from pgen.records import Annotation, Request
from pgen_results.figures import cost
from pgen_results.page import render
from pgen_results.preview import Asked, as_url, pictures
from pgen_results.read import POOR, scores

_INDENT = "    "


def preview_text(asked: Asked, price_in: float | None = None, price_out: float | None = None) -> str:
    """The first prompt in full, of the others what differs; pictures, replies, and what the whole will cost."""
    lines: list[str] = []
    first: set[str] = set()
    for number, annotation in enumerate(asked.annotations, start=1):
        lines += ["", f"{number}. {_line(headline(annotation))}", *_exchanges(asked, annotation, first)]
    told = [f"{what:<10} {value}" for what, value in summary(asked, price_in, price_out)]
    return printable("\n".join([*told, *lines]))


def preview_page(asked: Asked, price_in: float | None = None, price_out: float | None = None) -> str:
    """The same as HTML, with the pictures and every prompt in full."""
    shown = [
        {
            "headline": headline(annotation),
            "annotation": annotation,
            "scores": _scores(annotation),
            "pictures": [(image, as_url(image)) for image in _pictures(asked, annotation)],
            "exchanges": [{"prompt": prompt(request), "reply": text} for request, text in asked.of(annotation)],
        }
        for annotation in asked.annotations
    ]
    return render("preview.html", summary=summary(asked, price_in, price_out), shown=shown, poor=POOR)


def summary(asked: Asked, price_in: float | None, price_out: float | None) -> list[tuple[str, str]]:
    """What was asked, and what all samples come to at the same rate, as pairs of name and value."""
    manifest, done = asked.manifest, len(asked.annotations)
    generator, tokens = manifest["generator"], manifest["tokens"]
    model = f", {_line(generator['model'])}" if generator.get("model") else ""
    failed = sum(manifest["counts"]["failed"].values())
    found = [
        ("asked", f"{done:,} of {asked.samples:,} samples"),
        ("answered", f"{done - failed:,} by {generator['name']}{model}"),
        ("prompt", f"{manifest['prompt']['name']}, {manifest['prompt']['hash'][:12]}"),
    ]
    whole = asked.samples / done
    if tokens["in"] or tokens["out"]:
        found.append(("tokens", f"{tokens['in']:,} in, {tokens['out']:,} out"))
        found.append(("the whole", f"about {tokens['in'] * whole:,.0f} in, {tokens['out'] * whole:,.0f} out"))
    price = cost(manifest, price_in, price_out)
    return found if price is None else [*found, ("cost", f"{price:,.4f}; the whole about {price * whole:,.2f}")]


def headline(annotation: Annotation) -> str:
    sample = annotation.sample
    when = "" if sample.timestamp is None else f", {sample.timestamp:.1f} s"
    return f"{sample.episode_id}, frame {sample.frame_index}{when}: {sample.skill_current}"


def prompt(request: Request) -> str:
    """All that a request says, as text."""
    repair = request.repair
    again = f"\n\n(asked again, as the former reply did not fit: {repair.problem})" if repair else ""
    return "\n\n".join(part for part in (request.prompt.system, request.prompt.text) if part) + again


def _exchanges(asked: Asked, annotation: Annotation, first: set[str]) -> Iterator[str]:
    for image in _pictures(asked, annotation, small=False):
        yield f"  picture  {_line(image.camera)}, {image.width}x{image.height}"
    for request, text in asked.of(annotation):
        lines = prompt(request).splitlines()
        yield "  prompt" if not first else "  prompt   (where it differs from the first)"
        yield from (f"{_INDENT}{line}".rstrip() for line in lines if line not in first)
        first |= set(lines) if not first else set()
        yield "  reply"
        yield from (f"{_INDENT}{line}" for line in text.splitlines())
    dialogue, failure = annotation.dialogue, annotation.failure
    if dialogue:
        yield f"  user     {_line(dialogue.user_prompt)}"
        yield f"  robot    {_line(dialogue.robot_utterance)}"
    if failure:
        yield f"  failed   {failure.stage}: {_line(failure.reason)}"
    for name, score, reason in _scores(annotation):
        yield f"  judge    {name} {score}: {_line(reason)}"


def _pictures(asked: Asked, annotation: Annotation, *, small: bool = True) -> list[Any]:
    exchanges = asked.of(annotation)
    if not exchanges:
        return []
    request = exchanges[0][0]
    sent = [*request.images, *(frame for clip in request.clips for frame in clip.frames[-1:])]
    return pictures(request) if small else sent


def _scores(annotation: Annotation) -> list[tuple[str, int, str]]:
    return scores(asdict(annotation.judgement)) if annotation.judgement else []


def _line(text: str) -> str:
    """Text of data as a part of a line: it begins none of its own."""
    return " ".join(text.split())
