"""Skills are read from wherever a dataset has them, and what cannot be used is refused with its place."""

import json
from array import array
from collections import Counter
from itertools import pairwise

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sink_helpers import annotate, dataset, results, shards

from pgen.errors import InputError
from pgen.labels.spans import frame_ranges, normalize
from pgen.records import Episode
from pgen_lerobot.format import EpisodeFrames
from pgen_lerobot.read import LeRobotSource
from pgen_lerobot.skills import READERS
from pgen_lerobot.skills.base import spans_between
from pgen_lerobot.verify import verify

SIMULATED = ["sim_drawer_sawyer_v30_av1", "sim_pickplace_so101_v30", "sim_pickplace_so101_v30_images"]
REACH = ("reach", range(5))
GRASP = ("grasp", range(5, 12))


@pytest.fixture
def root(tmp_path):
    """Four episodes at 10 frames a second, without skills."""
    root = dataset(tmp_path / "in")
    (root / "meta/skills.json").unlink()
    return root


def read(root, skills="auto", **options):
    """Each episode's skills, as their names and frames, and the notes."""
    source = LeRobotSource(root=root, skills=str(skills), **options)
    source.open()
    found = {episode.index: spans(episode) for episode in source.episodes()}
    return found, source.notes()


def spans(episode):
    return [(skill.name, frames) for skill, frames in zip(episode.skills, frame_ranges(episode), strict=True)]


def put(root, name, content):
    (root / name).write_text(content if isinstance(content, str) else json.dumps(content))


def add_column(root, name, cells, feature):
    """A column for the dataset's one shard."""
    info = json.loads((root / "meta/info.json").read_text())
    info["features"][name] = feature
    put(root, "meta/info.json", info)
    (path,) = shards(root)
    table = pq.read_table(path)
    pq.write_table(table.append_column(name, cells), path)


def with_subtasks(root, values, texts=("reach", "grasp")):
    add_column(root, "subtask_index", pa.array(values, pa.int64()), {"dtype": "int64", "shape": [1], "names": None})
    table = pa.table({"subtask_index": list(range(len(texts))), "subtask": list(texts)})
    pq.write_table(table, root / "meta/subtasks.parquet")


def atom(time, content, style="subtask"):
    return {"role": "assistant", "content": content, "style": style, "timestamp": time, "tool_calls": None}


@pytest.mark.parametrize("name", SIMULATED)
def test_the_column_and_the_file_of_the_simulated_datasets_say_the_same(shared_datasets, name):
    root = shared_datasets / name
    by_file, _ = read(root, "skills-json")
    by_column, _ = read(root, "subtask-index")
    assert by_file == by_column
    assert len(by_file) == 4
    assert all(len(found) >= 3 for found in by_file.values())


def test_runs_of_subtask_index_are_spans_and_an_empty_or_negative_cell_is_none(root):
    with_subtasks(root, [0] * 5 + [1] * 7 + [None] * 3 + [0] * 6 + [-1] * 15 + [1] * 7)
    found, _ = read(root)
    assert found == {0: [REACH, GRASP], 1: [("reach", range(3, 9))], 2: [], 3: [("grasp", range(7))]}


@pytest.mark.parametrize(
    ("values", "texts", "message"),
    [
        ([0] * 20 + [7] * 23, ("reach",), r"episode 1, frame 8: subtask_index is 7, but .*subtasks.parquet has 1 rows"),
        ([0] * 43, ("",), r"subtasks.parquet: row 0 has no text"),
    ],
)
def test_subtasks_that_do_not_exist_are_refused_with_their_frame(root, values, texts, message):
    with_subtasks(root, values, texts)
    with pytest.raises(InputError, match=message):
        read(root)


def test_subtasks_out_of_order_are_refused_since_they_are_looked_up_by_position(root):
    with_subtasks(root, [0] * 43)
    pq.write_table(pa.table({"subtask_index": [1, 0], "subtask": ["a", "b"]}), root / "meta/subtasks.parquet")
    with pytest.raises(InputError, match=r"row 0 has subtask_index 1.*by position"):
        read(root)


