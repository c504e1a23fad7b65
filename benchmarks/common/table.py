"""Show results: a line on the terminal, and a row of the table in the docs."""

import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

HEAD = "| measure | pgen | limit | others | command |\n|---|---|---|---|---|\n"
START, END = "<!-- figures -->\n", "<!-- end of figures -->\n"


@dataclass(frozen=True, slots=True)
class Row:
    """One measure: the values of pgen, of the limit, and of others by name."""

    measure: str
    pgen: str
    limit: str
    others: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        values = {"pgen": self.pgen, "limit": self.limit, **self.others}
        return f"{self.measure}: {'; '.join(f'{name} {value}' for name, value in values.items() if value)}"

    def markdown(self, benchmark: str) -> str:
        others = ", ".join(f"{name} {value}" for name, value in self.others.items())
        cells = (self.measure, self.pgen, self.limit, others, _command(benchmark))
        return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |\n"


def main(lines: Callable[[bool], Iterator[object]]) -> None:
    """Run one benchmark from the command line; `--tiny` runs it at a size whose results mean nothing."""
    for line in lines("--tiny" in sys.argv[1:]):
        print(line, flush=True)


def update(page: Path, benchmark: str, rows: Iterable[Row]) -> None:
    """Replace a benchmark's rows in the page's table and keep the others."""
    before, _, rest = page.read_text(encoding="utf-8").partition(START)
    old, _, after = rest.partition(END)
    ending = f"| {_command(benchmark)} |\n"
    kept = [line for line in old.removeprefix(HEAD).splitlines(keepends=True) if not line.endswith(ending)]
    body = "".join([*kept, *(row.markdown(benchmark) for row in rows)])
    page.write_text(f"{before}{START}{HEAD}{body}{END}{after}", encoding="utf-8")


def _command(benchmark: str) -> str:
    return f"`python benchmarks/{benchmark}.py`"
