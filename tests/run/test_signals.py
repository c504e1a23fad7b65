import asyncio
import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

from pgen.errors import InterruptedRunError
from pgen.run import signals
from pgen.run.signals import interruptible, stopping, uninterrupted


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
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
    handlers = []

    def work():
        with interruptible():
            handlers.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert handlers == [signal.getsignal(signal.SIGTERM)]


def test_ignored_signals_stay_ignored_as_nohup_requires():
    former = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with interruptible():
            os.kill(os.getpid(), signal.SIGHUP)
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, former)


def test_a_loop_in_another_thread_is_stopped_while_the_main_thread_waits_for_it_as_in_a_notebook():
    """The main thread receives the signal once the work has started."""
    ready, events = threading.Event(), []

    async def work():
        stop = asyncio.Event()
        with stopping(asyncio.get_running_loop(), stop.set, events.append):
            ready.set()
            await stop.wait()
            events.append("stopped")

    def wait():
        with interruptible(), ThreadPoolExecutor(1) as pool:
            done = pool.submit(asyncio.run, work())
            ready.wait()
            os.kill(os.getpid(), signal.SIGINT)
            done.result()

    with pytest.raises(InterruptedRunError, match="SIGINT"):
        wait()
    assert events == ["stopped"]


def test_after_a_signal_work_in_flight_is_cancelled_once_its_time_is_over(monkeypatch):
    monkeypatch.setattr(signals, "PATIENCE", 0.01)

    async def work():
        with stopping(asyncio.get_running_loop(), lambda: None, asyncio.current_task().cancel):
            os.kill(os.getpid(), signal.SIGTERM)
            await asyncio.sleep(3600)

    with pytest.raises(InterruptedRunError, match="SIGTERM"):
        asyncio.run(work())
