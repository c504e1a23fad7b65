"""Every command after every interrupted one, on the same paths: no result is lost, and the first one is resumed."""

import shutil
from collections import Counter
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import pytest
from fault_commands import Command, run
from fault_processes import exit_code_of
from fault_runs import make_dataset
from output_files import contents

from pgen.storage.unfinished import unfinished_in

PATHS = ("--root", "in", "--output-dir", "out")
ANNOTATE = ("annotate", "--generator", "fake", "--prompt", "seed", "--check", "none", "--opt", "sampler.interval=1")
SEGMENT = ("segment", "--segmenter", "vlm", "--generator", "fake", "--overwrite")

COMMANDS = {
    "annotate": (*ANNOTATE, *PATHS),
    "annotate --in-place": (*ANNOTATE, "--root", "out", "--in-place"),
    "annotate --segment": (*ANNOTATE, "--segment", "--root", "in", "--output-dir", "out", "--overwrite"),
    "segment": (*SEGMENT, "--root", "in", "--output-dir", "out"),
    "repair": ("repair", "out"),
    "export": ("export", "annotated", "--output-dir", "out"),
}
"""The commands that write, with their arguments."""

STEPS = ("built", "before the rename", "after the rename")
INTERRUPTED = {
    "annotate": [("asking", 12), *((step, 1) for step in STEPS)],
    "annotate --in-place": [("asking", 12), ("built", 1), ("between the renames", 3), ("after the rename", 1)],
    "annotate --segment": [("asking", 6), ("asking", 20), ("before the rename", 2)],
    "segment": [("asking", 6), *((step, 1) for step in STEPS)],
    "repair": [("built", 1), ("between the renames", 1)],
    "export": [("built", 1), ("before the rename", 1)],
}
"""The steps at which each command is killed, and at which time of each."""

AFTERWARDS = {
    **COMMANDS,
    "annotate, another generator": ("annotate", "--generator", "template", "--root", "in", "--output-dir", "out"),
    "segment by gripper": ("segment", "--segmenter", "gripper", "--root", "in", "--output-dir", "out", "--fresh"),
    "replay": ("annotate", "--generator", "replay", "--opt", "generator.path=annotated", *PATHS),
    "preview": ("preview", "--generator", "template", "--root", "in"),
    "verify": ("verify", "out"),
    "report": ("report", "out"),
    "compare": ("compare", "annotated", "out"),
    "push": ("push", "out", "me/nothing"),
    "demo": ("demo", "--output-dir", ".", "--force"),
    **{f"{name} --fresh": (*COMMANDS[name], "--fresh") for name in ("annotate", "annotate --in-place", "segment")},
}
COUNTS = {"out/meta/pgen/segmentation.json", "out/meta/pgen/manifest.json"}
"""Records of the number and times of requests for skills."""
REPAIRED = {"out/meta/pgen/manifest.json", "out/README.md"}
"""Files that `repair` changes in an output that was complete when the command was killed."""
ALWAYS = {("annotate --in-place", "asking"): ["repair"], ("annotate", "asking"): ["segment --fresh", "demo"]}
"""Pairs that are always tested, because they lost results in an earlier version."""
STARTS_WITH_OUT = {"annotate --in-place": "in", "repair": "annotated"}


@dataclass(frozen=True, slots=True)
class Sandbox:
    """A folder with inputs, in which commands are started one after another."""

    folder: Path
    template: Path

    def reset(self, first):
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.copytree(self.template, self.folder, symlinks=True)
        if first in STARTS_WITH_OUT:
            shutil.copytree(self.folder / STARTS_WITH_OUT[first], self.folder / "out")
        if first == "repair":  # an output without its table of dialogues
            tasks = self.folder / "out/meta/tasks_high_level.parquet"
            tasks.unlink()

    def start(self, arguments, step="", times=1):
        """Execute a command; return its exit code, negative if it was killed."""
        paths = {"in", "out", "annotated", ".", "generator.path=annotated"}
        expanded = (self._path(text) if text in paths else text for text in arguments)
        command = Command(tuple(expanded), self.folder.with_suffix(".log"), step, times)
        command.log.with_suffix(".errors").unlink(missing_ok=True)
        return exit_code_of(run, command)

    def _path(self, text):
        name, sign, path = text.rpartition("=")
        return f"{name}{sign}{self.folder / path}"

    @property
    def output(self):
        return self.folder.with_suffix(".errors").read_text()

    def requests(self):
        log = self.folder.with_suffix(".log")
        return Counter(log.read_text().splitlines()) if log.exists() else Counter()

    def clear_log(self):
        self.folder.with_suffix(".log").unlink(missing_ok=True)

    def results(self):
        """Return the number of results in the journals of all commands."""
        return sum(journal.results for journal in unfinished_in(self.folder))

    def inputs(self):
        """Return the contents of the inputs."""
        return {
            name: content for name, content in contents(self.folder).items() if name.startswith(("in/", "annotated/"))
        }


