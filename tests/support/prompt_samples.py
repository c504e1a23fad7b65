"""Samples as the tests of prompts and of the template generator use them."""

from pathlib import Path

from altered import altered
from hypothesis import strategies as st

from pgen.records import Moment, Sample, SpanContext

EPISODES = [
    (task, skills.split("; "))
    for line in Path(__file__).with_name("prompt_episodes.txt").read_text(encoding="utf-8").splitlines()
    for task, skills in [line.split(" | ")]
]
"""Tasks with their skills, as datasets name them."""


def sample(skill: str, history=(), future=(), task="tidy up", **fields) -> Sample:
    span = SpanContext(0, "0", task, len(history), skill, tuple(history), tuple(future))
    return altered(Sample(span, Moment(7, 0.5, ("front",), ("front.jpg",))), **fields)


BRICKS = sample(
    "robot arm moves towards red lego brick",
    ["robot arm picks up pink lego brick", "robot arm releases pink lego brick into transparent box"],
    ["robot arm picks up red lego brick", "robot arm releases red lego brick into box"],
)
"""The second of two bricks, for which every scenario type fits."""


def moments() -> list[Sample]:
    """Each skill of each episode once."""
    return [
        sample(name, skills[:index], skills[index + 1 :], task, episode_index=number, frame_index=10 * index)
        for number, (task, skills) in enumerate(EPISODES)
        for index, name in enumerate(skills)
    ]


ODD = ["", " ", "|", "{0}", "{task_description}", "[a|b]", "{", "%s", "{{ x }}", "pick", "the", "robot arm", "and and"]
ODD += ["a\nb", '"', "_", "PICK_UP", "pick up " + "x" * 500, "pick up the " + "big " * 60 + "cup"]
labels = st.one_of(
    st.sampled_from([name for _, skills in EPISODES for name in skills]),
    st.text(max_size=600),
    st.text(st.characters(categories=["Cs", "Cc", "Zs", "Zl", "Nd", "Ll", "So"]), max_size=30),
    st.sampled_from(ODD),
)
seeds = st.integers(0, 2**32 - 1)
samples = st.builds(
    sample,
    labels,
    st.lists(labels, max_size=4),
    st.lists(labels, max_size=3),
    labels,
    timestamp=st.none() | st.floats(0, 9),
)
