"""What tests of pages need."""

import os
import shutil
import sys
from pathlib import Path

import pytest
from forked import run_pgen
from shared_folder import made_once

TOP = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def faulty(tmp_path_factory) -> Path:
    """A run with planted faults of every kind, in two episodes."""

    def make(folder: Path) -> None:
        done = run_pgen([sys.executable, TOP / "tools/faulty_run.py", folder, "--samples", "120"])
        assert done.returncode == 0, done.stderr

    made = made_once(tmp_path_factory, "faulty-run", make)
    return Path(shutil.copytree(made / "out", tmp_path_factory.mktemp("faulty") / "out"))


@pytest.fixture(scope="session")
def browser():
    """One browser for all; without one, tests are skipped, or fail where PGEN_REQUIRE_BROWSER is set."""
    module = pytest.importorskip("browser", reason="selenium is not installed", exc_type=ImportError)
    if missing := module.missing():
        message = f"no {' and no '.join(missing)}: on Debian, apt-get install chromium chromium-driver"
        pytest.fail(message) if os.environ.get("PGEN_REQUIRE_BROWSER") else pytest.skip(message)
    with module.browser() as window:
        yield window
