"""What the tests of several plugins share."""

import os
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def tiny_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """A tiny checkpoint by its family, made once a session; skips where torch or transformers is missing."""
    missing = [name for name in ("torch", "torchvision", "transformers", "llguidance") if find_spec(name) is None]
    if missing:
        reason = f"tiny Qwen models need {', '.join(missing)}: install the extra `transformers`"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    import tiny_qwen

    folder = tmp_path_factory.mktemp("tiny-qwen")
    return lambda family: tiny_qwen.make(family, folder / family)
