"""A process that can be told to stop and is blocked: `blocked_process.py loop|thread|regex|last act`."""

import asyncio
import re
import sys
import threading
import time

from pgen.run.signals import interruptible, stopping, uninterrupted

FOREVER = 3600


def blocked() -> None:
    print("blocked", flush=True)
    time.sleep(FOREVER)


def hold_the_interpreter() -> None:
    print("blocked", flush=True)
    re.match(r"(a+)+$", "a" * 64 + "b")


async def on_loop(where: str) -> None:
    task = asyncio.current_task()
    assert task is not None
    with stopping(asyncio.get_running_loop(), lambda: None, task.cancel):
        if where == "loop":
            blocked()
        await asyncio.to_thread(blocked)


def main(where: str) -> None:
    with interruptible():
        if where == "last act":
            with uninterrupted():
                blocked()
        if where == "regex":
            thread = threading.Thread(target=hold_the_interpreter)
            thread.start()
            thread.join()
        asyncio.run(on_loop(where))


if __name__ == "__main__":
    main(sys.argv[1])
