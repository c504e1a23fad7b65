"""What the sink writes of v2.0 and v2.1: file by file as the input was, with the column, its tasks and its stats."""

import json
import os
import shutil
import sys
from pathlib import Path

import pytest
from forked import run_lerobot
from layout_helpers import STATS, stats_of
from needed import lerobot_python
from old_layout import ONE_A_FILE, as_v20, as_v21
from sink_helpers import LENGTHS, TASKS, annotate, column, dataset, read_by_pandas, shards, snapshot

from pgen_lerobot.format import COLUMN, EXCHANGES, TASK_ROWS, Dataset
from pgen_lerobot.verify import verify

READ_WITH_LEROBOT = Path(__file__).parents[3] / "support" / "read_with_lerobot.py"
CONVERT = """
import sys
from lerobot.scripts.convert_dataset_v21_to_v30 import convert_dataset
convert_dataset("local/converted", root=sys.argv[1], push_to_hub=False)
"""


@pytest.fixture(params=[as_v21, as_v20])
def pair(request, tmp_path):
    """A dataset of an older version, and what the sink wrote of it."""
    root = request.param(dataset(tmp_path / "in", codec="h264", **ONE_A_FILE), chunks_size=3)
    return root, annotate(root, tmp_path / "out")


def lines(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_every_file_is_there_and_all_but_those_of_the_column_are_the_same(pair):
    root, out = pair
    before, after = snapshot(root), snapshot(out)
    new = {EXCHANGES, TASK_ROWS, "README.md", "meta/syn_annotations.jsonl", "meta/pgen/manifest.json"}
    assert set(after) == set(before) | new
    changed = {name for name in before if before[name][0] != after[name][0]}
    meta = {"meta/info.json", "meta/tasks.jsonl", "meta/episodes_stats.jsonl", "meta/stats.json"}
    assert changed == (meta & set(before)) | {path.relative_to(root).as_posix() for path in shards(root)}


def test_tasks_keep_their_lines_and_gain_one_for_each_distinct_dialogue(pair):
    root, out = pair
    old, new = (path.joinpath("meta/tasks.jsonl").read_text() for path in (root, out))
    assert new.startswith(old)
    rows = lines(out / "meta/tasks.jsonl")
    assert [row["task_index"] for row in rows] == list(range(len(rows)))
    assert [set(row) for row in rows] == [{"task_index", "task"}] * len(rows)
    texts = [row["task"] for row in rows]
    assert len(set(texts)) == len(texts)
    assert set(texts[2:]) == {texts[index] for index in column(out)} - set(TASKS)
    mirror = read_by_pandas(out / TASK_ROWS)
    assert mirror.index.tolist() == texts
    assert mirror["task_index"].tolist() == list(range(len(texts)))


def test_verify_passes_and_says_that_lerobot_did_not_look(pair):
    _, out = pair
    found = verify(out)
    assert found.problems == []
    version = Dataset(out).info["codebase_version"]
    assert f"the dataset is of {version}, which lerobot reads up to 0.3.3: it did not try to open it" in found.notes


def test_each_episodes_line_of_stats_gains_those_of_its_labels(old_root, tmp_path):
    out = annotate(old_root, tmp_path / "out")
    values, start = column(out), 0
    for old, new, length in zip(
        lines(old_root / "meta/episodes_stats.jsonl"), lines(out / "meta/episodes_stats.jsonl"), LENGTHS, strict=True
    ):
        names = list(new["stats"])
        assert names.index(COLUMN) == names.index("task_index") + 1
        found = {name: value[0] for name, value in new["stats"].pop(COLUMN).items()}
        right = stats_of(values[start : start + length])
        assert found == pytest.approx({name: right[name] for name in STATS[:5]})
        assert new == old
        start += length


def test_stats_of_the_whole_dataset_gain_the_column_where_a_dataset_has_only_those(tmp_path):
    root = as_v20(dataset(tmp_path / "in", **ONE_A_FILE))
    out = annotate(root, tmp_path / "out")
    found = json.loads((out / "meta/stats.json").read_text())[COLUMN]
    right = stats_of(column(out))
    assert {name: value[0] for name, value in found.items()} == pytest.approx({name: right[name] for name in found})
    assert list(found) == list(STATS[:5])


def test_a_table_of_tasks_without_a_last_line_end_gets_one(old_root, tmp_path):
    path = old_root / "meta/tasks.jsonl"
    path.write_text(path.read_text().rstrip("\n"))
    out = annotate(old_root, tmp_path / "out")
    assert len(lines(out / "meta/tasks.jsonl")) == Dataset(out).info["total_tasks"]


def test_the_card_says_how_an_older_lerobot_finds_the_text(pair):
    card = (pair[1] / "README.md").read_text()
    assert 'text = dataset.meta.tasks[int(frame["task_index_high_level"])]' in card
    assert "the row of `meta/tasks.jsonl`" in card


def run(tmp_path, python, *arguments):
    offline = {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "PYTHONWARNINGS": "ignore"}
    home = {"HF_HOME": str(tmp_path / "hf")}
    done = run_lerobot([python, "-W", "ignore", *arguments], os.environ | offline | home)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def check_seen(seen, out):
    labels, texts = column(out), [row["task"] for row in lines(out / "meta/tasks.jsonl")]
    assert (seen["frames"], seen["column"]) == (len(labels), labels)
    assert (seen["dtype"], seen["shape"], seen["batch"]) == ("torch.int64", [], ["torch.int64", [4]])
    assert seen["texts"] == [texts[index] for index in sorted(set(labels))]
    assert all(len(shape) == 3 and 3 in shape for shape in seen["images"].values())


@pytest.mark.needs("lerobot")
def test_lerobots_own_converter_accepts_the_output_and_lerobot_finds_each_dialogue(tmp_path):
    out = annotate(as_v21(dataset(tmp_path / "in", codec="h264", **ONE_A_FILE)), tmp_path / "out")
    converted = shutil.copytree(out, tmp_path / "converted")
    run(tmp_path, sys.executable, "-c", CONVERT, str(converted))
    assert Dataset(converted).info["codebase_version"] == "v3.0"
    check_seen(json.loads(run(tmp_path, sys.executable, str(READ_WITH_LEROBOT), str(converted)).splitlines()[-1]), out)


def test_the_last_lerobot_that_reads_v21_opens_the_output(tmp_path):
    python = lerobot_python("0.3.3", "PGEN_LEROBOT033_PYTHON")
    out = annotate(as_v21(dataset(tmp_path / "in", codec="h264", **ONE_A_FILE)), tmp_path / "out")
    seen = json.loads(run(tmp_path, python, str(READ_WITH_LEROBOT), str(out), "1e6").splitlines()[-1])
    assert seen["lerobot"] == "0.3.3"
    check_seen(seen, out)
    right = stats_of(column(out))
    assert {name: value[0] for name, value in seen["stats"].items()} == pytest.approx({k: right[k] for k in STATS[:5]})
