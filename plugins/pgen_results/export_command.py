"""`pgen export`."""

from pathlib import Path
from typing import Any

import click

_path = click.Path(path_type=Path)


@click.command()
@click.argument("folder", metavar="DIR", type=_path)
@click.option("--output-dir", type=_path, required=True, help="A new folder for the chats and their pictures.")
@click.option("--validation", type=click.FloatRange(0, 1, max_open=True), help="Share of episodes.  [default: 0.1]")
@click.option("--seed", type=int, help="Chooses the episodes for validation.  [default: 0]")
@click.option("--max-pixels", type=click.IntRange(min=1024), help="Size of a picture at most.  [default: 1003520]")
@click.option("--root", type=_path, help="The run's input, where the result does not hold its pictures.")
def export(folder: Path, output_dir: Path, root: Path | None, **given: Any) -> None:
    """Write the dialogue of a run as chats with pictures, to fine-tune a high-level policy on.

    \b
    pgen export my-dataset-dialogue --output-dir chats
    """
    from pgen_results.export_chats import ExportOptions, write_chats
    from pgen_results.read import opened

    options = ExportOptions(**{key: value for key, value in given.items() if value is not None})
    with opened(folder, root) as told:
        done = write_chats(told, output_dir, options)
    for line in done.lines():
        click.echo(line)
