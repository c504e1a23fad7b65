"""Dialogues per hour and dollars per 1,000 episodes on one GPU: pgen, one line per second, and lerobot-annotate.

The requests of each are built for three episodes of the simulated groceries, as the programs send them, with images
counted at 640x480 by the patch rule of Qwen2.5-VL. A server computes the prompt tokens that are not in its prefix
cache (simulated, blocks of 16 tokens), and writes the reply. The speed of the GPU is published and the price is listed;
nothing was run on a GPU.
"""

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

import tokens
from common.gpu import DOLLARS, HOUR, Work
from common.groceries import write_groceries
from common.lerobot_requests import requests as lerobot_requests
from common.table import Row, main
from pgen.components import Patches, Source
from pgen.inference.token_estimate import PrefixCache, request_tokens, text_tokens
from pgen.media import fitted
from pgen.records import Prompt
from pgen.run.estimate import Images, asked, reply_text
from pgen.run.planning import Planner
from pgen.seeds import sample_seed
from pgen_samplers.samplers import Segments

EPISODES = 3
SIZE = (640, 480)
PATCHES = Patches(28, 4)
MAX_PIXELS = 1_003_520


def lines(tiny: bool = False) -> Iterator[Row]:
    episodes = 1 if tiny else EPISODES
    with TemporaryDirectory() as folder:
        root = write_groceries(Path(folder, "groceries"), episodes)
        (source,) = tokens.sources([root])
        works = {
            "default run": of_pgen(tokens.FORMS["default"], source),
            "one line per second": of_pgen(tokens.FORMS["former, each second"], source),
            "lerobot-annotate": of_lerobot(root, episodes, vqa=True),
            "lerobot-annotate without VQA": of_lerobot(root, episodes, vqa=False),
        }
    for name, value in (
        ("requests per episode", lambda it: f"{it.requests:.0f}"),
        ("dialogues per episode", lambda it: f"{it.dialogues:.0f}"),
        ("tokens computed and written per dialogue", lambda it: f"{it.tokens / it.dialogues:,.0f}"),
        ("dialogues per hour on one H100", lambda it: f"{it.dialogues / it.seconds * HOUR:,.0f}"),
        ("dollars per 1,000 episodes", lambda it: f"{it.seconds * 1000 / HOUR * DOLLARS:.2f}"),
    ):
        values = {of: value(work) if work else "not measured" for of, work in works.items()}
        yield Row(f"groceries, {name}", values.pop("default run"), "", values)


def of_pgen(form: tokens.Form, source: Source, size: tuple[int, int] = SIZE, patches: Patches = PATCHES) -> Work:
    """Return the work of a run in a form, with images of a size, and replies by the examples of its prompt."""
    options, sampler, cache = form.run(), Segments(interval=form.interval), PrefixCache()
    planner = Planner(source, sampler, form.prompts, options.seed, options.variants, options.scopes)
    images = Images(patches, dict.fromkeys(source.image_sizes(), size), MAX_PIXELS, 1, clips=False)
    requests = dialogues = computed = written = 0
    for samples, prompt in asked(form.prompts, tokens.Model(), options, planner.planned(source.episodes())):
        sent = request_tokens(prompt, images.of(samples[0]))
        computed += len(sent) - cache.cached(sent)
        examples = [form.prompts.example(sample, sample_seed(options.seed, sample)) for sample in samples]
        written += len(text_tokens(reply_text(examples, several=len(samples) > 1)))
        requests, dialogues = requests + 1, dialogues + len(samples)
    return _each(requests, dialogues, computed, written, sum(1 for _ in source.episodes()))


def of_lerobot(root: Path, episodes: int, *, vqa: bool) -> Work | None:
    """Return the work of lerobot-annotate, whose dialogues are rephrased tasks and interjections."""
    if not find_spec("lerobot"):
        return None
    calls, cache = lerobot_requests(root, vqa=vqa), PrefixCache()
    native = min(size for call in calls for size in call.images)
    computed = written = dialogues = 0
    for number, call in enumerate(calls):
        # Frames as the cameras record them; contact sheets have the size that lerobot-annotate gives them.
        sizes = [SIZE if size == native else size for size in call.images]
        images = [((number, place), PATCHES.tokens(*fitted(*size, MAX_PIXELS))) for place, size in enumerate(sizes)]
        sent = request_tokens(Prompt(call.text, {}), images)
        computed += len(sent) - cache.cached(sent)
        written += len(text_tokens(call.reply))
        dialogues += call.dialogues
    return _each(len(calls), dialogues, computed, written, episodes)


def _each(requests: int, dialogues: int, computed: int, written: int, episodes: int) -> Work:
    return Work(*(total / episodes for total in (requests, dialogues, computed, written)))


if __name__ == "__main__":
    main(lines)