def test_subtask_rows_of_language_persistent_last_spans_between(root):
    rows = [atom(0.0, "reach"), atom(0.5, "grasp"), atom(0.2, "1. reach", "plan")]
    told = {0: rows, 1: [atom(0.1, "reach"), atom(0.4, ""), atom(0.6, "lift")]}
    episode = pq.read_table(shards(root)[0]).column("episode_index").to_pylist()
    cells = [
        [{key: row[key] for key in ("role", "content", "style", "timestamp")} for row in told.get(e, ())]
        for e in episode
    ]
    add_column(root, "language_persistent", pa.array(cells), {"dtype": "language", "shape": [1], "names": None})
    found, notes = read(root)
    assert found == {0: [REACH, GRASP], 1: [("reach", range(1, 4)), ("lift", range(6, 9))], 2: [], 3: []}
    assert notes["episodes whose skills come from the column language_persistent"] == 2


def test_both_versions_of_lerobot_annotations_are_read(root):
    second = {"0": {"atoms": [atom(0.5, "grasp"), atom(0.0, "reach"), atom(0.3, "Yes?", "interjection")]}}
    put(root, "meta/lerobot_annotations.json", {"version": 2, "episodes": second})
    assert read(root)[0][0] == [REACH, GRASP]
    segments = [{"start": 0.0, "end": 0.5, "label": "reach"}, {"start": 0.7, "end": 1.2, "label": "grasp"}]
    first = {"0": {"subtasks": segments, "high_levels": [{"start": 0.0, "user_prompt": "Go"}]}}
    put(root, "meta/lerobot_annotations.json", {"episodes": first})
    assert read(root)[0][0] == [REACH, ("grasp", range(7, 12))]


def test_custom_annotation_is_read_by_the_ids_of_its_metadata(root):
    labels = [("reach", 0.0, 0.5), ("human_intervention", 0.2, 0.9), ("grasp", 0.5, 1.2)]
    told = [{"label": label, "start_time": start, "end_time": end} for label, start, end in labels]
    put(root, "meta/custom_annotation.json", {"episodes": [{"episode_id": "monday-7", "spans": told}]})
    with pytest.raises(InputError, match=r"which episode is 'monday-7'\? Put custom_metadata.csv"):
        read(root)
    put(root, "meta/custom_metadata.csv", "operator_id,episode_id,episode_index\nann,monday-7,0\n")
    found, notes = read(root)
    assert found[0] == [REACH, GRASP]
    assert notes["spans labelled human_intervention: no skill, left out"] == 1
    put(root, "meta/custom_metadata.csv", "episode_id,episode_index\nmonday-8,0\n")
    with pytest.raises(InputError, match=r"the episode 'monday-7' is not in .*custom_metadata.csv"):
        read(root)


@pytest.mark.parametrize("name", ["0", "ep_000000", "episode_0"])
def test_numbered_ids_of_custom_annotation_need_no_metadata(root, name):
    told = [{"label": "reach", "start_time": 0.0, "end_time": 0.5}]
    put(root, "meta/custom_annotation.json", {"episodes": [{"episode_id": name, "spans": told}]})
    assert read(root, "custom-annotation")[0][0] == [REACH]


def test_lines_of_spans_are_read_in_any_order_from_any_file(root, tmp_path):
    lines = [
        {"episode_index": 0, "name": "grasp", "start": 0.5, "end": 1.2},
        {"episode_index": 3, "skill": "reach", "start": 0, "end": 0.7},
        {"episode_index": 0, "skill": "reach", "start": 0.0, "end": 0.5},
    ]
    text = "\n\n".join(json.dumps(line) for line in lines)
    put(tmp_path, "mine.jsonl", text)
    expected = {0: [REACH, GRASP], 1: [], 2: [], 3: [("reach", range(7))]}
    assert read(root, tmp_path / "mine.jsonl")[0] == expected
    put(root, "meta/skills.jsonl", text)
    assert read(root)[0] == expected


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", r"skills.jsonl, line 2 is not JSON"),
        ('{"episode_index": 0, "start": 0, "end": 1}', r"skills.jsonl, line 2: .*pgen schema skill_span"),
        ('{"episode_index": -1, "skill": "a", "start": 0, "end": 1}', r"skills.jsonl, line 2: .*episode_index"),
    ],
)
def test_a_line_that_is_wrong_is_refused_by_its_number(root, line, message):
    put(root, "meta/skills.jsonl", f'{{"episode_index": 0, "skill": "a", "start": 0, "end": 1}}\n{line}\n')
    with pytest.raises(InputError, match=message):
        read(root)


