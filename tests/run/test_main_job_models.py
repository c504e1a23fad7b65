"""The main job with each generator that has a model, chosen by its name: from a dataset to a dataset."""

import json

import hostile_server as hostile
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from needed import need
from rendered_example import write_example

from pgen.cli import cli
from pgen.formats.syn_annotations import read_lines

pytestmark = pytest.mark.long

COLUMN = "task_index_high_level"


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return write_example(tmp_path_factory.mktemp("models") / "source")


def annotated(dataset, out, *options):
    """Annotate and verify; return the printed text."""
    arguments = ["annotate", "--root", str(dataset), "--output-dir", str(out), "--sample-interval", "5", *options]
    output = CliRunner().invoke(cli, arguments)
    assert output.exit_code == 0, output.output
    checked = CliRunner().invoke(cli, ["verify", str(out)])
    assert checked.exit_code == 0, checked.output
    return output.output


def check_labels(out, samples):
    lines = list(read_lines(out / "meta/syn_annotations.jsonl"))
    assert len(lines) == samples
    assert {line["status"] for line in lines} == {"ok"}
    need("pandas")
    texts = pq.read_table(out / "meta/tasks.parquet").to_pandas().index
    dialogues = {f"{line['user_prompt']} | {line['robot_utterance']}" for line in lines}
    for shard in (out / "data").glob("*/*.parquet"):
        assert {texts[row] for row in pq.read_table(shard).column(COLUMN).to_pylist()} <= dialogues


@pytest.mark.parametrize("clip", ["0", "1"])
def test_a_model_in_this_process(dataset, tiny_checkpoint, tmp_path, clip):
    # A random model would deny that the images fit, every other time.
    model = ["--prompt", "seed", "--model", str(tiny_checkpoint("qwen2_5_vl")), "--device", "cpu", "--batch-size", "4"]
    room = ["--opt", "generator.max_new_tokens=2048", "--max-pixels", "20000"]
    output = annotated(
        dataset,
        tmp_path / "out",
        "--generator",
        "qwen-transformers",
        *model,
        *room,
        "--clip",
        clip,
        "--dtype",
        "float32",
    )
    check_labels(tmp_path / "out", 10)
    assert "tokens" in output
    manifest = json.loads((tmp_path / "out/meta/pgen/manifest.json").read_text())
    assert manifest["generator"]["found"]["dtype"] == "float32"
    assert manifest["tokens"]["out"] > 0
    assert manifest["tokens"]["images"] + manifest["tokens"]["text"] == manifest["tokens"]["in"]
    assert manifest["tokens"]["images"] > 0


@pytest.mark.parametrize("clip", ["0", "1"])
def test_a_model_on_a_server(dataset, tmp_path, clip):
    with hostile.HostileServer(lambda body, count: hostile.busy(0.01) if count == 0 else hostile.says()) as server:
        where = ["--base-url", server.url, "--opt", "generator.retry_wait=0.01"]
        # Its replies are similar, and no check should cause other requests.
        output = annotated(
            dataset, tmp_path / "out", "--generator", "qwen-openai", *where, "--clip", clip, "--check", "none"
        )
    check_labels(tmp_path / "out", 48)
    assert "requests sent again" in output
    manifest = json.loads((tmp_path / "out/meta/pgen/manifest.json").read_text())
    assert manifest["generator"]["model"] == "tiny"
    assert manifest["generator"]["found"] == {"model": "tiny", "response_format": "json_schema"}
    assert manifest["tokens"] == {"in": 1000, "images": None, "text": None, "out": 200, "cached": 0}
