"""What labels each frame of an output: an exchange in force that leads to the frame's skill."""

import json
from itertools import pairwise
from random import Random

import pytest
from exchange_helpers import exchange_table, say, with_exchanges
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sink_helpers import FPS, LENGTHS, SPANS, TASKS, column, dataset, texts

from pgen.records import SCOPES, Failure
from pgen_lerobot.format import COUNTERFACTUALS, TASK_ROWS, read_task_rows
from pgen_lerobot.verify import verify

WEIGHTS = st.dictionaries(st.sampled_from(SCOPES), st.floats(0.1, 5), min_size=1)
RUNS = st.fixed_dictionaries(
    {
        "scopes": WEIGHTS,
        "speech": st.sampled_from(["hold", "once"]),
        "silence": st.sampled_from([0.0, 0.5, 1.0]),
        "seed": st.integers(0, 2**32 - 1),
    }
)


@st.composite
def spans(draw):
    """Draw disjoint spans of each episode whose edges are frames, with gaps between them.

    None ends at the last frame's second: such a span would have that frame too, as the last one of an episode.
    """
    episodes = {}
    for episode, length in enumerate(LENGTHS):
        edges = sorted(draw(st.sets(st.sampled_from([*range(length - 1), length]), max_size=6)))
        kept = draw(st.lists(st.booleans(), min_size=len(edges), max_size=len(edges)))
        episodes[episode] = [
            (f"skill {start}", start, stop) for (start, stop), keep in zip(pairwise(edges), kept, strict=False) if keep
        ]
    return episodes


@pytest.fixture(scope="module")
def bare(tmp_path_factory):
    """A dataset without cameras: its skills are those of each example."""
    return dataset(tmp_path_factory.mktemp("bare") / "in", cameras=())


def write_skills(path, episodes):
    entries = {
        str(episode): {
            "episode_index": episode,
            "description": "task",
            "skills": [{"name": name, "start": start / FPS, "end": stop / FPS} for name, start, stop in entries],
        }
        for episode, entries in episodes.items()
    }
    path.write_text(json.dumps({"coarse_description": "task", "episodes": entries}))
    return path


def failing(share, seed):
    """Answer as `say`, but fail this share of the samples, at the stages that a run has."""

    def answer(sample):
        draw = Random(f"{seed} {sample.question} {sample.moment.frame_index} {sample.span.episode_id}")
        stage = draw.choice(["scene", "parse", "check"])
        return Failure(stage, "no") if draw.random() < share else say(sample)

    return answer


def frames_of(out):
    """Return the position in its episode, the label's text and the own task of each frame, by episode."""
    rows = texts(out)
    episodes = {}
    for episode, label in zip(column(out, "episode_index"), column(out), strict=True):
        episodes.setdefault(episode, []).append(rows[label])
    return episodes


def skills_in(spans, frame):
    return [name for name, start, stop in spans if start <= frame < stop]


@settings(max_examples=15, suppress_health_check=[HealthCheck.too_slow])
@given(spans(), RUNS, st.sampled_from([0.0, 0.3, 0.9]), st.integers(0, 1000))
def test_every_frame_of_a_span_is_labelled_by_an_exchange_in_force_that_leads_to_its_skill(
    bare, tmp_path_factory, episodes, run, share, seed
):
    folder = tmp_path_factory.mktemp("example")
    skills = write_skills(folder / "skills.json", episodes)
    out = with_exchanges(bare, folder / "out", failing(share, seed), run=run, skills=str(skills))
    table, tasks = exchange_table(out), texts(out)
    prompts = {row["task_index"]: tasks[row["task_index"]].split(" | ")[0] for row in table}
    for episode, labels in frames_of(out).items():
        of_episode = [row for row in table if row["episode_index"] == episode]
        for frame, label in enumerate(labels):
            skill = skills_in(episodes[episode], frame)
            in_force = [row for row in of_episode if row["start"] <= frame < row["stop"]]
            if not (skill and in_force):
                assert label == TASKS[episode % 2]
                continue
            assert all(skill[0] in row["skills"] for row in in_force)
            prompt, _, utterance = label.partition(" | ")
            labelling = [row for row in in_force if prompts[row["task_index"]] == prompt]
            assert len(labelling) == 1
            over = run["speech"] == "once" and frame - labelling[0]["start"] >= FPS
            assert bool(utterance) is not over
            assert label in (tasks[labelling[0]["task_index"]], prompt)
    assert [str(problem) for problem in verify(out, with_lerobot=False).problems] == []


