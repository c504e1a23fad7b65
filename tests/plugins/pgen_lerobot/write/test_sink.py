"""What is carried over, what is never touched, what is refused before anything is paid for, and the card."""

import errno
import json
import os
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from exchange_helpers import with_exchanges
from old_layout import ONE_A_FILE, as_v20, as_v21
from sink_helpers import TASKS, annotate, change, dataset, regroup, results, set_cell, shards, snapshot, texts

from pgen.errors import ConfigError, InputError
from pgen.records import SCOPES, Dialogue
from pgen.testing import FakeSource
from pgen_lerobot.format import COLUMN, COUNTERFACTUALS, EXCHANGES, TASK_ROWS, Dataset
from pgen_lerobot.write import LeRobotSink, pushed_card, rewrite_shard


def test_the_input_stays_as_it_was_to_the_byte_and_the_nanosecond(tmp_path):
    root = dataset(tmp_path / "in", codec="h264")
    before = snapshot(root)
    annotate(root, tmp_path / "out")
    assert snapshot(root) == before


def test_a_dataset_of_links_into_a_cache_is_read_and_never_written_through(tmp_path):
    plain = dataset(tmp_path / "plain", codec="h264", episodes_per_data_file=2)
    blobs, linked = tmp_path / "blobs", tmp_path / "snapshots" / "main"
    blobs.mkdir()
    for number, name in enumerate(sorted(snapshot(plain))):
        (plain / name).rename(blobs / str(number))
        (linked / name).parent.mkdir(parents=True, exist_ok=True)
        (linked / name).symlink_to(os.path.relpath(blobs / str(number), (linked / name).parent))
    before = snapshot(blobs)
    out = annotate(linked, tmp_path / "out")
    assert snapshot(blobs) == before
    assert not [path for path in out.rglob("*") if path.is_symlink()]
    assert pq.read_schema(shards(out)[1]).names[-1] == COLUMN
    for path in out.glob("videos/*/*/*.mp4"):
        assert path.read_bytes() == (linked / path.relative_to(out)).read_bytes()


def test_every_other_file_is_there_with_its_bytes(tmp_path):
    root = dataset(tmp_path / "in", codec="h264")
    for name in ("notes/with space.txt", "meta/subtasks.parquet", ".gitattributes", "meta/pgen/extra.txt"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)
    out = annotate(root, tmp_path / "out")
    before, after = snapshot(root), snapshot(out)
    assert set(before) <= set(after)
    made = {"README.md", EXCHANGES, TASK_ROWS, "meta/syn_annotations.jsonl", "meta/pgen/manifest.json"}
    assert set(after) - set(before) == made
    changed = {name for name in before if before[name][0] != after[name][0]}
    meta = {"meta/info.json", "meta/stats.json", "meta/tasks.parquet", "meta/episodes/chunk-000/file-000.parquet"}
    assert changed == meta | {"data/chunk-000/file-000.parquet"}


