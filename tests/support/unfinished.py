"""The journal of an unfinished command."""

from contextlib import closing
from pathlib import Path

from pgen.storage.journal import Journal
from pgen.storage.unfinished import COMMAND
from pgen.testing import make_annotation, make_samples


def answered(path: Path, command: str, count: int = 1, owner: str = "another run") -> Path:
    """Write the journal of a command that was stopped after some results."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(Journal(path)) as journal:
        journal.own(owner)
        journal.claim(COMMAND, command)
        journal.add(make_annotation(sample) for sample in make_samples()[:count])
    return path
