"""An event loop in a thread of its own, for code that waits in between; it may run inside another loop."""

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from typing import Any


class Loop:
    """Runs coroutines while it is entered; what is still under way when it is left is cancelled."""

    def __enter__(self) -> "Loop":
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, name="asking", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.cancel()
        self.run(self.loop.shutdown_default_executor())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()

    def submit[T](self, work: "Coroutine[Any, Any, T]") -> "Future[T]":
        """Begin."""
        return asyncio.run_coroutine_threadsafe(work, self.loop)

    def run[T](self, work: "Coroutine[Any, Any, T]") -> T:
        """Begin, and wait for the end."""
        return self.submit(work).result()

    def cancel(self) -> None:
        """End what is under way."""
        self.run(self._cancel())

    def cancel_soon(self) -> None:
        """Begin to end what is under way; from within the loop."""
        for task in asyncio.all_tasks(self.loop):
            task.cancel()

    async def _cancel(self) -> None:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
