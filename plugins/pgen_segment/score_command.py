"""`pgen score A B`."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pgen.cli import Command

if TYPE_CHECKING:
    from pgen_segment.scoring import Score

_skills = click.Path(path_type=Path)


@click.command(cls=Command, place=90, short_help="Compare the skills of A with those of the reference B.")
@click.argument("candidate", metavar="A", type=_skills)
@click.argument("reference", metavar="B", type=_skills)
@click.option("--json", "as_json", is_flag=True, help="Print everything as one JSON object.")
def score(candidate: Path, reference: Path, as_json: bool) -> None:
    """Compare the skills of A with those of B, the reference: two skills files, or datasets that have one.

    Both have to be of the same dataset.
    """
    import json

    from pgen_segment.scoring import check_same_dataset, read
    from pgen_segment.scoring import score as compare

    skills, expected = read(candidate), read(reference)
    check_same_dataset(skills, expected)
    result = compare(skills.episodes, expected.episodes)
    if as_json:
        click.echo(json.dumps(result.as_json(), indent=2))
    else:
        for line in lines(result):
            click.echo(line)


def lines(result: "Score") -> Iterator[str]:
    """Format the score as a table."""
    missing = f", {result.missing} of them not in A" if result.missing else ""
    yield f"episodes   {result.episodes}{missing}"
    yield f"spans      {result.spans}, expected {result.expected_spans}"
    yield ""
    yield "edges within  precision    recall        F1"
    for edges in result.boundaries:
        yield f"{f'{edges.tolerance:g} s':<12}{edges.precision:>11.2f}{edges.recall:>10.2f}{edges.f1:>10.2f}"
    yield ""
    yield f"mean overlap over union     {result.mean_iou:.2f}"
    yield f"spans with the same name    {result.same_label:.2f}"
    yield f"words in common             {result.token_overlap:.2f}"
    yield f"frames with the same name   {result.same_frames:.2f}"
