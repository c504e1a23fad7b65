"""The owner of a journal: no other run writes to it."""

import os
import signal
import subprocess
import sys
from contextlib import closing

import pytest
from journal_helpers import dialogue, texts

from pgen.errors import ConfigError, LockLostError
from pgen.storage.journal import Journal
from pgen.testing import make_samples


def test_a_journal_that_another_run_owns_by_now_is_not_written(path):
    first, second, third = make_samples()
    with closing(Journal(path)) as former, closing(Journal(path)) as owner:
        former.own("former")
        former.add([dialogue(first, "a")])
        owner.own("new")
        for write in (
            lambda: former.add([dialogue(second)]),
            lambda: former.add_values([("key", 1)]),
            lambda: former.set_metadata("model", "tiny"),
            lambda: former.claim("model", "tiny"),
        ):
            with pytest.raises(ConfigError, match=r"journal.sqlite was taken over by another run"):
                write()
        owner.add([dialogue(third, "e")])
        assert texts(owner, [first, second, third]) == ["a", None, "e"]
        assert (owner.metadata("model"), owner.value("key")) == (None, None)


def test_a_run_that_lost_its_lock_does_not_become_the_owner(path):
    """The run was stopped between opening the journal and becoming its owner."""

    def lost():
        raise LockLostError("taken over")

    with closing(Journal(path)) as former, closing(Journal(path)) as owner:
        owner.own("new")
        with pytest.raises(LockLostError):
            former.own("former", lost)
        owner.add_values([("key", 1)])
        assert owner.metadata("owner") == "new"


def test_a_journal_whose_file_was_replaced_is_not_written(path):
    """A run with --fresh replaces it; SQLite would continue to write to the deleted file."""
    with closing(Journal(path)) as former:
        former.own("token")
        for file in path.parent.iterdir():
            file.unlink()
        with closing(Journal(path)) as other:
            other.own("token")
            with pytest.raises(ConfigError, match="taken over"):
                former.add([dialogue(make_samples()[0])])


_STOPPED = """
import os, signal, sys
from pathlib import Path
from pgen.errors import ConfigError
from pgen.storage.journal import Journal
journal = Journal(Path(sys.argv[1]))
journal.own("former")
journal.add_values([("before", 1)])
os.kill(os.getpid(), signal.SIGSTOP)
try:
    journal.add_values([("after", 1)])
except ConfigError as error:
    sys.exit(str(error))
"""


def test_an_owner_that_was_stopped_cannot_write_when_it_resumes(path):
    process = subprocess.Popen([sys.executable, "-c", _STOPPED, path], stderr=subprocess.PIPE, text=True)
    os.waitpid(process.pid, os.WUNTRACED)
    with closing(Journal(path)) as journal:
        journal.own("new")
        os.kill(process.pid, signal.SIGCONT)
        _, message = process.communicate()
        assert "was taken over by another run" in message
        assert process.returncode == 1
        assert (journal.value("before"), journal.value("after")) == (1, None)
