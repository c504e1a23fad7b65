"""`pgen segment`: the input is unchanged, the output is absent or complete, and the report and the files agree."""

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
from pgen.formats.schemas import validator
from pgen.labels import frame_ranges
from pgen.storage.unfinished import inspect
from pgen_lerobot.read import LeRobotSource
from pgen_lerobot.verify import verify
from pgen_segment.job import Job, SegmentOptions
from pgen_segment.output import skills_json
from pgen_segment.segmentation import segment_all

SKILLS, RECORD = "meta/skills.json", "meta/pgen/segmentation.json"


@pytest.fixture
def root(tmp_path):
    return dataset(tmp_path / "in", episode(task="a"), episode(task="b"), episode(task="b"))


def scripted(root, out, *answers, **options):
    """Return a job whose segmenter returns or raises one of these answers for each episode."""

    class Scripted(Segmenter):
        name = "scripted"

        def segment(self, recording: Recording):
            answer = answers[recording.episode.index]
            if isinstance(answer, Exception):
                raise answer
            return answer

    source = LeRobotSource(root=root, skills="task", views=0)
    return Job(SegmentOptions(output_dir=out, **options), source, Scripted())


def refused(root, out, *options, code=2):
    return run("--root", root, "--output-dir", out, *options, expect=code)


def test_the_output_is_the_input_with_skills_and_the_same_for_the_same_input(root, tmp_path):
    before = files(root)
    out = segmented(root, tmp_path / "out")
    assert files(root) == before
    after = files(out)
    assert set(after) - set(before) == {SKILLS, RECORD}
    assert {name: after[name] for name in before} == before
    assert list(tmp_path.glob(".*")) == []
    assert files(segmented(root, tmp_path / "again"))[SKILLS] == after[SKILLS]
    assert b"00000" not in after[SKILLS]  # the noise of float32


def test_skills_have_the_form_of_the_schema(root, tmp_path):
    skills = read_json(segmented(root, tmp_path / "out") / SKILLS)
    assert validator("skills").first_error(skills) is None
    assert list(skills) == ["coarse_description", "skill_to_task_index", "episodes"]
    assert skills["coarse_description"] == "b"
    assert list(skills["episodes"]["1"]) == ["episode_index", "description", "skills"]
    assert [each["description"] for each in skills["episodes"].values()] == ["a", "b", "b"]
    names = {span["name"] for each in skills["episodes"].values() for span in each["skills"]}
    assert skills["skill_to_task_index"] == {name: index for index, name in enumerate(sorted(names))}
    assert skills_json({}) == {"coarse_description": "", "skill_to_task_index": {}, "episodes": {}}


def test_skills_are_read_as_they_were_segmented(root, tmp_path):
    expected = segment_all(*opened(root)).episodes
    copy = LeRobotSource(root=segmented(root, tmp_path / "out"))
    copy.open()
    for episode_ in copy.episodes():
        own = expected[episode_.index]
        assert [skill.name for skill in episode_.skills] == [skill.name for skill in own.skills]
        assert tuple(frame_ranges(episode_)) == own.frames
        assert (own.frames[0].start, own.frames[-1].stop) == (0, len(episode_.timestamps))
        assert all(left.stop == right.start for left, right in pairwise(own.frames))
        assert episode_.task == own.task
    assert copy.notes() == {}


def test_how_the_skills_were_made_is_stored(root, tmp_path):
    record = read_json(segmented(root, tmp_path / "out", "--opt", "segmenter.steady=0.35") / RECORD)
    assert validator("segmentation").first_error(record) is None
    assert record["segmenter"]["steady"] == 0.35
    assert record["segmenter"]["found"] == {"gripper": ["observation.state[3] gripper.pos", "action[3] gripper.pos"]}
    assert record["counts"] == {"episodes": 3, "frames": 198, "segmented": 3, "spans": 3 * len(PICK_PHASES)}


def test_skills_only_writes_the_file_alone_and_needs_neither_videos_nor_a_dataset_without_skills(root, tmp_path):
    (root / SKILLS).write_text("{}")
    out = segmented(root, tmp_path / "out", "--skills-only")
    assert set(files(out)) == {"skills.json", "segmentation.json"}
    source = LeRobotSource(root=root, skills=str(out / "skills.json"))
    assert annotate(source, tmp_path / "dialogue", generator="template").failed == {}
    shutil.rmtree(root / "videos")
    skills = read_json(segmented(root, tmp_path / "some", "--skills-only", "--episodes", "1-2") / "skills.json")
    assert list(skills["episodes"]) == ["1", "2"]


@pytest.mark.parametrize("options", [[], ["--write-subtasks", "--episodes", "0,2"]])
def test_a_segmented_dataset_passes_every_check(root, tmp_path, options):
    assert verify(segmented(root, tmp_path / "out", *options), with_lerobot=False).problems == []


@pytest.mark.needs("lerobot")
def test_lerobot_opens_a_segmented_dataset_and_its_dialogue(root, tmp_path):
    out = segmented(root, tmp_path / "out", "--write-subtasks")
    result = verify(out)
    assert (result.problems, result.notes) == ([], [])
    annotate(out, tmp_path / "dialogue", generator="template")
    assert verify(tmp_path / "dialogue").problems == []


