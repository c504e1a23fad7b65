"""The writer of datasets: what lerobot reads of them, and that real layouts can be had."""

import json
import sys
from pathlib import Path
from typing import Any

import av
import pyarrow.parquet as pq
import pytest
from forked import run_lerobot
from needed import need
from PIL import Image

from pgen_demo.dataset import Recording, write_dataset
from pgen_demo.layout import Layout

LENGTHS = (12, 9, 15)
CAMERAS = ("observation.images.front", "observation.images.wrist")
STEP = 15
"""How much brighter each frame is than the one before: far more than a codec loses."""

LAYOUTS: dict[str, dict[str, Any]] = {
    "one video an episode": {"codec": "h264", "episodes_per_video_file": 1},
    "several data files": {"codec": "h264", "gop": 250, "episodes_per_data_file": 2, "episodes_per_meta_file": 2},
    "several chunks": {"codec": "av1", "gop": 10, "chunks_size": 1, "episodes_per_video_file": 2, "task_index": ""},
    "an odd rate": {"codec": "mpeg4", "gop": 5, "fps": 29.97},
    "pictures": {"codec": "png", "episodes_per_data_file": 1, "dtypes": {"timestamp": "float64"}},
}

READ = f"""
import json, sys
from lerobot.datasets.lerobot_dataset import LeRobotDataset
from torch.utils.data import DataLoader
for root in sys.argv[1:]:
    data = LeRobotDataset("local/drawn", root=root, video_backend="pyav")
    items = [data[index] for index in range(len(data))]
    seen = {{key: [round(item[key].mean().item() * 255 / {STEP}) for item in items] for key in data.meta.camera_keys}}
    batch = next(iter(DataLoader(data, batch_size=4)))
    print("READ", json.dumps([seen, [item["task"] for item in items], list(batch["observation.state"].shape)]))
"""


@pytest.fixture(scope="module")
def read_by_lerobot(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What lerobot reads of each layout; in one process, as it takes long to import."""
    need("lerobot")
    folder = tmp_path_factory.mktemp("layouts")
    roots = [write(folder / name, **options) for name, options in LAYOUTS.items()]
    done = run_lerobot([sys.executable, "-W", "ignore", "-c", READ, *roots])
    assert done.returncode == 0, done.stderr
    read = [json.loads(line.removeprefix("READ")) for line in done.stdout.splitlines() if line.startswith("READ")]
    return dict(zip(LAYOUTS, read, strict=True))


def picture(camera: str, frame: int) -> Image.Image:
    return Image.new("RGB", (96, 64), (frame * STEP,) * 3)


def recordings() -> list[Recording]:
    return [
        Recording(
            length=length,
            draw=picture,
            task=f"task {episode}" if episode else ["first half"] * 6 + ["second half"] * 6,
            columns={"observation.state": [[float(frame), 0.5] for frame in range(length)]},
        )
        for episode, length in enumerate(LENGTHS)
    ]


def write(root: Path, **options: Any) -> Path:
    return write_dataset(root, recordings(), Layout(**({"fps": 10, "cameras": CAMERAS} | options)))


def contents(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_lerobot_reads_every_frame_and_its_task(layout: str, read_by_lerobot: dict[str, Any]) -> None:
    pictures, tasks, batch = read_by_lerobot[layout]
    frames = [frame for length in LENGTHS for frame in range(length)]
    assert pictures == dict.fromkeys(CAMERAS, frames)
    assert tasks == ["first half"] * 6 + ["second half"] * 6 + ["task 1"] * 9 + ["task 2"] * 15
    assert batch == [4, 2]


@pytest.mark.parametrize("codec", ["h264", "av1", "mpeg4", "png"])
def test_the_same_input_gives_the_same_bytes(codec: str, tmp_path: Path) -> None:
    assert contents(write(tmp_path / "one", codec=codec)) == contents(write(tmp_path / "two", codec=codec))


def test_an_existing_dataset_is_never_written_over(tmp_path: Path) -> None:
    root = write(tmp_path / "drawn", codec="png")
    before = contents(root)
    with pytest.raises(FileExistsError):
        write(root, codec="png")
    assert contents(root) == before


def test_each_episode_is_a_row_group_with_the_hubs_metadata(tmp_path: Path) -> None:
    file = pq.ParquetFile(write(tmp_path / "drawn") / "data/chunk-000/file-000.parquet")
    assert [file.metadata.row_group(group).num_rows for group in range(3)] == list(LENGTHS)
    features = json.loads(file.schema_arrow.metadata[b"huggingface"])["info"]["features"]
    assert list(features) == file.schema_arrow.names
    assert features["observation.state"] == {
        "feature": {"dtype": "float32", "_type": "Value"},
        "length": 2,
        "_type": "List",
    }


def test_timestamps_and_columns_are_as_asked_while_the_video_keeps_its_rate(tmp_path: Path) -> None:
    uneven = [0.0, 0.06, 0.33, 0.4]
    recording = Recording(length=4, draw=picture, task="wait", timestamps=uneven)
    layout = Layout(fps=10, cameras=CAMERAS[:1], without=("index", "task_index"))
    root = write_dataset(tmp_path / "drawn", [recording], layout)
    table = pq.read_table(root / "data/chunk-000/file-000.parquet")
    assert table.column("timestamp").to_pylist() == pytest.approx(uneven)
    assert table.schema.names == ["timestamp", "frame_index", "episode_index"]
    with av.open(str(root / f"videos/{CAMERAS[0]}/chunk-000/file-000.mp4")) as video:
        assert [frame.time for frame in video.decode(video=0)] == pytest.approx([0.0, 0.1, 0.2, 0.3])


@pytest.mark.parametrize(("index", "column"), [("task", "task"), ("", "__index_level_0__"), (None, "task")])
def test_the_task_table_has_the_index_that_was_asked_for(index: str | None, column: str, tmp_path: Path) -> None:
    table = pq.read_table(write(tmp_path / "drawn", task_index=index, tasks=("unused",)) / "meta/tasks.parquet")
    assert table.column(column).to_pylist() == ["unused", "first half", "second half", "task 1", "task 2"]
    assert table.column("task_index").to_pylist() == [0, 1, 2, 3, 4]
    assert (b"pandas" in (table.schema.metadata or {})) == (index is not None)


def test_stats_are_those_of_the_values(tmp_path: Path) -> None:
    stats = json.loads((write(tmp_path / "drawn") / "meta/stats.json").read_text(encoding="utf-8"))
    values = [frame for length in LENGTHS for frame in range(length)]
    mean = sum(values) / len(values)
    deviation = (sum((value - mean) ** 2 for value in values) / len(values)) ** 0.5
    assert stats["frame_index"]["min"] == [0.0]
    assert stats["frame_index"]["max"] == [14.0]
    assert stats["frame_index"]["mean"] == pytest.approx([mean])
    assert stats["frame_index"]["std"] == pytest.approx([deviation])
    assert stats["frame_index"]["count"] == [36]
    assert [len(stats[CAMERAS[0]]["mean"]), len(stats[CAMERAS[0]]["mean"][0][0])] == [3, 1]
