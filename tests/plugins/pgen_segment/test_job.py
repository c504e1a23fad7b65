"""`pgen segment`: the input is left alone, the output is absent or whole, and says what was done."""

import json
import shutil
from itertools import pairwise

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from segment_helpers import PICK, PICK_PHASES, dataset, episode, files, opened, read_json, rows, run, segmented, vectors
from unfinished import answered

from pgen import annotate
from pgen.components import Recording, Segmenter
from pgen.errors import SampleError
from pgen.formats.schemas import first_error, validator
from pgen.labels.spans import frame_ranges
from pgen.storage.unfinished import inspect
from pgen_lerobot.read import LeRobotSource
from pgen_lerobot.verify import verify
from pgen_segment.job import Job, SegmentOptions
from pgen_segment.output import skills_json
from pgen_segment.segmentation import segment_all


@pytest.fixture
def root(tmp_path):
    return dataset(tmp_path / "in", episode(task="a"), episode(task="b"), episode(task="b"))


class Scripted(Segmenter):
    """Gives what it was told for each episode, or raises it."""

    name = "scripted"

    def __init__(self, *answers):
        super().__init__()
        self._answers = answers

    def segment(self, recording: Recording):
        answer = self._answers[recording.episode.index]
        if isinstance(answer, Exception):
            raise answer
        return answer


def options(tmp_path):
    return SegmentOptions(output_dir=tmp_path / "out", max_failures=1.0)


def scripted(root, out, *answers, **options):
    source = LeRobotSource(root=root, skills="task", views=0)
    with Job(SegmentOptions(output_dir=out, **options), source, Scripted(*answers)) as job:
        return list(job.execute())


def test_the_copy_has_skills_and_everything_else_as_it_was(root, tmp_path):
    before = files(root)
    out = segmented(root, tmp_path / "out")
    assert files(root) == before
    after = files(out)
    assert set(after) - set(before) == {"meta/skills.json", "meta/pgen/segmentation.json"}
    assert {name: after[name] for name in before} == before
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_skills_are_written_in_the_form_of_the_mission(root, tmp_path):
    skills = read_json(segmented(root, tmp_path / "out") / "meta/skills.json")
    assert first_error(validator("skills"), skills) is None
    assert list(skills) == ["coarse_description", "skill_to_task_index", "episodes"]
    assert skills["coarse_description"] == "b"
    assert list(skills["episodes"]["1"]) == ["episode_index", "description", "skills"]
    assert [each["description"] for each in skills["episodes"].values()] == ["a", "b", "b"]
    names = {span["name"] for each in skills["episodes"].values() for span in each["skills"]}
    assert skills["skill_to_task_index"] == {name: index for index, name in enumerate(sorted(names))}


def test_the_same_input_gives_the_same_file(root, tmp_path):
    first, second = (segmented(root, tmp_path / name) / "meta/skills.json" for name in ("one", "two"))
    assert first.read_bytes() == second.read_bytes()


def test_what_is_written_is_read_as_what_was_found(root, tmp_path):
    source, segmenter = opened(root)
    found = segment_all(source, segmenter).episodes
    copy = LeRobotSource(root=segmented(root, tmp_path / "out"))
    copy.open()
    for episode_ in copy.episodes():
        own = found[episode_.index]
        assert [skill.name for skill in episode_.skills] == [skill.name for skill in own.skills]
        assert tuple(frame_ranges(episode_)) == own.frames
        assert own.frames[0].start == 0
        assert own.frames[-1].stop == len(episode_.timestamps)
        assert all(left.stop == right.start for left, right in pairwise(own.frames))
        assert episode_.task == own.task
    assert copy.notes() == {}


def test_how_the_skills_were_made_is_stored(root, tmp_path):
    told = read_json(
        segmented(root, tmp_path / "out", "--opt", "segmenter.steady=0.35") / "meta/pgen/segmentation.json"
    )
    assert first_error(validator("segmentation"), told) is None
    assert told["segmenter"]["steady"] == 0.35
    assert told["segmenter"]["found"] == {"gripper": ["observation.state[3] gripper.pos", "action[3] gripper.pos"]}
    assert told["counts"] == {"episodes": 3, "frames": 198, "segmented": 3, "spans": 3 * len(PICK_PHASES)}


