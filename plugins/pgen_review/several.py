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
from pgen_review.span_agreement import span_agreement


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
    lines = []
    if not session.review.is_segmentation:
        lines.append(f"{results['agreed']:,} dialogues agree, {results['conflict']:,} are in conflict")
    if session.review.is_segmentation or results["spans_agreed"] or results["spans_conflict"]:
        spans = f"{results['spans_agreed']:,} episodes agree, those of {results['spans_conflict']:,} are in conflict"
        lines.append(f"the spans of {spans}")
    click.echo(f"merged     {'; '.join(lines)}")


def print_agreement(paths: Sequence[Path], *, as_json: bool) -> None:
    """Print how far two journals agree."""
    if len(paths) != 2:
        raise ConfigError("--agreement needs two journals: pgen review --agreement ada.jsonl bob.jsonl")
    first, second = map(read_exported, paths)
    result, spans = agreement(first, second), span_agreement(first.fold, second.fold)
    if as_json:
        click.echo(json.dumps(result.as_json() | ({"spans": spans.as_json()} if spans.episodes else {})))
    elif result.judged or not spans.episodes:
        click.echo(f"agreement  {result}")
    if spans.episodes and not as_json:
        click.echo(f"agreement  {spans}")
