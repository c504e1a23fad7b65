"""tasks.parquet, its mirror, info.json and the statistics."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from form_helpers import written
from hypothesis import given
from hypothesis import strategies as st
from layout_helpers import STATS, stats_of
from sink_helpers import LENGTHS, TASKS, annotate, change, column, dataset, read_by_pandas, results, texts

from pgen.records import Dialogue
from pgen_lerobot.format import COLUMN, TASK_ROWS, summarize
from pgen_lerobot.verify import verify
from pgen_lerobot.write.other_forms import TaskOverrideSink


@pytest.mark.parametrize("index", ["task", "", None], ids=["named index", "unnamed index", "plain columns"])
def test_tasks_keep_their_rows_and_gain_one_for_each_distinct_dialogue(tmp_path, index):
    root = dataset(tmp_path / "in", task_index=index)
    out = annotate(root, tmp_path / "out")
    old, new = pq.read_table(root / "meta/tasks.parquet"), pq.read_table(out / "meta/tasks.parquet")
    assert new.schema.equals(old.schema)
    assert new.slice(0, len(old)).equals(old)
    assert new.column("task_index").to_pylist() == list(range(len(new)))
    assert len(set(texts(out))) == len(new)
    assert list(dict.fromkeys(index for index in column(out) if index >= 2)) == list(range(2, len(new)))
    if index is not None:
        assert new.schema.metadata == old.schema.metadata


def test_a_dialogue_that_is_a_task_already_takes_its_row(tmp_path):
    root = dataset(tmp_path / "in", tasks=("Go. | Going.", *TASKS))
    out = annotate(root, tmp_path / "out", results(root, lambda _: Dialogue("Go.", "Going.", "a", "b")))
    assert texts(out) == texts(root)
    assert set(column(out)) == {0, 1, 2}
    assert mirrored(out)[0] == [0, "Go.", "Going.", None, "a", "b"]


def mirrored(out):
    """The rows of the mirror, without the text that is their index: by pyarrow, for which null is None."""
    return [list(row.values())[:6] for row in pq.read_table(out / TASK_ROWS).to_pylist()]


def test_the_mirror_has_a_row_for_every_task_in_the_same_place(out):
    mirror = read_by_pandas(out / TASK_ROWS)
    assert mirror.index.name == "task"
    assert mirror.index.tolist() == texts(out)
    assert mirror["task_index"].tolist() == list(range(len(mirror)))
    assert mirror.iloc[0].tolist() == [0, TASKS[0], "", "", "", ""]
    told = ["Could you reach for it?", "Reaching.", "reach", "implicit_request", "confirmation"]
    assert mirror.loc["Could you reach for it? | Reaching."].tolist() == [2, *told]
    said = mirror.iloc[2:]
    assert (said["user_prompt"] + " | " + said["robot_utterance"]).tolist() == said.index.tolist()


def test_a_field_that_differs_among_the_samples_of_a_text_is_null(root, tmp_path):
    kinds = {"reach": "negative_task", "grasp": "negative_task"}
    run = results(root, lambda s: Dialogue("Go.", "Going.", kinds.get(s.span.skill, "negative_task"), s.span.skill))
    out = annotate(root, tmp_path / "out", run)
    assert mirrored(out)[texts(out).index("Go. | Going.")][3:] == [None, "negative_task", None]


def test_an_earlier_mirror_keeps_what_it_says_of_older_dialogues(tmp_path):
    once = annotate(dataset(tmp_path / "in"), tmp_path / "once")
    run = results(once, lambda _: Dialogue("Go.", "Going."))
    before, after = (
        read_by_pandas(path / TASK_ROWS) for path in (once, annotate(once, tmp_path / "twice", run, overwrite=True))
    )
    assert after.iloc[: len(before)].equals(before)
    assert mirrored(tmp_path / "twice")[-1][1:4] == ["Go.", "Going.", None]


def test_info_declares_the_feature_like_task_index_and_keeps_all_else(root, tmp_path):
    path = root / "meta/info.json"
    info = json.loads(path.read_text())
    info["features"]["task_index"]["fps"] = 10.0
    info |= {"tools": [{"name": "say"}], "größe": "ü"}
    path.write_text(json.dumps(info, indent=2, ensure_ascii=False), encoding="utf-8")
    out = annotate(root, tmp_path / "out")
    text = (out / "meta/info.json").read_text(encoding="utf-8")
    feature = {"dtype": "int64", "shape": [1], "names": None, "fps": 10.0}
    expected = info | {"features": info["features"] | {COLUMN: feature}, "total_tasks": len(texts(out))}
    assert text == json.dumps(expected, indent=2, ensure_ascii=False)


def test_stats_are_those_of_the_column(out, root):
    before, after = (json.loads((path / "meta/stats.json").read_text()) for path in (root, out))
    names = list(after)
    assert names.index(COLUMN) == names.index("task_index") + 1
    assert {name: stat[0] for name, stat in after.pop(COLUMN).items()} == pytest.approx(stats_of(column(out)))
    assert after == before


def test_each_episode_has_the_stats_of_its_labels_beside_those_of_task_index(tmp_path):
    root = dataset(tmp_path / "in", episodes_per_meta_file=3)
    out = annotate(root, tmp_path / "out")
    values, start = column(out), 0
    files = sorted((out / "meta/episodes").glob("*/*.parquet"))
    rows = [row for path in files for row in pq.read_table(path).to_pylist()]
    for row, length in zip(rows, LENGTHS, strict=True):
        found = {key: row[f"stats/{COLUMN}/{key}"][0] for key in STATS}
        assert found == pytest.approx(stats_of(values[start : start + length]))
        start += length
    for path in files:
        old = pq.read_table(root / path.relative_to(out))
        new = pq.read_table(path)
        own = [f"stats/{COLUMN}/{key}" for key in STATS]
        assert new.drop_columns(own).equals(old)
        position = new.column_names.index(own[0])
        assert new.column_names[position - 1].startswith("stats/task_index/")
        for key in STATS:
            assert new.schema.field(f"stats/{COLUMN}/{key}").type == old.schema.field(f"stats/task_index/{key}").type


def test_overwriting_makes_the_stats_anew_in_their_place(tmp_path):
    once = annotate(dataset(tmp_path / "in"), tmp_path / "once")
    run = results(once, lambda _: Dialogue("Go.", "Going."))
    twice = annotate(once, tmp_path / "twice", run, overwrite=True)
    before, after = (next((path / "meta/episodes").glob("*/*.parquet")) for path in (once, twice))
    assert pq.read_schema(after).names == pq.read_schema(before).names
    assert pq.read_table(after).column(f"stats/{COLUMN}/max")[0].as_py() == [len(texts(once))]
    stats = json.loads((twice / "meta/stats.json").read_text())
    assert {name: stat[0] for name, stat in stats[COLUMN].items()} == pytest.approx(stats_of(column(twice)))


def test_only_the_statistics_of_task_index_are_given_in_its_form(root, tmp_path):
    path = root / "meta/stats.json"
    stats = json.loads(path.read_text())
    stats["task_index"] = {"max": [1.0], "mean": 0.5, "q50": [[0.0]], "unheard-of": [1]}
    path.write_text(json.dumps(stats))
    episodes = next((root / "meta/episodes").glob("*/*.parquet"))
    change(episodes, lambda table: table.drop_columns([f"stats/task_index/{key}" for key in STATS[3:]]))
    out = annotate(root, tmp_path / "out")
    found = json.loads((out / "meta/stats.json").read_text())[COLUMN]
    right = stats_of(column(out))
    assert found == {"max": [float(right["max"])], "mean": pytest.approx(right["mean"]), "q50": [[right["q50"]]]}
    names = pq.read_schema(out / episodes.relative_to(root)).names
    assert [name for name in names if COLUMN in name] == [f"stats/{COLUMN}/{key}" for key in STATS[:3]]


def test_where_task_index_has_no_stats_none_are_added(root, tmp_path):
    (root / "meta/stats.json").unlink()
    episodes = next((root / "meta/episodes").glob("*/*.parquet"))
    change(episodes, lambda table: table.drop_columns([name for name in table.column_names if "stats/" in name]))
    out = annotate(root, tmp_path / "out")
    assert not (out / "meta/stats.json").exists()
    assert (out / episodes.relative_to(root)).read_bytes() == episodes.read_bytes()


def test_the_features_that_hugging_face_reads_of_the_episodes_grow_too(root, tmp_path):
    episodes = next((root / "meta/episodes").glob("*/*.parquet"))
    like = {"feature": {"dtype": "int64", "_type": "Value"}, "_type": "List"}
    told = {"info": {"features": {"stats/task_index/min": like}}}
    change(episodes, lambda table: table.replace_schema_metadata({"huggingface": json.dumps(told)}))
    out = annotate(root, tmp_path / "out")
    features = json.loads(pq.read_schema(out / episodes.relative_to(root)).metadata[b"huggingface"])["info"]["features"]
    assert features[f"stats/{COLUMN}/min"] == like


@given(st.dictionaries(st.integers(0, 10**6), st.integers(1, 50), min_size=1, max_size=40))
def test_statistics_from_counts_are_those_of_the_values(counts):
    values = [value for value, number in counts.items() for _ in range(number)]
    assert summarize(counts, STATS) == pytest.approx(stats_of(values))


def test_groots_file_names_the_column_and_keeps_all_else(root, tmp_path):
    path = root / "meta/modality.json"
    former = {"human.validity": {}, "human.task": {"original_key": "annotation.task"}}
    path.write_text(json.dumps({"state": {"arm": {"start": 0, "end": 2}}, "annotation": former}))
    dialogue = {"human.dialogue": {"original_key": COLUMN}}
    plain = json.loads((annotate(root, tmp_path / "plain") / "meta/modality.json").read_text())
    assert plain == {"state": {"arm": {"start": 0, "end": 2}}, "annotation": former | dialogue}
    out = written(root, tmp_path / "out", TaskOverrideSink(text="prompt"))
    expected = former | dialogue | {"human.task": {"original_key": "task_index"}}
    assert json.loads((out / "meta/modality.json").read_text())["annotation"] == expected
    assert verify(out, with_lerobot=False).problems == []


@pytest.mark.parametrize("content", ["no JSON", "[]", '{"annotation": []}', '{"annotation": "x"}'])
def test_a_file_of_that_name_in_another_form_is_kept_as_it_is(root, tmp_path, content):
    (root / "meta/modality.json").write_text(content)
    assert (annotate(root, tmp_path / "out") / "meta/modality.json").read_text() == content


def test_a_table_of_tasks_with_further_columns_keeps_them(root, tmp_path):
    change(root / "meta/tasks.parquet", lambda table: table.append_column("note", pa.array(["a", "b"])))
    out = annotate(root, tmp_path / "out")
    notes = pq.read_table(out / "meta/tasks.parquet").column("note").to_pylist()
    assert notes == ["a", "b", *[None] * (len(texts(out)) - 2)]
