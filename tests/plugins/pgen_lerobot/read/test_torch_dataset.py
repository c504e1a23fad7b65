"""`pgen.LeRobotDialogueDataset`: what each item says, and what is drawn at each access."""

import json
import os
import random
import sys
from collections import Counter
from pathlib import Path

import pytest
from exchange_helpers import with_exchanges
from forked import run_lerobot
from form_helpers import lerobot_or_skip
from old_layout import ONE_A_FILE, as_v21
from sink_helpers import FPS, LENGTHS, TASKS, annotate, dataset

import pgen
from pgen.errors import ConfigError
from pgen_lerobot.format import EXCHANGES

READ = Path(__file__).parents[3] / "support" / "read_dialogue_with_lerobot.py"
KEYS = ("user_prompt", "robot_utterance", "skill", "scope", "scenario_type", "response_type")
TYPES = ("specific_object", "confirmation")

pytestmark = pytest.mark.filterwarnings("ignore")  # lerobot's and torch's own


@pytest.fixture
def opened(tmp_path, monkeypatch):
    """Open a dataset with the lerobot of this environment."""
    lerobot_or_skip(tmp_path, monkeypatch)

    def open_dataset(root, **options):
        return pgen.LeRobotDialogueDataset("local/x", root=root, video_backend="pyav", **options)

    return open_dataset


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made")
    return with_exchanges(dataset(folder / "in", cameras=()), folder / "out")


def fields(item):
    return tuple(item[key] for key in KEYS)


def test_an_item_has_the_skill_of_its_frame_and_the_scope_and_types_of_its_dialogue(opened, out):
    items, dialogues = opened(out), pgen.open(out)
    for row in range(len(items)):
        expected = dialogues[row]
        assert fields(items[row]) == tuple(getattr(expected, key) or "" for key in KEYS)
    assert {items[row]["skill"] for row in range(LENGTHS[0])} == {"reach", "grasp"}
    assert {items[row]["scope"] for row in range(len(items))} >= {"step", "episode", ""}
    assert fields(items[LENGTHS[0] + LENGTHS[1]]) == (TASKS[0], "", "", "", "", "")


def test_the_skill_is_that_of_the_frame_and_not_that_for_which_the_dialogue_was_written(opened, tmp_path):
    out = with_exchanges(dataset(tmp_path / "in", cameras=()), tmp_path / "out", run={"scopes": {"episode": 1}})
    items = opened(out)
    said = [(items[row]["scope"], items[row]["skill"]) for row in range(LENGTHS[0])]
    assert said == [("episode", "reach")] * 5 + [("episode", "grasp")] * 7


def test_each_access_draws_among_the_exchanges_in_force(opened, out):
    items, dialogues = opened(out, draw=True), pgen.open(out)
    random.seed(3)
    drawn = Counter(items[6]["user_prompt"] for _ in range(300))
    assert set(drawn) == {dialogue.user_prompt for dialogue in dialogues.in_force(0, 6)}
    assert len(drawn) == 5
    by_scope = Counter({"step": 0})
    for prompt, number in drawn.items():
        by_scope[prompt.split()[0]] += number
    for scope, weight in {"step": 4, "phase": 3, "episode": 2, "standing": 1}.items():
        assert abs(by_scope[scope] / 300 - weight / 10) < 0.1


def test_draws_are_those_of_the_seed(opened, out):
    items = opened(out, draw=True)

    def drawn(seed):
        random.seed(seed)
        return [fields(items[row]) for row in range(len(items))]

    assert drawn(1) == drawn(1)
    assert drawn(1) != drawn(2)


def test_a_scope_without_weight_is_drawn_only_where_nothing_else_is_in_force(opened, out):
    items = opened(out, draw=True, scopes={"standing": 1})
    assert {items[row]["scope"] for row in range(LENGTHS[0])} == {"standing"}
    items = opened(out, draw=True, scopes={})
    assert {items[3]["scope"] for _ in range(100)} == {"episode", "phase", "step", "standing"}


def test_frames_outside_every_span_have_their_task_whatever_is_drawn(opened, out):
    items = opened(out, draw=True)
    gap = LENGTHS[0] + 4  # between the spans of episode 1, where its opening is in force
    assert pgen.open(out).in_force(1, 4) == []
    assert {fields(items[gap]) for _ in range(20)} == {(TASKS[1], "", "", "", "", "")}


def test_spoken_once_an_utterance_is_over_after_a_second(opened, out):
    items = opened(out, draw=True, scopes={"episode": 1}, speech="once")
    said = [items[row]["robot_utterance"] for row in range(LENGTHS[0])]
    assert said == ["Sure, episode."] * FPS + [""] * (LENGTHS[0] - FPS)
    held = opened(out, draw=True, scopes={"episode": 1}, speech="hold")
    assert {held[row]["robot_utterance"] for row in range(LENGTHS[0])} == {"Sure, episode."}


@pytest.mark.parametrize("draw", [False, True])
def test_speech_is_by_default_as_the_dataset_was_annotated(opened, tmp_path, draw):
    run = {"speech": "once", "scopes": {"episode": 1}}
    out = with_exchanges(dataset(tmp_path / "in", cameras=()), tmp_path / "out", run=run)
    spoken = ["Sure, episode."] * FPS + [""] * (LENGTHS[0] - FPS)
    items = opened(out, draw=draw, scopes={"episode": 1})
    assert [items[row]["robot_utterance"] for row in range(LENGTHS[0])] == spoken
    assert {items[row]["scope"] for row in range(LENGTHS[0])} == {"episode"}
    items = opened(out, draw=draw, scopes={"episode": 1}, speech="hold")
    assert {items[row]["robot_utterance"] for row in range(LENGTHS[0])} == {"Sure, episode."}


