"""Samples per second of `qwen-transformers` on the CPU in batches of eight, and of a bare loop of `generate`.

The model is a tiny Qwen2.5-VL with random weights, whose vocabulary has the real size: a step of decoding costs little,
and the masks of the reply's grammar cost what they cost for a real model. A request asks for three dialogues and has
two images of 640x480, and each reply is cut after the same number of tokens. The bare loop has the same processor, the
same messages and images, and no grammar.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from importlib.util import find_spec
from io import BytesIO
from itertools import batched
from pathlib import Path
from time import perf_counter, process_time
from unittest.mock import patch

from common.datasets import picture
from common.measure import cost, ratio, rounds
from common.table import Row, main
from common.tiny_checkpoint import MAX_PIXELS, SUPPORT, checkpoint
from pgen.records import Image, Request

BATCH = 8
LONGEST = 60
"""Characters of a text at most: random weights always use the maximum."""
NEEDED = ("torch", "torchvision", "transformers", "llguidance")

type Times = tuple[float, float]
"""Seconds and CPU seconds."""


def lines(tiny: bool = False) -> Iterator[Row]:
    count, tokens, times = (8, 4, 1) if tiny else (24, 160, 3)
    measure = "samples per second of `qwen-transformers` on the CPU, times those of a bare loop of `generate`"
    if not all(map(find_spec, NEEDED)):
        yield Row(measure, "not measured", "1")
        return
    model = checkpoint(real_size=not tiny)
    work = {"pgen": pgen, "limit": bare, "without its grammar": without_grammar}
    done = rounds(times, {name: partial(_times, run, model, count, tokens) for name, run in work.items()})
    seconds, cpu = ({name: [it[place] for it in each] for name, each in done.items()} for place in range(2))
    others = {"without its grammar": f"{ratio(seconds['limit'], seconds['without its grammar']):.2f}"}
    others["samples per CPU second"] = f"{ratio(cpu['limit'], cpu['pgen']):.2f}"
    yield Row(measure, f"{ratio(seconds['limit'], seconds['pgen']):.2f}", "1", others)


def _times(run: Callable[[Path, int, int], Times], model: Path, count: int, tokens: int) -> Times:
    times: Times = cost(run, model, count, tokens).result
    return times


def pgen(model: Path, count: int, tokens: int) -> Times:
    """Send all requests to the generator, as many at once as it allows."""
    sys.path.append(str(SUPPORT))
    from qwen_requests import replies

    from pgen_qwen_transformers.generator import QwenTransformers

    def run(asked: Sequence[Request]) -> None:
        generator = QwenTransformers(model=str(model), device="cpu", max_new_tokens=tokens, batch_size=BATCH)
        assert all(reply.tokens_out == tokens for reply in replies(generator, asked))

    return _measured(run, count)


def without_grammar(model: Path, count: int, tokens: int) -> Times:
    """Do the same with logits that no grammar masks."""
    with patch("pgen_qwen_transformers.model.Decoding", lambda *_: lambda _, scores: scores):
        return pgen(model, count, tokens)


def bare(model: Path, count: int, tokens: int) -> Times:
    """Process and generate batch after batch."""
    import PIL.Image
    import torch
    from transformers import AutoModelForImageTextToText, AutoProcessor, GenerationConfig

    from pgen_qwen_transformers.model import messages

    processor = AutoProcessor.from_pretrained(model, padding_side="left")
    weights = AutoModelForImageTextToText.from_pretrained(model).eval()
    stop, pad = processor.tokenizer.eos_token_id, processor.tokenizer.pad_token_id
    weights.generation_config = GenerationConfig(eos_token_id=[stop, pad], pad_token_id=pad)

    def run(asked: Sequence[Request]) -> None:
        for batch in batched(asked, BATCH):
            chats = [messages(request, ()) for request in batch]
            texts = [processor.apply_chat_template(chat, tokenize=False, add_generation_prompt=True) for chat in chats]
            images = [[PIL.Image.open(BytesIO(it.jpeg)).convert("RGB") for it in request.images] for request in batch]
            inputs = processor(text=texts, images=images, padding=True, return_tensors="pt")
            with torch.inference_mode():
                output = weights.generate(**inputs, do_sample=False, max_new_tokens=tokens)
            new = output[:, inputs["input_ids"].shape[1] :]
            assert new.shape == (len(batch), tokens)
            processor.batch_decode(new, skip_special_tokens=True)

    return _measured(run, count)


def _measured(run: Callable[[Sequence[Request]], None], count: int) -> Times:
    """Measure the requests after a first one, for which the model is loaded."""
    asked = requests(count)
    run(asked[:1])
    began, busy = perf_counter(), process_time()
    run(asked)
    return perf_counter() - began, process_time() - busy


def requests(count: int) -> list[Request]:
    """Return requests with two images each, in the form of a run."""
    sys.path.append(str(SUPPORT))
    from moment_requests import moment_request

    from pgen.media import encode

    def image(number: int) -> Image:
        return encode(picture(50 * number), f"camera {number % 2}", MAX_PIXELS)

    return [moment_request(3, (image(2 * it), image(2 * it + 1)), LONGEST) for it in range(count)]


if __name__ == "__main__":
    main(lines)
