"""Processes that are forked from one that has imported pgen and the helpers of the fault suite.

They start in some hundredths of a second. A process has one fork server, which imports what all tests need.
"""

import multiprocessing
import os
import sys
import threading
from collections.abc import Callable
from multiprocessing import forkserver
from multiprocessing.process import BaseProcess
from typing import Any
from unittest.mock import patch

PRELOADED = ("fault_processes", "fault_breakages", "fault_commands", "fault_moments", "fault_power_jobs", "preloaded")
IMPORTED_BY = os.getpid()
"""The process that imported this module: in a forked process its parent."""

CONTEXT = multiprocessing.get_context("forkserver")
LOCK = threading.Lock()
"""Is held where processes start or exit codes are read: multiprocessing reaps the processes of other threads."""


def start(target: Callable[..., Any], *arguments: Any, daemon: bool = False) -> BaseProcess:
    """Start a process that calls the target; a daemon ends with this process."""
    CONTEXT.set_forkserver_preload(list(PRELOADED))
    # The fork server of Python 3.13 does not receive `sys.path`, and passes over modules that it does not find.
    with patch.dict(os.environ, PYTHONPATH=os.pathsep.join(filter(None, sys.path))):
        forkserver.ensure_running()
    process = CONTEXT.Process(target=target, args=arguments, daemon=daemon)
    with LOCK:
        process.start()
    return process


def exit_code_of(target: Callable[..., Any], *arguments: Any) -> int | None:
    """Execute the target in a process; return its exit code, negative if a signal killed it."""
    process = start(target, *arguments)
    process.join()
    return process.exitcode


def check_preloaded() -> None:
    """Check that the parent of this process has imported its modules."""
    assert os.getppid() == IMPORTED_BY
    assert {*PRELOADED} <= {*sys.modules}
