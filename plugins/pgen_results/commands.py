"""`pgen report`, `pgen preview` and `pgen compare`."""

from pathlib import Path
from typing import Any

import click

from pgen.cli.annotate import annotate

_path = click.Path(path_type=Path)
_root = click.option("--root", type=_path, help="The run's input, where the result does not hold its pictures.")
_price_in = click.option("--price-in", type=click.FloatRange(min=0), help="What a million tokens read cost.")
_price_out = click.option("--price-out", type=click.FloatRange(min=0), help="What a million tokens written cost.")


@click.command()
@click.argument("folder", metavar="DIR", type=_path)
@click.option("--output", type=_path, metavar="FILE", help="The page.  [default: DIR/report.html]")
@_root
@_price_in
@_price_out
@click.option("--samples", type=click.IntRange(min=1), help="Samples that the page holds at most.  [default: 5000]")
@click.option("--thumbnails", type=click.IntRange(min=0), help="Pictures that it holds at most.  [default: 400]")
def report(folder: Path, output: Path | None, root: Path | None, **given: Any) -> None:
    """Write what a run came to as one page: its numbers, and every episode with its dialogue, or with its skills.

    \b
    pgen report my-dataset-dialogue
    """
    from pgen_results import page
    from pgen_results.read import has_dialogue, opened
    from pgen_results.read_segmentation import is_segmented
    from pgen_results.read_segmentation import opened as opened_skills
    from pgen_results.report_page import FILE, ReportOptions, report_page
    from pgen_results.skills_page import skills_page

    options = ReportOptions(**{key: value for key, value in given.items() if value is not None})
    path = output or folder / FILE
    if is_segmented(folder) and not has_dialogue(folder):
        with opened_skills(folder, root) as found:
            page.check(path)
            page.write(path, skills_page(found, options))
    else:
        with opened(folder, root) as told:
            page.check(path)
            page.write(path, report_page(told, options))
    click.echo(f"report     {path}")


@click.command()
@click.option("--max-samples", type=click.IntRange(min=1), default=8, show_default=True, help="Ask about N samples.")
@click.option("--page", "path", type=_path, metavar="FILE", help="Write them as a page too, with their pictures.")
@_price_in
@_price_out
@click.option("--config", type=_path, metavar="FILE", help="Run file (TOML); flags override it.")
@click.option("--opt", multiple=True, metavar="KIND.OPTION=VALUE", help="An option of a component; repeatable.")
def preview(path: Path | None, price_in: float | None, price_out: float | None, **flags: Any) -> None:
    """Ask about a few samples, spread over the episodes, and show prompt, pictures and replies.

    Takes the flags of `pgen annotate`, and leaves neither an output nor a journal behind.

    \b
    pgen preview --root my-dataset --generator template
    """
    from pgen_results import page
    from pgen_results.preview import ask
    from pgen_results.preview_view import preview_page, preview_text

    if path:
        page.check(path)
    asked = ask(flags.pop("config"), flags.pop("opt"), flags)
    click.echo(preview_text(asked, price_in, price_out))
    if path:
        page.write(path, preview_page(asked, price_in, price_out))
        click.echo(f"page       {path}")


_own = {option.name for option in preview.params}
_of_outputs = {
    "output_dir",
    "in_place",
    "journal",
    "sink",
    "fresh",
    "dry_run",
    "max_failures",
    "overwrite",
    "unlabelled",
    "copy_videos",
}
preview.params += [option for option in annotate.params if option.name not in {*_own, *_of_outputs, "segment"}]


@click.command()
@click.argument("first", metavar="A", type=_path)
@click.argument("second", metavar="B", type=_path)
@click.option("--page", "path", type=_path, metavar="FILE", help="Write the samples side by side as a page.")
@_root
@_price_in
@_price_out
def compare(first: Path, second: Path, path: Path | None, root: Path | None, **prices: Any) -> None:
    """Compare two runs, of two prompts or two models, on the samples that both were asked about.

    \b
    pgen compare first second --page compared.html
    """
    from pgen_results import page
    from pgen_results.compare import compare_page, compare_text, compared
    from pgen_results.read import opened

    with opened(first, root) as a, opened(second, root) as b:
        if path:
            page.check(path)
        both = compared(a, b)
        click.echo(compare_text(both, **prices))
        if path:
            page.write(path, compare_page(both, **prices))
            click.echo(f"page       {path}")
