"""Packages that some tests need and that a plain environment lacks."""

import os
from importlib.util import find_spec

import pytest


def need(*packages: str) -> None:
    """Skips the test where a package is missing; in CI, which installs all of them, fails it."""
    missing = [name for name in packages if find_spec(name) is None]
    if not missing:
        return
    reason = f"not installed: {', '.join(missing)}; `make test` installs every extra"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)
