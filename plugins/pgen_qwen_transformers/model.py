"""A Qwen vision-language model in this process: loaded once, computed in batches, held to the reply schema.

`prepare` and `generate` may run in two threads. A row's reply depends on its own request and seed; the other rows
change at most the last bits of its logits.
"""

import re
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from io import BytesIO
from typing import TYPE_CHECKING, Any

from pgen.records import Clip, Image, Reply, Request
from pgen_qwen_transformers.decoding import Decoding, Grammars
from pgen_qwen_transformers.loading import (
    QwenOptions,
    Settings,
    check_packages,
    device_of,
    load_processor,
    load_weights,
)

if TYPE_CHECKING:
    import PIL.Image
    from torch import Tensor


REPAIR = "That is not usable: {}\nReply again, with the JSON object alone."

_PADS = ("image_token_id", "video_token_id")
"""The names in a model's configuration of the tokens that stand for parts of images and clips."""

MAX_QUOTED = 4000
"""Characters of an unusable reply that are shown to the model again."""


def messages(request: Request, control: Iterable[str]) -> list[dict[str, Any]]:
    """Return the messages. `control` holds the texts that the tokenizer reads as control tokens.

    Text of datasets and models that contains one is broken up, so that it neither ends a turn nor stands for an image.
    """
    pattern = _pattern(tuple(control))

    def plain(text: str) -> dict[str, str]:
        valid = text.encode("utf-8", "replace").decode()  # without lone surrogates
        return {"type": "text", "text": pattern.sub(lambda match: f"{match[0][0]} {match[0][1:]}", valid)}

    def turn(role: str, *content: dict[str, str]) -> dict[str, Any]:
        return {"role": role, "content": [*content]}

    prompt, repair = request.prompt, request.repair
    chat = [turn("system", plain(prompt.system))] if prompt.system else []
    context = [plain(prompt.context)] if prompt.context else []
    media = [{"type": "image"}] * len(request.images) + [{"type": "video"}] * len(request.clips)
    chat.append(turn("user", *context, *media, plain(prompt.text)))
    if repair:
        chat += [
            turn("assistant", plain(repair.reply[:MAX_QUOTED])),
            turn("user", plain(REPAIR.format(repair.problem))),
        ]
    return chat


@lru_cache(maxsize=4)
def _pattern(control: tuple[str, ...]) -> re.Pattern[str]:
    longest_first = sorted(control, key=len, reverse=True)
    return re.compile("|".join(map(re.escape, longest_first)) or r"(?!)")


_loading = threading.Lock()


@dataclass(frozen=True, slots=True)
class Prepared:
    """A request as tensors of one row, on the CPU. `length` is its number of tokens, `images` that of its images.

    `images` is None for a model whose configuration names no token of images.
    """

    inputs: "Mapping[str, Tensor]"
    length: int
    images: int | None
    schema: Mapping[str, Any]
    seed: int


def shared(settings: Settings) -> "Model":
    """Return the process's model with these settings; one with others is released. Raises ConfigError."""
    with _loading:
        return _shared(settings)


@lru_cache(maxsize=1)
def _shared(settings: Settings) -> "Model":
    return Model(settings)


