"""Runs against hostile servers, with the real client."""

from pathlib import Path

from fault_server import Question
from hanging import HANG
from hostile_server import HostileServer

from pgen.api import annotate
from pgen.components import Source
from pgen.testing import MemorySink
from pgen_qwen_openai.generator import QwenOpenAIGenerator


def run(source: Source, out: Path, *servers: HostileServer, max_failures: float = 0.5, **options: object) -> MemorySink:
    """Annotate with 64 requests in flight and short waits between attempts; return the results."""
    sink = MemorySink()
    settings = {"concurrency": 64, "timeout": HANG, "max_retries": 8, "retry_wait": 0.005}
    generator = QwenOpenAIGenerator(base_url=[server.url for server in servers], **{**settings, **options})
    annotate(source, out, generator=generator, prompt=Question(), sink=sink, attempts=4, max_failures=max_failures)
    return sink
