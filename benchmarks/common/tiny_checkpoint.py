"""A tiny Qwen2.5-VL with random weights, made once by tests/support/tiny_qwen.py into the cache of the datasets."""

import json
import os
import subprocess
import sys
from pathlib import Path

from common.datasets import folder

SUPPORT = Path(__file__).parents[2] / "tests/support"
MAX_PIXELS = 1_003_520
"""Of an image for its processor, as for pgen: images of 640x480 are not made smaller."""
_FAMILY = "qwen2_5_vl"
_PROGRAM = """
import sys, pathlib, tiny_qwen
tiny_qwen.make(sys.argv[1], pathlib.Path(sys.argv[2]), real_size=sys.argv[3] == "real-size")
"""


def checkpoint(*, real_size: bool, python: str = sys.executable) -> Path:
    """Return the folder of the model; with `real_size`, its vocabulary is as large as a real one.

    `python` is the Python that makes it, which has transformers.
    """
    vocabulary = "real-size" if real_size else "tiny"
    model = folder() / f"{_FAMILY}-{vocabulary}"
    command = [python, "-c", _PROGRAM, _FAMILY, str(model), vocabulary]
    subprocess.run(command, env={**os.environ, "PYTHONPATH": str(SUPPORT)}, check=True, capture_output=True)
    path = model / "preprocessor_config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    config["max_pixels"] = config["size"]["longest_edge"] = MAX_PIXELS
    path.write_text(json.dumps(config), encoding="utf-8")
    return model
