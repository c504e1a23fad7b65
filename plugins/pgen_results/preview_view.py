"""Show a preview as text and as a page."""

import base64
from collections.abc import Iterator
from io import BytesIO
from typing import Any

from pgen.media import encode, sheet
from pgen.records import Image, Request
from pgen.safety.terminal import printable
from pgen_results.lines import POOR, Line, chosen, findings, is_failure, reasons, scope, scores, skills
from pgen_results.metrics import cost, judge_tokens
from pgen_results.page import render
from pgen_results.preview import Exchange, Preview

PIXELS = 320 * 240
"""Of an image on the page."""
_INDENT = "    "


def preview_text(preview: Preview, price_in: float | None = None, price_out: float | None = None) -> str:
    """Return the summary, then each request with images, replies and dialogues: the first prompt, then what differs."""
    lines = [f"{name:<10} {value}" for name, value in summary(preview, price_in, price_out)]
    shared: set[str] = set()
    for number, requested in enumerate(preview.requests, start=1):
        lines += [
            "",
            f"{number}. {_one_line(_headline(requested.lines[0]))}",
            *_sent_and_received(requested.exchanges, shared),
            *(text for line in requested.lines for text in _result(line)),
        ]
    return printable("\n".join(lines))


def preview_page(preview: Preview, price_in: float | None = None, price_out: float | None = None) -> str:
    """Return the same as HTML, with the images and every prompt in full."""
    requests = [
        {
            "headline": _headline(requested.lines[0]),
            "dialogues": [_dialogue(line) for line in requested.lines],
            "images": [
                (image, _data_url(image)) for request, _ in requested.exchanges[:1] for image in _small(request)
            ],
            "exchanges": [{"prompt": prompt(request), "reply": text} for request, text in requested.exchanges],
        }
        for requested in preview.requests
    ]
    return render("preview.html", summary=summary(preview, price_in, price_out), requests=requests, poor=POOR)


def _dialogue(line: Line) -> dict[str, Any]:
    return {"line": line, "reach": _reach(line), "findings": findings(line), "scores": scores(line["judgement"])}


def summary(preview: Preview, price_in: float | None, price_out: float | None) -> list[tuple[str, str]]:
    """Return names and values: the samples of the preview, and an estimate for all samples."""
    manifest, done = preview.manifest, len(preview.lines)
    generator, tokens = manifest["generator"], manifest["tokens"]
    model = f", {_one_line(generator['model'])}" if generator.get("model") else ""
    failed = sum(line["status"] == "failed" for line in preview.lines)
    values = [
        ("samples", f"{done:,} of {preview.samples:,}, in {len(preview.requests):,} requests"),
        ("answered", f"{done - failed:,} by {generator['name']}{model}"),
        ("prompt", f"{manifest['prompt']['name']}, {manifest['prompt']['hash'][:12]}"),
    ]
    factor = preview.samples / done
    if tokens["in"] or tokens["out"]:
        images = f" ({tokens['images']:,} of images)" if tokens["images"] else ""
        values.append(("tokens", f"{tokens['in']:,} in{images}, {tokens['out']:,} out"))
        sent = sum(len(requested.exchanges) for requested in preview.requests) * factor
        whole = f"about {tokens['in'] * factor:,.0f} in, {tokens['out'] * factor:,.0f} out, in {sent:,.0f} requests"
        values.append(("whole run", whole))
    judge = judge_tokens(manifest)
    # The preview may judge a larger share of the dialogues than the run.
    judged = factor * preview.judge_share / manifest["run"]["judge_share"]
    if judge["in"]:
        whole = f"whole run about {judge['in'] * judged:,.0f} in, {judge['out'] * judged:,.0f} out"
        values.append(("judge", f"{judge['in']:,} in, {judge['out']:,} out; {whole}"))
    price = cost(manifest, price_in, price_out)
    if price is not None:
        dialogues = cost({"tokens": tokens}, price_in, price_out) or 0.0
        all_of_it = dialogues * factor + (price - dialogues) * judged
        each = f"{1000 * all_of_it / preview.episodes:,.2f} per 1,000 episodes"
        values.append(("cost", f"{price:,.4f}; whole run about {all_of_it:,.2f} ({each})"))
    return values


def prompt(request: Request) -> str:
    """Return all text of a request, with a note where the images are."""
    repair = request.repair
    again = f"\n\n(requested again, because the previous reply did not fit: {repair.problem})" if repair else ""
    images = len(request.images) + len(request.clips)
    parts = (request.prompt.system, request.prompt.context, f"[{images} images]" if images else "", request.prompt.text)
    return "\n\n".join(part for part in parts if part) + again


def _headline(line: Line) -> str:
    when = "" if line["timestamp"] is None else f", {line['timestamp']:.2f} s"
    return f"{line['episode_id']}, frame {line['frame_index']}{when}: {line['skill_current']}"


def _sent_and_received(exchanges: list[Exchange], shared: set[str]) -> Iterator[str]:
    """Yield images, prompts and replies, without the lines in `shared`, those of the first prompt."""
    for request, _ in exchanges[:1]:
        for image in (*request.images, *(frame for clip in request.clips for frame in clip.frames[-1:])):
            yield f"  image    {_one_line(image.camera)}, {image.width}x{image.height}"
    for request, reply in exchanges:
        lines = prompt(request).splitlines()
        yield "  prompt" if not shared else "  prompt   (where it differs from the first)"
        yield from (f"{_INDENT}{line}".rstrip() for line in lines if line not in shared)
        if not shared:
            shared |= set(lines)
        yield "  reply"
        yield from (f"{_INDENT}{line}" for line in reply.splitlines())


def _reach(line: Line) -> str:
    """Return the scope of a dialogue, the frames over which it is in force, and the skills that it leads to."""
    frames = "" if line["start"] is None else f", frames {line['start']:,} to {line['stop'] - 1:,}"
    return f"{scope(line)}{frames}: {'; '.join(skills(line)) or 'no skill'}"


def _result(line: Line) -> Iterator[str]:
    yield f"  dialogue {_one_line(_reach(line))}"
    if line["status"] == "ok":
        yield f"  user     {_one_line(line['user_prompt'])}"
        yield f"  robot    {_one_line(line['robot_utterance'])}"
    else:
        yield f"  failed   {line['stage']}: {_one_line(line['reason'])}"
    if not is_failure(line):
        yield from (f"  finding  {_one_line(reason)}" for reason in reasons(line))
    if choice := chosen(line):
        yield f"  judge    chose {_one_line(choice)}"
    for name, score, reason in scores(line["judgement"]):
        yield f"  judge    {name} {score}: {_one_line(reason)}"


def _small(request: Request) -> Iterator[Image]:
    """Yield a request's images, scaled down, clips as contact sheets."""
    import PIL.Image

    for image in (*request.images, *(sheet(clip, PIXELS) for clip in request.clips)):
        with PIL.Image.open(BytesIO(image.jpeg)) as opened:
            yield encode(opened, image.camera, PIXELS)


def _data_url(image: Image) -> str:
    return f"data:image/jpeg;base64,{base64.b64encode(image.jpeg).decode()}"


def _one_line(text: str) -> str:
    """Return untrusted text as a part of a line, without line breaks."""
    return " ".join(text.split())
