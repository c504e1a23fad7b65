"""What is read out of a server's error, in whatever form it comes and whatever the status."""

import pytest

from pgen_qwen_openai.error_response import (
    ErrorDetails,
    error_details,
    error_in_completion,
    error_of_choice,
    parse_error,
)

DETAIL = {"type": "extra_forbidden", "loc": ["body", "seed"], "msg": "Extra inputs are not permitted", "input": 7}


@pytest.mark.parametrize(
    ("data", "words", "code"),
    [
        (b'{"error": {"message": "a", "code": "b"}}', "a", "b"),
        (b'{"error": {"message": "a", "type": "b", "code": null}}', "a", "b"),
        (b'{"detail": "a"}', "a", ""),
        (b'{"error": "a"}', "a", ""),
        (b'["a"]', "['a']", ""),
        (b'{"error": {"reason": 5}}', '{"reason": 5}', ""),
        (b"a page", "a page", ""),
        (b"", "", ""),
    ],
)
def test_an_error_says_why_in_whatever_form(data, words, code):
    problem = parse_error(data)
    assert (problem.message, problem.code) == (words, code)


def test_a_body_that_is_no_json_is_quoted_from_its_beginning():
    words = parse_error(b"\xff" + b"[" * 70000).message
    assert words.startswith("\ufffd[[[")
    assert len(words) == 300


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (
            {"detail": "Validation Error", "errors": [{"loc": "body -> messages", "msg": "Input should be 'text'"}]},
            "Validation Error: body -> messages: Input should be 'text'",
        ),
        ({"detail": [DETAIL]}, "body.seed: Extra inputs are not permitted"),
        ({"object": "error", "message": {"detail": [DETAIL]}}, "body.seed: Extra inputs are not permitted"),
        (
            {"error": {"message": "Provider returned error", "metadata": {"raw": "Too Many Requests"}}},
            "Provider returned error: Too Many Requests",
        ),
    ],
)
def test_what_is_wrong_with_a_field_and_what_a_provider_said_are_quoted(value, words):
    assert error_details(value).message == words


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        ({"error": {"message": "x", "code": 429}}, 429),
        ({"error": {"message": "x", "code": "503"}}, 503),
        ({"code": "rate_limit_daily", "message": "Error code: 429 - daily request limit reached"}, 429),
        ({"message": "Error code: 529 - overloaded", "code": None}, 529),
        ({"error": {"message": "out of memory", "code": 7}}, 0),
        ({"error": {"message": "out of memory", "code": 200}}, 0),
    ],
)
def test_an_error_in_a_body_counts_like_the_status_that_it_names(answer, status):
    assert error_in_completion(answer).status == status


@pytest.mark.parametrize("answer", [{"choices": [{"message": {}}], "error": None}, {"choices": []}, [], "x", {"id": 1}])
def test_an_answer_without_an_error_is_none(answer):
    assert error_in_completion(answer) is None


@pytest.mark.parametrize(
    ("problem", "lasts"),
    [
        (ErrorDetails("daily request limit reached", "rate_limit_daily", status=429), True),
        (ErrorDetails("You exceeded your current quota", "insufficient_quota", status=429), True),
        (ErrorDetails("200 requests per day", "", status=429), True),
        (ErrorDetails("slow down", "rate_limit_exceeded", status=429), False),
        (ErrorDetails("the daily mail", status=500), False),
    ],
)
def test_a_limit_for_the_day_is_not_waited_for(problem, lasts):
    assert problem.exhausted is lasts


@pytest.mark.parametrize(
    ("value", "field"),
    [
        ({"error": {"message": "Unsupported parameter: 'max_tokens'.", "param": "max_tokens"}}, "max_tokens"),
        ({"error": {"message": "'temperature' does not support 0", "code": "unsupported_value"}}, "temperature"),
        ({"detail": [DETAIL]}, "seed"),
        ({"message": {"detail": [DETAIL]}}, "seed"),
        ({"error": {"message": "Unrecognized request argument supplied: seed"}}, "seed"),
        ({"error": {"message": "max_tokens is too large: 5000", "param": "max_tokens"}}, None),
        ({"error": {"message": "unsupported image; max_completion_tokens is fine"}}, None),
        ({"error": {"message": "no pictures"}}, None),
    ],
)
def test_a_field_is_unknown_where_the_server_says_so(value, field):
    assert error_details(value).unknown_field(("max_tokens", "temperature", "seed")) == field


@pytest.mark.parametrize(
    "place",
    [
        lambda error: {"choices": [{"finish_reason": "error", "error": error, "message": {"content": "half"}}]},
        lambda error: {"choices": [{"finish_reason": "error", "message": {"content": "whole", "error": error}}]},
        lambda error: {"choices": [{"finish_reason": "error"}], "error": error},
    ],
)
def test_a_reply_that_was_error_of_choice_has_the_provider_s_words(place):
    assert error_of_choice(place({"code": 502, "message": "Upstream overloaded"})).message == "Upstream overloaded"


def test_a_reply_may_be_error_of_choice_without_a_word():
    assert error_of_choice({"choices": [{"finish_reason": "error"}]}).message == "no reason is given"
    assert error_of_choice({"choices": [{"finish_reason": "stop"}]}) is None
