"""`pgen repair` after lerobot's own tools: the labels are those of the annotations again."""

import json
import shutil

import pytest
from click.testing import CliRunner
from exchange_helpers import exchange_table, with_exchanges
from sink_helpers import TASKS, annotate, change, column, dataset, results, set_cell, shards, snapshot, texts

from pgen.cli import cli
from pgen.errors import InputError
from pgen.records import SCOPES, Dialogue
from pgen_lerobot.format import COLUMN, COUNTERFACTUALS, EXCHANGES
from pgen_lerobot.read import LeRobotSource
from pgen_lerobot.repair import repair
from pgen_lerobot.verify import verify

pytestmark = pytest.mark.needs("lerobot")


@pytest.fixture(scope="module")
def tools():
    from lerobot.datasets import dataset_tools
    from lerobot.datasets.lerobot_dataset import LeRobotDataset

    def opened(root):
        return LeRobotDataset(f"me/{root.name}", root=root, video_backend="pyav")

    dataset_tools.opened = opened
    return dataset_tools


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made")
    return annotate(dataset(folder / "in", codec="png"), folder / "out")


@pytest.fixture
def root(made, tmp_path):
    return shutil.copytree(made, tmp_path / "out")


def said(root):
    """What each frame's label says, by episode."""
    rows = texts(root)
    known = zip(column(root, "episode_index"), column(root), strict=True)
    found = {}
    for episode, label in known:
        found.setdefault(episode, []).append(rows[label])
    return found


def sound(root):
    problems = [str(problem) for problem in verify(root, with_lerobot=False).problems]
    assert problems == []


def other(folder):
    """The same spans in recordings of their own, and other words."""

    def answer(sample):
        return Dialogue(
            f"Now {sample.span.skill}, {sample.moment.frame_index}", "Fine.", "negative_task", "confirmation"
        )

    source = dataset(folder / "in2")
    import pyarrow.parquet as pq

    for path in shards(source):
        table = pq.read_table(path)
        for row in range(0, len(table), 5):
            table = set_cell(table, "action", row, [-1.0, float(row)])
        pq.write_table(table, path)
    return annotate(source, folder / "out2", results(source, answer))


def test_after_delete_episodes(tools, root, tmp_path):
    before = said(root)
    tools.delete_episodes(tools.opened(root), [1], output_dir=tmp_path / "fewer", repo_id="me/fewer")
    assert not verify(tmp_path / "fewer", with_lerobot=False).ok
    done = repair(tmp_path / "fewer", [root])
    assert (done.annotated, done.episodes) == (2, 3)
    sound(tmp_path / "fewer")
    assert list(said(tmp_path / "fewer").values()) == [before[0], before[2], before[3]]


def test_after_split_dataset(tools, root, tmp_path):
    before = said(root)
    tools.split_dataset(tools.opened(root), {"train": [0, 2], "val": [1, 3]}, output_dir=tmp_path / "parts")
    for name, episodes in (("train", (0, 2)), ("val", (1, 3))):
        repair(tmp_path / "parts" / name, [root])
        sound(tmp_path / "parts" / name)
        assert list(said(tmp_path / "parts" / name).values()) == [before[episode] for episode in episodes]


def test_after_merge_datasets_each_episode_has_its_own_words_in_whatever_order_the_originals_are_named(
    tools, root, tmp_path
):
    more = other(tmp_path)
    before = [*said(root).values(), *said(more).values()]
    tools.merge_datasets([tools.opened(root), tools.opened(more)], "me/both", output_dir=tmp_path / "both")
    assert list(said_or_dangling(tmp_path / "both").values()) != before
    repair(tmp_path / "both", [more, root])
    sound(tmp_path / "both")
    assert list(said(tmp_path / "both").values()) == before


def said_or_dangling(root):
    rows = texts(root)
    known = zip(column(root, "episode_index"), column(root), strict=True)
    found = {}
    for episode, label in known:
        found.setdefault(episode, []).append(rows[label] if label < len(rows) else None)
    return found


def test_after_modify_tasks_the_dataset_repairs_itself(tools, root):
    before = said(root)
    tools.modify_tasks(tools.opened(root), task_replacements={TASKS[0]: "put the RED brick away"})
    assert not verify(root, with_lerobot=False).ok
    done = CliRunner().invoke(cli, ["repair", str(root)])
    assert done.exit_code == 0, done.output
    assert "repaired" in done.output
    sound(root)
    renamed = {TASKS[0]: "put the RED brick away"}
    assert said(root) == {e: [renamed.get(text, text) for text in rows] for e, rows in before.items()}


def test_after_modify_tasks_where_the_task_was_the_skill(tools, tmp_path):
    source = dataset(tmp_path / "in")
    out = annotate(source, tmp_path / "out", results(source, skills="task"))
    tools.modify_tasks(tools.opened(out), new_task="put it away")
    repair(out)
    sound(out)


def test_lerobot_opens_what_was_repaired(tools, root, tmp_path):
    tools.delete_episodes(tools.opened(root), [0], output_dir=tmp_path / "fewer", repo_id="me/fewer")
    repair(tmp_path / "fewer", [root])
    assert verify(tmp_path / "fewer").problems == []


