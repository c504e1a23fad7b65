"""The generator `openai-batch`: requests in files, which a Batch API or another program answers later.

A request without a response is written to a file and deferred. At the end of a round the files are submitted, and once
their responses are there, the round is repeated with them. So memory does not grow with the size of a batch, and a run
that is started again goes on wherever it was stopped.
"""

import asyncio
import json
from contextlib import suppress
from dataclasses import asdict
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from pgen.components import tuning
from pgen.errors import ConfigError, DeferredError, InterruptedRunError, SampleError, Stage
from pgen.records import Reply, Request
from pgen.seeds import sample_key
from pgen_qwen_openai.generator import QwenOpenAIGenerator
from pgen_qwen_openai.options import QwenOpenAIOptions
from pgen_qwen_openai.reasoning import Reasoning, remedies

if TYPE_CHECKING:
    from pgen_qwen_openai.batch_service import BatchService
    from pgen_qwen_openai.batch_store import BatchStore
    from pgen_qwen_openai.preflight import Preflight
    from pgen_qwen_openai.transport import Transport


class BatchOptions(QwenOpenAIOptions):
    generator: ClassVar[str] = "openai-batch"
    batch_dir: Path | None = tuning(None)
    """The folder of the batches and their responses; by default beside the output, as OUT.batches. Without `base_url`,
    its files are for another program, which writes the responses there."""
    batch_requests: int = tuning(50_000, ge=1)
    """Requests of a batch at most."""
    batch_bytes: int = tuning(100_000_000, ge=1)
    """Bytes of a batch's file at most."""
    poll: float = tuning(60.0, gt=0, le=3600)
    """Seconds between two polls."""
    concurrency: int = tuning(16, ge=1, le=4096)
    """Requests that are prepared at once."""


class OpenAIBatchGenerator(QwenOpenAIGenerator):
    """Asks a vision-language model through a Batch API, or through files that another program answers."""

    name = "openai-batch"
    Options = BatchOptions
    options: BatchOptions
    defers = True
    _deferred = 0
    _store: "BatchStore | None" = None
    _service: "BatchService | None" = None
    _transport: "Transport"

    def _check_server(self) -> None:
        options = self.options
        if options.serve or len(options.base_url) > 1:
            raise ConfigError("generator openai-batch: it takes one --base-url, or none, and starts no server.")
        if not options.base_url and options.model == "auto":
            raise ConfigError(
                "generator openai-batch: name the model with --model NAME, as it is served, and a service with "
                "--base-url, unless another program is to answer the files in --batch-dir."
            )

    async def open(self) -> None:
        from pgen_qwen_openai.batch_service import BatchService
        from pgen_qwen_openai.batch_store import BatchStore
        from pgen_qwen_openai.client import headers_with
        from pgen_qwen_openai.transport import Transport

        options = self.options
        try:
            self._store = BatchStore(self._folder(), options.batch_requests, options.batch_bytes)
            if options.base_url:
                await super().open()
                self._transport = Transport(headers_with(self._key()), options.timeout)
                self._service = BatchService(self._transport, options.base_url[0], self._store)
                await self._service.advance(submit=False)
            else:
                self._use(self._assumed())
                self._read_responses(self._store)
        except BaseException:
            await self.close()
            raise

    async def generate(self, request: Request) -> Reply:
        """Return the reply that a batch has brought. Raises DeferredError where none has yet."""
        if not self._store:
            raise RuntimeError("the generator is not open")
        custom_id = self._custom_id(request)
        response = self._store.response(custom_id)
        if response is None:
            if not self._store.waits(custom_id):
                self._store.add(custom_id, self._body(request))
            self._deferred += 1
            raise DeferredError
        return _reply_of(*response)

    async def settle(self, stop: asyncio.Event) -> None:
        """Submit the files that were written and wait for the responses; without a service, the run ends instead."""
        if not self._store:
            raise RuntimeError("the generator is not open")
        self._store.complete_file()
        self.unsettled, self._deferred = self._deferred > 0 and not stop.is_set(), 0
        if not self.unsettled:
            return
        if not self._service:
            raise InterruptedRunError(self._what_to_do(self._store))
        seconds = self.options.poll
        while await self._service.advance(submit=True):
            self._service.report(seconds)
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), seconds)
                self.unsettled = False
                return

    async def close(self) -> None:
        store, self._store = self._store, None
        service, self._service = self._service, None
        try:
            if store:
                store.close()
            if service:
                await self._transport.aclose()
        finally:
            await super().close()

    def _folder(self) -> Path:
        if self.options.batch_dir:
            return self.options.batch_dir.expanduser().absolute()
        if self.output_dir is None:
            raise ConfigError("generator openai-batch: name the folder of the batches with --batch-dir DIR.")
        return self.output_dir.with_name(f"{self.output_dir.name}.batches")

    def _assumed(self) -> "Preflight":
        """Return what is assumed of a program that cannot be asked: as vLLM, it obeys the schema."""
        from pgen_qwen_openai.preflight import Preflight

        chosen = self.options.response_format
        first = next(remedies(self.options))
        reasoning = first if first.off else Reasoning()
        name = "json_schema" if chosen == "auto" else chosen
        return Preflight(self.options.model, name, frozenset(), reasoning, clip_times=False)

    def _read_responses(self, store: "BatchStore") -> None:
        for batch in store.pending():
            path = _responses(store.path(batch.number))
            if path.exists():
                with path.open("rb") as lines:
                    store.receive(batch, lines)

    def _what_to_do(self, store: "BatchStore") -> str:
        files = [store.path(batch.number) for batch in store.pending()]
        first = files[0]
        more = f" and {len(files) - 1} more files" if len(files) > 1 else ""
        return (
            f"the requests are in {first}{more}. Have each file answered, its responses in a file named as "
            f"{_responses(first).name}, for example by `vllm run-batch -i {first} -o {_responses(first)} --model "
            f"{self.options.model}`, and start the same command again."
        )

    def _custom_id(self, request: Request) -> str:
        """Return what identifies a request by its content: its samples, its attempt, its text and the model."""
        prompt = request.prompt
        content = [
            *(self.identity(), self.model, [sample_key(sample) for sample in request.samples], request.seed),
            *(request.numbers, prompt.system, prompt.context, prompt.text, prompt.schema),
            asdict(request.repair) if request.repair else None,
        ]
        return blake2b(json.dumps(content, sort_keys=True).encode(), digest_size=16).hexdigest()


def _responses(requests: Path) -> Path:
    return requests.with_name(requests.name.replace("requests", "responses"))


def _reply_of(status: int, body: Any) -> Reply:
    """Return the reply in a response. Raises SampleError("transport") or SampleError("refused")."""
    from pgen_qwen_openai.error_response import FILTERED, error_details
    from pgen_qwen_openai.messages import read_reply

    reply = read_reply(body) if 200 <= status < 300 else None
    if reply is None:
        details = error_details(body)
        stage: Stage = "refused" if details.code in FILTERED else "transport"
        raise SampleError(stage, f"the batch answered {status}: {details.message}")
    return reply
