"""Bare loops of PyAV and pyarrow with the same result: the limit that pgen is compared with."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

COLUMN = "task_index_high_level"
QUALITY = 90
"""The quality of every JPEG: that of pgen (`pgen.media.images.QUALITY`)."""


def quiet_lerobot() -> None:
    """Keep lerobot offline and silent; call this before lerobot is imported."""
    import logging
    import os
    import warnings

    os.environ |= {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "TQDM_DISABLE": "1"}
    logging.disable(logging.WARNING)
    warnings.simplefilter("ignore")


def job(root: Path, out: Path, every: int, *, with_jpeg: bool = True, threads: int = 1) -> int:
    """Decode every n-th frame of each camera, encode it as a JPEG, write the column; return the frame count."""
    videos = sorted((root / "videos").glob("*/*/*.mp4"))
    with ThreadPoolExecutor(threads) as pool:
        read = sum(pool.map(partial(_pictures, every=every, with_jpeg=with_jpeg), videos))
    for shard in sorted((root / "data").glob("*/*.parquet")):
        with_column(shard, out / shard.name)
    return read


def with_column(shard: Path, target: Path) -> None:
    """Copy the shard's row groups one by one, with one more column of integers."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    target.parent.mkdir(parents=True, exist_ok=True)
    with pq.ParquetFile(shard) as file:
        schema = file.schema_arrow.append(pa.field(COLUMN, pa.int64()))
        with pq.ParquetWriter(target, schema) as writer:
            for group in range(file.metadata.num_row_groups):
                table = file.read_row_group(group, use_threads=False)
                labels = pa.repeat(pa.scalar(group, pa.int64()), len(table))
                whole = pa.Table.from_arrays([*table.columns, labels], schema=schema)
                writer.write_table(whole, row_group_size=len(whole))


def seeking(path: Path, wanted: Iterable[int], fps: int) -> Iterator[Any]:
    """Yield the wanted frames, each after a seek to the keyframe before it."""
    import av

    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        base = stream.time_base
        for number in wanted:
            pts = round(number / fps / base)
            container.seek(pts, stream=stream)
            yield next(frame for frame in container.decode(stream) if frame.pts >= pts)


def sequential(path: Path, wanted: Iterable[int], fps: int) -> Iterator[Any]:
    """Yield the wanted frames in one pass over all frames, with as many threads as the decoder takes."""
    import av

    numbers = iter(wanted)
    number = next(numbers, None)
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        for position, frame in enumerate(container.decode(stream)):
            if position == number:
                yield frame
                number = next(numbers, None)
            if number is None:
                return


def _pictures(path: Path, every: int, with_jpeg: bool) -> int:
    count = 0
    for frame in seeking(path, range(0, _length(path), every), 30):
        pixels = frame.to_ndarray(format="rgb24")
        if with_jpeg:
            jpeg(pixels)
        count += 1
    return count


def jpeg(pixels: Any) -> bytes:
    """Encode a JPEG as pgen does (`pgen.media.images`)."""
    import simplejpeg

    data: bytes = simplejpeg.encode_jpeg(pixels, QUALITY, "RGB", "420")
    return data


def _length(path: Path) -> int:
    import av

    with av.open(str(path)) as container:
        return container.streams.video[0].frames
