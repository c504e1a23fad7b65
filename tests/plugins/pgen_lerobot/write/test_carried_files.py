"""What an output shares with its input: nothing that is edited, videos where that is said, and none if asked."""

import errno
import fcntl
import json
import os
import stat
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from click.testing import CliRunner
from old_layout import ONE_A_FILE, as_v21
from sink_helpers import annotate, dataset, snapshot

from pgen.cli import cli
from pgen.formats.schemas import validator
from pgen_lerobot.format.files import Files
from pgen_lerobot.verify import verify
from pgen_lerobot.write import carry_over

LARGE = b"x" * 2_000_000
COMMANDS = {
    "annotate": ["annotate", "--generator", "template"],
    "segment": ["segment", "--overwrite"],
    "segment-subtasks": ["segment", "--overwrite", "--write-subtasks"],
}
RECORDS = {"annotate": "meta/pgen/manifest.json", "segment": "meta/pgen/segmentation.json"}
SHARED = "videos are hard links to the input's: editing one in place changes both datasets; --copy-videos makes copies"


def run(*arguments):
    return CliRunner().invoke(cli, list(map(str, arguments)))


def made(command, root, out, *options):
    done = run(*COMMANDS[command], "--root", root, "--output-dir", out, *options)
    assert done.exit_code == 0, done.output
    return done.output


