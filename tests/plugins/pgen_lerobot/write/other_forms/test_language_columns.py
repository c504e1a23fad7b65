"""The language columns: lerobot's validator passes them, and its renderer finds each frame's own dialogue."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from form_helpers import lerobot_or_skip, opened, written
from sink_helpers import annotate, change, column, dataset, regroup, results, shards

from pgen.errors import InputError
from pgen.labels.spans import frame_ranges
from pgen_lerobot.read import LeRobotSource
from pgen_lerobot.read.frame_dialogues import Dialogues
from pgen_lerobot.verify import verify
from pgen_lerobot.write.other_forms import LanguageColumnsSink, arrow_type, language_columns

PERSISTENT, EVENTS = "language_persistent", "language_events"


@pytest.fixture
def lerobot(tmp_path, monkeypatch):
    lerobot_or_skip(tmp_path, monkeypatch)


@pytest.fixture
def out(tmp_path):
    return written(dataset(tmp_path / "in"), tmp_path / "out", LanguageColumnsSink())


@pytest.mark.filterwarnings("ignore")
@pytest.mark.usefixtures("lerobot")
def test_lerobots_validator_and_writer_accept_every_row(out, tmp_path):
    from lerobot.annotations.steerable_pipeline import validator, writer
    from lerobot.annotations.steerable_pipeline.reader import iter_episodes
    from lerobot.annotations.steerable_pipeline.staging import EpisodeStaging

    records = list(iter_episodes(out))
    items = opened(out).hf_dataset.select_columns([PERSISTENT, EVENTS])
    first = 0
    for record in records:
        rows = [items[first + frame] for frame in range(record.row_count)]
        events = [
            {**e, "timestamp": t} for t, row in zip(record.frame_timestamps, rows, strict=True) for e in row[EVENTS]
        ]
        persistent = rows[0][PERSISTENT] if rows else []
        of_no_skill = [row for row in persistent if row["style"] != "subtask"]
        assert all(row[PERSISTENT] in (persistent, of_no_skill) for row in rows)
        for row in [*persistent, *events]:
            writer._validate_atom_invariants(row)
            writer._validate_speech_atom(row)
        staging = EpisodeStaging(tmp_path / "staging", record.episode_index)
        staging.write("plan", persistent)
        staging.write("interjections", events)
        first += record.row_count
    report = validator.StagingValidator().validate(records, tmp_path / "staging")
    assert report.errors == report.warnings == []
    assert report.episodes_checked == len(records) == 4
    assert first == len(items)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.usefixtures("lerobot")
def test_lerobot_opens_the_dataset_and_finds_the_tool(out):
    from lerobot.datasets.language import SAY_TOOL_SCHEMA

    told = opened(out)
    assert told.meta.has_language_columns
    assert told.meta.tools == [SAY_TOOL_SCHEMA]
    assert verify(out, with_lerobot=False).problems == []


@pytest.mark.filterwarnings("ignore")
@pytest.mark.usefixtures("lerobot")
def test_the_columns_have_lerobots_types_and_the_hubs_declaration(out):
    from datasets import Features
    from lerobot.datasets import language

    (path,) = shards(out)
    schema = pq.read_schema(path)
    assert schema.field(PERSISTENT).type == language.language_persistent_arrow_type()
    assert schema.field(EVENTS).type == language.language_events_arrow_type()
    theirs = {
        PERSISTENT: language.language_persistent_column_feature(),
        EVENTS: language.language_events_column_feature(),
    }
    declared = json.loads(schema.metadata[b"huggingface"])["info"]["features"]
    assert {name: declared[name] for name in theirs} == Features(theirs).to_dict()


def test_an_event_stands_on_the_first_frame_that_it_labels_and_nowhere_else(out):
    events = column(out, EVENTS)
    labels = column(out)
    dialogues = Dialogues(out)
    for row, told in enumerate(events):
        begins = dialogues[row].robot_utterance != "" and (row == 0 or labels[row] != labels[row - 1])
        assert [event["style"] for event in told] == ([None, "interjection"] if begins else []), row


def test_large_row_groups_are_cut_and_small_ones_joined_by_no_one(tmp_path, monkeypatch):
    monkeypatch.setattr(language_columns, "_GROUP_ROWS", 20)
    root = dataset(tmp_path / "in")
    regroup(shards(root)[0], 7)
    out = written(root, tmp_path / "out", LanguageColumnsSink())
    assert verify(out, with_lerobot=False).problems == []
    assert pq.ParquetFile(shards(out)[0]).metadata.num_row_groups > 7


def test_everything_but_the_columns_is_as_without_them(out, tmp_path):
    plain = annotate(tmp_path / "in", tmp_path / "plain")
    table = pq.read_table(shards(out)[0]).drop_columns([PERSISTENT, EVENTS])
    assert table.equals(pq.read_table(shards(plain)[0]))
    mine, theirs = (json.loads((root / "meta/info.json").read_text()) for root in (out, plain))
    assert set(mine["features"]) - set(theirs["features"]) == {PERSISTENT, EVENTS}
    assert mine["features"][EVENTS] == {"dtype": "language", "shape": [1], "names": None}


def test_columns_that_are_there_are_kept_unless_they_are_to_be_replaced(out, tmp_path):
    run = results(out)
    with pytest.raises(InputError, match=r"has the feature language_persistent already; replace it with --overwrite"):
        LanguageColumnsSink().open(run.source)
    again = written(out, tmp_path / "again", LanguageColumnsSink(overwrite=True), run=run, overwrite=True)
    assert column(again, PERSISTENT) == column(out, PERSISTENT)
    assert verify(again, with_lerobot=False).problems == []


@pytest.mark.parametrize(
    ("tools", "expected"),
    [
        (None, ["say"]),
        ([{"type": "function", "function": {"name": "look"}}, "odd"], ["look", None, "say"]),
        ([{"type": "function", "function": {"name": "say", "strict": True}}], ["say"]),
    ],
)
def test_the_tool_is_added_to_those_that_the_dataset_has(root, tmp_path, tools, expected):
    info = json.loads((root / "meta/info.json").read_text())
    (root / "meta/info.json").write_text(json.dumps({**info, "tools": tools}))
    out = written(root, tmp_path / "out", LanguageColumnsSink())
    found = json.loads((out / "meta/info.json").read_text())["tools"]
    assert [tool["function"]["name"] if isinstance(tool, dict) else None for tool in found] == expected
    assert found[: len(tools or ())] == (tools or [])


def test_verify_names_the_cell_that_is_not_what_was_said(out):
    events = column(out, EVENTS)
    row = next(row for row, told in enumerate(events) if told and row > 0)
    kind = arrow_type(EVENTS, pa.string())

    def silenced(table):
        cells = [[] if position == row else cell for position, cell in enumerate(events)]
        place = table.column_names.index(EVENTS)
        field = table.schema.field(place)
        return table.set_column(place, field, pa.array(cells, kind).cast(field.type))

    change(shards(out)[0], silenced)
    problems = [str(problem) for problem in verify(out, with_lerobot=False).problems]
    assert any(f"row {row}, column {EVENTS}" in problem for problem in problems)


def test_the_subtasks_are_read_back_as_the_same_spans(out):
    def found(skills):
        source = LeRobotSource(root=out, skills=skills)
        source.open()
        return [([skill.name for skill in e.skills], frame_ranges(e)) for e in source.episodes()]

    assert found("language-persistent") == found("skills-json")
