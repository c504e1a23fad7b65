"""The table of exchanges and the file of counterfactuals."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from exchange_helpers import exchange_table, results_with_exchanges, say, with_exchanges
from sink_helpers import annotate, change, texts

from pgen.errors import InputError
from pgen.labels import exchanges
from pgen.records import Failure
from pgen_lerobot.format import COUNTERFACTUALS, EXCHANGES, read_counterfactuals, read_exchanges
from pgen_lerobot.format import exchange_table as module

TYPES = {
    "episode_index": pa.int64(),
    "start": pa.int64(),
    "stop": pa.int64(),
    "scope": pa.string(),
    "variant": pa.int64(),
    "frame_index": pa.int64(),
    "skills": pa.list_(pa.string()),
    "scenario_type": pa.string(),
    "response_type": pa.string(),
    "task_index": pa.int64(),
}


def test_it_has_a_row_for_each_exchange_with_its_frames_skills_and_task(root, tmp_path):
    out = with_exchanges(root, tmp_path / "out")
    assert dict(zip(*(lambda s: (s.names, s.types))(pq.read_schema(out / EXCHANGES)), strict=True)) == TYPES
    tasks = texts(out)
    rows = exchange_table(out)
    found = [
        (r["scope"], r["variant"], r["start"], r["stop"], r["frame_index"], r["skills"], tasks[r["task_index"]])
        for r in rows
        if r["episode_index"] == 0
    ]
    both = ["reach", "grasp"]
    assert found == [
        ("episode", 0, 0, 12, 0, both, "episode 0 at 0 of ep_0 | Sure, episode."),
        ("phase", 0, 0, 12, 0, both, "phase 0 at 0 of ep_0 | Sure, phase."),
        ("step", 0, 0, 3, 0, ["reach"], "step 0 at 0 of ep_0 | Sure, step."),
        ("step", 1, 0, 3, 0, ["reach"], "step 1 at 0 of ep_0 | Sure, step."),
        ("standing", 0, 0, 12, 0, both, "standing 0 at 0 of ep_0 | Sure, standing."),
        ("step", 0, 3, 5, 3, ["reach"], "step 0 at 3 of ep_0 | Sure, step."),
        ("step", 1, 3, 5, 3, ["reach"], "step 1 at 3 of ep_0 | Sure, step."),
        ("step", 0, 5, 8, 5, ["grasp"], "step 0 at 5 of ep_0 | Sure, step."),
        ("step", 1, 5, 8, 5, ["grasp"], "step 1 at 5 of ep_0 | Sure, step."),
        ("step", 0, 8, 11, 8, ["grasp"], "step 0 at 8 of ep_0 | Sure, step."),
        ("step", 1, 8, 11, 8, ["grasp"], "step 1 at 8 of ep_0 | Sure, step."),
        ("step", 0, 11, 12, 11, ["grasp"], "step 0 at 11 of ep_0 | Sure, step."),
        ("step", 1, 11, 12, 11, ["grasp"], "step 1 at 11 of ep_0 | Sure, step."),
    ]
    assert {(r["scenario_type"], r["response_type"]) for r in rows} == {("specific_object", "confirmation")}
    assert {r["episode_index"] for r in rows} == {0, 1, 3}


def test_it_equals_the_annotations(root, tmp_path):
    out = with_exchanges(root, tmp_path / "out")
    rows = read_exchanges(out / EXCHANGES)
    tasks = texts(out)
    for episode, annotations in results_with_exchanges(root).read():
        for exchange in exchanges(episode, annotations):
            row, sample = next(rows), exchange.annotation.sample
            assert (row.episode_index, row.start, row.stop) == (episode.index, exchange.start, exchange.stop)
            assert (row.scope, row.skills) == (exchange.scope, list(exchange.skills))
            assert (row.variant, row.frame_index) == (sample.question.variant, sample.moment.frame_index)
            assert tasks[row.task_index] == exchange.annotation.dialogue.task
    assert next(rows, None) is None


def test_rows_are_written_in_batches_so_that_memory_does_not_grow(root, tmp_path, monkeypatch):
    whole = with_exchanges(root, tmp_path / "whole")
    monkeypatch.setattr(module, "_BATCH", 5)
    out = with_exchanges(root, tmp_path / "out")
    assert pq.read_metadata(whole / EXCHANGES).num_row_groups == 1
    assert pq.read_metadata(out / EXCHANGES).num_row_groups > 2
    assert exchange_table(out) == exchange_table(whole)
    assert list(read_exchanges(out / EXCHANGES)) == list(read_exchanges(whole / EXCHANGES))


def test_a_run_without_dialogue_has_an_empty_table(root, tmp_path):
    out = with_exchanges(root, tmp_path / "out", lambda _: Failure("scene", "nothing there"))
    assert exchange_table(out) == []
    assert pq.read_schema(out / EXCHANGES).names == list(TYPES)
    assert not (out / COUNTERFACTUALS).exists()


def test_a_missing_table_has_no_rows_and_one_of_another_form_is_refused(root, tmp_path):
    assert list(read_exchanges(root / EXCHANGES)) == []
    out = with_exchanges(root, tmp_path / "out")
    change(out / EXCHANGES, lambda table: table.drop_columns(["stop", "scope"]))
    with pytest.raises(InputError, match=r"exchanges.parquet has no column scope, stop; `pgen repair` writes it again"):
        list(read_exchanges(out / EXCHANGES))


def test_counterfactuals_are_read_back_with_what_they_lead_to(root, tmp_path):
    out = with_exchanges(root, tmp_path / "out")
    found = [
        (it.sample.span.episode_index, it.sample.moment.frame_index, it.sample.question, it.sample.span.skill)
        for it in read_counterfactuals(out / COUNTERFACTUALS)
    ]
    expected = [
        (it.sample.span.episode_index, it.sample.moment.frame_index, it.sample.question.counterfactual)
        for _, annotations in results_with_exchanges(root).read()
        for it in annotations
        if it.sample.question.counterfactual
    ]
    assert [(episode, frame, question.counterfactual) for episode, frame, question, _ in found] == expected
    assert {(q.counterfactual, q.target) for _, _, q, _ in found} == {("other", "fly away"), ("wait", None)}
    assert [skill for *_, skill in found][:4] == ["reach", "reach", "grasp", "grasp"]
    first = next(read_counterfactuals(out / COUNTERFACTUALS))
    assert (first.dialogue.user_prompt, first.dialogue.robot_utterance) == ("other 0 at 0 of ep_0", "Sure, other.")


def test_a_former_file_of_counterfactuals_is_emptied_where_a_run_has_none(root, tmp_path):
    def no_counterfactuals(sample):
        return Failure("parse", "x") if sample.question.counterfactual else say(sample)

    made = with_exchanges(root, tmp_path / "made")
    again = annotate(made, tmp_path / "again", results_with_exchanges(made, no_counterfactuals), overwrite=True)
    assert (again / COUNTERFACTUALS).read_text() == ""
