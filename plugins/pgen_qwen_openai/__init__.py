"""The generator `qwen-openai`: a vision-language model behind any OpenAI-compatible server."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from pgen.hookspecs import Flag, hookimpl

if TYPE_CHECKING:
    from pgen.components import Generator


@hookimpl
def pgen_generators() -> "Iterable[type[Generator]]":
    from pgen_qwen_openai.batch_generator import OpenAIBatchGenerator
    from pgen_qwen_openai.generator import QwenOpenAIGenerator

    return QwenOpenAIGenerator, OpenAIBatchGenerator


@hookimpl
def pgen_flags() -> "Iterable[Flag]":
    return (
        Flag("--model", "generator.model", "The model's Hub id, folder or name on the server.", "generator"),
        Flag(
            "--temperature", "generator.temperature", "0 always takes the most likely token.", "generator", type=float
        ),
        Flag("--concurrency", "generator.concurrency", "Requests in flight.", "generator", type=int, metavar="N"),
        Flag(
            "--base-url",
            "generator.base_url",
            "The server's address; several are separated by commas.",
            "server",
            metavar="URL",
        ),
        Flag(
            "--wait-for-server",
            "generator.wait_for_server",
            "How long to wait for a server that is down, such as 10m.",
            "server",
            metavar="TIME",
        ),
        Flag(
            "--serve",
            "generator.serve",
            "Start the server with a command that contains {port}.",
            "server",
            metavar="COMMAND",
        ),
        Flag(
            "--batch-dir",
            "generator.batch_dir",
            "The folder of the batches of openai-batch and their responses.",
            "server",
            metavar="DIR",
        ),
        Flag("--replicas", "generator.replicas", "Start N servers, on one GPU each.", "server", type=int, metavar="N"),
    )
