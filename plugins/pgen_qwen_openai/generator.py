"""The generator `qwen-openai`: replies from one or several OpenAI-compatible servers, or from ones it starts.

`open` finds out who answers, with which model and which structured output; `generate` sends one sample and
returns its reply as text, or raises SampleError("transport") or SampleError("refused").
"""

import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pgen.components import Generator
from pgen.errors import ConfigError, SampleError
from pgen.records import Clip, Image, Reply, Request
from pgen.safety.redaction import register
from pgen_qwen_openai.messages import encode
from pgen_qwen_openai.options import QwenOpenAIOptions
from pgen_qwen_openai.structured_output import instruction, response_format

if TYPE_CHECKING:
    from pgen_qwen_openai.client import Client
    from pgen_qwen_openai.local_server import Servers
    from pgen_qwen_openai.preflight import Found


class QwenOpenAIGenerator(Generator[QwenOpenAIOptions]):
    """Asks a Qwen (or any other vision-language) model over HTTP, many samples at once."""

    name = "qwen-openai"

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        if not self.options.base_url and not self.options.serve:
            raise ConfigError(
                "generator qwen-openai: name the server, as in --opt generator.base_url=http://127.0.0.1:8000/v1, "
                "or the command that starts one, as in --opt 'generator.serve=vllm serve MODEL --port {port}'."
            )
        register(os.environ.get(self.options.api_key_env, ""))  # before anything can be printed
        self._client: Client | None = None
        self._servers: Servers | None = None
        self._found: Found | None = None

    @property
    def concurrency(self) -> int:
        return self.options.concurrency

    @property
    def gpus(self) -> float:
        return float(self.options.replicas) if self.options.serve else 0.0

    @property
    def model(self) -> str | None:
        return self._found.model if self._found else self.options.model

    @property
    def takes_clips(self) -> bool:
        return self.options.clips == "video"

    def provenance(self) -> dict[str, Any]:
        """What was found out at preflight, as JSON values for the manifest."""
        if not self._found:
            return {}
        unknown = {"unknown_fields": sorted(self._found.unknown)} if self._found.unknown else {}
        return {"model": self._found.model, "response_format": self._found.format, **unknown}

    async def open(self) -> None:
        key = self._key()
        try:
            urls = [*self.options.base_url, *await self._serve(key)]
            self._client = self._connect(urls, key)
            from pgen_qwen_openai.preflight import check
            from pgen_qwen_openai.preflight_requests import fields

            self._found = await check(self._client, self.options, self.pictures)
            self._fields = fields(self.options, self._found.model, self._found.unknown)
        except BaseException:  # whoever is interrupted here is not closed by the caller
            await self.close()
            raise

    async def generate(self, request: Request) -> Reply:
        from pgen_qwen_openai.retry import PassingError, RejectedError

        if not self._client:
            raise RuntimeError("the generator is not open")
        try:
            reply, retries = await self._client.complete(self._body(request))
        except (PassingError, RejectedError) as error:
            raise SampleError("transport", str(error)) from None
        return replace(reply, retries=retries) if retries else reply

    async def close(self) -> None:
        client, self._client = self._client, None
        servers, self._servers = self._servers, None
        try:
            if client:
                await client.close()
        finally:
            if servers:
                await servers.stop()

    def _body(self, request: Request) -> bytes:
        found, prompt = self._found, request.prompt
        if not found:
            raise RuntimeError("the generator is not open")
        common = self._fields.with_seed(request.seed, response_format(found.format, prompt.schema))
        shown: list[Image | Clip] = [*request.images, *request.clips]
        return encode(common, prompt, instruction(found.format, prompt.schema), shown, request.repair)

    def _connect(self, urls: list[str], key: str) -> "Client":
        from pgen_qwen_openai.client import Client
        from pgen_qwen_openai.load_balancer import Endpoints

        options = self.options
        endpoints = Endpoints(urls, options.concurrency)
        waits = options.retry_wait, options.wait_for_server
        return Client(endpoints, key, options.timeout, options.max_retries, *waits)

    async def _serve(self, key: str) -> list[str]:
        if not self.options.serve:
            return []
        from pgen_qwen_openai.local_server import Servers

        self._servers = Servers(self.options.serve, self.options.replicas, secret=key)
        return await self._servers.start(self.options.serve_timeout)

    def _key(self) -> str:
        """Without the line break that `export KEY=$(cat file)` can leave behind."""
        variable = self.options.api_key_env
        key = os.environ.get(variable, "").strip()
        if not key and "api_key_env" in self.options.model_fields_set:
            raise ConfigError(f"the environment variable {variable}, named by generator.api_key_env, is not set.")
        if not key.isascii() or not key.isprintable():
            raise ConfigError(f"the key in the environment variable {variable} holds characters that no header can.")
        register(key)
        return key
