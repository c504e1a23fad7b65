"""The generator `qwen-transformers`: a Qwen vision-language model in this process, by Hugging Face transformers."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from pgen.hookspecs import Flag, hookimpl

if TYPE_CHECKING:
    from pgen.components import Generator


@hookimpl
def pgen_generators() -> "Iterable[type[Generator]]":
    from pgen_qwen_transformers.generator import QwenTransformers

    return (QwenTransformers,)


@hookimpl
def pgen_flags() -> "Iterable[Flag]":
    from pgen_qwen_transformers.flags import FLAGS

    return FLAGS
