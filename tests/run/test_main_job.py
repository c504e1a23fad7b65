"""The main job on real datasets, whose outputs are read with lerobot."""

import hashlib
import json
import os
import re
import shutil
import sys
from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from forked import run_lerobot, run_pgen
from needed import lerobot_python

from pgen.cli import cli
from pgen.errors import InputError
from pgen.formats.syn_annotations import read_lines

READ_WITH_LEROBOT = Path(__file__).parents[1] / "support" / "read_with_lerobot.py"
ANY_CLOCK = "1e6"
"""A tolerance for timestamps in seconds: those of the real arm are from a wall clock."""
TABLE = Path(__file__).parents[2] / "tools/dataset_table.py"
COLUMN = "task_index_high_level"
BY_LEROBOT = re.compile(r"(; |(?<=\| ))(lerobot refuses|the dataset is of v)[^;|]*(?= \|)")
"""The notes of the table about reading with lerobot, which the quick table omits."""
WITH_SKILLS = ["sim_drawer_sawyer_v30_av1", "sim_pickplace_so101_v30", "sim_pickplace_so101_v30_images"]
REAL_ARM = "cr5_realarm_v30conv_8ep"
V21, V20 = "cr5_realarm_v21_8ep", "gr1_picknplace_v20"
OLDER = [V21, V20]
ALL = [*WITH_SKILLS, REAL_ARM, *OLDER]
LENGTHS = {"sim_drawer_sawyer_v30_av1": 386, "cr5_realarm_v30conv_8ep": 1840, "cr5_realarm_v21_8ep": 1840}


@pytest.fixture(scope="module")
def annotated(shared_datasets, tmp_path_factory):
    """The output of each dataset, made once with the command line."""
    folder = tmp_path_factory.mktemp("annotated")

    def output(name: str) -> Path:
        out = folder / name
        if not out.exists():
            result = CliRunner().invoke(cli, arguments(shared_datasets / name, out))
            assert result.exit_code == 0, result.output
        return out

    return output


def arguments(root: Path, out: Path) -> list[str]:
    skills = [] if (root / "meta/skills.json").exists() else ["--skills", "task"]
    return ["annotate", "--root", str(root), "--output-dir", str(out), "--generator", "template", *skills]


def read_with_lerobot(root: Path, python: str, tmp_path: Path, *tolerance: str) -> dict:
    environment = {
        **os.environ,
        "HF_HOME": str(tmp_path / "hf"),
        "HF_HUB_OFFLINE": "1",
        "HF_DATASETS_OFFLINE": "1",
        "PYTHONWARNINGS": "ignore",
    }
    command = [python, str(READ_WITH_LEROBOT), str(root), *tolerance]
    process = run_lerobot(command, environment)
    assert process.returncode == 0, process.stderr[-3000:]
    return json.loads(process.stdout.splitlines()[-1])


def rows(root: Path) -> "list[dict]":
    shards = sorted((root / "data").glob("*/*.parquet"))
    return [row for shard in shards for row in pq.read_table(shard).to_pylist()]


def check_read(reading: dict, root: Path) -> None:
    frames = rows(root)
    assert reading["frames"] == len(frames)
    assert (reading["dtype"], reading["shape"]) == ("torch.int64", [])
    assert reading["batch"] == ["torch.int64", [4]]
    assert reading["column"] == [row[COLUMN] for row in frames]
    dialogues = {f"{line['user_prompt']} | {line['robot_utterance']}" for line in lines_of(root)}
    texts = tasks_of(root)
    assert set(reading["texts"]) == {texts[index] for index in {*reading["column"]}} <= dialogues <= {*texts}
    assert all(len(shape) == 3 and 3 in shape for shape in reading["images"].values())


def tasks_of(root: Path) -> list[str]:
    """Return the text of each task, by index."""
    if (root / "meta/tasks.parquet").exists():
        return pq.read_table(root / "meta/tasks.parquet").to_pandas().index.tolist()
    rows = [json.loads(line) for line in (root / "meta/tasks.jsonl").read_text().splitlines()]
    assert [row["task_index"] for row in rows] == list(range(len(rows)))
    return [row["task"] for row in rows]


