"""The value of a run's dialogue to a policy: what a small policy learns from it, beside what it learns without.

A linear policy (ridge regression on thumbnails and hashed words) learns from two thirds of a run's episodes which skill
follows a user prompt held at a frame. It is tested on the other episodes with prompts that people wrote:

- step: the skill that a prompt asks for
- choice: one of the objects left, at the moment when the robot turns to another one
- steer: another object, while the robot turns to one
- stop: no skill (the class `wait`)
- whole: the whole task; the prompt is held at every frame, and the frame's next skill is right
- standing: a constraint, held three skills later and beyond, where the robot may take what it excludes

In choice, steer and standing the policy chooses among the objects left, otherwise among all skills and `wait`.

The rows are draws of `LeRobotDialogueDataset(draw=True)`, several per frame. Trained on:

- task names: the task as the only prompt
- shuffled: the exchanges with the prompts of other rows, as a control
- one line per second: the former form (`--former RUN`)
- exchanges: the run
- with counterfactuals: also its prompts that lead elsewhere
- the test prompts: those of step and choice, as exchanges. A bound: what this policy can learn at best

Each cell is the mean of the prompts' accuracies, with the interval of 95 % by bootstrap over prompts.
Usage: value.py [--prompts FILE] [--seed N] [--counterfactuals SHARE] [--former RUN] [[DATASET=]RUN ...]

Without a RUN it renders simulated groceries and blocks and annotates them, and the datasets with skills in
PGEN_DATASETS, with `template`.
"""

import argparse
import os
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np

from common.groceries import write_groceries, write_stack
from common.policy import Policy, components
from common.value_draws import WAIT, Row
from common.value_prompts import FOLDER, SETS, Placement, Placements, Prompt, read_prompts
from common.value_run import Run, read_run
from common.value_training import conditions, is_held_out
from pgen.api import annotate
from pgen_dialogue.prompts.hi_robot import HiRobotPrompt
from pgen_samplers.samplers import Segments

if TYPE_CHECKING:
    from common.policy import Matrix

PARTIAL = (1, 4, 6, 9)
"""Episodes that leave one object on the table, so that a constraint can exclude it."""
SIMULATED = {"pickplace": "sim_pickplace_so101_v30", "drawer": "sim_drawer_sawyer_v30_av1"}
"""Folders in PGEN_DATASETS by the names of their prompts' datasets."""
RESAMPLES = 2000
SHARE = 0.15
"""The share of counterfactual rows."""


class Trial:
    """A run, the prompts of its dataset, and the frames at which they are tested."""

    def __init__(self, run: Run, prompts: Sequence[Prompt]) -> None:
        self.run = run
        tests = Placements(run, prompts)
        self.tests = {prompt: held for prompt in dict.fromkeys(prompts) if (held := tests.of(prompt))}
        self.sets = list(dict.fromkeys([*SETS, *(prompt.set for prompt in self.tests)]))
        self.classes = [*run.skills, WAIT]
        training = [i for i, frame in enumerate(run.frames) if not is_held_out(run, frame.episode)]
        self.images: Matrix = components(run.images, training)

    @property
    def known(self) -> dict[str, list[str]]:
        """The tested prompts for steps and choices, by skill."""
        by_skill: dict[str, list[str]] = defaultdict(list)
        for prompt in self.tests:
            if prompt.set in ("step", "choice") and prompt.skill:
                by_skill[prompt.skill].append(prompt.user_prompt)
        return by_skill

    def scores(self, rows: Sequence[Row]) -> dict[str, list[float]]:
        """Return each prompt's accuracy, by set, of a policy trained on the rows."""
        policy = self.policy(rows)
        by_set: dict[str, list[float]] = defaultdict(list)
        for prompt, held in self.tests.items():
            by_set[prompt.set].append(self._accuracy(policy, prompt.user_prompt, held))
        return by_set

    def policy(self, rows: Sequence[Row]) -> Policy:
        """Return a policy trained on the rows, without those that lead to a skill that no frame has."""
        number = {skill: position for position, skill in enumerate(self.classes)}
        positions = [self.run.positions[row.place] for row in rows]
        listed = [(row, at, row.skill or self.run.frames[at].skill) for row, at in zip(rows, positions, strict=True)]
        listed = [(row, at, skill) for row, at, skill in listed if skill in number]
        return Policy(
            self.images[[at for _, at, _ in listed]],
            [row.user_prompt for row, *_ in listed],
            [number[skill] for *_, skill in listed],
            len(self.classes),
            [row.episode for row, *_ in listed],
        )

    def _accuracy(self, policy: Policy, text: str, held: Sequence[Placement]) -> float:
        values = policy.values(self.images[[test.frame for test in held]], [text] * len(held))
        return sum(self._choice(row, test) in test.right for row, test in zip(values, held, strict=True)) / len(held)

    def _choice(self, values: Any, test: Placement) -> str:
        if not test.options:
            return self.classes[values.argmax()]
        return max(test.options, key=lambda skill: values[self.classes.index(skill)])

    def chance(self) -> dict[str, list[float]]:
        """Return each prompt's accuracy if the choice among its options is random."""
        by_set: dict[str, list[float]] = defaultdict(list)
        for prompt, held in self.tests.items():
            shares = [len(test.right) / (len(test.options) or len(self.classes)) for test in held]
            by_set[prompt.set].append(float(np.mean(shares)))
        return by_set


