"""A column that indexes something else than the dialogue tables is named, and a table that was dropped is repaired."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sink_helpers import column, results, snapshot

import pgen
from pgen.errors import InputError
from pgen_lerobot.format import TASK_ROWS
from pgen_lerobot.repair import repair
from pgen_lerobot.verify import verify
from pgen_lerobot.write import LeRobotSink


def edited(out, edit):
    path = out / TASK_ROWS
    pq.write_table(edit(pq.read_table(path)), path)


FOREIGN = {
    "the table dropped": (lambda out: (out / TASK_ROWS).unlink(), r"is missing \(the LeRobot annotate page"),
    "a table of skills": (
        lambda out: edited(out, lambda table: pa.table({"task_index": [0, 1], "skill": ["reach", "grasp"]})),
        "has other columns: another tool wrote it, and task_index_high_level may index skills",
    ),
    "a table of the dialogues alone": (
        lambda out: edited(out, lambda table: table.slice(2)),
        r"has other rows than tasks.parquet: task_index_high_level may index either",
    ),
}


@pytest.mark.parametrize(("change", "message"), FOREIGN.values(), ids=FOREIGN)
def test_a_column_that_does_not_index_the_dialogue_table_is_named(out, change, message):
    change(out)
    with pytest.raises(InputError, match=message):
        pgen.open(out)
    with pytest.raises(InputError, match=f"(?s)has the feature task_index_high_level already, and .*{message}"):
        LeRobotSink().open(results(out).source)


@pytest.mark.parametrize("change", [change for change, _ in FOREIGN.values()], ids=FOREIGN)
def test_repair_writes_the_table_again(out, change):
    labels, before = column(out), snapshot(out)[TASK_ROWS]
    change(out)
    assert any(TASK_ROWS in str(problem) for problem in verify(out, with_lerobot=False).problems)
    repair(out)
    assert verify(out, with_lerobot=False).problems == []
    assert (column(out), snapshot(out)[TASK_ROWS][0]) == (labels, before[0])
