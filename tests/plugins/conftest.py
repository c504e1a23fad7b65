"""What tests of pages need."""

import os

import pytest


@pytest.fixture(scope="session")
def browser():
    """One browser for all; without one, tests are skipped, or fail where PGEN_REQUIRE_BROWSER is set."""
    module = pytest.importorskip("browser", reason="selenium is not installed", exc_type=ImportError)
    if missing := module.missing():
        message = f"no {' and no '.join(missing)}: on Debian, apt-get install chromium chromium-driver"
        pytest.fail(message) if os.environ.get("PGEN_REQUIRE_BROWSER") else pytest.skip(message)
    with module.browser() as window:
        yield window
