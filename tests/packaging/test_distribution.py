"""What a wheel holds, and that what is installed is found: in the checkout, and in the wheel."""

import re
import sys
import zipfile
from collections.abc import Callable
from importlib.metadata import entry_points, version
from pathlib import Path

import pytest

import pgen
from pgen.registry import Registry


@pytest.fixture(scope="module")
def names(wheel: Path) -> list[str]:
    with zipfile.ZipFile(wheel) as archive:
        return archive.namelist()


def test_the_wheel_holds_the_packages_under_their_own_names(names: list[str]) -> None:
    tops = {name.partition("/")[0] for name in names}
    assert {"pgen", "pgen_demo", "pgen_lerobot"} <= tops
    assert all(top == "pgen" or top.startswith(("pgen_", "lerobot_pgen-")) for top in tops)


def test_the_wheel_holds_the_schemas_and_the_data_of_the_plugins(names: list[str]) -> None:
    data = {"pgen_demo/skills.json", "pgen_results/pages/report.html", "pgen_results/pages/page.css"}
    assert {"pgen/py.typed", "pgen/_schemas/syn_annotation.schema.json", *data} <= set(names)


def test_the_wheel_holds_the_licence_and_no_tests(names: list[str]) -> None:
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert not any("test" in Path(name).name and "testing" not in name for name in names)


def test_every_plugin_that_ships_with_pgen_is_found_and_loads() -> None:
    shipped = [point for point in entry_points(group="pgen") if point.dist and point.dist.name == "lerobot-pgen"]
    assert "demo" in {point.name for point in shipped}
    assert [plugin for plugin in Registry(shipped).plugins if plugin.error] == []


def test_the_source_distribution_builds_the_same_wheel(
    uv: str, run: Callable[..., str], names: list[str], top: Path, tmp_path: Path
) -> None:
    if not (top / "pgen").is_dir():
        pytest.skip("the sources are not here: this is the suite against a wheel.")
    options = ("--build-constraints", top / "constraints.txt", "--python", sys.executable, "--out-dir", tmp_path)
    run(uv, "build", "--sdist", *options, top)
    run(uv, "build", "--wheel", *options, next(tmp_path.glob("*.tar.gz")))
    with zipfile.ZipFile(next(tmp_path.glob("*.whl"))) as archive:
        assert sorted(archive.namelist()) == sorted(names)


def test_the_version_of_the_distribution_is_that_of_the_import() -> None:
    assert version("lerobot-pgen") == pgen.__version__


# The package `pgen` on the index is an unrelated project, which this advice would install.
OTHER_PACKAGE = re.compile(
    r"""(?:pipx?3?|uv|tool)\ (?:install|add|run)\ (?:[^\n`]*[ '"`])?pgen(?![\w-])  # pip install pgen
    | ['"`\s]pgen\[[a-z]                                                            # 'pgen[ray]'
    | dependencies\ =\ \[[^\]]*['"]pgen\b(?!-)                                      # dependencies = ["pgen>=0.1"]
    """,
    re.VERBOSE,
)


@pytest.mark.parametrize(
    "advice",
    [
        "`pip install pgen`",
        "pip install 'pgen[ray]'",
        "uv pip install -U pgen==0.1",
        "pipx install pgen",
        'dependencies = ["click", "pgen>=0.1"]',
    ],
)
def test_advice_that_installs_the_unrelated_package_is_recognized(advice: str) -> None:
    assert OTHER_PACKAGE.search(advice)


@pytest.mark.parametrize(
    "advice", ["pip install 'lerobot-pgen[ray]'", "pip install .\npgen plugins", "pip uninstall pgen", "pgen annotate"]
)
def test_other_text_is_not_taken_for_that_advice(advice: str) -> None:
    assert not OTHER_PACKAGE.search(advice)


def test_no_file_advises_to_install_the_unrelated_package(run: Callable[..., str], top: Path) -> None:
    if not (top / ".git").exists():
        pytest.skip("this is no checkout: git does not list its files.")
    files = [top / name for name in run("git", "-C", top, "ls-files").splitlines()]
    texts = {path: path.read_bytes().decode(errors="ignore") for path in files if path != Path(__file__)}
    assert [str(path) for path, text in texts.items() if OTHER_PACKAGE.search(text)] == []
