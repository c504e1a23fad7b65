"""`--write-subtasks`: the column, its table, and what declares them."""

import json
from itertools import groupby

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from old_layout import ONE_A_FILE, as_v20, as_v21
from segment_helpers import dataset, episode, files, read_json, rows, segmented


@pytest.fixture
def root(tmp_path):
    return dataset(tmp_path / "in", episode(task="a"), episode(task="b"), episode(task="b"))


def test_subtasks_name_the_skill_of_every_frame(root, tmp_path):
    out = segmented(root, tmp_path / "out", "--write-subtasks")
    skills = read_json(out / "meta/skills.json")
    names = pq.read_table(out / "meta/subtasks.parquet").to_pydict()
    assert names["subtask_index"] == list(range(10))
    assert dict(zip(names["subtask"], names["subtask_index"], strict=True)) == skills["skill_to_task_index"]
    for row in rows(out, "episode_index", "timestamp", "subtask_index").to_pylist():
        spans = skills["episodes"][str(row["episode_index"])]["skills"]
        (own,) = {s["name"] for s in spans if s["start"] - 1e-3 <= row["timestamp"] < s["end"] - 1e-3}
        assert names["subtask"][row["subtask_index"]] == own


def test_subtasks_are_declared_with_their_stats(root, tmp_path):
    out = segmented(root, tmp_path / "out", "--write-subtasks")
    info = read_json(out / "meta/info.json")
    assert info["features"]["subtask_index"] == {"dtype": "int64", "shape": [1], "names": None}
    assert info["total_tasks"] == 2
    values = rows(out, "subtask_index").column(0).to_pylist()
    stats = read_json(out / "meta/stats.json")["subtask_index"]
    assert (stats["min"], stats["max"], stats["count"]) == ([min(values)], [max(values)], [len(values)])
    first = pq.read_table(out / "meta/episodes/chunk-000/file-000.parquet").to_pylist()[0]
    assert first["stats/subtask_index/max"] == [max(values[:66])]


def test_frames_of_episodes_without_skills_have_their_own_task_as_their_subtask(root, tmp_path):
    out = segmented(root, tmp_path / "out", "--write-subtasks", "--episodes", "0")
    names = pq.read_table(out / "meta/subtasks.parquet").column("subtask").to_pylist()
    table = rows(out, "episode_index", "subtask_index").to_pylist()
    assert {names[row["subtask_index"]] for row in table if row["episode_index"] > 0} == {"b"}


def test_subtasks_follow_episodes_through_several_files_and_row_groups(tmp_path):
    root = dataset(tmp_path / "in", *(episode() for _ in range(3)), episodes_per_data_file=1)
    path = root / "data/chunk-000/file-001.parquet"
    table = pq.read_table(path)
    pq.write_table(table, path, row_group_size=7)
    out = segmented(root, tmp_path / "out", "--write-subtasks")
    columns = [pq.read_table(p).column("subtask_index").to_pylist() for p in sorted(out.glob("data/*/*.parquet"))]
    assert columns[0] == columns[1] == columns[2]


@pytest.mark.parametrize("version", [as_v21, as_v20])
def test_an_older_dataset_gets_skills_subtasks_and_stats_in_its_own_version(tmp_path, version):
    root = version(dataset(tmp_path / "in", episode(task="a"), episode(task="b"), codec="h264", **ONE_A_FILE))
    before, out = files(root), segmented(root, tmp_path / "out", "--write-subtasks")
    new = {"meta/skills.json", "meta/pgen/segmentation.json", "meta/subtasks.parquet", "meta/subtasks.jsonl"}
    assert set(files(out)) == set(before) | new
    skills = read_json(out / "meta/skills.json")["episodes"]
    names = pq.read_table(out / "meta/subtasks.parquet").column("subtask").to_pylist()
    lines = [json.loads(line) for line in (out / "meta/subtasks.jsonl").read_text().splitlines()]
    assert lines == [{"subtask_index": index, "subtask": name, "task": name} for index, name in enumerate(names)]
    values = [pq.read_table(path).column("subtask_index").to_pylist() for path in sorted(out.glob("data/*/*.parquet"))]
    assert [[names[index] for index, _ in groupby(of_episode)] for of_episode in values] == [
        [name for name, _ in groupby(span["name"] for span in skills[key]["skills"])] for key in ("0", "1")
    ]
    if version is as_v21:
        lines = [json.loads(line) for line in (out / "meta/episodes_stats.jsonl").read_text().splitlines()]
        assert [line["stats"]["subtask_index"]["max"] for line in lines] == [[max(of_episode)] for of_episode in values]
    versions = [read_json(each / "meta/info.json")["codebase_version"] for each in (root, out)]
    assert versions[0] == versions[1]
    some = segmented(root, tmp_path / "some", "--skills-only", "--episodes", "1")
    assert list(read_json(some / "skills.json")["episodes"]) == ["1"]


def test_rows_that_are_in_no_episode_have_their_own_task_as_their_subtask(root, tmp_path):
    stray = root / "data/chunk-000/file-009.parquet"
    table = pq.read_table(root / "data/chunk-000/file-000.parquet").slice(0, 5)
    index = pa.array([9] * 5, pa.int64())
    pq.write_table(table.set_column(table.column_names.index("episode_index"), "episode_index", index), stray)
    out = segmented(root, tmp_path / "out", "--write-subtasks")
    names = pq.read_table(out / "meta/subtasks.parquet").column("subtask").to_pylist()
    values = pq.read_table(out / stray.relative_to(root)).column("subtask_index").to_pylist()
    assert [names[index] for index in values] == ["a"] * 5
