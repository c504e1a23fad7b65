"""The benchmark of segmentation, whose generated robots the tests segment."""

from importlib import util
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def benchmark():
    path = Path(__file__).parents[4] / "benchmarks/segment.py"
    spec = util.spec_from_file_location("segment_benchmark", path)
    module = util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patched:
        patched.syspath_prepend(str(path.parent))
        spec.loader.exec_module(module)
    return module
