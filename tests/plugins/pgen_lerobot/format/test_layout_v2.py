"""v2.0, v2.1 and v3.0 give the same episodes and pictures; what is wrong in their metadata is named."""

import shutil

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from layout_helpers import edit_json, mean_colours, opened
from old_layout import ONE_A_FILE, as_v20, as_v21
from sink_helpers import LENGTHS, TASKS, change, dataset

from pgen.errors import InputError
from pgen_lerobot.format import Dataset


@pytest.mark.parametrize("rearranged", [as_v21, as_v20])
@pytest.mark.parametrize("settings", [{"codec": "h264"}, {"codec": "png"}], ids=["videos", "pictures"])
def test_an_older_layout_gives_the_same_episodes_and_the_same_mean_colours(tmp_path, rearranged, settings):
    new = dataset(tmp_path / "new", **settings, **ONE_A_FILE)
    old = rearranged(shutil.copytree(new, tmp_path / "old"), chunks_size=3)
    (source, episodes), (old_source, old_episodes) = opened(new), opened(old)
    for one, two in zip(episodes, old_episodes, strict=True):
        assert (one.index, one.task, one.cameras) == (two.index, two.task, two.cameras)
        assert (one.timestamps, one.skills) == (two.timestamps, two.skills)
    assert mean_colours(source, episodes) == mean_colours(old_source, old_episodes)


def test_episodes_are_read_in_chunks_of_their_own_size(tmp_path):
    root = as_v21(dataset(tmp_path / "data", **ONE_A_FILE), chunks_size=2)
    assert Dataset(root).data_files[2:] == [f"data/chunk-001/episode_00000{index}.parquet" for index in (2, 3)]
    assert [len(episode.timestamps) for episode in opened(root)[1]] == list(LENGTHS)


def test_only_chosen_episodes_of_an_older_layout_are_read(tmp_path):
    root = as_v21(dataset(tmp_path / "data", codec="h264", **ONE_A_FILE))
    (root / "data/chunk-000/episode_000000.parquet").write_bytes(b"broken")
    assert [episode.index for episode in opened(root, episodes="1,3")[1]] == [1, 3]


def test_files_that_are_not_where_the_template_says_are_found_and_it_is_said_once(tmp_path):
    root = as_v20(dataset(tmp_path / "data", codec="h264", **ONE_A_FILE))
    source, episodes = opened(root)
    assert len(episodes) == 4
    told = "{} of info.json is not where the files are: found where the format puts them"
    assert source.notes() == {told.format("data_path"): 1, told.format("video_path"): 1}


@pytest.mark.parametrize("version", ["v2.1", "v3.0"])
def test_a_folder_named_video_is_found(tmp_path, version):
    root = dataset(tmp_path / "data", codec="h264", **ONE_A_FILE)
    root = as_v21(root) if version == "v2.1" else root
    (root / "videos").rename(root / "video")
    source, episodes = opened(root)
    assert len(mean_colours(source, episodes)) == 2 * sum(LENGTHS)
    assert list(source.notes()) == [
        "video_path of info.json is not where the files are: found where the format puts them"
    ]


@pytest.mark.parametrize(
    "template",
    [
        "data/chunk-{episode_chunk:03d}/episode_{episode_index:06d}.parquet",
        "data/chunk-{chunk_index:03d}/episode_{file_index:06d}.parquet",
        "data/chunk-{episode_chunk:03}/episode_{episode_index:06}.parquet",
        "data/chunk-000/episode_00000{episode_index}.parquet",
    ],
)
def test_path_templates_are_read_in_all_their_forms(old_root, template):
    edit_json(old_root / "meta/info.json", lambda info: info.update(data_path=template))
    source, episodes = opened(old_root)
    assert (len(episodes), source.notes()) == (4, {})


