"""What a server takes, found out by small requests: a format, the fields of a request, and as many pictures as needed.

Each request is as those of the run will be. A server that refuses one is asked once more without the field that it
does not know, then in another format; where none is answered, with fewer pictures, to tell what is wrong.
"""

from collections.abc import Mapping

from pgen.errors import ConfigError, SampleError
from pgen.records import Clip, Image
from pgen_qwen_openai.client import Client
from pgen_qwen_openai.load_balancer import Endpoint
from pgen_qwen_openai.messages import THINKING, Fields, encode
from pgen_qwen_openai.options import FormatName, QwenOpenAIOptions
from pgen_qwen_openai.retry import PATIENCE, Kind, PassingError, RejectedError
from pgen_qwen_openai.structured_output import (
    ORDER,
    PROBE,
    PROBE_SCHEMA,
    instruction,
    obeyed,
    probe_image,
    response_format,
)

PROBING: Mapping[Kind, int] = {**PATIENCE, "broken": 3}
"""Some servers break down over a format that they do not know."""

OPTIONAL = ("max_tokens", "max_completion_tokens", "temperature", "seed")
"""Fields that a request can do without."""


def fields(options: QwenOpenAIOptions, model: str, unknown: frozenset[str]) -> Fields:
    """What every request has in common."""
    return Fields(model, options.temperature, options.max_tokens, options.extra, unknown)


class Probe:
    """Finds out about one server. `unknown` are the fields that it turned out not to know."""

    def __init__(
        self, client: Client, endpoint: Endpoint, options: QwenOpenAIOptions, model: str, pictures: int
    ) -> None:
        self._client, self._endpoint, self._options, self._model = client, endpoint, options, model
        self._pictures = pictures
        self.unknown: frozenset[str] = frozenset()

    async def format(self) -> FormatName:
        """The strictest format that the server obeys; or the one that was asked for, if it answers at all."""
        auto = self._options.response_format == "auto"
        names: tuple[FormatName, ...] = ORDER if auto else (self._options.response_format,)  # type: ignore[assignment]
        problem: Exception | None = None
        for number, name in enumerate(names):
            try:
                text = await self._answer(name, number, self._pictures)
                if not auto or obeyed(name, text):
                    return name
            except SampleError:
                return name
            except (RejectedError, PassingError) as error:
                problem = self._tolerated(error)
        raise await self._diagnosis(names[-1], problem)

    async def _answer(self, name: FormatName, number: int, pictures: int) -> str:
        """The reply in a format, to a request without fields that the server does not know."""
        while True:
            try:
                text = await self._asked(name, number, pictures)
                break
            except RejectedError as error:
                known = tuple(field for field in OPTIONAL if field not in self.unknown.union(self._options.extra))
                field = error.problem.unknown(known) if error.status in (400, 422) else None
                if field is None:
                    raise
                self.unknown |= {field}
        if text.startswith(THINKING) and "</think>" not in text:
            raise ConfigError(
                f"{self._endpoint.url} leaves the reply empty: all that the model writes is taken for its thinking. "
                "Turn that off with --opt generator.extra.chat_template_kwargs.enable_thinking=false, allow more than "
                f"{self._options.max_tokens} tokens with --opt generator.max_tokens=8192, or start the server without "
                "a reasoning parser."
            )
        return text

    async def _asked(self, name: FormatName, number: int, pictures: int) -> str:
        common = fields(self._options, self._model, self.unknown)
        body = encode(
            common.with_seed(number, response_format(name, PROBE_SCHEMA)), PROBE, _suffix(name), self._shown(pictures)
        )
        patience = PATIENCE if name == "plain" else PROBING
        reply, _ = await self._client.complete(body, self._endpoint, patience)
        return reply.text

    def _shown(self, pictures: int) -> list[Image | Clip]:
        picture = probe_image()
        clip = Clip("probe", (picture, picture), (-1.0, 0.0))
        return [clip if self._options.clips == "video" else picture] * pictures

    def _tolerated(self, error: RejectedError | PassingError) -> Exception:
        """The error, where another format may do better. Raises ConfigError where none will."""
        if isinstance(error, PassingError) and error.kind != "broken":
            raise ConfigError(f"{error}. Start again when the server is ready.") from None
        if isinstance(error, RejectedError) and error.status in (0, 401, 403, 404, 429):
            raise unusable(error, self._options) from None
        return error

    async def _diagnosis(self, name: FormatName, problem: Exception | None) -> ConfigError:
        """Why a server refuses requests with so many pictures: it may answer with fewer."""
        video, words = self._options.clips == "video", str(problem).rstrip(".")
        what = "clip of type video/jpeg" if video else "picture"
        for fewer in range(self._pictures - 1, -1, -1):
            try:
                await self._answer(name, 0, fewer)
            except (RejectedError, PassingError, SampleError):
                continue
            if fewer:
                return ConfigError(
                    f"the server takes no more than {fewer} {what}{'s' * (fewer > 1)} a request, and a sample has "
                    f"{self._pictures}: {words}. Let it take more (vLLM: --limit-mm-per-prompt "
                    f"'{{\"{'video' if video else 'image'}\": {self._pictures}}}'), or show fewer with "
                    f"--num-image-views-per-sample {fewer} or --camera KEY."
                )
            return ConfigError(
                f"the server answers a small request without a {what}, and none with one {what}: {words}. Take a "
                "vision-language model, or show no camera with --num-image-views-per-sample 0."
            )
        many = "" if not self._pictures else f" with {'one' if self._pictures == 1 else self._pictures} {what}"
        return ConfigError(f"the server does not answer a small request{many}{'s' * (self._pictures > 1)}: {words}.")


def unusable(error: RejectedError, options: QwenOpenAIOptions) -> ConfigError:
    """What to do about a server that nothing can be asked."""
    advice = {
        0: "Correct generator.base_url.",
        401: f"Put the right key into the environment variable {options.api_key_env}.",
        403: f"The key in {options.api_key_env} may not use this; take another key or another model.",
        404: "Correct generator.base_url, which mostly ends in /v1, or --model.",
        429: "Start again when the limit is lifted, or take another key.",
    }
    return ConfigError(f"{error}. {advice.get(error.status, 'Correct generator.base_url or generator.extra.')}")


def _suffix(name: FormatName) -> str:
    """Servers want JSON to be spoken of where they are to write it; the plain probe must not be led."""
    return instruction(name, PROBE_SCHEMA) if name == "json_object" else ""
