"""The flags of the generator `qwen-transformers`."""

from pgen.hookspecs import Flag

_LOCAL = "local model"

FLAGS = (
    Flag("--model", "generator.model", "The model's Hub id or folder.", "generator"),
    Flag("--temperature", "generator.temperature", "0 always takes the most likely token.", "generator", type=float),
    Flag("--device", "generator.device", "The device that the model runs on.", _LOCAL),
    Flag("--dtype", "generator.dtype", "The precision of the weights.", _LOCAL),
    Flag(
        "--attn-implementation", "generator.attn_implementation", "How attention is computed.", _LOCAL, metavar="NAME"
    ),
    Flag(
        "--load-in-4bit", "generator.load_in_4bit", "Quantize the weights to 4 bits while loading.", _LOCAL, type=bool
    ),
    Flag(
        "--batch-size",
        "generator.batch_size",
        "Requests that the model computes at once.",
        _LOCAL,
        type=int,
        metavar="N",
    ),
)
