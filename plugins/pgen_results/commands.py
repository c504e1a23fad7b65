"""The commands `pgen report`, `pgen preview`, `pgen compare` and `pgen export`."""

from pathlib import Path
from typing import Any

import click

from pgen.cli import Command, ProgressBar, option, run_options
from pgen.errors import ConfigError

_path = click.Path(path_type=Path)
_root = click.option("--root", type=_path, help="The run's input, if the result has no images.")
_page = click.option("--page", type=_path, metavar="FILE", help="Write a page with images too.")
_price_in = click.option("--price-in", type=click.FloatRange(min=0), help="Price of a million tokens read.")
_price_out = click.option("--price-out", type=click.FloatRange(min=0), help="Price of a million tokens written.")


@click.command(cls=Command, place=50, short_help="Write a run's metrics and dialogues as one page.")
@click.argument("folder", metavar="DIR", type=_path)
@click.option("--output", type=_path, metavar="FILE", help="Path of the page.  [default: DIR/report.html]")
@_root
@_price_in
@_price_out
@click.option("--samples", type=click.IntRange(min=1), metavar="N", help="Show at most N samples.  [default: 20000]")
@click.option(
    "--thumbnails", type=click.IntRange(min=0), metavar="N", help="Show images of at most N moments.  [default: 400]"
)
def report(folder: Path, output: Path | None, root: Path | None, **flags: Any) -> None:
    """Write the results of a run as one page: metrics, and every episode with its dialogue, or with its skills.

    \b
    pgen report my-dataset-dialogue
    """
    from pgen_results import page
    from pgen_results.read import has_dialogue, is_segmentation, open_results, open_segmentation
    from pgen_results.report_page import FILE, ReportOptions, report_page
    from pgen_results.skills_page import skills_page

    options, path = ReportOptions(**_without_none(flags)), output or folder / FILE
    if is_segmentation(folder) and not has_dialogue(folder):
        with open_segmentation(folder, root) as segmentation:
            page.check(path)
            page.write(path, skills_page(segmentation, options))
    else:
        with open_results(folder, root) as results, ProgressBar() as bar:
            page.check(path)
            page.write(path, report_page(results, options, bar.phase))
    click.echo(f"report     {path}")


def _preview_options() -> list[click.Parameter]:
    """Return the options of a run except those of its output; `--max-samples` is the preview's own."""
    excluded = {"journal", "fresh", "max_failures", "max_samples"}
    return [it for it in run_options() if getattr(it, "group", "") != "output" and it.name not in excluded]


@click.command(
    cls=Command, place=40, params=_preview_options(), short_help="Try a few moments; show prompts, images and replies."
)
@option(
    "--max-samples",
    group="sampling and prompts",
    type=click.IntRange(min=1),
    default=24,
    show_default=True,
    help="Annotate about N samples, those of whole moments.",
)
@_page
@_price_in
@_price_out
def preview(page: Path | None, price_in: float | None, price_out: float | None, **flags: Any) -> None:
    """Annotate a few moments, spread over the episodes, and show prompts, images and replies.

    Takes the flags of `pgen annotate`, and writes neither an output nor a journal.

    \b
    pgen preview --root my-dataset --generator template
    """
    from pgen_results.page import check
    from pgen_results.preview import run_preview
    from pgen_results.preview_view import preview_page, preview_text

    if page:
        check(page)
    results = run_preview(flags.pop("config"), flags.pop("opt"), flags)
    click.echo(preview_text(results, price_in, price_out))
    if page:
        _write(page, preview_page(results, price_in, price_out))


@click.command(cls=Command, place=80, short_help="Compare two runs on their common samples.")
@click.argument("first", metavar="A", type=_path)
@click.argument("second", metavar="B", type=_path)
@_page
@_root
@_price_in
@_price_out
def compare(first: Path, second: Path, page: Path | None, root: Path | None, **prices: Any) -> None:
    """Compare two runs, for example of two prompts or two models, on their common samples.

    \b
    pgen compare first second --page compared.html
    """
    from pgen_results.compare import compare_runs, compare_text
    from pgen_results.compare_page import compare_page
    from pgen_results.page import check
    from pgen_results.read import open_results

    with open_results(first, root) as a, open_results(second, root) as b:
        if page:
            check(page)
        comparison = compare_runs(a, b)
        click.echo(compare_text(comparison, **prices))
        if page:
            _write(page, compare_page(comparison, **prices))


@click.command(cls=Command, place=100, short_help="Write a run's dialogue as chats, or its skills as a list.")
@click.argument("folder", metavar="DIR", type=_path)
@click.option("--output-dir", type=_path, required=True, help="A new folder for the chats and their images.")
@click.option("--validation", type=click.FloatRange(0, 1, max_open=True), help="Share for validation.  [default: 0.1]")
@click.option("--seed", type=int, help="Seed of the choice of episodes.  [default: 0]")
@click.option(
    "--max-pixels",
    type=click.IntRange(min=1024),
    metavar="N",
    help="Scale images down to N pixels.  [default: 1003520]",
)
@click.option(
    "--counterfactuals", is_flag=True, default=None, help="Also export prompts that lead to another skill, or to none."
)
@click.option(
    "--reviewed", is_flag=True, default=None, help="Only what people approved; with references and preferences."
)
@click.option("--vocabulary", is_flag=True, help="Write the skills and the objects, with counts, instead of chats.")
@_root
def export(folder: Path, output_dir: Path, root: Path | None, *, vocabulary: bool, **flags: Any) -> None:
    """Write the dialogue of a run as chats with images, to train a high-level policy on.

    \b
    pgen export my-dataset-dialogue --output-dir chats
    """
    from pgen_results.export import ExportOptions, export_chats
    from pgen_results.read import open_results
    from pgen_results.vocabulary import export_vocabulary

    options = _without_none(flags)
    if vocabulary and options:
        raise ConfigError(f"--vocabulary writes no chats: leave out --{min(options).replace('_', '-')}.")
    with open_results(folder, root) as results:
        if vocabulary:
            lines = export_vocabulary(results, output_dir)
        else:
            lines = export_chats(results, output_dir, ExportOptions(**options)).lines()
        for line in lines:
            click.echo(line)


def _without_none(flags: dict[str, Any]) -> dict[str, Any]:
    """Return the flags that the user gave; the others have the defaults of the options model."""
    return {name: value for name, value in flags.items() if value is not None}


def _write(path: Path, text: str) -> None:
    from pgen_results import page

    page.write(path, text)
    click.echo(f"page       {path}")
