"""`verify` finds whatever is wrong: a good output is changed in one place at a time."""

import re
import shutil

import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from mutations import CHANGES, DATA
from sink_helpers import annotate, change, dataset, results

from pgen_lerobot.format import COLUMN
from pgen_lerobot.verify import verify


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    folder = tmp_path_factory.mktemp("good")
    return annotate(dataset(folder / "in", codec="h264", episodes_per_data_file=3), folder / "out")


@pytest.fixture
def root(good, tmp_path):
    return shutil.copytree(good, tmp_path / "out")


def test_a_good_output_passes(root):
    found = verify(root, with_lerobot=False)
    assert [str(problem) for problem in found.problems] == []
    assert found.ok


@pytest.mark.parametrize(("edit", "told"), CHANGES.values(), ids=CHANGES.keys())
def test_one_change_is_found_and_named(root, edit, told):
    edit(root)
    problems = [str(problem) for problem in verify(root, with_lerobot=False).problems]
    assert any(re.search(told, problem) for problem in problems), problems


def test_equal_mistakes_in_a_row_are_one_problem(root):
    change(
        root / DATA,
        lambda t: t.set_column(t.column_names.index(COLUMN), COLUMN, pc.add(pc.multiply(t.column(COLUMN), 0), 1)),
    )
    problems = [str(p) for p in verify(root, with_lerobot=False).problems if p.column == COLUMN and p.file == DATA]
    assert "(and in the 4 rows that follow)" in problems[0]
    assert len(problems) < 10


def test_labels_of_a_run_over_some_episodes_with_minus_one_and_foreign_skills_pass(tmp_path):
    source = dataset(tmp_path / "in")
    elsewhere = tmp_path / "skills.json"
    (source / "meta/skills.json").rename(elsewhere)
    run = results(source, skills=str(elsewhere), episodes="0,3")
    out = annotate(source, tmp_path / "out", run, unlabelled="-1")
    elsewhere.unlink()
    assert verify(out, with_lerobot=False).problems == []


def test_editing_the_card_is_no_problem(root):
    (root / "README.md").write_text("# Mine")
    assert verify(root, with_lerobot=False).ok


def test_a_dataset_is_verified_where_it_was_moved(root, tmp_path):
    moved = root.rename(tmp_path / "moved here")
    assert verify(moved, with_lerobot=False).ok


def test_an_output_annotated_again_passes(good, tmp_path):
    assert verify(annotate(good, tmp_path / "again", overwrite=True), with_lerobot=False).problems == []


def test_a_shard_that_no_episode_names_is_checked_for_the_column(root):
    shutil.copy(root / DATA, root / "data/chunk-000/file-007.parquet")
    change(root / "data/chunk-000/file-007.parquet", lambda t: t.drop_columns(COLUMN))
    problems = [str(problem) for problem in verify(root, with_lerobot=False).problems]
    assert f"data/chunk-000/file-007.parquet, column {COLUMN}: the column is missing; info.json declares it" in problems


def test_real_datasets_pass_after_the_sink(tmp_path, shared_datasets):
    names = ("sim_pickplace_so101_v30", "sim_pickplace_so101_v30_images", "cr5_realarm_v30conv_8ep")
    for name, skills in zip(names, ("auto", "auto", "task"), strict=True):
        run = results(shared_datasets / name, skills=skills)
        out = annotate(shared_datasets / name, tmp_path / name, run)
        assert verify(out, with_lerobot=name == names[0]).problems == []
        assert pq.read_schema(out / DATA).names[-1] == COLUMN
