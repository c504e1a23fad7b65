"""A worker that dies between the dialogues of a moment: what was recorded of it is not requested again."""

import pytest
from fault_moments import MomentLog, requested, requests
from ray_runs import annotate, lines, manifest

from pgen_samplers.samplers import Interval

pytestmark = pytest.mark.usefixtures("cluster")


@pytest.mark.parametrize("lanes", [1, 8])
def test_only_the_dialogues_that_had_not_arrived_are_requested_again(tmp_path, lanes):
    options = {"prompt": "hi-robot", "checks": (), "sampler": Interval(interval=0.3)}
    annotate(tmp_path / "undisturbed", MomentLog(log=tmp_path / "log"), "local", **options)
    undisturbed = requests(tmp_path / "log")
    log = tmp_path / "dying"
    report = annotate(tmp_path / "out", MomentLog(log=log, lanes=lanes, between=3), **options)
    assert report.failed == {}
    assert manifest(tmp_path / "out")["executor"]["deaths"] == 1
    assert requested(log).keys() == {key for request in undisturbed for key in request}
    # The moment of which all but one dialogue had arrived, and what else the worker had in flight.
    assert 1 <= len(requests(log)) - len(undisturbed) <= lanes
    whole = {request[0]: request for request in undisturbed}
    assert any(request[0] not in whole for request in requests(log))
    assert lines(tmp_path / "out") == lines(tmp_path / "undisturbed")
