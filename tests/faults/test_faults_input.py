"""Broken datasets, and names in them that lead outside: both are refused before the first request."""

import json
import os
import shutil
import sys
from contextlib import contextmanager, suppress

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from fault_runs import make_dataset
from output_files import hashes

from pgen.api import annotate
from pgen.errors import InputError, PgenError
from pgen.testing import FakeGenerator, MemorySink
from pgen_lerobot.read import LeRobotSource
from pgen_samplers.samplers import Segments

DATA = "data/chunk-000/file-000.parquet"
EPISODES = "meta/episodes/chunk-000/file-000.parquet"
CAMERA = "observation.images.top"


def rewrite(path, edit):
    table = edit(pq.read_table(path))
    path.unlink()
    pq.write_table(table, path)


def with_values(table, name, edit):
    values = edit(table.column(name).to_pylist())
    position = table.column_names.index(name)
    return table.set_column(position, table.schema.field(name), pa.array(values, table.schema.field(name).type))


def with_cell(name, row, value):
    def edit(values):
        values[row] = value(values) if callable(value) else value
        return values

    return lambda root, rng: rewrite(root / DATA, lambda table: with_values(table, name, edit))


def with_info(**changes):
    def change(root, rng):
        path = root / "meta/info.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))

    return change


def truncated(name):
    def change(root, rng):
        path = root / name
        os.truncate(path, rng.randrange(path.stat().st_size))

    return change


def rows(edit, name=DATA):
    return lambda root, rng: rewrite(root / name, edit)


