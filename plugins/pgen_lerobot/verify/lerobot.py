"""lerobot opens the dataset and reads a batch, in a process of its own.

It takes seconds to import, warns a lot, and caches what it opened: here in a folder that is removed afterwards.
`python -m pgen_lerobot.verify.lerobot DIR` is that process: it reads two episodes and prints its verdict as JSON.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from pgen_lerobot.format import COLUMN, Clip, Dataset, EpisodeEntry
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
    module, root = "pgen_lerobot.verify.lerobot", str(dataset.root.absolute())
    with TemporaryDirectory(prefix="pgen-verify-") as cache:
        own = {"HF_DATASETS_CACHE": cache, "HF_HUB_OFFLINE": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
        command = [sys.executable, "-W", "ignore", "-m", module, root]
        done = _execute(command, os.environ | own)
    try:
        verdict = json.loads(done.stdout.splitlines()[-1])
    except (IndexError, ValueError):
        last = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        yield Problem("", f"lerobot ended without a verdict: {last}")
        return
    notes += verdict["notes"]
    for what in verdict["problems"]:
        yield Problem("", what)


def _execute(command: list[str], env: Mapping[str, str]) -> "subprocess.CompletedProcess[str]":
    # This interpreter and a module of ours; the dataset's folder is an argument, no shell reads it.
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False)  # noqa: S603


def read_with_lerobot(root: Path) -> dict[str, list[str]]:
    """Return the problems and notes of lerobot with the dataset at `root`."""
    verdict: dict[str, list[str]] = {"problems": [], "notes": []}
    dataset = Dataset(root)
    episodes = _readable_episodes(dataset, verdict["notes"])
    if not episodes:
        return verdict
    try:
        from lerobot.datasets.lerobot_dataset import LeRobotDataset
    except Exception as error:
        verdict["notes"].append(f"lerobot cannot be imported, so it did not judge: {_message(error)}")
        return verdict
    try:
        opened = LeRobotDataset("local/verified", root=root, episodes=episodes, video_backend="pyav")
        verdict["problems"] += _differences(opened, dataset, verdict["notes"])
    except Exception as error:
        # Where meta/episodes names no video for an episode, NaN turns the file numbers into floats, which lerobot
        # cannot put into paths (ValueError). The check of the videos reports whether the input was like that.
        kind = "notes" if isinstance(error, ValueError) and _has_unnamed_videos(dataset) else "problems"
        verdict[kind].append(f"lerobot cannot read the dataset: {_message(error)}")
    return verdict


def _readable_episodes(dataset: Dataset, notes: list[str]) -> list[int]:
    """Return the first and the last episode with all videos: lerobot would request a missing one from the Hub."""
    complete = [
        entry.index
        for entry in dataset.entries()
        if all(clip is not None and dataset.files.has(clip.path) for clip in _clips(dataset, entry))
    ]
    lacking = len(dataset.episode_indices) - len(complete)
    if complete and dataset.layout.misplaced:
        notes.append("lerobot looks for files where info.json says, and they are elsewhere: it did not try to open any")
        return []
    if lacking:
        what = "those" if complete else "the dataset"
        notes.append(f"lerobot needs every video, and {lacking} episodes lack one: it did not try to open {what}")
    return sorted({complete[0], complete[-1]}) if complete else []


def _has_unnamed_videos(dataset: Dataset) -> bool:
    return any(None in _clips(dataset, entry) for entry in dataset.entries())


def _clips(dataset: Dataset, entry: EpisodeEntry) -> list[Clip | None]:
    return [entry.clips.get(camera) for camera, kind in dataset.cameras.items() if kind == "video"]


def _differences(opened: Any, dataset: Dataset, notes: list[str]) -> list[str]:
    import torch
    from torch.utils.data import DataLoader, Subset

    name = COLUMN if COLUMN in dataset.features else "task_index"
    rows = sorted({0, len(opened) // 2, len(opened) - 1})
    try:
        batch = next(iter(DataLoader(Subset(opened, rows), batch_size=len(rows), collate_fn=_collate(opened))))
    except ValueError as error:
        if type(error).__name__ != "FrameTimestampError":
            raise
        notes.append("lerobot refuses the dataset's timestamps, so only its table was read")
        batch = {name: torch.stack([opened.hf_dataset[row][name] for row in rows])}
    column = batch[name]
    differences = []
    if column.dtype != torch.int64 or tuple(column.shape) != (len(rows),):
        differences.append(f"lerobot batches {name} to {tuple(column.shape)} of {column.dtype}")
    for index in column.flatten().tolist():
        text = opened.meta.tasks.iloc[index].name
        if text != dataset.tasks.texts[index]:
            differences.append(f"lerobot reads task {index} as {text!r}, not {dataset.tasks.texts[index]!r}")
    return differences


def _collate(opened: Any) -> Any:
    """Return lerobot's own collate function for language columns: they are lists, which torch cannot batch."""
    if not getattr(opened.meta, "has_language_columns", False):
        return None
    from lerobot.utils.collate import lerobot_collate_fn

    return lerobot_collate_fn


def _message(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())}"[:500]


if __name__ == "__main__":
    print(json.dumps(read_with_lerobot(Path(sys.argv[1]))), flush=True)
    os._exit(0)  # without the second that it takes to delete the modules of torch
