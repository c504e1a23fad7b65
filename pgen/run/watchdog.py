"""Kill a process some time after its second signal: `watchdog.py PID SECONDS SIGNAL…`, started by `pgen.run.deadline`.

Its standard input is a pipe to which the process writes the number of each signal. The input ends with the process, or
once that need not be watched any more.
"""

import os
import select
import signal
import sys


def main(pid: int, seconds: float, signals: list[int]) -> None:
    """Kill the process unless the input ends within `seconds` after the second signal."""
    count = 0
    while count < 2:
        if not (data := os.read(0, 64)):
            return
        count += sum(number in signals for number in data)
    # Further signals change nothing: wait for the end of the input alone (POLLHUP).
    poll = select.poll()
    poll.register(0, 0)
    if not poll.poll(seconds * 1000):
        os.kill(pid, signal.SIGKILL)


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]), [int(number) for number in sys.argv[3:]])
