"""The data of a report: spans, variants, types, and how bad a sample is."""

from dataclasses import replace

import pytest

from pgen.testing import make_episode
from pgen_results.report_data import spans


@pytest.mark.parametrize(
    ("times", "edges"),
    [([0.0, 0.5, 1.0], (0.0, 1.0, 2.0)), ([None] * 3, (0.0, 2.0, 3.0)), ([1.0, 0.5, 2.0], (0, 2, 3))],
)
def test_without_the_input_spans_reach_from_one_skill_s_first_sample_to_the_next(times, edges):
    names = ["reach", "reach", "lift"]
    lines = [
        {"timestamp": time, "frame_index": frame, "skill_index": names.index(name), "skill_current": name}
        for frame, (time, name) in enumerate(zip(times, names, strict=True))
    ]
    drawn = spans(replace(make_episode(), skills=()), lines)
    assert [(span.name, span.start, span.end) for span in drawn] == [
        ("reach", edges[0], edges[1]),
        ("lift", edges[1], edges[2]),
    ]
