"""What is odd in real datasets and is read all the same, on rendered ones."""

import io
import json
import shutil
from fractions import Fraction

import av
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from layout_helpers import TOP, WRIST, edit_json, episodes_file, mean_colours, opened
from old_layout import ONE_A_FILE, as_v21
from PIL import Image
from sink_helpers import LENGTHS, TASKS, change, dataset, set_cell, shards

from pgen.cli import cli
from pgen.errors import InputError, SampleError
from pgen.run.planning import samples_of
from pgen_demo.dataset import Recording, write_dataset
from pgen_demo.layout import Layout
from pgen_lerobot.verify import verify
from pgen_samplers.samplers import EveryFrame


def annotated(root, out, *options):
    told = CliRunner().invoke(cli, ["annotate", "--root", str(root), "--output-dir", str(out), *_TEMPLATE, *options])
    assert told.exit_code == 0, told.output
    return told.output


_TEMPLATE = ("--generator", "template", "--skills", "task")


def sound(out):
    return [str(problem) for problem in verify(out, with_lerobot=False).problems]


def first_pictures(source, episodes):
    """The pictures of each episode's first frame, by episode; or the reason why there are none."""
    found = {}
    with source.reader(10**6) as reader:
        for episode in episodes:
            sample = next(iter(samples_of(episode, source, EveryFrame())))
            try:
                found[episode.index] = [(image.width, image.height) for image in reader.images(sample)]
            except SampleError as error:
                found[episode.index] = (error.stage, error.reason)
    return found


def with_features(root, **features):
    edit_json(root / "meta/info.json", lambda info: info["features"].update(features))


def replace_pictures(root, key, cells):
    """Write other cells into a camera's column of every data file: `cells` maps old bytes to a new array."""
    for path in shards(root):
        table = pq.read_table(path)
        old = [cell["bytes"] for cell in table.column(key).to_pylist()]
        pq.write_table(table.set_column(table.column_names.index(key), key, cells(old)).replace_schema_metadata(), path)


def encoded(form, mode="RGB"):
    def cell(data):
        buffer = io.BytesIO()
        Image.open(io.BytesIO(data)).convert("L" if mode != "RGB" else mode).convert(mode).save(buffer, form)
        return buffer.getvalue()

    return cell


def test_without_frame_index_the_order_of_the_rows_counts(tmp_path):
    root = dataset(tmp_path / "data", without=("frame_index",))
    assert [len(episode.timestamps) for episode in opened(root)[1]] == list(LENGTHS)
    annotated(root, tmp_path / "out")
    assert sound(tmp_path / "out") == []


def test_without_index_or_task_index_the_metadata_tell_the_task(tmp_path):
    root = dataset(tmp_path / "data", without=("index", "task_index"), tasks=TASKS)
    assert [episode.task for episode in opened(root)[1]] == [TASKS[n % 2] for n in range(4)]
    annotated(root, tmp_path / "out", "--episodes", "0-1")
    assert sound(tmp_path / "out") == []
    labels = [row for path in shards(tmp_path / "out") for row in pq.read_table(path).to_pylist()]
    own = {row["episode_index"]: row["task_index_high_level"] for row in labels if row["episode_index"] > 1}
    assert own == {2: 0, 3: 1}


def test_without_task_index_an_episode_of_two_tasks_is_refused(tmp_path):
    root = dataset(tmp_path / "data", without=("task_index",))
    path = episodes_file(root)
    change(path, lambda table: set_cell(table, "tasks", 0, list(TASKS)))
    with pytest.raises(InputError, match=r"has no column task_index, and meta/episodes does not say which"):
        opened(root)


@pytest.mark.parametrize("codec", ["h264", "png"])
def test_a_clock_that_begins_late_and_drifts_moves_no_picture(tmp_path, codec):
    def draw(camera, frame):
        return Image.new("RGB", (32, 32), (frame * 9, 0, 0))

    times = [0.05 + frame * 0.16 + (frame % 3) * 0.02 for frame in range(20)]
    plain, late = (
        write_dataset(
            tmp_path / name,
            [Recording(length=20, draw=draw, task="wipe", timestamps=told)],
            Layout(fps=10, cameras=("top",), codec=codec),
        )
        for name, told in (("plain", None), ("late", times))
    )
    source, (episode,) = opened(late)
    assert list(episode.timestamps) == pytest.approx(times)
    assert mean_colours(source, [episode]) == mean_colours(*opened(plain))


