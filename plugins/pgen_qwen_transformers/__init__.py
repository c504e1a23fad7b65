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
    local = "local model"
    return (
        Flag("--model", "generator.model", "The model's Hub id or folder.", "generator"),
        Flag(
            "--temperature", "generator.temperature", "0 always takes the most likely token.", "generator", type=float
        ),
        Flag("--device", "generator.device", "The device that the model runs on.", local),
        Flag("--dtype", "generator.dtype", "The precision of the weights.", local),
        Flag(
            "--attn-implementation",
            "generator.attn_implementation",
            "How attention is computed.",
            local,
            metavar="NAME",
        ),
        Flag(
            "--load-in-4bit",
            "generator.load_in_4bit",
            "Quantize the weights to 4 bits while loading.",
            local,
            type=bool,
        ),
        Flag(
            "--batch-size",
            "generator.batch_size",
            "Requests that the model computes at once.",
            local,
            type=int,
            metavar="N",
        ),
    )
