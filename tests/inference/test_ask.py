"""Requests for one value and for several: what is asked again, what is kept, and what it costs."""

import asyncio
import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pgen.errors import ConfigError, SampleError
from pgen.inference.ask import MAX_REASON, ask, ask_each
from pgen.records import Failure, Image, Prompt, Reply, Request, Usage
from pgen.testing import FakeGenerator, make_samples

(SAMPLE, *_) = make_samples()
UNFIT, REFUSED = Failure("schema", "no text"), Failure("refused", "never")


def request(count=3):
    return Request((SAMPLE,) * count, Prompt("", {}), (), 7, numbers=tuple(range(1, count + 1)))


def parse(reply, numbers):
    """Return the values of a JSON object by number; a missing one does not fit, and `no` is refused."""
    try:
        values = json.loads(reply.text)
    except ValueError:
        raise SampleError("parse", "no JSON") from None
    special = {None: UNFIT, "no": REFUSED}
    return {number: special.get(value := values.get(str(number)), value) for number in numbers}


def replies_of(*replies):
    """Return a generator that sends these replies one after the other: the values by number, or a text."""
    remaining = iter(replies)

    def answer(request):
        reply = next(remaining)
        return json.dumps(reply) if isinstance(reply, dict) else reply

    return FakeGenerator(answer)


def run(generator, count=3, attempts=3, **options):
    return asyncio.run(ask_each(generator, request(count), parse, attempts, **options))


def outcomes(answers):
    return [answer.outcome for answer in answers]


def test_only_the_values_that_do_not_fit_are_requested_again():
    generator = replies_of({1: "a", 3: "c"}, {2: "b"})
    assert outcomes(run(generator)) == ["a", "b", "c"]
    first, second = generator.requests
    assert (first.numbers, second.numbers) == ((1, 2, 3), (2,))
    assert second.samples == first.samples
    assert second.seed != first.seed
    assert second.repair.reply == '{"1": "a", "3": "c"}'
    assert second.repair.problem == "number 2: no text. Write only these dialogues again, under their numbers: 2"


def test_a_third_request_is_about_the_second_and_names_its_own_problems():
    generator = replies_of({}, {1: "a"}, {2: "b", 3: "c"})
    assert outcomes(run(generator)) == ["a", "b", "c"]
    _, second, third = generator.requests
    assert second.repair.problem == "no text. Write only these dialogues again, under their numbers: 1, 2, 3"
    assert third.numbers == (2, 3)
    assert third.repair.problem.startswith("number 2: no text; number 3: no text. Write only")


def test_a_value_that_cannot_be_repaired_is_not_requested_again():
    generator = replies_of({1: "a", 2: "no"}, {3: "c"})
    assert outcomes(run(generator)) == ["a", REFUSED, "c"]
    assert [it.numbers for it in generator.requests] == [(1, 2, 3), (3,)]
    generator = replies_of({1: "a", 2: "no", 3: "c"})
    assert outcomes(run(generator)) == ["a", REFUSED, "c"]


def test_a_reply_that_does_not_fit_at_all_is_requested_again_for_every_value():
    generator = replies_of("prose", {1: "a", 2: "b", 3: "c"})
    assert outcomes(run(generator)) == ["a", "b", "c"]
    assert generator.requests[1].numbers == (1, 2, 3)
    assert generator.requests[1].repair.problem.startswith("no JSON. Write only these dialogues again")


def test_of_several_failures_the_last_one_is_kept():
    generator = replies_of({1: "a"}, {2: "b"}, "prose")
    assert outcomes(run(generator)) == ["a", "b", Failure("parse", "no JSON")]
    assert [it.numbers for it in generator.requests] == [(1, 2, 3), (2, 3), (3,)]


def shout(value):
    return "" if value.isupper() else f"{value} is too quiet"


def test_a_value_that_was_reviewed_is_sent_back_once():
    generator = replies_of({1: "A", 2: "b", 3: "c"}, {2: "still b", 3: "C"})
    assert outcomes(run(generator, review=shout)) == ["A", "still b", "C"]
    assert generator.requests[1].numbers == (2, 3)
    assert "number 2: b is too quiet; number 3: c is too quiet." in generator.requests[1].repair.problem


@pytest.mark.parametrize("second", ["prose", {}, {1: "no"}])
def test_a_reviewed_value_is_kept_where_no_better_one_comes(second):
    generator = replies_of({1: "quiet"}, *[second] * 2)
    assert outcomes(run(generator, 1, review=shout)) == ["quiet"]


def test_the_first_value_after_failures_is_reviewed_too():
    generator = replies_of({}, {1: "quiet"}, {1: "LOUD"})
    assert outcomes(run(generator, 1, review=shout)) == ["LOUD"]