@pytest.mark.parametrize("listed", ["variable", "doubles"])
def test_lists_of_any_length_and_doubles_are_carried_over_as_they_are(tmp_path, listed):
    root = dataset(tmp_path / "data")
    kind = pa.list_(pa.float64() if listed == "doubles" else pa.float32())
    for path in shards(root):
        table = pq.read_table(path)
        fields = [f.with_type(kind) if f.name in ("action", "observation.state") else f for f in table.schema]
        pq.write_table(table.cast(pa.schema(fields)), path)
    annotated(root, tmp_path / "out")
    assert sound(tmp_path / "out") == []
    assert pq.read_schema(shards(tmp_path / "out")[0]).field("action").type == kind


def test_episodes_without_a_column_of_tasks_are_read(tmp_path):
    root = dataset(tmp_path / "data")
    change(episodes_file(root), lambda table: table.drop_columns(["tasks"]))
    assert [episode.task for episode in opened(root)[1]] == [TASKS[n % 2] for n in range(4)]


@pytest.mark.parametrize("version", ["v2.1", "v3.0"])
def test_a_camera_that_is_declared_without_files_is_left_out_with_a_note(tmp_path, version):
    root = dataset(tmp_path / "data", codec="h264", **ONE_A_FILE)
    root = as_v21(root) if version == "v2.1" else root
    info = json.loads((root / "meta/info.json").read_text())
    with_features(root, ghost=info["features"][TOP])
    source, episodes = opened(root)
    assert episodes[0].cameras == (TOP, WRIST)
    assert source.notes()["camera ghost is declared, but has no files: left out"] == 1
    with pytest.raises(InputError, match=r"--camera ghost: .*there is no picture of camera ghost"):
        opened(root, cameras=("ghost",))
    annotated(root, tmp_path / "out")
    assert sound(tmp_path / "out") == []


def test_where_no_declared_camera_has_files_the_dataset_is_refused(tmp_path):
    root = as_v21(dataset(tmp_path / "data", codec="h264", **ONE_A_FILE))
    shutil.rmtree(root / "videos")
    with pytest.raises(InputError, match=r"episode_000000.mp4 is missing: there is no picture of camera .*top"):
        opened(root)


def test_an_image_camera_without_a_column_is_left_out(tmp_path):
    root = dataset(tmp_path / "data")
    with_features(root, ghost={"dtype": "image", "shape": [8, 8, 3], "names": None})
    source, episodes = opened(root)
    assert (episodes[0].cameras, list(source.notes())) == (
        (TOP, WRIST),
        ["camera ghost is declared, but has no files: left out"],
    )


@pytest.mark.parametrize("version", ["v2.1", "v3.0"])
def test_samples_without_their_video_fail_at_decode_and_the_others_go_on(tmp_path, version):
    root = dataset(tmp_path / "data", codec="h264", **ONE_A_FILE)
    root = as_v21(root) if version == "v2.1" else root
    sorted(root.rglob(f"*{WRIST}*/**/*.mp4" if version == "v3.0" else f"{WRIST}/*.mp4"))[2].unlink()
    source, episodes = opened(root)
    found = first_pictures(source, episodes)
    assert {index for index, told in found.items() if told[0] == "decode"} == {2}
    assert source.notes() == {f"episodes without a video of camera {WRIST}: a sample there fails": 1}
    annotated(root, tmp_path / "out", "--max-failures", "0.5")
    lines = [json.loads(line) for line in (tmp_path / "out/meta/syn_annotations.jsonl").read_text().splitlines()]
    assert {(line["episode_index"], line["stage"]) for line in lines if line["status"] == "failed"} == {(2, "decode")}
    assert sound(tmp_path / "out") == []


def test_pictures_as_jpeg_and_as_plain_bytes_are_read(tmp_path):
    root = dataset(tmp_path / "data")
    before = mean_colours(*opened(root))
    jpeg, png = encoded("JPEG"), encoded("PNG")
    replace_pictures(root, TOP, lambda old: pa.array([jpeg(data) for data in old], pa.binary()))
    replace_pictures(root, WRIST, lambda old: pa.array([{"path": None, "bytes": png(data)} for data in old]))
    for shown, drawn in zip(mean_colours(*opened(root)), before, strict=True):
        assert shown == pytest.approx(drawn, abs=4)


def test_16_bit_pictures_and_depth_are_left_out_with_a_note(tmp_path):
    root = dataset(tmp_path / "data")
    deep = encoded("PNG", "I;16")
    replace_pictures(root, WRIST, lambda old: pa.array([{"bytes": deep(data), "path": "x"} for data in old]))
    source, episodes = opened(root)
    note = "camera {} holds depth or other 16-bit pictures: left out"
    assert (episodes[0].cameras, list(source.notes())) == ((TOP,), [note.format(WRIST)])
    with pytest.raises(InputError, match="which no model is shown"):
        opened(root, cameras=(WRIST,))
    edit_json(root / "meta/info.json", lambda info: info["features"][TOP].update(info={"is_depth_map": True}))
    with pytest.raises(InputError, match=f"camera {TOP} holds depth"):
        opened(root)