def prompts_of(run: Run, dataset: str, prompts: Sequence[Prompt]) -> list[Prompt]:
    """Return the prompts of a dataset; without its name, of the datasets that share the most skills with the run."""
    shared: dict[str, set[str]] = defaultdict(set)
    for prompt in prompts:
        shared[prompt.dataset].update({prompt.skill} & set(run.skills) if prompt.skill else ())
    most = max(map(len, shared.values()), default=0)
    datasets = {dataset} if dataset else {name for name, skills in shared.items() if most and len(skills) == most}
    return [prompt for prompt in prompts if prompt.dataset in datasets]


def interval(scores: Sequence[float], seed: int) -> tuple[float, float]:
    """Return the interval of 95 % of the mean, by bootstrap."""
    rng = np.random.default_rng(seed)
    means = rng.choice(np.array(scores), (RESAMPLES, len(scores))).mean(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    return float(low), float(high)


def table(run: Run, prompts: Sequence[Prompt], share: float, seed: int) -> Iterator[str]:
    """Yield the table of a run."""
    trial = Trial(run, prompts)
    held_out = sum(is_held_out(run, episode) for episode in run.spans)
    yield (
        f"{run.name}: {len(run.spans) - held_out} episodes, tested on {held_out} others; "
        f"{len(run.draws.counterfactuals)} counterfactuals"
    )
    if left_out := len(set(prompts)) - len(trial.tests):
        yield f"{left_out} prompts lead to no choice in the held-out episodes, and are left out"
    counts = Counter(prompt.set for prompt in trial.tests)
    yield f"{'trained on':<21}" + "".join(f"{f'{name} ({counts[name]})':>15}" for name in trial.sets)
    chance = trial.chance()
    means = [f"{100 * float(np.mean(chance[kind])):.0f}" if chance[kind] else "-" for kind in trial.sets]
    yield f"{'(by chance)':<21}" + "".join(f"{mean:>15}" for mean in means)
    for name, rows in conditions(run, share, seed, trial.known):
        scores = trial.scores(rows)
        yield f"{name:<21}" + "".join(f"{_cell(scores.get(kind, ()), seed):>15}" for kind in trial.sets)


def _cell(scores: Sequence[float], seed: int) -> str:
    if not scores:
        return "-"
    low, high = interval(scores, seed)
    return f"{100 * float(np.mean(scores)):.0f} [{100 * low:.0f}, {100 * high:.0f}]"


def lines(tiny: bool = False) -> Iterator[str]:
    """Yield the tables of simulated datasets, annotated with `template`."""
    with TemporaryDirectory() as place:
        for name, source in _sources(Path(place), tiny).items():
            run, former = (Path(place) / f"{name}-{form}" for form in ("run", "former"))
            annotate(source, run, generator="template", prompt=HiRobotPrompt(counterfactuals=0.5))
            one_per_second = Segments(interval=1.0)
            annotate(source, former, generator="template", sampler=one_per_second, scopes={"step": 1}, variants=1)
            yield from tables([f"{name}={run}"], [former], (), SHARE, 0)


def _sources(place: Path, tiny: bool) -> dict[str, Path]:
    if tiny:
        return {"groceries": write_groceries(place / "groceries", 3)}
    made = {
        "groceries": write_groceries(place / "groceries", partial=PARTIAL),
        "stack": write_stack(place / "stack"),
    }
    folder = Path(os.environ.get("PGEN_DATASETS", place))
    return made | {name: folder / path for name, path in SIMULATED.items() if (folder / path).is_dir()}


def tables(
    runs: Sequence[str], former: Sequence[Path], files: Sequence[Path], share: float, seed: int
) -> Iterator[str]:
    """Yield the tables of runs, each a folder or DATASET=FOLDER; `former` are runs of the same datasets."""
    prompts = read_prompts([*sorted(FOLDER.glob("*.jsonl")), *files])
    for named, other in zip_longest(runs, former[: len(runs)]):
        dataset, _, folder = named.rpartition("=")
        run = read_run(Path(folder), other)
        yield from table(run, prompts_of(run, dataset, prompts), share, seed)


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure what a small policy learns from runs.")
    parser.add_argument("runs", nargs="*", metavar="[DATASET=]RUN", help="an annotated dataset")
    parser.add_argument("--prompts", type=Path, action="append", default=[], help="further test prompts")
    parser.add_argument("--former", type=Path, action="append", default=[], help="a run with one line per second")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--counterfactuals", type=float, default=SHARE, metavar="SHARE", help="of the rows")
    it = parser.parse_args()
    made = tables(it.runs, it.former, it.prompts, it.counterfactuals, it.seed) if it.runs else lines()
    for line in made:
        print(line, flush=True)


if __name__ == "__main__":
    main()
