import errno
import os
import signal

import pytest

from pgen.errors import ConfigError, InterruptedRunError, StorageError
from pgen.run.job import prepare, running
from pgen.storage.in_place import InPlace
from pgen.storage.journal_db import storage_errors
from pgen.storage.unfinished import inspect
from pgen.storage.workspace import Workspace
from pgen.testing import make_annotation, make_samples


@pytest.fixture
def workspace(tmp_path):
    return Workspace(tmp_path / "out")


def build(workspace, error=None, options=None):
    """Run a job that commits one result and stages one file, and raise `error` in it."""
    with running(workspace, needed=3_000_000) as job:
        job.open_journal(options or {"seed": 0}, {}).add([make_annotation(make_samples()[0])])
        (job.stage() / "file").write_text("content")
        if error:
            raise error


def test_the_staged_output_of_a_job_is_published_at_its_end_and_nothing_else_remains(workspace, tmp_path):
    assert prepare(workspace) is None
    build(workspace)
    assert (tmp_path / "out/file").read_text() == "content"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize("error", [ValueError("broken"), KeyboardInterrupt()])
def test_after_an_error_nothing_is_published_and_the_results_are_kept(workspace, error):
    with pytest.raises(type(error)):
        build(workspace, error)
    assert not workspace.out.exists()
    assert inspect(workspace.journal).results == 1
    build(workspace)
    assert workspace.out.exists()


def test_a_journal_with_results_of_other_options_is_refused(workspace):
    with pytest.raises(ValueError, match="broken"):
        build(workspace, ValueError("broken"))
    with pytest.raises(ConfigError, match=r"options\.seed: 0, now 1"):
        build(workspace, options={"seed": 1})


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_a_job_with_the_exit_code_of_a_shell(workspace, number):
    with pytest.raises(InterruptedRunError) as caught, running(workspace):
        os.kill(os.getpid(), number)
    assert caught.value.exit_code == 128 + number
    assert not workspace.out.exists()


@pytest.mark.parametrize(
    "error", [OSError(errno.ENOSPC, "No space left"), StorageError("the journal is full: No space left")]
)
def test_a_disk_error_states_the_space_that_is_needed_and_the_stored_results(workspace, error):
    remedy = r"about 3 MB, .* MB left\. Put that right and start the same command again: the results so far are kept in"
    with pytest.raises(StorageError, match=rf"No space left\. The output needs {remedy} .*journal\.sqlite"):
        build(workspace, error)


def test_a_disk_error_names_its_file_once(workspace):
    """In a job's message, and in that of the journal which a job or another command prints."""
    path = workspace.journal
    with pytest.raises(StorageError, match=r"No space left") as raised, storage_errors(path):
        raise OSError(errno.ENOSPC, "No space left", str(path))
    assert str(raised.value) == f"the journal {path} cannot be used (No space left)"
    for error in (OSError(errno.ENOSPC, "No space left", str(path)), raised.value):
        with pytest.raises(StorageError, match=rf"^{path}: No space left\. The output needs") as reported:
            build(workspace, error)
        remedy = str(reported.value).partition("start the same command again")[0]
        assert remedy.count(str(path)) == 1


def test_another_error_of_the_system_stays_as_it_is(workspace):
    with pytest.raises(ConnectionRefusedError):
        build(workspace, ConnectionRefusedError(errno.ECONNREFUSED, "refused"))


def test_a_publication_that_was_stopped_is_completed_and_its_summary_returned(tmp_path, monkeypatch):
    folder = tmp_path / "in"
    folder.mkdir()
    monkeypatch.setattr(InPlace, "_finish", lambda self: None)  # as in a process that was killed there
    with running(InPlace(folder)) as job:
        (job.stage() / "file").write_text("content")
        job.summary = {"samples": 3}
    monkeypatch.undo()
    assert prepare(InPlace(folder)) == {"samples": 3}
    assert (folder / "file").read_text() == "content"