def lines_of(root: Path) -> list[dict]:
    return list(read_lines(root / "meta/syn_annotations.jsonl"))


@pytest.mark.needs("lerobot", "torch")
@pytest.mark.parametrize("name", WITH_SKILLS)
def test_lerobot_opens_the_output_batches_the_column_and_finds_the_dialogue(annotated, tmp_path, name):
    check_read(read_with_lerobot(annotated(name), sys.executable, tmp_path), annotated(name))


@pytest.mark.parametrize("name", WITH_SKILLS)
def test_lerobot_0_4_4_opens_the_output_too(annotated, tmp_path, name):
    python = lerobot_python("0.4.4", "PGEN_LEROBOT044_PYTHON")
    reading = read_with_lerobot(annotated(name), python, tmp_path)
    assert reading["lerobot"] == "0.4.4"
    check_read(reading, annotated(name))


@pytest.mark.parametrize("name", ALL)
def test_all_other_columns_are_the_inputs_value_for_value_and_type_for_type(annotated, shared_datasets, name):
    for shard in sorted((shared_datasets / name / "data").glob("*/*.parquet")):
        before = pq.ParquetFile(shard)
        after = pq.ParquetFile(annotated(name) / shard.relative_to(shared_datasets / name))
        assert after.schema_arrow.names == [*before.schema_arrow.names, COLUMN]
        assert after.metadata.num_row_groups == before.metadata.num_row_groups
        columns = after.read().drop_columns([COLUMN])
        assert columns.schema.remove_metadata().equals(before.schema_arrow.remove_metadata())
        assert columns.equals(before.read())


@pytest.mark.needs("pandas")
@pytest.mark.parametrize("name", ALL)
def test_every_frame_points_at_a_dialogue_that_is_in_force_and_leads_to_the_skill_it_shows(annotated, name):
    root = annotated(name)
    texts = tasks_of(root)
    dialogues: dict[tuple[int, str], list[dict]] = {}
    for line in lines_of(root):
        text = f"{line['user_prompt']} | {line['robot_utterance']}"
        dialogues.setdefault((line["episode_index"], text), []).append(line)
    subtasks = root / "meta/subtasks.parquet"
    truth = pq.read_table(subtasks).to_pandas().index.tolist() if subtasks.exists() else None
    frames: Counter[int] = Counter()
    for row in rows(root):
        frame = frames[row["episode_index"]]
        frames[row["episode_index"]] += 1
        skill = truth[row["subtask_index"]] if truth else texts[row["task_index"]]
        lines = dialogues[row["episode_index"], texts[row[COLUMN]]]
        in_force = [line for line in lines if line["start"] <= frame < line["stop"]]
        assert any(skill in line["skills"] for line in in_force)


@pytest.mark.parametrize("name", ALL)
def test_the_input_is_untouched_to_the_byte_and_the_nanosecond(shared_datasets, tmp_path, name):
    root = tmp_path / "input"
    shutil.copytree(shared_datasets / name, root)
    before = {path: (digest(path), path.stat().st_mtime_ns) for path in root.rglob("*") if path.is_file()}
    result = CliRunner().invoke(cli, arguments(root, tmp_path / "out"))
    assert result.exit_code == 0, result.output
    after = {path: (digest(path), path.stat().st_mtime_ns) for path in root.rglob("*") if path.is_file()}
    assert after == before


@pytest.mark.parametrize("name", [WITH_SKILLS[0], V21])
def test_a_second_run_is_identical_in_every_file_but_the_manifests_times(annotated, shared_datasets, tmp_path, name):
    repeated = tmp_path / "again"
    assert CliRunner().invoke(cli, arguments(shared_datasets / name, repeated)).exit_code == 0
    first, second = contents(annotated(name)), contents(repeated)
    manifests = [root / "meta/pgen/manifest.json" for root in (annotated(name), repeated)]
    manifest, second_manifest = (json.loads(path.read_text()) for path in manifests)
    assert first == second
    assert manifest.pop("times").keys() == second_manifest.pop("times").keys()
    assert manifest == second_manifest


