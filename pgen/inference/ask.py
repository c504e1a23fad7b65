"""One request to completion: send, parse, repair, give up, and account for what it cost.

Dialogues, judgements, segmentation and relabelling all go through `ask` or `ask_each`. A reply that cannot be used is
sent back with what is wrong with it, under another seed, until one fits or the attempts are spent.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from time import monotonic

from pgen.components import Generator
from pgen.errors import DeferredError, PgenError, SampleError
from pgen.records import Failure, Repair, Reply, Request, Usage
from pgen.safety.redaction import excerpt
from pgen.seeds import derive

REPAIRABLE = frozenset({"truncated", "parse", "schema"})
"""Stages of failures that the model can repair."""

MAX_REASON = 500
"""Characters of a reason."""


@dataclass(frozen=True, slots=True)
class Answer[T]:
    """What came of a request: a parsed value or a failure, and the usage of all attempts."""

    outcome: T | Failure
    usage: Usage

    def value(self) -> T:
        """Return the parsed value. Raises SampleError with the failure's stage and reason."""
        if isinstance(self.outcome, Failure):
            raise SampleError(self.outcome.stage, self.outcome.reason)
        return self.outcome


async def ask[T](
    generator: Generator,
    request: Request,
    parse: Callable[[Reply], T],
    attempts: int,
    review: Callable[[T], str] = lambda value: "",
) -> Answer[T]:
    """Send a request for one value at most `attempts` times, until a reply is parsed: see `ask_each`."""
    answers = await ask_each(generator, request, lambda reply, numbers: {1: parse(reply)}, attempts, review)
    return answers[0]


async def ask_each[T](
    generator: Generator,
    request: Request,
    parse: Callable[[Reply, tuple[int, ...]], Mapping[int, T | Failure]],
    attempts: int,
    review: Callable[[T], str] = lambda value: "",
    narrow: Callable[[Request], Request] = lambda request: request,
) -> list[Answer[T]]:
    """Send a request for numbered values at most `attempts` times; return what came of each of `request.numbers`.

    `parse` returns the values by number, and raises SampleError for a reply that does not fit at all. `review` returns
    what is wrong with a parsed value, or "". Values that are not usable are requested once more, and only these; one
    that was merely reviewed is sent back once, and kept where no better one comes. `narrow` fits a request to the
    numbers that it still asks for. The usage of an attempt is divided
    among the values that it asked for. A PgenError ends the run; any other exception of the generator becomes a failure
    at `generate`.
    """
    best: dict[int, T | Failure] = {}
    usages: dict[int, Usage] = {}
    current = request
    for attempt in range(1, attempts + 1):
        numbers = current.numbers
        outcomes, text, used = await _send(generator, current, parse)
        for number, part in zip(numbers, used.divided(len(numbers)), strict=True):
            usages[number] = usages[number] + part if number in usages else part
        problems = {number: _update(best, number, outcomes[number], review) for number in numbers}
        if not (wrong := tuple(number for number in numbers if problems[number])):
            break
        seed = derive(request.seed, attempt)
        current = narrow(replace(request, seed=seed, numbers=wrong, repair=_repair(request, text, problems)))
    return [Answer(best[number], usages[number]) for number in request.numbers]


def _update[T](best: dict[int, T | Failure], number: int, outcome: T | Failure, review: Callable[[T], str]) -> str:
    """Keep the better outcome of a number; return what is worth another request."""
    previous = best.get(number)
    unreviewed = previous is None or isinstance(previous, Failure)
    if isinstance(outcome, Failure):
        best[number] = outcome if previous is None or isinstance(previous, Failure) else previous
        return outcome.reason if outcome.stage in REPAIRABLE else ""
    best[number] = outcome
    return review(outcome) if unreviewed else ""


def _repair(request: Request, text: str, problems: Mapping[int, str]) -> Repair:
    """Return the repair of a reply; where it asked for several values, it names those that are wanted again."""
    wrong = {number: problem for number, problem in problems.items() if problem}
    reasons = dict.fromkeys(wrong.values())
    if len(request.numbers) == 1:
        return Repair(text, *reasons)
    if len(reasons) == 1 and len(wrong) == len(problems):
        problem = next(iter(reasons))
    else:
        problem = "; ".join(f"number {number}: {problem}" for number, problem in wrong.items())
    wanted = ", ".join(map(str, wrong))
    return Repair(text, f"{problem}. Write only these dialogues again, under their numbers: {wanted}")


async def _send[T](
    generator: Generator, request: Request, parse: Callable[[Reply, tuple[int, ...]], Mapping[int, T | Failure]]
) -> tuple[Mapping[int, T | Failure], str, Usage]:
    """Return the values or failures by number, the reply's text, and the usage of this attempt."""
    started, reply = monotonic(), Reply("")
    outcomes: Mapping[int, T | Failure]
    try:
        reply = await generator.generate(request)
        outcomes = parse(reply, request.numbers)
    except SampleError as error:
        outcomes = dict.fromkeys(request.numbers, failure(error))
    except (PgenError, DeferredError):
        raise
    except Exception as error:  # a generator may raise anything: it costs these samples, not the run
        outcomes = dict.fromkeys(request.numbers, failure(SampleError("generate", f"{type(error).__name__}: {error}")))
    return outcomes, reply.text, _usage(request, reply, monotonic() - started)


def _usage(request: Request, reply: Reply, seconds: float) -> Usage:
    uncounted = reply.tokens_in and (request.images or request.clips)
    images = reply.tokens_images if uncounted else 0
    return Usage(reply.tokens_in, reply.tokens_out, seconds, 1, reply.retries, reply.tokens_cached, images)


def failure(error: SampleError) -> Failure:
    """Return the error as a failure whose reason is one line that every file can hold."""
    return Failure(error.stage, excerpt(error.reason, MAX_REASON) or "no reason was given")
