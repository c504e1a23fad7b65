"""Errors of servers, in the forms and with the statuses in use."""

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
    ("data", "message", "code"),
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
def test_the_message_and_the_code_of_an_error(data, message, code):
    details = parse_error(data)
    assert (details.message, details.code) == (message, code)


def test_a_body_that_is_not_json_is_quoted_from_its_beginning():
    message = parse_error(b"\xff" + b"[" * 70000).message
    assert message.startswith("\ufffd[[[")
    assert len(message) == 300


@pytest.mark.parametrize(
    ("value", "message"),
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
def test_errors_of_fields_and_of_providers_are_quoted(value, message):
    assert error_details(value).message == message


@pytest.mark.parametrize(
    ("completion", "status"),
    [
        ({"error": {"message": "x", "code": 429}}, 429),
        ({"error": {"message": "x", "code": "503"}}, 503),
        ({"code": "rate_limit_daily", "message": "Error code: 429 - daily request limit reached"}, 429),
        ({"message": "Error code: 529 - overloaded", "code": None}, 529),
        ({"error": {"message": "out of memory", "code": 7}}, 0),
        ({"error": {"message": "out of memory", "code": 200}}, 0),
    ],
)
def test_an_error_in_a_body_has_the_status_that_it_names(completion, status):
    assert error_in_completion(completion).status == status


@pytest.mark.parametrize(
    "completion", [{"choices": [{"message": {}}], "error": None}, {"choices": []}, [], "x", {"id": 1}]
)
def test_a_completion_has_no_error(completion):
    assert error_in_completion(completion) is None


@pytest.mark.parametrize(
    ("details", "exhausted"),
    [
        (ErrorDetails("daily request limit reached", "rate_limit_daily", status=429), True),
        (ErrorDetails("You exceeded your current quota", "insufficient_quota", status=429), True),
        (ErrorDetails("200 requests per day", "", status=429), True),
        (ErrorDetails("slow down", "rate_limit_exceeded", status=429), False),
        (ErrorDetails("the daily mail", status=500), False),
    ],
)
def test_a_daily_limit_is_told_from_a_short_one(details, exhausted):
    assert details.exhausted is exhausted


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
def test_the_field_that_a_server_does_not_know(value, field):
    assert error_details(value).unknown_field(("max_tokens", "temperature", "seed")) == field


@pytest.mark.parametrize(
    "place",
    [
        lambda error: {"choices": [{"finish_reason": "error", "error": error, "message": {"content": "half"}}]},
        lambda error: {"choices": [{"finish_reason": "error", "message": {"content": "whole", "error": error}}]},
        lambda error: {"choices": [{"finish_reason": "error"}], "error": error},
    ],
)
def test_the_error_of_a_reply_that_was_broken_off(place):
    assert error_of_choice(place({"code": 502, "message": "Upstream overloaded"})).message == "Upstream overloaded"


def test_a_reply_that_was_broken_off_without_a_reason():
    assert error_of_choice({"choices": [{"finish_reason": "error"}]}).message == "no reason is given"
    assert error_of_choice({"choices": [{"finish_reason": "stop"}]}) is None