IN_FLIGHT = 4


@pytest.fixture(scope="module")
def sandbox(memory):
    """The sandbox with its inputs: a dataset, and one with dialogue."""
    template = memory / "commands-template"
    make_dataset(template / "in")
    (template / ".pgen-demo").touch()
    sandbox = Sandbox(memory / "commands", template)
    shutil.copytree(template, sandbox.folder)
    assert sandbox.start((*ANNOTATE, "--root", "in", "--output-dir", "annotated")) == 0, sandbox.output
    shutil.move(sandbox.folder / "annotated", template / "annotated")
    return sandbox


@pytest.fixture(scope="module")
def undisturbed(sandbox):
    """The output of each command without an interruption, and the number of its requests."""
    results = {}
    for name, arguments in COMMANDS.items():
        sandbox.reset(name)
        sandbox.clear_log()
        assert sandbox.start(arguments) == 0, (name, sandbox.output)
        results[name] = contents(sandbox.folder), sandbox.requests().total()
    return results


def pairs(rng, number):
    """Yield all pairs in a long run; in a quick one those in ALWAYS, and a random one for each interruption."""
    for first, steps in INTERRUPTED.items():
        for step in steps:
            always = ALWAYS.get((first, step[0]), [])
            others = [name for name in AFTERWARDS if name != first and name not in always]
            yield from product([first], [step], [*always, *rng.sample(others, number(1, len(others)))])


def test_no_command_loses_a_result_of_an_interrupted_one(sandbox, undisturbed, tally, number, rng):
    count = redone = pending = 0
    for first, (step, times), second in pairs(rng, number):
        case = (first, step, times, second)
        sandbox.reset(first)
        sandbox.clear_log()
        assert sandbox.start(COMMANDS[first], step, times) == -9, (case, sandbox.output)
        before, requests, inputs = sandbox.results(), sandbox.requests().total(), sandbox.inputs()
        assert before or step != "asking", case
        if second == "demo" and not before:
            continue  # without results, `demo` may replace its folder
        code = sandbox.start(AFTERWARDS[second])
        repeated = sandbox.requests().total() - requests
        count += 1
        if second == f"{first} --fresh":
            assert code == 0 or "exists already" in sandbox.output, (case, sandbox.output)
        else:
            check_refusal(sandbox, case, code, before)
        assert sandbox.inputs() == inputs, case
        if repeated and before:  # of a complete output, which another command may use
            assert step == "after the rename" or second == f"{first} --fresh", (case, "requests before the refusal")
        elif before:
            redone_now = check_resume(sandbox, case, undisturbed[first])
            pending, redone = pending + requests - before, redone + redone_now
    tally.add("another command after an interrupted one", count, in_flight=pending, redone=redone)


def check_refusal(sandbox, case, code, before):
    """Check that a command left the results of an unfinished one alone, and was refused if it would replace them."""
    assert sandbox.results() == before or (sandbox.folder / "out").exists(), (case, sandbox.output)
    assert code in (0, 2, 4, 5), (case, sandbox.output)
    assert "Traceback" not in sandbox.output, (case, sandbox.output)
    if sandbox.results() != before:  # the output was already complete, and its journal was removed
        assert case[1] == "after the rename", (case, sandbox.output)
    if before and " of an unfinished `pgen " in sandbox.output:
        assert code == 2, (case, sandbox.output)


def check_resume(sandbox, case, undisturbed):
    """Resume the first command, and compare its output; return the number of repeated requests."""
    reference, requests = undisturbed
    code = sandbox.start(COMMANDS[case[0]])
    # If the output is complete, the command refuses to replace it.
    after_rename = case[1] in ("between the renames", "after the rename")
    complete = after_rename and "replace it with --overwrite" in sandbox.output
    assert code == 0 or "exists already" in sandbox.output or complete, (case, sandbox.output)
    files = contents(sandbox.folder)
    changed = {name for name, text in reference.items() if name.startswith("out/") and files.get(name) != text}
    repaired = REPAIRED if case[1] == "after the rename" and case[3] == "repair" else set()
    assert changed <= repaired | (COUNTS if "segment" in case[0] else set()), case
    redone = sandbox.requests().total() - requests
    assert 0 <= redone <= IN_FLIGHT, case
    return redone
