"""lerobot opens the dataset and reads a batch, in a process of its own.

It takes seconds to import, warns a lot, and caches what it opened: here in a folder that is removed afterwards.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from tempfile import TemporaryDirectory

from pgen_lerobot.format import Dataset
from pgen_lerobot.verify.problems import Problem


def problems(dataset: Dataset, notes: list[str]) -> Iterator[Problem]:
    """Return lerobot's objections; add a note where it is not installed or cannot read this dataset."""
    if not dataset.layout.opened_by_lerobot:
        version = dataset.info["codebase_version"]
        notes.append(f"the dataset is of {version}, which lerobot reads up to 0.3.3: it did not try to open it")
        return
    if find_spec("lerobot") is None:
        notes.append("lerobot is not installed: it did not try to open the dataset")
        return
    module, root = "pgen_lerobot.verify.lerobot_process", str(dataset.root.absolute())
    with TemporaryDirectory(prefix="pgen-verify-") as cache:
        own = {"HF_DATASETS_CACHE": cache, "HF_HUB_OFFLINE": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
        command = [sys.executable, "-W", "ignore", "-m", module, root]
        # This interpreter and a module of ours; the dataset's folder is an argument, no shell reads it.
        done = subprocess.run(command, env=os.environ | own, capture_output=True, text=True, check=False)  # noqa: S603
    try:
        verdict = json.loads(done.stdout.splitlines()[-1])
    except (IndexError, ValueError):
        last = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        yield Problem("", f"lerobot ended without a verdict: {last}")
        return
    notes += verdict["notes"]
    for what in verdict["problems"]:
        yield Problem("", what)