def test_a_sound_dataset_stays_as_it_is_but_for_its_manifest(root):
    labels, lines = column(root), (root / "meta/syn_annotations.jsonl").read_text()
    repair(root)
    sound(root)
    assert column(root) == labels
    assert (root / "meta/syn_annotations.jsonl").read_text() == lines
    assert json.loads((root / "meta/pgen/manifest.json").read_text())["made_from"][0]["labels"]["column"] == COLUMN


def test_without_the_originals_it_says_what_it_needs(tools, root, tmp_path):
    tools.delete_episodes(tools.opened(root), [1], output_dir=tmp_path / "fewer", repo_id="me/fewer")
    before = snapshot(tmp_path / "fewer")
    with pytest.raises(InputError, match="name those it was made from with --from DIR"):
        repair(tmp_path / "fewer")
    assert snapshot(tmp_path / "fewer") == before


def test_an_episode_of_no_original_is_refused(tools, root, tmp_path):
    more = other(tmp_path)
    with pytest.raises(InputError, match="episode 0 is in none of the originals"):
        repair(root, [more])
    sound(root)
    assert not (tmp_path / ".out.pgen").exists()


def test_an_episode_that_could_be_either_of_two_is_refused(made, root, tmp_path):
    def answer(sample):
        return Dialogue(f"Otherwise {sample.moment.frame_index}", "Yes.", None, None)

    twin = annotate(tmp_path / "again", tmp_path / "twin", results(dataset(tmp_path / "again"), answer))
    with pytest.raises(InputError, match="the same recording as several episodes of the originals"):
        repair(root, [made, twin])
    repair(root, [made, shutil.copytree(made, tmp_path / "copy")])
    sound(root)


def test_a_folder_that_is_not_there_is_named_as_such(tmp_path):
    with pytest.raises(InputError, match=r"there is no dataset at .*nowhere: the folder does not exist"):
        repair(tmp_path / "nowhere")


def exchanges_of(root):
    """The exchanges and counterfactuals of each episode, without numbers that depend on the dataset."""
    prompts, episodes = texts(root), {}
    for row in exchange_table(root):
        cells = {key: cell for key, cell in row.items() if key not in ("episode_index", "task_index")}
        episodes.setdefault(row["episode_index"], []).append(cells | {"text": prompts[row["task_index"]]})
    for text in (root / COUNTERFACTUALS).read_text().splitlines():
        line = json.loads(text)
        kept = {key: cell for key, cell in line.items() if key not in ("episode_index", "images")}
        episodes.setdefault(line["episode_index"], []).append(kept)
    return episodes


@pytest.fixture(scope="module")
def talkative(tmp_path_factory):
    folder = tmp_path_factory.mktemp("talkative")
    return with_exchanges(dataset(folder / "in", codec="png"), folder / "out", run={"speech": "once", "silence": 0.3})


def test_a_repair_keeps_exchanges_counterfactuals_and_the_labelling(talkative, tmp_path):
    root = shutil.copytree(talkative, tmp_path / "out")
    before, labels = exchanges_of(root), column(root)
    tables = [(root / name).read_bytes() for name in (EXCHANGES, COUNTERFACTUALS)]
    change(shards(root)[0], lambda table: set_cell(table, COLUMN, 5, 0))
    (root / EXCHANGES).unlink()
    repair(root)
    sound(root)
    assert (column(root), exchanges_of(root)) == (labels, before)
    assert [(root / name).read_bytes() for name in (EXCHANGES, COUNTERFACTUALS)] == tables
    counts = json.loads((root / "meta/pgen/manifest.json").read_text())["counts"]
    lines = [json.loads(line) for line in (root / "meta/syn_annotations.jsonl").read_text().splitlines()]
    assert counts["scopes"] == {scope: sum(it["scope"] == scope for it in lines) for scope in sorted(SCOPES)}
    assert counts["samples"] == counts["answered"] == len(lines)
    assert counts["counterfactuals"] == {"other": 5, "wait": 5}


def test_episodes_that_were_renumbered_keep_their_exchanges_and_counterfactuals(tools, talkative, tmp_path):
    before = exchanges_of(talkative)
    tools.delete_episodes(tools.opened(talkative), [0], output_dir=tmp_path / "fewer", repo_id="me/fewer")
    repair(tmp_path / "fewer", [talkative])
    sound(tmp_path / "fewer")
    assert exchanges_of(tmp_path / "fewer") == {0: before[1], 2: before[3]}


def test_merged_episodes_keep_the_exchanges_and_counterfactuals_of_their_originals(tools, talkative, root, tmp_path):
    more = other(tmp_path)
    tools.merge_datasets([tools.opened(more), tools.opened(talkative)], "me/both", output_dir=tmp_path / "both")
    repair(tmp_path / "both", [talkative, more])
    sound(tmp_path / "both")
    merged, before = exchanges_of(tmp_path / "both"), exchanges_of(talkative)
    assert {index: merged[index + 4] for index in before} == before
    assert {row["scope"] for index in (0, 1, 3) for row in merged[index]} == {"step"}
    images = [json.loads(line)["images"] for line in (tmp_path / "both" / COUNTERFACTUALS).read_text().splitlines()]
    source = LeRobotSource(root=tmp_path / "both", skills="task")
    source.open()
    episode = next(it for it in source.episodes() if it.index == 4)
    assert images[0] == list(source.image_names(episode, 0))
