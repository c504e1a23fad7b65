"""Dialogues of the generator `template`: about single samples, and about whole episodes as a run asks for them."""

from dataclasses import replace

from prompt_samples import EPISODES, sample

from pgen.records import Plan, Prompt, Request
from pgen.seeds import derive, request_seed, sample_seed
from pgen_dialogue.prompts.hi_robot import HiRobotPrompt
from pgen_dialogue.prompts.reply_schema import typed_schema
from pgen_dialogue.template.generator import reply_to


def reply_for(one, seed, plan=None, schema=None):
    """Return the reply about a sample, as an object."""
    return reply_to(Request((one,), Prompt("", schema or typed_schema(), plans=(plan or Plan(),)), (), seed))


def replies_for(count, one, scenario, response="acknowledgment", **plan):
    """Return replies about a sample with a plan, for `count` seeds."""
    return [reply_for(one, derive(0, seed), Plan(scenario, response, **plan)) for seed in range(count)]


def episode_samples(task, skills, number=0, running=False, **fields):
    """Return one moment at the start of each skill of an episode, and with `running` one within it."""
    starts = [
        sample(
            name, skills[:index], skills[index + 1 :], task, frame_index=20 * index, episode_id=str(number), **fields
        )
        for index, name in enumerate(skills)
    ]
    if not running:
        return starts
    inside = [
        replace(one, moment=replace(one.moment, frame_index=20 * n + 9, running=4.0)) for n, one in enumerate(starts)
    ]
    return [moment for pair in zip(starts, inside, strict=True) for moment in pair]


def dialogues(task, skills, number=0, seed=0, variants=3, running=False, **options):
    """Return samples, plans and replies of an episode, as a run with the default prompts makes them."""
    builder, moments = HiRobotPrompt(**options), episode_samples(task, skills, number, running)
    asked = [
        replace(moment, question=replace(question, variant=variant))
        for moment, questions in zip(moments, builder.questions(moments, seed), strict=True)
        for question in questions
        for variant in range(variants)
    ]
    keyed = [(one, sample_seed(seed, one)) for one in asked]
    planned = [(one, builder.build(one, key).plans[0], request_seed(key, one)) for one, key in keyed]
    return [(one, plan, reply_for(one, key, plan)) for one, plan, key in planned]


def all_dialogues(**settings):
    """Return the samples, plans and replies of all realistic episodes."""
    return [it for number, (task, skills) in enumerate(EPISODES) for it in dialogues(task, skills, number, **settings)]