ONE_SCOPE = [pytest.param(scope, id=scope) for scope in ("episode", "phase", "standing")]


@pytest.mark.parametrize("scope", ONE_SCOPE)
def test_spoken_once_the_utterance_is_over_after_a_second_and_the_mirror_has_a_row_for_the_prompt_alone(
    root, tmp_path, scope
):
    out = with_exchanges(root, tmp_path / "out", run={"speech": "once", "scopes": {scope: 1}})
    prompt = f"{scope} 0 at 0 of ep_0"
    assert frames_of(out)[0] == [f"{prompt} | Sure, {scope}."] * FPS + [prompt] * (LENGTHS[0] - FPS)
    mirror = read_task_rows(out / TASK_ROWS)
    row = mirror[prompt]
    assert (row.user_prompt, row.robot_utterance, row.skill) == (prompt, "", "reach")
    assert (row.scenario_type, row.response_type) == ("specific_object", "confirmation")
    assert verify(out, with_lerobot=False).problems == []


def test_a_prompt_that_is_a_task_of_the_input_is_that_task_once_it_is_spoken(root, tmp_path):
    from pgen.records import Dialogue

    def answer(sample):
        return Dialogue(TASKS[0], "Sure.", "specific_object", "confirmation")

    out = with_exchanges(root, tmp_path / "out", answer, run={"speech": "once", "scopes": {"episode": 1}})
    assert frames_of(out)[0] == [f"{TASKS[0]} | Sure."] * FPS + [TASKS[0]] * (LENGTHS[0] - FPS)
    assert verify(out, with_lerobot=False).problems == []


def test_in_silent_spans_the_exchange_before_them_stays_in_force(root, tmp_path):
    loud = with_exchanges(root, tmp_path / "loud", run={"scopes": {"step": 1, "episode": 1}})
    silent = with_exchanges(root, tmp_path / "silent", run={"scopes": {"step": 1, "episode": 1}, "silence": 1.0})
    grasp = slice(*(round(second * FPS) for second in SPANS[0][1][1:]))
    assert any(text.startswith("step") for text in frames_of(loud)[0][grasp])
    lasting = {"episode 0 at 0 of ep_0 | Sure, episode."}
    held = set(frames_of(silent)[0][grasp])
    assert held <= lasting | {"phase 0 at 0 of ep_0 | Sure, phase.", "standing 0 at 0 of ep_0 | Sure, standing."}
    assert len(held) == 1
    assert verify(silent, with_lerobot=False).problems == []


def test_frames_of_a_scene_that_contradicts_its_labels_have_the_exchanges_around_it(root, tmp_path):
    def answer(sample):
        contradicts = sample.span.skill == "grasp" and sample.question.scope == "step"
        return Failure("scene", "the gripper is empty") if contradicts else say(sample)

    out = with_exchanges(root, tmp_path / "out", answer, run={"scopes": {"step": 1, "phase": 1}})
    labels = frames_of(out)[0]
    assert set(labels[5:]) == {"phase 0 at 0 of ep_0 | Sure, phase."}
    lines = [json.loads(line) for line in (out / "meta/syn_annotations.jsonl").read_text().splitlines()]
    failed = [line for line in lines if line["stage"] == "scene"]
    assert failed
    assert {(line["start"], line["stop"], line["user_prompt"]) for line in failed} == {(None, None, None)}
    assert {line["reason"] for line in failed} == {"the gripper is empty"}
    assert verify(out, with_lerobot=False).problems == []


def test_counterfactuals_are_in_their_file_and_nowhere_else(root, tmp_path):
    out = with_exchanges(root, tmp_path / "out")
    kinds = ("other", "wait")
    lines = [json.loads(line) for line in (out / COUNTERFACTUALS).read_text().splitlines()]
    assert {line["kind"] for line in lines} == set(kinds)
    assert not [text for text in texts(out) if text.startswith(kinds)]
    others = [path for path in (out / "meta").rglob("*.json*") if path.name != "counterfactuals.jsonl"]
    assert not [path for path in [*others, out / "README.md"] if "wait 1 at" in path.read_text()]
    assert not [row for row in exchange_table(out) if row["scope"] not in SCOPES]
    written = [json.loads(line) for line in (out / "meta/syn_annotations.jsonl").read_text().splitlines()]
    assert {line["user_prompt"].split()[0] for line in written} == set(SCOPES)
