"""The trace of the main job runs and counts what it names."""

import re
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "tools/trace.py"


def test_the_trace_counts_functions_files_switches_and_opens():
    result = subprocess.run([sys.executable, SCRIPT, "--list", "3"], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr[-3000:]
    counts = {
        name: int(number.replace(",", ""))
        for name, number in re.findall(r"^(\w[\w ,]*?) {2,}([\d,]+)$", result.stdout, re.M)
    }
    assert counts["switches"] == counts["files"] - 1 + counts["back to a file"]
    assert counts["functions"] > counts["files"] > 50
    assert counts["calls, returns"] > counts["switches"]
    pairs, _, opens = result.stdout.partition("\nopens\n")
    assert len(re.findall(r"^ +\d+ {2}\S+ - \S+$", pairs, re.M)) == 2 * 3
    assert not opens or re.search(r"^ +\d+ {2}meta/info\.json$", opens, re.M)
