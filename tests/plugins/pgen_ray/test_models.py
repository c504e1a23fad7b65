"""Models behind workers of Ray: a server that all of them ask, and weights that each of them loads."""

import hostile_server as hostile
import pytest
from hostile_server import HostileServer
from ray_runs import annotate, lines, manifest, source

from pgen_qwen_openai.generator import QwenOpenAIGenerator
from pgen_qwen_transformers.generator import QwenTransformers

pytestmark = [pytest.mark.long, pytest.mark.usefixtures("cluster")]


def test_all_workers_ask_one_server(tmp_path):
    with HostileServer(lambda body, count: hostile.says()) as server:
        options = {"prompt": "hi-robot", "checks": (), "max_failures": 0}
        report = annotate(tmp_path / "out", QwenOpenAIGenerator(base_url=server.url), **options)
    assert report.failed == {}
    assert report.samples > report.usage.attempts == 6 * 24  # one request for each moment
    assert report.usage.tokens_out == 20 * report.usage.attempts
    assert 1 <= manifest(tmp_path / "out")["executor"]["workers"] <= 2


def test_weights_in_two_workers_say_what_they_say_in_this_process(tiny_checkpoint, tmp_path):
    generator = QwenTransformers(model=str(tiny_checkpoint("qwen2_vl")), device="cpu", max_new_tokens=256)
    options = {"source": source(2, 4), "max_failures": 1.0, "attempts": 1, "checks": ()}
    annotate(tmp_path / "local", generator, "local", **options)
    annotate(tmp_path / "ray", generator, **options)
    assert lines(tmp_path / "ray") == lines(tmp_path / "local")
    found = manifest(tmp_path / "ray")["generator"]["found"]
    assert found == manifest(tmp_path / "local")["generator"]["found"]
