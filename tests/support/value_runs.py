"""Small runs for the benchmark of a run's value to a policy. `benchmarks` is on the path of whoever imports this."""

import numpy as np

from common.value_draws import Draws
from common.value_run import Frame, Run

CUP = ("move above the cup", "lift the cup", "open the gripper")
JAR = ("move above the jar", "lift the jar", "open the gripper")
LENGTH = 4
"""Frames of a span."""


def a_run(episodes=9, others=()):
    """Return a run whose images show the kind of skill and how many are done, but not which object is next."""
    rng = np.random.default_rng(0)
    frames, images, spans = [], [], {}
    for episode in range(episodes):
        skills = [*CUP, *JAR] if episode % 2 else [*JAR, *CUP]
        spans[episode] = skills
        for position, skill in enumerate(skills):
            place = range(position * LENGTH, (position + 1) * LENGTH)
            for number in place:
                frames.append(Frame(episode, number, position, skill, number == place.start))
                images.append(np.eye(6)[position] + rng.normal(0, 0.05, 6))
    tasks = dict.fromkeys(spans, "clear the table")

    def in_force(episode, number):
        skills = spans[episode]
        step, whole = f"please {skills[number // LENGTH]} now", f"clear the table, {skills[0][-3:]} first"
        return [("step", step), ("episode", whole)]

    return Run("table", frames, np.array(images, np.float32), tasks, spans, Draws(in_force, others))
