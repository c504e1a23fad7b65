"""The plugin packages that the pages show can be installed, and installed again beside the results of runs."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from pages import blocks


@pytest.mark.parametrize("page", ["README.md", "docs/plugins.md"])
def test_a_package_shown_in_the_docs_installs_twice(
    page: str, uv: str, run: Callable[..., str], top: Path, tmp_path: Path
) -> None:
    package = tmp_path / "package"
    for block in blocks(top / page):
        if block.file == "pyproject.toml" or (block.file or "").startswith("pgen_"):
            path = package / block.file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text, encoding="utf-8")
    python = tmp_path / "env/bin/python"
    run(uv, "venv", "--quiet", "--python", sys.executable, tmp_path / "env")
    install = (uv, "pip", "install", "--quiet", "--no-deps", "--reinstall", "--python", python, package)
    run(*install)
    # What a user's runs leave beside the package: setuptools takes such a folder for a second package.
    (package / "out/meta").mkdir(parents=True)
    run(*install)
    module = next(path.stem for path in package.glob("pgen_*"))
    assert "site-packages" in run(
        python, "-I", "-c", f"import importlib.util as u; print(u.find_spec({module!r}).origin)"
    )
