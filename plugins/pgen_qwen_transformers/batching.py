"""Requests of many callers, run together: up to `limit` at a time, those of like size in one batch.

The oldest waiting request is in every batch, with the waiting ones nearest to it in size; nothing waits
longer than for the batch that is running. `prepare` and `run` each have a thread, so the event loop stays
free and one batch is prepared while another runs. A batch that does not fit the memory (MemoryError) is
halved, and so are all that follow; one that fails otherwise is split until the culprit stands alone.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from threading import Event

from pgen.errors import PgenError

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Waiting[Work, Out]:
    work: Work
    size: int
    answer: "asyncio.Future[Out]"


class Batcher[In, Work, Out]:
    """Belongs to the event loop that starts it; `submit` from there."""

    def __init__(
        self,
        prepare: Callable[[In], Work],
        run: Callable[[Sequence[Work], Callable[[], bool]], Sequence[Out]],
        size: Callable[[Work], int],
        limit: int,
    ) -> None:
        self.limit = limit
        self._prepare, self._run, self._size = prepare, run, size
        self._closing = Event()
        self._preparing = 0
        self._queue: list[_Waiting[Work, Out]] = []
        self._wake = asyncio.Event()
        self._threads = ThreadPoolExecutor(1, "prepare"), ThreadPoolExecutor(1, "model")
        self._serving = asyncio.create_task(self._serve())

    async def submit(self, request: In) -> Out:
        """The answer to one request. Raises what `prepare` or `run` raised for it."""
        loop = asyncio.get_running_loop()
        self._preparing += 1
        try:
            work = await loop.run_in_executor(self._threads[0], _guarded, self._prepare, request)
            waiting: _Waiting[Work, Out] = _Waiting(work, self._size(work), loop.create_future())
            self._queue.append(waiting)
        finally:
            self._preparing -= 1
            self._wake.set()
        return await waiting.answer

    async def close(self) -> None:
        """Drop what waits; `run` is told to end by what it was given, and waited for."""
        self._closing.set()
        self._serving.cancel()
        with suppress(asyncio.CancelledError):
            await self._serving
        for thread in self._threads:
            await asyncio.to_thread(thread.shutdown, cancel_futures=True)

    async def _serve(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            batch = self._next()
            if not batch:
                self._wake.clear()
                await self._wake.wait()
                continue
            answers = await loop.run_in_executor(self._threads[1], self._answers, [one.work for one in batch])
            for one, answer in zip(batch, answers, strict=True):
                _settle(one.answer, answer)

    def _next(self) -> list[_Waiting[Work, Out]]:
        """The next batch; nothing where waiting for those in preparation fills it better."""
        self._queue = [one for one in self._queue if not one.answer.done()]
        if not self._queue or (self._preparing and len(self._queue) < self.limit):
            return []
        oldest = self._queue[0]
        batch = sorted(self._queue, key=lambda one: abs(one.size - oldest.size))[: self.limit]
        taken = {id(one) for one in batch}
        self._queue = [one for one in self._queue if id(one) not in taken]
        return batch

    def _answers(self, works: list[Work]) -> list[Out | Exception]:
        """An answer or an error for each, in order. Runs in the model's thread."""
        if len(works) > self.limit:
            return self._halves(works)
        try:
            return list(_guarded(self._run, works, self._closing.is_set))
        except PgenError as error:
            return [error] * len(works)
        except MemoryError as error:
            if len(works) == 1:
                return [error]
            self._halve(len(works))
        except Exception as error:  # whatever the model raised costs one sample, not its batch
            if len(works) == 1 or self._closing.is_set():
                return [error] * len(works)
        return self._halves(works)

    def _halves(self, works: list[Work]) -> list[Out | Exception]:
        middle = (len(works) + 1) // 2
        return self._answers(works[:middle]) + self._answers(works[middle:])

    def _halve(self, tried: int) -> None:
        self.limit = max(1, tried // 2)
        _log.warning("a batch of %d does not fit the memory; going on with %d at a time.", tried, self.limit)


def _guarded[**P, Out](function: Callable[P, Out], *args: P.args, **kwargs: P.kwargs) -> Out:
    """The function's result. A panic of a library written in Rust is no Exception, and would end the service."""
    try:
        return function(*args, **kwargs)
    except Exception:
        raise
    except BaseException as error:
        raise RuntimeError(f"{type(error).__name__}: {error}") from error


def _settle[Out](future: "asyncio.Future[Out]", answer: Out | Exception) -> None:
    if future.done():
        return
    if isinstance(answer, Exception):
        future.set_exception(answer)
    else:
        future.set_result(answer)
