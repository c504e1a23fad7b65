"""The generator `qwen-openai`: a vision-language model behind any OpenAI-compatible server."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from pgen.hookspecs import Flag, hookimpl

if TYPE_CHECKING:
    from pgen.components import Generator


@hookimpl
def pgen_generators() -> "Iterable[type[Generator]]":
    from pgen_qwen_openai.generator import QwenOpenAIGenerator

    return (QwenOpenAIGenerator,)


@hookimpl
def pgen_flags() -> "Iterable[Flag]":
    from pgen_qwen_openai.flags import FLAGS

    return FLAGS
