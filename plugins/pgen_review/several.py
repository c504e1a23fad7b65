"""What several people do with their journals on the command line: export, merge, and compare them."""

import json
from collections.abc import Sequence
from pathlib import Path

import click

from pgen.errors import ConfigError
from pgen_review.agreement import agreement
from pgen_review.exported import Exported, export, read_exported
from pgen_review.merging import merge
from pgen_review.session import Session


def export_journal(session: Session, path: Path) -> None:
    """Write the events of a review to a file. Raises ConfigError where there is no event."""
    if session.header is None or not session.fold.events:
        raise ConfigError(f"{session.review.folder} has no events of a review; review it first.")
    export(session.review, session.header, session.fold, path)
    click.echo(f"journal    {path}: {len(session.fold.events):,} events")


def read_all(paths: Sequence[Path], *, merges: bool) -> list[Exported]:
    """Return the journals that are named behind DIR to be merged. Raises ConfigError."""
    if paths and not merges:
        raise ConfigError(f"{paths[0]} is named behind DIR; use it with --merge or --agreement, or leave it out.")
    if merges and not paths:
        raise ConfigError("--merge needs at least one journal behind DIR: pgen review DIR --merge ada.jsonl bob.jsonl")
    return [read_exported(path) for path in paths]


def merge_journals(session: Session, journals: Sequence[Exported]) -> None:
    """Merge journals into that of a session, and print what came of it."""
    results = merge(session, journals)
    click.echo(f"merged     {results['agreed']:,} dialogues agree, {results['conflict']:,} are in conflict")


def print_agreement(paths: Sequence[Path], *, as_json: bool) -> None:
    """Print how far two journals agree."""
    if len(paths) != 2:
        raise ConfigError("--agreement needs two journals: pgen review --agreement ada.jsonl bob.jsonl")
    result = agreement(*map(read_exported, paths))
    click.echo(json.dumps(result.as_json()) if as_json else f"agreement  {result}")
