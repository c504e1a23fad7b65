"""The counts of a manifest."""

from dataclasses import replace

from pgen.records import Annotation, Dialogue, Plan, Question
from pgen.run.manifest import Tally
from pgen.testing import make_samples


def test_types_and_scopes_leave_counterfactuals_out():
    sample = make_samples()[0]
    planned = Plan("specific_object", "confirmation")
    elsewhere = replace(sample, question=Question(counterfactual="wait"))
    counts = Tally()
    counts.add(Annotation(sample, planned, Dialogue("Please.", "Sure.", "negative_task", "confirmation")))
    counts.add(Annotation(elsewhere, Plan(), Dialogue("Wait.", "Okay.", "implicit_request", "acknowledgment")))
    assert counts.types()["scenario_type"] == {
        "negative_task": {"planned": 0, "planned_share": 0.0, "achieved": 1, "achieved_share": 1.0},
        "specific_object": {"planned": 1, "planned_share": 1.0, "achieved": 0, "achieved_share": 0.0},
    }
    assert (counts.samples, dict(counts.scopes), dict(counts.counterfactuals)) == (2, {"step": 1}, {"wait": 1})