@pytest.mark.parametrize(
    "told", [{"info": {"video.pix_fmt": "gray16le"}}, {"video_info": {"video.is_depth_map": True}}]
)
def test_depth_videos_are_known_by_what_info_says_of_them(tmp_path, told):
    root = dataset(tmp_path / "data", codec="h264")
    edit_json(root / "meta/info.json", lambda info: info["features"][WRIST].update({"info": None} | told))
    assert opened(root)[1][0].cameras == (TOP,)


def test_names_may_be_anything_and_a_folder_may_have_a_space(tmp_path):
    cameras = ("top", "image_left", "front view")
    root = dataset(tmp_path / "my data", codec="h264", cameras=cameras)
    source, episodes = opened(root)
    assert episodes[0].cameras == cameras
    assert first_pictures(source, episodes)[0] == [(32, 32)] * 3
    annotated(root, tmp_path / "my out")
    assert sound(tmp_path / "my out") == []


@pytest.mark.parametrize("rate", [30, 10.1, 29.97])
def test_a_video_at_another_rate_than_the_datasets_is_read_by_frame(tmp_path, rate):
    def draw(camera, frame):
        return Image.new("RGB", (32, 32), (20 + frame * 53 % 210, 0, 0))

    recordings = [Recording(length=80, draw=draw, task="wipe", timestamps=[frame / 10 for frame in range(80)])]
    root = write_dataset(tmp_path / "data", recordings, Layout(fps=rate, cameras=("top",)))
    edit_json(root / "meta/info.json", lambda info: info.update(fps=10))
    for frame, shown in enumerate(mean_colours(*opened(root))):
        assert shown[0] == pytest.approx(20 + frame * 53 % 210, abs=12)


def test_a_video_on_a_wall_clock_is_read_by_frame(tmp_path):
    def draw(episode):
        return lambda camera, frame: Image.new("RGB", (32, 32), (20 + (frame * 53 + episode * 90) % 210, 0, 0))

    recordings = [Recording(length=40, draw=draw(episode), task="wipe") for episode in range(2)]
    root = write_dataset(tmp_path / "data", recordings, Layout(fps=10, cameras=("top",), gop=7))
    before = mean_colours(*opened(root))
    starts = retimed(root / "videos/top/chunk-000/file-000.mp4", lambda n: n * 100 + 20 * (n % 5) + 900 * (n // 30))
    path = episodes_file(root)
    name = "videos/top/from_timestamp"
    change(path, lambda t: t.set_column(t.column_names.index(name), name, pa.array([0.0, starts[40] + 0.004])))
    assert mean_colours(*opened(root)) == before


def retimed(path, milliseconds):
    """Write a video again with other times for its frames; gives them in seconds."""
    moved = path.with_name("moved.mp4")
    with av.open(str(path)) as source, av.open(str(moved), "w", options={"video_track_timescale": "1000"}) as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        packets = [packet for packet in source.demux(video=0) if packet.pts is not None]
        times = [milliseconds(number) for number in range(len(packets))]
        for packet, time in zip(packets, times, strict=True):
            packet.stream, packet.time_base, packet.pts, packet.dts = stream, Fraction(1, 1000), time, time
            target.mux(packet)
    moved.replace(path)
    return [time / 1000 for time in times]


def test_two_schemas_in_one_tree_are_annotated_and_verify_names_the_difference(tmp_path):
    root = as_v21(dataset(tmp_path / "data", **ONE_A_FILE))
    change(root / "data/chunk-000/episode_000002.parquet", lambda table: table.drop_columns(["action"]))
    annotated(root, tmp_path / "out")
    told = "data/chunk-000/episode_000002.parquet, column action: the column is missing; info.json declares it"
    assert sound(tmp_path / "out") == [told]


def test_more_episodes_promised_than_there_are_is_noted_and_set_right_in_the_output(tmp_path):
    root = as_v21(dataset(tmp_path / "data", **ONE_A_FILE))
    edit_json(root / "meta/info.json", lambda info: info.update(total_episodes=100))
    assert "total_episodes of info.json is 100, there are 4" in annotated(root, tmp_path / "out")
    assert json.loads((tmp_path / "out/meta/info.json").read_text())["total_episodes"] == 4
    assert sound(tmp_path / "out") == []
