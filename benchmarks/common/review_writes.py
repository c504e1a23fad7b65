"""The writes of `pgen review --apply` for its benchmark."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

from common.review_runs import PER_EPISODE, many, many_frames
from common.table import Row


def written(episodes: int) -> Iterator[Row]:
    """Edit a dialogue of each episode and write them all, as the command does."""
    from review_edits import decided

    from pgen_review.starting import open_session

    with copied(many(episodes)) as folder:
        with open_session(folder, None, "Ada") as session:
            for number in range(0, len(session.review.keys), PER_EPISODE):
                decided(session, number, "edit_text", user="Take the brick.", robot="I take the brick.")
        seconds = _seconds("review", str(folder), "--apply")
    measure = f"write {episodes * PER_EPISODE:,} dialogues to the dataset, {episodes:,} of them edited: seconds"
    yield Row(measure, f"{seconds:.1f}", "5")


def written_frames(episodes: int, length: int) -> Iterator[Row]:
    """Edit a dialogue of a dataset with many frames and write it, which verifies it too."""
    from review_edits import decided

    from pgen_review.starting import open_session

    with copied(many_frames(episodes, length)) as folder:
        repaired, verified = (_seconds(command, str(folder)) for command in ("repair", "verify"))
        with open_session(folder, None, "Ada") as session:
            decided(session, 0, "edit_text", user="Take the brick.", robot="I take the brick.")
        applied = _seconds("review", str(folder), "--apply")
    measure = (
        f"write to a dataset of {episodes * length:,} frames, times the seconds of `pgen repair` and `pgen verify`"
    )
    alone = {"times those of `pgen repair`, which verifies nothing": f"{applied / repaired:.2f}"}
    yield Row(measure, f"{applied / (repaired + verified):.2f}", "1.10", alone)


def _seconds(*command: str) -> float:
    """Return the seconds that a command of pgen takes."""
    began = perf_counter()
    subprocess.run(
        [sys.executable, "-c", "from pgen.cli import main; main()", *command], check=True, capture_output=True
    )
    return perf_counter() - began


@contextmanager
def copied(folder: Path) -> Iterator[Path]:
    """Copy a result for a review that changes it."""
    with TemporaryDirectory(dir=folder.parent) as temporary:
        yield Path(shutil.copytree(folder, Path(temporary) / "out"))
