"""Trace the main job and count how often its control flow moves between files.

Usage: python tools/trace.py [--list N] [--functions]

Renders the demo dataset, runs `pgen annotate` with the generator `template` on it in this process, with a profile
function in every thread, and prints a table:

functions, files    functions of pgen and its plugins that were entered, and the files that define them; bodies of
                    modules and classes, lambdas and generator expressions do not count
switches            steps in the order in which functions were first entered whose function is in another file than
                    the one before: what somebody who reads the job in the order of its execution has to follow
back to a file      switches to a file that was entered and left before
calls, returns      every call and return that moves to another file, repeated ones included

Then the pairs of packages and of files with the most switches between them, and how often each file of the dataset is
opened. Opens are counted by strace in a second run, because pyarrow and FFmpeg open files outside Python; without
strace they are left out.

The code that is traced is the `pgen` that Python imports: set PYTHONPATH to trace another checkout.
--list N            list N pairs each (default 15)
--functions         print the order of first entries, one line a run of functions of one file
"""

import argparse
import re
import shutil
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from inspect import CO_NEWLOCALS
from itertools import groupby, pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from types import CodeType, FrameType
from typing import Any

import pgen
from pgen_demo.example import write_example

TOP = Path(pgen.__file__).parents[1]
_OPENED = re.compile(r'\bopen(?:at)?\([^"]*"([^"]+)"(?!.*O_DIRECTORY).*\) = \d+')

type Call = tuple[str, str]
"""A file, relative to the checkout, and the qualified name of a function in it."""


class Trace:
    """The functions of the project in the order of their first call, and the moves between its files."""

    def __init__(self) -> None:
        self.first_calls: dict[Call, None] = {}
        self.moves = 0
        self._names: dict[CodeType, Call | None] = {}
        self._local = threading.local()

    def profile(self, frame: FrameType, event: str, argument: Any) -> None:
        """Record one event; the signature is that of `sys.setprofile`."""
        if event not in ("call", "return"):
            return
        call = self._name(frame.f_code)
        if call is None:
            return
        stack: list[str] = self._local.__dict__.setdefault("stack", [])
        if event == "call":
            self.first_calls.setdefault(call)
            self.moves += bool(stack) and stack[-1] != call[0]
            stack.append(call[0])
        elif stack:
            left = stack.pop()
            self.moves += bool(stack) and stack[-1] != left

    def _name(self, code: CodeType) -> Call | None:
        if code not in self._names:
            path = Path(code.co_filename)
            in_project = path.is_relative_to(TOP / "pgen") or path.is_relative_to(TOP / "plugins")
            named = in_project and code.co_flags & CO_NEWLOCALS and not code.co_name.startswith("<")
            self._names[code] = (str(path.relative_to(TOP)), code.co_qualname) if named else None
        return self._names[code]


def annotate(arguments: Sequence[str]) -> Trace:
    """Run `pgen annotate` in this process and trace it."""
    from pgen.cli import cli

    trace = Trace()
    threading.setprofile(trace.profile)
    sys.setprofile(trace.profile)
    try:
        cli(["annotate", *arguments], standalone_mode=False)
    finally:
        sys.setprofile(None)
        threading.setprofile(None)
    return trace


def count_opens(arguments: Sequence[str], root: Path, log: Path) -> Counter[str]:
    """Run `pgen annotate` under strace; count the opens of each file below `root`."""
    program = [sys.executable, "-c", "from pgen.cli import cli; cli()", "annotate", *arguments]
    command = ["strace", "-f", "-qq", "--seccomp-bpf", "-e", "trace=open,openat", "-o", str(log), *program]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: S603 - its own command
    paths = (Path(match[1]) for line in log.read_text(errors="replace").splitlines() if (match := _OPENED.search(line)))
    return Counter(str(path.relative_to(root)) for path in paths if path.is_relative_to(root))


def table(trace: Trace, listed: int) -> Iterator[str]:
    """Yield the counts, and the pairs of packages and files with the most switches."""
    files = [file for file, _ in trace.first_calls]
    runs = [file for file, _ in groupby(files)]
    yield f"{'functions':<24}{len(files):>7,}"
    yield f"{'files':<24}{len(set(files)):>7,}"
    yield f"{'switches':<24}{len(runs) - 1:>7,}"
    yield f"{'back to a file':<24}{len(runs) - len(set(files)):>7,}"
    yield f"{'calls, returns':<24}{trace.moves:>7,}"
    for title, names in (("packages", ["/".join(file.split("/")[:2]) for file in runs]), ("files", runs)):
        pairs = Counter(" - ".join(sorted(pair)) for pair in pairwise(names))
        yield from ("", f"switches by {title}", *(f"{count:>5}  {pair}" for pair, count in pairs.most_common(listed)))


def main() -> None:
    parser = argparse.ArgumentParser(description="Count the file switches of the main job.")
    parser.add_argument("--list", type=int, default=15, metavar="N", help="pairs to list")
    parser.add_argument("--functions", action="store_true", help="print the order of first entries")
    options = parser.parse_args()
    with TemporaryDirectory(prefix="pgen-trace-") as folder:
        root = write_example(Path(folder).resolve() / "source")
        arguments = ["--root", str(root), "--generator", "template", "--output-dir"]
        trace = annotate([*arguments, str(root.parent / "traced")])
        print("", *table(trace, options.list), sep="\n")
        if options.functions:
            for file, calls in groupby(trace.first_calls, key=lambda call: call[0]):
                print(f"{file}: {', '.join(name for _, name in calls)}")
        if shutil.which("strace"):
            print("", "opens", sep="\n")
            counts = count_opens([*arguments, str(root.parent / "opened")], root, root.parent / "strace.log")
            print(*(f"{count:>5}  {file}" for file, count in counts.most_common()), sep="\n")


if __name__ == "__main__":
    main()