def test_what_the_annotate_page_or_a_partner_wrote_wrongly_is_refused_with_the_place(root):
    put(root, "meta/lerobot_annotations.json", {"version": 2, "episodes": {"0": {"atoms": [{"style": "subtask"}]}}})
    with pytest.raises(InputError, match=r"lerobot_annotations.json does not fit .* at \$.*atoms"):
        read(root)
    put(root, "meta/custom_annotation.json", {"episodes": [{"episode_id": "0", "spans": [{"label": "a"}]}]})
    with pytest.raises(InputError, match=r"custom_annotation.json does not fit .* at \$.*spans"):
        read(root, "custom-annotation")


def test_auto_takes_the_first_form_that_holds_a_span_and_says_which(root):
    put(root, "meta/lerobot_annotations.json", {"version": 2, "episodes": {}})
    with_subtasks(root, [0] * 43)
    found, notes = read(root)
    assert found[2] == [("reach", range(15))]
    assert notes == {"episodes whose skills come from the column subtask_index and meta/subtasks.parquet": 4}
    put(root, "meta/skills.jsonl", '{"episode_index": 0, "skill": "wait", "start": 0, "end": 1}')
    assert read(root)[0][0] == [("wait", range(10))]


def test_a_form_without_any_span_is_named_where_nothing_else_is_found(root):
    put(root, "meta/lerobot_annotations.json", {"version": 2, "episodes": {"0": {"atoms": []}}})
    with pytest.raises(InputError, match=r"skills.json is missing.*_annotations.json holds no span.*--skills task"):
        read(root)


def test_a_form_that_was_named_is_read_alone_and_needs_no_note(root):
    with_subtasks(root, [0] * 43)
    assert read(root, "subtask-index")[1] == {}
    with pytest.raises(InputError, match=r"lerobot_annotations.json is missing; --skills lerobot-annotations reads it"):
        read(root, "lerobot-annotations")
    with pytest.raises(InputError, match=r"declares no language_persistent"):
        read(root, "language-persistent")
    with pytest.raises(InputError, match=r"no reader of that name: auto, skills-json, jsonl"):
        read(root, "subtasks")


def test_the_chosen_episodes_alone_are_read(root):
    with_subtasks(root, [0] * 12 + [9] * 9 + [1] * 22)
    assert read(root, episodes="0,3")[0] == {0: [("reach", range(12))], 3: [("grasp", range(7))]}


def test_an_output_from_other_skills_keeps_their_spans_and_verifies(root, tmp_path):
    with_subtasks(root, [0] * 5 + [1] * 16 + [0] * 22)
    out = annotate(root, tmp_path / "out", results(root))
    (out / "meta/subtasks.parquet").unlink()
    gone = [str(problem) for problem in verify(out, with_lerobot=False).problems]
    assert [told.partition(":")[0] for told in gone] == ["meta/subtasks.parquet"]


def test_every_form_has_a_name_of_its_own():
    assert len({reader.name for reader in READERS}) == len(READERS)


@given(
    st.lists(st.integers(0, 28), min_size=1, unique=True).map(sorted),
    st.lists(st.sampled_from(["reach", "grasp", ""]), min_size=30, max_size=30),
)
def test_each_frame_is_in_the_span_that_began_last(starts, names):
    """The very last frame is left out: a span that ends there includes it (pgen.labels.spans)."""
    times = array("d", (frame / 10 for frame in range(30)))
    told = [(times[start], names[start]) for start in starts]
    found = spans_between(reversed(told), EpisodeFrames(0, times, array("q", [0] * 30)), 10.0)
    repairs: Counter[str] = Counter()
    episode = Episode(0, "ep", "task", 10.0, times, normalize(found, times, 10.0, repairs))
    expected = [(names[a], range(a, b)) for a, b in pairwise([*starts, 30]) if names[a]]
    assert spans(episode) == expected
    assert not repairs
