"""Tiny Qwen-VL checkpoints with random weights: real architecture, processor, chat template, and layout.

`make(family, folder)` writes one as the Hub lays it out, in seconds, with the same weights each time.
Transformers and vLLM load the same folder and agree on its greedy text. Choices that matter: embeddings
are untied and weights large (else it repeats itself and ignores the picture), the logits are wider than
the tokenizer, as on the real ones, and a picture is 4 to 16 tokens.
"""

import json
import tempfile
from contextlib import suppress
from importlib.util import find_spec
from itertools import product
from pathlib import Path
from typing import Any

from tiny_qwen_config import CLASSES, HYBRID, LOGITS, config_of

_TRANSFORMERS = find_spec("transformers")
_MODELS = Path(_TRANSFORMERS.origin).parent / "models" if _TRANSFORMERS and _TRANSFORMERS.origin else Path()
FAMILIES = tuple(family for family in CLASSES if not _TRANSFORMERS or (_MODELS / family).is_dir())
"""The model types that `make` knows and that the installed transformers has."""

SPECIAL = (
    *("<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|object_ref_start|>", "<|object_ref_end|>", "<|box_start|>"),
    *("<|box_end|>", "<|quad_start|>", "<|quad_end|>", "<|vision_start|>", "<|vision_end|>", "<|vision_pad|>"),
    *("<|image_pad|>", "<|video_pad|>"),
)
ADDED = (
    *("<tool_call>", "</tool_call>", "<|fim_prefix|>", "<|fim_middle|>", "<|fim_suffix|>", "<|fim_pad|>"),
    *("<|repo_name|>", "<|file_sep|>", "<tool_response>", "</tool_response>", "<think>", "</think>"),
)
SPACE = "Ġ"
"""How the vocabulary writes a space."""
LEARNED = 900
"""Tokens of the byte-level vocabulary; the special ones follow."""
REAL, REAL_LOGITS = 151_643, 151_936
"""The same on the real ones, and the width of their logits."""
PROMPT = Path(__file__).with_name("tiny_qwen_prompt.txt")
"""A prompt of `hi-robot`. The vocabulary is learned from it, so that such prompts are not a token per character."""

SENTENCES = (
    'The robot reads {"user_prompt": "Could you put the pink brick into the box, please?", "robot_utterance": "Sure."}',
    "Please pick up the red lego brick and place it into the transparent box, then move away from the box.",
    "I will do that now: the arm moves towards the brick, closes the gripper, lifts it and releases it.",
    "user assistant system task skill history scenario_type response_type negative_task confirmation clarification",
    "What has been done so far, and what comes next? Answer with one JSON object and nothing else.",
)
SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
TEMPLATE = (
    "{% for message in messages %}{% if loop.first and message['role'] != 'system' and DEFAULT %}"
    "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n{% endif %}"
    "<|im_start|>{{ message['role'] }}\n{% if message['content'] is string %}{{ message['content'] }}"
    "{% else %}{% for part in message['content'] %}"
    "{% if part['type'] == 'image' or 'image' in part or 'image_url' in part %}"
    "<|vision_start|><|image_pad|><|vision_end|>"
    "{% elif part['type'] == 'video' or 'video' in part %}<|vision_start|><|video_pad|><|vision_end|>"
    "{% elif 'text' in part %}{{ part['text'] }}{% endif %}{% endfor %}{% endif %}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
REASONING = (
    "{% if add_generation_prompt %}{% if enable_thinking is defined and enable_thinking is false %}"
    "<think>\n\n</think>\n\n{% else %}<think>\n{% endif %}{% endif %}"
)
"""The end of the chat template of a model that reasons by default."""


def make(family: str, folder: Path, *, real_size: bool = False) -> Path:
    """Write a checkpoint of the family to `folder` and return it; a folder that is whole is left as it is.

    With `real_size`, it has as many tokens as the real ones: the further ones are pairs of those that are learned.
    """
    if (folder / "config.json").is_file():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as name:
        made = Path(name) / "model"
        made.mkdir()
        tokens = _write_tokenizer(made, REAL if real_size else LEARNED)
        config = config_of(family, tokens, REAL_LOGITS if real_size else LOGITS)
        _write_weights(config, made)
        for file, content in _files(family, config, tokens).items():
            _dump(made / file, content)
        with suppress(OSError):  # another process may have been faster
            made.rename(folder)
    return folder


def _write_tokenizer(folder: Path, words: int) -> dict[str, int]:
    """The tokenizer's files. Returns the ids of the special and added tokens."""
    from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(SPLIT), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=LEARNED, initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator((*SENTENCES, PROMPT.read_text(encoding="utf-8")) * 4, trainer)
    if words > LEARNED:
        tokenizer.model = models.BPE(*_widened(json.loads(tokenizer.to_str())["model"], words))
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in SPECIAL])
    tokenizer.add_tokens([AddedToken(token, special=False, normalized=False) for token in ADDED])
    tokenizer.save(str(folder / "tokenizer.json"))
    tokenizer.model.save(str(folder))
    return {token: tokenizer.token_to_id(token) for token in (*SPECIAL, *ADDED)}


