"""The language columns: lerobot's validator passes them, and its renderer finds each frame's own dialogue."""

import json
from pathlib import Path
from typing import Any

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

RECIPE = Path(__file__).parents[5] / "docs" / "recipes" / "dialogue.yaml"
PERSISTENT, EVENTS = "language_persistent", "language_events"


@pytest.fixture
def lerobot(tmp_path, monkeypatch):
    lerobot_or_skip(tmp_path, monkeypatch)


@pytest.fixture
def out(tmp_path):
    return written(dataset(tmp_path / "in"), tmp_path / "out", LanguageColumnsSink())


def rendered(root: Path, name: str) -> list[Any]:
    """What lerobot's renderer makes of each frame, at the second that the data say, by one part of the docs' recipe."""
    from lerobot.configs.recipe import load_recipe
    from lerobot.datasets.language_render import render_sample

    recipe = load_recipe(RECIPE).blend[name]
    items = opened(root).hf_dataset.select_columns([PERSISTENT, EVENTS, "index"])
    return [
        render_sample(
            recipe=recipe, persistent=item[PERSISTENT], events=item[EVENTS], t=time, sample_idx=int(item["index"])
        )
        for item, time in zip(items, column(root, "timestamp"), strict=True)
    ]


def said(message: dict[str, Any]) -> str | None:
    calls = message.get("tool_calls") or []
    return calls[0]["function"]["arguments"]["text"] if calls else None


@pytest.mark.filterwarnings("ignore")
@pytest.mark.usefixtures("lerobot")
def test_lerobots_renderer_finds_each_frames_own_dialogue(out):
    dialogues = Dialogues(out)
    source = LeRobotSource(root=out)
    source.open()
    skills = [""] * len(dialogues)
    start = 0
    for episode in source.episodes():
        for skill, frames in zip(episode.skills, frame_ranges(episode), strict=True):
            skills[start + frames.start : start + frames.stop] = [skill.name] * len(frames)
        start += len(episode.timestamps)
    for row, told in enumerate(rendered(out, "high_level")):
        user, robot = told["messages"]
        assert user["content"] == dialogues[row].user_prompt
        assert said(robot) == (dialogues[row].robot_utterance or None)
        assert robot["content"] == skills[row]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.usefixtures("lerobot")
def test_a_label_begins_on_its_first_frame_where_timestamps_are_doubles_too(root, tmp_path):

    def doubled(table):
        times = [frame / 10 for frame in table.column("frame_index").to_pylist()]
        place = table.column_names.index("timestamp")
        return table.set_column(place, pa.field("timestamp", pa.float64()), pa.array(times, pa.float64()))

    change(shards(root)[0], doubled)
    info = json.loads((root / "meta/info.json").read_text())
    info["features"]["timestamp"]["dtype"] = "float64"
    (root / "meta/info.json").write_text(json.dumps(info))
    out = written(root, tmp_path / "out", LanguageColumnsSink())
    asked = [told["messages"][0]["content"] for told in rendered(out, "high_level")]
    assert asked == [told.user_prompt for told in Dialogues(out)]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.usefixtures("lerobot")
@pytest.mark.parametrize("part", ["high_level", "low_level"])
def test_the_recipe_is_dense_on_a_real_dataset(tmp_path, shared_datasets, part):
    root = shared_datasets / "sim_pickplace_so101_v30_images"
    out = written(root, tmp_path / "out", LanguageColumnsSink(), run=results(root))
    frames = rendered(out, part)
    whole = [f for f in frames if f and all(message.get("content") for message in f["messages"])]
    assert len(whole) >= 0.95 * len(frames)
    if part == "high_level":
        assert sum(said(f["messages"][1]) is not None for f in whole) >= 0.95 * len(frames)


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
        assert all(row[PERSISTENT] == persistent for row in rows)
        for row in [*persistent, *events]:
            writer._validate_atom_invariants(row)
            writer._validate_speech_atom(row)
        staging = EpisodeStaging(tmp_path / "staging", record.episode_index)
        staging.write("plan", persistent)
        staging.write("interjections", events)
        first += record.row_count
    report = validator.StagingValidator().validate(records, tmp_path / "staging")
    assert report.errors == []
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
