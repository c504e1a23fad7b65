"""Real servers, in environments that `tools/server-envs.sh` makes.

A machine without them skips these tests with a sentence; with PGEN_REQUIRE_SERVERS=1 that is a failure.
"""

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from server_environments import QUIET, python_of

SUPPORT = Path(__file__).parents[1] / "support"


@pytest.fixture(scope="session")
def vllm_python() -> str:
    return python_of("PGEN_VLLM_PYTHON")


@pytest.fixture(scope="session")
def serve_python() -> str:
    return python_of("PGEN_SERVE_PYTHON")


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, str], Path]:
    """Make a tiny checkpoint of a family, in an environment that has transformers."""

    def make(python: str, family: str) -> Path:
        folder = tmp_path_factory.getbasetemp() / "tiny" / family
        program = "import sys, pathlib, tiny_qwen; tiny_qwen.make(sys.argv[1], pathlib.Path(sys.argv[2]))"
        environment = {**os.environ, **QUIET, "PYTHONPATH": str(SUPPORT)}
        subprocess.run([python, "-c", program, family, str(folder)], env=environment, check=True, capture_output=True)
        return folder

    return make


@pytest.fixture(scope="module", autouse=True)
def quiet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Set the environment of the servers, with an empty cache, whose content `transformers serve` lists."""
    cache = tmp_path_factory.getbasetemp() / "hub"
    cache.mkdir(exist_ok=True)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {**QUIET, "HF_HUB_CACHE": str(cache)}.items():
            patch.setenv(name, value)
        patch.delenv("PYTHONPATH", raising=False)
        patch.delenv("OPENAI_API_KEY", raising=False)
        yield
