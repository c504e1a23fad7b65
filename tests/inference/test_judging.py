import asyncio
import json
from collections import Counter
from dataclasses import replace

import pytest
from altered import altered

from pgen.errors import SampleError
from pgen.inference.conversation import as_turn
from pgen.inference.judging import (
    MAX_ALTERNATIVES,
    NONE,
    SCHEMA,
    JudgePrompt,
    Judging,
    options_of,
    parse_judgement,
    round_trip,
)
from pgen.inference.prompting import prompt_for
from pgen.languages import LANGUAGES, code_of
from pgen.records import SCORES, Dialogue, Failure, Finding, Reply
from pgen.seeds import request_seed, sample_key, sample_seed
from pgen.testing import PICK_AND_PLACE, FakeGenerator, FakeSource, MemoryRecorder, make_episode, make_samples
from pgen_dialogue.prompts.seed import SeedPrompt

SAMPLE = make_samples()[1]
CASE = altered(SAMPLE, about=Dialogue("Take {the} brick.", "Sure."))
GOOD = dict.fromkeys(SCORES, 4) | {f"{name}_reason": "So." for name in SCORES}


def test_a_judge_is_shown_the_skill_and_the_dialogue_as_they_are():
    prompt = JudgePrompt().build(CASE, 0)
    assert "User: Take {the} brick.\nRobot: Sure." in prompt.text
    assert SAMPLE.span.skill in prompt.text
    assert list(prompt.schema["properties"])[:2] == ["grounding_reason", "grounding"]


def test_a_judge_is_shown_all_skills_that_a_dialogue_leads_to():
    phase = altered(make_samples()[0], scope="phase", skills=2, about=Dialogue("Fetch it.", "Sure."))
    text = JudgePrompt().build(phase, 0).text
    first, second, third = PICK_AND_PLACE
    assert f"What the dialogue leads to: {first[0]}; {second[0]}\nAfterwards: {third[0]}" in text


def test_a_judge_is_not_told_that_it_sees_what_is_not_shown():
    seen, blind = (JudgePrompt().build(altered(CASE, images=images), 0).system for images in (("a.jpg",), ()))
    assert "You see the scene" in seen
    assert blind == seen.replace(" You see the scene as it is at that moment, once for each camera.", "")


def test_a_reply_becomes_a_judgement():
    judgement = parse_judgement(Reply(f"Here it is: {json.dumps(GOOD)}"), JudgePrompt().build(CASE, 0))
    assert (judgement.grounding, judgement.naturalness_reason) == (4, "So.")


@pytest.mark.parametrize(
    ("reply", "stage"),
    [
        (Reply("{}"), "schema"),
        (Reply("none"), "parse"),
        (Reply(json.dumps(GOOD)[:-1], truncated=True), "truncated"),
        (Reply(json.dumps({**GOOD, "grounding": 6})), "schema"),
        (Reply(json.dumps({**GOOD, "grounding": 2.5})), "schema"),
        (Reply(json.dumps(GOOD) + json.dumps({**GOOD, "grounding": 1})), "schema"),
    ],
)
def test_a_reply_that_is_no_judgement_says_why(reply, stage):
    with pytest.raises(SampleError) as caught:
        parse_judgement(reply, replace(JudgePrompt().build(CASE, 0), schema=SCHEMA))
    assert caught.value.stage == stage


def test_what_is_new_in_a_sample_changes_its_key_and_what_is_unsaid_does_not():
    turn = as_turn(SAMPLE, ())
    others = [altered(SAMPLE, variant=1), turn, CASE, altered(CASE, problem="no")]
    assert len({sample_key(one) for one in [SAMPLE, *others]}) == 5
    assert {sample_seed(3, one) for one in others} == {sample_seed(3, SAMPLE)}
    assert request_seed(9, SAMPLE) == request_seed(9, turn) == 9
    assert len({request_seed(9, one) for one in (SAMPLE, others[0], others[3])}) == 3


def test_the_key_of_a_plain_sample_is_what_it_always_was():
    assert sample_key(SAMPLE) == "c983fdc6a5eec443865b38d8b5b02fc3"


@pytest.mark.parametrize("language", [*LANGUAGES, "german", " French ", "ZH"])
def test_a_language_is_known_by_its_code_or_name(language):
    code = code_of(language)
    text = prompt_for(SeedPrompt(), [SAMPLE], 0, code, several=False).text
    assert (f"in {LANGUAGES[code]}" in text) == (code != "en")


