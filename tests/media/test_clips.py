from array import array
from contextlib import nullcontext
from dataclasses import replace
from io import BytesIO

import PIL.Image
import pytest
from altered import altered
from hypothesis import given
from hypothesis import strategies as st

from pgen.components import ImageReader
from pgen.errors import PluginError, SampleError
from pgen.formats.syn_annotations import from_line, to_line
from pgen.media.clips import grid, read_clips, sheet, with_clip
from pgen.media.images import encode
from pgen.records import Prompt
from pgen.run.planning import samples_of
from pgen.seeds import sample_key
from pgen.testing import FakeSource, make_annotation, make_episode, make_samples
from pgen_samplers.samplers import EveryFrame, Interval, Segments, Uniform

COLOURS = [(250, 0, 0), (0, 250, 0), (0, 0, 250), (250, 250, 0), (0, 250, 250)]


class Numbered(ImageReader):
    """Each frame's picture is of a colour of its own; frame 4 does not decode."""

    def images(self, sample):
        if sample.moment.frame_index == 4:
            raise SampleError("decode", "frame 4 is broken")
        picture = PIL.Image.new("RGB", (80, 60), COLOURS[sample.moment.frame_index % len(COLOURS)])
        return tuple(encode(picture, camera, 10**6) for camera in sample.moment.cameras)


class NumberedSource(FakeSource):
    def reader(self, max_pixels):
        return nullcontext(Numbered())


def clipped(frame, *, clip=0.3, clip_frames=4, **episode):
    """The sample of that frame."""
    made = make_episode(**episode)
    samples = samples_of(made, FakeSource(made), EveryFrame(clip=clip, clip_frames=clip_frames))
    return next(sample for sample in samples if sample.moment.frame_index == frame)


@pytest.mark.parametrize("sampler", [Segments, Interval, Uniform, EveryFrame])
def test_every_sampler_takes_the_length_of_a_clip_and_shows_stills_without_one(sampler):
    assert all(not sample.moment.clip for sample in make_samples(sampler=sampler()))
    clips = [sample.moment.clip for sample in make_samples(sampler=sampler(clip=1.0, clip_frames=3))]
    assert any(len(clip) == 3 for clip in clips)
    assert (sampler().images_per_camera, sampler(clip=1.0, clip_frames=3).images_per_camera) == (1, 3)


def test_a_clip_is_spread_over_its_seconds_and_ends_at_its_sample():
    assert [moment.frame_index for moment in clipped(20, clip=1.2).moment.clip] == [8, 12, 16, 20]


def test_a_clip_at_the_beginning_has_only_the_frames_that_there_are():
    assert [moment.frame_index for moment in clipped(2, clip=1.2).moment.clip] == [0, 2]
    assert clipped(0, clip=1.2).moment.clip == ()


@given(
    steps=st.lists(st.floats(0.001, 2), min_size=1, max_size=60),
    clip=st.floats(0.01, 10),
    count=st.integers(2, 12),
    data=st.data(),
)
def test_a_clip_never_shows_what_follows_nor_more_than_its_seconds(steps, clip, count, data):
    times = array("d", [0.0])
    for step in steps:
        times.append(times[-1] + step)
    episode = replace(make_episode(("a", 0.0, 1000.0), length=len(times)), timestamps=times)
    frame = data.draw(st.integers(0, len(times) - 1))
    shown = EveryFrame(clip=clip, clip_frames=count).clip(episode, frame)
    assert shown[-1] == frame
    assert shown == sorted(set(shown))
    assert len(shown) <= count
    assert times[shown[0]] >= times[frame] - clip - 0.11 / episode.fps


def test_a_sampler_whose_clip_shows_what_follows_is_named():
    class Ahead(EveryFrame):
        name = "ahead"

        def clip(self, episode, frame):
            return [frame, frame + 1]

    with pytest.raises(PluginError, match="sampler ahead: the clip of frame 0 does not ascend to it"):
        make_samples(sampler=Ahead())


def test_the_clip_belongs_to_what_an_answer_is_kept_by():
    assert sample_key(clipped(20)) != sample_key(clipped(20, clip=0.6))


def test_a_line_keeps_the_moments_of_a_clip():
    annotation = make_annotation(clipped(20))
    line = to_line(annotation, "fake")
    assert line["clip"] == [[17, 1.7], [18, 1.8], [19, 1.9], [20, 2.0]]
    assert from_line(line).sample == annotation.sample


def test_clips_hold_each_cameras_frames_with_their_time_before_now():
    sample = altered(clipped(8), cameras=("left", "right"))
    left, right = read_clips(Numbered(), sample)
    assert (left.camera, right.camera) == ("left", "right")
    assert left.times == pytest.approx((-0.3, -0.2, -0.1, 0.0))
    assert [colour(frame) for frame in left.frames] == [0, 1, 2, 3]


def test_a_frame_that_does_not_decode_fails_its_sample():
    with pytest.raises(SampleError, match="frame 4 is broken"):
        read_clips(Numbered(), clipped(5))


def test_a_sheet_shows_the_frames_in_reading_order_each_with_its_time():
    (clip,) = read_clips(Numbered(), clipped(8))
    image = sheet(clip, 10**6)
    assert (image.camera, image.width, image.height) == ("front", 160, 120)
    picture = PIL.Image.open(BytesIO(image.jpeg))
    centres = [picture.getpixel((x, y)) for y in (45, 105) for x in (60, 140)]
    assert [nearest(centre) for centre in centres] == [0, 1, 2, 3]
    corner = picture.crop((80, 60, 110, 75)).convert("L")
    darkest, lightest = corner.getextrema()
    assert darkest < 60, "no label was burned in"
    assert lightest > 200, "the label has no text"


def test_a_sheet_is_no_larger_than_asked_for():
    (clip,) = read_clips(Numbered(), clipped(8))
    image = sheet(clip, 4000)
    assert image.width * image.height <= 4000


@given(count=st.integers(1, 40), width=st.integers(8, 60), height=st.integers(8, 60))
def test_a_grid_has_room_for_every_frame_and_is_no_ribbon(count, width, height):
    frame = encode(PIL.Image.new("RGB", (width, height)), "front", 10**6)
    image = grid("front", [frame] * count, [""] * count, 10**8)
    columns, rows = image.width // width, image.height // height
    assert columns * rows >= count > columns * (rows - 1)
    assert count < 4 or 1 / 6 < image.width / image.height < 6


def test_the_prompt_says_what_a_clip_is_and_stays_as_it_is_without_one():
    prompt = Prompt("What may be said?", {})
    assert with_clip(prompt, clipped(0)) is prompt
    told = with_clip(prompt, clipped(20)).text
    assert "its last 0.3 seconds, in 4 frames" in told
    assert told.endswith("What may be said?")


def colour(frame):
    return nearest(PIL.Image.open(BytesIO(frame.jpeg)).getpixel((40, 30)))


def nearest(pixel):
    return min(range(len(COLOURS)), key=lambda n: sum(abs(a - b) for a, b in zip(COLOURS[n], pixel, strict=True)))
