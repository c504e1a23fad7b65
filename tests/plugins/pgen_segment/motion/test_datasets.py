"""The segmenter `gripper` on real datasets, and against the true spans of simulated ones."""

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from segment_helpers import opened, read_json, run
from vlm_helpers import answering, vlm_job

from pgen.labels.spans import frame_ranges, normalize
from pgen.testing import FakeGenerator
from pgen_lerobot.read import LeRobotSource
from pgen_lerobot.verify import verify
from pgen_segment.segmentation import segment_all

NAMES = (
    "sim_drawer_sawyer_v30_av1",
    "sim_pickplace_so101_v30",
    "sim_pickplace_so101_v30_images",
    "cr5_realarm_v30conv_8ep",
    "cr5_realarm_v21_8ep",
    "gr1_picknplace_v20",
)


@pytest.mark.parametrize("name", NAMES)
def test_every_episode_has_spans_that_need_no_normalization(shared_datasets, name):
    source, segmenter = opened(shared_datasets / name)
    segmentation = segment_all(source, segmenter)
    assert not segmentation.failed
    for episode in source.episodes():
        skills, changes = segmentation.episodes[episode.index].skills, Counter()
        assert normalize(skills, episode.timestamps, episode.fps, changes) == skills
        assert not changes


def span_at(spans, timestamp):
    """Return the span that contains a time, as scripts read the file; the last one contains the episode's end."""
    containing = (position for position, span in enumerate(spans) if span["start"] <= timestamp < span["end"])
    return next(containing, len(spans) - 1)


@pytest.mark.parametrize("name", NAMES)
def test_the_output_for_any_version_passes_every_check_and_gives_every_reader_the_same_spans(
    shared_datasets, tmp_path, name
):
    out = tmp_path / "out"
    run("--root", shared_datasets / name, "--output-dir", out, "--write-subtasks", "--keep-idle", "--overwrite")
    assert verify(out, with_lerobot=False).problems == []
    spans = read_json(out / "meta/skills.json")["episodes"]
    source = LeRobotSource(root=out, views=0)
    source.open()
    for episode in source.episodes():
        ours = [position for position, frames in enumerate(frame_ranges(episode)) for _ in frames]
        for number in (float, np.float32):
            assert ours == [span_at(spans[str(episode.index)]["skills"], number(time)) for time in episode.timestamps]


def test_each_episode_of_the_real_arm_has_one_grasp_and_one_release(shared_datasets):
    source, segmenter = opened(shared_datasets / "cr5_realarm_v30conv_8ep")
    for episode in segment_all(source, segmenter).episodes.values():
        phases = [skill.name.partition(":")[0] for skill in episode.skills]
        order = [name for name, after in pairwise([*phases, ""]) if name != after]
        assert order == ["approach", "grasp", "move", "release", "retract"]
        assert 1.0 < episode.skills[-1].end / len(episode.skills) < 3.0


def check_better_than_uniform(benchmark, spans, reference):
    def f1(spans):
        return benchmark.score(spans, reference).boundaries[1].f1

    assert f1(spans) > 0.95
    for seconds in benchmark.SECONDS:
        assert f1(spans) > f1(benchmark.uniform(reference, seconds)) + 0.1
    assert f1(spans) > f1(benchmark.uniform(reference, None))


@pytest.mark.parametrize("name", NAMES[:3])
def test_edges_are_nearer_to_the_true_ones_than_those_of_uniform_spans(shared_datasets, benchmark, name):
    root = shared_datasets / name
    check_better_than_uniform(benchmark, benchmark.by_gripper(root), benchmark.truth(root))


def test_the_same_holds_for_arms_that_were_not_used_for_tuning(benchmark, tmp_path):
    roots = [benchmark.arms.write(tmp_path / str(seed), seed) for seed in range(100, 106)]
    reference, spans = benchmark.pooled(roots)
    check_better_than_uniform(benchmark, spans[benchmark.SHORTEST], reference)


def test_the_benchmark_prints_a_table_for_each_dataset(shared_datasets, benchmark, monkeypatch):
    monkeypatch.setenv("PGEN_DATASETS", str(shared_datasets))
    printed = "\n".join(benchmark.lines(tiny=True))
    assert all(name in printed for name in (*NAMES[:3], "1 drawn arms"))
    assert printed.count("uniform, each 1 s") == 4
    monkeypatch.delenv("PGEN_DATASETS")
    first, title, *_ = benchmark.lines(tiny=True)
    assert first.startswith("needs the folder of datasets that PGEN_DATASETS names")
    assert title.startswith("1 drawn arms")


@pytest.mark.parametrize("name", [NAMES[0], NAMES[2], *NAMES[4:]])
def test_a_model_is_shown_every_camera_of_a_real_dataset(shared_datasets, tmp_path, name):
    generator = FakeGenerator(answering([{"name": "work", "start": 0, "end": "99:00"}]))
    with vlm_job(shared_datasets / name, tmp_path / "out", generator, episodes="0-1") as job:
        lines = list(job.execute())
    assert not any(line.startswith("failed") or "cannot be read" in line for line in lines)
    episodes = list(job.source.episodes())
    asked_about = {request.sample.span.episode_index for request in generator.requests}
    assert asked_about == {episode.index for episode in episodes}
    assert {tuple(image.camera for image in r.images) for r in generator.requests} == {episodes[0].cameras}
