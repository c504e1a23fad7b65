"""The sink `report`: write the report of the run beside the output of other sinks."""

from pathlib import Path

from pgen.components import Results, Sink, Source
from pgen_results import page
from pgen_results.read import from_sink
from pgen_results.report_page import FILE, ReportOptions, report_page

_SIZE = 20_000_000
"""An upper estimate of a page's size, in bytes."""


class ReportSink(Sink[ReportOptions]):
    """One page with the numbers of the run and its dialogues, readable without a network."""

    name = "report"

    def needs_bytes(self, source: Source) -> int:
        return _SIZE

    def write(self, results: Results, out: Path) -> None:
        folder = results.source.folder
        name = folder.name if folder and folder.name else "dialogue"
        page.write(out / FILE, report_page(from_sink(results, name), self.options))
