"""Videos that the input lacked: the output is verified and repaired with the needs of the run that wrote it."""

import shutil

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from layout_helpers import TOP, WRIST
from old_layout import ONE_A_FILE, as_v21
from sink_helpers import dataset

from pgen.cli import cli
from pgen_lerobot.verify import verify

LACKING = "camera {} has no video for {} episodes; nor had the input"


def run(*arguments):
    return CliRunner().invoke(cli, list(map(str, arguments)))


def annotate(root, out, *options):
    return run("annotate", "--root", root, "--output-dir", out, "--generator", "template", *options)


@pytest.fixture
def root(tmp_path):
    return dataset(tmp_path / "in", codec="h264", **ONE_A_FILE)


@pytest.mark.parametrize("command", ["annotate", "segment"])
@pytest.mark.parametrize(("version", "with_lerobot"), [("v2.1", False), ("v3.0", False), ("v3.0", True)])
def test_an_output_without_videos_is_verified_and_repaired_as_its_input_had_none(
    root, tmp_path, version, with_lerobot, command
):
    if with_lerobot:
        pytest.importorskip("lerobot")
    root = as_v21(root) if version == "v2.1" else root
    shutil.rmtree(root / "videos")
    out = tmp_path / "out"
    options = {"annotate": ["--generator", "template", "--num-image-views-per-sample", "0"], "segment": ["--overwrite"]}
    assert run(command, "--root", root, "--output-dir", out, *options[command]).exit_code == 0
    found = verify(out, with_lerobot=with_lerobot)
    assert found.problems == []
    assert found.notes[:2] == [LACKING.format(TOP, 4), LACKING.format(WRIST, 4)]
    if command == "annotate":
        done = run("repair", out)
        assert done.exit_code == 0, done.output
        assert verify(out, with_lerobot=False).problems == []


@pytest.mark.parametrize("command", ["annotate", "segment"])
def test_videos_that_were_lost_after_the_run_are_a_problem(root, tmp_path, command):
    out = tmp_path / "out"
    options = ["--generator", "template"] if command == "annotate" else ["--overwrite"]
    assert run(command, "--root", root, "--output-dir", out, *options).exit_code == 0
    shutil.rmtree(out / "videos" / WRIST)
    found = verify(out)
    assert [problem.file for problem in found.problems] == [f"videos/{WRIST}/chunk-000/file-000.mp4"]
    assert not any("Hub" in str(problem) for problem in found.problems)


@pytest.mark.parametrize("options", [["--num-image-views-per-sample", "0"], ["--camera", TOP]])
def test_a_video_missing_of_a_camera_that_is_not_shown_is_noted_by_annotate_and_verify(root, tmp_path, options):
    sorted((root / "videos" / WRIST).glob("*/*"))[2].unlink()
    out = tmp_path / "out"
    done = annotate(root, out, *options)
    assert f"note       1 episodes without a video of camera {WRIST}, which is not shown" in done.output
    found = verify(out, with_lerobot=False)
    assert (found.problems, found.notes) == ([], [LACKING.format(WRIST, 1)])


def test_lerobot_judges_the_episodes_that_have_all_their_videos(root, tmp_path):
    pytest.importorskip("lerobot")
    sorted((root / "videos" / WRIST).glob("*/*"))[3].unlink()
    out = tmp_path / "out"
    assert annotate(root, out, "--camera", TOP).exit_code == 0
    found = verify(out)
    assert found.problems == []
    assert "lerobot needs every video, and 1 episodes lack one: it did not try to open those" in found.notes


def test_a_dataset_that_names_no_video_for_an_episode_is_verified_with_a_note_of_lerobots(root, tmp_path):
    pytest.importorskip("lerobot")
    path = root / "meta/episodes/chunk-000/file-000.parquet"
    table = pq.read_table(path)
    for name in ("chunk_index", "file_index", "from_timestamp", "to_timestamp"):
        place = table.schema.get_field_index(f"videos/{WRIST}/{name}")
        values = [*map(float, table.column(place).to_pylist()[:-1]), float("nan")]
        table = table.set_column(place, table.field(place).name, pa.array(values))
    pq.write_table(table, path)
    out = tmp_path / "out"
    assert annotate(root, out, "--camera", TOP).exit_code == 0
    found = verify(out)
    assert found.problems == []
    assert LACKING.format(WRIST, 1) in found.notes
    assert any(note.startswith("lerobot cannot read the dataset") for note in found.notes)


def test_lerobot_is_spared_videos_that_are_not_where_the_metadata_say(root, tmp_path):
    pytest.importorskip("lerobot")
    (root / "videos").rename(root / "video")
    out = tmp_path / "out"
    assert annotate(root, out).exit_code == 0
    found = verify(out)
    assert found.problems == []
    assert found.notes == [
        "lerobot looks for files where info.json says, and they are elsewhere: it did not try to open any"
    ]
