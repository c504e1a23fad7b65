"""The share of frames labelled with a dialogue for another skill: pgen, and two simpler rules.

On the two episodes of the demo (plugins/pgen_demo/skills.json) at 30 fps, sampled each N seconds. pgen uses its sampler
`segments` and labels by `pgen.labels`; the simpler rules sample at 0, N, 2N … seconds and give a frame the
dialogue of the last sample before it, or of the nearest sample.
"""

from collections.abc import Callable, Iterator
from functools import partial
from itertools import pairwise

from common.table import main
from pgen.labels import Labelling, frame_ranges, label
from pgen.records import Episode
from pgen.run.planning import samples_of
from pgen.testing import FakeSource, make_annotation, make_episode
from pgen_demo.example import FPS, example_skills
from pgen_samplers.samplers import Interval, Segments

INTERVALS = (1, 2, 5)


def episodes() -> list[Episode]:
    """Return the demo's episodes, without images."""
    described = example_skills()["episodes"].values()
    return [
        make_episode(*((skill["name"], skill["start"], skill["end"]) for skill in each["skills"]), fps=FPS)
        for each in described
    ]


def truth(episode: Episode) -> list[int]:
    """Return the span of each frame."""
    return [position for position, frames in enumerate(frame_ranges(episode)) for _ in frames]


def as_pgen(episode: Episode, seconds: float) -> list[int]:
    """Return the span for which each frame's dialogue was written."""
    samples = samples_of(episode, FakeSource(episode), Segments(interval=seconds))
    stretches = label(episode, map(make_annotation, samples), Labelling())
    return [
        s.annotation.sample.span.skill_index if s.annotation else -1 for s in stretches for _ in range(s.start, s.stop)
    ]


def at_intervals(episode: Episode, seconds: float, *, nearest: bool) -> list[int]:
    """Return the same for samples each `seconds`, whose dialogue labels the frames after it, or the nearest ones."""
    skills = truth(episode)
    samples = list(Interval(interval=seconds).frames(episode))
    between = [(before + after + 1) // 2 if nearest else after for before, after in pairwise(samples)]
    edges = pairwise([0, *between, len(skills)])
    return [skills[sample] for sample, (start, stop) in zip(samples, edges, strict=True) for _ in range(start, stop)]


RULES: dict[str, Callable[[Episode, float], list[int]]] = {
    "pgen": as_pgen,
    "the last sample": partial(at_intervals, nearest=False),
    "the nearest sample": partial(at_intervals, nearest=True),
}


def share(rule: str, seconds: float) -> float:
    """Return the share of frames whose dialogue is not for their own skill."""
    pairs = [pair for episode in episodes() for pair in zip(truth(episode), RULES[rule](episode, seconds), strict=True)]
    return sum(own != labelled for own, labelled in pairs) / len(pairs)


def lines(tiny: bool = False) -> Iterator[str]:
    """Yield the table."""
    yield f"{'frames with a dialogue of another skill':<42}" + "".join(f"{f'{n} s':>8}" for n in INTERVALS)
    for rule in RULES:
        yield f"{rule:<42}" + "".join(f"{share(rule, n):>8.1%}" for n in INTERVALS)


if __name__ == "__main__":
    main(lines)
