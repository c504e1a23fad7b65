"""The sink `report`: the run as a page, `report.html`, beside what other sinks write."""

from pathlib import Path

from pgen.components import Results, Sink, Source
from pgen_results import page
from pgen_results.read import of_results
from pgen_results.report_page import FILE, ReportOptions, report_page

_ROOM = 20_000_000


class ReportSink(Sink[ReportOptions]):
    """One page with the numbers of the run and its dialogues, readable without a network."""

    name = "report"

    def needs_bytes(self, source: Source) -> int:
        return _ROOM

    def write(self, results: Results, out: Path) -> None:
        told = of_results(results, name=str(results.source.folder.name if results.source.folder else "dialogue"))
        page.write(out / FILE, report_page(told, self.options))