def judged(answer, *samples):
    """Return the annotations of samples about a dialogue, and the requests."""
    generator, recorder = FakeGenerator(answer, concurrency=1), MemoryRecorder()
    judging = Judging(FakeSource(), JudgePrompt(), generator, 0, 2, 10**6)
    asyncio.run(judging.run(iter([[(sample,) for sample in samples]]), recorder, asyncio.Event()))
    return recorder.results, generator.requests


def is_choice(request):
    return "choice" in request.prompt.schema["properties"]


def choosing(skill):
    """Return an answer that chooses a skill by its name, and scores."""

    def answer(request):
        if not is_choice(request):
            return json.dumps(GOOD)
        lines = dict(reversed(line.split(". ", 1)) for line in request.prompt.text.splitlines() if ". " in line[:4])
        return json.dumps({"reason": "So.", "choice": int(lines[skill])})

    return answer


def test_a_judge_chooses_a_skill_by_the_request_alone_and_then_scores():
    (annotation,), (choice, scores) = judged(choosing(SAMPLE.span.skill), CASE)
    assert "Take {the} brick." in choice.prompt.text
    assert "Sure." not in f"{choice.prompt.system}{choice.prompt.context}{choice.prompt.text}"
    assert not is_choice(scores)
    assert choice.images == scores.images
    assert len(choice.images) == 1
    assert annotation.outcome.chosen == SAMPLE.span.skill
    assert annotation.outcome.grounding == 4
    assert annotation.usage.attempts == 2
    assert round_trip(CASE, annotation.outcome) == ()


@pytest.mark.parametrize("other", [SAMPLE.span.future[0], SAMPLE.span.history[0], NONE])
def test_another_choice_than_the_demonstrated_skill_is_a_finding(other):
    (annotation,), _ = judged(choosing(other), CASE)
    reason = f"the request leads a judge to {other!r}, and the robot does {SAMPLE.span.skill!r}"
    assert round_trip(CASE, annotation.outcome) == (Finding("round_trip", reason),)


def test_a_choice_that_fails_leaves_the_scores_without_a_finding():
    (annotation,), requests = judged(lambda it: "no" if is_choice(it) else json.dumps(GOOD), CASE)
    assert (annotation.outcome.chosen, annotation.outcome.grounding) == ("", 4)
    assert round_trip(CASE, annotation.outcome) == ()
    assert annotation.usage.attempts == len(requests) == 3


def test_scores_that_fail_are_a_failure():
    answer = choosing(SAMPLE.span.skill)
    (annotation,), _ = judged(lambda it: answer(it) if is_choice(it) else "no", CASE)
    assert isinstance(annotation.outcome, Failure)
    assert annotation.usage.attempts == 3


@pytest.mark.parametrize("scope", ["episode", "standing"])
def test_where_a_request_leaves_the_next_skill_open_the_judge_only_scores(scope):
    case = altered(CASE, scope=scope, skills=2)
    (annotation,), requests = judged(choosing("nothing"), case)
    assert annotation.outcome.chosen == ""
    assert len(requests) == 1


def test_an_episode_of_one_skill_offers_no_choice():
    (sample,) = make_samples(make_episode(("wipe the table", 0.0, 2.0)))
    assert options_of(altered(sample, about=CASE.question.about), 3) == ()


def test_the_options_are_the_demonstrated_skill_and_others_of_the_episode_in_an_order_by_the_seed():
    names = [f"skill {number % 6}" for number in range(12)]
    episode = make_episode(*((name, float(n), n + 1.0) for n, name in enumerate(names)))
    sample = altered(make_samples(episode)[3], scope="phase", skills=2)
    places = Counter()
    for seed in range(300):
        options = options_of(sample, seed)
        assert options == options_of(sample, seed)
        assert len({*options}) == len(options) == MAX_ALTERNATIVES + 2
        assert options[-1] == NONE
        assert {*options[:-1]} <= {*names} - {"skill 4"}, "a skill that the dialogue leads to is no alternative"
        places[options.index("skill 3")] += 1
    assert sorted(places) == [0, 1, 2, 3, 4]
    assert min(places.values()) > 30
