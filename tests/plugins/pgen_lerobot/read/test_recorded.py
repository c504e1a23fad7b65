"""The exchanges in force at a frame, found by the rows of its episode alone."""

import pyarrow.parquet as pq
from hypothesis import given
from hypothesis import strategies as st

from pgen.records import SCOPES
from pgen_lerobot.format import EXCHANGES, ExchangeRow, exchange_table
from pgen_lerobot.read.recorded import Exchanges

LENGTH = 12
TYPES = st.sampled_from([None, "None", "specific_object"])
ROWS = st.builds(
    ExchangeRow,
    episode_index=st.integers(0, 3),
    start=st.integers(0, LENGTH),
    stop=st.integers(0, LENGTH + 2),
    scope=st.sampled_from(SCOPES),
    variant=st.integers(0, 2),
    frame_index=st.integers(0, LENGTH),
    skills=st.lists(st.sampled_from(["reach", "grasp", "None"]), min_size=1, max_size=3),
    scenario_type=TYPES,
    response_type=TYPES,
    task_index=st.integers(0, 2**40),
)


@given(st.lists(ROWS, max_size=30))
def test_the_exchanges_in_force_are_those_whose_frames_have_the_frame(tmp_path_factory, rows):
    rows.sort(key=lambda row: (row.episode_index, row.start))
    root = tmp_path_factory.mktemp("table")
    (root / EXCHANGES).parent.mkdir()
    pq.write_table(exchange_table._table(rows), root / EXCHANGES)
    found = Exchanges(root)
    for episode in range(5):
        for frame in range(LENGTH + 3):
            expected = [row for row in rows if row.episode_index == episode and row.start <= frame < row.stop]
            assert found.in_force(episode, frame) == expected


def test_a_dataset_without_the_table_has_none(tmp_path):
    assert Exchanges(tmp_path).in_force(0, 0) == []