def changed(change):
    def apply(out):
        content = read_json(out / SKILLS)
        change(content["episodes"])
        (out / SKILLS).write_text(json.dumps(content))

    return apply


def other_subtasks(out):
    path = out / "data/chunk-000/file-000.parquet"
    table = pq.read_table(path)
    place = table.column_names.index("subtask_index")
    values = table.column("subtask_index").to_pylist()
    pq.write_table(table.set_column(place, table.schema.field(place), pa.array([values[-1], *values[1:]])), path)


@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        (changed(lambda each: each.pop("1")), f"episode 1 has no skills, and {RECORD} does not"),
        (changed(lambda each: each["1"]["skills"].pop(2)), "the spans of episode 1 leave frames out"),
        (changed(lambda each: each["0"]["skills"][1].update(start=0.3)), "overlap"),
        (changed(lambda each: each["2"]["skills"].pop()), f"has {3 * len(PICK_PHASES) - 1} spans, meta/pgen"),
        (other_subtasks, "the subtasks of episode 0 are not its skills"),
        (lambda out: (out / SKILLS).unlink(), f"{SKILLS}: the file is missing"),
        (lambda out: (out / RECORD).write_text("{}"), "does not fit the schema `segmentation`"),
        (lambda out: (out / SKILLS).write_text("["), SKILLS),
    ],
)
def test_verify_names_what_is_wrong_with_skills(root, tmp_path, damage, problem):
    out = segmented(root, tmp_path / "out", "--write-subtasks")
    damage(out)
    assert problem in "\n".join(map(str, verify(out, with_lerobot=False).problems))


def test_existing_skills_and_subtasks_are_replaced_only_with_overwrite(root, tmp_path):
    first = segmented(root, tmp_path / "first", "--write-subtasks", "--opt", "segmenter.steady=9")
    assert "exists already" in refused(first, tmp_path / "out")
    (first / SKILLS).unlink()
    assert "has the feature subtask_index already" in refused(first, tmp_path / "out", "--write-subtasks")
    out = segmented(first, tmp_path / "out", "--write-subtasks", "--overwrite")
    expected = segmented(root, tmp_path / "fresh", "--write-subtasks")
    assert rows(out, "subtask_index") == rows(expected, "subtask_index")


def test_a_dataset_with_dialogue_gets_no_other_skills(root, tmp_path):
    annotate(LeRobotSource(root=root, skills="task"), tmp_path / "dialogue", generator="template")
    assert "holds dialogue" in refused(tmp_path / "dialogue", tmp_path / "out")
    segmented(tmp_path / "dialogue", tmp_path / "out", "--skills-only")


def test_a_failed_episode_is_reported_and_the_others_are_written(root, tmp_path):
    whole = [{"name": "wipe", "start": 0, "end": "00:99"}]
    failed = SampleError("transport", "the server is gone")
    with scripted(root, tmp_path / "out", whole, failed, whole, max_failures=0.5) as job:
        assert "failed     episode 1, at transport: the server is gone" in list(job.execute())
    assert list(read_json(tmp_path / "out" / SKILLS)["episodes"]) == ["0", "2"]
    record = read_json(tmp_path / "out" / RECORD)
    assert record["failed"] == [{"episode_index": 1, "stage": "transport", "reason": "the server is gone"}]
    assert record["changes"] == {"spans reaching beyond their episode: clipped": 2}


def test_with_too_many_failures_nothing_is_written(tmp_path):
    states, _ = vectors(PICK)
    states[3][0] = float("inf")
    bad = dataset(tmp_path / "bad", episode(), episode(**{"observation.state": states}))
    report = refused(bad, tmp_path / "out", code=4)
    assert "1 of 2 episodes failed, more than --max-failures 0.02 allows" in report
    assert "Failed: episode 1." in report
    assert "no vectors of 4 finite numbers" in report
    assert [path.name for path in tmp_path.iterdir()] == ["bad"]


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
    assert message in refused(root, tmp_path / "out", *options)
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


def test_the_results_of_an_unfinished_run_are_left_alone(root, tmp_path):
    journal = answered(tmp_path / ".out.pgen/journal.sqlite", "segment")
    for options in ((), ("--fresh",)):
        assert "holds 1 result of an unfinished `pgen segment`" in refused(root, tmp_path / "out", *options)
        assert inspect(journal).results == 1


def test_a_declared_column_that_is_missing_and_an_output_in_the_wrong_place_are_refused(root, tmp_path):
    assert "lies inside the input" in refused(root, root / "out")
    (tmp_path / "out").mkdir()
    assert "exists already" in refused(root, tmp_path / "out")
    assert "no dataset is named" in run("--output-dir", tmp_path / "new", expect=2)
    path = root / "data/chunk-000/file-000.parquet"
    pq.write_table(pq.read_table(path).drop_columns("action"), path)
    assert "has no column action, which" in refused(root, tmp_path / "new")


def test_the_reason_of_a_failure_sends_no_control_sequence_to_the_terminal(tmp_path, monkeypatch):
    job = scripted(
        dataset(tmp_path / "in", episode()), tmp_path / "out", SampleError("parse", "\x1b[31mred"), max_failures=1.0
    )
    monkeypatch.setattr("pgen_segment.config.job_from_flags", lambda *_: job)
    assert "\N{REPLACEMENT CHARACTER}[31mred" in run("--root", "in", "--output-dir", "out")
