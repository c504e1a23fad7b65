"""The dataset of the tests of `vlm`."""

import pytest
from segment_helpers import dataset, episode


@pytest.fixture
def root(tmp_path):
    return dataset(tmp_path / "in", episode(task="a"), episode(task="b"))
