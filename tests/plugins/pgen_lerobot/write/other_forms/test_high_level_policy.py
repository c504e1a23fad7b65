"""The main route for stock LeRobot: each frame trains "user prompt, next skill" by the recipes of its policies."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from exchange_helpers import results_with_exchanges
from form_helpers import lerobot_or_skip, opened, read_recipe, written
from sink_helpers import FPS, change, column, results, set_cell, shards, texts

from pgen.components import Results
from pgen.errors import InputError
from pgen.labels import frame_ranges
from pgen_lerobot.format import TASK_ROWS, Dataset, read_task_rows
from pgen_lerobot.read import LeRobotSource
from pgen_lerobot.read.frame_dialogues import Dialogues
from pgen_lerobot.verify import verify
from pgen_lerobot.write.other_forms import HighLevelPolicySink, LanguageColumnsSink, TaskOverrideSink

pytestmark = pytest.mark.filterwarnings("ignore")  # lerobot's and torch's own

QUESTION = "${task}\nWhich action comes next? Answer in words."
JOINT = {
    "messages": [
        {"role": "user", "content": QUESTION, "stream": "low_level"},
        {
            "role": "assistant",
            "content": "${subtask}",
            "stream": "low_level",
            "target": True,
            "if_present": "subtask",
        },
    ]
}
"""As EO-1 and WALL-X: one sequence of the task, a fixed question, and the subtask as the target."""
NEXT_SKILL = {
    "messages": [
        {"role": "user", "content": "${task}", "stream": "high_level"},
        {
            "role": "assistant",
            "content": "${subtask}",
            "stream": "high_level",
            "target": True,
            "if_present": "subtask",
        },
    ]
}
MEMORY = {
    "bindings": {
        "prior_memory": "nth_prev(style=memory, offset=1)",
        "current_memory": "active_at(t, style=memory)",
        "completed_subtask": "nth_prev(style=subtask, offset=1)",
    },
    "messages": [
        {"role": "user", "content": "${task}", "stream": "high_level"},
        {"role": "assistant", "content": "${prior_memory}", "stream": "high_level", "if_present": "prior_memory"},
        {"role": "user", "content": "${completed_subtask}", "stream": "high_level", "if_present": "completed_subtask"},
        {
            "role": "assistant",
            "content": "${current_memory}",
            "stream": "high_level",
            "target": True,
            "if_present": "current_memory",
        },
    ],
}
"""As PI052: the subtask from the task, and a share that trains the memory."""


@pytest.fixture(autouse=True)
def _lerobot(tmp_path, monkeypatch):
    lerobot_or_skip(tmp_path, monkeypatch)


def exchanges(root: Path, **labelling: Any) -> Results:
    return results_with_exchanges(root, run=labelling)


@pytest.fixture(params=["steps", "scopes", "silence", "once"])
def out(request, root, tmp_path):
    """Return outputs with gaps, failed samples, an episode of no skill, exchanges of all scopes, and silence."""
    runs = {
        "steps": results,
        "scopes": exchanges,
        "silence": lambda root: exchanges(root, silence=0.7),
        "once": lambda root: exchanges(root, speech="once"),
    }
    return written(root, tmp_path / "out", HighLevelPolicySink(), run=runs[request.param](root))


def rendered(root: Path, recipe: Any) -> list[Any]:
    """Return the messages that lerobot's renderer makes of each item, at the second that the data say, or None."""
    from lerobot.datasets.language_render import render_sample

    items = opened(root)
    rendered = (
        render_sample(
            recipe=recipe,
            persistent=items[row]["language_persistent"],
            events=items[row]["language_events"],
            t=time,
            sample_idx=row,
            task=items[row]["task"],
        )
        for row, time in enumerate(column(root, "timestamp"))
    )
    # lerobot 0.7 renders a frame without a target too, where its actions are trained, and names the messages otherwise.
    return [
        it.get("messages_rendered") or it["messages"] if it and it["target_message_indices"] else None
        for it in rendered
    ]


def skills_of(root: Path) -> list[str | None]:
    """Return the skill of each frame of the dataset; None in gaps."""
    source = LeRobotSource(root=root)
    source.open()
    skills: list[str | None] = []
    for episode in source.episodes():
        names: list[str | None] = [None] * len(episode.timestamps)
        for skill, frames in zip(episode.skills, frame_ranges(episode), strict=True):
            names[frames.start : frames.stop] = [skill.name] * len(frames)
        skills += names
    return skills


@pytest.mark.parametrize(("recipe", "user"), [(JOINT, QUESTION), (NEXT_SKILL, "${task}")], ids=["EO-1", "PI052"])
def test_every_frame_trains_its_user_prompt_to_its_skill(out, recipe, user):
    dialogues = Dialogues(out)
    targets = 0
    for row, (told, skill) in enumerate(zip(rendered(out, read_recipe(recipe)), skills_of(out), strict=True)):
        if skill is None:
            assert told is None, row
            continue
        prompt, target = told
        assert prompt["content"] == user.replace("${task}", dialogues[row].user_prompt)
        assert target == {"role": "assistant", "content": skill}
        targets += 1
    assert targets == sum(skill is not None for skill in skills_of(out)) > 0


