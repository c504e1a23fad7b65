"""A rendered dataset rearranged as lerobot 0.3 kept it: v2.1, or v2.0 with all that its files are known for."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

V21_DATA = "data/chunk-{episode_chunk:03d}/episode_{episode_index:06d}.parquet"
V21_VIDEO = "videos/chunk-{episode_chunk:03d}/{video_key}/episode_{episode_index:06d}.mp4"
ONE_A_FILE = {"episodes_per_data_file": 1, "episodes_per_video_file": 1}
"""The layout that a dataset has to be written in."""


def as_v21(root: Path, chunks_size: int = 1000) -> Path:
    """Rearrange a dataset of one episode a file (`ONE_A_FILE`), in place."""
    episodes = pq.read_table(next((root / "meta/episodes").glob("*/*.parquet"))).to_pylist()
    info = json.loads((root / "meta/info.json").read_text())
    videos = [key for key, feature in info["features"].items() if feature["dtype"] == "video"]
    for row in episodes:
        fields = {"episode_chunk": row["episode_index"] // chunks_size, "episode_index": row["episode_index"]}
        old = f"chunk-000/file-{row['episode_index']:03d}"
        _move(root / f"data/{old}.parquet", root / V21_DATA.format(**fields))
        _in_older_words(root / V21_DATA.format(**fields))
        for key in videos:
            _move(root / f"videos/{key}/{old}.mp4", root / V21_VIDEO.format(video_key=key, **fields))
    kept = ("episode_index", "tasks", "length")
    _lines(root / "meta/episodes.jsonl", [{key: row[key] for key in kept} for row in episodes])
    _lines(root / "meta/episodes_stats.jsonl", [_stats(row, info) for row in episodes])
    tasks = pq.read_table(root / "meta/tasks.parquet").to_pylist()
    _lines(root / "meta/tasks.jsonl", [{"task_index": row["task_index"], "task": row["task"]} for row in tasks])
    for path in (root / "meta/tasks.parquet", root / "meta/stats.json", *(root / "meta/episodes").glob("*/*")):
        path.unlink()
    for folder in sorted((p for p in root.rglob("*") if p.is_dir()), reverse=True):
        if not any(folder.iterdir()):
            folder.rmdir()
    for key in ("data_files_size_in_mb", "video_files_size_in_mb"):
        del info[key]
    told = {
        "codebase_version": "v2.1",
        "total_videos": len(videos) * len(episodes),
        "total_chunks": (len(episodes) - 1) // chunks_size + 1,
        "chunks_size": chunks_size,
        "data_path": V21_DATA,
        "video_path": V21_VIDEO if videos else None,
    }
    (root / "meta/info.json").write_text(json.dumps(info | told, indent=4))
    return root


def as_v20(root: Path, chunks_size: int = 1000) -> Path:
    """As a recorder of that time wrote it: doubles, lists, no frame_index, a template that is wrong for most files."""
    as_v21(root, chunks_size)
    stats = [json.loads(line)["stats"] for line in (root / "meta/episodes_stats.jsonl").read_text().splitlines()]
    (root / "meta/episodes_stats.jsonl").unlink()
    (root / "meta/stats.json").write_text(json.dumps(stats[0], indent=4))
    info = json.loads((root / "meta/info.json").read_text())
    info |= {"codebase_version": "v2.0", "data_path": V21_DATA.replace("_chunk", "_index", 1)}
    info["video_path"] = info["video_path"] and V21_VIDEO.replace("_chunk", "_index", 1)
    info["features"].pop("frame_index")
    for feature in info["features"].values():
        feature["dtype"] = feature["dtype"].replace("float32", "float64")
        feature |= {"video_info": feature.pop("info")} if "info" in feature else {}
        if feature["names"] is None:
            del feature["names"]
    (root / "meta/info.json").write_text(json.dumps(info))
    for path in (root / "data").glob("*/*.parquet"):
        table = pq.read_table(path).drop_columns(["frame_index"])
        pq.write_table(table.cast(pa.schema([_double(field) for field in table.schema])), path)
    return root


def _in_older_words(path: Path) -> None:
    """What Hugging Face's datasets of that time called a list."""
    table = pq.read_table(path)
    told = {key: value.replace(b'"List"', b'"Sequence"') for key, value in (table.schema.metadata or {}).items()}
    pq.write_table(table.replace_schema_metadata(told), path)


def _double(field: "pa.Field[Any]") -> "pa.Field[Any]":
    kind = field.type
    if isinstance(kind, pa.FixedSizeListType):
        return field.with_type(pa.list_(_double(kind.value_field).type))
    return field.with_type(pa.float64()) if pa.types.is_floating(kind) else field


def _stats(row: dict[str, Any], info: dict[str, Any]) -> dict[str, Any]:
    stats: dict[str, dict[str, Any]] = {}
    for name in info["features"]:
        found = {key.rsplit("/", 1)[1]: value for key, value in row.items() if key.startswith(f"stats/{name}/")}
        stats[name] = {key: value for key, value in found.items() if not key.startswith("q")}
    return {"episode_index": row["episode_index"], "stats": stats}


def _move(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    source.rename(target)


def _lines(path: Path, rows: list[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
