"""What a worker tells of what went wrong in it, to a process that does not know its keys."""

import pickle

import pytest

from pgen.errors import ConfigError
from pgen.safety.redaction import register
from pgen_ray.worker import portable

KEY = "a-worker-s-key-41"


@pytest.mark.parametrize("kind", [RuntimeError, ConfigError, OSError])
def test_an_error_of_a_worker_travels_without_the_worker_s_keys(kind):
    register(KEY)
    try:
        raise kind(f"could not send {KEY}")
    except kind as error:
        told = pickle.loads(pickle.dumps(portable(error)))
    shown = f"{told} {getattr(told, '__notes__', '')}"
    assert "could not send ***" in shown
    assert KEY not in shown


def test_an_error_without_a_key_travels_as_it_is():
    assert isinstance(portable(OSError(5, "broken")), OSError)
