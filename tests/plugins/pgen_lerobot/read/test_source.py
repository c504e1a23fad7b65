"""What a dataset says is checked before anything is asked, and what is wrong is named."""

import json
import os

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from pgen.errors import ConfigError, InputError
from pgen.records import Skill
from pgen_demo.dataset import Recording, write_dataset
from pgen_demo.layout import Layout
from pgen_lerobot.read import LeRobotSource

FPS = 10
SPANS = [{"name": "reach", "start": 0.0, "end": 1.0}, {"name": "grasp", "start": 1.0, "end": 2.0}]


def skills(**episodes):
    told = {n: {"episode_index": int(n), "description": "tidy", "skills": spans} for n, spans in episodes.items()}
    return {"coarse_description": "tidy", "episodes": told}


@pytest.fixture
def root(tmp_path):
    return written(tmp_path / "data")


def written(root, found=None, tasks=("wipe", "fold"), **layout):
    recordings = [
        Recording(length=20, draw=lambda camera, frame: Image.new("RGB", (16, 16)), task=task) for task in tasks
    ]
    layout = Layout(**{"fps": FPS, "cameras": ("top",), "codec": "png", **layout})
    return write_dataset(root, recordings, layout, skills=found or skills(**{"0": SPANS, "1": SPANS}))


def episodes(root, **options):
    source = LeRobotSource(root=root, **options)
    source.open()
    return list(source.episodes()), source.notes()


def edit_json(path, change):
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def test_episodes_come_with_their_times_tasks_and_skills(root):
    (first, second), notes = episodes(root)
    assert (first.index, first.id, first.fps, len(first.timestamps)) == (0, "ep_000000", 10.0, 20)
    assert first.skills == (Skill("reach", 0.0, 1.0), Skill("grasp", 1.0, 2.0))
    assert second.cameras == ("top",)
    assert notes == {}


def test_a_description_that_only_repeats_the_datasets_gives_way_to_the_episodes_own_task(root):
    assert [episode.task for episode in episodes(root)[0]] == ["wipe", "fold"]
    edit_json(root / "meta/skills.json", lambda c: c["episodes"]["1"].update(description="fold the towel"))
    assert [episode.task for episode in episodes(root)[0]] == ["wipe", "fold the towel"]


def test_an_episode_without_skills_is_kept_and_counted(tmp_path):
    found, notes = episodes(written(tmp_path / "data", skills(**{"1": SPANS})))
    assert [len(episode.skills) for episode in found] == [0, 2]
    assert notes == {"episodes without skills: left unlabelled": 1}


def test_skills_as_task_makes_each_stretch_of_one_task_a_skill(tmp_path):
    root = written(tmp_path / "data", tasks=("wipe", ["wipe"] * 12 + ["fold"] * 8))
    found, notes = episodes(root, skills="task")
    assert [[(s.name, round(s.start, 3), round(s.end, 3)) for s in episode.skills] for episode in found] == [
        [("wipe", 0.0, 2.0)],
        [("wipe", 0.0, 1.2), ("fold", 1.2, 2.0)],
    ]
    assert notes == {}


def test_texts_of_single_episodes_are_their_tasks(tmp_path):
    root = written(tmp_path / "in")
    texts = pa.table({"episode_index": [1, 0, 7], "task": [" fold the blue towel ", "", "other"]})
    pq.write_table(texts, root / "meta/tasks_annotated.parquet")
    found, notes = episodes(root, skills="task")
    assert notes == {"episodes whose task comes from meta/tasks_annotated.parquet": 1}
    assert [episode.task for episode in found] == ["wipe", "fold the blue towel"]
    assert [[skill.name for skill in episode.skills] for episode in found] == [["wipe"], ["fold the blue towel"]]
    pq.write_table(pa.table({"text": ["of another form"]}), root / "meta/tasks_annotated.parquet")
    assert [episode.task for episode in episodes(root)[0]] == ["wipe", "fold"]


def test_only_chosen_episodes_are_read_whatever_the_row_groups(root):
    path = root / "data/chunk-000/file-000.parquet"
    pq.write_table(pq.read_table(path), path, row_group_size=7)
    (only,), _ = episodes(root, episodes="1")
    assert (only.index, len(only.timestamps)) == (1, 20)


def test_a_chosen_episode_around_a_row_group_of_another_is_refused(root):
    path = root / "data/chunk-000/file-000.parquet"
    rows = pq.read_table(path)
    pq.write_table(pa.concat_tables([rows[20:30], rows[:20], rows[30:]]), path, row_group_size=10)
    with pytest.raises(InputError, match="holds 10 frames of episode 1"):
        episodes(root, episodes="1")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", r"skills.json cannot be read as JSON"),
        ("[]", r"does not fit the schema `skills` at \$: \[\] is not of type 'object'"),
        ('{"episodes": {"x": {"skills": []}}}', r"at \$.episodes: 'x' does not match"),
        (
            '{"episodes": {"0": {"skills": [{"name": "a", "start": "0", "end": 1}]}}}',
            r"episodes\.?.*0.*start: '0' is not",
        ),
        ('{"episodes": {"0": {"skills": [{"name": "a", "start": 0}]}}}', r"'end' is a required property"),
        ('{"episodes": {"0": {"episode_index": 3, "skills": []}}}', r"episodes.0 says episode_index 3"),
        ('{"episodes": {"0": {"skills": []}, "00": {"skills": []}}}', r"episode 0 occurs twice"),
    ],
)
def test_skills_that_are_wrong_are_refused_with_the_place(root, text, message):
    (root / "meta/skills.json").write_text(text)
    with pytest.raises(InputError, match=message):
        episodes(root)


