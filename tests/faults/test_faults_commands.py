"""Every command after every interrupted one, on the same paths: no answer is lost, and the first one goes on."""

import multiprocessing
import shutil
from collections import Counter
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import pytest
from fault_commands import Command, run
from fault_runs import make_dataset
from output_files import contents

from pgen.storage.unfinished import unfinished_in

INTO_OUT = ("--root", "in", "--output-dir", "out")
ANNOTATE = ("annotate", "--generator", "fake", "--prompt", "seed", "--check", "none", "--opt", "sampler.interval=1")
SEGMENT = ("segment", "--segmenter", "vlm", "--generator", "fake", "--overwrite")

COMMANDS = {
    "annotate": (*ANNOTATE, *INTO_OUT),
    "annotate --in-place": (*ANNOTATE, "--root", "out", "--in-place"),
    "annotate --segment": (*ANNOTATE, "--segment", "--root", "in", "--output-dir", "out", "--overwrite"),
    "segment": (*SEGMENT, "--root", "in", "--output-dir", "out"),
    "repair": ("repair", "out"),
    "export": ("export", "annotated", "--output-dir", "out"),
}
"""Those that change something, and what they are given."""

STEPS = ("built", "before the rename", "after the rename")
INTERRUPTED = {
    "annotate": [("asking", 12), *((step, 1) for step in STEPS)],
    "annotate --in-place": [("asking", 12), ("built", 1), ("between the renames", 3), ("after the rename", 1)],
    "annotate --segment": [("asking", 6), ("asking", 20), ("before the rename", 2)],
    "segment": [("asking", 6), *((step, 1) for step in STEPS)],
    "repair": [("built", 1), ("between the renames", 1)],
    "export": [("built", 1), ("before the rename", 1)],
}
"""Where each is killed: at a place, when it is passed for the n-th time."""

AFTERWARDS = {
    **COMMANDS,
    "annotate, another generator": ("annotate", "--generator", "template", "--root", "in", "--output-dir", "out"),
    "segment by gripper": ("segment", "--segmenter", "gripper", "--root", "in", "--output-dir", "out", "--fresh"),
    "replay": ("annotate", "--generator", "replay", "--opt", "generator.path=annotated", *INTO_OUT),
    "preview": ("preview", "--generator", "template", "--root", "in"),
    "verify": ("verify", "out"),
    "report": ("report", "out"),
    "compare": ("compare", "annotated", "out"),
    "push": ("push", "out", "me/nothing"),
    "demo": ("demo", "--output-dir", ".", "--force"),
    **{f"{name} --fresh": (*COMMANDS[name], "--fresh") for name in ("annotate", "annotate --in-place", "segment")},
}
COUNTS = {"out/meta/pgen/segmentation.json", "out/meta/pgen/manifest.json"}
"""Records of how often and when a model was asked about skills."""
REPAIRED = {"out/meta/pgen/manifest.json", "out/README.md"}
"""Records of the repair of an output that was complete when the command was killed."""
ALWAYS = {("annotate --in-place", "asking"): ["repair"], ("annotate", "asking"): ["segment --fresh", "demo"]}
"""Pairs of every run: these once lost answers."""
STARTS_WITH_OUT = {"annotate --in-place": "in", "repair": "annotated"}


@dataclass(frozen=True, slots=True)
class Place:
    """A folder with inputs, in which commands are started one after the other."""

    folder: Path
    made: Path

    def reset(self, first):
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.copytree(self.made, self.folder, symlinks=True)
        if first in STARTS_WITH_OUT:
            shutil.copytree(self.folder / STARTS_WITH_OUT[first], self.folder / "out")
        if first == "repair":  # labels that point at other rows than they should
            tasks = self.folder / "out/meta/tasks_high_level.parquet"
            tasks.unlink()

    def start(self, arguments, place="", times=1):
        """The exit code, negative where it was killed."""
        paths = {"in", "out", "annotated", ".", "generator.path=annotated"}
        given = (self._path(text) if text in paths else text for text in arguments)
        command = Command(tuple(given), self.folder.with_suffix(".log"), place, times)
        command.log.with_suffix(".errors").unlink(missing_ok=True)
        process = CONTEXT.Process(target=run, args=(command,))
        process.start()
        process.join()
        return process.exitcode

    def _path(self, text):
        name, sign, path = text.rpartition("=")
        return f"{name}{sign}{self.folder / path}"

    @property
    def said(self):
        return self.folder.with_suffix(".errors").read_text()

    def asked(self):
        log = self.folder.with_suffix(".log")
        return Counter(log.read_text().splitlines()) if log.exists() else Counter()

    def forget_questions(self):
        self.folder.with_suffix(".log").unlink(missing_ok=True)

    def answers(self):
        """How many answers the journals hold, of whatever command."""
        return sum(left.results for left in unfinished_in(self.folder))

    def others(self):
        """Everything that is none of the output's or of a command that is under way."""
        return {name: told for name, told in contents(self.folder).items() if name.startswith(("in/", "annotated/"))}


CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(
    ["fault_commands", "pgen_lerobot.write.sink", "pgen_segment.job", "pgen_results.report_page"]
)
IN_FLIGHT = 4


@pytest.fixture(scope="module")
def there(memory):
    """The place with its inputs: a dataset, and one with dialogue."""
    made = memory / "commands-made"
    make_dataset(made / "in")
    (made / ".pgen-demo").touch()
    place = Place(memory / "commands", made)
    shutil.copytree(made, place.folder)
    assert place.start((*ANNOTATE, "--root", "in", "--output-dir", "annotated")) == 0, place.said
    shutil.move(place.folder / "annotated", made / "annotated")
    return place


@pytest.fixture(scope="module")
def undisturbed(there):
    """What each command gives that nobody interrupts, and how many questions it asks."""
    results = {}
    for name, arguments in COMMANDS.items():
        there.reset(name)
        there.forget_questions()
        assert there.start(arguments) == 0, (name, there.said)
        results[name] = contents(there.folder), there.asked().total()
    return results


def pairs(rng, number):
    """All pairs in a long run; in a quick one, of each interrupted command a few with random others."""
    for first, steps in INTERRUPTED.items():
        for step in steps:
            always = ALWAYS.get((first, step[0]), [])
            others = [name for name in AFTERWARDS if name != first and name not in always]
            yield from product([first], [step], [*always, *rng.sample(others, number(1, len(others)))])


def test_no_command_loses_an_answer_that_an_interrupted_one_left(there, undisturbed, tally, number, rng):
    count = redone = flying = 0
    for first, (step, times), second in pairs(rng, number):
        told = (first, step, times, second)
        there.reset(first)
        there.forget_questions()
        assert there.start(COMMANDS[first], step, times) == -9, (told, there.said)
        before, asked, inputs = there.answers(), there.asked().total(), there.others()
        assert before or step != "asking", told
        if second == "demo" and not before:
            continue  # it may replace its folder
        code = there.start(AFTERWARDS[second])
        more = there.asked().total() - asked
        count += 1
        if second == f"{first} --fresh":
            assert code == 0 or "exists already" in there.said, (told, there.said)
        else:
            judge(there, told, code, before)
        assert there.others() == inputs, told
        if more and before:  # of a complete output, which another command may use
            assert step == "after the rename" or second == f"{first} --fresh", (told, "requests before the refusal")
        elif before:
            again = finish(there, told, undisturbed[first])
            flying, redone = flying + asked - before, redone + again
    tally.add("another command after an interrupted one", count, in_flight=flying, redone=redone)


def judge(there, told, code, before):
    """Whoever would have to touch the answers says so; whoever only reads lets them be."""
    assert there.answers() == before or (there.folder / "out").exists(), (told, there.said)
    assert code in (0, 2, 4, 5), (told, there.said)
    assert "Traceback" not in there.said, (told, there.said)
    if there.answers() != before:  # the output was whole already, and what was left beside it was removed
        assert told[1] == "after the rename", (told, there.said)
    if before and " of an unfinished `pgen " in there.said:
        assert code == 2, (told, there.said)


def finish(there, told, undisturbed):
    """The first command once more: it ends as if nobody had disturbed it; how many questions it asked again."""
    whole, questions = undisturbed
    code = there.start(COMMANDS[told[0]])
    # Once the output was complete, the command refuses to replace what it would write again.
    complete = told[1] in ("between the renames", "after the rename") and "replace it with --overwrite" in there.said
    assert code == 0 or "exists already" in there.said or complete, (told, there.said)
    found = contents(there.folder)
    changed = {name for name, text in whole.items() if name.startswith("out/") and found.get(name) != text}
    repaired = REPAIRED if told[1] == "after the rename" and told[3] == "repair" else set()
    assert changed <= repaired | (COUNTS if "segment" in told[0] else set()), told
    redone = there.asked().total() - questions
    assert 0 <= redone <= IN_FLIGHT, told
    return redone
