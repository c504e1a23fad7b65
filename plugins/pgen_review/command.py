"""The command `pgen review`."""

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pgen.cli import Command, flag_options, option
from pgen.errors import ConfigError
from pgen.safety.terminal import printable

if TYPE_CHECKING:
    from pgen.storage.workspace import Workspace
    from pgen_review.ask_routes import AskRoutes
    from pgen_review.session import Session

_path = click.Path(path_type=Path)


@click.command(
    cls=Command, place=55, params=flag_options("generator"), short_help="Review the dialogue of a run in a browser."
)
@click.argument("folder", metavar="DIR", type=_path)
@click.argument("journals", metavar="[JOURNAL]...", nargs=-1, type=_path)
@click.option("--root", type=_path, help="The run's input, if the result has no images.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=0, help="Port of the page.  [default: one for the folder]"
)
@click.option("--no-browser", is_flag=True, help="Do not open the page in a browser.")
@click.option("--read-only", is_flag=True, help="Change nothing, also where another process reviews.")
@click.option("--as", "name", metavar="NAME", help='Who reviews; "" for no name.  [default: that of git, or the login]')
@click.option("--sample", type=click.IntRange(1), metavar="N", help="Mark N random dialogues without a finding.")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of the sample.")
@click.option("--blind", is_flag=True, help="Show no findings, scores, and verdicts of others.")
@click.option("--against", metavar="DIR", type=_path, help="Compare with another result of the dataset, blind.")
@click.option("--status", is_flag=True, help="Print how much is reviewed, and end.")
@click.option("--json", "as_json", is_flag=True, help="Print the status as JSON.")
@click.option("--export-journal", "exported", metavar="FILE", type=_path, help="Write your events to a file, and end.")
@click.option("--merge", "merges", is_flag=True, help="Merge the journals that are named behind DIR, and end.")
@click.option("--agreement", "agrees", is_flag=True, help="Print how far two journals agree; no DIR is needed.")
@click.option("--rebase", "rebases", is_flag=True, help="Carry the review over to changed dialogues, and end.")
@click.option("--apply", "write", is_flag=True, help="Write what was reviewed to the dataset, verify it, and end.")
@click.option(
    "--output-dir", metavar="DIR", type=_path, help="With --apply: a new dataset, instead of the reviewed one."
)
@click.option("--copy-videos", is_flag=True, help="Copy the videos to it, else shared with the reviewed one.")
@option("--generator", group="generator", metavar="NAME", help="What is asked again.  [default: the run's]")
@option("--prompt", group="generator", metavar="NAME", help="The prompt for it.  [default: the run's]")
@option("--opt", group="generator", multiple=True, metavar="KIND.OPTION=VALUE", help="An option of these; repeatable.")
def review(
    folder: Path,
    journals: tuple[Path, ...],
    root: Path | None,
    port: int,
    no_browser: bool,
    read_only: bool,
    name: str | None,
    sample: int | None,
    seed: int,
    blind: bool,
    against: Path | None,
    status: bool,
    as_json: bool,
    exported: Path | None,
    merges: bool,
    agrees: bool,
    rebases: bool,
    write: bool,
    output_dir: Path | None,
    copy_videos: bool,
    opt: tuple[str, ...],
    **flags: Any,
) -> None:
    """Play the episodes of a run or a segmentation in a browser, and accept, correct or reject their dialogue.

    The page is served to this machine alone. Its address contains a key: pass it to nobody. DIR may name a place in it.

    \b
    pgen review my-dataset-dialogue
    pgen review 'my-dataset-dialogue#ep=3&frame=120'
    pgen review my-dataset-dialogue --apply --output-dir my-dataset-reviewed
    pgen review my-dataset-dialogue --merge ada.jsonl bob.jsonl
    pgen review --agreement ada.jsonl bob.jsonl
    """
    from pgen_review import several
    from pgen_review.ask_routes import AskRoutes
    from pgen_review.opening import split_place
    from pgen_review.starting import open_session, person

    if agrees:
        several.print_agreement((folder, *journals), as_json=as_json)
        return
    to_merge = several.read_all(journals, merges=merges)
    folder, place = split_place(folder)
    if rebases:
        _rebase(folder, root, person(name), others=read_only or write or merges)
        return
    copy = _copy(folder, output_dir, copy_videos, write=write)
    chosen = (sample, seed) if sample else None
    pair = (against, seed) if against else None
    reads = read_only or exported is not None or ((status or as_json) and not (chosen or merges))
    with open_session(
        folder, root, person(name), read_only=reads, sample=chosen, blind=blind, against=pair, index=not write
    ) as session:
        if exported:
            several.export_journal(session, exported)
        elif merges:
            several.merge_journals(session, to_merge)
        elif status or as_json:
            _print_status(session, as_json=as_json)
        elif write:
            _write(session, copy, copy_videos=copy_videos)
        else:
            asks = AskRoutes(session, flags, opt)
            asks.check_options()
            _serve(session, asks, port, place, opens=not no_browser)


