"""The episodes' stats as v2.1 keeps them: a line an episode in meta/episodes_stats.jsonl. v2.0 has none."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pgen.errors import InputError
from pgen.storage.durable import write_text
from pgen_lerobot.format.json_text import in_form, placed_behind, retold_stat
from pgen_lerobot.format.jsonl import read_lines, whole
from pgen_lerobot.format.layout import COLUMN, EpisodeStats, StatsRow

FILE = "meta/episodes_stats.jsonl"
EPISODES = "meta/episodes.jsonl"


class LineStats(EpisodeStats):
    """In a file of JSON lines."""

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
        write_text(out / FILE, (json.dumps(_with(line, stats, column)) + "\n" for _, line in self._lines()))
        return [FILE]

    def retell(self, counts: Mapping[int, Counter[int]], texts: Sequence[str]) -> list[str]:
        def line_of(line: dict[str, Any]) -> dict[str, Any]:
            counted = counts.get(int(line["episode_index"]), Counter())
            stats, like = line.get("stats"), _like(line.get("stats") or {}, COLUMN)
            told = {name: retold_stat(old, counted, name) for name, old in like.items()}
            changed: dict[str, Any] = {"stats": {**stats, "task_index": told}} if stats and like else {}
            if "tasks" in line:
                changed["tasks"] = [texts[index] for index in sorted(counted)]
            return {**line, **changed}

        paths = [self._root / EPISODES, *self.files()]
        for path in paths:
            lines = [json.dumps(line_of(line), ensure_ascii=False) + "\n" for _, line in read_lines(path)]
            write_text(path, lines)
        return [path.relative_to(self._root).as_posix() for path in paths]

    def rows(self) -> Iterator[StatsRow]:
        for number, line in self._lines():
            like, found = line["stats"].get("task_index"), line["stats"].get(COLUMN)
            known = frozenset(like) if isinstance(like, dict) else frozenset()
            cells = found if isinstance(found, dict) else {}
            yield StatsRow(FILE, number - 1, whole(self._path, number, line, "episode_index"), known, cells)

    def _lines(self) -> Iterator[tuple[int, dict[str, Any]]]:
        if not self._path.is_file():
            return
        for number, line in read_lines(self._path):
            whole(self._path, number, line, "episode_index")
            if not isinstance(line.get("stats"), dict):
                raise InputError(f"{self._path}, line {number} has no `stats`.")
            yield number, line


def _with(line: dict[str, Any], stats: Mapping[int, Mapping[str, float]], column: str) -> dict[str, Any]:
    like = _like(line["stats"], column)
    if not like:
        return line
    new = stats.get(int(line["episode_index"]), {})
    told = {name: in_form(like[name], value) for name, value in new.items() if name in like}
    return {**line, "stats": placed_behind("task_index", line["stats"], column, told)}


def _like(stats: dict[str, Any], column: str) -> dict[str, Any]:
    """The statistics that the new column's are to be like; none where there are none."""
    like = stats.get("task_index", stats.get(column))
    return like if isinstance(like, dict) else {}
