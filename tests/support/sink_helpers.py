"""Small datasets, scripted dialogues, and helpers for the tests of the sink and of `verify`."""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from needed import need
from PIL import Image

from pgen.components import Results
from pgen.labels import DEFAULT_WEIGHTS
from pgen.records import Annotation, Dialogue, Episode, Failure, Plan, Sample
from pgen.run.planning import samples_of
from pgen_demo.dataset import Recording, write_dataset
from pgen_demo.layout import Layout
from pgen_lerobot.format import COLUMN
from pgen_lerobot.read import LeRobotSource
from pgen_lerobot.write import LeRobotSink
from pgen_samplers.samplers import Segments

FPS = 10
LENGTHS = (12, 9, 15, 7)
TASKS = ("put the red brick away", "put the blue brick away")
SPANS = {
    0: [("reach", 0.0, 0.5), ("grasp", 0.5, 1.2)],
    1: [("reach", 0.1, 0.4), ("lift | turn", 0.6, 0.9)],
    3: [("reach", 0.0, 0.7)],
}
"""Episode 1 has gaps before, between and after its spans; episode 2 has none."""

type Answer = Callable[[Sample], Dialogue | Failure]


def dataset(root: Path, **layout: Any) -> Path:
    """Four episodes with two cameras, and skills."""
    settings: dict[str, Any] = {"fps": FPS, "cameras": ("observation.images.top", "observation.images.wrist")}
    recordings = [_recording(episode, length) for episode, length in enumerate(LENGTHS)]
    return write_dataset(root, recordings, Layout(**(settings | {"codec": "png"} | layout)), skills=skills())


def skills() -> dict[str, Any]:
    episodes = {}
    for episode, spans in SPANS.items():
        entries = [{"name": name, "start": start, "end": end} for name, start, end in spans]
        task = TASKS[episode % 2]
        episodes[str(episode)] = {"episode_index": episode, "description": task, "skills": entries}
    return {"coarse_description": TASKS[0], "episodes": episodes}


def answer(sample: Sample) -> Dialogue | Failure:
    """Return the same dialogue for the first sample of each `reach`, a failure for the second sample of any span."""
    if sample.moment.frame_index in (3, 8):
        return Failure("parse", "no JSON in the reply")
    if sample.span.skill == "reach" and sample.moment.frame_index < 2:
        return Dialogue("Could you reach for it?", "Reaching.", "implicit_request", "confirmation")
    words = f"Please {sample.span.skill} `{sample.moment.frame_index}` in {sample.span.episode_id}"
    return Dialogue(words, "<b>On it</b>", "specific_object", "acknowledgment")


def results(
    root: Path,
    say: Answer = answer,
    generator: str = "template",
    of_moment: Callable[[Sample], Iterable[Annotation]] | None = None,
    **options: Any,
) -> Results:
    """Return what a run with a moment each 0.3 s passes to its sinks: the annotations of each, by default one step."""
    source = LeRobotSource(root=root, **options)
    source.open()
    if of_moment is None:

        def of_moment(sample: Sample) -> list[Annotation]:
            return [Annotation(sample, Plan(), say(sample))]

    def read() -> Iterator[tuple[Episode, list[Annotation]]]:
        for episode in source.episodes():
            samples = samples_of(episode, source, Segments(interval=0.3))
            yield episode, [annotation for sample in samples for annotation in of_moment(sample)]

    manifest: dict[str, Any] = {
        "pgen_manifest": 1,
        "versions": {"pgen": "0", "python": "3"},
        "source": source.describe(),
        "sampler": {"name": "segments", "interval": 0.3},
        "prompt": {"name": "made-up", "hash": ""},
        "generator": {"name": generator, "model": None if generator == "template" else "some/model", "found": {}},
        "sinks": [{"name": "lerobot"}],
        "run": {"scopes": DEFAULT_WEIGHTS, "speech": "hold", "silence": 0.0, "seed": 0},
        "counts": {"episodes": 0, "frames": 0, "samples": 0, "answered": 0, "failed": {}},
        "repairs": {},
        "tokens": {"in": 0, "out": 0},
        "attempts": 0,
        "retries": 0,
        "times": {"began": "", "seconds": 0.0, "model_seconds": 0.0},
    }
    return Results(source, manifest, read)


def count(run: Results) -> None:
    """Add the number of samples and of answered ones to the manifest."""
    annotations = [annotation for _, found in run.read() for annotation in found]
    outcomes = [it.dialogue is not None for it in annotations if not it.sample.question.counterfactual]
    run.manifest["counts"] |= {"samples": len(outcomes), "answered": sum(outcomes)}


def annotate(root: Path, out: Path, run: Results | None = None, **options: Any) -> Path:
    """Run the sink as `pgen annotate` does."""
    run = run or results(root)
    sink = LeRobotSink(**options)
    sink.open(run.source)
    count(run)
    out.mkdir(parents=True)
    sink.write(run, out)
    return out


def shards(root: Path) -> list[Path]:
    return sorted((root / "data").glob("*/*.parquet"))


def column(root: Path, name: str = COLUMN) -> list[Any]:
    """Return a column of the whole dataset."""
    return [value for path in shards(root) for value in pq.read_table(path).column(name).to_pylist()]


def texts(root: Path) -> list[str]:
    table = pq.read_table(root / "meta/tasks.parquet")
    return table.column(next(name for name in table.column_names if name != "task_index")).to_pylist()


def regroup(path: Path, rows: int, **settings: Any) -> None:
    """Rewrite a parquet file with row groups of `rows` rows."""
    table = pq.read_table(path)
    pq.write_table(table, path, row_group_size=rows, **settings)


def change(path: Path, edit: Callable[[pa.Table], pa.Table]) -> None:
    """Edit a parquet file; it is replaced, not written through a link."""
    table = edit(pq.read_table(path))
    path.unlink()
    pq.write_table(table, path)


def set_cell(table: pa.Table, name: str, row: int, value: Any) -> pa.Table:
    cells = table.column(name).to_pylist()
    cells[row] = value
    position = table.column_names.index(name)
    return table.set_column(position, table.schema.field(name), pa.array(cells, table.schema.field(name).type))


def snapshot(root: Path) -> dict[str, tuple[str, int]]:
    """Return the hash and the modification time of every file."""
    files = [path for path in sorted(root.rglob("*")) if path.is_file()]
    return {
        path.relative_to(root).as_posix(): (hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mtime_ns)
        for path in files
    }


def _recording(episode: int, length: int) -> Recording:
    def draw(camera: str, frame: int) -> Image.Image:
        return Image.new("RGB", (32, 32), (frame * 9 % 256, episode * 50, 200 if "top" in camera else 20))

    numbers = [[float(frame), episode * 0.5] for frame in range(length)]
    columns = {"observation.state": numbers, "action": numbers}
    return Recording(length=length, draw=draw, task=TASKS[episode % 2], columns=columns)


def read_by_pandas(path: Path) -> Any:
    """Read the table with pandas; skip the test where pandas is missing."""
    need("pandas")
    import pandas as pd

    return pd.read_parquet(path)