def _serve(session: "Session", asks: "AskRoutes", port: int, place: str, *, opens: bool) -> None:
    from pgen_review.access import HOST
    from pgen_review.opening import has_display, leading_to, open_in_browser, usual_port
    from pgen_review.server import serve

    with ExitStack() as until_the_end:

        def ready(address: str) -> None:
            address = f"{address}&{place}" if place else address
            click.echo(f"review     {address}   (Ctrl-C ends)")
            if opens and has_display():
                open_in_browser(until_the_end.enter_context(leading_to(address)))

        review, queue = session.review, session.review.queue
        problems, failed = queue.counts("problem").get("yes", 0), queue.counts("state").get("failed", 0)
        shown = "blind; " if review.blind else f"{problems:,} with a problem, {failed:,} failed; "
        samples = "" if review.is_segmentation else f"{len(queue):,} samples in "
        click.echo(f"queue      {shown}{samples}{len(review.episodes):,} episodes")
        serve(session, asks, port or usual_port(review.folder, HOST), ready)


def _print_status(session: "Session", *, as_json: bool) -> None:
    import json

    from pgen_review.event_file import Header
    from pgen_review.summary import reviews_entry, status_lines

    entry = reviews_entry(session.review, session.header or Header("", ""), session.fold)
    if as_json:
        click.echo(json.dumps({**entry, "applied": session.applied}, ensure_ascii=False, indent=2))
    else:
        for line in status_lines(str(session.review.folder), entry, session.applied):
            click.echo(line)


def _copy(folder: Path, output_dir: Path | None, copy_videos: bool, *, write: bool) -> "Workspace | None":
    """Return the workspace of a new dataset, None where --apply writes to the reviewed one."""
    if output_dir is None:
        if copy_videos:
            raise ConfigError("--copy-videos is for a new dataset; name it with --output-dir, or leave it out.")
        return None
    if not write:
        raise ConfigError("--output-dir is the new dataset that --apply writes; add --apply, or leave it out.")
    from pgen_review.apply import new_dataset

    return new_dataset(folder, output_dir)


def _rebase(folder: Path, root: Path | None, by: str, *, others: bool) -> None:
    from pgen_review.rebasing import rebase_review

    if others:
        raise ConfigError("--rebase carries a review over, and ends: leave out --read-only, --apply and --merge.")
    done = rebase_review(folder, root, by)
    if done is None:
        click.echo(f"rebased    nothing: the review of {folder} is about its present dialogues")
        return
    click.echo(f"rebased    {done}")
    click.echo(f"kept       {done.former} has the former review")
    click.echo(f"next       pgen review {folder}")


def _write(session: "Session", copy: "Workspace | None", *, copy_videos: bool) -> None:
    from pgen_review import write_back

    if session.journal is None:
        raise ConfigError(f"{session.review.folder} is opened to be read alone; leave out --read-only.")
    if copy is None:
        applied = write_back.write(session, session.journal, lambda step: None)
        click.echo(f"applied    {applied or write_back.NOTHING}")
        return
    done = write_back.copy(session, session.journal, copy, copy_videos=copy_videos)
    click.echo(f"applied    {done}")
    if done.note:
        click.echo(f"note       {done.note}")
    click.echo(printable(f"output     {copy.out}"))
