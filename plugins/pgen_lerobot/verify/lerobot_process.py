"""`python -m pgen_lerobot.verify.lerobot_process DIR`: lerobot reads two episodes; its verdict is a line of JSON."""

import json
import sys
from pathlib import Path
from typing import Any

from pgen_lerobot.format import COLUMN, Clip, Dataset, EpisodeEntry


def judge(root: Path) -> dict[str, list[str]]:
    """The problems and notes of lerobot with the dataset at `root`."""
    verdict: dict[str, list[str]] = {"problems": [], "notes": []}
    known = Dataset(root)
    ends = _judged(known, verdict["notes"])
    if not ends:
        return verdict
    try:
        from lerobot.datasets.lerobot_dataset import LeRobotDataset
    except Exception as error:
        verdict["notes"].append(f"lerobot cannot be imported, so it did not judge: {_told(error)}")
        return verdict
    try:
        opened = LeRobotDataset("local/verified", root=root, episodes=ends, video_backend="pyav")
        verdict["problems"] += _differences(opened, known, verdict["notes"])
    except Exception as error:
        # Where meta/episodes names no video for an episode, NaN makes the numbers of all files floats, which lerobot
        # cannot put into paths (ValueError). Whether the input was like that, the check of the videos tells.
        kind = "notes" if isinstance(error, ValueError) and _unnamed_videos(known) else "problems"
        verdict[kind].append(f"lerobot cannot read the dataset: {_told(error)}")
    return verdict


def _judged(known: Dataset, notes: list[str]) -> list[int]:
    """The first and the last episode of which lerobot finds every video: for a missing one it would ask the Hub."""
    complete = []
    for entry in known.entries():
        clips = _clips(known, entry)
        if all(clip is not None and known.files.has(clip.path) for clip in clips):
            complete.append(entry.index)
    lacking = len(known.episode_indices) - len(complete)
    if complete and known.layout.misplaced:
        notes.append("lerobot looks for files where info.json says, and they are elsewhere: it did not try to open any")
        return []
    if lacking:
        what = "those" if complete else "the dataset"
        notes.append(f"lerobot needs every video, and {lacking} episodes lack one: it did not try to open {what}")
    return sorted({complete[0], complete[-1]}) if complete else []


def _unnamed_videos(known: Dataset) -> bool:
    return any(None in _clips(known, entry) for entry in known.entries())


def _clips(known: Dataset, entry: EpisodeEntry) -> list[Clip | None]:
    return [entry.clips.get(camera) for camera, kind in known.cameras.items() if kind == "video"]


def _differences(opened: Any, known: Dataset, notes: list[str]) -> list[str]:
    import torch
    from torch.utils.data import DataLoader, Subset

    told = COLUMN if COLUMN in known.features else "task_index"
    rows = sorted({0, len(opened) // 2, len(opened) - 1})
    try:
        batch = next(iter(DataLoader(Subset(opened, rows), batch_size=len(rows), collate_fn=_collate(opened))))
    except ValueError as error:
        if type(error).__name__ != "FrameTimestampError":
            raise
        notes.append("lerobot refuses the dataset's timestamps, so only its table was read")
        batch = {told: torch.stack([opened.hf_dataset[row][told] for row in rows])}
    column = batch[told]
    found = []
    if column.dtype != torch.int64 or tuple(column.shape) != (len(rows),):
        found.append(f"lerobot batches {told} to {tuple(column.shape)} of {column.dtype}")
    for index in column.flatten().tolist():
        text = opened.meta.tasks.iloc[index].name
        if text != known.tasks.texts[index]:
            found.append(f"lerobot reads task {index} as {text!r}, not {known.tasks.texts[index]!r}")
    return found


def _collate(opened: Any) -> Any:
    """As lerobot's own training: language columns are lists, which torch alone cannot batch."""
    if not getattr(opened.meta, "has_language_columns", False):
        return None
    from lerobot.utils.collate import lerobot_collate_fn

    return lerobot_collate_fn


def _told(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())}"[:500]


if __name__ == "__main__":
    print(json.dumps(judge(Path(sys.argv[1]))))