def test_caches_locks_and_git_are_left_behind_and_folder_links_do_not_run_in_circles(root, tmp_path):
    for name in (".cache/huggingface/x", ".git/HEAD", "meta/info.json.lock", ".out.pgen/staging/x"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("x")
    (root / "elsewhere").mkdir()
    (root / "elsewhere/notes.txt").write_text("n")
    (root / "elsewhere/back").symlink_to(root)
    (root / "linked").symlink_to(root / "elsewhere")
    out = annotate(root, tmp_path / "out")
    names = set(snapshot(out))
    assert "linked/notes.txt" in names
    assert not [name for name in names if any(part in name for part in (".cache", ".git", ".lock", ".pgen", "back"))]


def test_the_same_results_give_the_same_bytes(root, tmp_path):
    one, two = annotate(root, tmp_path / "one"), annotate(root, tmp_path / "two")
    assert {n: h for n, (h, _) in snapshot(one).items()} == {n: h for n, (h, _) in snapshot(two).items()}


def test_the_manifest_counts_the_labels_and_hashes_what_was_written(out):
    labels = json.loads((out / "meta/pgen/manifest.json").read_text())["labels"]
    assert labels["frames_labelled"] + labels["frames_unlabelled"] == labels["frames"] == 43
    assert labels["frames_unlabelled"] == 1 + 2 + 15
    assert labels["dialogues"] == len(texts(out)) - len(TASKS)
    found = snapshot(out)
    assert all(found[name][0] == digest for name, digest in labels["files"].items())
    assert {"data/chunk-000/file-000.parquet", "meta/tasks.parquet"} <= set(labels["files"])


def test_the_answers_are_read_once(tmp_path):
    run, reads = results(dataset(tmp_path / "in")), []
    counted = replace(run, read=lambda: reads.append(1) or run.read())
    sink = LeRobotSink()
    sink.open(counted.source)
    (tmp_path / "out").mkdir()
    sink.write(counted, tmp_path / "out")
    assert len(reads) == 1
    assert (tmp_path / "out/meta/syn_annotations.jsonl").stat().st_size


def test_a_full_disk_under_a_shard_is_reported_as_such(tmp_path):
    shard = pq.ParquetFile(shards(dataset(tmp_path / "in"))[0])
    with shard, pytest.raises(OSError, match="No space left") as raised:
        rewrite_shard(shard, Path("/dev/full"), lambda table: pa.array([0] * len(table)))
    assert raised.value.errno == errno.ENOSPC


def test_a_source_of_another_kind_is_refused_by_name():
    with pytest.raises(ConfigError, match="needs a LeRobot dataset; the source fake"):
        LeRobotSink().open(FakeSource())


def test_a_column_that_is_there_already_is_refused_unless_it_may_be_replaced(tmp_path):
    once = annotate(dataset(tmp_path / "in"), tmp_path / "once")
    with pytest.raises(InputError, match=r"info\.json has the feature .*--overwrite"):
        LeRobotSink().open(results(once).source)
    LeRobotSink(overwrite=True).open(results(once).source)


def test_a_column_in_a_single_shard_is_refused_too(tmp_path):
    root = dataset(tmp_path / "in", episodes_per_data_file=1)
    change(shards(root)[2], lambda table: table.append_column(COLUMN, table.column("task_index")))
    with pytest.raises(InputError, match=r"file-002\.parquet has the column .*--overwrite"):
        LeRobotSink().open(results(root).source)


@pytest.mark.parametrize("statistics", [True, False], ids=["by the footer", "by the column"])
@pytest.mark.parametrize(("value", "message"), [(None, "a cell is empty"), (7, "no task 7"), (-1, "no task -1")])
def test_a_frame_whose_own_task_is_no_row_is_refused_before_anything_is_paid_for(root, value, message, statistics):
    change(shards(root)[0], lambda table: set_cell(table, "task_index", 30, value))
    regroup(shards(root)[0], 50, write_statistics=statistics)
    with pytest.raises(InputError, match=message):
        LeRobotSink().open(results(root).source)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("lost.bin", None, r"lost\.bin is a link to a file that is missing"),
        ("meta/stats.json", b"{", r"stats\.json cannot be read as JSON"),
        ("meta/tasks_high_level.parquet", b"PAR1", r"tasks_high_level\.parquet is not a readable parquet file"),
    ],
)
def test_a_file_that_cannot_be_written_again_is_refused_before_anything_is_paid_for(root, name, content, message):
    (root / name).symlink_to(root / "gone") if content is None else (root / name).write_bytes(content)
    with pytest.raises(InputError, match=message):
        LeRobotSink().open(results(root).source)


@pytest.mark.parametrize("copy_videos", [False, True])
@pytest.mark.parametrize("rearrange", [lambda root: root, as_v20, as_v21], ids=["v3.0", "v2.0", "v2.1"])
def test_the_estimate_of_the_room_covers_what_is_written(tmp_path, rearrange, copy_videos):
    run = results(rearrange(dataset(tmp_path / "in", codec="h264", **ONE_A_FILE)))
    out = annotate(run.source.dataset.root, tmp_path / "out", run, copy_videos=copy_videos)
    written = sum(path.stat().st_size for path in out.rglob("*") if path.is_file() and path.stat().st_nlink == 1)
    assert LeRobotSink(copy_videos=copy_videos).needs_bytes(run.source) >= written


def test_a_link_that_leads_outside_is_refused_before_anything_is_paid_for(root, tmp_path):
    (tmp_path / "secret.txt").write_text("secret")
    (root / "meta/notes.txt").symlink_to(tmp_path / "secret.txt")
    with pytest.raises(InputError, match=r"notes\.txt is a link that leads outside"):
        results(root)


