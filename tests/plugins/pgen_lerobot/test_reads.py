"""How often one `pgen annotate` opens the data of its input."""

from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from old_layout import ONE_A_FILE, as_v21
from sink_helpers import dataset, shards

import pgen


@pytest.mark.parametrize("convert", [lambda root: root, as_v21], ids=["v3.0", "v2.1"])
def test_a_run_opens_each_data_file_for_its_footer_the_plan_and_the_output(convert, tmp_path, monkeypatch):
    root = convert(dataset(tmp_path / "in", codec="h264", **ONE_A_FILE))
    opened: Counter[Path] = Counter()

    class Counting(pq.ParquetFile):
        def __init__(self, source, **options):
            opened[Path(source)] += 1
            super().__init__(source, **options)

    monkeypatch.setattr(pq, "ParquetFile", Counting)
    pgen.annotate(root, tmp_path / "out", generator="template")
    assert {opened[path] for path in shards(root)} == {3}
