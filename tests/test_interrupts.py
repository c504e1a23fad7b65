import os
import signal
import threading
from contextlib import suppress

import pytest

from pgen.errors import InterruptedRunError
from pgen.interrupts import interruptible, uninterrupted


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_work_as_a_shell_does_and_the_handlers_are_put_back(number):
    before = signal.getsignal(number)
    with (
        pytest.raises(InterruptedRunError, match=signal.Signals(number).name) as caught,
        interruptible(),
        suppress(Exception),
    ):
        os.kill(os.getpid(), number)
    assert caught.value.exit_code == 128 + number
    assert signal.getsignal(number) is before


def test_the_last_act_is_finished():
    with interruptible(), uninterrupted():
        os.kill(os.getpid(), signal.SIGTERM)
        done = True
    assert done


def test_outside_the_main_thread_signals_stay_the_caller_s():
    seen = []

    def work():
        with interruptible():
            seen.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [signal.getsignal(signal.SIGTERM)]
