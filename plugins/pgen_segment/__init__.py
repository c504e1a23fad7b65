"""Skills for datasets that have none: `pgen segment`, and `pgen score` to compare two sets of them."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from pgen.hookspecs import Step, hookimpl

if TYPE_CHECKING:
    import click

    from pgen.components import Segmenter


@hookimpl
def pgen_segmenters() -> "Iterable[type[Segmenter]]":
    from pgen_segment.hybrid.segmenter import Hybrid
    from pgen_segment.labels import Labels
    from pgen_segment.motion.segmenter import Gripper
    from pgen_segment.phases.segmenter import Phases
    from pgen_segment.vlm.segmenter import Vlm

    return (Hybrid, Gripper, Vlm, Labels, Phases)


@hookimpl
def pgen_commands() -> "Iterable[click.Command]":
    from pgen_segment.command import segment
    from pgen_segment.score_command import score

    return (segment, score)


@hookimpl
def pgen_steps() -> "Iterable[Step]":
    from pgen_segment.annotate_step import STEP
    from pgen_segment.phases_step import PHASES

    return (STEP, PHASES)
