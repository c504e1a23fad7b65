"""Fixtures for the whole suite: real datasets where there are any, drawn ones everywhere."""

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import shared_folder
from fast_suite import is_left_out, is_slow_test, order
from forked import run_lerobot
from hypothesis import HealthCheck, settings
from needed import need, skip_outside_ci
from shared_folder import shared

# How long an example takes says something about the machine and what else it does, nothing about the rule.
settings.register_profile("pgen", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("fast", settings.get_profile("pgen"), max_examples=10)
settings.load_profile("pgen")

# Threads of torch that wait for each other take the processor from the tests beside them.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("HF_DATASETS_OFFLINE", "1")


# A shell without job control, and nohup, start processes that ignore these signals; so would every run that a test
# starts, and tests of signals would wait for ever.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--fast", action="store_true", help="only files that start no process and no server, and render no dataset"
    )
    parser.addoption("--write-passed", metavar="FILE", type=Path, help="write the names of the tests that passed")
    parser.addoption("--leave-out", metavar="FILE", type=Path, help="leave out the tests that such a file names")


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--fast"):
        settings.load_profile("fast")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    return True if config.getoption("--fast") and is_left_out(collection_path) else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--fast"):
        items[:] = [item for item in items if not is_slow_test(item)]
    else:
        items.sort(key=order)
    if file := config.getoption("--leave-out"):
        passed = set(file.read_text(encoding="utf-8").splitlines())
        items[:] = [item for item in items if item.nodeid not in passed]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if file := terminalreporter.config.getoption("--write-passed"):
        passed = (report.nodeid for report in terminalreporter.getreports("passed"))
        file.write_text("".join(f"{name}\n" for name in passed), encoding="utf-8")


def pytest_runtest_setup(item: pytest.Item) -> None:
    for marker in item.iter_markers("needs"):
        need(*marker.args)


@pytest.fixture(scope="session", autouse=True)
def forked_lerobot() -> Iterator[None]:
    """Let `verify` execute its command where lerobot is imported already."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pgen_lerobot.verify.lerobot._execute", run_lerobot)
        yield


@pytest.fixture(scope="session", autouse=True)
def shared_factory(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Let helpers that are no fixtures make folders once in a test run."""
    shared_folder.factory = tmp_path_factory


@pytest.fixture(scope="session")
def shared_datasets() -> Path:
    """The folder of real datasets; a missing one is a failure in CI and a skip elsewhere."""
    folder = os.environ.get("PGEN_DATASETS", "")
    if not folder or not Path(folder).is_dir():
        skip_outside_ci(f"no real datasets: PGEN_DATASETS is {folder!r}, which is not a folder")
    return Path(folder)


@pytest.fixture(scope="session")
def tiny_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """A tiny checkpoint by its family, made once in a test run; skips where torch or transformers is missing."""
    need("torch", "torchvision", "transformers", "llguidance")
    import tiny_qwen

    folder = shared(tmp_path_factory) / "tiny-qwen"
    return lambda family: tiny_qwen.make(family, folder / family)
