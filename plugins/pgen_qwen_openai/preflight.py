"""What is found out before anything is paid for: who answers, with which model, in which format.

Raises ConfigError with what to do where no server can be used. A server that is down while others answer
is left to the run, which tries it again.
"""

import asyncio
import logging
from dataclasses import dataclass
from pathlib import PurePath
from time import monotonic

from pgen.errors import ConfigError, SampleError
from pgen.records import Clip
from pgen_qwen_openai.body import Fields, encode
from pgen_qwen_openai.client import Client
from pgen_qwen_openai.endpoints import Endpoint
from pgen_qwen_openai.formats import ORDER, PROBE, PROBE_SCHEMA, instruction, obeyed, probe_image, response_format
from pgen_qwen_openai.options import FormatName, QwenOpenAIOptions
from pgen_qwen_openai.retrying import PATIENCE, Kind, PassingError, RejectedError

log = logging.getLogger("pgen.qwen_openai")

GREETING: dict[Kind, int] = {"unreachable": 3, "slow": 1, "broken": 4}
"""A server that is not there is not waited for."""

PROBING: dict[Kind, int] = {**PATIENCE, "broken": 3}
"""Some servers break down over a format that they do not know."""


@dataclass(frozen=True, slots=True)
class Found:
    """What the run uses."""

    model: str
    format: FormatName


async def check(client: Client, options: QwenOpenAIOptions) -> Found:
    """The model, and the strictest format that every server obeys."""
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
    formats = await asyncio.gather(*(_format(client, one, options, model) for one, _ in there))
    return Found(model, max(formats, key=ORDER.index))


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
        raise _unusable(error, options) from None


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


async def _format(client: Client, endpoint: Endpoint, options: QwenOpenAIOptions, model: str) -> FormatName:
    """The strictest format that this server obeys; or the one that was asked for, if it answers at all."""
    fields = Fields(model, options.temperature, options.max_tokens, options.extra)
    picture = probe_image()
    shown = Clip("probe", (picture, picture), (-1.0, 0.0)) if options.clips == "video" else picture
    problem: Exception | None = None
    for number, name in enumerate(ORDER if options.response_format == "auto" else (options.response_format,)):
        request = fields.with_seed(number, response_format(name, PROBE_SCHEMA))
        body = encode(request, PROBE, _suffix(name), (shown,))
        try:
            reply, _ = await client.complete(body, endpoint, PATIENCE if name == "plain" else PROBING)
            if options.response_format != "auto" or obeyed(name, reply.text):
                return name
        except SampleError:
            return name
        except (RejectedError, PassingError) as error:
            problem = _tolerated(error, options)
    what = "clip of type video/jpeg" if options.clips == "video" else "picture"
    raise ConfigError(f"the server does not answer a small request with one {what}: {problem}.")


def _tolerated(error: RejectedError | PassingError, options: QwenOpenAIOptions) -> Exception:
    """The error, where another format may do better. Raises ConfigError where none will."""
    if isinstance(error, PassingError) and error.kind != "broken":
        raise ConfigError(f"{error}. Start again when the server is ready.") from None
    if isinstance(error, RejectedError) and error.status in (0, 401, 403, 404):
        raise _unusable(error, options) from None
    return error


def _suffix(name: FormatName) -> str:
    """Servers want JSON to be spoken of where they are to write it; the plain probe must not be led."""
    return instruction(name, PROBE_SCHEMA) if name == "json_object" else ""


def _unusable(error: RejectedError, options: QwenOpenAIOptions) -> ConfigError:
    advice = {
        0: "Correct generator.base_url.",
        401: f"Put the right key into the environment variable {options.api_key_env}.",
        403: f"The key in {options.api_key_env} may not use this; take another key or another model.",
        404: "Correct generator.base_url, which mostly ends in /v1, or --model.",
    }
    return ConfigError(f"{error}. {advice.get(error.status, 'Correct generator.base_url or generator.extra.')}")


def _names(names: list[str], most: int = 10) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