def test_skills_only_writes_the_file_alone_for_a_dataset_of_any_state(root, tmp_path):
    (root / "meta/skills.json").write_text("{}")
    out = segmented(root, tmp_path / "out", "--skills-only")
    assert set(files(out)) == {"skills.json", "segmentation.json"}
    made = annotate(LeRobotSource(root=root, skills=str(out / "skills.json")), tmp_path / "said", generator="template")
    assert made.failed == {}


def test_chosen_episodes_alone_get_skills(root, tmp_path):
    skills = read_json(segmented(root, tmp_path / "out", "--episodes", "1-2") / "meta/skills.json")
    assert list(skills["episodes"]) == ["1", "2"]


def test_a_missing_video_is_no_matter_where_only_skills_are_written(root, tmp_path):
    shutil.rmtree(root / "videos")
    segmented(root, tmp_path / "out", "--skills-only")


@pytest.mark.needs("lerobot")
def test_the_result_can_be_annotated_and_verified(root, tmp_path):
    out = segmented(root, tmp_path / "out", "--write-subtasks")
    annotate(out, tmp_path / "said", generator="template")
    assert verify(tmp_path / "said").problems == []


@pytest.mark.parametrize("options", [[], ["--write-subtasks"], ["--write-subtasks", "--episodes", "0,2"]])
def test_a_segmented_dataset_passes_every_check(root, tmp_path, options):
    out = segmented(root, tmp_path / "out", *options)
    assert verify(out, with_lerobot=False).problems == []


def spoilt(change):
    def spoil(out):
        path = out / "meta/skills.json"
        told = read_json(path)
        change(told["episodes"])
        path.write_text(json.dumps(told))

    return spoil


def other_subtasks(out):
    path = out / "data/chunk-000/file-000.parquet"
    table = pq.read_table(path)
    place = table.column_names.index("subtask_index")
    values = table.column("subtask_index").to_pylist()
    pq.write_table(table.set_column(place, table.schema.field(place), pa.array([values[-1], *values[1:]])), path)


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (
            spoilt(lambda episodes: episodes.pop("1")),
            "episode 1 has no skills, and meta/pgen/segmentation.json does not",
        ),
        (spoilt(lambda episodes: episodes["1"]["skills"].pop(2)), "the spans of episode 1 leave frames out"),
        (spoilt(lambda episodes: episodes["0"]["skills"][1].update(start=0.3)), "overlap"),
        (spoilt(lambda episodes: episodes["2"]["skills"].pop()), f"has {3 * len(PICK_PHASES) - 1} spans, meta/pgen"),
        (other_subtasks, "the subtasks of episode 0 are not its skills"),
        (lambda out: (out / "meta/skills.json").unlink(), "meta/skills.json: the file is missing"),
        (lambda out: (out / "meta/pgen/segmentation.json").write_text("{}"), "does not fit the schema `segmentation`"),
        (lambda out: (out / "meta/skills.json").write_text("["), "meta/skills.json"),
    ],
)
def test_what_is_wrong_with_skills_is_found(root, tmp_path, spoil, problem):
    out = segmented(root, tmp_path / "out", "--write-subtasks")
    spoil(out)
    assert problem in "\n".join(map(str, verify(out, with_lerobot=False).problems))


@pytest.mark.needs("lerobot")
def test_lerobot_opens_a_segmented_dataset(root, tmp_path):
    found = verify(segmented(root, tmp_path / "out", "--write-subtasks"))
    assert (found.problems, found.notes) == ([], [])


def test_skills_and_subtasks_that_are_there_are_replaced_only_when_told(root, tmp_path):
    first = segmented(root, tmp_path / "first", "--write-subtasks", "--opt", "segmenter.steady=9")
    assert "exists already" in run("--root", first, "--output-dir", tmp_path / "out", expect=2)
    (first / "meta/skills.json").unlink()
    again = ["--root", first, "--output-dir", tmp_path / "out", "--write-subtasks"]
    assert "has the feature subtask_index already" in run(*again, expect=2)
    run(*again, "--overwrite")
    expected = segmented(root, tmp_path / "fresh", "--write-subtasks")
    assert rows(tmp_path / "out", "subtask_index") == rows(expected, "subtask_index")


def test_a_dataset_that_holds_dialogue_is_not_given_other_skills(root, tmp_path):
    annotate(LeRobotSource(root=root, skills="task"), tmp_path / "said", generator="template")
    said = ["--root", tmp_path / "said", "--output-dir", tmp_path / "out"]
    assert "holds dialogue" in run(*said, expect=2)
    run(*said, "--skills-only")


