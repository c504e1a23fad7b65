"""Changes of an output, one cell, row or file at a time, drawn by a seed: what `verify` has to find.

Where the change is one that the content itself gives away, its file's hash in the manifest is made to fit, so
that nothing but the meaning can be what is found.
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from mutations import LINES, MANIFEST, TASK_ROWS
from sink_helpers import change, set_cell

from pgen_lerobot.format import COLUMN, EXCHANGES, ExchangeRow

BASE_TASKS = 2
_TELLING = {
    "data/": {COLUMN, "index", "frame_index", "episode_index"},
    "meta/tasks": {"task", "task_index"},
    TASK_ROWS: {"task", "task_index", "user_prompt", "robot_utterance", "skill", "scenario_type", "response_type"},
    LINES: {"user_prompt", "robot_utterance", "skill_current", "frame_index", "timestamp", "skill_index", "status"}
    | {"scope", "start", "stop", "skills", "variant"},
    EXCHANGES: {*ExchangeRow._fields},
    "meta/episodes.jsonl": {"episode_index", "length"},
}
"""The columns whose every change shows in the content, by the file or folder."""
_TELLING_ROWS = ("data/", TASK_ROWS, LINES, EXCHANGES)
_COUNTS = [("counts", "samples"), ("counts", "answered")] + [
    ("labels", key) for key in ("frames", "frames_labelled", "frames_unlabelled", "dialogues")
]


@dataclass(frozen=True)
class Done:
    """What was changed, and whether the file's hash was made to fit."""

    how: str
    file: str
    hidden: bool
    row: int | None = None
    column: str | None = None


def changed(root: Path, seed: str) -> Done:
    """Change one thing of the output at `root`."""
    draw = Random(seed)
    done = draw.choice([_cell, _cell, _cell, _row, _row, _file, _number])(root, draw)
    if done.hidden:
        _fit_hash(root, done.file)
    return done


def _cell(root: Path, draw: Random) -> Done:
    name = draw.choice(_tables(root))
    if name.endswith(".parquet"):
        table = pq.read_table(root / name)
        column, row = draw.choice(table.column_names), draw.randrange(len(table))
        value = _other(table.column(column)[row].as_py(), draw)
        change(root / name, lambda content: set_cell(content, column, row, value))
    else:
        lines = _lines(root / name)
        row = draw.randrange(len(lines))
        column = draw.choice(sorted(lines[row]))
        lines[row][column] = _other(lines[row][column], draw)
        _write(root / name, lines)
    return Done("a cell", name, _tells(name, column, row), row, column)


def _row(root: Path, draw: Random) -> Done:
    name = draw.choice(_tables(root))
    how = draw.choice([_without, _twice, _swapped])
    if name.endswith(".parquet"):
        rows = list(range(pq.read_metadata(root / name).num_rows))
        order = how(rows, draw)
        change(root / name, lambda content: content.take(pa.array(order, pa.int64())))
        return Done(f"a row {how.__name__[1:]}", name, name.startswith(_TELLING_ROWS))
    lines = _lines(root / name)
    after = how(lines, draw)
    _write(root / name, after)
    # Two scopes of one moment may stand in either order: nothing depends on it.
    hidden = name.startswith(_TELLING_ROWS) and [*map(_moment, after)] != [*map(_moment, lines)]
    return Done(f"a row {how.__name__[1:]}", name, hidden)


def _moment(line: dict[str, Any]) -> tuple[Any, ...]:
    return line["episode_index"], line.get("frame_index"), line.get("scope") == "step" and line["variant"]


def _file(root: Path, draw: Random) -> Done:
    names = sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())
    name = draw.choice([name for name in names if name != "README.md"])
    path, how = root / name, draw.choice(["gone", "cut", "emptied"])
    content = path.read_bytes()
    path.unlink()
    if how != "gone":
        path.write_bytes(content[: len(content) // 2] if how == "cut" else b"")
    return Done(f"a file {how}", name, False)


def _number(root: Path, draw: Random) -> Done:
    """A number of info.json, of the column's stats, or one that the manifest counts."""
    stats = [name for name in ("meta/stats.json",) if (root / name).is_file()]
    name = draw.choice(["meta/info.json", MANIFEST, *stats])
    content = json.loads((root / name).read_text())
    if name == MANIFEST:
        part, key = draw.choice(_COUNTS)
    elif name == "meta/info.json":
        part, key = None, draw.choice(["total_tasks", "total_frames", "total_episodes"])
    else:
        part, key = COLUMN, draw.choice(["min", "max", "mean", "std", "count"])
    place = content[part] if part else content
    place[key] = _other(place[key], draw)
    (root / name).write_text(json.dumps(content))
    return Done("a number", name, name != MANIFEST, column=key)


def _tables(root: Path) -> list[str]:
    kinds = ("*.parquet", "*.jsonl")
    return sorted(path.relative_to(root).as_posix() for kind in kinds for path in root.rglob(kind))


def _tells(name: str, column: str, row: int) -> bool:
    if (
        name == TASK_ROWS
        and column not in ("task", "task_index", "user_prompt", "robot_utterance")
        and row < BASE_TASKS
    ):
        return False
    return any(name.startswith(prefix) and column in columns for prefix, columns in _TELLING.items())


def _other(value: Any, draw: Random) -> Any:
    """Another value of the same kind."""
    if isinstance(value, bool) or value is None:
        return "x"
    if isinstance(value, int | float):
        return value + draw.choice([-2, -1, 1, 2])
    if isinstance(value, str):
        return f"{value} x"
    if isinstance(value, list):
        return [_other(value[0], draw), *value[1:]] if value else ["x"]
    key = sorted(value)[0]
    return {**value, key: _other(value[key], draw)}


def _without(rows: list[Any], draw: Random) -> list[Any]:
    position = draw.randrange(len(rows))
    return rows[:position] + rows[position + 1 :]


def _twice(rows: list[Any], draw: Random) -> list[Any]:
    position = draw.randrange(len(rows))
    return rows[: position + 1] + rows[position:]


def _swapped(rows: list[Any], draw: Random) -> list[Any]:
    position = draw.randrange(len(rows) - 1)
    return [*rows[:position], rows[position + 1], rows[position], *rows[position + 2 :]]


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def _write(path: Path, lines: list[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))


def _fit_hash(root: Path, name: str) -> None:
    content = json.loads((root / MANIFEST).read_text())
    content["labels"]["files"][name] = hashlib.sha256((root / name).read_bytes()).hexdigest()
    (root / MANIFEST).write_text(json.dumps(content))
