"""The share of frames that carry a dialogue made for another skill: pgen, and two simpler rules.

On the two episodes of the demo (plugins/pgen_demo/skills.json) at 30 frames a second, sampled each N
seconds. pgen asks where its sampler `segments` says and labels by `pgen.labels.assign`; the simpler rules ask at
0, N, 2N … seconds and give a frame the dialogue of the last sample before it, or of the nearest one.
"""

from collections.abc import Callable, Iterator
from functools import partial
from itertools import pairwise

from common.table import main
from pgen.labels.assign import label
from pgen.labels.spans import frame_ranges
from pgen.records import Episode
from pgen.run.planning import samples_of
from pgen.testing import FakeSource, make_annotation, make_episode
from pgen_demo.example import FPS, example_skills
from pgen_samplers.samplers import Interval, Segments

INTERVALS = (1, 2, 5)


def episodes() -> list[Episode]:
    """The demo's episodes, without their pictures."""
    listed = example_skills()["episodes"].values()
    return [
        make_episode(*((skill["name"], skill["start"], skill["end"]) for skill in each["skills"]), fps=FPS)
        for each in listed
    ]


def truth(episode: Episode) -> list[int]:
    """The span that each frame lies in."""
    return [position for position, frames in enumerate(frame_ranges(episode)) for _ in frames]


def as_pgen(episode: Episode, seconds: float) -> list[int]:
    """The span that each frame's dialogue was made for."""
    samples = samples_of(episode, FakeSource(episode), Segments(interval=seconds))
    stretches = label(episode, map(make_annotation, samples))
    return [
        s.annotation.sample.span.skill_index if s.annotation else -1 for s in stretches for _ in range(s.start, s.stop)
    ]


def at_intervals(episode: Episode, seconds: float, *, nearest: bool) -> list[int]:
    """The same for samples each `seconds`, whose dialogue is carried forward, or goes to the frames nearest."""
    skills = truth(episode)
    asked = list(Interval(interval=seconds).frames(episode))
    between = [(before + after + 1) // 2 if nearest else after for before, after in pairwise(asked)]
    edges = pairwise([0, *between, len(skills)])
    return [skills[sample] for sample, (start, stop) in zip(asked, edges, strict=True) for _ in range(start, stop)]


RULES: dict[str, Callable[[Episode, float], list[int]]] = {
    "pgen": as_pgen,
    "the last sample": partial(at_intervals, nearest=False),
    "the nearest sample": partial(at_intervals, nearest=True),
}


def share(rule: str, seconds: float) -> float:
    """The share of all frames whose dialogue is not their own skill's."""
    pairs = [pair for episode in episodes() for pair in zip(truth(episode), RULES[rule](episode, seconds), strict=True)]
    return sum(own != given for own, given in pairs) / len(pairs)


def lines(tiny: bool = False) -> Iterator[str]:
    """The table, which takes no time."""
    yield f"{'frames with a dialogue of another skill':<42}" + "".join(f"{f'{n} s':>8}" for n in INTERVALS)
    for rule in RULES:
        yield f"{rule:<42}" + "".join(f"{share(rule, n):>8.1%}" for n in INTERVALS)


if __name__ == "__main__":
    main(lines)
