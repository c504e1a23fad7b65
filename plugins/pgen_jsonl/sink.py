"""The sink `jsonl`: `syn_annotations.jsonl` with a line per sample, and the manifest beside it."""

from pathlib import Path

from pgen.components import Results, Sink
from pgen.formats.syn_annotations import FILE, write_lines
from pgen.run import manifest


class JsonlSink(Sink):
    """D_syn lines: each sample with its user prompt and robot utterance."""

    name = "jsonl"

    def write(self, results: Results, out: Path) -> None:
        write_lines(out / FILE, results)
        manifest.write(out / "manifest.json", results.manifest)
