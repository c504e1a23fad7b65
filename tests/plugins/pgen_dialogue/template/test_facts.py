from random import Random

from prompt_samples import moments

from pgen_dialogue.prompts.grounding_facts import exclusions
from pgen_dialogue.template.facts import facts_of


def test_a_request_forbids_only_exclusions_and_always_if_there_are_some():
    for one in moments():
        excluded = exclusions(one.span)
        for seed in range(5):
            facts = facts_of(one.span, Random(seed))
            assert facts.get("not_obj") in {None, *excluded.objects}
            assert "not_do" not in facts or any(facts["not_do"] in action.do for action in excluded.actions)
            assert bool(excluded) == ("not_obj" in facts or "not_do" in facts)
