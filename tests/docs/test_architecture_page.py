"""docs/architecture.md shows the code as it is."""

import subprocess
import sys

import pytest
from pages import TOP

PAGE = TOP / "docs/architecture.md"


def test_the_diagram_is_that_of_the_code():
    if not (TOP / "pgen").is_dir():
        pytest.skip("the sources are not here: this is the suite against a wheel.")
    printed = subprocess.run(
        [sys.executable, TOP / "tools/architecture.py"], capture_output=True, text=True, check=True
    ).stdout
    assert f"```mermaid\n{printed}```" in PAGE.read_text(encoding="utf-8")


def test_every_package_is_described():
    if not (TOP / "pgen").is_dir():
        pytest.skip("the sources are not here: this is the suite against a wheel.")
    text = PAGE.read_text(encoding="utf-8")
    folders = [path for path in (*(TOP / "pgen").iterdir(), *(TOP / "plugins").iterdir()) if path.is_dir()]
    names = [path.name if path.parent.name == "plugins" else f"pgen.{path.name}" for path in folders]
    assert [name for name in names if "__pycache__" not in name and f"`{name}`" not in text] == []
