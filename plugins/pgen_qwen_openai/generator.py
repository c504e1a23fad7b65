"""The generator `qwen-openai`: replies of OpenAI-compatible servers, which are running or started for the run."""

import os
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pgen.components import Generator, Patches
from pgen.errors import ConfigError, SampleError
from pgen.records import Clip, Image, Reply, Request
from pgen.safety.redaction import register
from pgen_qwen_openai.messages import RequestFields, chat_messages, clip_times
from pgen_qwen_openai.options import QwenOpenAIOptions
from pgen_qwen_openai.structured_output import instruction, response_format

if TYPE_CHECKING:
    from pgen_qwen_openai.client import Client
    from pgen_qwen_openai.local_server import LocalServers
    from pgen_qwen_openai.preflight import Preflight

_QWEN3 = re.compile(r"qwen-?3", re.IGNORECASE)


class QwenOpenAIGenerator(Generator[QwenOpenAIOptions]):
    """Asks a Qwen (or any other vision-language) model over HTTP, many samples at once."""

    name = "qwen-openai"
    several = True
    _client: "Client | None" = None
    _local_servers: "LocalServers | None" = None
    _preflight: "Preflight | None" = None

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._check_server()
        register(os.environ.get(self.options.api_key_env, ""))  # before anything can be printed

    def _check_server(self) -> None:
        if not self.options.base_url and not self.options.serve:
            raise ConfigError(
                "generator qwen-openai: name the server, as in --opt generator.base_url=http://127.0.0.1:8000/v1, "
                "or the command that starts one, as in --opt 'generator.serve=vllm serve MODEL --port {port}'."
            )

    @property
    def concurrency(self) -> int:
        return self.options.concurrency

    @property
    def gpus(self) -> float:
        return float(self.options.replicas) if self.options.serve else 0.0

    @property
    def model(self) -> str | None:
        return self._preflight.model if self._preflight else self.options.model

    @property
    def takes_clips(self) -> bool:
        return self.options.clips == "video"

    @property
    def patches(self) -> Patches:
        """Those of Qwen3-VL and later where the model's name says so, else of Qwen2-VL, which has more tokens."""
        return Patches(32, 64) if _QWEN3.search(self.model or "") else Patches(28, 4)

    def provenance(self) -> dict[str, Any]:
        """Return the results of the checks before the run, for the manifest."""
        preflight = self._preflight
        if not preflight:
            return {}
        unknown = {"unknown_fields": sorted(preflight.unknown_fields)} if preflight.unknown_fields else {}
        reasoning = {"reasoning": effect} if (effect := preflight.reasoning.describe()) else {}
        times = {"clip_times": preflight.clip_times} if self.takes_clips else {}
        return {"model": preflight.model, "response_format": preflight.format, **unknown, **reasoning, **times}

    async def open(self) -> None:
        """Start the servers if they are to be, and find out which model and structured output to use."""
        from pgen_qwen_openai.client import Client
        from pgen_qwen_openai.load_balancer import LoadBalancer
        from pgen_qwen_openai.local_server import LocalServers
        from pgen_qwen_openai.preflight import check_servers

        options, key = self.options, self._key()
        urls = list(options.base_url)
        try:
            if options.serve:
                self._local_servers = LocalServers(options.serve, options.replicas, key)
                urls += await self._local_servers.start(options.serve_timeout)
            self._client = Client(LoadBalancer(urls, options.concurrency), key, options)
            self._use(await check_servers(self._client, options, self.max_images))
        except BaseException:  # a caller that is cancelled here does not call close()
            await self.close()
            raise

    async def generate(self, request: Request) -> Reply:
        """Return the reply to a request. Raises SampleError("transport") or SampleError("refused")."""
        from pgen_qwen_openai.retry import RejectedError, TransientError

        if not self._client:
            raise RuntimeError("the generator is not open")
        try:
            reply, retries = await self._client.complete(self._body(request))
        except (TransientError, RejectedError) as error:
            raise SampleError("transport", str(error)) from None
        return replace(reply, retries=retries) if retries else reply

    async def close(self) -> None:
        client, self._client = self._client, None
        servers, self._local_servers = self._local_servers, None
        try:
            if client:
                await client.close()
        finally:
            if servers:
                await servers.stop()

    def _use(self, preflight: "Preflight") -> None:
        self._preflight = preflight
        self._fields = RequestFields(preflight.model, self.options, preflight.unknown_fields, preflight.reasoning)

    def _body(self, request: Request) -> bytes:
        if not self._preflight:
            raise RuntimeError("the generator is not open")
        name, prompt = self._preflight.format, request.prompt
        media: list[Image | Clip] = [*request.images, *request.clips]
        messages = chat_messages(prompt, instruction(name, prompt.schema), media, request.repair)
        times = clip_times(request.clips) if self._preflight.clip_times else None
        return self._fields.body(messages, request.seed, response_format(name, prompt.schema), times)

    def _key(self) -> str:
        """Read the key from the environment, without the line break that `export KEY=$(cat file)` can leave."""
        variable = self.options.api_key_env
        key = os.environ.get(variable, "").strip()
        if not key and "api_key_env" in self.options.model_fields_set:
            raise ConfigError(f"the environment variable {variable}, named by generator.api_key_env, is not set.")
        if not key.isascii() or not key.isprintable():
            raise ConfigError(f"the key in the environment variable {variable} holds characters that no header can.")
        register(key)
        return key
