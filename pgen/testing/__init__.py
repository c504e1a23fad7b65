"""Helpers for tests of plugins: records to start from, fakes, and a contract test for each kind of component."""

from pgen.testing.contracts import (
    check_check,
    check_executor,
    check_generator,
    check_prompt_builder,
    check_sampler,
    check_segmenter,
    check_sink,
    check_source,
)
from pgen.testing.fakes import (
    PICK_AND_PLACE,
    FakeGenerator,
    FakeMomentGenerator,
    FakeSource,
    FirstFrames,
    MemoryRecorder,
    MemorySink,
    make_annotation,
    make_episode,
    make_samples,
    plain_answer,
)

__all__ = [
    "PICK_AND_PLACE",
    "FakeGenerator",
    "FakeMomentGenerator",
    "FakeSource",
    "FirstFrames",
    "MemoryRecorder",
    "MemorySink",
    "check_check",
    "check_executor",
    "check_generator",
    "check_prompt_builder",
    "check_sampler",
    "check_segmenter",
    "check_sink",
    "check_source",
    "make_annotation",
    "make_episode",
    "make_samples",
    "plain_answer",
]
