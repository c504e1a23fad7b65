"""Edits of the output that the sink `lerobot` has just written.

A file is written beside its place and renamed into it, never through a link; its hash in the manifest is updated.
"""

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from pgen.components import Options, Sink, Source
from pgen.errors import ConfigError
from pgen.run import manifest
from pgen.storage.durable import write_text
from pgen_lerobot.format import UNDECODED, Dataset, digest, dump_like, read_text
from pgen_lerobot.read import LeRobotSource
from pgen_lerobot.write import MANIFEST


class OtherForm[OptionsT: Options](Sink[OptionsT]):
    """A sink that adds to the dataset that the sink `lerobot` writes."""

    builds_on = "lerobot"

    def dataset(self, source: Source) -> Dataset:
        """Return the input. Raises ConfigError where it is no LeRobot dataset."""
        if not isinstance(source, LeRobotSource):
            raise ConfigError(f"sink {self.name} needs a LeRobot dataset; the source {source.name} is none.")
        return source.dataset


def edit_json(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Change a JSON object in its file and preserve its form."""
    text = read_text(path)
    content = json.loads(text)
    change(content)
    write_text(path, [dump_like(text, content)], UNDECODED)


def rehash(out: Path, names: Iterable[str]) -> None:
    """Update the manifest's hashes of files that were rewritten."""
    content = json.loads((out / MANIFEST).read_text(encoding="utf-8"))
    hashes = content["labels"]["files"] | {name: digest(out / name) for name in names}
    content["labels"]["files"] = dict(sorted(hashes.items()))
    manifest.write(out / MANIFEST, content)
