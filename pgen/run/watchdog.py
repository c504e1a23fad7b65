"""Ends a process some time after its second signal: `watchdog.py PID SECONDS SIGNAL…`, run by `pgen.run.deadline`.

Its input is a pipe to which the process writes the number of each signal as it arrives. The input ends with the
process, or when that no longer needs to be watched.
"""

import os
import select
import signal
import sys


def main(pid: int, seconds: float, signals: list[int]) -> None:
    """Kill the process unless the input ends soon after the second signal."""
    seen = 0
    while seen < 2:
        if not (data := os.read(0, 64)):
            return
        seen += sum(number in signals for number in data)
    # More signals change nothing; only the end of the input does.
    poll = select.poll()
    poll.register(0, 0)  # POLLHUP alone
    if not poll.poll(seconds * 1000):
        os.kill(pid, signal.SIGKILL)


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]), [int(number) for number in sys.argv[3:]])