@pytest.mark.parametrize("name", [WITH_SKILLS[0], REAL_ARM, *OLDER])
def test_verify_reports_no_problem_in_an_output_of_annotate(annotated, name):
    result = CliRunner().invoke(cli, ["verify", str(annotated(name))])
    assert result.exit_code == 0, result.output


def test_every_dataset_gives_its_row_of_the_table_in_the_docs(shared_datasets):
    page = Path(__file__).parents[2] / "docs/datasets.md"
    section = page.read_text(encoding="utf-8").split("## Tried")[1]
    table = [BY_LEROBOT.sub("", line) for line in section.splitlines() if line[:1] == "|"]
    process = run_pgen([sys.executable, TABLE, "--quick", shared_datasets])
    assert process.returncode == 0, process.stderr[-3000:]
    assert process.stdout.splitlines() == table


def test_the_last_lerobot_that_reads_v21_opens_the_real_arms_output(annotated, tmp_path):
    python = lerobot_python("0.3.3", "PGEN_LEROBOT033_PYTHON")
    reading = read_with_lerobot(annotated(V21), python, tmp_path, ANY_CLOCK)
    assert reading["lerobot"] == "0.3.3"
    check_read(reading, annotated(V21))


@pytest.mark.parametrize("name", OLDER)
def test_an_older_versions_output_is_the_inputs_file_by_file(annotated, shared_datasets, name):
    before, after = contents(shared_datasets / name), contents(annotated(name))
    changed = {path for path, content in before.items() if after[path] != content}
    names = ("info.json", "modality.json", "tasks.jsonl", "episodes_stats.jsonl", "stats.json")
    assert {path for path in changed if not path.endswith(".parquet")} <= {f"meta/{name}" for name in names}
    assert set(after) - set(before) == {
        "README.md",
        "meta/exchanges.parquet",
        "meta/pgen/skills.json",
        "meta/syn_annotations.jsonl",
        "meta/tasks_high_level.parquet",
    }
    info, old = (
        json.loads((root / name / "meta/info.json").read_text()) for root in (annotated(name).parent, shared_datasets)
    )
    assert info["features"].pop(COLUMN) == {"dtype": "int64", "shape": [1], "names": None}
    assert info.pop("total_tasks") == len(tasks_of(annotated(name))) > old.pop("total_tasks")
    assert info == old


@pytest.mark.parametrize("name", [REAL_ARM, V21])
def test_the_real_arms_frames_are_all_labelled_though_its_clock_drifts(annotated, name):
    root = annotated(name)
    assert len(rows(root)) == LENGTHS[name]
    assert min(row[COLUMN] for row in rows(root)) > 0


def test_a_pseudo_task_labels_no_frame_and_has_no_sample(annotated):
    root = annotated(V20)
    assert "valid" in tasks_of(root)
    assert "valid" not in {line["skill_current"] for line in lines_of(root)}
    assert min(row[COLUMN] for row in rows(root)) >= 6


def test_an_annotated_dataset_is_annotated_again_only_with_overwrite(annotated, tmp_path):
    root = annotated(WITH_SKILLS[1])
    refused = CliRunner().invoke(cli, arguments(root, tmp_path / "out"))
    assert refused.exit_code == InputError.exit_code
    assert "--overwrite" in refused.output
    result = CliRunner().invoke(cli, [*arguments(root, tmp_path / "out"), "--overwrite", "--seed", "5"])
    assert result.exit_code == 0, result.output
    assert CliRunner().invoke(cli, ["verify", str(tmp_path / "out")]).exit_code == 0


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def contents(root: Path) -> dict[str, str]:
    files = [path for path in root.rglob("*") if path.is_file() and path.name != "manifest.json"]
    return {str(path.relative_to(root)): digest(path) for path in files}