def test_a_trained_memory_is_what_was_done_and_nothing_that_a_user_said(out):
    prompts = {row.user_prompt for row in read_task_rows(out / TASK_ROWS).values()} - {None}
    trained = [messages for messages in rendered(out, read_recipe(MEMORY)) if messages]
    assert {messages[-1]["content"] for messages in trained} == {"Done so far: reach."}
    assert not any(message["content"] in prompts for messages in trained for message in messages[1:])


@pytest.mark.parametrize("recipe", [JOINT, NEXT_SKILL, "docs"])
def test_only_the_task_is_bound_before_a_target(recipe):
    """At rollout the turns before the target are rendered, with nothing but the user's words as the task."""
    read = read_recipe(recipe)
    for part in read.blend.values() if read.blend else [read]:
        before = part.messages[: next(i for i, turn in enumerate(part.messages) if turn.target)]
        assert {name for turn in before for name in part._referenced_bindings(turn)} == {"task"}


def test_the_recipe_of_the_docs_trains_the_skill_and_the_utterance_apart(out):
    blend = read_recipe("docs").blend
    dialogues, skills = Dialogues(out), skills_of(out)
    spoken = {row for row, events in enumerate(column(out, "language_events")) if events}
    for row, told in enumerate(rendered(out, blend["next_skill"])):
        target = told[1] if told else None
        assert target == (skills[row] and {"role": "assistant", "content": skills[row]})
    for row, told in enumerate(rendered(out, blend["speech"])):
        assert bool(told) == (row in spoken)
        if told:
            user, robot = told
            assert user["content"] == dialogues[row].user_prompt
            assert "content" not in robot
            assert robot["tool_calls"][0]["function"]["arguments"]["text"] == dialogues[row].robot_utterance


def test_a_label_begins_on_its_first_frame_where_timestamps_are_doubles_too(root, tmp_path):
    def doubled(table):
        times = [frame / FPS for frame in table.column("frame_index").to_pylist()]
        place = table.column_names.index("timestamp")
        return table.set_column(place, pa.field("timestamp", pa.float64()), pa.array(times, pa.float64()))

    change(shards(root)[0], doubled)
    path = root / "meta/info.json"
    path.write_text(path.read_text().replace('"dtype": "float32"', '"dtype": "float64"', 1))
    out = written(root, tmp_path / "out", HighLevelPolicySink())
    targets = [told[1]["content"] if told else None for told in rendered(out, read_recipe(NEXT_SKILL))]
    assert targets == skills_of(out)


def test_the_recipe_is_dense_on_a_real_dataset(tmp_path, shared_datasets):
    root = shared_datasets / "sim_pickplace_so101_v30_images"
    out = written(root, tmp_path / "out", HighLevelPolicySink(), run=results(root))
    frames = rendered(out, read_recipe("docs").blend["next_skill"])
    assert sum(bool(told) for told in frames) >= 0.95 * len(frames)


def test_it_writes_what_the_two_sinks_write_and_verify_checks_both(root, tmp_path):
    out = written(root, tmp_path / "out", HighLevelPolicySink())
    both = written(root, tmp_path / "both", LanguageColumnsSink(), TaskOverrideSink(text="prompt"))
    assert {name: column(out, name) for name in Dataset(out).features if "images" not in name} == {
        name: column(both, name) for name in Dataset(both).features if "images" not in name
    }
    assert texts(out) == texts(both)
    assert verify(out, with_lerobot=False).problems == []
    change(shards(out)[0], lambda table: set_cell(table, "task_index", 4, 1))
    change(shards(out)[0], lambda table: moved(table, "language_persistent", 4, len(table) - 1))
    problems = " ".join(str(problem) for problem in verify(out, with_lerobot=False).problems)
    assert "row 4, column task_index" in problems
    assert "row 4, column language_persistent" in problems


def moved(table: pa.Table, name: str, target: int, row: int) -> pa.Table:
    """Put the cell of a row into another row."""
    rows = [row if position == target else position for position in range(len(table))]
    return table.set_column(table.column_names.index(name), table.schema.field(name), table.column(name).take(rows))


def test_language_columns_that_are_there_are_replaced_only_on_request(root, tmp_path):
    out = written(root, tmp_path / "out", HighLevelPolicySink())
    with pytest.raises(InputError, match=r"has the feature language_persistent already; replace it with --overwrite"):
        HighLevelPolicySink().open(results(out).source)
    again = written(out, tmp_path / "again", HighLevelPolicySink(overwrite=True), overwrite=True)
    assert verify(again, with_lerobot=False).problems == []
