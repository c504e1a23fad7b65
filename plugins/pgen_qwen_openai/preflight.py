"""What is found out before anything is paid for: who answers, and with which model.

Raises ConfigError with what to do where no server can be used. A server that is down while others answer
is left to the run, which tries it again. What each server takes is found out by `pgen_qwen_openai.preflight_requests`.
"""

import asyncio
import logging
from dataclasses import dataclass
from pathlib import PurePath
from time import monotonic

from pgen.errors import ConfigError
from pgen.safety.redaction import excerpt
from pgen_qwen_openai.client import Client
from pgen_qwen_openai.load_balancer import Endpoint
from pgen_qwen_openai.options import FormatName, QwenOpenAIOptions
from pgen_qwen_openai.preflight_requests import Probe, unusable
from pgen_qwen_openai.retry import Kind, PassingError, RejectedError
from pgen_qwen_openai.structured_output import ORDER

log = logging.getLogger("pgen.qwen_openai")

GREETING: dict[Kind, int] = {"unreachable": 3, "slow": 1, "broken": 4}
"""A server that is not there is not waited for."""


@dataclass(frozen=True, slots=True)
class Found:
    """What the run uses."""

    model: str
    format: FormatName
    unknown: frozenset[str] = frozenset()
    """Fields of a request that a server does not know, and that are left out."""


async def check(client: Client, options: QwenOpenAIOptions, pictures: int) -> Found:
    """The model, the strictest format that every server obeys, and the fields that one of them does not know.

    `pictures` are the most that a request will hold. Raises ConfigError where a server does not take them.
    """
    everyone = client.endpoints.all
    listed = await _greeted(client, options)
    there = [(one, names) for one, names in zip(everyone, listed, strict=True) if not isinstance(names, PassingError)]
    if not there:
        raise ConfigError(f"no server answers: {listed[0]}. Start it, or correct generator.base_url.")
    for problem in listed:
        if isinstance(problem, PassingError):
            log.warning("%s; it is tried again later.", problem)
    models = {_model(options.model, one, names) for one, names in there if not isinstance(names, PassingError)}
    if len(models) > 1:
        raise ConfigError(f"the servers have different models: {_names(sorted(models))}; choose one with --model.")
    model = models.pop()
    probes = [Probe(client, one, options, model, pictures) for one, _ in there]
    formats = await asyncio.gather(*(probe.format() for probe in probes))
    unknown = frozenset[str]().union(*(probe.unknown for probe in probes))
    for name in sorted(unknown):
        log.warning("the server does not know %s: it is left out of every request.", name)
    return Found(model, max(formats, key=ORDER.index), unknown)


async def _greeted(client: Client, options: QwenOpenAIOptions) -> list[list[str] | PassingError | None]:
    """What each server lists; where none is there, they are waited for as long as `wait_for_server` says."""
    deadline = monotonic() + options.wait_for_server
    while True:
        listed = await asyncio.gather(*(_listed(client, one, options) for one in client.endpoints.all))
        if monotonic() >= deadline or not all(isinstance(names, PassingError) for names in listed):
            return listed
        log.info("no server answers yet: %s", listed[0])
        await asyncio.sleep(min(options.retry_wait, max(0.0, deadline - monotonic())))


async def _listed(client: Client, endpoint: Endpoint, options: QwenOpenAIOptions) -> list[str] | PassingError | None:
    try:
        return await client.models(endpoint, GREETING)
    except PassingError as error:
        # Some servers break down over the list alone: where the model is named, the probe will tell.
        return None if error.kind == "broken" and options.model != "auto" else error
    except RejectedError as error:
        raise unusable(error, options) from None


def _model(wanted: str, endpoint: Endpoint, names: list[str] | None) -> str:
    if wanted != "auto":
        # A folder is listed by some of the servers that were given one, and not by others.
        if names and wanted not in names and not PurePath(wanted).is_absolute():
            raise ConfigError(
                f"{endpoint.url} has no model {wanted!r}; it has: {_names(names)}. Name one with --model."
            )
        return wanted
    if not names:
        raise ConfigError(f"{endpoint.url} lists no model; name it with --model.")
    if len(set(names)) > 1:
        raise ConfigError(f"{endpoint.url} has several models: {_names(names)}. Choose one with --model.")
    return names[0]


def _names(names: list[str], most: int = 10) -> str:
    return ", ".join(excerpt(name, 100) for name in names[:most]) + (
        f" and {len(names) - most} more" if len(names) > most else ""
    )
