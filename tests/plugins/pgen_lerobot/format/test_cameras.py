"""The cameras of rendered datasets that deviate from the format."""

import io
import json
import shutil

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from layout_helpers import TOP, WRIST, annotated, edit_json, mean_colours, opened, problems_of
from old_layout import ONE_A_FILE, as_v21
from PIL import Image
from sink_helpers import dataset, shards

from pgen.errors import InputError, SampleError
from pgen.run.planning import samples_of
from pgen_samplers.samplers import EveryFrame


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
    assert problems_of(tmp_path / "out") == []


def test_where_no_declared_camera_has_files_the_dataset_is_refused(tmp_path):
    root = as_v21(dataset(tmp_path / "data", codec="h264", **ONE_A_FILE))
    shutil.rmtree(root / "videos")
    with pytest.raises(InputError, match=r"episode_000000.mp4 is missing: .* of camera .*top.*-views-per-sample 0"):
        opened(root)


def test_an_image_camera_without_a_column_is_left_out(root):
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
    assert problems_of(tmp_path / "out") == []


def test_pictures_as_jpeg_and_as_plain_bytes_are_read(root):
    before = mean_colours(*opened(root))
    jpeg, png = encoded("JPEG"), encoded("PNG")
    replace_pictures(root, TOP, lambda old: pa.array([jpeg(data) for data in old], pa.binary()))
    replace_pictures(root, WRIST, lambda old: pa.array([{"path": None, "bytes": png(data)} for data in old]))
    for shown, drawn in zip(mean_colours(*opened(root)), before, strict=True):
        assert shown == pytest.approx(drawn, abs=4)


def test_16_bit_pictures_and_depth_are_left_out_with_a_note(root):
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
    assert problems_of(tmp_path / "my out") == []


def test_the_size_of_images_is_known_where_the_metadata_state_it(tmp_path):
    root = dataset(tmp_path / "data")
    source, episodes = opened(root)
    (pictures,) = {tuple(sizes) for sizes in first_pictures(source, episodes).values()}
    assert tuple(source.image_sizes().values()) == pictures
    assert tuple(source.image_sizes()) == (TOP, WRIST)

    def declare(info):
        info["features"][TOP] |= {"shape": [3, 48, 64], "names": ["channels", "height", "width"]}
        info["features"][WRIST]["names"] = None

    edit_json(root / "meta/info.json", declare)
    assert opened(root)[0].image_sizes() == {TOP: (64, 48)}
