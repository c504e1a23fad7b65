"""Packages and versions of lerobot that some tests need and that a plain environment lacks."""

import os
from importlib.util import find_spec
from pathlib import Path
from typing import NoReturn

import pytest


def need(*packages: str) -> None:
    """Skip the test where a package is missing; in CI, which installs all of them, fail it."""
    missing = [name for name in packages if find_spec(name) is None]
    if not missing:
        return
    skip_outside_ci(f"not installed: {', '.join(missing)}; `make test` installs every extra")


def lerobot_python(version: str, variable: str) -> str:
    """Return the Python with that version of lerobot, which an environment variable names."""
    python = os.environ.get(variable, "")
    if not Path(python).is_file():
        skip_outside_ci(f"no lerobot {version}: {variable} is {python!r}, which is no Python; `make test` makes one")
    return python


def skip_outside_ci(reason: str) -> NoReturn:
    """Skip the test; in CI, which installs everything, fail it."""
    pytest.fail(reason) if os.environ.get("CI") == "true" else pytest.skip(reason)
