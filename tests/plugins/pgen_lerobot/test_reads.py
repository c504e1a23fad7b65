"""How often one `pgen annotate` opens the tables of its input."""

from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from old_layout import ONE_A_FILE, as_v21
from sink_helpers import dataset, shards

import pgen


@pytest.mark.parametrize("codec", ["h264", "png"])
@pytest.mark.parametrize("convert", [lambda root: root, as_v21], ids=["v3.0", "v2.1"])
def test_a_run_opens_data_and_episodes_once_to_plan_and_ask_and_once_for_the_output(
    convert, codec, tmp_path, monkeypatch
):
    root = convert(dataset(tmp_path / "in", codec=codec, **ONE_A_FILE))
    opened: Counter[Path] = Counter()

    def counting(open_file):
        def counted(source, *arguments, **options):
            if isinstance(source, str | Path):
                opened[Path(source)] += 1
            return open_file(source, *arguments, **options)

        return counted

    monkeypatch.setattr(pq, "ParquetFile", counting(pq.ParquetFile))
    monkeypatch.setattr(pa, "OSFile", counting(pa.OSFile))
    pgen.annotate(root, tmp_path / "out", generator="template")
    episodes = list(root.glob("meta/episodes/*/*.parquet"))
    assert {opened[path] for path in [*shards(root), *episodes]} == {2}