def _widened(model: dict[str, Any], words: int) -> tuple[dict[str, int], list[tuple[str, str]]]:
    """The vocabulary and the merges, with pairs of tokens that consist of letters added until there are enough."""
    vocabulary, merges = dict(model["vocab"]), [(left, right) for left, right in model["merges"]]
    starts = [token for token in vocabulary if (word := token.removeprefix(SPACE)).isascii() and word.isalpha()]
    ends = [token for token in starts if token[0] != SPACE]
    for left, right in product(starts, ends):
        if len(vocabulary) == words:
            return vocabulary, merges
        if left + right not in vocabulary:
            vocabulary[left + right] = len(vocabulary)
            merges.append((left, right))
    raise ValueError(f"no more than {len(vocabulary)} tokens can be made")


def _write_weights(config: dict[str, Any], folder: Path) -> None:
    """Random weights of our own making, in the Hub's orientation: experts are (experts, in, out) there.

    Both sides of an expert differ in size: loaders tell the orientation from the shape.
    """
    import torch
    from safetensors.torch import load_file, save_file
    from transformers import AutoConfig, AutoModelForImageTextToText

    _dump(folder / "config.json", config)
    model = AutoModelForImageTextToText.from_config(AutoConfig.from_pretrained(folder), dtype=torch.float32)
    random = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, weight in sorted(model.named_parameters()):
            if name.endswith("A_log"):
                weight.fill_(-4.0)  # linear attention forgets slowly, so that the reply depends on the whole prompt
            elif weight.ndim == 1 and name.endswith("weight"):
                weight.fill_(1.0)
            else:
                weight.copy_(torch.randn(weight.shape, generator=random) * (0.2 if weight.ndim > 1 else 0.02))
    model.save_pretrained(folder)
    file = folder / "model.safetensors"
    weights = load_file(file)
    experts = {name: weight for name, weight in weights.items() if ".experts." in name and weight.ndim == 3}
    for name, weight in experts.items():
        if weight.shape[1] != (64 if name.endswith("gate_up_proj") else 48):
            weights[name] = weight.transpose(1, 2).contiguous()
    save_file(weights, file, metadata={"format": "pt"})


def _files(family: str, config: dict[str, Any], tokens: dict[str, int]) -> dict[str, Any]:
    """What the Hub's folder holds beside weights and tokenizer; config.json again, in the Hub's own dialect."""
    template = TEMPLATE.replace("DEFAULT", "true" if family in ("qwen2_vl", "qwen2_5_vl") else "false")
    template += REASONING if family in HYBRID else ""
    stops = [tokens["<|im_end|>"], tokens["<|endoftext|>"]]
    return {
        "config.json": config,
        "chat_template.json": {"chat_template": template},
        "tokenizer_config.json": _tokenizer_config(template, tokens),
        "preprocessor_config.json": _pictures(family, "image"),
        "video_preprocessor_config.json": _pictures(family, "video"),
        "generation_config.json": {
            "bos_token_id": tokens["<|endoftext|>"],
            "pad_token_id": tokens["<|endoftext|>"],
            "eos_token_id": stops,
            "do_sample": True,
            "temperature": 0.7,
            "top_k": 20,
            "top_p": 0.8,
            "repetition_penalty": 1.05,
        },
    }


def _tokenizer_config(template: str, tokens: dict[str, int]) -> dict[str, Any]:
    flags = {"lstrip": False, "normalized": False, "rstrip": False, "single_word": False}
    return {
        "added_tokens_decoder": {
            str(number): {"content": token, **flags, "special": token in SPECIAL} for token, number in tokens.items()
        },
        "additional_special_tokens": list(SPECIAL[1:]),
        "add_prefix_space": False,
        "bos_token": None,
        "chat_template": template,
        "clean_up_tokenization_spaces": False,
        "eos_token": "<|im_end|>",
        "errors": "replace",
        "model_max_length": 32768,
        "pad_token": "<|endoftext|>",
        "split_special_tokens": False,
        "tokenizer_class": "Qwen2Tokenizer",
        "unk_token": None,
    }


def _pictures(family: str, kind: str) -> dict[str, Any]:
    """How pictures are cut into patches; with 2 x 2 of them a token, one is 4 to 16 tokens."""
    new = family.startswith("qwen3")
    patch = 16 if new else 14
    least, most = 4 * (2 * patch) ** 2, 16 * (2 * patch) ** 2
    processor = {"image": "Qwen2VLImageProcessor", "video": "Qwen3VLVideoProcessor" if new else "Qwen2VLVideoProcessor"}
    clip = [0.48145466, 0.4578275, 0.40821073], [0.26862954, 0.26130258, 0.27577711]
    mean, deviation = ([0.5] * 3, [0.5] * 3) if new else clip
    return {
        "size": {"shortest_edge": least, "longest_edge": most},
        **({} if new else {"min_pixels": least, "max_pixels": most}),
        "patch_size": patch,
        "temporal_patch_size": 2,
        "merge_size": 2,
        "image_mean": mean,
        "image_std": deviation,
        f"{kind}_processor_type": processor[kind],
        "processor_class": f"{'Qwen3VL' if family in HYBRID else CLASSES[family].removesuffix('Moe')}Processor",
    }


def _dump(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
