"""lerobot reads what the sink writes: the column, its text, and all else as in the input."""

import pytest
from form_helpers import lerobot_or_skip, opened
from sink_helpers import annotate, column, dataset, texts

from pgen_lerobot.format import COLUMN

pytestmark = pytest.mark.filterwarnings("ignore")  # lerobot's and torch's own


@pytest.fixture(autouse=True)
def _caches(tmp_path, monkeypatch):
    lerobot_or_skip(tmp_path, monkeypatch)


@pytest.mark.parametrize(
    "layout",
    [
        {"codec": "h264", "episodes_per_video_file": 2, "episodes_per_data_file": 3},
        {"codec": "png", "task_index": ""},
        {"codec": "png", "task_index": None},
    ],
    ids=["videos in several files", "pictures, unnamed index", "pictures, plain columns"],
)
def test_lerobot_opens_the_output_and_finds_each_frames_dialogue(tmp_path, layout):
    import torch
    from torch.utils.data import DataLoader

    root = dataset(tmp_path / "in", **layout)
    out = annotate(root, tmp_path / "out")
    before, after = opened(root), opened(out)
    labels, tasks = column(out), texts(out)
    assert len(after) == len(before) == len(labels)
    for row in (0, 4, 13, 25, len(labels) - 1):
        old, new = before[row], after[row]
        label = new.pop(COLUMN)
        assert (label.dtype, label.shape, int(label)) == (torch.int64, torch.Size([]), labels[row])
        assert after.meta.tasks.iloc[int(label)].name == tasks[labels[row]]
        assert set(new) == set(old)
        for name, value in old.items():
            same = torch.equal(new[name], value) if isinstance(value, torch.Tensor) else new[name] == value
            assert same or (name == "task" and layout.get("task_index", "") is None)
    batch = next(iter(DataLoader(after, batch_size=8)))
    assert batch[COLUMN].tolist() == labels[:8]
    assert (batch[COLUMN].dtype, batch[COLUMN].shape) == (torch.int64, torch.Size([8]))


def test_the_stats_agree_with_those_lerobot_would_compute(tmp_path):
    import numpy as np
    from lerobot.datasets.compute_stats import get_feature_stats

    root = dataset(tmp_path / "in")
    out = annotate(root, tmp_path / "out")
    values = np.array(column(out), dtype=np.int64)
    theirs = get_feature_stats(values, axis=0, keepdims=True)
    ours = opened(out).meta.stats[COLUMN]
    assert set(ours) == set(theirs)
    for name in ("min", "max", "mean", "std", "count"):
        assert ours[name].item() == pytest.approx(theirs[name].item())
    for name in set(theirs) - {"min", "max", "mean", "std", "count"}:
        assert ours[name].item() == pytest.approx(theirs[name].item(), abs=1.0), name
