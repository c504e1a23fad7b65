"""Groups the requests of many callers into batches of up to `limit`, of similar size.

Every batch contains the oldest waiting request and those nearest to it in size. `prepare` and `run` are called in
threads: the event loop stays free, and with `ahead` one batch is prepared while another runs. A batch that does not fit
the memory (MemoryError) is halved, and so are all later ones. One that fails otherwise is split until the request that
fails is alone.
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
    result: "asyncio.Future[Out]"


class Batcher[In, Work, Out]:
    """Belongs to the event loop in which it is made."""

    def __init__(
        self,
        prepare: Callable[[In], Work],
        run: Callable[[Sequence[Work], Callable[[], bool]], Sequence[Out]],
        size: Callable[[Work], int],
        limit: int,
        *,
        ahead: bool = True,
    ) -> None:
        self.limit = limit
        self._prepare, self._run, self._size = prepare, run, size
        self._closing = Event()
        self._preparing = 0
        self._queue: list[_Waiting[Work, Out]] = []
        self._wake = asyncio.Event()
        model = ThreadPoolExecutor(1, "model")
        self._threads = ThreadPoolExecutor(1, "prepare") if ahead else model, model
        self._serving = asyncio.create_task(self._serve())

    async def submit(self, request: In) -> Out:
        """Return the result of one request. Raises what `prepare` or `run` raised for it."""
        loop = asyncio.get_running_loop()
        self._preparing += 1
        try:
            work = await loop.run_in_executor(self._threads[0], _guarded, self._prepare, request)
            waiting: _Waiting[Work, Out] = _Waiting(work, self._size(work), loop.create_future())
            self._queue.append(waiting)
        finally:
            self._preparing -= 1
            self._wake.set()
        return await waiting.result

    async def close(self) -> None:
        """Drop waiting requests, cancel the running batch and wait for its end."""
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
            works = [waiting.work for waiting in batch]
            results = await loop.run_in_executor(self._threads[1], self._run_batch, works)
            for waiting, result in zip(batch, results, strict=True):
                _set_result(waiting.result, result)

    def _next(self) -> list[_Waiting[Work, Out]]:
        """Return the next batch; none while requests that are being prepared may fill it."""
        self._queue = [waiting for waiting in self._queue if not waiting.result.done()]
        if not self._queue or (self._preparing and len(self._queue) < self.limit):
            return []
        oldest = self._queue[0]
        batch = sorted(self._queue, key=lambda waiting: abs(waiting.size - oldest.size))[: self.limit]
        taken = {id(waiting) for waiting in batch}
        self._queue = [waiting for waiting in self._queue if id(waiting) not in taken]
        return batch

    def _run_batch(self, works: list[Work]) -> list[Out | Exception]:
        """Return a result or an error for each, in order. Runs in the model's thread."""
        if len(works) > self.limit:
            return self._run_halves(works)
        try:
            return list(_guarded(self._run, works, self._closing.is_set))
        except PgenError as error:
            return [error] * len(works)
        except MemoryError as error:
            if len(works) == 1:
                return [error]
            self._reduce_limit(len(works))
        except Exception as error:  # fails one sample, not its batch
            if len(works) == 1 or self._closing.is_set():
                return [error] * len(works)
        return self._run_halves(works)

    def _run_halves(self, works: list[Work]) -> list[Out | Exception]:
        middle = (len(works) + 1) // 2
        return self._run_batch(works[:middle]) + self._run_batch(works[middle:])

    def _reduce_limit(self, tried: int) -> None:
        self.limit = max(1, tried // 2)
        _log.warning("a batch of %d does not fit the memory; going on with %d at a time.", tried, self.limit)


def _guarded[**P, Out](function: Callable[P, Out], *args: P.args, **kwargs: P.kwargs) -> Out:
    """Return the function's result. A panic of a Rust library is a BaseException, and would end the batcher."""
    try:
        return function(*args, **kwargs)
    except Exception:
        raise
    except BaseException as error:
        raise RuntimeError(f"{type(error).__name__}: {error}") from error


def _set_result[Out](future: "asyncio.Future[Out]", result: Out | Exception) -> None:
    if future.done():
        return
    if isinstance(result, Exception):
        future.set_exception(result)
    else:
        future.set_result(result)
