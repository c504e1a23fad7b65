"""The checks before a run: which servers answer, with which model, and what they accept.

Raises ConfigError with the remedy where no server can be used. A server that is down while others answer is left to
the run, which tries it again.
"""

import asyncio
import logging
from dataclasses import dataclass
from pathlib import PurePath
from time import monotonic

from pgen.errors import ConfigError
from pgen.safety.redaction import excerpt
from pgen_qwen_openai.client import Client
from pgen_qwen_openai.load_balancer import Server
from pgen_qwen_openai.options import FormatName, QwenOpenAIOptions
from pgen_qwen_openai.probe import Probe, unusable
from pgen_qwen_openai.reasoning import Reasoning
from pgen_qwen_openai.retry import Kind, RejectedError, TransientError
from pgen_qwen_openai.structured_output import FORMATS

log = logging.getLogger("pgen.qwen_openai")

MODEL_LIMITS: dict[Kind, int] = {"unreachable": 3, "slow": 1, "broken": 4}
"""Attempts to list the models, by the kind of error."""


@dataclass(frozen=True, slots=True)
class Preflight:
    """The model and the format of the run; the `unknown_fields` that requests omit, and how they treat reasoning.

    `clip_times` is whether requests state when the frames of clips were taken.
    """

    model: str
    format: FormatName
    unknown_fields: frozenset[str]
    reasoning: Reasoning
    clip_times: bool


async def check_servers(client: Client, options: QwenOpenAIOptions, max_images: int) -> Preflight:
    """Return the model, the strictest format that all servers obey, and the fields that one of them does not know.

    `max_images` is the largest number of images in a request. Raises ConfigError where a server accepts fewer.
    """
    models = await _available_models(client, options)
    available = {server: names for server, names in models.items() if not isinstance(names, TransientError)}
    errors = [names for names in models.values() if isinstance(names, TransientError)]
    if not available:
        raise ConfigError(f"no server answers: {errors[0]}. Start it, or correct generator.base_url.")
    for error in errors:
        log.warning("%s; it is tried again later.", error)
    chosen = {_choose_model(options.model, server, names) for server, names in available.items()}
    if len(chosen) > 1:
        raise ConfigError(f"the servers have different models: {_join(sorted(chosen))}; choose one with --model.")
    model = chosen.pop()
    probes = [Probe(client, server, options, model, max_images) for server in available]
    formats = await asyncio.gather(*(probe.strictest_format() for probe in probes))
    unknown = frozenset[str]().union(*(probe.unknown_fields for probe in probes))
    for name in sorted(unknown):
        log.warning("the server does not know %s: it is left out of every request.", name)
    times = all(await asyncio.gather(*(probe.knows_clip_times() for probe in probes)))
    if options.clips == "video" and max_images and not times:
        log.warning(
            "the server takes no times of clips and assumes a frame a second; start vLLM with "
            "--trust-request-mm-kwargs, or send sheets."
        )
    reasoning = max(probe.reasoning for probe in probes)
    if effect := reasoning.describe():
        log.warning("the model reasons before it replies: %s.", effect)
    return Preflight(model, max(formats, key=FORMATS.index), unknown, reasoning, times)


async def _available_models(
    client: Client, options: QwenOpenAIOptions
) -> dict[Server, list[str] | TransientError | None]:
    """List each server's models. Where no server answers, wait for one as long as `wait_for_server` allows."""
    servers = client.servers.all
    deadline = monotonic() + options.wait_for_server
    while True:
        models = await asyncio.gather(*(_list_models(client, server, options) for server in servers))
        if monotonic() >= deadline or not all(isinstance(names, TransientError) for names in models):
            return dict(zip(servers, models, strict=True))
        log.info("no server answers yet: %s", models[0])
        await asyncio.sleep(min(options.retry_wait, max(0.0, deadline - monotonic())))


async def _list_models(client: Client, server: Server, options: QwenOpenAIOptions) -> list[str] | TransientError | None:
    try:
        return await client.models(server, MODEL_LIMITS)
    except TransientError as error:
        # Some servers fail over the list alone. Where the model is named, the probe shows whether they work.
        return None if error.kind == "broken" and options.model != "auto" else error
    except RejectedError as error:
        raise unusable(error, options) from None


def _choose_model(model: str, server: Server, names: list[str] | None) -> str:
    if model != "auto":
        # Not every server lists the folder that it was started with.
        if names and model not in names and not PurePath(model).is_absolute():
            raise ConfigError(f"{server.url} has no model {model!r}; it has: {_join(names)}. Name one with --model.")
        return model
    if not names:
        raise ConfigError(f"{server.url} lists no model; name it with --model.")
    if len(set(names)) > 1:
        raise ConfigError(f"{server.url} has several models: {_join(names)}. Choose one with --model.")
    return names[0]


def _join(names: list[str], limit: int = 10) -> str:
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(excerpt(name, 100) for name in names[:limit]) + more
