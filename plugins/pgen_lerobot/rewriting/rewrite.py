"""Stage a dataset that pgen wrote with other annotations: to replace its own files all at once, or as a new dataset.

In place, the videos stay; everything else that a run would have written is staged.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pgen.components import Results
from pgen.errors import InputError
from pgen.run.job import Job
from pgen.run.manifest import Tally
from pgen.storage.durable import write_text
from pgen.storage.in_place import InPlace
from pgen_lerobot.write import LeRobotSink

_FORMS = frozenset({"language-columns", "task-override", "high-level-policy"})
"""The sinks whose columns are computed from the labels."""


def check_forms(root: Path, manifest: Mapping[str, Any]) -> None:
    """Raise InputError for a dataset whose other forms would not follow its new labels."""
    forms = [sink["name"] for sink in manifest["sinks"] if sink["name"] in _FORMS]
    if forms:
        raise InputError(
            f"{root} also has the form {forms[0]}, which would keep the old dialogue; review the output of the sink "
            "lerobot alone, and write the form from the result."
        )


def rewrite(
    job: Job,
    results: Results,
    unlabelled: str,
    files: Mapping[str, Iterable[str]] | None = None,
    *,
    copy_videos: bool = False,
) -> Path:
    """Stage the dataset with these results, and return where. `files` are the parts of further files by their names.

    `copy_videos` is for a new dataset. Raises ConfigError or InputError where a file that would change cannot be
    replaced.
    """
    sink = LeRobotSink(overwrite=True, unlabelled=unlabelled, copy_videos=copy_videos)
    sink.open(results.source)
    elsewhere = not job.workspace.shares_disk(results.source.folder or job.workspace.out.parent)
    job.check_room(sink.needs_bytes(results.source) + (sink.shared_bytes(results.source) if elsewhere else 0))
    staged = job.stage()
    for name, parts in (files or {}).items():
        write_text(staged / name, parts)
    sink.write(results, staged)
    check_replaceable(job)
    return staged


def check_replaceable(job: Job) -> None:
    """Raise ConfigError where a staged file would replace one that cannot be replaced; a new folder has none."""
    if isinstance(job.workspace, InPlace):
        job.workspace.switch.check(job.workspace.switch.changes())


def counts_entry(counts: Tally, episodes: int, frames: int) -> dict[str, Any]:
    """Return the entry `counts` of a manifest for present annotations."""
    return {
        "episodes": episodes,
        "frames": frames,
        "samples": counts.samples - counts.counterfactuals.total(),
        "scopes": dict(sorted(counts.scopes.items())),
        "answered": counts.scopes.total(),
        "failed": dict(counts.failed),
        "counterfactuals": dict(sorted(counts.counterfactuals.items())),
    }
