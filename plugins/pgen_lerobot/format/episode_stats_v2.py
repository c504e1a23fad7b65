"""The episodes' statistics in v2.1: one line an episode in meta/episodes_stats.jsonl. v2.0 has none."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pgen.errors import InputError
from pgen.storage.durable import write_text
from pgen_lerobot.format.json_text import in_form, insert_after, replaced_stats
from pgen_lerobot.format.jsonl import integer, read_lines
from pgen_lerobot.format.layout import COLUMN, EpisodeStats, StatsRow

FILE = "meta/episodes_stats.jsonl"
EPISODES = "meta/episodes.jsonl"


class LineStats(EpisodeStats):
    """Statistics in a file of JSON lines."""

    column = COLUMN + ".{}"

    def __init__(self, root: Path) -> None:
        self._root, self._path = root, root / FILE

    def files(self) -> list[Path]:
        return [self._path] if self._path.is_file() else []

    def names(self, column: str = COLUMN) -> list[str]:
        names: dict[str, None] = {}
        for _, line in self._lines():
            names |= dict.fromkeys(_like(line["stats"], column))
        return list(names)

    def write(self, out: Path, stats: Mapping[int, Mapping[str, float]], column: str = COLUMN) -> list[str]:
        if not self.names(column):
            return []
        write_text(out / FILE, (json.dumps(_with_column(line, stats, column)) + "\n" for _, line in self._lines()))
        return [FILE]

    def replace_tasks(self, counts: Mapping[int, Counter[int]], texts: Sequence[str]) -> list[str]:
        def replaced(line: dict[str, Any]) -> dict[str, Any]:
            counted = counts.get(int(line["episode_index"]), Counter())
            stats, old = line.get("stats"), _like(line.get("stats") or {}, COLUMN)
            changed: dict[str, Any] = {}
            if stats and old:
                changed["stats"] = {**stats, "task_index": replaced_stats(counted, old)}
            if "tasks" in line:
                changed["tasks"] = [texts[index] for index in sorted(counted)]
            return {**line, **changed}

        paths = [self._root / EPISODES, *self.files()]
        for path in paths:
            write_text(path, [json.dumps(replaced(line), ensure_ascii=False) + "\n" for _, line in read_lines(path)])
        return [path.relative_to(self._root).as_posix() for path in paths]

    def rows(self) -> Iterator[StatsRow]:
        for number, line in self._lines():
            names, values = (_object(line["stats"].get(column)) for column in ("task_index", COLUMN))
            episode = integer(self._path, number, line, "episode_index")
            yield StatsRow(FILE, number - 1, episode, frozenset(names), values)

    def _lines(self) -> Iterator[tuple[int, dict[str, Any]]]:
        for number, line in read_lines(self._path) if self._path.is_file() else ():
            integer(self._path, number, line, "episode_index")
            if not isinstance(line.get("stats"), dict):
                raise InputError(f"{self._path}, line {number} has no `stats`.")
            yield number, line


def _with_column(line: dict[str, Any], stats: Mapping[int, Mapping[str, float]], column: str) -> dict[str, Any]:
    like = _like(line["stats"], column)
    if not like:
        return line
    values = stats.get(int(line["episode_index"]), {})
    in_its_form = {name: in_form(like[name], value) for name, value in values.items() if name in like}
    return {**line, "stats": insert_after("task_index", line["stats"], column, in_its_form)}


def _like(stats: dict[str, Any], column: str) -> dict[str, Any]:
    """Return the statistics whose names and form the column takes: task_index's, else its own."""
    return _object(stats.get("task_index", stats.get(column)))


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