def test_a_dataset_without_skills_is_told_what_to_do(root):
    (root / "meta/skills.json").unlink()
    with pytest.raises(InputError, match=r"meta/skills.json is missing.*--skills task"):
        episodes(root)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"cameras": ("tpo",)}, r"--camera: there is no camera 'tpo'; did you mean top"),
        ({"cameras": ("top", "top")}, r"--camera: top is named 2 times; name each camera once"),
        ({"episodes": "5"}, r"--episodes: the dataset has no episode 5; it has 2, up to 1"),
        ({"episodes": "1-"}, r"--episodes: '1-' is no index and no range"),
        ({"episodes": "3-1"}, r"the range '3-1' ends before it starts"),
        ({"skills": "none.json"}, r"--skills: there is no file none.json"),
    ],
)
def test_a_choice_that_the_dataset_does_not_have_is_refused(root, options, message):
    with pytest.raises((ConfigError, InputError), match=message):
        episodes(root, **options)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda i: i.update(fps=0), r"fps must be a number above 0, found 0"),
        (lambda i: i.pop("features"), r"has no `features`"),
        (lambda i: i.update(data_path="../{chunk_index}"), r"data_path: the path '../0' leads outside"),
        (lambda i: i.update(data_path="/etc/{file_index}"), r"leads outside"),
        (lambda i: i.update(data_path="data/{secret}"), r"unknown field \{secret\}"),
        (lambda i: i.update(data_path="data/{chunk_index:03d}/other.parquet"), r"other.parquet is missing"),
    ],
)
def test_an_info_that_is_wrong_is_refused_with_the_key(root, change, message):
    edit_json(root / "meta/info.json", change)
    with pytest.raises(InputError, match=message):
        episodes(root)


def test_a_video_path_that_leads_outside_is_refused(tmp_path):
    root = written(tmp_path / "data", codec="h264")
    edit_json(root / "meta/info.json", lambda i: i.update(video_path="videos/{video_key}/../../../x.mp4"))
    with pytest.raises(InputError, match=r"video_path: the path .* leads outside"):
        episodes(root)


def change_rows(root, change):
    path = root / "data/chunk-000/file-000.parquet"
    columns = pq.read_table(path)
    rows = columns.to_pylist()
    pq.write_table(pa.Table.from_pylist(change(rows), columns.schema), path)


def with_cell(row, name, value):
    return lambda rows: [{**r, name: value} if n == row else r for n, r in enumerate(rows)]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (with_cell(5, "timestamp", float("nan")), r"episode 0: a timestamp is not a finite number"),
        (with_cell(5, "timestamp", 0.1), r"episode 0, frame 5: its timestamp 0.1\d* s runs back"),
        (with_cell(5, "timestamp", None), r"episode 0: column timestamp has an empty cell"),
        (with_cell(25, "frame_index", 9), r"episode 1: frame_index does not count 0, 1, 2"),
        (with_cell(25, "task_index", 2), r"episode 1: a task_index lies outside meta/tasks.parquet, which has 2 rows"),
        (lambda rows: rows[:-1], r"holds 19 frames of episode 1, .* says 20"),
        (lambda rows: rows[:20], r"the data holds 1 of the 2 episodes"),
        (lambda rows: rows[20:] + rows[:20] + rows[20:], r"the data holds episode 1 in two places"),
    ],
)
def test_frames_that_are_wrong_are_refused_with_the_place(root, change, message):
    change_rows(root, change)
    with pytest.raises(InputError, match=message):
        episodes(root)


def test_tasks_out_of_order_are_refused_since_lerobot_looks_them_up_by_position(root):
    path = root / "meta/tasks.parquet"
    pq.write_table(pq.read_table(path).take([1, 0]), path)
    with pytest.raises(InputError, match=r"tasks.parquet: row 0 has task_index 1"):
        episodes(root)


@pytest.mark.parametrize("name", ["meta/tasks.parquet", "data/chunk-000/file-000.parquet"])
def test_a_file_that_is_no_parquet_is_named(root, name):
    (root / name).write_bytes(b"PAR1 or not")
    with pytest.raises(InputError, match=r"is not a readable parquet file"):
        episodes(root)


def test_a_folder_that_is_no_dataset_is_named(tmp_path):
    with pytest.raises(InputError, match=r"there is no dataset at .*nowhere: the folder does not exist"):
        episodes(tmp_path / "nowhere")
    with pytest.raises(InputError, match=r"meta/info.json is missing"):
        episodes(tmp_path)
    with pytest.raises(ConfigError, match="no dataset is named; give its folder with --root"):
        LeRobotSource().open()


def test_a_dataset_of_the_lerobot_cache_is_found_by_its_id(root, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_LEROBOT_HOME", str(tmp_path / "home"))
    (tmp_path / "home/me").mkdir(parents=True)
    root.rename(tmp_path / "home/me/towels")
    source = LeRobotSource(repo_id="me/towels")
    source.open()
    assert source.dataset.root == tmp_path / "home/me/towels"


@pytest.mark.parametrize("name", ["meta/info.json", "meta/stats.json", "data/chunk-000/file-000.parquet", "notes.txt"])
def test_a_named_pipe_in_a_dataset_is_refused_without_being_opened(root, name):
    (root / name).unlink(missing_ok=True)
    os.mkfifo(root / name)
    with pytest.raises(InputError, match=f"{name} is a named pipe, not a file"):
        episodes(root)