BROKEN = {
    "truncated data": truncated(DATA),
    "truncated episodes": truncated(EPISODES),
    "truncated tasks": truncated("meta/tasks.parquet"),
    "truncated info": truncated("meta/info.json"),
    "truncated skills": truncated("meta/skills.json"),
    "a data file is missing": lambda root, rng: (root / DATA).unlink(),
    "no tasks": lambda root, rng: (root / "meta/tasks.parquet").unlink(),
    "no episodes": lambda root, rng: shutil.rmtree(root / "meta/episodes"),
    "an episode is missing in the data": rows(lambda t: t.filter(pc.not_equal(t["episode_index"], 1))),
    "fewer rows than declared": rows(lambda t: t.slice(0, len(t) - 1)),
    "more rows than declared": rows(lambda t: pa.concat_tables([t, t.slice(len(t) - 1)])),
    "a wrong length": rows(lambda t: with_values(t, "length", lambda v: [v[0] + 1, *v[1:]]), EPISODES),
    "an episode twice in the metadata": rows(
        lambda t: pa.concat_tables([t, with_values(t.slice(0, 1), "length", lambda v: [v[0] + 1])]), EPISODES
    ),
    "a time that is not a number": with_cell("timestamp", 7, float("nan")),
    "infinite time": with_cell("timestamp", 7, float("inf")),
    "time that decreases": with_cell("timestamp", 7, -1.0),
    "a repeated index": with_cell("frame_index", 7, 6),
    "rows in wrong order": rows(lambda t: t.take([1, 0, *range(2, len(t))])),
    "an empty shard": rows(lambda t: t.slice(0, 0)),
    "a missing task": with_cell("task_index", 7, 99),
    "an unknown version": with_info(codebase_version="v9.9"),
    "no version": with_info(codebase_version=None),
    "no features": with_info(features=None),
    "no rate": with_info(fps=None),
    "a rate of zero": with_info(fps=0),
    "an infinite rate": lambda root, rng: (root / "meta/info.json").write_text(
        (root / "meta/info.json").read_text().replace('"fps": 10', '"fps": 1e999')
    ),
    "skills nested too deeply": lambda root, rng: (root / "meta/skills.json").write_text("[" * 100_000),
    "a lone surrogate in a skill": lambda root, rng: (root / "meta/skills.json").write_text(
        (root / "meta/skills.json").read_text().replace('"name": "', '"name": "\\ud800')
    ),
    "info nested too deeply": lambda root, rng: (root / "meta/info.json").write_text('{"a":' * 100_000),
    "a column is missing": rows(lambda t: t.drop_columns(["timestamp"])),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_dataset_is_refused_by_name_before_the_first_request(root, place, tally, number, rng, kind):
    count = number(2, 20)
    for index in range(count):
        copy = place / f"{index}"
        shutil.copytree(root, copy)
        BROKEN[kind](copy, rng)
        before, generator = hashes(copy), FakeGenerator()
        with pytest.raises(InputError) as caught:
            annotate(copy, place / f"out{index}", generator=generator)
        assert str(copy) in str(caught.value) or "meta/info.json" in str(caught.value), caught.value
        assert generator.requests == []
        assert hashes(copy) == before
        assert not list(place.glob("*out*"))
    tally.add("broken datasets", count)


def test_a_truncated_video_fails_only_its_own_samples(memory, place, rng):
    source = make_dataset(place / "filmed", codec="h264")
    (video, *_) = sorted(source.rglob("*.mp4"))
    os.truncate(video, video.stat().st_size * 2 // 3)
    before = hashes(source)
    with suppress(PgenError):
        sink = MemorySink()
        annotate(source, place / "out", generator=FakeGenerator(), sink=sink, max_failures=1.0)
        assert {a.failure.stage for a in sink.annotations if a.failure} == {"decode"}
        assert any(a.dialogue for a in sink.annotations)
    assert hashes(source) == before


OUTSIDE = [
    "../secret", "../../secret", "a/../../secret", "..", "../", "/etc/passwd", "/", "//etc/passwd", "C:\\secret",
    "C:secret", "c:/secret", "\\\\host\\share", "\\secret", "..\\secret", "a\\..\\..\\secret", "a\0b", "\0", "../\0",
    "./../secret", ".../../../secret", "a/b/../../../secret", "link", "link/secret", "/proc/self/environ",
    "../place-evil/secret", "....//../secret", "~/../../secret", "/dev/zero", "..\\../secret", "",
]  # fmt: skip
"""`link` is a symbolic link that leads outside."""


class Watch:
    """Records every path that Python opens, creates, renames or removes while it is on."""

    def __init__(self):
        self._on, self.paths = False, []
        sys.addaudithook(self._record)

    def _record(self, event, args):
        if self._on and event in ("open", "os.mkdir", "os.rename", "os.remove", "os.link", "os.symlink", "os.listdir"):
            self.paths += [os.fsdecode(arg) for arg in args[:2] if isinstance(arg, str | bytes)]

    @contextmanager
    def on(self):
        self._on, self.paths = True, []
        try:
            yield
        finally:
            self._on = False


@pytest.fixture(scope="module")
def watch():
    return Watch()


def in_template(root, path, key="data_path"):
    info = root / "meta/info.json"
    info.write_text(json.dumps({**json.loads(info.read_text()), key: path}))
    return {"root": root}


def in_feature_key(root, path):
    info = json.loads((root / "meta/info.json").read_text())
    info["features"][path] = {**info["features"][CAMERA], "dtype": "video"}
    info["video_path"] = "videos/{video_key}/chunk-{chunk_index:03d}/file-{file_index:03d}.mp4"
    (root / "meta/info.json").write_text(json.dumps(info))
    columns = {f"videos/{path}/{part}": 0 for part in ("chunk_index", "file_index", "from_timestamp")}

    def edit(table):
        for name, value in columns.items():
            table = table.append_column(name, pa.array([value] * len(table)))
        return table

    rewrite(root / EPISODES, edit)
    return {"root": root}


def in_lines(root, path):
    line = {"episode_id": "e", "t": 0, "images": [path], "skill_current": "go", "skill_history": []}
    (root / "lines.jsonl").write_text(json.dumps({**line, "task_description": "tidy"}) + "\n")
    return {"root": root / "lines.jsonl"}


def in_repo_id(root, path):
    return {"root": LeRobotSource(repo_id=path or "/")}


def in_camera(root, path):
    return {"root": LeRobotSource(root=root, cameras=(path,))}


FIELDS = {
    "data_path": in_template,
    "video_path": lambda root, path: in_template(in_feature_key(root, "cam")["root"], path, "video_path"),
    "feature key": in_feature_key,
    "lines": in_lines,
    "repo id": in_repo_id,
    "camera": in_camera,
}


@pytest.mark.parametrize("field", FIELDS)
def test_no_name_leads_outside_the_dataset(root, place, tally, watch, monkeypatch, field):
    """30 paths in each of six fields are refused, and nothing outside is opened."""
    home = place / "home"
    monkeypatch.setenv("HF_LEROBOT_HOME", str(home))
    (place / "secret").write_text("secret")
    (place / "place-evil").mkdir()
    (place / "place-evil/secret").write_text("secret")
    allowed = (str(place / "in"), str(home), sys.prefix, sys.base_prefix, "/usr/lib", str(place / ".out.pgen"))
    allowed += (str(place / "out"),) if field == "feature key" else ()
    for number, path in enumerate(OUTSIDE):
        folder = place / "in" / str(number)
        shutil.copytree(root, folder)
        if path.startswith("link"):
            (folder / "link").symlink_to(place)
        arguments = FIELDS[field](folder, path)
        generator = FakeGenerator()
        # A feature key that leads to no file is that of a camera without files, which is ignored.
        with watch.on(), suppress(PgenError) if field == "feature key" else pytest.raises(PgenError):
            annotate(**arguments, output_dir=place / "out", generator=generator, sampler=Segments())
        assert {image.camera for request in generator.requests for image in request.images} <= {CAMERA}
        system_files = ("/etc/passwd", "/proc/self/environ", "/dev/zero")
        outside = [opened for opened in watch.paths if "secret" in opened or opened.startswith(system_files)]
        assert not [opened for opened in outside if not opened.startswith(str(folder))], (path, outside)
        touched = [opened for opened in watch.paths if opened.startswith("/") and not opened.startswith(allowed)]
        assert not [opened for opened in touched if opened.startswith(f"{place}/")], (path, touched)
        assert field == "feature key" or not (place / "out").exists()
        shutil.rmtree(place / "out", ignore_errors=True)
    tally.add("paths that lead outside, in six fields", len(OUTSIDE))
