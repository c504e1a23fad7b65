"""The configurations of tiny Qwen-VL checkpoints, by family: the Hub's form, with small numbers."""

from typing import Any

CLASSES = {
    **{"qwen2_vl": "Qwen2VL", "qwen2_5_vl": "Qwen2_5_VL", "qwen3_vl": "Qwen3VL", "qwen3_vl_moe": "Qwen3VLMoe"},
    **{"qwen3_5": "Qwen3_5", "qwen3_5_moe": "Qwen3_5Moe"},
}
HYBRID = ("qwen3_5", "qwen3_5_moe")
"""Those with linear attention, and with reasoning that their chat template turns on unless it is turned off."""
LOGITS = 960
"""More than the tokenizer has tokens, as on the real ones."""


def config_of(family: str, tokens: dict[str, int], logits: int = LOGITS) -> dict[str, Any]:
    """config.json in the Hub's form: flat up to Qwen2.5, nested from Qwen3 on."""
    class_name = f"{CLASSES[family]}ForConditionalGeneration"
    ids = {
        "image_token_id": tokens["<|image_pad|>"],
        "video_token_id": tokens["<|video_pad|>"],
        "vision_start_token_id": tokens["<|vision_start|>"],
        "vision_end_token_id": tokens["<|vision_end|>"],
    }
    top = {"architectures": [class_name], "model_type": family, "tie_word_embeddings": False, **ids}
    text = _text_config(tokens) | {"vocab_size": logits}
    if family in ("qwen2_vl", "qwen2_5_vl"):
        text |= {"max_window_layers": 2, "sliding_window": 32768, "use_sliding_window": False}
        text |= {"rope_scaling": {"type": "mrope", "mrope_section": [4, 6, 6]}, "torch_dtype": "float32"}
        return {**text, **top, "vision_token_id": tokens["<|vision_pad|>"], "vision_config": _vision_config(family)}
    text |= {"attention_bias": False, "head_dim": 32, "dtype": "float32", "model_type": f"{family}_text"}
    text["rope_scaling"] = {"mrope_interleaved": True, "mrope_section": [6, 5, 5], "rope_type": "default"}
    if family.endswith("moe"):
        text |= {"num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 48, "norm_topk_prob": True}
    if family == "qwen3_vl_moe":
        text |= {"decoder_sparse_step": 1, "mlp_only_layers": []}
    if family in HYBRID:
        text |= _hybrid_config()
    return {**top, "text_config": text, "vision_config": _vision_config(family)}


def _hybrid_config() -> dict[str, Any]:
    """A layer of linear attention, then one of full attention, which rotates half of each head."""
    rope = {"mrope_interleaved": True, "mrope_section": [3, 3, 2], "rope_type": "default", "rope_theta": 1000000.0}
    linear = {"conv_kernel_dim": 4, "key_head_dim": 32, "value_head_dim": 32, "num_key_heads": 1, "num_value_heads": 2}
    return {
        "rope_scaling": None,
        "rope_parameters": {**rope, "partial_rotary_factor": 0.5},
        "partial_rotary_factor": 0.5,
        "layer_types": ["linear_attention", "full_attention"],
        "full_attention_interval": 2,
        "attn_output_gate": True,
        "shared_expert_intermediate_size": 48,
        **{f"linear_{name}": value for name, value in linear.items()},
    }


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
    deepstack = {} if family in HYBRID else {"deepstack_visual_indexes": [0]}
    return {**common, **size, "hidden_act": "gelu_pytorch_tanh", **deepstack}
