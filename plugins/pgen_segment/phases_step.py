"""`pgen annotate --phases`: a model groups skills into phases before the dialogue, where their labels do not say it.

It runs by itself where a run asks a model for dialogue of phases and the rule cannot read the labels. The phases are in
a hidden folder beside OUT until OUT exists, and in OUT then.
"""

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from pgen.hookspecs import Preview, Step
from pgen_segment.annotate_step import (
    COMMAND,
    SKILLS_OF_OUTPUT,
    SOURCE_OPTIONS,
    beside_output,
    checked,
    is_pending,
    place_of,
)

if TYPE_CHECKING:
    from pgen.config import RunConfig
    from pgen.records import Episode
    from pgen_lerobot.read import LeRobotSource
    from pgen_segment.job import Job

_NAME = "phases"


def is_needed(config: "RunConfig") -> bool:
    """Return whether the run requests dialogue of phases from a model, and an episode has no phases without it."""
    from pgen.config import create
    from pgen.inference.prompting import takes_moments
    from pgen_lerobot.read import LeRobotSource

    parts = create(config)
    source, generator = parts.source, parts.generator
    asks = generator.any_schema and not generator.defers and takes_moments(parts.prompts, generator)
    if not (asks and config.run.scopes.get("phase") and isinstance(source, LeRobotSource)) or source.options.phases:
        return False
    if is_pending(config) or place_of(config, _NAME).exists():  # what an interrupted run left is used, then removed
        return place_of(config, _NAME).exists()
    with closing(source):
        source.open()
        return any(map(_is_ungrouped, _episodes(source)))


def _episodes(source: "LeRobotSource") -> "Iterator[Episode]":
    """Yield the chosen episodes; none where a file with all names shows that the rule can read each of them."""
    from pgen_dialogue.prompts import is_waiting, phases

    names = source.skills.names()
    if not names or not all(is_waiting(name) or phases((name,)) for name in names):
        yield from source.episodes()


def _is_ungrouped(episode: "Episode") -> bool:
    from pgen_segment.phases.rollout import is_ungrouped

    return is_ungrouped(episode)


@contextmanager
def with_phases(config: "RunConfig", assignments: Sequence[str]) -> "Iterator[RunConfig]":
    """Ask for phases, and yield the configuration that uses them.

    Raises ConfigError, before any request, where OUT cannot be written or the generator cannot group skills.
    """
    command = COMMAND if SKILLS_OF_OUTPUT in config.sink_options else "annotate"
    _check_generator(config)
    with beside_output(config, _NAME, lambda _: checked(config, command), lambda it: _job(config, it)) as folder:
        options = {**config.source.options, _NAME: folder / "segmentation.json"}
        yield config.model_copy(update={"source": config.source.model_copy(update={"options": options})})


def _check_generator(config: "RunConfig") -> None:
    from pgen.config import create
    from pgen.errors import ConfigError

    generator = create(config).generator
    if not generator.any_schema or generator.defers:
        raise ConfigError(f"--phases asks a model at once, which the generator {generator.name} cannot: leave it out.")


def _job(config: "RunConfig", folder: Path) -> "Job":
    from pgen.config import Choice
    from pgen_segment.config import create_job

    run, source = config.run, config.source.options
    return create_job(
        {"output_dir": folder, "skills_only": True, "seed": run.seed, "fresh": run.fresh},
        {option: source[option] for option in (*SOURCE_OPTIONS, "skills") if source.get(option) is not None},
        Choice(name=_NAME, options={}),
        config.generator,
        config.executor,
        "annotate" + (" --in-place" if run.in_place else ""),
    )


@contextmanager
def previewed(config: "RunConfig", assignments: Sequence[str]) -> Iterator[Preview]:
    """Plan the requests for phases; the dialogue is planned without phases, which are not there yet."""
    from collections import Counter

    _check_generator(config)
    counts: Counter[str] = Counter()
    with _job(config, place_of(config, _NAME) / "found") as job:
        lines = [*job.plan(counts), "note       the plan below lacks the dialogues of these phases"]
    yield Preview(config, lines, counts["tokens_in"], counts["tokens_out"])


PHASES = Step(
    "--phases",
    "Ask the model for phases first.  [default: where labels do not show them]",
    "input",
    _NAME,
    with_phases,
    previewed,
    is_needed,
)
