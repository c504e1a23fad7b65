"""Pictures are found by frame index: each drawn frame carries its own number in its colour."""

import io
import random

import av
import pytest
from PIL import Image, ImageStat

from pgen.errors import InputError, SampleError
from pgen.run.planning import samples_of
from pgen_demo.dataset import Recording, write_dataset
from pgen_demo.layout import Layout
from pgen_lerobot.read import LeRobotSource
from pgen_lerobot.read.video import VideoFile, pixels
from pgen_samplers.samplers import EveryFrame

CAMERAS = ("observation.images.top", "wrist")
LENGTHS = (40, 1, 25)


def draw(episode):
    def picture(camera, frame):
        shade = 20 + (frame * 53 + episode * 11) % 210
        return Image.new("RGB", (64, 48), (shade, 128, 40 if camera == "wrist" else 200))

    return picture


def number(image):
    """What the picture's colour says: the shade, and whether the camera was the one on the wrist."""
    red, _, blue = ImageStat.Stat(Image.open(io.BytesIO(image.jpeg))).mean
    return red, blue < 120


def written(root, timestamps=None, **layout):
    recordings = [
        Recording(length=length, draw=draw(episode), task="wave", timestamps=timestamps and timestamps(length))
        for episode, length in enumerate(LENGTHS)
    ]
    return write_dataset(root, recordings, Layout(**{"fps": 10, "cameras": CAMERAS, **layout}))


def opened(root, **options):
    source = LeRobotSource(root=root, skills="task", **options)
    source.open()
    return source, [sample for episode in source.episodes() for sample in samples_of(episode, source, EveryFrame())]


@pytest.mark.parametrize(
    "layout",
    [
        {"codec": "h264", "gop": 2},
        {"codec": "h264", "gop": 250},
        {"codec": "av1", "gop": 2},
        {"codec": "mpeg4", "gop": 12},
        {"codec": "h264", "gop": 12, "episodes_per_video_file": 2, "episodes_per_data_file": 1},
        {"codec": "h264", "fps": 30},
        {"codec": "png"},
        {"codec": "png", "episodes_per_data_file": 2},
    ],
    ids=str,
)
def test_each_sample_gets_the_picture_of_its_own_frame_in_order_and_at_random(tmp_path, layout):
    source, samples = opened(written(tmp_path / "data", **layout))
    assert len(samples) == sum(LENGTHS)
    shuffled = random.Random(1).sample(samples, len(samples))
    with source.reader(10**6) as reader:
        for sample in samples + shuffled:
            top, wrist = reader.images(sample)
            shade = 20 + (sample.moment.frame_index * 53 + sample.span.episode_index * 11) % 210
            for image, on_wrist in ((top, False), (wrist, True)):
                seen, is_wrist = number(image)
                assert abs(seen - shade) < 12
                assert is_wrist is on_wrist


@pytest.fixture
def decoded(monkeypatch):
    """The frames that are decoded, counted as they are."""
    frames = []
    learn = VideoFile._learn

    def counting(self, frame):
        frames.append(frame.pts)
        learn(self, frame)

    monkeypatch.setattr(VideoFile, "_learn", counting)
    return frames


@pytest.mark.parametrize(("gop", "frames"), [(10, range(0, 40, 2)), (250, range(8, 40, 8))])
def test_frames_in_order_are_decoded_once_also_far_apart_between_two_keyframes(tmp_path, decoded, gop, frames):
    root = written(tmp_path / "data", codec="h264", gop=gop)
    with VideoFile(root / "videos/wrist/chunk-000/file-000.mp4") as video:
        for frame in frames:
            video.at(frame / 10, 10.0)
    assert len(decoded) <= 40


def test_only_the_frames_that_were_sampled_are_decoded(tmp_path, decoded):
    source, samples = opened(written(tmp_path / "data", codec="h264", gop=2))
    with source.reader(10**6) as reader:
        reader.images(samples[33])
    assert len(decoded) <= 2 * 2


