"""The command `pgen review`."""

from pathlib import Path

import click

from pgen.cli import Command

_path = click.Path(path_type=Path)


@click.command(cls=Command, place=55, short_help="Play the episodes with their skills and dialogue in a browser.")
@click.argument("folder", metavar="DIR", type=_path)
@click.option("--root", type=_path, help="The run's input, if the result has no images.")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Port of the page.  [default: a free one]")
def review(folder: Path, root: Path | None, port: int) -> None:
    """Play the episodes of a run or a segmentation in a browser, and change nothing.

    The page is served to this machine alone. Its address contains a key: pass it to nobody.

    \b
    pgen review my-dataset-dialogue
    """
    from pgen_review.results import open_review
    from pgen_review.server import serve

    with open_review(folder, root) as opened:
        queue = opened.queue
        problems, failed = queue.counts("problem").get("yes", 0), queue.counts("state").get("failed", 0)
        click.echo(
            f"queue      {problems:,} with a problem, {failed:,} failed; "
            f"{len(queue.entries):,} samples in {len(opened.episodes):,} episodes"
        )
        serve(opened, port, lambda address: click.echo(f"review     {address}   (Ctrl-C ends)"))
