"""Problems are printed by kind, the most severe first, with examples and a remedy."""

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from sink_helpers import change, set_cell, shards

from pgen.cli import cli
from pgen_lerobot.verify import lines, verify
from pgen_lerobot.verify.grouping import EXAMPLES, GROUPS, grouped
from pgen_lerobot.verify.problems import Problem, Verification

SHARD, COLUMN = "data/chunk-000/file-{:03d}.parquet", "task_index_high_level"


def test_problems_that_differ_in_their_values_are_one_group(tmp_path):
    problems = [Problem(SHARD.format(row % 2), f"holds {row}, expected 'a {row}'", row, COLUMN) for row in range(25)]
    heading, *examples, more = lines(Verification(tmp_path, problems))
    assert heading == (
        "data/chunk-*/file-*.parquet, column task_index_high_level: 25 problems; "
        "`pgen repair` derives the labels again from meta/syn_annotations.jsonl"
    )
    assert examples == [f"  {problem}" for problem in problems[:EXAMPLES]]
    assert more == "  … and 22 more like these"


def test_a_missing_video_comes_before_any_number_of_labels(tmp_path):
    labels = [Problem(SHARD.format(0), f"holds {row}", row, COLUMN) for row in range(200)]
    video = Problem("videos/front/chunk-000/file-000.mp4", "the file is missing")
    shown = list(lines(Verification(tmp_path, [*labels, video])))
    assert shown[0].endswith("1 problem; copy the file from the dataset that the run read")
    assert shown[1] == f"  {video}"


def test_further_kinds_are_counted(tmp_path):
    letters = "abcdefghijklmnopqrstuvwxyz"
    shown = list(lines(Verification(tmp_path, [Problem("f", letter) for letter in letters])))
    assert shown[-1] == f"… and {len(letters) - GROUPS} more kinds of problems; --json lists all"


def test_text_of_the_data_sends_nothing_to_the_terminal(tmp_path):
    _, shown = lines(Verification(tmp_path, [Problem("f", "\x1b[31m\nred")]))
    assert shown == "  f: �[31m�red"


@given(st.lists(st.builds(Problem, st.sampled_from(["", "meta/info.json", "videos/a.mp4", "data/b"]), st.text())))
def test_each_problem_is_in_one_group_and_severity_does_not_decrease(problems):
    groups = grouped(problems)
    assert sorted(str(problem) for group in groups for problem in group.problems) == sorted(map(str, problems))
    assert [group.severity for group in groups] == sorted(group.severity for group in groups)


def test_the_remedy_of_wrong_labels_works(out):
    for row in (5, 6, 7, 8, 9):
        change(shards(out)[0], lambda table, row=row: set_cell(table, COLUMN, row, 0))
    done = CliRunner().invoke(cli, ["verify", str(out)])
    assert done.exit_code == 5
    assert "`pgen repair` derives the labels again" in done.output
    assert CliRunner().invoke(cli, ["repair", str(out)]).exit_code == 0
    assert verify(out, with_lerobot=False).problems == []


@pytest.mark.parametrize("name", ["meta/stats.json", "meta/tasks_high_level.parquet"])
def test_the_remedy_of_a_missing_table_works(out, name):
    (out / name).unlink()
    done = CliRunner().invoke(cli, ["verify", str(out)])
    assert "`pgen repair` writes those" in done.output
    assert CliRunner().invoke(cli, ["repair", str(out)]).exit_code == 0
    assert verify(out, with_lerobot=False).problems == []
