"""A page as what can be run of it: its blocks in their order, each in one folder, and what they are to print.

A block whose paragraph ends in a file name and a colon is that file. A `…` alone on a line stands for any lines.
"""

import os
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import zip_longest
from pathlib import Path

from forked import RUN, run_lerobot, run_pgen

TOP = Path(__file__).parents[2]
PAGES = [TOP / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")] + sorted(TOP.glob("docs/*.md"))
HOME = "/home/you"
MAIN = """
from forked import run_lerobot

import pgen_lerobot.verify.lerobot
from pgen.cli import main

pgen_lerobot.verify.lerobot._execute = run_lerobot
main()
"""
"""The command `pgen`, whose `verify` finds lerobot imported."""
type Run = Callable[..., "subprocess.CompletedProcess[str]"]

_OPTIONAL = ("lerobot", "pandas", "torch")
_UNOPENED = "note: lerobot is not installed: it did not try to open the dataset\n"
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_NAMED = re.compile(r"`([\w./-]+\.\w+)`:\s*\Z")
_SHARED = re.compile(r"^note +[\d,]+ videos are hard links .*\n", re.MULTILINE)
"""What a run says on a file system that cannot clone files: not on every one, so that no page shows it."""
_SECONDS = re.compile(r"^(seconds +)[\d.]+$", re.MULTILINE)
_COMMAND = re.compile(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block; `file` is the name that the paragraph before it gives."""

    language: str
    text: str
    file: str | None


def blocks(page: Path) -> list[Block]:
    text = page.read_text(encoding="utf-8")
    found = []
    for fence in _FENCE.finditer(text):
        named = _NAMED.search(text[: fence.start()])
        found.append(Block(fence[1], fence[2], named[1] if named else None))
    return found


class Folder:
    """Where a page is read from top to bottom: what it writes is there, what it installs is found."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._has_plugin = False
        for name in ("annotate_pgen.py", "benchmarks", "docs"):
            (path / name).symlink_to(TOP / name)

    def run(self, page: Path) -> set[str]:
        """Run every block but those that import what is not installed, which is returned.

        Raises AssertionError where one fails or prints something else.
        """
        left_out: set[str] = set()
        listed = blocks(page)
        for block, following in zip_longest(listed, listed[1:]):
            if block.file:
                self._write(block.file, block.text)
            elif block.language == "console":
                for command, expected in _COMMAND.findall(block.text):
                    self._check_command(command, expected)
            elif block.language == "python" and (missing := _missing(block.text)):
                left_out |= missing
            elif block.language == "python":
                run = _run_installed if self._has_plugin else run_pgen
                run = run_lerobot if _imports(block.text).intersection(_OPTIONAL) else run
                printed = self._execute([sys.executable, "-c", block.text], succeeds=True, run=run)
                if following and following.language == "text":
                    assert printed == following.text, f"{block.text}\n{printed}\n--- instead of\n{following.text}"
        return left_out

    def _check_command(self, command: str, expected: str) -> None:
        program, *arguments = shlex.split(_recipe(command))
        programs = {"pgen": [sys.executable, "-c", MAIN], "python": [sys.executable]}
        run: Run = run_pgen
        if self._has_plugin or command.startswith("make "):
            programs["pgen"], run = [str(Path(sys.executable).with_name("pgen"))], _run_installed
        printed = self._execute(programs[program] + arguments, succeeds="pgen: error" not in expected, run=run)
        pattern = "".join("(?:.*\n)*?" if line == "…\n" else re.escape(line) for line in _lines(expected))
        assert re.fullmatch(pattern, _seconds(printed)), f"$ {command}\n{printed}\n--- instead of\n{expected}"

    def _execute(self, command: list[str], *, succeeds: bool, run: Run) -> str:
        own = {"PYTHONPATH": str(self.path), "HF_HOME": str(self.path / ".hf"), "PYTEST_XDIST_TESTRUNUID": RUN}
        done = run(command, env={**os.environ, **own}, cwd=self.path)
        assert (done.returncode == 0) == succeeds, f"{command} ended with {done.returncode}:\n{done.stderr[-3000:]}"
        told = "".join(f"{line}\n" for line in done.stderr.splitlines() if line.startswith("pgen: "))
        printed = done.stdout if find_spec("lerobot") else done.stdout.replace(_UNOPENED, "")
        return _SHARED.sub("", printed + told).replace(str(self.path), HOME)

    def _write(self, name: str, text: str) -> None:
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        if name == "pyproject.toml":
            self._install(tomllib.loads(text)["project"])

    def _install(self, project: dict) -> None:
        """What `pip install .` leaves of a plugin, beside its module."""
        info = self.path / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
        info.mkdir()
        self._has_plugin = True
        (info / "METADATA").write_text(f"Name: {project['name']}\nVersion: {project['version']}\n")
        points = "".join(f"{name} = {module}\n" for name, module in project["entry-points"]["pgen"].items())
        (info / "entry_points.txt").write_text(f"[pgen]\n{points}")


def shell_commands() -> Iterator[tuple[str, list[str]]]:
    """The commands that pages name without running them."""
    for page in PAGES:
        for block in blocks(page):
            if block.language == "sh":
                yield from ((page.name, shlex.split(line)) for line in block.text.splitlines())


def _recipe(command: str) -> str:
    """What a `make` target runs, with the tools of this environment."""
    if not command.startswith("make "):
        return command
    makefile = (TOP / "Makefile").read_text(encoding="utf-8")
    found = re.search(rf"^{command[5:]}:.*\n\t(?:\.venv\S*/bin/)?(.*)$", makefile, re.MULTILINE)
    assert found, f"the Makefile has no target for `{command}`"
    return found[1]


def _missing(code: str) -> set[str]:
    """The optional packages that the code uses and that are not installed."""
    return {name for name in _imports(code).intersection(_OPTIONAL) if find_spec(name) is None}


def _imports(code: str) -> set[str]:
    return set(re.findall(r"(?:^from |^import |\bto_)(\w+)", code, re.MULTILINE))


def _run_installed(command: list[str], env: dict[str, str], cwd: Path) -> "subprocess.CompletedProcess[str]":
    """Execute a command as a user does. Needed where pgen has to find a plugin when it is imported."""
    return subprocess.run(command, capture_output=True, text=True, env=env, cwd=cwd, check=False)


def _seconds(text: str) -> str:
    return _SECONDS.sub(r"\1N", text)


def _lines(text: str) -> list[str]:
    return _seconds(text).splitlines(keepends=True)
