"""Workspaces that a run builds or leaves unfinished."""

from contextlib import suppress
from itertools import count

import pytest
from unfinished import answered

from pgen.errors import ConfigError
from pgen.storage.unfinished import inspect
from pgen.storage.workspace import Workspace


class Killed(BaseException):
    """Ends the code in which it is raised without cleanup, as a kill does."""


def run_killed(monkeypatch, at, work, *, calls=1):
    """Run `work`, and kill it at a call of a method of Workspace."""
    function, calls_so_far = getattr(Workspace, at), count(1)

    def die(*arguments):
        if next(calls_so_far) == calls:
            raise Killed
        return function(*arguments)

    with monkeypatch.context() as patch, suppress(Killed):
        patch.setattr(Workspace, "_abandon", lambda self: None)
        patch.setattr(Workspace, at, die)
        work()


def build(space):
    """Run a job with one result and one file, to its end."""
    with space.locked():
        answered(space.journal, space.command, owner=space.token)
        (space.stage() / "file").write_text("content")
        space.publish()


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def results(space):
    return inspect(space.journal).results


def check_refused(space, message):
    """Check that both the preflight and the lock refuse the workspace."""
    for check in (space.check, space.locked().__enter__):
        with pytest.raises(ConfigError, match=message):
            check()