def test_data_that_changed_since_it_was_annotated_is_not_labelled(root, tmp_path):
    run = results(root)
    held = list(run.read())
    change(shards(root)[0], lambda table: pa.concat_tables([table.slice(0, 11), table.slice(12)]))
    with pytest.raises(InputError, match="episode 0 has 11 rows, but was annotated with 12"):
        annotate(root, tmp_path / "out", type(run)(run.source, run.manifest, lambda: iter(held)))


@pytest.mark.parametrize(
    ("generator", "author"),
    [
        ("template", "the generator template, which fills in sentences and asks no model"),
        ("qwen-openai", "the generator qwen\\-openai and the model some/model"),
    ],
)
def test_a_new_card_says_what_wrote_the_dialogue_and_how_to_use_it(root, tmp_path, generator, author):
    card = (annotate(root, tmp_path / "out", results(root, generator=generator)) / "README.md").read_text()
    assert card.startswith("---\ntask_categories:\n- robotics\ntags:\n- LeRobot\n- pgen\n")
    assert author in card
    assert "Frames with a dialogue: 25 of 43." in card
    assert COLUMN in card


def test_a_card_keeps_its_text_and_its_section_is_replaced(root, tmp_path):
    (root / "README.md").write_bytes("---\nlicense: mit\n---\r\n# Brücke\r\n".encode())
    once = annotate(root, tmp_path / "once")
    with (once / "README.md").open("a") as file:
        file.write("\nbehind\n")
    run = results(once, lambda _: Dialogue("Go.", "Going."))
    card = (annotate(once, tmp_path / "twice", run, overwrite=True) / "README.md").read_bytes().decode()
    assert card.startswith("---\nlicense: mit\n---\r\n# Brücke\r\n")
    assert card.endswith("\nbehind\n")
    assert card.count("pgen:begin") == card.count("pgen:end") == 1
    assert "| Go. | Going. |" in card
    assert "Could you reach" not in card


def test_text_of_the_data_is_no_markup_in_the_card(root, tmp_path):
    hostile = "a | b\n<!-- pgen:end --> ![x](http://e.x) `rm` <script>"
    card = (
        annotate(root, tmp_path / "out", results(root, lambda _: Dialogue(hostile, "*Ok*"))) / "README.md"
    ).read_text()
    row = next(line for line in card.splitlines() if "rm" in line)
    escaped = r"a \| b &lt;\!\-\- pgen\:end \-\-&gt; \!\[x\]\(http\://e.x\) \`rm\` &lt;script&gt; | \*Ok\*"
    assert escaped in row
    assert card.count("<!-- pgen:end -->") == 1


def test_at_most_ten_dialogues_are_shown(root, tmp_path):
    run = results(root, lambda s: Dialogue(f"Say {s.span.episode_index} {s.moment.frame_index}", "Ok"))
    card = (annotate(root, tmp_path / "out", run) / "README.md").read_text()
    assert sum(line.endswith("| Ok |") for line in card.splitlines()) == 10


@pytest.mark.parametrize(
    ("speech", "words"), [("hold", "as long as the dialogue is in force"), ("once", "stands alone")]
)
def test_the_card_counts_scopes_and_names_the_tables(root, tmp_path, speech, words):
    out = with_exchanges(root, tmp_path / "out", run={"speech": speech})
    card = (out / "README.md").read_text()
    lines = [json.loads(line) for line in (out / "meta/syn_annotations.jsonl").read_text().splitlines()]
    counts = {scope: sum(line["scope"] == scope for line in lines) for scope in sorted(SCOPES)}
    assert f"Scopes, what a dialogue leads to: {', '.join(f'{scope} {n}' for scope, n in counts.items())}." in card
    assert f"from {len(lines)} samples; 0 samples failed" in card
    assert words in card
    assert f"`{EXCHANGES}` has all of them" in card
    number = len((out / COUNTERFACTUALS).read_text().splitlines())
    assert f"`{COUNTERFACTUALS}` has {number} prompts that lead elsewhere" in card
    assert "| standing | reach | standing 0 at 0 of ep" in card
    assert COUNTERFACTUALS not in (annotate(root, tmp_path / "plain") / "README.md").read_text()


def test_the_card_that_is_made_again_to_be_pushed_says_the_same(root, tmp_path):
    out = with_exchanges(root, tmp_path / "out")
    card = (out / "README.md").read_text()
    (out / "README.md").write_text(card[: card.index("<!-- pgen:begin")])
    assert card.strip() in pushed_card(Dataset(out))
