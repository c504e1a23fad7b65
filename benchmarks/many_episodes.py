"""CPU seconds and peak memory of `annotate`, `verify` and `report` for 10,000 episodes with 20,000 dialogues.

The episodes have 60 frames without images; one dialogue is requested each second, and the model answers immediately.
Each command runs as a process of its own would, with all of its checks.
"""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from click.testing import CliRunner

from common.datasets import rows
from common.measure import MB, cost
from common.table import Row, main


def lines(tiny: bool = False) -> Iterator[Row]:
    episodes = 20 if tiny else 10_000
    root = rows(episodes, 60)
    with TemporaryDirectory(dir=root.parent) as folder:
        out = Path(folder) / "out"
        for name, work in (("annotate", annotate), ("verify", verify), ("report", report)):
            spent = cost(work, root, out)
            measure = f"{name}, {episodes:,} episodes with {2 * episodes:,} dialogues"
            yield Row(f"{measure}: CPU seconds", f"{spent.cpu:.1f}", "")
            yield Row(f"{measure}: most memory held", f"{spent.peak / MB:.0f} MB", "")


def annotate(root: Path, out: Path) -> None:
    """Write the dataset with a dialogue each second."""
    import pgen
    from pgen import Generator, Reply, Request
    from pgen.testing import plain_answer
    from pgen_samplers.samplers import Interval

    class Instant(Generator):
        name = "instant"
        concurrency = 64
        several = True

        async def generate(self, request: Request) -> Reply:
            return Reply(plain_answer(request))

    report = pgen.annotate(root, out, generator=Instant(), sampler=Interval(), variants=1, scopes={"step": 1})
    assert not report.failed, report


def verify(root: Path, out: Path) -> None:
    """Verify the output as the command does, lerobot included where it is installed."""
    _command("verify", out)


def report(root: Path, out: Path) -> None:
    """Write the page of the output."""
    _command("report", out, "--output", out.parent / "report.html")


def _command(*arguments: Any) -> None:
    from pgen.cli import cli

    result = CliRunner().invoke(cli, [str(argument) for argument in arguments])
    assert result.exit_code == 0, result.output


if __name__ == "__main__":
    main(lines)
