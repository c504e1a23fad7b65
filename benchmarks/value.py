"""The value of a run's dialogue to a policy: what a small policy learns from it, beside what it learns without.

A linear policy (softmax regression on thumbnails and hashed words) learns from two thirds of a run's episodes which
skill follows a user prompt held at a frame. It is tested on the other episodes with prompts that people wrote:

- step: the skill that a prompt asks for
- choice: one of the objects left, at the moment when the robot turns to another one
- steer: another object, while the robot turns to one
- stop: no skill (the class `wait`)
- whole: the whole task; the prompt is held at every frame, and the frame's next skill is right
- standing: a constraint, held three skills later and beyond, where the robot may take what it excludes

Each cell is the mean of the prompts' accuracies, with the interval of 95 % by bootstrap over prompts. `task names` has
the task as its only prompt in training, `shuffled` the prompts of other exchanges, and `one line per moment` is the
former form. Usage: value.py [--prompts FILE] [--seed N] [--counterfactuals SHARE] [[DATASET=]RUN …]

Without a RUN it renders simulated groceries and annotates them with `template`.
"""

import argparse
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np

from common.groceries import write_groceries
from common.policy import Components, Policy
from common.value_prompts import FOLDER, SETS, Placement, Placements, Prompt, read_prompts
from common.value_run import Run, read_run
from common.value_training import WAIT, Row, conditions, is_held_out
from pgen.api import annotate

if TYPE_CHECKING:
    from common.policy import Matrix

PARTIAL = (1, 4, 6, 9)
"""Episodes that leave one object on the table, so that a constraint can exclude it."""
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
        self.images: Matrix = Components(run.images[training])(run.images)

    def scores(self, rows: Sequence[Row]) -> dict[str, list[float]]:
        """Return each prompt's accuracy, by set, of a policy trained on the rows."""
        number = {skill: position for position, skill in enumerate(self.classes)}
        rows = [row for row in rows if row.skill in number]
        policy = Policy(
            self.images[[row.frame for row in rows]],
            [row.user_prompt for row in rows],
            [number[row.skill] for row in rows],
            len(self.classes),
        )
        by_set: dict[str, list[float]] = defaultdict(list)
        for prompt, held in self.tests.items():
            by_set[prompt.set].append(self._accuracy(policy, prompt.user_prompt, held))
        return by_set

    def _accuracy(self, policy: Policy, text: str, held: Sequence[Placement]) -> float:
        chosen = policy.choose(self.images[[test.frame for test in held]], [text] * len(held))
        return sum(self.classes[c] in test.right for c, test in zip(chosen, held, strict=True)) / len(held)


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
        f"{len(run.exchanges)} exchanges, {len(run.counterfactuals)} counterfactuals"
    )
    if left_out := len(set(prompts)) - len(trial.tests):
        yield f"{left_out} prompts lead to no skill of the held-out episodes, and are left out"
    counts = Counter(prompt.set for prompt in trial.tests)
    yield f"{'trained on':<22}" + "".join(f"{f'{name} ({counts[name]})':>15}" for name in trial.sets)
    for name, rows in conditions(run, share, seed):
        scores = trial.scores(rows)
        yield f"{name:<22}" + "".join(f"{_cell(scores.get(kind, ()), seed):>15}" for kind in trial.sets)


def _cell(scores: Sequence[float], seed: int) -> str:
    if not scores:
        return "-"
    low, high = interval(scores, seed)
    return f"{100 * float(np.mean(scores)):.0f} [{100 * low:.0f}, {100 * high:.0f}]"


def lines(tiny: bool = False) -> Iterator[str]:
    """Yield the table of simulated groceries, annotated with `template`."""
    with TemporaryDirectory() as place:
        source = write_groceries(Path(place) / "groceries", 3 if tiny else 12, partial=() if tiny else PARTIAL)
        annotate(source, Path(place) / "template", generator="template")
        yield from tables([f"groceries={Path(place) / 'template'}"], (), SHARE, 0)


def tables(runs: Sequence[str], files: Sequence[Path], share: float, seed: int) -> Iterator[str]:
    """Yield the tables of runs, each a folder or DATASET=FOLDER."""
    prompts = read_prompts([*sorted(FOLDER.glob("*.jsonl")), *files])
    for named in runs:
        dataset, _, folder = named.rpartition("=")
        run = read_run(Path(folder))
        yield from table(run, prompts_of(run, dataset, prompts), share, seed)


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure what a small policy learns from runs.")
    parser.add_argument("runs", nargs="*", metavar="[DATASET=]RUN", help="an annotated dataset")
    parser.add_argument("--prompts", type=Path, action="append", default=[], help="further test prompts")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--counterfactuals", type=float, default=SHARE, metavar="SHARE", help="of the rows")
    options = parser.parse_args()
    made = tables(options.runs, options.prompts, options.counterfactuals, options.seed) if options.runs else lines()
    for line in made:
        print(line, flush=True)


if __name__ == "__main__":
    main()
