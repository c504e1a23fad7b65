"""The environments of real servers, and variables that keep them quiet and offline."""

import os

import pytest

QUIET = {
    **{"HF_HUB_OFFLINE": "1", "VLLM_NO_USAGE_STATS": "1", "DO_NOT_TRACK": "1", "VLLM_CPU_KVCACHE_SPACE": "1"},
    **{"OMP_NUM_THREADS": "2", "TOKENIZERS_PARALLELISM": "false"},
}
"""No downloads and no reports, and little memory and few cores."""


def missing(reason: str) -> None:
    if os.environ.get("PGEN_REQUIRE_SERVERS") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


def python_of(variable: str) -> str:
    python = os.environ.get(variable, "")
    if not os.access(python, os.X_OK):
        missing(f"no real server: {variable} is {python!r}, which is no Python; see tools/server-envs.sh")
    return python
