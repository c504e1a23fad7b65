"""The metadata of v3.0: empty cells and NaN, as pandas leaves them, stray files and episodes listed twice."""

import shutil

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from layout_helpers import TOP, episodes_file, opened
from sink_helpers import change, dataset

from pgen.errors import InputError
from pgen_lerobot.verify import verify

CLIP = [f"videos/{TOP}/{name}" for name in ("chunk_index", "file_index", "from_timestamp")]
EMPTY = pytest.mark.parametrize("value", [None, float("nan")], ids=["null", "NaN"])


def set_cells(root, columns, value, row=1):
    """Write the columns as floats, with `value` in one row."""

    def edit(table):
        for name in columns:
            cells = [float(cell) for cell in table.column(name).to_pylist()]
            cells[row] = value
            table = table.set_column(table.column_names.index(name), name, pa.array(cells, pa.float64()))
        return table

    change(episodes_file(root), edit)
    return root


@EMPTY
@pytest.mark.parametrize("column", ["data/chunk_index", "data/file_index", "length"])
def test_a_cell_that_every_episode_needs_is_named(tmp_path, column, value):
    root = set_cells(dataset(tmp_path / "data"), [column], value)
    message = f"file-000.parquet, episode 1: column {column} is empty or NaN"
    with pytest.raises(InputError, match=message):
        opened(root)
    assert message in str(verify(root).problems[0])


@EMPTY
def test_an_episode_without_a_number_is_named_by_its_row(tmp_path, value):
    root = set_cells(dataset(tmp_path / "data"), ["episode_index"], value, row=2)
    with pytest.raises(InputError, match=r"file-000\.parquet, row 2: column episode_index is empty or NaN"):
        opened(root)


@EMPTY
def test_an_episode_whose_cells_of_a_camera_are_all_empty_has_no_video_of_it(tmp_path, value):
    root = set_cells(dataset(tmp_path / "data", codec="h264"), CLIP, value)
    source, _ = opened(root)
    assert source.notes() == {f"episodes without a video of camera {TOP}: a sample there fails": 1}


@EMPTY
@pytest.mark.parametrize("column", CLIP)
def test_a_single_empty_cell_of_a_camera_is_named_and_never_taken_for_zero(tmp_path, column, value):
    root = set_cells(dataset(tmp_path / "data", codec="h264"), [column], value)
    with pytest.raises(
        InputError, match=f"episode 1: column {column} is empty or NaN, and other columns of that camera"
    ):
        opened(root)


def test_several_files_of_episodes_and_stray_ones_are_read(tmp_path):
    root = dataset(tmp_path / "data", episodes_per_meta_file=3)
    folder = root / "meta/episodes/chunk-000"
    pq.write_table(pa.table({"note": ["a stray table"]}), folder / "stray.parquet")
    shutil.copy(folder / "file-001.parquet", folder / "file-001 (copy).parquet")
    source, episodes = opened(root)
    assert [episode.index for episode in episodes] == [0, 1, 2, 3]
    assert source.notes() == {
        "episodes that meta/episodes lists twice, in the same words": 1,
        "files of meta/episodes that list no episode: passed over": 1,
    }


def test_an_episode_that_is_listed_twice_and_differently_is_refused(tmp_path):
    root = dataset(tmp_path / "data", episodes_per_meta_file=3)
    folder = root / "meta/episodes/chunk-000"
    other = pq.read_table(folder / "file-001.parquet")
    lengths = pa.array([5], other.schema.field("length").type)
    pq.write_table(other.set_column(other.column_names.index("length"), "length", lengths), folder / "file-002.parquet")
    with pytest.raises(InputError, match=r"meta/episodes lists episode 3 twice, and differently"):
        opened(root)
