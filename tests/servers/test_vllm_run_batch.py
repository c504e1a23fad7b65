"""`vllm run-batch` on the CPU answers the files of `openai-batch`."""

import json
import subprocess

import pytest
from asking import NumberedPrompt, numbered

from pgen.api import annotate
from pgen.errors import InterruptedRunError
from pgen.testing import MemorySink
from pgen_qwen_openai.batch_generator import OpenAIBatchGenerator

FAMILY = "qwen2_5_vl"
ENGINE = "--dtype float32 --max-model-len 8192 --max-num-seqs 32 --enforce-eager --generation-config vllm"
STRUCTURED = json.dumps({"backend": "guidance", "disable_any_whitespace": True})


def test_the_files_of_a_run_are_answered_and_used(vllm_python, checkpoint, quiet, tmp_path):
    folder = checkpoint(vllm_python, FAMILY)

    def run():
        generator = OpenAIBatchGenerator(model="tiny", batch_dir=tmp_path / "batches", max_tokens=2600)
        sink = MemorySink()
        prompt = NumberedPrompt()
        annotate(numbered(6), tmp_path / "out", generator=generator, prompt=prompt, sink=sink, checks=())
        return sink

    with pytest.raises(InterruptedRunError, match="vllm run-batch"):
        run()
    requests, responses = (tmp_path / "batches" / f"{name}-0001.jsonl" for name in ("requests", "responses"))
    command = [*(vllm_python, "-m", "vllm.entrypoints.openai.run_batch"), "-i", str(requests), "-o", str(responses)]
    engine = [*ENGINE.split(), "--structured-outputs-config", STRUCTURED]
    model = ["--model", str(folder), "--served-model-name", "tiny"]
    subprocess.run([*command, *model, *engine], check=True, cwd=tmp_path)
    sink = run()
    assert [annotation.failure for annotation in sink.annotations] == [None] * 6
    assert all(annotation.usage.tokens_in and annotation.usage.attempts == 1 for annotation in sink.annotations)
