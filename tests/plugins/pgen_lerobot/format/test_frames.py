"""The data and metadata of rendered datasets that deviate from the format and are read all the same."""

import gc
import json
import weakref

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from layout_helpers import annotated, edit_json, episodes_file, opened, problems_of
from sink_helpers import LENGTHS, TASKS, change, dataset, set_cell, shards

from pgen.errors import InputError
from pgen_lerobot.format import Dataset, episode_tables


def test_without_frame_index_the_order_of_the_rows_counts(tmp_path):
    root = dataset(tmp_path / "data", without=("frame_index",))
    assert [len(episode.timestamps) for episode in opened(root)[1]] == list(LENGTHS)
    annotated(root, tmp_path / "out")
    assert problems_of(tmp_path / "out") == []


def test_without_index_or_task_index_the_metadata_tell_the_task(tmp_path):
    root = dataset(tmp_path / "data", without=("index", "task_index"), tasks=TASKS)
    assert [episode.task for episode in opened(root)[1]] == [TASKS[n % 2] for n in range(4)]
    annotated(root, tmp_path / "out", "--episodes", "0-1")
    assert problems_of(tmp_path / "out") == []
    labels = [row for path in shards(tmp_path / "out") for row in pq.read_table(path).to_pylist()]
    own = {row["episode_index"]: row["task_index_high_level"] for row in labels if row["episode_index"] > 1}
    assert own == {2: 0, 3: 1}


def test_without_task_index_an_episode_of_two_tasks_is_refused(tmp_path):
    root = dataset(tmp_path / "data", without=("task_index",))
    path = episodes_file(root)
    change(path, lambda table: set_cell(table, "tasks", 0, list(TASKS)))
    with pytest.raises(InputError, match=r"has no column task_index, and meta/episodes does not say which"):
        opened(root)


@pytest.mark.parametrize("listed", ["variable", "doubles"])
def test_lists_of_any_length_and_doubles_are_carried_over_as_they_are(root, tmp_path, listed):
    kind = pa.list_(pa.float64() if listed == "doubles" else pa.float32())
    for path in shards(root):
        table = pq.read_table(path)
        fields = [f.with_type(kind) if f.name in ("action", "observation.state") else f for f in table.schema]
        pq.write_table(table.cast(pa.schema(fields)), path)
    annotated(root, tmp_path / "out")
    assert problems_of(tmp_path / "out") == []
    assert pq.read_schema(shards(tmp_path / "out")[0]).field("action").type == kind


def test_episodes_without_a_column_of_tasks_are_read(root):
    change(episodes_file(root), lambda table: table.drop_columns(["tasks"]))
    assert [episode.task for episode in opened(root)[1]] == [TASKS[n % 2] for n in range(4)]


def test_two_schemas_in_one_tree_are_annotated_and_verify_names_the_difference(old_root, tmp_path):
    change(old_root / "data/chunk-000/episode_000002.parquet", lambda table: table.drop_columns(["action"]))
    annotated(old_root, tmp_path / "out")
    told = "data/chunk-000/episode_000002.parquet, column action: the column is missing; info.json declares it"
    assert problems_of(tmp_path / "out") == [told]


def test_more_episodes_promised_than_there_are_is_noted_and_set_right_in_the_output(old_root, tmp_path):
    edit_json(old_root / "meta/info.json", lambda info: info.update(total_episodes=100))
    assert "total_episodes of info.json is 100, there are 4" in annotated(old_root, tmp_path / "out")
    assert json.loads((tmp_path / "out/meta/info.json").read_text())["total_episodes"] == 4
    assert problems_of(tmp_path / "out") == []


def test_the_metadata_of_a_data_file_are_freed_after_one_of_its_episodes_was_read(tmp_path):
    root = dataset(tmp_path / "data")
    data, (path,) = Dataset(root), shards(root)
    with data.shard(str(path.relative_to(root))) as shard:
        (table,) = episode_tables(data, shard, ["episode_index"], {2})
        freed = weakref.ref(shard.metadata)
    assert table.column("episode_index").to_pylist() == [2] * LENGTHS[2]
    assert freed() is not None
    del shard
    gc.collect()
    assert freed() is None