def rendered(root, version="v3.0"):
    """A dataset with large files wherever there can be some."""
    dataset(root, codec="h264", **ONE_A_FILE)
    if version == "v2.1":
        as_v21(root)
    for name in ("large.bin", "meta/large.bin", "data/notes.mp4", "images/top/frame_0.png", "images/notes.txt"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(LARGE)
    return root


def shared(root, out):
    """The files of `out` that are files of `root` under another name."""
    names = [path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()]
    return {name for name in names if (root / name).exists() and (root / name).samefile(out / name)}


def clones(folder):
    """Whether the folder is on a file system that clones files."""
    (folder / "old").write_bytes(b"x" * 8192)
    with (folder / "old").open("rb") as old, (folder / "new").open("wb") as new:
        try:
            fcntl.ioctl(new, fcntl.FICLONE, old.fileno())
        except OSError:
            return False
    return True


@pytest.fixture
def cloning():
    """A folder where files can be cloned: below the one that PGEN_CLONING_FOLDER names, or below /tmp."""
    with TemporaryDirectory(dir=os.environ.get("PGEN_CLONING_FOLDER")) as name:
        if not clones(Path(name)):
            pytest.skip(f"{name} cannot clone files; PGEN_CLONING_FOLDER names a folder on btrfs or xfs")
        yield Path(name)


@pytest.fixture
def plain(tmp_path):
    """A folder where files cannot be cloned, as on ext4."""
    if clones(tmp_path):
        pytest.skip(f"{tmp_path} clones files")
    return tmp_path


@pytest.fixture
def elsewhere(tmp_path):
    """A folder on another file system."""
    shm = Path("/dev/shm")
    if not shm.is_dir() or shm.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is no second file system at /dev/shm")
    with TemporaryDirectory(dir=shm) as name:
        yield Path(name)


@pytest.mark.parametrize("version", ["v2.1", "v3.0"])
@pytest.mark.parametrize("command", COMMANDS)
def test_nothing_but_videos_and_pictures_in_files_is_linked(plain, version, command):
    root, out = rendered(plain / "in", version), plain / "out"
    made(command, root, out)
    videos = {path.relative_to(root).as_posix() for path in root.glob("videos/**/*.mp4")}
    assert shared(root, out) == videos | {"images/top/frame_0.png"}


@pytest.mark.parametrize("command", COMMANDS)
def test_copied_videos_can_be_edited_and_are_those_of_the_input(tmp_path, command):
    root, out = rendered(tmp_path / "in"), tmp_path / "out"
    for path in root.glob("videos/**/*.mp4"):
        path.chmod(0o444)
    before = snapshot(root)
    output = made(command, root, out, "--copy-videos")
    assert SHARED not in output
    assert "copying videos: 100%" in output
    assert shared(root, out) == set()
    after = snapshot(out)
    for path in out.glob("videos/**/*.mp4"):
        name = path.relative_to(out).as_posix()
        assert after[name][0] == before[name][0]
        assert path.stat().st_mode & stat.S_IWUSR
        path.write_bytes(b"edited")
    assert snapshot(root) == before
    record = json.loads((out / RECORDS[command.partition("-")[0]]).read_text())
    assert record["videos"] == {"cloned": 0, "linked": 0, "copied": 9}


@pytest.mark.parametrize("command", ["annotate", "segment"])
def test_the_report_and_the_record_say_that_videos_are_shared(plain, command):
    root, out = dataset(plain / "in", codec="h264"), plain / "out"
    assert f"note       2 {SHARED}" in made(command, root, out)
    record = json.loads((out / RECORDS[command]).read_text())
    assert record["videos"] == {"cloned": 0, "linked": 2, "copied": 0, "note": f"2 {SHARED}"}
    assert validator("manifest" if command == "annotate" else "segmentation").first_error(record) is None


@pytest.mark.parametrize("command", ["annotate", "segment"])
def test_clones_share_no_edit_with_the_input(cloning, command):
    root, out = dataset(cloning / "in", codec="h264"), cloning / "out"
    before = snapshot(root)
    assert SHARED not in made(command, root, out)
    record = json.loads((out / RECORDS[command]).read_text())
    assert record["videos"] == {"cloned": 2, "linked": 0, "copied": 0}
    for path in out.glob("videos/**/*.mp4"):
        name = path.relative_to(out).as_posix()
        assert snapshot(out)[name][0] == before[name][0]
        with path.open("r+b") as file:
            file.write(b"edited")
        path.chmod(0o600)
    assert snapshot(root) == before


def test_on_another_file_system_videos_are_copied(tmp_path, elsewhere):
    root, out = dataset(tmp_path / "in", codec="h264"), elsewhere / "out"
    assert SHARED not in made("annotate", root, out)
    assert json.loads((out / RECORDS["annotate"]).read_text())["videos"]["copied"] == 2
    assert verify(out, with_lerobot=False).problems == []


def test_where_hard_links_fail_videos_are_copied(plain, monkeypatch):
    def refuse(*_: object) -> None:
        raise OSError(errno.EMLINK, "Too many links")

    root = dataset(plain / "in", codec="h264")
    monkeypatch.setattr(os, "link", refuse)
    out = annotate(root, plain / "out")
    for path in root.glob("videos/*/*/*.mp4"):
        assert path.read_bytes() == (out / path.relative_to(root)).read_bytes()


def test_copying_shows_its_progress_in_bytes(tmp_path):
    root, out = dataset(tmp_path / "in", codec="h264"), tmp_path / "out"
    phases, done = [], []

    def phase(name, total):
        phases.append((name, total))
        return done.append

    out.mkdir()
    carry_over(Files(root), out, set(), copy_videos=True, phase=phase)
    size = sum(path.stat().st_size for path in root.glob("videos/**/*.mp4"))
    assert phases == [("copying videos", size)]
    assert sum(done) == size


@pytest.mark.parametrize("command", ["annotate", "segment"])
def test_the_room_for_copies_is_checked_before_anything_is_asked(tmp_path, command):
    root, out = dataset(tmp_path / "in", codec="h264"), tmp_path / "out"
    with (root / "videos/huge.mp4").open("wb") as file:
        file.truncate(1 << 42)  # a hole: four terabytes that take no room
    done = run(*COMMANDS[command], "--root", root, "--output-dir", out, "--copy-videos")
    assert (done.exit_code, "the output needs about 4,398," in done.output) == (2, True)
    assert [path.name for path in tmp_path.iterdir()] == ["in"]
    made(command, root, out)


def test_the_room_on_another_file_system_is_checked_too(tmp_path, elsewhere):
    root = dataset(tmp_path / "in", codec="h264")
    with (root / "videos/huge.mp4").open("wb") as file:
        file.truncate(1 << 42)
    for command in ("annotate", "segment"):
        done = run(*COMMANDS[command], "--root", root, "--output-dir", elsewhere / "out")
        assert (done.exit_code, "the output needs about 4,398," in done.output) == (2, True)


def test_an_output_that_shares_its_videos_can_be_written_in_place_and_repaired(plain):
    root, out = dataset(plain / "in", codec="h264"), plain / "out"
    before = snapshot(root)
    made("annotate", root, out)
    for command in (
        ["annotate", "--generator", "template", "--root", out, "--in-place", "--overwrite"],
        ["repair", out],
    ):
        done = run(*command)
        assert done.exit_code == 0, done.output
        assert json.loads((out / RECORDS["annotate"]).read_text())["videos"]["linked"] == 2
        assert verify(out, with_lerobot=False).problems == []
    assert snapshot(root) == before
    assert len(shared(root, out)) == 2


def test_an_input_whose_videos_an_output_shares_can_be_written_in_place(plain):
    root, out = dataset(plain / "in", codec="h264"), plain / "out"
    made("annotate", root, out)
    after = snapshot(out)
    done = run("annotate", "--generator", "template", "--root", root, "--in-place")
    assert done.exit_code == 0, done.output
    assert "videos" not in {k for k, v in json.loads((root / RECORDS["annotate"]).read_text()).items() if v}
    assert snapshot(out) == after


def test_copies_in_place_are_refused(root):
    done = run("annotate", "--generator", "template", "--root", root, "--in-place", "--copy-videos")
    assert (done.exit_code, "leave one out" in done.output) == (2, True)
