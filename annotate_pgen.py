"""Generate synthetic user prompts and robot utterances for a LeRobot dataset with a Qwen vision-language model.

The script form of `pgen annotate`, after p_gen of Hi Robot (https://arxiv.org/abs/2502.19417, section A):

    python annotate_pgen.py --repo-id lerobot/svla_so101_pickplace --model Qwen/Qwen2-VL-7B-Instruct \
        --output-dir out --batch-size 1

A sample is a D_labeled line: episode_id, t, images, skill_current, skill_history, task_description.
"""

import argparse
import asyncio
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import PIL.Image

from pgen.annotations import labeled_sample
from pgen.cli import main as run
from pgen.components import Generator
from pgen.parsing import parse
from pgen.pictures import encode
from pgen.records import Prompt, Request
from pgen.registry import registry
from pgen.run_options import RunOptions
from pgen_prompts.reply import dialogue_schema
from pgen_prompts.seed import PGEN_PROMPT_TEMPLATE
from pgen_prompts.seed import construct_prompt as text_for

__all__ = ["PGEN_PROMPT_TEMPLATE", "annotate_sample", "call_qwen", "construct_prompt"]

GENERATOR = "qwen-transformers"
MODEL = "Qwen/Qwen2-VL-7B-Instruct"


def construct_prompt(sample: dict[str, Any]) -> str:
    """The prompt's text, with the sample's task_description, skill_history and skill_current."""
    return text_for(labeled_sample(sample))


def call_qwen(images: Sequence[str | Path | PIL.Image.Image], prompt: str, **options: Any) -> dict[str, str]:
    """One pass of the model over the images and the prompt: its user_prompt and robot_utterance.

    `options` are those of the generator `qwen-transformers`, such as model, device and temperature; the model
    is loaded once. Raises pgen.SampleError with the reason where no valid reply came.
    """
    limit = RunOptions.model_fields["max_pixels"].default
    pictures = [image if isinstance(image, PIL.Image.Image) else PIL.Image.open(image) for image in images]
    encoded = tuple(encode(picture, f"camera {n}", limit) for n, picture in enumerate(pictures))
    asked = Prompt(prompt, dialogue_schema())
    sample = labeled_sample({**_NOTHING, "images": [picture.camera for picture in encoded]})
    generator, loop = _loaded(**{"model": MODEL, **options})
    dialogue = parse(loop.run_until_complete(generator.generate(Request(sample, asked, encoded, 0))), asked)
    return {"user_prompt": dialogue.user_prompt, "robot_utterance": dialogue.robot_utterance}


def annotate_sample(sample: dict[str, Any], **options: Any) -> dict[str, Any]:
    """The sample with user_prompt and robot_utterance."""
    return {**sample, **call_qwen(sample["images"], construct_prompt(sample), **options)}


_NOTHING = {"episode_id": "", "t": 0, "skill_current": "", "skill_history": [], "task_description": ""}


@cache
def _loaded(**options: Any) -> tuple[Generator, asyncio.AbstractEventLoop]:
    cls: Any = registry().find("generator", GENERATOR)
    generator: Generator = cls(**options)
    loop = asyncio.new_event_loop()
    loop.run_until_complete(generator.open())
    return generator, loop


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--output-dir", required=True, help="the new dataset; must not exist yet")
    parser.add_argument("--repo-id", help="the dataset's Hub id")
    parser.add_argument("--data-dir", dest="root", help="the dataset's folder, where it is on this machine")
    parser.add_argument("--model", default=MODEL, help="Hub id or folder of a Qwen vision-language model")
    parser.add_argument("--batch-size", type=int, default=1, help="samples the model computes at once")
    parser.add_argument("--temperature", type=float, default=0.0, help="0 always takes the likeliest word")
    parser.add_argument("--device", default="cuda", help="cuda, cuda:1, mps or cpu")
    parser.add_argument("--num-image-views-per-sample", type=int, help="show at most this many cameras a sample")
    parser.add_argument("--sample-interval", type=float, default=1.0, help="seconds between two samples of a skill")
    return parser.parse_args()


def main() -> None:
    """Run `pgen annotate` with the script's flags."""
    given = {name: value for name, value in vars(_arguments()).items() if value is not None}
    flags = [part for name, value in given.items() for part in (f"--{name.replace('_', '-')}", str(value))]
    run(["annotate", "--generator", GENERATOR, "--prompt", "seed", *flags])


if __name__ == "__main__":
    main()
