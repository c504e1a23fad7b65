"""The built wheel, and an environment of its own with it: both once a session.

`PGEN_WHEEL` names a wheel that is there already (`make wheel-test`); otherwise one is built from the checkout.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

TOP = Path(__file__).parents[2]
type Run = Callable[..., str]


def _run(*command: str | Path, expect: int = 0) -> str:
    """Run a command and give what it prints, both streams. Fails the test on another exit code."""
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True
    )
    assert done.returncode == expect, f"{' '.join(map(str, command))} ended with {done.returncode}:\n{done.stdout}"
    return done.stdout


@pytest.fixture(scope="session")
def top() -> Path:
    """Where the checkout's files are, or those copied for the suite against a wheel."""
    return TOP


@pytest.fixture(scope="session")
def run() -> Run:
    return _run


@pytest.fixture(scope="session")
def uv() -> str:
    found = shutil.which("uv")
    if found is None:
        sentence = "uv is not on PATH; `make test` provides it."
        pytest.fail(sentence) if os.environ.get("CI") == "true" else pytest.skip(sentence)
    return found


@pytest.fixture(scope="session")
def wheel(uv: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    if "PGEN_WHEEL" in os.environ:
        return Path(os.environ["PGEN_WHEEL"])
    folder = tmp_path_factory.mktemp("wheel")
    # Without --quiet, which hides why a build fails.
    options = ("--build-constraints", TOP / "constraints.txt", "--python", sys.executable, "--out-dir", folder)
    _run(uv, "build", "--wheel", *options, TOP)
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="session")
def installed(uv: str, wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A command of an environment that holds the wheel and the example plugin, nothing of the checkout."""
    folder = tmp_path_factory.mktemp("environment")
    plugin = shutil.copytree(TOP / "examples/pgen-example-plugin", folder / "plugin")
    constraints = ("--constraints", TOP / "constraints.txt", "--build-constraints", TOP / "constraints.txt")
    python = folder / "env/bin/python"
    _run(uv, "venv", "--quiet", "--python", sys.executable, folder / "env")
    _run(uv, "pip", "install", "--quiet", "--python", python, *constraints, wheel, plugin)
    return lambda command, *arguments, **options: _run(folder / "env/bin" / command, *arguments, **options)
