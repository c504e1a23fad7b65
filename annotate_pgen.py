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
from pgen.config.options import RunOptions
from pgen.errors import InputError, SampleError
from pgen.formats.schemas import first_error, validator
from pgen.formats.syn_annotations import labeled_sample
from pgen.inference.parsing import parse
from pgen.media.images import encode, read_file
from pgen.records import Image, Prompt, Request, Sample
from pgen.registry import registry
from pgen_dialogue.prompts.reply_schema import dialogue_schema
from pgen_dialogue.prompts.seed import PGEN_PROMPT_TEMPLATE
from pgen_dialogue.prompts.seed import construct_prompt as text_for

__all__ = ["PGEN_PROMPT_TEMPLATE", "annotate_sample", "call_qwen", "construct_prompt"]

GENERATOR = "qwen-transformers"
MODEL = "Qwen/Qwen2-VL-7B-Instruct"

Picture = str | Path | PIL.Image.Image


def construct_prompt(sample: Mapping[str, Any]) -> str:
    """The prompt's text, with the sample's task_description, skill_history and skill_current.

    Raises pgen.InputError where the sample does not fit the schema `labeled`.
    """
    return text_for(_checked(sample))


def call_qwen(images: Sequence[Picture], prompt: str, *, model: str | Path = MODEL, **options: Any) -> dict[str, str]:
    """One pass of the model over the images and the prompt: its user_prompt and robot_utterance.

    `options` are those of the generator `qwen-transformers`, such as device and temperature. A model is loaded once;
    notebooks and several threads may call this. Raises pgen.SampleError with the reason where an image does not open
    or no valid reply came, and pgen.ConfigError where an option or the model is wrong.
    """
    pictures = tuple(_encoded(picture, f"camera {n}") for n, picture in enumerate(_listed(images)))
    sample = labeled_sample({**_NOTHING, "images": [picture.camera for picture in pictures]})
    request = Request(sample, Prompt(prompt, dialogue_schema()), pictures, 0)
    generator = _opened({"model": str(model) if isinstance(model, Path) else model, **options})
    dialogue = parse(_wait(generator.generate(request)), request.prompt)
    return {"user_prompt": dialogue.user_prompt, "robot_utterance": dialogue.robot_utterance}


def annotate_sample(sample: Mapping[str, Any], **options: Any) -> dict[str, Any]:
    """The sample with user_prompt and robot_utterance; `options` and errors are those of `call_qwen`."""
    prompt = construct_prompt(sample)
    return {**sample, **call_qwen(sample["images"], prompt, **options)}


_NOTHING = {"episode_id": "", "t": 0, "skill_current": "", "skill_history": [], "task_description": ""}


def _checked(sample: Mapping[str, Any]) -> Sample:
    """The sample of a D_labeled line, whose images may also be paths and pictures."""
    line = dict(sample) if isinstance(sample, Mapping) else sample
    if isinstance(line, dict) and isinstance(line.get("images"), list | tuple):
        line["images"] = [
            str(image) if isinstance(image, Path | PIL.Image.Image) else image for image in line["images"]
        ]
    if problem := first_error(validator("labeled"), line):
        raise InputError(f"the sample does not fit the schema `labeled` at {problem}. See `pgen schema labeled`.")
    return labeled_sample(line)


def _listed(images: Sequence[Picture]) -> list[Picture]:
    if isinstance(images, str | Path | PIL.Image.Image):
        raise InputError("images must be a list of paths or pictures, not a single one: put it into [ ].")
    return list(images)


def _encoded(picture: Picture, camera: str) -> Image:
    limit = RunOptions.model_fields["max_pixels"].default
    if isinstance(picture, str | Path):
        return read_file(Path(picture), str(picture), camera, limit)
    if not isinstance(picture, PIL.Image.Image):
        raise InputError(f"{camera}: {type(picture).__name__} is neither a path nor a PIL picture.")
    try:
        return encode(picture, camera, limit)
    except Exception as error:  # a picture that PIL has not decoded yet may raise anything
        where = getattr(picture, "filename", "") or camera
        raise SampleError("decode", f"{where} does not open: {error}") from None


_generators: dict[str, Generator] = {}
_opening = Lock()


def _opened(options: dict[str, Any]) -> Generator:
    """The generator with these options, opened by whoever asks first; other threads wait."""
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
    """An event loop in a thread of its own: a notebook's main thread runs one already, other threads have none."""
    loop = asyncio.new_event_loop()
    Thread(target=loop.run_forever, name="annotate_pgen", daemon=True).start()
    return loop


def _arguments(arguments: Sequence[str]) -> tuple[dict[str, Any], list[str]]:
    """The script's own flags by their name in `pgen annotate`, and the others."""
    parser = argparse.ArgumentParser(
        description=(__doc__ or "").splitlines()[0],
        epilog="Every other flag of `pgen annotate` is taken too.",
        allow_abbrev=False,
    )
    parser.add_argument("--output-dir", required=True, help="the new dataset; must not exist yet")
    parser.add_argument("--repo-id", help="the dataset's Hub id")
    parser.add_argument("--data-dir", dest="root", help="the dataset's folder, where it is on this machine")
    parser.add_argument("--model", default=MODEL, help="Hub id or folder of a Qwen vision-language model")
    parser.add_argument("--batch-size", type=int, default=1, help="samples the model computes at once")
    parser.add_argument("--temperature", type=float, default=0.0, help="0 always takes the likeliest word")
    parser.add_argument("--device", default="cuda", help="cuda, cuda:1, mps or cpu")
    parser.add_argument("--num-image-views-per-sample", type=int, help="show at most this many cameras a sample")
    parser.add_argument("--sample-interval", type=float, default=1.0, help="seconds between two samples of a skill")
    own, others = parser.parse_known_args([_dashed(argument) for argument in arguments])
    return {name: value for name, value in vars(own).items() if value is not None}, others


def _dashed(argument: str) -> str:
    """Names of flags may have underscores."""
    name, sign, value = argument.partition("=")
    return f"{name.replace('_', '-')}{sign}{value}" if name.startswith("--") else argument


def main() -> None:
    """Run `pgen annotate` with the script's flags."""
    own, others = _arguments(sys.argv[1:])
    flags = [part for name, value in own.items() for part in (f"--{name.replace('_', '-')}", str(value))]
    run(["annotate", "--generator", GENERATOR, "--prompt", "seed", *flags, *others], {"--root": "--data-dir"})


if __name__ == "__main__":
    main()
