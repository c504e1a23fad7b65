"""A process that acquires a lock repeatedly and logs when it holds it.

Usage: lock_race.py FOLDER LOG ATTEMPTS SYSTEM, where SYSTEM is `locks` or `no locks`.
"""

import errno
import fcntl
import os
import random
import sys
import time
from pathlib import Path

from pgen.errors import ConfigError, LockLostError
from pgen.storage import locking


def no_locks(*_: object) -> None:
    raise OSError(errno.ENOLCK, "No locks available")


def race(folder: Path, log: int, attempts: int) -> None:
    for _ in range(attempts):
        try:
            with locking.lock(folder / "lock", "it") as held:
                os.write(log, f"entered {held.token}\n".encode())
                time.sleep(random.uniform(0, 0.002))
                held.check()
                os.write(log, f"left {held.token}\n".encode())
        except ConfigError:
            os.write(log, b"refused\n")
            time.sleep(random.uniform(0, 0.002))
        except LockLostError:
            os.write(log, b"lost\n")


if __name__ == "__main__":
    if sys.argv[4] == "no locks":
        fcntl.flock = no_locks
    race(Path(sys.argv[1]), os.open(sys.argv[2], os.O_WRONLY | os.O_APPEND | os.O_CREAT), int(sys.argv[3]))
