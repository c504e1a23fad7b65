"""The names that the segmenter `vlm` gives: its vocabulary, their style, and the user's own prompt."""

import pickle

import pytest
from segment_helpers import read_json
from vlm_helpers import (
    SPANS,
    answering,
    execute,
    first,
    kind,
    names_of,
    record_of,
    skills_of,
)

from pgen.errors import ConfigError, TooManyFailuresError
from pgen.testing import FakeGenerator
from pgen_lerobot.read import LeRobotSource
from pgen_segment.vlm.segmenter import Vlm


def test_relabel_requests_each_name_again_with_the_frames_of_its_span(root, tmp_path):
    generator = FakeGenerator(answering(name=lambda r: f"step at {r.sample.moment.clip[0].timestamp:.0f}"))
    execute(root, tmp_path / "out", generator, relabel=True)
    assert skills_of(tmp_path / "out") == [("step at 0", 0.0, 3.0), ("step at 3", 3.0, 6.6)]
    assert "The skill before: none\nThe skill after: lift the cup" in first(generator, "name").prompt.text


def test_only_names_of_the_vocabulary_become_labels(root, tmp_path):
    (tmp_path / "names.txt").write_text("# all of them\nReach for the cup\n\nlift the cup\n")
    generator = FakeGenerator(answering())
    execute(root, tmp_path / "out", generator, vocabulary=str(tmp_path / "names.txt"))
    assert names_of(tmp_path / "out") == ["Reach for the cup", "lift the cup"]
    prompt = first(generator).prompt
    span = prompt.schema["properties"]["skills"]["items"]["properties"]
    assert span["name"] == {"type": "string", "enum": ["Reach for the cup", "lift the cup"]}
    assert "Use these names and no others: Reach for the cup; lift the cup." in prompt.text
    (tmp_path / "names.txt").write_text("lift the cup\n")
    with pytest.raises(TooManyFailuresError, match="'reach for the cup' is none of the skills"):
        execute(root, tmp_path / "none", FakeGenerator(answering()), vocabulary=str(tmp_path / "names.txt"))


def test_auto_makes_a_vocabulary_from_some_episodes_for_all(root, tmp_path):
    def spans(request):
        closed = "Use these names" in request.prompt.text
        return [{"name": "Lift" if closed else f"lift {request.sample.span.task}", "start": 0, "end": 6.6}]

    generator = FakeGenerator(answering(spans, names=["lift", "lift"]))
    execute(root, tmp_path / "out", generator, vocabulary="auto")
    (merging,) = [r for r in generator.requests if kind(r) == "names"]
    assert "- lift a (1)\n- lift b (1)" in merging.prompt.text
    assert read_json(tmp_path / "out/skills.json")["skill_to_task_index"] == {"lift": 0}
    assert record_of(tmp_path / "out")["vocabulary"] == ["lift"]


def test_names_of_another_style_are_converted_and_counted(root, tmp_path):
    spans = [
        {"name": "robot arm reaches for the cup", "start": 0, "end": 2},
        {"name": "lift the cup", "start": 2, "end": 4},
        {"name": "wiggling fnords", "start": 4, "end": 6.6},
    ]
    lines = execute(root, tmp_path / "out", FakeGenerator(answering(spans)))
    assert names_of(tmp_path / "out") == ["reach for the cup", "lift the cup", "wiggling fnords"]
    assert "note       2 names in another style: converted" in lines
    assert "note       2 names without a known verb: unchanged" in lines
    execute(root, tmp_path / "third", FakeGenerator(answering(spans)), names="third-person")
    assert names_of(tmp_path / "third") == [
        "robot arm reaches for the cup",
        "robot arm lifts the cup",
        "wiggling fnords",
    ]


def test_a_made_vocabulary_has_one_style_and_replies_in_the_other_match_it(root, tmp_path):
    def spans(request):
        closed = "Use these names" in request.prompt.text
        return [{"name": "picks up the cup" if closed else "pick up the cup", "start": 0, "end": 6.6}]

    generator = FakeGenerator(answering(spans, names=["robot arm picks up the cup", "pick up the cup"]))
    execute(root, tmp_path / "out", generator, vocabulary="auto")
    assert read_json(tmp_path / "out/skills.json")["skill_to_task_index"] == {"pick up the cup": 0}
    assert len(generator.requests) == 2 * 2 + 1 + 2


