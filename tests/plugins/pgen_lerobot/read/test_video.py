"""Videos whose rate or clock is not that of the dataset: an image is that of its frame number."""

from fractions import Fraction

import av
import numpy as np
import pyarrow as pa
import pytest
from layout_helpers import edit_json, episodes_file, mean_colours, opened
from PIL import Image
from sink_helpers import change

from pgen_demo.dataset import Recording, write_dataset
from pgen_demo.layout import Layout
from pgen_lerobot.read.video import VideoFile, pixels


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


@pytest.mark.parametrize("encoder", ["libx265", "libx264"])
@pytest.mark.parametrize("order", [range(90), range(89, -1, -1), [29], [60, 29, 30, 28, 59], [89, 59, 0]])
def test_frames_before_the_keyframe_of_an_open_group_are_read(tmp_path, encoder, order):
    options = {"libx265": {"x265-params": "log-level=none:open-gop=1"}, "libx264": {"flags": "-cgop", "bf": "3"}}
    encode(tmp_path / "video.mp4", encoder, {"g": "30", **options[encoder]}, 90)
    with VideoFile(tmp_path / "video.mp4") as video:
        assert [grey(video.frame(0.0, number)) for number in order] == [pytest.approx(2 * n, abs=4) for n in order]


def encode(path, encoder, options, frames):
    """Write a video of grey frames at 10 fps, each two steps brighter than the last."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(encoder, rate=10, options=options)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        for number in range(frames):
            frame = av.VideoFrame.from_ndarray(np.full((64, 64, 3), 2 * number, np.uint8), "rgb24")
            frame.pts = number
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def grey(frame):
    return float(pixels(frame, 64, 64).mean())
