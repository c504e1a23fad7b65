"""Measure what each step costs on this machine, in a few seconds: the inputs of the simulation."""

import asyncio
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter, process_time
from typing import Any

from common import clients
from common.datasets import filmed, picture, rows
from common.server import Behaviour, Server

FPS = 30
"""Of the rendered datasets."""


@dataclass(frozen=True, slots=True)
class Costs:
    """Seconds per image, request, commit and frame; and of a dialogue: seconds and bytes in the journal, bytes in the
    output, and bytes in memory while it is written."""

    decode: float
    encode: float
    request: float
    commit: float
    store: float
    journal_bytes: float
    sink: float
    line_bytes: float
    held_bytes: float


def measured(tiny: bool = False) -> Costs:
    count = 32 if tiny else 1024
    annotations = _annotations(list(chain.from_iterable(clients.samples(count))))
    decode, encode = _pictures(2 if tiny else 20)
    with TemporaryDirectory() as folder:
        commit, store, journal_bytes = _journal(Path(folder), annotations)
    sink, line_bytes = _sink(rows(3, 90) if tiny else rows(20, 1000))
    request, held = _request(count), _held(annotations)
    return Costs(decode, encode, request, commit, store, journal_bytes, sink, line_bytes, held)


def _pictures(seconds: int) -> tuple[float, float]:
    """Return the seconds to decode an image, a second apart (AV1, GOP 2, 640x480), and to encode it as a JPEG."""
    import numpy as np

    from pgen.media import encode_pixels
    from pgen_lerobot.read.video import VideoFile, pixels

    path = next((filmed(1, seconds, cameras=1) / "videos").glob("*/*/*.mp4"))
    with VideoFile(path) as video:
        decode = [_busy(lambda at=at: pixels(video.at(at, FPS), 640, 480)) for at in range(seconds)]
    one = np.asarray(picture())
    return median(decode), median(_busy(lambda: encode_pixels(one, "front")) for _ in range(10))


def _request(count: int) -> float:
    """Return the client's CPU seconds per request, from the prompt to the parsed reply, with a ready JPEG."""
    with Server(Behaviour(0.02)) as server:
        return clients.pgen(clients.Task(server.url, count, min(count, 64))) / count


def _annotations(items: list[Any]) -> list[Any]:
    """Return the annotations of requests, each with the dialogue that `template` writes."""
    from pgen.inference.pipeline import Pipeline
    from pgen.testing import FakeSource, MemoryRecorder
    from pgen_dialogue.prompts.hi_robot import HiRobotPrompt
    from pgen_dialogue.template.generator import TemplateGenerator

    pipeline = Pipeline(FakeSource(), HiRobotPrompt(), TemplateGenerator(), 0, 2, 1003520)
    recorder = MemoryRecorder()
    singles = [(sample,) for samples in items for sample in samples]
    asyncio.run(pipeline.run(iter([singles]), recorder, asyncio.Event()))
    return recorder.results


def _journal(folder: Path, annotations: list[Any]) -> tuple[float, float, float]:
    """Return seconds per commit, seconds per result in it, and bytes per result."""
    from pgen.storage.journal import Journal

    path = folder / "journal.sqlite"
    journal = Journal(path)
    ones = [_seconds(lambda one=one: journal.add([one])) for one in annotations[:16]]
    group = len(annotations) // 4
    groups = [_seconds(lambda n=n: journal.add(annotations[n : n + group])) for n in range(0, len(annotations), group)]
    journal.close()
    size = sum(file.stat().st_size for file in folder.iterdir())
    return median(ones), max(median(groups) - median(ones), 0.0) / group, size / len(annotations)


def _sink(root: Path) -> tuple[float, float]:
    """Return the CPU seconds per frame, and the bytes that each result adds to a dataset in all files together."""
    import write_out

    with TemporaryDirectory(dir=root.parent) as folder:
        out = Path(folder, "out")
        write_out.sink(root, Path(folder, "imports"))
        seconds = _busy(lambda: write_out.sink(root, out))
        lines = sum(1 for _ in (out / "meta/syn_annotations.jsonl").open())
        named = ("meta/syn_annotations.jsonl", "meta/tasks.parquet", "meta/tasks_high_level.parquet")
        added = sum((out / name).stat().st_size for name in named)
    source, _ = write_out._results(root)
    return seconds / source.dataset.layout.frames, added / lines


def _held(annotations: list[Any]) -> float:
    """Return the bytes in memory per distinct dialogue while the sink writes."""
    from pgen_lerobot.format import TaskRow, TaskRows
    from pgen_lerobot.format.task_table import LineTasks

    rows_ = [TaskRow.of(a) for a in annotations if a.dialogue]
    tracemalloc.start()
    table = TaskRows(LineTasks(Path(), ()), {})
    for number, row in enumerate(rows_):
        table.add(TaskRow(f"{row.user_prompt} {number}", row.robot_utterance, row.skill))
    held = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    return held / len(rows_)


def _busy(work: Callable[[], Any]) -> float:
    began = process_time()
    work()
    return process_time() - began


def _seconds(work: Callable[[], Any]) -> float:
    began = perf_counter()
    work()
    return perf_counter() - began