def test_the_weights_are_by_default_those_of_the_run(opened, tmp_path):
    run = {"scopes": {"episode": 1}}
    out = with_exchanges(dataset(tmp_path / "in", cameras=()), tmp_path / "out", run=run)
    items = opened(out, draw=True)
    assert {items[row]["scope"] for row in range(LENGTHS[0])} == {"episode"}


def test_a_share_of_the_accesses_gives_a_counterfactual_at_its_own_frame(opened, out):
    items = opened(out, counterfactuals=0.5)
    random.seed(0)
    found = [items[row % len(items)] for row in range(400)]
    others = [item for item in found if item["scope"] == "counterfactual"]
    assert 0.4 < len(others) / len(found) < 0.6
    assert {fields(item)[2:] for item in others} == {
        ("fly away", "counterfactual", "", ""),
        ("", "counterfactual", "", ""),
    }
    for item in others:
        kind, _, _, frame, _, episode = item["user_prompt"].split()
        assert (int(item["frame_index"]), int(item["episode_index"])) == (int(frame), int(episode[3:]))
        assert item["robot_utterance"] == f"Sure, {kind}."


def test_counterfactuals_of_the_chosen_episodes_alone_are_given(opened, out):
    items = opened(out, episodes=[3], counterfactuals=1.0)
    assert {int(items[0]["episode_index"]) for _ in range(20)} == {3}
    with pytest.raises(ConfigError, match=r"counterfactuals.jsonl has none of these episodes; annotate with"):
        opened(out, episodes=[2], counterfactuals=1.0)


@pytest.mark.parametrize("share", [-0.1, 1.5])
def test_a_share_is_between_0_and_1(opened, out, share):
    with pytest.raises(ConfigError, match="it is a share, from 0 to 1"):
        opened(out, counterfactuals=share)


def test_a_dataset_without_counterfactuals_has_none_to_give(opened, tmp_path):
    out = annotate(dataset(tmp_path / "in", cameras=()), tmp_path / "out")
    with pytest.raises(ConfigError, match="annotate with --counterfactuals SHARE"):
        opened(out, counterfactuals=0.1)


def test_workers_of_a_loader_give_the_same_and_draw_from_seeds_of_their_own(opened, out):
    import torch
    from torch.utils.data import DataLoader

    def batches(items):
        torch.manual_seed(5)
        loader = DataLoader(items, batch_size=4, num_workers=2)
        return [
            fields(dict(zip(KEYS, row, strict=True))) for b in loader for row in zip(*(b[k] for k in KEYS), strict=True)
        ]

    plain = opened(out)
    assert batches(plain) == [fields(plain[row]) for row in range(len(plain))]
    drawn = opened(out, draw=True)
    first = batches(drawn)
    assert first == batches(drawn)
    assert first != batches(plain)


def test_a_dataset_that_lost_its_table_gives_what_labels_its_frames(opened, tmp_path):
    out = with_exchanges(dataset(tmp_path / "in", cameras=()), tmp_path / "out")
    before = [pgen.open(out)[row] for row in range(LENGTHS[0])]
    (out / EXCHANGES).unlink()
    items = opened(out, draw=True)
    said = [(items[row]["user_prompt"], items[row]["skill"], items[row]["scope"]) for row in range(LENGTHS[0])]
    assert said == [(it.user_prompt, it.skill, "") for it in before]


@pytest.mark.parametrize("version", ["0.4.4", "0.3.3"])
def test_former_lerobots_give_the_same_items(tmp_path, version):
    name = f"PGEN_LEROBOT{version.replace('.', '')}_PYTHON"
    python = os.environ.get(name, "")
    if not Path(python).is_file():
        reason = f"no lerobot {version}: {name} is {python!r}, which is no Python; `make test` makes one"
        pytest.fail(reason) if os.environ.get("CI") == "true" else pytest.skip(reason)
    root = dataset(tmp_path / "in", **(ONE_A_FILE if version == "0.3.3" else {}))
    out = with_exchanges(as_v21(root) if version == "0.3.3" else root, tmp_path / "out")
    environment = os.environ | {"HF_HOME": str(tmp_path / "hf"), "HF_HUB_OFFLINE": "1", "PYTHONPATH": ""}
    command = [python, "-W", "ignore", READ, out, *filter(None, sys.path)]
    done = run_lerobot(command, environment)
    assert done.returncode == 0, done.stderr[-3000:]
    seen = json.loads(done.stdout.splitlines()[-1])
    assert seen["lerobot"] == version
    dialogues = pgen.open(out)
    assert seen["items"] == [[getattr(it, key) or "" for key in KEYS] for it in dialogues]
    first = ["episode 0 at 0 of ep_0", "Sure, episode.", "reach", "episode", *TYPES]
    assert seen["drawn"][0] == first
    assert seen["drawn"][11] == [first[0], "", "grasp", *first[3:]]
    assert seen["counterfactual"][3] == "counterfactual"
