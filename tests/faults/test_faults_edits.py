"""An output that is edited, by hand or by a tool that appends to its files: the input does not change."""

import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner
from old_layout import ONE_A_FILE, as_v21
from output_files import hashes
from PIL import Image

from pgen.cli import cli
from pgen_demo.dataset import Recording, write_dataset
from pgen_demo.layout import Layout

COMMANDS = {
    "annotate": ["annotate", "--generator", "template"],
    "segment": ["segment", "--overwrite"],
    "segment-subtasks": ["segment", "--overwrite", "--write-subtasks"],
}


def dataset(root: Path) -> Path:
    positions = [[frame / 10, 0.5] for frame in range(30)]
    columns = {"observation.state": positions, "action": positions}
    recording = Recording(length=30, draw=_draw, task="tidy up", columns=columns)
    span = {"name": "reach the brick", "start": 0.0, "end": 3.0}
    episodes = {str(i): {"episode_index": i, "description": "tidy up", "skills": [span]} for i in range(2)}
    layout = Layout(fps=10, cameras=("observation.images.top",), **ONE_A_FILE)
    return write_dataset(root, [recording] * 2, layout, skills={"episodes": episodes}, readme="# A dataset\n")


def _draw(camera: str, frame: int) -> Image.Image:
    return Image.new("RGB", (32, 32), (frame * 5, 90, 160))


def modes(root: Path) -> dict[str, int]:
    return {path.relative_to(root).as_posix(): path.stat().st_mode for path in root.rglob("*")}


@pytest.mark.parametrize("version", ["v2.1", "v3.0"])
@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("copies", [False, True], ids=["shared", "copied"])
def test_no_edit_of_an_output_reaches_the_input(place, tally, version, command, copies):
    root, out = dataset(place / "in"), place / "out"
    root = as_v21(root) if version == "v2.1" else root
    for name in ("large.bin", "meta/large.bin", "data/notes.mp4"):
        (root / name).write_bytes(b"x" * 2_000_000)
    before = hashes(root), modes(root)
    options = ["--root", str(root), "--output-dir", str(out), *(["--copy-videos"] if copies else [])]
    done = CliRunner().invoke(cli, [*COMMANDS[command], *options])
    assert done.exit_code == 0, done.output
    edited = [path for path in out.rglob("*") if path.is_file() and (copies or "videos" not in path.parts)]
    for path in edited:
        with path.open("ab") as file:
            file.write(b"{}\n")
        path.chmod(0o600)
    assert (hashes(root), modes(root)) == before
    shutil.rmtree(out)
    assert (hashes(root), modes(root)) == before
    tally.add("an edit of an output's file: appended to, or its mode changed", 2 * len(edited))
