"""The provenance of a result: `meta/pgen/manifest.json` (schema `manifest`).

It holds what made the result and what it cost: enough to run it again. No key, token or environment.
"""

import json
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import pgen
from pgen.safety.redaction import redacted
from pgen.storage.durable import write_text

_NAMED = ("pyarrow", "av", "pillow", "torch", "transformers", "lerobot")


def versions() -> dict[str, str]:
    """The versions of pgen, Python and the packages that shape a result, where they are installed."""
    found = {"pgen": pgen.__version__, "python": platform.python_version()}
    for name in _NAMED:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def write(path: Path, manifest: dict[str, Any]) -> None:
    """Write the manifest durably."""
    write_text(path, [json.dumps(redacted(manifest), indent=2, ensure_ascii=False, allow_nan=False), "\n"])
