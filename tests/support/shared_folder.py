"""Folders that are made once in a test run, by the first of its processes that needs them."""

import fcntl
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

factory: pytest.TempPathFactory
"""That of this process, for helpers that are no fixtures; conftest.py sets it."""


def shared(factory: pytest.TempPathFactory) -> Path:
    """Return the temporary folder of the whole test run."""
    own = factory.getbasetemp()
    return own.parent if own.name == f"popen-{os.environ.get('PYTEST_XDIST_WORKER')}" else own


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """Return the folder of that name, which no test may change; `make` writes it unless another process has done so."""
    folder = shared(factory) / name
    with folder.with_name(f"{name}.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.fstat(lock.fileno()).st_size:
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            make(folder)
            lock.write("made\n")
    return folder
