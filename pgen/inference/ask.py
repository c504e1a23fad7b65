"""One request to completion: send, parse, repair, give up, and account for what it cost.

Dialogues, judgements, segmentation and relabelling all go through `ask`. A reply that cannot be used is sent back with
what is wrong with it, under another seed, until one fits or the attempts are spent.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from time import monotonic

from pgen.components import Generator
from pgen.errors import PgenError, SampleError
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
    """Send a request at most `attempts` times, until a reply is parsed.

    `parse` raises SampleError for a reply that does not fit. `review` returns what is wrong with a parsed value, or "":
    a value is sent back once for that, and kept where no better one comes. A PgenError ends the run; any other
    exception of the generator becomes a failure at `generate`.
    """
    best: T | Failure | None = None
    usage = Usage(attempts=0)
    current = request
    for attempt in range(1, attempts + 1):
        outcome, text, used = await _send(generator, current, parse)
        usage += used
        unreviewed = best is None or isinstance(best, Failure)
        if isinstance(outcome, Failure):
            best = outcome if unreviewed else best
            problem = outcome.reason if outcome.stage in REPAIRABLE else ""
        else:
            best = outcome
            problem = review(outcome) if unreviewed else ""
        if not problem:
            break
        current = replace(request, seed=derive(request.seed, attempt), repair=Repair(text, problem))
    assert best is not None
    return Answer(best, usage)


async def _send[T](
    generator: Generator, request: Request, parse: Callable[[Reply], T]
) -> tuple[T | Failure, str, Usage]:
    """Return the parsed reply or the failure, the reply's text, and the usage of this attempt."""
    started, reply = monotonic(), Reply("")
    outcome: T | Failure
    try:
        reply = await generator.generate(request)
        outcome = parse(reply)
    except SampleError as error:
        outcome = failure(error)
    except PgenError:
        raise
    except Exception as error:  # a generator may raise anything: it costs this sample, not the run
        outcome = failure(SampleError("generate", f"{type(error).__name__}: {error}"))
    usage = Usage(reply.tokens_in, reply.tokens_out, monotonic() - started, 1, reply.retries)
    return outcome, reply.text, usage


def failure(error: SampleError) -> Failure:
    """Return the error as a failure whose reason is one line that every file can hold."""
    return Failure(error.stage, excerpt(error.reason, MAX_REASON) or "no reason was given")