@pytest.mark.parametrize("version", ["v1.6", "v4.0", None, 3])
def test_an_unknown_version_is_refused_by_name(root, version):
    edit_json(root / "meta/info.json", lambda info: info.update(codebase_version=version))
    with pytest.raises(InputError, match=rf"codebase_version {version!r}; pgen reads v2.0, v2.1 and v3.0"):
        Dataset(root)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("episodes", None, r"episodes.jsonl is missing"),
        ("episodes", "", r"episodes.jsonl lists no episode"),
        ("episodes", "[]", r"episodes.jsonl, line 1 is no JSON object"),
        ("episodes", '\n{"episode_index": 0', r"episodes.jsonl, line 2 is not JSON"),
        ("episodes", '{"episode_index": 0}', r"line 1: length must be a whole number .* found None"),
        ("episodes", '{"episode_index": NaN, "length": 3}', r"line 1: episode_index must be a whole number"),
        (
            "episodes",
            '{"episode_index": 7, "length": 3}',
            r"episode_000007.parquet is missing: meta/episodes.jsonl says",
        ),
        ("episodes", '{"episode_index": 0, "length": 3}\n' * 2, r"line 2: episode 0 occurs twice"),
        ("episodes", '{"episode_index": 0, "length": 3}', r"holds 12 frames of episode 0, meta/episodes.jsonl says 3"),
        ("tasks", None, r"tasks.jsonl is missing"),
        ("tasks", '{"task_index": 1, "task": "x"}', r"tasks.jsonl has no task 0, but 1"),
        ("tasks", '{"task_index": 0, "task": "x"}\n' * 2, r"tasks.jsonl, line 2: task_index 0 occurs twice"),
        ("tasks", '{"task_index": 0}', r"tasks.jsonl: row 0 has no text"),
        ("tasks", '{"task_index": 0, "task": "x"}\n{"task_index": 1, "task": "x"}', r"task 'x' occurs twice"),
        ("tasks", '{"task_index": 0, "task": "x"}', r"a task_index lies outside meta/tasks.jsonl, which has 1 rows"),
    ],
)
def test_lines_that_are_wrong_are_refused_with_their_place(old_root, name, text, message):
    path = old_root / f"meta/{name}.jsonl"
    path.unlink()
    if text is not None:
        path.write_text(text)
    with pytest.raises(InputError, match=message):
        opened(old_root)


def test_lines_may_stand_in_any_order(old_root):
    for name in ("episodes", "tasks"):
        path = old_root / f"meta/{name}.jsonl"
        path.write_text("\n\n".join(reversed(path.read_text().splitlines())))
    assert [(episode.index, episode.task) for episode in opened(old_root)[1]] == [(n, TASKS[n % 2]) for n in range(4)]


def other_episode(root):
    folder = root / "data/chunk-000"
    shutil.copy(folder / "episode_000000.parquet", folder / "episode_000001.parquet")


def no_rows(root):
    change(root / "data/chunk-000/episode_000002.parquet", lambda table: table.slice(0, 0))


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (other_episode, r"column episode_index holds 0; the file is that of episode 1 alone"),
        (no_rows, r"the data holds 3 of the 4 episodes that meta/episodes.jsonl lists"),
    ],
)
def test_a_file_without_its_episodes_rows_is_refused(old_root, edit, message):
    edit(old_root)
    with pytest.raises(InputError, match=message):
        opened(old_root)


def test_indices_as_doubles_are_whole_numbers_or_refused(old_root):
    path = old_root / "data/chunk-000/episode_000001.parquet"
    table = pq.read_table(path)
    scalars = [f.with_type(pa.float64()) if pa.types.is_integer(f.type) else f for f in table.schema]
    pq.write_table(table.cast(pa.schema(scalars)), path)
    assert opened(old_root)[1][1].task == TASKS[1]
    halves = pa.array([0.5] * len(table))
    pq.write_table(table.set_column(table.column_names.index("task_index"), "task_index", halves), path)
    with pytest.raises(InputError, match=r"column task_index: an index has to be a whole number"):
        opened(old_root)


@pytest.mark.parametrize("rearranged", [as_v21, lambda root: root], ids=["v2.1", "v3.0"])
def test_times_that_are_no_numbers_are_refused(tmp_path, rearranged):
    root = rearranged(dataset(tmp_path / "data", **ONE_A_FILE))
    path = sorted((root / "data").glob("*/*.parquet"))[0]
    table = pq.read_table(path)
    words = pa.array(["late"] * len(table))
    pq.write_table(table.set_column(table.column_names.index("timestamp"), "timestamp", words), path)
    with pytest.raises(InputError, match=r"column timestamp: times have to be numbers"):
        opened(root)
