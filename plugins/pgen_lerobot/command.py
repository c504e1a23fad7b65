"""`pgen verify DIR`, `pgen repair DIR` and `pgen push DIR REPO_ID`."""

from pathlib import Path

import click

from pgen.cli import Command
from pgen.errors import VerificationError


@click.command(cls=Command, place=70, short_help="Check a dataset that pgen wrote, frame by frame.")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print everything as one JSON object.")
def verify(folder: Path, as_json: bool) -> None:
    """Check that a dataset that pgen wrote is complete, and that each frame has its own dialogue or skill."""
    import json

    from pgen_lerobot.verify import lines
    from pgen_lerobot.verify import verify as check

    result = check(folder)
    if as_json:
        click.echo(json.dumps(result.as_json(), ensure_ascii=False, indent=2))
    else:
        for line in lines(result):
            click.echo(line)
    if not result.ok:
        count = "1 problem" if len(result.problems) == 1 else f"{len(result.problems)} problems"
        raise VerificationError(f"{folder} has {count}.")


@click.command(cls=Command, place=120, short_help="Restore the labels after an edit with lerobot's tools.")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option(
    "--from",
    "originals",
    metavar="DIR",
    multiple=True,
    type=click.Path(path_type=Path),
    help="A dataset that DIR was made from; repeatable.  [default: DIR itself]",
)
def repair(folder: Path, originals: tuple[Path, ...]) -> None:
    """Restore the labels after lerobot's tools changed a dataset's tasks or episodes."""
    from pgen_lerobot.repair import repair as repair_labels

    done = repair_labels(folder, originals)
    click.echo(f"repaired   {folder}: {done.annotated:,} of {done.episodes:,} episodes, {done.answers:,} answers")


@click.command(cls=Command, place=110, short_help="Upload a dataset that pgen wrote to the Hub.")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.argument("repo_id")
@click.option("--private", is_flag=True, help="Create the repository, where it does not exist, as a private one.")
def push(folder: Path, repo_id: str, private: bool) -> None:
    """Upload a dataset that pgen wrote to the Hub as REPO_ID, tagged with its version."""
    from pgen_lerobot.push import push as upload

    done = upload(folder, repo_id, private=private)
    click.echo(f"pushed     {done.files:,} files to {done.url}\ntagged     {done.tag}")
