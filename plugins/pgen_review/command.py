"""The command `pgen review`."""

from contextlib import ExitStack
from pathlib import Path

import click

from pgen.cli import Command

_path = click.Path(path_type=Path)


@click.command(cls=Command, place=55, short_help="Review the dialogue of a run in a browser.")
@click.argument("folder", metavar="DIR", type=_path)
@click.option("--root", type=_path, help="The run's input, if the result has no images.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=0, help="Port of the page.  [default: one for the folder]"
)
@click.option("--no-browser", is_flag=True, help="Do not open the page in a browser.")
@click.option("--read-only", is_flag=True, help="Change nothing, also where another process reviews.")
@click.option("--as", "name", metavar="NAME", help='Who reviews; "" for no name.  [default: that of git, or the login]')
@click.option("--sample", type=click.IntRange(1), metavar="N", help="Mark N random dialogues without a finding.")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of the sample.")
def review(
    folder: Path,
    root: Path | None,
    port: int,
    no_browser: bool,
    read_only: bool,
    name: str | None,
    sample: int | None,
    seed: int,
) -> None:
    """Play the episodes of a run or a segmentation in a browser, and accept, correct or reject their dialogue.

    The page is served to this machine alone. Its address contains a key: pass it to nobody. DIR may name a place in it.

    \b
    pgen review my-dataset-dialogue
    pgen review 'my-dataset-dialogue#ep=3&frame=120'
    """
    from pgen_review.access import HOST
    from pgen_review.opening import has_display, leading_to, open_in_browser, split_place, usual_port
    from pgen_review.server import serve
    from pgen_review.starting import open_session, person

    folder, place = split_place(folder)
    chosen = (sample, seed) if sample else None
    opening = open_session(folder, root, person(name), read_only=read_only, sample=chosen)
    with opening as session, ExitStack() as until_the_end:

        def ready(address: str) -> None:
            address = f"{address}&{place}" if place else address
            click.echo(f"review     {address}   (Ctrl-C ends)")
            if not no_browser and has_display():
                open_in_browser(until_the_end.enter_context(leading_to(address)))

        opened, queue = session.review, session.review.queue
        problems, failed = queue.counts("problem").get("yes", 0), queue.counts("state").get("failed", 0)
        click.echo(
            f"queue      {problems:,} with a problem, {failed:,} failed; "
            f"{len(queue.entries):,} samples in {len(opened.episodes):,} episodes"
        )
        serve(session, port or usual_port(folder, HOST), ready)
