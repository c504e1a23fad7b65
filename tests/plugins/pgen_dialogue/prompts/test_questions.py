from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st
from prompt_samples import EPISODES, labels
from template_dialogues import episode_samples

from pgen_dialogue.prompts.phases import is_waiting, phases
from pgen_dialogue.prompts.planner import is_decision
from pgen_dialogue.prompts.questions import questions

names = labels | st.sampled_from(["wait", "idle", "pick up the cup", "put it in the box", "move to the cup"])
episodes = st.lists(names, min_size=1, max_size=6)


@settings(max_examples=60, deadline=None)
@given(episodes, st.integers(0, 9), st.booleans())
def test_nothing_is_asked_about_waiting_but_what_lasts(skills, seed, running):
    moments = episode_samples("tidy up", skills, running=running)
    for moment, asked in zip(moments, questions(moments, seed, 1.0), strict=True):
        if is_waiting(moment.span.skill):
            assert {question.scope for question in asked} <= {"episode", "standing", "phase"}
            assert not any(question.counterfactual for question in asked)
        else:
            assert [question.scope for question in asked if not question.counterfactual].count("step") == 1


@settings(max_examples=60, deadline=None)
@given(episodes, st.integers(0, 9))
def test_an_episode_has_one_speaker_and_one_opening(skills, seed):
    moments = episode_samples("tidy up", skills, running=True)
    asked = questions(moments, seed, 1.0)
    assert len({question.speaker for of_moment in asked for question in of_moment}) <= 1
    scopes = Counter(question.scope for of_moment in asked for question in of_moment)
    assert (scopes["episode"], scopes["standing"]) == (1, 1)
    assert {question.scope for question in asked[0]} >= {"episode", "standing"}
    assert all(question.skills == len(skills) for question in asked[0] if question.scope in ("episode", "standing"))


@settings(max_examples=60, deadline=None)
@given(episodes)
def test_a_phase_of_several_skills_is_opened_once_and_leads_to_its_end(skills):
    moments, opened = episode_samples("tidy up", skills, running=True), []
    for moment, asked in zip(moments, questions(moments, 0, 0.0), strict=True):
        start = moment.span.skill_index
        opened += [range(start, start + question.skills) for question in asked if question.scope == "phase"]
    assert opened == [group for group in phases(tuple(skills)) if len(group) > 1]


def test_another_episode_has_another_speaker():
    speakers = {
        questions(episode_samples("", skills, n), 3, 0.0)[0][0].speaker for n, (_, skills) in enumerate(EPISODES)
    }
    assert len(speakers) == len(EPISODES)


def test_counterfactuals_stand_at_their_share_of_the_decision_points():
    moments = [
        it
        for run in range(9)
        for n, (task, skills) in enumerate(EPISODES)
        for it in episode_samples(task, skills, 99 * n + run)
    ]
    points = [moment for moment in moments if is_decision(moment)]
    for share in (0.0, 0.3, 1.0):
        asked = [questions([moment], 0, share)[0] for moment in points]
        drawn = sum(any(question.counterfactual for question in of_moment) for of_moment in asked)
        assert abs(drawn / len(points) - share) < 0.05


def test_a_counterfactual_leads_to_a_skill_of_a_later_phase_or_to_none():
    skills = ["pick up the milk", "put it in the bin", "pick up the bread", "put it on the shelf"]
    moments = episode_samples("unpack", skills)
    first, *_ = questions(moments, 0, 1.0)
    kinds = {question.counterfactual: question.target for question in first if question.counterfactual}
    assert kinds.pop("other") == "pick up the bread"
    assert list(kinds.values()) == [None]
