"""Tiny Qwen-VL checkpoints with random weights: real architecture, processor, chat template, and layout.

`make(family, folder)` writes one as the Hub lays it out, in seconds, with the same weights each time.
Transformers and vLLM load the same folder and agree on its greedy text. Choices that matter: embeddings
are untied and weights large (else it repeats itself and ignores the picture), the logits are wider than
the tokenizer, as on the real ones, and a picture is 4 to 16 tokens.
"""

import json
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

CLASSES = {"qwen2_vl": "Qwen2VL", "qwen2_5_vl": "Qwen2_5_VL", "qwen3_vl": "Qwen3VL", "qwen3_vl_moe": "Qwen3VLMoe"}
FAMILIES = tuple(CLASSES)
"""The model types that `make` knows."""

SPECIAL = (
    *("<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|object_ref_start|>", "<|object_ref_end|>", "<|box_start|>"),
    *("<|box_end|>", "<|quad_start|>", "<|quad_end|>", "<|vision_start|>", "<|vision_end|>", "<|vision_pad|>"),
    *("<|image_pad|>", "<|video_pad|>"),
)
ADDED = (
    *("<tool_call>", "</tool_call>", "<|fim_prefix|>", "<|fim_middle|>", "<|fim_suffix|>", "<|fim_pad|>"),
    *("<|repo_name|>", "<|file_sep|>", "<tool_response>", "</tool_response>", "<think>", "</think>"),
)
LEARNED = 400
"""Tokens of the byte-level vocabulary; the special ones follow."""
LOGITS = 512

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


def make(family: str, folder: Path) -> Path:
    """Write a checkpoint of the family to `folder` and return it; a folder that is whole is left as it is."""
    if (folder / "config.json").is_file():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as name:
        made = Path(name) / "model"
        made.mkdir()
        tokens = _write_tokenizer(family, made)
        config = _config(family, tokens)
        _write_weights(config, made)
        for file, content in _files(family, config, tokens).items():
            _dump(made / file, content)
        with suppress(OSError):  # another process may have been faster
            made.rename(folder)
    return folder


def _write_tokenizer(family: str, folder: Path) -> dict[str, int]:
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
    tokenizer.train_from_iterator(SENTENCES * 4, trainer)
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in SPECIAL])
    tokenizer.add_tokens([AddedToken(token, special=False, normalized=False) for token in ADDED])
    tokenizer.save(str(folder / "tokenizer.json"))
    tokenizer.model.save(str(folder))
    return {token: tokenizer.token_to_id(token) for token in (*SPECIAL, *ADDED)}


def _config(family: str, tokens: dict[str, int]) -> dict[str, Any]:
    """config.json in the Hub's form: flat up to Qwen2.5, nested from Qwen3 on."""
    class_name = f"{CLASSES[family]}ForConditionalGeneration"
    ids = {
        "image_token_id": tokens["<|image_pad|>"],
        "video_token_id": tokens["<|video_pad|>"],
        "vision_start_token_id": tokens["<|vision_start|>"],
        "vision_end_token_id": tokens["<|vision_end|>"],
    }
    top = {"architectures": [class_name], "model_type": family, "tie_word_embeddings": False, **ids}
    text = _text_config(tokens)
    if family in ("qwen2_vl", "qwen2_5_vl"):
        text |= {"max_window_layers": 2, "sliding_window": 32768, "use_sliding_window": False}
        text |= {"rope_scaling": {"type": "mrope", "mrope_section": [4, 6, 6]}, "torch_dtype": "float32"}
        return {**text, **top, "vision_token_id": tokens["<|vision_pad|>"], "vision_config": _vision_config(family)}
    text |= {"attention_bias": False, "head_dim": 32, "dtype": "float32", "model_type": f"{family}_text"}
    text["rope_scaling"] = {"mrope_interleaved": True, "mrope_section": [6, 5, 5], "rope_type": "default"}
    if family == "qwen3_vl_moe":
        text |= {"num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 48, "norm_topk_prob": True}
        text |= {"decoder_sparse_step": 1, "mlp_only_layers": []}
    return {**top, "text_config": text, "vision_config": _vision_config(family)}


def _text_config(tokens: dict[str, int]) -> dict[str, Any]:
    return {
        "attention_dropout": 0.0,
        "bos_token_id": tokens["<|endoftext|>"],
        "eos_token_id": tokens["<|im_end|>"],
        "hidden_act": "silu",
        "hidden_size": 64,
        "initializer_range": 0.2,
        "intermediate_size": 128,
        "max_position_embeddings": 32768,
        "num_attention_heads": 2,
        "num_hidden_layers": 2,
        "num_key_value_heads": 1,
        "rms_norm_eps": 1e-06,
        "rope_theta": 1000000.0,
        "use_cache": True,
        "vocab_size": LOGITS,
    }


def _vision_config(family: str) -> dict[str, Any]:
    common = {"depth": 2, "num_heads": 2, "spatial_merge_size": 2, "temporal_patch_size": 2, "model_type": family}
    if family == "qwen2_vl":
        size = {"embed_dim": 64, "hidden_size": 64, "mlp_ratio": 2, "patch_size": 14, "in_chans": 3}
        return {**common, **size, "spatial_patch_size": 14}
    size = {"hidden_size": 64, "out_hidden_size": 64, "intermediate_size": 96}
    if family == "qwen2_5_vl":
        windows = {"window_size": 56, "fullatt_block_indexes": [1], "tokens_per_second": 2, "hidden_act": "silu"}
        return {**common, **size, **windows, "patch_size": 14, "spatial_patch_size": 14, "in_chans": 3}
    size |= {"patch_size": 16, "in_channels": 3, "num_position_embeddings": 64, "initializer_range": 0.2}
    return {**common, **size, "hidden_act": "gelu_pytorch_tanh", "deepstack_visual_indexes": [0]}


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
            if weight.ndim == 1 and name.endswith("weight"):
                weight.fill_(1.0)
            else:
                weight.copy_(torch.randn(weight.shape, generator=random) * (0.2 if weight.ndim > 1 else 0.02))
    model.save_pretrained(folder)
    file = folder / "model.safetensors"
    weights = load_file(file)
    for name, weight in weights.items():
        if weight.ndim == 3 and weight.shape[1] != (64 if name.endswith("gate_up_proj") else 48):
            weights[name] = weight.transpose(1, 2).contiguous()
    save_file(weights, file, metadata={"format": "pt"})


def _files(family: str, config: dict[str, Any], tokens: dict[str, int]) -> dict[str, Any]:
    """What the Hub's folder holds beside weights and tokenizer; config.json again, in the Hub's own dialect."""
    template = TEMPLATE.replace("DEFAULT", "true" if family in ("qwen2_vl", "qwen2_5_vl") else "false")
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
        "processor_class": f"{CLASSES[family].removesuffix('Moe')}Processor",
    }


def _dump(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