def test_an_episode_that_fails_is_told_and_others_go_on(root, tmp_path):
    whole = [{"name": "wipe", "start": 0, "end": "00:99"}]
    failed = SampleError("transport", "the server is gone")
    lines = scripted(root, tmp_path / "out", whole, failed, whole, max_failures=0.5)
    assert "failed     episode 1, at transport: the server is gone" in lines
    assert list(read_json(tmp_path / "out/meta/skills.json")["episodes"]) == ["0", "2"]
    told = read_json(tmp_path / "out/meta/pgen/segmentation.json")
    assert told["failed"] == [{"episode_index": 1, "stage": "transport", "reason": "the server is gone"}]
    assert told["changes"] == {"spans reaching beyond their episode: clipped": 2}


def test_with_too_many_failures_nothing_is_written(root, tmp_path):
    states, _ = vectors(PICK)
    states[3][0] = float("inf")
    bad = dataset(tmp_path / "bad", episode(), episode(**{"observation.state": states}))
    told = run("--root", bad, "--output-dir", tmp_path / "out", expect=4)
    assert "1 of 2 episodes failed, more than --max-failures 0.02 allows" in told
    assert "Failed: episode 1." in told
    assert "no vectors of 4 finite numbers" in told
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bad", "in"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--segmenter", "griper"], "did you mean gripper?"),
        (["--skills-only", "--write-subtasks"], "leave one of them out"),
        (["--gripper", "wrist"], "there is no dimension 'wrist'"),
        (["--opt", "segmenter.stedy=2"], "did you mean steady?"),
        (["--opt", "segmenter.steady=0"], "option steady"),
        (["--opt", "steady=2"], "write it as COMPONENT.OPTION=VALUE"),
        (["--opt", 'segmenter.gripper=["a'], "is not JSON"),
        (["--max-failures", "2"], "option max_failures"),
        (["--episodes", "7"], "has no episode 7"),
    ],
)
def test_a_wrong_option_ends_in_one_sentence_and_leaves_nothing(root, tmp_path, options, message):
    assert message in run("--root", root, "--output-dir", tmp_path / "out", *options, expect=2)
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


def test_the_answers_of_an_unfinished_run_are_left_alone(root, tmp_path):
    journal = answered(tmp_path / ".out.pgen/journal.sqlite", "segment")
    for more in ((), ("--fresh",)):
        told = run("--root", root, "--output-dir", tmp_path / "out", *more, expect=2)
        assert "holds 1 result of an unfinished `pgen segment`" in told
        assert inspect(journal).results == 1


def test_a_column_that_is_declared_and_missing_is_refused_before_anything_is_written(root, tmp_path):
    path = root / "data/chunk-000/file-000.parquet"
    pq.write_table(pq.read_table(path).drop_columns("action"), path)
    assert "has no column action, which" in run("--root", root, "--output-dir", tmp_path / "out", expect=2)


def test_an_output_in_the_wrong_place_is_refused(root, tmp_path):
    assert "lies inside the input" in run("--root", root, "--output-dir", root / "out", expect=2)
    (tmp_path / "out").mkdir()
    assert "exists already" in run("--root", root, "--output-dir", tmp_path / "out", expect=2)
    assert "no dataset is named" in run("--output-dir", tmp_path / "new", expect=2)


def test_a_reason_of_a_failure_sends_nothing_to_the_terminal(tmp_path, monkeypatch):
    source = LeRobotSource(root=dataset(tmp_path / "in", episode()), skills="task", views=0)
    failing = Scripted(SampleError("parse", "\x1b[31mred"))
    monkeypatch.setattr("pgen_segment.config.job_from_flags", lambda *_: Job(options(tmp_path), source, failing))
    assert "\N{REPLACEMENT CHARACTER}[31mred" in run("--root", "in", "--output-dir", "out")


def test_an_empty_set_of_episodes_has_an_empty_description():
    assert skills_json({}) == {"coarse_description": "", "skill_to_task_index": {}, "episodes": {}}


def test_times_are_written_without_the_noise_of_float32(root, tmp_path):
    text = (segmented(root, tmp_path / "out") / "meta/skills.json").read_text()
    assert "00000" not in text