class Model:
    """Checks everything but the weights at once; these are loaded for the first batch."""

    def __init__(self, settings: Settings) -> None:
        check_packages(settings)
        self.device = device_of(settings.device)
        self._settings = settings
        self._config, self._processor = load_processor(settings)
        self._preparing, self._generating = threading.Lock(), threading.Lock()
        added = self._processor.tokenizer.added_tokens_decoder.values()
        self._control = tuple(token.content for token in added if token.special)
        # Decoding is held to the reply schema from the first token, so that there is no room for reasoning.
        template = str(self._processor.chat_template)
        self._switch = {"enable_thinking": False} if "enable_thinking" in template else {}

    def prepare(self, request: Request) -> Prepared:
        """Return a request's text and images as the model takes them."""
        chat = messages(request, self._control)
        media: dict[str, Any] = {}
        if request.images:
            media["images"] = [[_decode(image) for image in request.images]]
        if request.clips:
            media |= _videos(request.clips)
        with self._preparing:
            text = self._processor.apply_chat_template(chat, tokenize=False, add_generation_prompt=True, **self._switch)
            inputs = self._processor(text=[text], **media, return_tensors="pt")
        ids = inputs["input_ids"]
        pads = [getattr(self._config, name) for name in _PADS if hasattr(self._config, name)]
        images = sum(int((ids == pad).sum()) for pad in pads) if pads else None
        return Prepared(dict(inputs), ids.shape[1], images, request.prompt.schema, request.seed)

    def generate(self, works: Sequence[Prepared], options: QwenOptions, cancelled: Callable[[], bool]) -> list[Reply]:
        """Return the replies, in order. Raises MemoryError where the batch does not fit the device."""
        with self._generating:
            rows = self._grammars.rows([work.schema for work in works])
            seeds = [work.seed for work in works]
            decoding = Decoding(rows, seeds, options.temperature, options.top_p, cancelled)
            output = self._generate(works, decoding, options.max_new_tokens)
            return [self._reply(work, tokens) for work, tokens in zip(works, output, strict=True)]

    def provenance(self) -> dict[str, Any]:
        """Return what was used, for the manifest; of the weights only if they are loaded."""
        import llguidance
        import torch
        import transformers

        used = {
            "device": self.device,
            "structured_output": f"JSON Schema, by llguidance {llguidance.__version__}",
            "torch": torch.__version__,
            "transformers": transformers.__version__,
            "architecture": self._config.model_type,
        }
        if commit := getattr(self._config, "_commit_hash", None):
            used["commit"] = commit
        if self.device.startswith("cuda"):
            used["gpu"] = torch.cuda.get_device_name(self.device)
        if "_weights" in vars(self):
            used["dtype"] = str(self._weights.dtype).removeprefix("torch.")
        return used

    @cached_property
    def _weights(self) -> Any:
        """The model, without the sampling defaults of its checkpoint (temperature, repetition penalty, …)."""
        from transformers import GenerationConfig

        model = load_weights(self._settings, self._config, self.device)
        own = model.generation_config.eos_token_id
        stops = dict.fromkeys([*(own if isinstance(own, list) else [own]), self._processor.tokenizer.eos_token_id])
        ends = [stop for stop in stops if stop is not None]
        pad = self._processor.tokenizer.pad_token_id
        model.generation_config = GenerationConfig(eos_token_id=ends, pad_token_id=ends[0] if pad is None else pad)
        return model

    @cached_property
    def _grammars(self) -> Grammars:
        weights = self._weights
        width = weights.config.get_text_config().vocab_size
        return Grammars(self._processor.tokenizer, width, weights.generation_config.eos_token_id)

    def _generate(self, works: Sequence[Prepared], decoding: Decoding, limit: int) -> list[list[int]]:
        """Return the new tokens of each row, with the padding after their end."""
        import torch

        inputs = collate([work.inputs for work in works], self._weights.generation_config.pad_token_id)
        try:
            with torch.inference_mode():
                moved = {name: value.to(self.device) for name, value in inputs.items()}
                output = self._weights.generate(
                    **moved, logits_processor=[decoding], do_sample=False, max_new_tokens=limit
                )
            new: list[list[int]] = output[:, inputs["input_ids"].shape[1] :].tolist()
            return new
        except torch.OutOfMemoryError:
            moved = {}
        # Not in the handler, whose traceback keeps the tensors of the batch in memory.
        if self.device.startswith("cuda"):
            torch.cuda.empty_cache()
        raise MemoryError(f"{self.device} has no room for {len(works)} sample(s); lower --max-pixels")

    def _reply(self, work: Prepared, tokens: list[int]) -> Reply:
        stops = set(self._weights.generation_config.eos_token_id)
        end = next((place for place, token in enumerate(tokens) if token in stops), None)
        text = self._processor.tokenizer.decode(
            tokens[:end], skip_special_tokens=True, clean_up_tokenization_spaces=False
        )
        count = len(tokens) if end is None else end + 1
        return Reply(text, truncated=end is None, tokens_in=work.length, tokens_out=count, tokens_images=work.images)


def collate(rows: "Sequence[Mapping[str, Tensor]]", pad: int) -> "dict[str, Tensor]":
    """Join rows into a batch: tensors as long as the text are padded on the left, others are concatenated."""
    import torch
    from torch.nn.functional import pad as pad_tensor

    width = max(row["input_ids"].shape[1] for row in rows)
    batch: dict[str, Tensor] = {}
    for name in sorted({name for row in rows for name in row}):
        parts = [row[name] for row in rows if name in row]
        if all(name in row and row[name].shape == row["input_ids"].shape for row in rows):
            fill = pad if name == "input_ids" else 0
            parts = [pad_tensor(part, (width - part.shape[1], 0), value=fill) for part in parts]
        batch[name] = torch.cat(parts)
    return batch


def _videos(clips: Sequence[Clip]) -> dict[str, Any]:
    """Return clips as the processor takes videos whose frames are already sampled, each with its mean rate."""
    metadata = []
    for clip in clips:
        count = len(clip.frames)
        rate = (count - 1) / -clip.times[0] if clip.times[0] else 1.0
        metadata.append(
            {"fps": rate, "frames_indices": list(range(count)), "total_num_frames": count, "duration": count / rate}
        )
    frames = [[_decode(frame) for frame in clip.frames] for clip in clips]
    return {"videos": frames, "video_metadata": metadata, "do_sample_frames": False}


def _decode(image: Image) -> "PIL.Image.Image":
    import PIL.Image

    with PIL.Image.open(BytesIO(image.jpeg)) as opened:
        return opened.convert("RGB")
