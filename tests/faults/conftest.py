"""The fault suite: numbers, seeds, and the table of counts that the end of the run prints."""

import os
import random
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest
from fault_runs import Job, Runs, make_dataset
from output_files import contents, hashes

LONG = os.environ.get("PGEN_FAULTS") == "long"
SEED = int(os.environ.get("PGEN_FAULTS_SEED", random.randrange(1 << 32) if LONG else 20250211))
COUNTS = ("faults", "in flight", "redone")


class Tally:
    """The counts of a row of the table; pytest sends them to the process that prints the table."""

    def __init__(self, node: pytest.Item) -> None:
        self._node = node

    def add(self, row: str, faults: int, **counts: int) -> None:
        self._node.user_properties.append(("faults", {"row": row, "faults": faults, **counts}))


@pytest.fixture
def tally(request: pytest.FixtureRequest) -> Tally:
    return Tally(request.node)


@pytest.fixture
def number(request: pytest.FixtureRequest):
    """Return the count for this run: `number(quick, long)`."""
    return lambda quick, long: long if LONG else quick


@pytest.fixture
def rng(request: pytest.FixtureRequest) -> random.Random:
    """Return a random generator for the test; a failure shows the seed that repeats it."""
    print(f"PGEN_FAULTS_SEED={SEED}")
    return random.Random(f"{SEED} {request.node.name}")


@pytest.fixture(scope="session")
def runs() -> Runs:
    return Runs()


@pytest.fixture(scope="session")
def memory() -> Iterator[Path]:
    """A folder in memory, where fsync costs nothing; the results of the tests do not depend on the disk."""
    shm = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=shm if os.access(shm, os.W_OK) else None, prefix="pgen-faults-") as folder:
        yield Path(folder)


@pytest.fixture
def place(memory: Path) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def rendered(memory: Path) -> Path:
    return make_dataset(memory / "rendered")


@pytest.fixture
def root(rendered: Path) -> Iterator[Path]:
    """The dataset, of which no byte may change."""
    before = hashes(rendered)
    yield rendered
    assert hashes(rendered) == before


@pytest.fixture(scope="session")
def undisturbed(memory: Path, rendered: Path, runs: Runs) -> dict[str, str]:
    """The output of a run without a fault."""
    job = Job(rendered, memory / "undisturbed", memory / "undisturbed.log")
    assert runs.finish(job) == 0
    return contents(job.out)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    rows: dict[str, dict[str, int]] = defaultdict(lambda: dict.fromkeys(COUNTS, 0))
    for report in terminalreporter.stats.get("passed", []):
        for name, counts in report.user_properties:
            if name == "faults":
                row = rows[counts.pop("row")]
                for key, value in counts.items():
                    row[key.replace("_", " ")] = row.get(key.replace("_", " "), 0) + value
    if not rows:
        return
    write = terminalreporter.write_line
    write(f"\nseed {SEED}\n\n| fault | {' | '.join(COUNTS)} |\n|---|{'---|' * len(COUNTS)}")
    for row, counts in rows.items():
        write(f"| {row} | {' | '.join(f'{counts[key]:,}' for key in COUNTS)} |")
    write(f"| all | {' | '.join(f'{sum(counts[key] for counts in rows.values()):,}' for key in COUNTS)} |")
