"""What a command may import: the command line stays quick, and works where an extra is not installed."""

import subprocess
import sys

import pytest

HEAVY = {"PIL", "aiohttp", "av", "huggingface_hub", "jsonschema", "lerobot", "numpy", "pyarrow", "pydantic", "torch"}


def imported_by(code: str) -> set[str]:
    """The top-level packages among `HEAVY` that a fresh process has imported after `code`."""
    code += "\nimport sys; print('\\nMODULES', *{name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return HEAVY & set(done.stdout.rpartition("MODULES")[2].split())


@pytest.mark.parametrize(
    "code",
    [
        "import pgen",
        "from pgen.cli import cli; cli(['--help'], standalone_mode=False)",
        "from pgen.cli import cli; cli(['--version'], standalone_mode=False)",
        "from pgen.cli import cli; cli(['annotate', '--help'], standalone_mode=False)",
        "from pgen.cli import cli; cli(['demo', '--help'], standalone_mode=False)",
        "from pgen.cli import cli; cli(['segment', '--help'], standalone_mode=False)",
        "from pgen.cli import cli; cli(['score', '--help'], standalone_mode=False)",
        "from pgen.cli import cli; cli(['report', '--help'], standalone_mode=False)",
        "from pgen.cli import cli; cli(['preview', '--help'], standalone_mode=False)",
        "from pgen.cli import cli; cli(['compare', '--help'], standalone_mode=False)",
        "from pgen.cli import cli; cli(['export', '--help'], standalone_mode=False)",
    ],
)
def test_asking_for_help_imports_nothing_heavy(code: str) -> None:
    assert imported_by(code) == set()
