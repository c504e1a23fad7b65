"""Requests for several dialogues of one moment, as a run makes them."""

from dataclasses import replace
from typing import Any

from pgen.inference.prompting import prompt_for
from pgen.inference.replies import reply_schema
from pgen.records import SCOPES, Image, Request, Sample
from pgen.run.planning import Planner
from pgen.testing import FakeSource, FirstFrames, make_episode
from pgen_dialogue.prompts.hi_robot import HiRobotPrompt
from pgen_dialogue.prompts.reply_schema import MAX_LENGTH, typed_schema

SKILLS = (
    ("robot arm moves towards pink lego brick", 0.0, 1.8),
    ("robot arm picks up pink lego brick", 1.8, 3.1),
    ("robot arm moves towards transparent box", 3.1, 5.5),
    ("robot arm releases pink lego brick into transparent box", 5.5, 7.0),
)


def opening() -> tuple[Sample, ...]:
    """Return five samples of an episode's first moment: the opening, a constraint, the phase and the step twice."""
    source = FakeSource(make_episode(*SKILLS))
    planner = Planner(source, FirstFrames(), HiRobotPrompt(), 0, 2, dict.fromkeys(SCOPES, 1.0))
    ((_, samples),) = planner.planned(source.episodes())
    first = [sample for sample in samples if sample.moment.frame_index == 0]
    return tuple(it for it in first if it.question.scope == "step" or not it.question.variant)


def moment_request(number: int = 0, images: tuple[Image, ...] = (), longest: int = MAX_LENGTH) -> Request:
    """Return the request for these dialogues, or for as many of them as `number` says; texts have a longest length.

    The images always fit: random weights would deny that every other time.
    """
    samples = opening()[: number or None]
    prompt = prompt_for(HiRobotPrompt(), samples, number, "en", several=True)
    numbers = tuple(range(1, len(samples) + 1))
    schema = reply_schema(shortened(longest), numbers)
    schema["properties"]["seen"]["maxLength"] = longest
    schema["properties"]["fits"]["enum"] = [True]
    return Request(samples, replace(prompt, schema=schema), images, number, numbers=numbers)


def shortened(longest: int) -> dict[str, Any]:
    """Return the schema of a dialogue whose texts have at most so many characters."""
    schema = typed_schema()
    for name in ("user_prompt", "robot_utterance"):
        schema["properties"][name] = {**schema["properties"][name], "maxLength": longest}
    return schema
