"""The benchmark of a run's value to a policy tests prompts where they can be held, and rewards useful dialogue."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

TOP = Path(__file__).parents[2]
sys.path.insert(0, str(TOP / "benchmarks"))

from value_runs import CUP, JAR, LENGTH, a_run  # noqa: E402

import value  # noqa: E402
from common.value_draws import WAIT, Row, draws_of  # noqa: E402
from common.value_prompts import FOLDER, SETS, Placements, Prompt, read_prompts  # noqa: E402
from common.value_run import read_run  # noqa: E402
from common.value_training import drawn, is_held_out, placed, shuffled  # noqa: E402
from pgen.errors import InputError  # noqa: E402

CHOICE = Prompt("table", "choice", "the glass one", "move above the jar")


@pytest.fixture(scope="module")
def groceries(tmp_path_factory):
    from common.groceries import write_groceries
    from pgen import annotate
    from pgen_dialogue.prompts.hi_robot import HiRobotPrompt

    place = tmp_path_factory.mktemp("value")
    source = write_groceries(place / "groceries", 3, retry=())
    annotate(source, place / "out", generator="template", prompt=HiRobotPrompt(counterfactuals=0.5))
    return place / "out"


@pytest.fixture(scope="module")
def groceries_run(groceries):
    return read_run(groceries, groceries)


def held(run, prompt):
    """Return the episode, the span, the position in it and the right skills of each test."""
    tests = Placements(run, [CHOICE, prompt]).of(prompt)
    listed = [(run.frames[test.frame], test.right) for test in tests]
    return [(frame.episode, frame.span, frame.number % LENGTH, set(right)) for frame, right in listed]


def scores(run, prompts, seed=0):
    trial = value.Trial(run, prompts)
    return {
        name: {key: float(np.mean(listed)) for key, listed in trial.scores(rows).items()}
        for name, rows in value.conditions(run, 0.2, seed, trial.known)
    }


def test_every_third_episode_is_held_out():
    run = a_run()
    assert [episode for episode in run.spans if is_held_out(run, episode)] == [2, 5, 8]


def test_a_prompt_for_a_step_is_held_during_the_skill():
    tests = held(a_run(3), Prompt("table", "step", "up with the cup", "lift the cup"))
    assert tests == [(2, 4, number, {"lift the cup"}) for number in range(LENGTH)]


def test_a_choice_is_tested_at_decision_points_where_the_object_is_left():
    assert held(a_run(3), CHOICE) == [(2, 0, 0, {"move above the jar"})]
    cup = replace(CHOICE, skill="move above the cup")
    # At the second turn only the cup is left: there is nothing to choose.
    assert held(a_run(3), cup) == [(2, 0, 0, {"move above the cup"})]


def test_steering_is_tested_while_the_robot_turns_to_another_object():
    tests = held(a_run(3), Prompt("table", "steer", "no, the cup", "move above the cup"))
    assert tests == [(2, 0, number, {"move above the cup"}) for number in range(1, LENGTH)]


def test_nothing_is_right_after_stop_but_to_wait():
    tests = held(a_run(3), Prompt("table", "stop", "stop"))
    assert len(tests) == 6
    assert all(right == {WAIT} for *_, right in tests)


def test_a_whole_task_without_an_order_leaves_the_choice_open():
    tests = held(a_run(3), Prompt("table", "whole", "clear this"))
    right = {span: right for _, span, number, right in tests if number == 0}
    assert right[0] == {"move above the jar", "move above the cup"}
    assert right[3] == {"move above the cup"}
    assert right[1] == {"lift the jar"}


def test_a_whole_task_is_tested_until_the_demonstration_departs_from_its_order():
    run = a_run(6)
    jar = held(run, Prompt("table", "whole", "the jar, then the rest", order=("jar",)))
    cup = held(run, Prompt("table", "whole", "the cup, then the rest", order=("cup",)))
    assert ({episode for episode, *_ in jar}, {episode for episode, *_ in cup}) == ({2}, {5})
    assert (2, 0, 0, {"move above the jar"}) in jar


def test_a_constraint_is_tested_some_skills_later_where_it_can_be_violated():
    run = a_run(3)
    assert held(run, Prompt("table", "standing", "leave the cup", excludes="cup")) == []
    run.spans[2][:] = [*CUP, *JAR, *("move above the tin", "lift the tin")]
    skills = dict(enumerate(run.spans[2]))
    run.frames[:] = [replace(f, skill=skills[f.span]) if f.episode == 2 else f for f in run.frames]
    tests = held(run, Prompt("table", "standing", "leave the jar", excludes="jar"))
    assert tests == [(2, 3, 0, {"move above the tin"})]


def test_useful_dialogue_is_worth_more_than_task_names_and_shuffled_dialogue():
    prompts = [replace(CHOICE, user_prompt="the jar please"), Prompt("table", "choice", "please the cup", CUP[0])]
    table = scores(a_run(), prompts)
    assert table["exchanges"]["choice"] > 0.8 > table["task names"]["choice"]
    # A shuffle may be right by chance: two prompts have four outcomes.
    assert np.mean([scores(a_run(), prompts, seed)["shuffled"]["choice"] for seed in range(8)]) < 0.8
    assert set(table) == {"task names", "shuffled", "exchanges", "the test prompts"}


def test_a_policy_learns_to_stop_from_counterfactuals_alone():
    others = [Row(frame.episode, frame.number, "stop it", WAIT) for frame in a_run().frames[::7]]
    table = scores(a_run(others=others), [CHOICE, Prompt("table", "stop", "stop it")])
    assert table["exchanges"]["stop"] == 0.0
    assert table["with counterfactuals"]["stop"] > 0.8


def test_a_policy_learns_the_authors_prompts_and_nothing_from_shuffled_ones(groceries_run):
    run = groceries_run
    trial = value.Trial(run, value.prompts_of(run, "groceries", read_prompts(sorted(FOLDER.glob("*.jsonl")))))
    rows = drawn(run, placed(run, trial.known), 0.0, "authors")
    means = [
        {key: np.mean(listed) for key, listed in trial.scores(each).items()} for each in (rows, shuffled(rows, "0"))
    ]
    for kind in ("step", "choice"):
        assert means[0][kind] > means[1][kind] + 0.3


def test_settings_are_chosen_by_the_training_episodes_alone():
    run = a_run()
    held_out = [i for i, frame in enumerate(run.frames) if is_held_out(run, frame.episode)]
    noise = run.images.copy()
    noise[held_out] = 9.0
    settings = []
    for images, prompts in ((run.images, [CHOICE]), (noise, [replace(CHOICE, user_prompt="x")])):
        trial = value.Trial(replace(run, images=images), prompts)
        settings.append(trial.policy(drawn(run, run.draws, 0.0, "0")).settings)
    assert settings[0] == settings[1]


def test_epochs_draw_other_exchanges_and_the_same_ones_each_time():
    run = a_run()
    rows = drawn(run, run.draws, 0.0, "seed")
    assert rows == drawn(run, run.draws, 0.0, "seed")
    by_place = {}
    for row in rows:
        by_place.setdefault(row.place, set()).add(row.user_prompt)
    assert max(map(len, by_place.values())) == 2


@pytest.mark.filterwarnings("ignore")
def test_draws_of_the_torch_dataset_are_those_without_lerobot(groceries, groceries_run):
    pytest.importorskip("lerobot")
    places = [frame.place for frame in groceries_run.frames if frame.episode < 2]
    through, without = draws_of(groceries), draws_of(groceries, torch=False)
    assert type(through) is not type(without)
    rows = through.epoch(places, 0.2, "seed")
    assert rows == without.epoch(places, 0.2, "seed")
    assert {row.skill for row in rows} >= {None, WAIT}
    assert through.epoch(places, 0.0, "seed") == without.epoch(places, 0.0, "seed")


def test_the_table_is_the_same_each_time():
    prompts = [CHOICE, Prompt("table", "stop", "stop")]
    tables = [list(value.table(a_run(), prompts, 0.2, seed=1)) for _ in range(2)]
    assert tables[0] == tables[1]
    assert tables[0][0] == "table: 6 episodes, tested on 3 others; 0 counterfactuals"
    assert tables[0][1].split()[:2] == ["trained", "on"]


def test_prompts_that_cannot_be_held_are_counted():
    unknown = Prompt("table", "step", "do a dance", "dance")
    lines = list(value.table(a_run(), [CHOICE, unknown], 0.2, seed=0))
    assert lines[1] == "1 prompts lead to no choice in the held-out episodes, and are left out"


def test_the_interval_covers_the_mean():
    low, high = value.interval([0.0, 1.0] * 20, seed=0)
    assert low < 0.5 < high
    assert high - low < 0.4


def test_prompts_of_other_datasets_are_left_out():
    other = Prompt("shed", "step", "turn the key", "turn the key")
    assert value.prompts_of(a_run(), "", [CHOICE, other]) == [CHOICE]
    assert value.prompts_of(a_run(), "shed", [CHOICE, other]) == [other]


def test_there_are_prompts_of_several_authors_for_every_set():
    by_author = {file.stem: read_prompts([file]) for file in sorted(FOLDER.glob("*.jsonl"))}
    for author in ("author_a", "author_b"):
        assert {prompt.set for prompt in by_author[author]} == set(SETS)
    assert sum(map(len, by_author.values())) >= 150
    datasets = {prompt.dataset for prompts in by_author.values() for prompt in prompts}
    assert datasets == {"groceries", "stack", "pickplace", "drawer"}


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ({"dataset": "a", "set": "step"}, "needs `dataset`, `set` and `user_prompt`"),
        ({"dataset": "a", "set": "step", "user_prompt": "up"}, "needs `skill` or `excludes`"),
    ],
)
def test_an_incomplete_prompt_is_refused(tmp_path, line, reason):
    path = tmp_path / "prompts.jsonl"
    path.write_text(json.dumps(line) + "\n")
    with pytest.raises(InputError, match=rf"prompts\.jsonl, line 1.*{reason}"):
        read_prompts([path])


def test_a_run_is_read_with_the_images_and_the_prompts_of_its_frames(groceries_run):
    run = groceries_run
    assert len(run.images) == len(run.frames)
    assert len(run.spans[0]) == 33
    assert [frame.span for frame in run.frames if frame.first and frame.episode == 0] == list(range(33))
    assert {row.place for row in run.draws.counterfactuals} <= set(run.positions)
    assert run.images.std(axis=0).max() > 0.05


def test_further_prompts_and_a_run_of_the_former_form_come_from_the_command_line(
    groceries, tmp_path, monkeypatch, capsys
):
    path = tmp_path / "mine.jsonl"
    line = {"dataset": "groceries", "set": "mine", "skill": "open the gripper", "user_prompt": "drop it"}
    path.write_text(json.dumps(line) + "\n")
    options = ["--prompts", str(path), "--former", str(groceries), str(groceries)]
    monkeypatch.setattr(sys, "argv", ["value.py", *options])
    value.main()
    first, *rest = capsys.readouterr().out.splitlines()
    assert first.startswith("out: 2 episodes, tested on 1 others; ")
    assert next(row for row in rest if row.startswith("trained on")).split()[-2:] == ["mine", "(1)"]
    assert any(row.startswith("one line per second ") for row in rest)