@pytest.mark.parametrize("codec", ["av1", "h264"])
def test_frames_are_exactly_those_of_one_plain_pass_in_order_and_at_random(tmp_path, codec):
    path = written(tmp_path / "data", codec=codec, gop=3) / "videos/wrist/chunk-000/file-000.mp4"
    with av.open(str(path)) as container:
        plain = [frame.to_image().tobytes() for frame in container.decode(video=0)]
    numbers = [*range(0, len(plain), 2), *random.Random(1).sample(range(len(plain)), len(plain))]
    with VideoFile(path) as video:
        for number in numbers:
            frame = video.at(number / 10, 10.0)
            assert pixels(frame, frame.width, frame.height).tobytes() == plain[number]


@pytest.mark.parametrize("size", [(64, 48), (61, 47), (31, 24)])
def test_a_picture_is_the_one_that_pyav_makes(size):
    noise = Image.effect_noise((64, 48), 90)
    frame = av.VideoFrame.from_image(Image.merge("RGB", (noise, noise.rotate(90), noise.rotate(180))))
    frame = frame.reformat(format="yuv420p")
    width, height = size
    assert pixels(frame, *size).tobytes() == frame.to_image(width=width, height=height).tobytes()


def test_pictures_are_scaled_down_and_never_up(tmp_path):
    source, samples = opened(written(tmp_path / "data"))
    for limit, size in ((10**6, (64, 48)), (64 * 48 // 4, (32, 24))):
        with source.reader(limit) as reader:
            image = reader.images(samples[0])[0]
            assert (image.width, image.height) == Image.open(io.BytesIO(image.jpeg)).size == size


def test_cameras_are_chosen_by_key_and_by_number(tmp_path):
    root = written(tmp_path / "data")
    assert opened(root, cameras=("wrist",))[1][0].moment.cameras == ("wrist",)
    assert opened(root, views=1)[1][0].moment.cameras == ("observation.images.top",)


@pytest.mark.parametrize(
    ("broken", "message"), [(False, r"has no frame at 3\.000 s"), (True, "does not open as a video")]
)
def test_a_frame_beyond_the_video_or_a_video_that_is_none_fails_its_samples_with_the_file_named(
    tmp_path, broken, message
):
    root = written(tmp_path / "data", codec="h264", episodes_per_video_file=1)
    video = root / "videos/wrist/chunk-000/file-000.mp4"
    other = (root / "videos/wrist/chunk-000/file-002.mp4").read_bytes()
    video.write_bytes(b"no video" if broken else other)
    source, samples = opened(root)
    with source.reader(10**6) as reader:
        assert broken or reader.images(samples[10])
        with pytest.raises(SampleError, match=f"file-000.mp4 {message}"):
            reader.images(samples[30])


def test_a_video_missing_for_every_chosen_episode_is_found_before_anything_is_asked(tmp_path):
    root = written(tmp_path / "data", codec="h264", episodes_per_video_file=1)
    (root / "videos/wrist/chunk-000/file-002.mp4").unlink()
    with pytest.raises(InputError, match=r"file-002.mp4 is missing: there is no picture of camera wrist"):
        opened(root, episodes="2")
    assert opened(root, episodes="0-1")
    assert opened(root, episodes="2", cameras=("observation.images.top",))


def test_the_real_arms_pictures_follow_its_video_and_not_its_wall_clock(shared_datasets):
    root = shared_datasets / "cr5_realarm_v30conv_8ep"
    source, samples = opened(root, episodes="2")
    with av.open(str(root / source.dataset.entry(2).clips["observation.images.top"].path)) as container:
        start = round(source.dataset.entry(2).clips["observation.images.top"].start * 10)
        frames = [frame.to_image() for n, frame in enumerate(container.decode(video=0)) if start <= n < start + 275]
    with source.reader(10**7) as reader:
        for sample in samples[::40]:
            shown = Image.open(io.BytesIO(reader.images(sample)[0].jpeg))
            distances = [_distance(shown, frame) for frame in frames[::5]]
            assert distances.index(min(distances)) * 5 == sample.moment.frame_index


def _distance(one, two):
    small = [image.resize((80, 60)).convert("L").tobytes() for image in (one, two)]
    return sum(abs(a - b) for a, b in zip(*small, strict=True))
