"""The checks before a run: which servers answer, with which model, and what they accept.

Raises ConfigError with the remedy where no server can be used. A server that is down while others answer is left to
the run, which tries it again. Small requests like those of the run show what a server accepts: one that is refused is
sent again without the field that the server does not know, then in another format, then with fewer images.
"""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePath
from time import monotonic

from pgen.errors import ConfigError, SampleError
from pgen.records import Clip, Image
from pgen.safety.redaction import excerpt
from pgen_qwen_openai.client import Client
from pgen_qwen_openai.load_balancer import Server
from pgen_qwen_openai.messages import THINKING, RequestFields, chat_messages
from pgen_qwen_openai.options import FormatName, QwenOpenAIOptions
from pgen_qwen_openai.retry import LIMITS, Kind, RejectedError, TransientError
from pgen_qwen_openai.structured_output import (
    FORMATS,
    PROBE,
    PROBE_SCHEMA,
    instruction,
    obeys,
    probe_image,
    response_format,
)

PROBE_LIMITS: Mapping[Kind, int] = {**LIMITS, "broken": 3}
"""Some servers fail over a format that they do not know."""

OPTIONAL_FIELDS = ("max_tokens", "max_completion_tokens", "temperature", "seed")
"""Fields that a request can do without."""


class Probe:
    """Sends small requests to one server. `unknown_fields` are those that it turned out not to know."""

    def __init__(self, client: Client, server: Server, options: QwenOpenAIOptions, model: str, max_images: int) -> None:
        self._client, self._server, self._options, self._model = client, server, options, model
        self._max_images = max_images
        self.unknown_fields: frozenset[str] = frozenset()

    async def strictest_format(self) -> FormatName:
        """Return the strictest format that the server obeys; or the user's choice, if the server answers at all."""
        chosen = self._options.response_format
        formats = FORMATS if chosen == "auto" else (chosen,)
        cause: Exception | None = None
        for seed, name in enumerate(formats):
            try:
                text = await self._reply(name, seed, self._max_images)
                if chosen != "auto" or obeys(name, text):
                    return name
            except SampleError:
                return name
            except (RejectedError, TransientError) as error:
                self._raise_if_final(error)
                cause = error
        raise await self._diagnose(formats[-1], cause)

    async def _reply(self, name: FormatName, seed: int, images: int) -> str:
        """Return the reply in a format, after removing the fields that the server does not know."""
        while True:
            try:
                text = await self._send(name, seed, images)
                break
            except RejectedError as error:
                omitted = self.unknown_fields.union(self._options.extra)
                sent = tuple(field for field in OPTIONAL_FIELDS if field not in omitted)
                field = error.details.unknown_field(sent) if error.status in (400, 422) else None
                if field is None:
                    raise
                self.unknown_fields |= {field}
        if text.startswith(THINKING) and "</think>" not in text:
            raise ConfigError(
                f"{self._server.url} leaves the reply empty: all that the model writes is taken for its thinking. "
                "Turn that off with --opt generator.extra.chat_template_kwargs.enable_thinking=false, allow more than "
                f"{self._options.max_tokens} tokens with --opt generator.max_tokens=8192, or start the server without "
                "a reasoning parser."
            )
        return text

    async def _send(self, name: FormatName, seed: int, images: int) -> str:
        # Servers want JSON to be mentioned where they are to write it; the plain probe must not suggest it.
        suffix = instruction(name, PROBE_SCHEMA) if name == "json_object" else ""
        image = probe_image()
        media: list[Image | Clip] = [image] * images
        if self._options.clips == "video":
            media = [Clip("probe", (image, image), (-1.0, 0.0))] * images
        fields = RequestFields(self._model, self._options, self.unknown_fields)
        body = fields.body(chat_messages(PROBE, suffix, media), seed, response_format(name, PROBE_SCHEMA))
        reply, _ = await self._client.complete(body, self._server, LIMITS if name == "plain" else PROBE_LIMITS)
        return reply.text

    def _raise_if_final(self, error: RejectedError | TransientError) -> None:
        """Raise ConfigError for an error that another format does not avoid."""
        if isinstance(error, TransientError) and error.kind != "broken":
            raise ConfigError(f"{error}. Start again when the server is ready.") from None
        if isinstance(error, RejectedError) and error.status in (0, 401, 403, 404, 429):
            raise unusable(error, self._options) from None

    async def _diagnose(self, name: FormatName, cause: Exception | None) -> ConfigError:
        """Return why the server refuses the requests: it may accept them with fewer images."""
        video, reason = self._options.clips == "video", str(cause).rstrip(".")
        media = "clip of type video/jpeg" if video else "image"
        for fewer in range(self._max_images - 1, -1, -1):
            try:
                await self._reply(name, 0, fewer)
            except (RejectedError, TransientError, SampleError):
                continue
            if fewer:
                return ConfigError(
                    f"the server takes no more than {fewer} {media}{'s' * (fewer > 1)} a request, and a sample has "
                    f"{self._max_images}: {reason}. Let it take more (vLLM: --limit-mm-per-prompt "
                    f"'{{\"{'video' if video else 'image'}\": {self._max_images}}}'), or show fewer with "
                    f"--num-image-views-per-sample {fewer} or --camera KEY."
                )
            return ConfigError(
                f"the server answers a small request without a {media}, and none with one {media}: {reason}. Take a "
                "vision-language model, or show no camera with --num-image-views-per-sample 0."
            )
        images = f" with {self._max_images} {media}{'s' * (self._max_images > 1)}" if self._max_images else ""
        return ConfigError(f"the server does not answer a small request{images}: {reason}.")


def unusable(error: RejectedError, options: QwenOpenAIOptions) -> ConfigError:
    """Return the error with its remedy, for a server that cannot be used at all."""
    remedies = {
        0: "Correct generator.base_url.",
        401: f"Put the right key into the environment variable {options.api_key_env}.",
        403: f"The key in {options.api_key_env} may not use this; take another key or another model.",
        404: "Correct generator.base_url, which mostly ends in /v1, or --model.",
        429: "Start again when the limit is lifted, or take another key.",
    }
    return ConfigError(f"{error}. {remedies.get(error.status, 'Correct generator.base_url or generator.extra.')}")


log = logging.getLogger("pgen.qwen_openai")

MODEL_LIMITS: dict[Kind, int] = {"unreachable": 3, "slow": 1, "broken": 4}
"""Attempts to list the models, by the kind of error."""


@dataclass(frozen=True, slots=True)
class Preflight:
    """The model and the format of the run, and the `unknown_fields` that its requests omit."""

    model: str
    format: FormatName
    unknown_fields: frozenset[str] = frozenset()


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
    return Preflight(model, max(formats, key=FORMATS.index), unknown)


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
