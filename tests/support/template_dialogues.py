"""Dialogues of the generator `template` for the samples of `prompt_samples`."""

from altered import altered
from prompt_samples import moments

from pgen.records import Plan, Prompt, Request
from pgen.seeds import derive, sample_key
from pgen_dialogue.prompts.hi_robot import HiRobotPrompt
from pgen_dialogue.prompts.reply_schema import typed_schema
from pgen_dialogue.template.generator import reply_to


def reply_for(one, seed, plan=None, schema=None, asides=0.0):
    """Return the reply about a sample, as an object."""
    return reply_to(Request((one,), Prompt("", schema or typed_schema(), plans=(plan or Plan(),)), (), seed), asides)


def replies_for(count, one, scenario, response="acknowledgment"):
    """Return replies about a sample with a plan, for `count` seeds."""
    return [reply_for(one, derive(0, seed), Plan(scenario, response)) for seed in range(count)]


def conversation(count, asides=0.0):
    """Return `count` samples of realistic episodes with their replies, as a run with the default prompts makes them."""
    everyone = [altered(one, frame_index=one.moment.frame_index + again) for again in range(9) for one in moments()]
    keyed = [(one, derive(0, sample_key(one))) for one in sorted(everyone, key=sample_key)[:count]]
    planned = [(one, seed, HiRobotPrompt().build(one, seed).plans[0]) for one, seed in keyed]
    return [(one, reply_for(one, seed, plan, asides=asides)) for one, seed, plan in planned]
