"""Small requests like those of the run, which show what a server accepts.

A request that is refused is sent again without the field that the server does not know, then in another format, then
with fewer images. One whose reply shows reasoning is sent again with what turns that off, or with more tokens.
"""

from collections.abc import Mapping
from contextlib import suppress

from pgen.errors import ConfigError, SampleError
from pgen.records import Clip, Image, Reply
from pgen_qwen_openai.client import Client
from pgen_qwen_openai.load_balancer import Server
from pgen_qwen_openai.messages import RequestFields, chat_messages, clip_times
from pgen_qwen_openai.options import FormatName, QwenOpenAIOptions
from pgen_qwen_openai.reasoning import RESERVED, SWITCH, Reasoning, after_reasoning, remedies
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
    """Sends small requests to one server.

    `unknown_fields` are those that it turned out not to know, `reasoning` is what requests do about reasoning.
    """

    def __init__(self, client: Client, server: Server, options: QwenOpenAIOptions, model: str, max_images: int) -> None:
        self._client, self._server, self._options, self._model = client, server, options, model
        self._max_images = max_images
        self.unknown_fields: frozenset[str] = frozenset()
        self.reasoning = Reasoning()

    async def strictest_format(self) -> FormatName:
        """Return the strictest format that the server obeys; or the user's choice, if the server answers at all."""
        chosen = self._options.response_format
        formats = FORMATS if chosen == "auto" else (chosen,)
        cause: Exception | None = None
        for seed, name in enumerate(formats):
            try:
                text = await self._reply(name, seed, self._max_images)
                if chosen != "auto":
                    return name
                if obeys(name, text):
                    await self._turn_off_hidden_reasoning(name, seed)
                    return name
            except SampleError:
                return name
            except (RejectedError, TransientError) as error:
                self._raise_if_final(error)
                if isinstance(error, TransientError) and await self._works_without_reasoning(name, seed):
                    return name
                cause = error
        raise await self._diagnose(formats[-1], cause)

    async def knows_clip_times(self) -> bool:
        """Whether the server reads the times of a clip: it then refuses those of one frame for a clip of two."""
        if self._options.clips != "video" or not self._max_images or "media_io_kwargs" in self._options.extra:
            return False
        image = probe_image()
        clip, one = Clip("probe", (image, image), (-1.0, 0.0)), Clip("probe", (image,), (0.0,))
        fields = RequestFields(self._model, self._options, self.unknown_fields, self.reasoning)
        body = fields.body(chat_messages(PROBE, "", [clip]), 0, None, clip_times([one]))
        try:
            await self._client.complete(body, self._server, PROBE_LIMITS)
        except (RejectedError, TransientError) as error:
            return "frames_indices" in str(error)
        except SampleError:
            pass
        return False

    async def _reply(self, name: FormatName, seed: int, images: int) -> str:
        """Return the text behind reasoning of the reply in a format. Raises ConfigError where it ends in reasoning."""
        reply = await self._send_known(name, seed, images)
        if reply.reasoned and not self.reasoning.reserved:
            reply = await self._without_reasoning(reply, name, seed, images)
        text = after_reasoning(reply.text)
        if reply.reasoned and not text.strip():
            raise self._only_reasons()
        return text

    async def _without_reasoning(self, first: Reply, name: FormatName, seed: int, images: int) -> Reply:
        """Return the reply with the first remedy by which it is complete."""
        for remedy in remedies(self._options):
            self.reasoning = remedy
            try:
                reply = await self._send_known(name, seed, images)
            except (RejectedError, TransientError) as error:
                self._raise_if_final(error)
                continue  # the server refuses the field, or so many tokens
            if not reply.reasoned or (remedy.reserved and _is_complete(reply)):
                return reply
            if remedy.reserved:
                break
        else:
            self.reasoning = Reasoning()
            if _is_complete(first):
                return first
        raise self._only_reasons()

    def _only_reasons(self) -> ConfigError:
        return ConfigError(
            f"{self._server.url} leaves the reply empty: all that the model writes is its reasoning, also with "
            f"chat_template_kwargs.{SWITCH}=false and with {RESERVED[0]} more tokens. Take a model that does not "
            "reason, allow more tokens with --opt generator.max_tokens=16384, or start the server without a "
            "reasoning parser."
        )

    async def _works_without_reasoning(self, name: FormatName, seed: int) -> bool:
        """Whether a format that broke the server works once reasoning is off: vLLM may answer 500 to both together."""
        remedy = next(remedies(self._options))
        if self.reasoning != Reasoning() or not remedy.off:
            return False
        self.reasoning = remedy
        with suppress(RejectedError, TransientError, SampleError):
            reply = await self._send_known(name, seed, self._max_images)
            if not reply.reasoned and obeys(name, reply.text):
                return True
        self.reasoning = Reasoning()
        return False

    async def _turn_off_hidden_reasoning(self, name: FormatName, seed: int) -> None:
        """Turn off reasoning that a format hides: it makes a model write JSON where its chat template opens reasoning.

        Only a reply in plain text shows that. Errors are ignored: the format of the run works without this.
        """
        if name == "plain" or self.reasoning != Reasoning():
            return
        try:
            if not (await self._send_known("plain", seed, self._max_images)).reasoned:
                return
            self.reasoning = next(remedies(self._options))
            if not self.reasoning.off or (await self._send_known("plain", seed, self._max_images)).reasoned:
                self.reasoning = Reasoning()
        except (RejectedError, TransientError, SampleError):
            self.reasoning = Reasoning()

    async def _send_known(self, name: FormatName, seed: int, images: int) -> Reply:
        """Return the reply in a format, after removing the fields that the server does not know."""
        while True:
            try:
                return await self._send(name, seed, images)
            except RejectedError as error:
                omitted = self.unknown_fields.union(self._options.extra)
                sent = tuple(field for field in OPTIONAL_FIELDS if field not in omitted)
                field = error.details.unknown_field(sent) if error.status in (400, 422) else None
                if field is None:
                    raise
                self.unknown_fields |= {field}

    async def _send(self, name: FormatName, seed: int, images: int) -> Reply:
        # Servers want JSON to be mentioned where they are to write it; the plain probe must not suggest it.
        suffix = instruction(name, PROBE_SCHEMA) if name == "json_object" else ""
        image = probe_image()
        media: list[Image | Clip] = [image] * images
        if self._options.clips == "video":
            media = [Clip("probe", (image, image), (-1.0, 0.0))] * images
        fields = RequestFields(self._model, self._options, self.unknown_fields, self.reasoning)
        body = fields.body(chat_messages(PROBE, suffix, media), seed, response_format(name, PROBE_SCHEMA))
        reply, _ = await self._client.complete(body, self._server, LIMITS if name == "plain" else PROBE_LIMITS)
        return reply

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


def _is_complete(reply: Reply) -> bool:
    return not reply.truncated and bool(after_reasoning(reply.text).strip())


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
