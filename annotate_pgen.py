"""Generate synthetic user prompts and robot utterances for a LeRobot dataset with a Qwen vision-language model.

The script form of `pgen annotate`, after p_gen of Hi Robot (https://arxiv.org/abs/2502.19417, section A):

    python annotate_pgen.py --repo-id lerobot/svla_so101_pickplace --model Qwen/Qwen2-VL-7B-Instruct \
        --output-dir out --batch-size 1

A sample is a D_labeled line: episode_id, t, images, skill_current, skill_history, task_description.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Coroutine, Mapping, Sequence
from functools import cache
from pathlib import Path
from threading import Lock, Thread
from typing import Any

import PIL.Image

from pgen.cli import main as run
from pgen.components import Generator
from pgen.config import RunOptions
from pgen.errors import InputError, SampleError
from pgen.formats.schemas import validator
from pgen.formats.syn_annotations import labeled_sample
from pgen.inference.parsing import parse
from pgen.media import encode, read_file
from pgen.records import Image, Prompt, Request, Sample
from pgen.registry import registry
from pgen_dialogue.prompts.reply_schema import dialogue_schema
from pgen_dialogue.prompts.seed import PGEN_PROMPT_TEMPLATE
from pgen_dialogue.prompts.seed import construct_prompt as prompt_text

__all__ = ["PGEN_PROMPT_TEMPLATE", "annotate_sample", "call_qwen", "construct_prompt"]

GENERATOR = "qwen-transformers"
MODEL = "Qwen/Qwen2-VL-7B-Instruct"

type ImageInput = str | Path | PIL.Image.Image


def construct_prompt(sample: Mapping[str, Any]) -> str:
    """Return the prompt's text, with the sample's task_description, skill_history and skill_current.

    Raises pgen.InputError where the sample does not fit the schema `labeled`.
    """
    return prompt_text(_sample(sample))


def call_qwen(
    images: Sequence[ImageInput], prompt: str, *, model: str | Path = MODEL, **options: Any
) -> dict[str, str]:
    """Send one request to the model and return its user_prompt and robot_utterance.

    `options` are those of the generator `qwen-transformers`, such as device and temperature. A model is loaded once.
    May be called in notebooks and by several threads. Raises pgen.SampleError where an image does not open or the
    reply is invalid, and pgen.ConfigError where an option or the model is invalid.
    """
    if isinstance(images, str | Path | PIL.Image.Image):
        raise InputError("images must be a list of paths or PIL images: put the image into [ ].")
    encoded = tuple(_encode(image, f"camera {n}") for n, image in enumerate(images))
    sample = labeled_sample({**_EMPTY, "images": [image.camera for image in encoded]})
    request = Request((sample,), Prompt(prompt, dialogue_schema()), encoded, 0)
    generator = _open({"model": str(model) if isinstance(model, Path) else model, **options})
    dialogue = parse(_wait(generator.generate(request)), request.prompt)
    return {"user_prompt": dialogue.user_prompt, "robot_utterance": dialogue.robot_utterance}


def annotate_sample(sample: Mapping[str, Any], **options: Any) -> dict[str, Any]:
    """Return the sample with user_prompt and robot_utterance; `options` and errors are those of `call_qwen`."""
    prompt = construct_prompt(sample)
    return {**sample, **call_qwen(sample["images"], prompt, **options)}


_EMPTY = {"episode_id": "", "t": 0, "skill_current": "", "skill_history": [], "task_description": ""}


def _sample(sample: Mapping[str, Any]) -> Sample:
    """Return the sample of a D_labeled line, whose images may also be paths and PIL images."""
    line = dict(sample) if isinstance(sample, Mapping) else sample
    if isinstance(line, dict) and isinstance(line.get("images"), list | tuple):
        line["images"] = [
            str(image) if isinstance(image, Path | PIL.Image.Image) else image for image in line["images"]
        ]
    if problem := validator("labeled").first_error(line):
        raise InputError(f"the sample does not fit the schema `labeled` at {problem}. See `pgen schema labeled`.")
    return labeled_sample(line)


def _encode(image: ImageInput, camera: str) -> Image:
    limit = RunOptions.model_fields["max_pixels"].default
    if isinstance(image, str | Path):
        return read_file(Path(image), str(image), camera, limit)
    if not isinstance(image, PIL.Image.Image):
        raise InputError(f"{camera}: {type(image).__name__} is neither a path nor a PIL image.")
    try:
        return encode(image, camera, limit)
    except Exception as error:  # PIL decodes an opened file only here, and may raise anything
        name = getattr(image, "filename", "") or camera
        raise SampleError("decode", f"{name} does not open: {error}") from None


_generators: dict[str, Generator] = {}
_opening = Lock()


def _open(options: dict[str, Any]) -> Generator:
    """Return the open generator with these options; other threads wait for the one that opens it."""
    cls: Any = registry().find("generator", GENERATOR)
    generator: Generator = cls(**options)
    key = json.dumps(generator.describe(), sort_keys=True)
    with _opening:
        if key not in _generators:
            _wait(generator.open())
            _generators[key] = generator
        return _generators[key]


def _wait[Result](work: Coroutine[Any, Any, Result]) -> Result:
    return asyncio.run_coroutine_threadsafe(work, _loop()).result()


@cache
def _loop() -> asyncio.AbstractEventLoop:
    """Return an event loop that runs in its own thread: a notebook already runs one in the main thread."""
    loop = asyncio.new_event_loop()
    Thread(target=loop.run_forever, name="annotate_pgen", daemon=True).start()
    return loop


def _arguments(arguments: Sequence[str]) -> tuple[dict[str, Any], list[str]]:
    """Return the script's own flags by their names in `pgen annotate`, and the remaining arguments."""
    parser = argparse.ArgumentParser(
        description=(__doc__ or "").splitlines()[0],
        epilog="All other flags of `pgen annotate` are accepted too.",
        allow_abbrev=False,
    )
    parser.add_argument("--output-dir", required=True, help="the new dataset; must not exist yet")
    parser.add_argument("--repo-id", help="the dataset's Hub id")
    parser.add_argument("--data-dir", dest="root", help="the dataset's folder, if it is on this machine")
    parser.add_argument("--model", default=MODEL, help="Hub id or folder of a Qwen vision-language model")
    parser.add_argument("--batch-size", type=int, default=1, help="samples that the model computes at once")
    parser.add_argument("--temperature", type=float, default=0.0, help="0 always takes the most likely token")
    parser.add_argument("--device", default="cuda", help="cuda, cuda:1, mps or cpu")
    parser.add_argument("--num-image-views-per-sample", type=int, help="the maximum number of cameras per sample")
    parser.add_argument("--sample-interval", type=float, default=1.0, help="seconds between two samples of a skill")
    own, others = parser.parse_known_args([_with_dashes(argument) for argument in arguments])
    return {name: value for name, value in vars(own).items() if value is not None}, others


def _with_dashes(argument: str) -> str:
    """Replace underscores in the name of a flag."""
    name, sign, value = argument.partition("=")
    return f"{name.replace('_', '-')}{sign}{value}" if name.startswith("--") else argument


def main() -> None:
    """Run `pgen annotate` with the script's flags."""
    own, others = _arguments(sys.argv[1:])
    flags = [part for name, value in own.items() for part in (f"--{name.replace('_', '-')}", str(value))]
    run(["annotate", "--generator", GENERATOR, "--prompt", "seed", *flags, *others], {"--root": "--data-dir"})


if __name__ == "__main__":
    main()
