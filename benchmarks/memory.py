"""Runs over 10,000, 100,000 and 1,000,000 planned samples: peak memory, seconds to start, to resume and per sample.

The dialogues of each frame of a table of 1,000 episodes of 1,000 frames are samples without images, which one request
asks for; the model answers immediately. Each count is run twice. The first run answers all requests but the last; the
second searches for its samples: the extra time of its start is the resume scan, and it sends the last request after
passing over all others. Seconds are CPU time.
`memory.py COUNT …` takes other counts.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from time import process_time
from typing import Any

from common.datasets import rows
from common.measure import MB, cost
from common.table import Row

COUNTS = (10_000, 100_000, 1_000_000)


def lines(tiny: bool = False, counts: tuple[int, ...] = COUNTS) -> Iterator[Row]:
    root = rows(3, 90) if tiny else rows(1000, 1000)
    for count in (200,) if tiny else counts:
        with TemporaryDirectory(dir=root.parent) as folder:
            first, second = (cost(run, root, Path(folder) / "out", count) for _ in range(2))
        peaks = {"when resumed": f"{second.peak / MB:.0f} MB"}
        yield Row(f"{count:,} samples: most memory held", f"{first.peak / MB:.0f} MB", "", peaks)
        start, resumed = first.result["start"], second.result["start"]
        yield Row(f"{count:,} samples: CPU seconds until the first is asked", f"{start:.1f}", "0")
        others = {"until the last request, which is sent anew": f"{resumed + second.result['asking']:.1f}"}
        yield Row(f"{count:,} samples: CPU seconds longer when resumed", f"{max(resumed - start, 0):.1f}", "0", others)
        each = first.result["asking"] / count * 1000
        yield Row(f"{count:,} samples: CPU milliseconds each, from sample to journal", f"{each:.2f}", "0")


def run(root: Path, out: Path, count: int) -> dict[str, float]:
    """Run up to the output, which is not written; the last request fails. Return the seconds of each part."""
    from pgen import Generator, Reply, Request, SampleError, Sink
    from pgen.config import build, create
    from pgen.run.run import Run
    from pgen.testing import plain_answer
    from pgen_lerobot.read import LeRobotSource
    from pgen_samplers.samplers import EveryFrame

    marks = [process_time()]

    class Instant(Generator):
        name = "instant"
        concurrency = 64
        several = True
        remaining = count

        async def generate(self, request: Request) -> Reply:
            self.remaining -= len(request.numbers)
            if not self.remaining:
                raise SampleError("refused", "left for the next run")
            return Reply(plain_answer(request))

    class Halt(Sink):
        name = "halt"

        def write(self, results: Any, out: Path) -> None:
            raise _HaltError

    parts: dict[str, Any] = {"source": LeRobotSource(root=root), "sampler": EveryFrame(), "sink": Halt()}
    parts["generator"] = Instant()
    tables = {kind: {"name": part.name} for kind, part in parts.items()}
    config = build({"output_dir": out, "max_samples": count, "check": {"name": "none"}, **tables})

    def progress(total: int, done: int) -> Callable[[Any], None]:
        marks.extend([process_time()] * 2)
        assert total == count
        parts["generator"].remaining = total - done

        def record(annotation: Any) -> None:
            marks[-1] = process_time()

        return record

    with Run(config.run, create(config, parts)) as started, suppress(_HaltError):
        started.execute(progress)
    steps = zip(("start", "asking"), marks, marks[1:], strict=False)
    return {name: end - begin for name, begin, end in steps}


class _HaltError(Exception):
    """Ends a run before its output is written."""


if __name__ == "__main__":
    tiny, counts = "--tiny" in sys.argv[1:], tuple(int(word) for word in sys.argv[1:] if word.isdigit())
    for line in lines(tiny, counts or COUNTS):
        print(line, flush=True)
