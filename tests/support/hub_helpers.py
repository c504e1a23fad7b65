"""A process of pgen's own whose Hub is the stand-in, and whose caches are a test's."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from forked import run_pgen
from hub_server import TOKEN, Hub

MAIN = "import time; time.sleep = lambda seconds: None; from pgen.cli import main; main()"
"""The program, without the seconds that huggingface_hub waits before it tries again."""

_FOREIGN = ("HF_", "HUGGING", "XDG_")


def environment(hub: Hub, home: Path, **more: str) -> dict[str, str]:
    """The variables of the process: of Hugging Face's none but those of the test, and files by LFS, not by Xet."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(_FOREIGN)}
    own = {"HF_ENDPOINT": hub.url, "HF_HOME": str(home), "HF_TOKEN": TOKEN, "HF_HUB_DISABLE_XET": "1"}
    return {**kept, **own, **more}


def pgen(hub: Hub, home: Path, *arguments: Any, **more: str) -> "subprocess.CompletedProcess[str]":
    """Run `pgen` to its end."""
    command = [sys.executable, "-c", MAIN, *map(str, arguments)]
    return run_pgen(command, environment(hub, home, **more))


def refused(done: "subprocess.CompletedProcess[str]") -> str:
    """The one sentence that the process ended with. Fails the test where it ended in any other way."""
    lines = [line for line in done.stderr.splitlines() if line.startswith("pgen: error: ")]
    assert (done.returncode, len(lines)) == (2, 1), done.stderr
    assert "Traceback" not in done.stderr
    return lines[0]


UNREACHABLE = ("http://127.0.0.1:9", "http://hub.invalid", "127.0.0.1:9", "http://[::1", "http://a:b:c")
"""Addresses of no Hub: refused, no such host, without a scheme, malformed for the standard library and for httpx."""


def annotated(hub: Hub, home: Path, out: Path, *arguments: Any, **more: str) -> "subprocess.CompletedProcess[str]":
    """Annotate by `template` what `arguments` name."""
    return pgen(hub, home, "annotate", "--output-dir", out, "--generator", "template", *arguments, **more)
