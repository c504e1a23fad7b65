"""A run in a process of its own, to be killed: each request is logged before it is answered.

Usage: run_in_process.py OUT LOG [hold N [briefly]]: after N answers no further one comes (or each takes half a
second, and a signal waits for them as long as it takes), so that a signal meets requests in flight.
"""

import asyncio
import sys
from pathlib import Path

from pgen.api import annotate
from pgen.errors import PgenError
from pgen.run import signals as interrupts
from pgen.testing import FakeGenerator, FakeSource, make_episode
from pgen_samplers.samplers import EveryFrame


class Logged(FakeGenerator):
    def __init__(self, log: Path, hold: int | None) -> None:
        super().__init__(concurrency=8)
        self._log, self._hold, self._answered = log, hold, 0

    async def generate(self, request):
        with self._log.open("a") as file:
            file.write(f"{request.sample.span.episode_index} {request.sample.moment.frame_index}\n")
        if self._hold is not None and self._answered >= self._hold:
            await asyncio.sleep(3600 if len(sys.argv) < 6 else 0.5)
        self._answered += 1
        return await super().generate(request)


def main() -> None:
    out, log = Path(sys.argv[1]), Path(sys.argv[2])
    hold = int(sys.argv[4]) if len(sys.argv) > 4 else None
    if len(sys.argv) > 5:
        interrupts.PATIENCE = 3600.0
    source = FakeSource(*(make_episode(index=index) for index in range(4)))
    try:
        annotate(source, out, generator=Logged(log, hold), sampler=EveryFrame(), prompt="seed")
    except PgenError as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