def test_with_one_attempt_nothing_is_requested_again():
    generator = replies_of({1: "quiet"})
    assert outcomes(run(generator, attempts=1, review=shout)) == ["quiet", UNFIT, UNFIT]


def test_each_request_is_narrowed_to_the_values_that_it_asks_for():
    def narrow(it):
        return replace(it, prompt=Prompt(f"only {it.numbers}", {}))

    generator = replies_of({1: "a"}, {2: "b"}, {3: "c"})
    run(generator, narrow=narrow)
    assert [it.prompt.text for it in generator.requests] == ["", "only (2, 3)", "only (3,)"]


def test_the_usage_of_an_attempt_is_divided_among_its_values():
    tokens = {"tokens_in": 100, "tokens_out": 10, "tokens_cached": 64}
    first, second = (Reply(json.dumps(values), **tokens) for values in ({1: "a"}, {2: "b", 3: "c"}))
    answers = run(replies_of(first, second))
    used = [(it.usage.tokens_in, it.usage.tokens_out, it.usage.tokens_cached) for it in answers]
    assert used == [(34, 4, 22), (33 + 50, 3 + 5, 21 + 32), (33 + 50, 3 + 5, 21 + 32)]
    assert [it.usage.attempts for it in answers] == [1, 1, 0]
    assert sum(it.usage.attempts for it in answers) == 2


@given(st.lists(st.dictionaries(st.integers(1, 5), st.sampled_from(["x", "X", "no"])) | st.just("prose"), min_size=4))
def test_the_usages_of_the_values_add_up_to_that_of_all_replies(replies):
    texts = [it if isinstance(it, str) else json.dumps(it) for it in replies[:4]]
    generator = replies_of(*(Reply(text, False, 101, 7 * n, n, 13) for n, text in enumerate(texts)))
    answers = run(generator, 5, 4, review=shout)
    total = sum((answer.usage for answer in answers), Usage(attempts=0))
    sent = len(generator.requests)
    assert (total.tokens_in, total.tokens_cached, total.attempts) == (101 * sent, 13 * sent, sent)
    assert (total.tokens_out, total.retries) == (7 * sum(range(sent)), sum(range(sent)))


@given(
    st.builds(
        Usage,
        *[st.integers(0, 10**6)] * 2,
        st.floats(0, 1e3),
        *[st.integers(0, 9)] * 3,
        st.none() | st.integers(0, 10**6),
    ),
    st.integers(1, 40),
)
def test_a_divided_usage_adds_up_to_the_whole(usage, parts):
    divided = usage.divided(parts)
    total = sum(divided, Usage(attempts=0))
    assert len(divided) == parts
    assert (total.tokens_images is None) == (usage.tokens_images is None)
    assert replace(total, seconds=0.0) == replace(usage, seconds=0.0)
    assert total.seconds == pytest.approx(usage.seconds)
    assert min(it.tokens_in for it in divided) >= 0


@pytest.mark.parametrize(
    ("reply", "images", "counted"),
    [
        (Reply('{"1": "a"}', tokens_in=100, tokens_images=60), 1, 60),
        (Reply('{"1": "a"}', tokens_in=100), 1, None),
        (Reply('{"1": "a"}', tokens_in=100), 0, 0),
        (Reply('{"1": "a"}'), 1, 0),
        (SampleError("transport", "down"), 1, 0),
    ],
)
def test_tokens_of_images_are_unknown_only_where_a_counted_request_has_some(reply, images, counted):
    asked = replace(request(1), images=(Image("front", b"", 8, 8),) * images)
    (answer,) = asyncio.run(ask_each(FakeGenerator(lambda it: reply), asked, parse, 1))
    assert answer.usage.tokens_images == counted


def test_an_error_of_the_generator_fails_the_values_and_one_of_the_run_ends_it():
    answers = run(FakeGenerator(lambda it: RuntimeError("out of luck\n" + "x" * 9999)))
    assert {answer.outcome.stage for answer in answers} == {"generate"}
    assert all(len(answer.outcome.reason) <= MAX_REASON for answer in answers)
    assert all("\n" not in answer.outcome.reason for answer in answers)
    with pytest.raises(ConfigError):
        run(FakeGenerator(lambda it: ConfigError("gone")))


def test_a_request_for_one_value_repairs_it_without_a_number():
    generator = replies_of("prose", "42")

    def number(reply):
        if not reply.text.isdigit():
            raise SampleError("parse", "no number")
        return int(reply.text)

    answer = asyncio.run(ask(generator, request(1), number, 2))
    assert (answer.value(), answer.usage.attempts) == (42, 2)
    assert (generator.requests[1].repair.problem, generator.requests[1].numbers) == ("no number", (1,))
    failed = asyncio.run(ask(replies_of("prose", "more"), request(1), number, 2))
    with pytest.raises(SampleError, match="no number"):
        failed.value()
