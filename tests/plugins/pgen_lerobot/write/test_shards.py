"""The data shards: every frame has its label, and everything else is as it was."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sink_helpers import FPS, LENGTHS, SPANS, annotate, column, dataset, regroup, results, shards, texts

from pgen.records import Annotation, Dialogue
from pgen_lerobot.format import COLUMN


def expected_texts(root: Path, **options: object) -> list[str]:
    """Each frame's dialogue or task, found the long way round: frame by frame, from the spans' numbers."""
    run = results(root, **options)
    answers: dict[tuple[int, int], list[Annotation]] = {}
    for episode, annotations in run.read():
        for annotation in annotations:
            answers.setdefault((episode.index, annotation.sample.span.skill_index), []).append(annotation)
    tasks = texts(root)
    found = []
    for episode, length in enumerate(LENGTHS):
        for frame in range(length):
            found.append(tasks[episode % 2])
            for number, (_, start, end) in enumerate(SPANS.get(episode, [])):
                if round(start * FPS) <= frame < round(end * FPS):
                    said = [a for a in answers.get((episode, number), []) if a.dialogue]
                    before = [a for a in said if a.sample.moment.frame_index <= frame]
                    chosen = before[-1] if before else said[0] if said else None
                    if chosen is not None and chosen.dialogue is not None:
                        found[-1] = chosen.dialogue.task
    return found


@pytest.mark.parametrize("rows", [None, 5, 1, 1000], ids=["an episode", "five rows", "a row", "all"])
@pytest.mark.parametrize("per_file", [None, 1, 3], ids=["one file", "a file each", "two files"])
def test_every_frame_gets_its_dialogue_whatever_the_row_groups_hold(tmp_path, rows, per_file):
    root = dataset(tmp_path / "in", episodes_per_data_file=per_file)
    for path in shards(root) if rows else []:
        regroup(path, rows)
    out = annotate(root, tmp_path / "out")
    table = texts(out)
    assert [table[index] for index in column(out)] == expected_texts(root)


def test_frames_of_episodes_that_were_not_chosen_take_their_own_task(root, tmp_path):
    out = annotate(root, tmp_path / "out", results(root, episodes="1,3"))
    table = texts(out)
    assert [table[index] for index in column(out)] == expected_texts(root, episodes="1,3")
    assert column(out)[: LENGTHS[0]] == column(root, "task_index")[: LENGTHS[0]]


def test_frames_without_a_dialogue_are_minus_one_for_those_who_ask(root, tmp_path):
    own, asked = annotate(root, tmp_path / "own"), annotate(root, tmp_path / "asked", unlabelled="-1")
    base = len(texts(root))
    assert column(asked) == [index if index >= base else -1 for index in column(own)]
    assert -1 in column(asked)


def test_all_other_columns_keep_their_values_types_and_order(tmp_path):
    root = dataset(tmp_path / "in", episodes_per_data_file=3)
    out = annotate(root, tmp_path / "out")
    for before, after in zip(shards(root), shards(out), strict=True):
        old, new = pq.read_table(before), pq.read_table(after)
        assert new.column_names == [*old.column_names, COLUMN]
        assert new.drop_columns(COLUMN).cast(old.schema).equals(old)
        assert new.schema.field(COLUMN) == pa.field(COLUMN, pa.int64())
        assert new.column(COLUMN).null_count == 0


SETTINGS = [
    {"compression": "zstd", "use_dictionary": False},
    {"compression": {"timestamp": "gzip", "task_index": "brotli"}, "write_statistics": ["index"]},
    {"version": "1.0", "write_page_index": True},
    {"use_dictionary": ["task_index"], "column_encoding": {"index": "DELTA_BINARY_PACKED"}},
    {"store_schema": False, "use_compliant_nested_type": False},
    {"compression": "lz4", "use_dictionary": False, "use_byte_stream_split": ["timestamp"]},
]


@pytest.mark.parametrize("settings", SETTINGS, ids=lambda settings: " ".join(settings))
def test_a_shard_is_written_with_the_settings_of_the_original(root, tmp_path, settings):
    regroup(shards(root)[0], 10, **settings)
    out = annotate(root, tmp_path / "out")
    before, after = pq.ParquetFile(shards(root)[0]), pq.ParquetFile(shards(out)[0])
    assert after.metadata.format_version == before.metadata.format_version
    assert after.metadata.num_row_groups == before.metadata.num_row_groups
    assert set(after.metadata.metadata or {}) == set(before.metadata.metadata or {})
    for group in range(before.metadata.num_row_groups):
        old, new = before.metadata.row_group(group), after.metadata.row_group(group)
        assert new.num_rows == old.num_rows
        for position in range(before.metadata.num_columns):
            assert described(new.column(position)) == described(old.column(position))
        own = next(i for i in range(old.num_columns) if old.column(i).path_in_schema == "task_index")
        assert new.column(new.num_columns - 1).compression == old.column(own).compression


def described(chunk):
    return (
        chunk.path_in_schema,
        chunk.compression,
        sorted(set(chunk.encodings)),
        chunk.is_stats_set,
        chunk.has_offset_index,
    )


def test_the_metadata_of_hugging_face_and_of_pandas_declare_the_column_too(root, tmp_path):
    path = shards(root)[0]
    table = pq.read_table(path)
    pandas = {"columns": [{"name": "task_index", "field_name": "task_index", "pandas_type": "int64"}]}
    metadata = {**table.schema.metadata, b"pandas": json.dumps(pandas).encode(), b"mine": b"kept"}
    pq.write_table(table.replace_schema_metadata(metadata), path)
    told = pq.read_schema(shards(annotate(root, tmp_path / "out"))[0]).metadata
    before = json.loads(table.schema.metadata[b"huggingface"])["info"]["features"]
    after = json.loads(told[b"huggingface"])["info"]["features"]
    assert after == {**before, COLUMN: {"dtype": "int64", "_type": "Value"}}
    assert [entry["name"] for entry in json.loads(told[b"pandas"])["columns"]] == ["task_index", COLUMN]
    assert told[b"mine"] == b"kept"


def test_a_shard_cut_by_its_content_for_the_hub_stays_so(root, tmp_path):
    path = shards(root)[0]
    table = pq.read_table(path)
    with pq.ParquetWriter(path, table.schema, use_content_defined_chunking=True) as writer:
        writer.write_table(table)
        writer.add_key_value_metadata({"content_defined_chunking": '{"min_chunk_size": 1}'})
    out = annotate(root, tmp_path / "out")
    assert pq.read_metadata(shards(out)[0]).metadata[b"content_defined_chunking"] == b'{"min_chunk_size": 1}'


def test_metadata_of_a_shard_without_an_arrow_schema_survive(root, tmp_path):
    path = shards(root)[0]
    table = pq.read_table(path)
    with pq.ParquetWriter(path, table.schema, store_schema=False) as writer:
        writer.write_table(table)
        writer.add_key_value_metadata({"huggingface": '{"info": {"features": {}}}', "mine": "kept"})
    told = pq.read_metadata(shards(annotate(root, tmp_path / "out"))[0]).metadata
    assert set(told) == {b"huggingface", b"mine"}
    assert COLUMN in json.loads(told[b"huggingface"])["info"]["features"]


def test_an_empty_row_group_does_no_harm(root, tmp_path):
    path = shards(root)[0]
    table = pq.read_table(path)
    with pq.ParquetWriter(path, table.schema) as writer:
        for part in (table.slice(0, 0), table.slice(0, 20), table.slice(0, 0), table.slice(20)):
            writer.write_table(part)
    out = annotate(root, tmp_path / "out")
    assert [texts(out)[index] for index in column(out)] == expected_texts(root)


def test_overwriting_replaces_the_column_where_it_stands(tmp_path):
    once = annotate(dataset(tmp_path / "in"), tmp_path / "once")
    path = shards(once)[0]
    table = pq.read_table(path)
    pq.write_table(table.select([COLUMN, *table.column_names[:-1]]), path)
    run = results(once, lambda sample: Dialogue("Go on.", f"I {sample.span.skill}."))
    twice = annotate(once, tmp_path / "twice", run, overwrite=True)
    assert pq.read_schema(shards(twice)[0]).names == [COLUMN, *table.column_names[:-1]]
    said = {texts(twice)[index] for index in column(twice)}
    assert said == {*texts(once)[:2], "Go on. | I reach.", "Go on. | I grasp.", "Go on. | I lift | turn."}


def test_a_shard_that_no_episode_names_gets_the_column_with_its_own_tasks(root, tmp_path):
    stray = root / "data/chunk-000/file-009.parquet"
    table = pq.read_table(shards(root)[0]).slice(12, 9)
    index = pa.array([9] * 9, pa.int64())
    pq.write_table(table.set_column(table.column_names.index("episode_index"), "episode_index", index), stray)
    out = annotate(root, tmp_path / "out")
    assert pq.read_table(out / "data/chunk-000/file-009.parquet").column(COLUMN).to_pylist() == [1] * 9