def test_the_users_own_vocabulary_is_unchanged_and_a_mixture_is_noted(root, tmp_path):
    (tmp_path / "names.txt").write_text("robot arm reaches for the cup\nlift the cup\n")
    spans = [{"name": "robot arm reaches for the cup", "start": 0, "end": 3}, SPANS[1]]
    lines = execute(root, tmp_path / "out", FakeGenerator(answering(spans)), vocabulary=str(tmp_path / "names.txt"))
    assert names_of(tmp_path / "out") == ["robot arm reaches for the cup", "lift the cup"]
    assert "note       --vocabulary mixes names in several styles: they are used as they are written" in lines
    (tmp_path / "names.txt").write_text("reach for the cup\nlift the cup\n")
    lines = execute(root, tmp_path / "one", FakeGenerator(answering()), vocabulary=str(tmp_path / "names.txt"))
    assert not any("mixes" in line for line in lines)


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("own.txt", "From {start} to {stop} of {end} s: {task}. {names} {clock} [{before}] {description}"),
        ("own.j2", "From {{ start }} to {{ stop }} of {{ end }} s: {{ task }}. {{ names }} {{ clock }} "
         "[{{ before|join('; ') }}] {{ description }}"),
    ],
)  # fmt: skip
def test_the_users_own_prompt_replaces_the_one_for_spans(root, tmp_path, file, text):
    (tmp_path / file).write_text(text)
    hostile = "{start} {{ 7 * 7 }} $task"
    generator = FakeGenerator(answering(description=hostile))
    execute(root, tmp_path / "out", generator, prompt=f"file:{tmp_path / file}")
    prompt = first(generator).prompt.text
    assert prompt.startswith("From 0.0 to 6.6 of 6.6 s: a. Name skills in the imperative")
    assert prompt.endswith(f"as burned into the frames [] {hostile}")
    execute(root, tmp_path / "plain", FakeGenerator(answering()))
    assert len({record_of(tmp_path / out)["prompts"]["hash"] for out in ("out", "plain")}) == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{start} {stop} {nmaes}", "has the unknown placeholder nmaes; the known ones are task, start"),
        ("{start} {stop}", "never mentions names, so the model cannot know how skills are named"),
        ("{start} {stop} {names", "is not a valid template"),
        (None, "there is no file"),
    ],
)
def test_an_unusable_prompt_of_the_user_is_refused_before_the_first_request(root, tmp_path, text, message):
    path = tmp_path / "own.txt"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ConfigError, match=message):
        execute(root, tmp_path / "out", FakeGenerator(answering()), prompt=f"file:{path}")
    with pytest.raises(ConfigError, match="write it as file:PATH"):
        execute(root, tmp_path / "out", FakeGenerator(answering()), prompt=str(path))


def test_results_of_another_prompt_of_the_user_are_refused(root, tmp_path):
    path = tmp_path / "own.txt"
    path.write_text("{start} {stop} {names}")
    with pytest.raises(TooManyFailuresError):
        execute(root, tmp_path / "out", FakeGenerator(answering("nothing")), prompt=f"file:{path}")
    path.write_text("{start} {stop} {names}, please")
    with pytest.raises(ConfigError, match="belongs to a run with other options"):
        execute(root, tmp_path / "out", FakeGenerator(answering()), prompt=f"file:{path}")
    path.rename(tmp_path / "moved.txt").write_text("{start} {stop} {names}")
    execute(root, tmp_path / "out", FakeGenerator(answering()), prompt=f"file:{tmp_path / 'moved.txt'}")


def test_the_work_travels_to_other_processes_with_the_users_own_prompt(root, tmp_path):
    (tmp_path / "own.txt").write_text("{start} {stop} {names}")
    segmenter, source = Vlm(prompt=f"file:{tmp_path / 'own.txt'}"), LeRobotSource(root=root, skills="task")
    source.open()
    segmenter.open(source)
    work = pickle.loads(pickle.dumps(segmenter.work(FakeGenerator(), 3)))
    assert work.template.fill({"start": 0, "stop": 1, "names": "any"}) == "0 1 any"
    assert work.seed == 3
    source.close()
