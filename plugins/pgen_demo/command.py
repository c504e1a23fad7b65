"""`pgen demo`: render a small dataset, annotate it without a model, and verify the result.

It needs no download and no model. Only a folder with the demo's marker is ever replaced.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pgen.cli import Command
from pgen.errors import ConfigError, VerificationError
from pgen.records import SCOPES

if TYPE_CHECKING:
    from pgen.run.report import Report
    from pgen.storage.unfinished import Leftover

MARK = ".pgen-demo"


@click.command(cls=Command, place=10, short_help="Render a small dataset, annotate and verify it.")
@click.option(
    "--output-dir",
    type=click.Path(path_type=Path),
    default="pgen-demo",
    show_default=True,
    help="A folder for the two datasets.",
)
@click.option("--force", is_flag=True, help="Replace what a former demo left there.")
@click.option("--review", is_flag=True, help="Then open the result with `pgen review`.")
@click.pass_context
def demo(context: click.Context, output_dir: Path, force: bool, review: bool) -> None:
    """Render a small dataset, annotate it without a model, and verify the result."""
    from pgen import annotate
    from pgen_demo.example import write_example

    make_folder(output_dir, force)
    source = write_example(output_dir / "source")
    report = annotate(source, output_dir / "annotated", generator="template")
    check(output_dir / "annotated")
    for line in summary(output_dir, report):
        click.echo(line)
    if review:
        click.echo("")
        _review(context, output_dir / "annotated")


def _review(context: click.Context, folder: Path) -> None:
    """Run `pgen review`, the command of another plugin. Raises ConfigError where it is not installed."""
    commands = context.find_root().command
    command = commands.get_command(context, "review") if isinstance(commands, click.Group) else None
    if command is None:
        raise ConfigError("--review needs the plugin `review`, which is not installed.")
    context.invoke(command, folder=folder)


def make_folder(folder: Path, force: bool) -> None:
    """Make an empty folder with the demo's marker. Raises ConfigError where another folder has its name."""
    from pgen.storage.unfinished import unfinished_in

    if folder.exists() or folder.is_symlink():
        if not (folder / MARK).is_file() or folder.is_symlink():
            raise ConfigError(f"{folder} exists and was not made by `pgen demo`; choose another --output-dir.")
        if not force:
            raise ConfigError(f"{folder} holds a former demo; replace it with --force.")
        for left in unfinished_in(folder.absolute()):
            if not _of_a_demo(left, folder):
                raise ConfigError(f"{left}. Finish that first, or choose another --output-dir.")
        shutil.rmtree(folder)
    try:
        folder.mkdir(parents=True)
    except OSError as error:
        raise ConfigError(f"--output-dir {folder} cannot be made: {error.strerror}; choose another.") from None
    (folder / MARK).touch()


def _of_a_demo(left: "Leftover", folder: Path) -> bool:
    """Return whether unfinished work is that of an interrupted demo, which costs nothing."""
    made_by = left.options["generator"]["name"] if left.options else None
    return left.path.parent == folder.absolute() / ".annotated.pgen" and made_by == "template"


def check(dataset: Path) -> None:
    """Raise VerificationError where the dataset does not pass verification."""
    from pgen_lerobot.verify import lines, verify

    result = verify(dataset)
    if not result.ok:
        raise VerificationError("\n".join(lines(result)))


def summary(folder: Path, report: "Report") -> Iterator[str]:
    """Return lines on the two datasets, their places, and some of the dialogues."""
    yield f"rendered   {report.episodes} episodes, {report.frames} frames: {folder / 'source'}"
    yield f"annotated  {report.samples} samples: {folder / 'annotated'}"
    yield "verified   every frame points at its own dialogue"
    yield ""
    yield from _dialogues(folder / "annotated")
    yield f"These were made by the generator `{report.generator}`, from phrases, without a model."
    yield f"All of them: {folder / 'annotated/meta/syn_annotations.jsonl'}"
    yield f"Play them in a browser: pgen review {folder / 'annotated'}"


def _dialogues(dataset: Path) -> Iterator[str]:
    """Yield a dialogue of each scope, the step being one from the middle of the first episode."""
    from pgen.formats.syn_annotations import FILE, read_lines
    from pgen_demo.example import FPS

    lines = [line for line in read_lines(dataset / "meta" / FILE) if line["status"] == "ok"]
    by_scope: dict[str, list[dict[str, Any]]] = {}
    for line in lines:
        if line["episode_index"] == lines[0]["episode_index"]:
            by_scope.setdefault(line["scope"], []).append(line)
    for scope in SCOPES:
        of_scope = by_scope.get(scope, [])
        if not of_scope:
            continue
        line = of_scope[len(of_scope) // 2]
        leads = f": {line['skill_current']}" if scope == "step" else ""
        yield f"{scope}, in force from {line['start'] / FPS:.1f} to {line['stop'] / FPS:.1f} s{leads}"
        yield f"  user   {line['user_prompt']}"
        yield f"  robot  {line['robot_utterance']}"
        yield ""
