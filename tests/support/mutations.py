"""The changes that `verify` has to find: what is done to a good output, and what is said of it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from sink_helpers import change, set_cell

from pgen_lerobot.format import COLUMN

DATA = "data/chunk-000/file-000.parquet"
DATA2 = "data/chunk-000/file-001.parquet"
EPISODES = "meta/episodes/chunk-000/file-000.parquet"
TASKS = "meta/tasks.parquet"
TASK_ROWS = "meta/tasks_high_level.parquet"
LINES = "meta/syn_annotations.jsonl"
MANIFEST = "meta/pgen/manifest.json"

type Change = Callable[[Path], None]


def table(name: str, edit: Callable[[pa.Table], pa.Table]) -> Change:
    return lambda root: change(root / name, edit)


def cell(name: str, column: str, row: int, value: Any) -> Change:
    return table(name, lambda content: set_cell(content, column, row, value))


def content(name: str, edit: Callable[[Any], Any]) -> Change:
    def apply(root: Path) -> None:
        path = root / name
        loaded = json.loads(path.read_text())
        path.write_text(json.dumps(edit(loaded) or loaded))

    return apply


def line(number: int, edit: Callable[[dict[str, Any]], Any]) -> Change:
    def apply(root: Path) -> None:
        lines = [json.loads(text) for text in (root / LINES).read_text().splitlines()]
        edit(lines[number])
        (root / LINES).write_text("".join(json.dumps(one) + "\n" for one in lines))

    return apply


def lines(edit: Callable[[list[str]], list[str]]) -> Change:
    def apply(root: Path) -> None:
        kept = edit((root / LINES).read_text().splitlines(keepends=True))
        (root / LINES).write_text("".join(kept))

    return apply


def gone(name: str) -> Change:
    return lambda root: (root / name).unlink()


def without_index(content: pa.Table) -> pa.Table:
    return content.replace_schema_metadata(None)


def swapped(content: pa.Table) -> pa.Table:
    return content.take([1, 0, *range(2, len(content))])


def as_float(content: pa.Table) -> pa.Table:
    position = content.column_names.index(COLUMN)
    return content.set_column(position, COLUMN, content.column(COLUMN).cast(pa.float64()))


def twice(content: pa.Table) -> pa.Table:
    column = next(name for name in content.column_names if name != "task_index")
    return set_cell(content, column, 3, content.column(column)[2].as_py())


def damaged(root: Path) -> None:
    path = root / DATA
    raw = bytearray(path.read_bytes())
    group = pq.read_metadata(path).row_group(0)
    chunk = next(c for c in map(group.column, range(group.num_columns)) if c.path_in_schema == COLUMN)
    start = chunk.dictionary_page_offset or chunk.data_page_offset
    raw[start : start + chunk.total_compressed_size] = b"\xff" * chunk.total_compressed_size
    path.write_bytes(raw)


def halved(path: Path) -> None:
    raw = path.read_bytes()
    path.unlink()
    path.write_bytes(raw[: len(raw) // 2])


def another_skill(root: Path) -> None:
    content("meta/skills.json", lambda skills: skills["episodes"]["0"]["skills"][0].update(end=0.3) or skills)(root)


CHANGES: dict[str, tuple[Change, str]] = {
    "a label that is another dialogue": (
        cell(DATA, COLUMN, 6, 2),
        rf"{DATA}, row 6, column {COLUMN}: found 2 'Could you reach .*expected 3 'Please grasp",
    ),
    "an unlabelled frame with a dialogue": (cell(DATA, COLUMN, 12, 2), rf"{DATA}, row 12, .*expected 1 'put the blue"),
    "a label in the second file": (cell(DATA2, COLUMN, 0, 0), rf"{DATA2}, row 0, .*found 0 .*expected 2"),
    "a null": (cell(DATA, COLUMN, 5, None), rf"{DATA}, row 5, column {COLUMN}: 1 cells are empty"),
    "a label beyond the tasks": (cell(DATA, COLUMN, 5, 99), rf"row 5, column {COLUMN}: 99 is no row of meta/tasks"),
    "minus one": (cell(DATA, COLUMN, 12, -1), rf"row 12, column {COLUMN}: -1 is no row"),
    "the column gone": (
        table(DATA, lambda t: t.drop_columns(COLUMN)),
        rf"{DATA}, column {COLUMN}: the column is missing",
    ),
    "the column as floats": (table(DATA, as_float), rf"{DATA}, column {COLUMN}: the type is double"),
    "another column gone": (table(DATA2, lambda t: t.drop_columns("action")), rf"{DATA2}, column action: .*missing"),
    "a column too many": (
        table(DATA, lambda t: t.append_column("more", t.column("index"))),
        r"column more: info.json does not declare",
    ),
    "a row less": (table(DATA, lambda t: t.slice(1)), r"episode 0 has 11 rows, meta/episodes says 12"),
    "an episode nobody lists": (cell(DATA2, "episode_index", 6, 8), r"episode 8 is not listed"),
    "a frame's own task": (cell(DATA, "task_index", 12, 0), rf"row 12, column {COLUMN}: found 1 .*expected 0"),
    "an index": (cell(DATA2, "index", 2, 7), rf"{DATA2}, row 2, column index: found 7, expected 38"),
    "a frame's number": (cell(DATA, "frame_index", 25, 0), rf"{DATA}, row 25, column frame_index: found 0, expected 4"),
    "two rows the other way round": (table(DATA, swapped), rf"{DATA}, row 0, column index: found 1, expected 0"),
    "a task less": (table(TASKS, lambda t: t.slice(0, len(t) - 1)), r"total_tasks is 7, there are 6"),
    "tasks out of order": (table(TASKS, swapped), r"row 0 has task_index 1"),
    "a task twice": (table(TASKS, twice), r"occurs twice"),
    "a task's text": (
        cell(TASKS, "task", 3, "other words"),
        r"expected a dialogue that has no row in meta/tasks.parquet",
    ),
    "tasks without their index": (table(TASKS, without_index), rf"{TASKS}: the texts are not the pandas index"),
    "the mirror gone": (gone(TASK_ROWS), rf"{TASK_ROWS}: is missing .*`pgen repair` writes it again"),
    "a row less in the mirror": (table(TASK_ROWS, lambda t: t.slice(0, 6)), rf"{TASK_ROWS}: has 6 rows, .* has 7"),
    "a text of the mirror": (cell(TASK_ROWS, "task", 4, "x"), rf"{TASK_ROWS}, row 4, column task: found 'x'"),
    "a prompt of the mirror": (cell(TASK_ROWS, "user_prompt", 4, "x"), rf"{TASK_ROWS}, row 4, .*do not make up"),
    "an index of the mirror": (cell(TASK_ROWS, "task_index", 4, 5), rf"{TASK_ROWS}, row 4, column task_index: found 5"),
    "a skill of the mirror": (
        cell(TASK_ROWS, "skill", 4, "fly"),
        rf"{TASK_ROWS}, row 4, column skill: found 'fly', the annotations have 'grasp'",
    ),
    "a type of the mirror": (
        cell(TASK_ROWS, "response_type", 3, None),
        rf"{TASK_ROWS}, row 3, column response_type: found None, the annotations have 'acknowledgment'",
    ),
    "a column less in the mirror": (table(TASK_ROWS, lambda t: t.drop_columns("skill")), r"column skill: .*missing"),
    "total_tasks": (content("meta/info.json", lambda i: i.update(total_tasks=2)), r"total_tasks is 2, there are 7"),
    "total_frames": (content("meta/info.json", lambda i: i.update(total_frames=1)), r"total_frames is 1, there are 43"),
    "total_episodes": (content("meta/info.json", lambda i: i.update(total_episodes=5)), r"total_episodes is 5"),
    "the feature gone": (
        content("meta/info.json", lambda i: i["features"].pop(COLUMN) and None),
        rf"meta/info.json, column {COLUMN}: the feature is not declared",
    ),
    "the feature's shape": (
        content("meta/info.json", lambda i: i["features"][COLUMN].update(shape=[])),
        r"shape is \[\], it has to be \[1\]",
    ),
    "the feature's names": (
        content("meta/info.json", lambda i: i["features"][COLUMN].pop("names") and None),
        r"`names` is missing",
    ),
    "info.json gone": (gone("meta/info.json"), r"meta/info.json is missing"),
    "a key of the stats": (
        content("meta/stats.json", lambda s: s[COLUMN].pop("q50") and None),
        rf"meta/stats.json, column {COLUMN}: has",
    ),
    "the stats of the column gone": (
        content("meta/stats.json", lambda s: s.pop(COLUMN) and None),
        r"stats.json.*has none",
    ),
    "a value of the stats": (
        content("meta/stats.json", lambda s: s[COLUMN].update(max=[99])),
        r"max is \[99\], the column",
    ),
    "an episode's stats": (
        cell(EPISODES, f"stats/{COLUMN}/mean", 3, [0.0]),
        r"row 3, column stats/.*/mean: is \[0.0\]",
    ),
    "a column of the episodes' stats": (
        table(EPISODES, lambda t: t.drop_columns(f"stats/{COLUMN}/q10")),
        rf"column stats/{COLUMN}/q10: is missing",
    ),
    "a line gone": (lines(lambda all_lines: all_lines[1:]), rf"row 0, column {COLUMN}: found 2 .*expected"),
    "a line twice": (lines(lambda all_lines: [all_lines[0], *all_lines]), rf"{LINES}, row 1: its frame comes twice"),
    "lines out of order": (lines(lambda all_lines: all_lines[::-1]), rf"{LINES}, row .*"),
    "a line that is no JSON": (lines(lambda all_lines: [*all_lines, "{"]), r"line 11 is not JSON"),
    "a line of another form": (line(2, lambda it: it.pop("t")), r"line 3: \$: 't' is a required property"),
    "a line's words": (line(0, lambda it: it.update(user_prompt="x")), r"expected a dialogue that has no row"),
    "a line's skill": (
        line(0, lambda it: it.update(skill_current="x")),
        rf"{LINES}, row 0: skill 0 of episode 0 is not 'x'",
    ),
    "a line's frame": (
        line(0, lambda it: it.update(frame_index=11)),
        rf"{LINES}, row 0: frame 11 .* is not in the span",
    ),
    "a line's time": (
        line(0, lambda it: it.update(timestamp=0.1)),
        rf"{LINES}, row 0: frame 0 .* is at 0.0 s, not 0.1",
    ),
    "a line's status": (
        line(
            0, lambda it: it.update(status="failed", user_prompt=None, robot_utterance=None, stage="parse", reason="x")
        ),
        rf"row 0, column {COLUMN}: found 2",
    ),
    "the lines gone": (gone(LINES), rf"{LINES}: the labels cannot be made again"),
    "other skills": (another_skill, rf"{LINES}, row 1: frame 3 of episode 0 is not in the span of 'reach'"),
    "the skills gone": (gone("meta/skills.json"), r"skills.json is missing"),
    "a video gone": (
        gone("videos/observation.images.wrist/chunk-000/file-000.mp4"),
        r"videos/observation.images.wrist/chunk-000/file-000.mp4: the file is missing",
    ),
    "a video cut off": (
        lambda root: halved(root / "videos/observation.images.wrist/chunk-000/file-000.mp4"),
        r"videos/observation.images.wrist/chunk-000/file-000.mp4: the video cannot be read to its end",
    ),
    "a data file gone": (gone(DATA2), r"file-001.parquet is missing"),
    "a data file cut off": (lambda root: (root / DATA).write_bytes(b"PAR1"), r"not a readable parquet file"),
    "a data file damaged within": (damaged, rf"{DATA}: "),
    "a file edited": (content("meta/stats.json", lambda stats: stats), r"stats.json: the file was changed"),
    "the manifest gone": (gone(MANIFEST), rf"{MANIFEST}: the file is missing"),
    "the manifest of another form": (
        content(MANIFEST, lambda m: m.pop("sampler") and m),
        rf"{MANIFEST}: does not fit the schema `manifest` at \$: 'sampler' is a required property",
    ),
    "a count of the manifest": (
        content(MANIFEST, lambda m: m["labels"].update(frames_labelled=1)),
        rf"{MANIFEST}: labels.frames_labelled is 1, there are",
    ),
    "a file that was carried over": (
        content("meta/skills.json", lambda skills: skills | {"more": 1}),
        r"meta/skills.json: the file was changed",
    ),
    "the manifest no JSON": (lambda root: (root / MANIFEST).write_text("["), rf"{MANIFEST}: cannot be read as JSON"),
}
