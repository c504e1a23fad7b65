"""Phases from a model, where the rule cannot read the labels: `pgen annotate --phases`, and the segmenter `phases`."""

import json
import re
import signal
import subprocess
import sys

import hostile_server as hostile
import pytest
from parsed_page import invoked
from segment_helpers import dataset, episode

from pgen.formats.schemas import validator
from pgen.formats.syn_annotations import read_lines
from pgen_lerobot.verify import verify

NAMES = ("a1", "a2", "a3", "b1", "b2", "stage-3")
PHASES = {"move the cup": (1, 2, 3), "clear the shelf": (4, 5), "finish": (6,)}
LINE = re.compile(r"^(\d{1,3})\. (\S{1,20}) \([\d.]{1,9} s\)$", re.MULTILINE)
RECORD = "meta/pgen/phases.json"


def spans(names, length=1.1):
    return [{"name": name, "start": length * i, "end": length * (i + 1)} for i, name in enumerate(names)]


@pytest.fixture
def root(tmp_path):
    skills = {str(i): {"skills": spans(NAMES)} for i in range(2)}
    skills["2"] = {"skills": spans(("pick up the cup", "put the cup on the shelf", "move back"))}
    return dataset(tmp_path / "in", *(episode(task="tidy the kitchen"),) * 3, skills={"episodes": skills})


def is_about_phases(body):
    return '"phases"' in json.dumps(body.get("response_format"))


class Server(hostile.HostileServer):
    """Answers both kinds of requests; `phases` gives the reply about phases for the number of earlier ones."""

    def __init__(self, phases=None, dialogue=True):
        self.phases_asked = []

        def decide(body, count):
            if is_about_phases(body):
                self.phases_asked.append(body)
                return hostile.says(json.dumps(phases(len(self.phases_asked)) if phases else reply()))
            return hostile.says() if dialogue or hostile.is_probe(body) else hostile.status(400)

        super().__init__(decide)


def reply(phases=PHASES):
    return {"phases": [{"numbers": list(numbers), "name": name} for name, numbers in phases.items()]}


def annotate(root, out, url, *options, expect=0):
    model = ("--generator", "qwen-openai", "--opt", "generator.retry_wait=0.01", "--base-url", url, "--check", "none")
    return invoked("annotate", "--root", root, "--output-dir", out, *model, *options, code=expect)


def phases_of(out):
    lines = read_lines(out / "meta/syn_annotations.jsonl")
    return {(line["episode_index"], tuple(line["skills"])) for line in lines if line["scope"] == "phase"}


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def tables(out):
    return [(out / "meta" / name).read_bytes() for name in ("exchanges.parquet", "tasks.parquet")]


def test_labels_that_cannot_be_read_get_phases_from_the_model(root, tmp_path):
    with Server() as server:
        report = annotate(root, tmp_path / "out", server.url)
        assert len(server.phases_asked) == 2
    text = server.phases_asked[0]["messages"][-1]["content"]
    text = text if isinstance(text, str) else "".join(part.get("text", "") for part in text)
    assert [name for _, name in LINE.findall(text)] == list(NAMES)
    assert "tidy the kitchen" in text
    assert "image" not in json.dumps(server.phases_asked[0]["messages"])
    grouped = {(i, NAMES[numbers[0] - 1 : numbers[-1]]) for i in (0, 1) for numbers in ((1, 2, 3), (4, 5))}
    assert grouped <= phases_of(tmp_path / "out")
    assert (2, ("pick up the cup", "put the cup on the shelf", "move back")) in phases_of(tmp_path / "out")
    assert "2 episodes whose phases come from a model" in report
    record = json.loads((tmp_path / "out" / RECORD).read_text())
    assert validator("segmentation").first_error(record) is None
    assert record["levels"].keys() == {"0", "1"}
    manifest = json.loads((tmp_path / "out/meta/pgen/manifest.json").read_text())
    assert validator("manifest").first_error(manifest) is None
    by_model = manifest["source"]["phases_by_model"]
    assert (by_model["attempts"], by_model["tokens"]) == (
        2,
        {"in": 200, "images": 0, "text": 200, "out": 40, "cached": 0},
    )
    assert RECORD in manifest["labels"]["files"]
    assert verify(tmp_path / "out", with_lerobot=False).problems == []
    assert names(tmp_path) == ["in", "out"]


def test_the_skills_and_their_frames_stay_as_they_are(root, tmp_path):
    with Server() as server:
        annotate(root, tmp_path / "out", server.url)
        annotate(root, tmp_path / "without", server.url, "--no-phases")
        assert len(server.phases_asked) == 2
    assert (tmp_path / "out/meta/skills.json").read_bytes() == (root / "meta/skills.json").read_bytes()
    assert {episode for episode, _ in phases_of(tmp_path / "without")} == {2}
    assert not (tmp_path / "without" / RECORD).exists()


@pytest.mark.parametrize(
    "wrong",
    [
        {"move": (1, 2, 3), "clear": (4, 5)},
        {"move": (1, 2, 3), "clear": (3, 4, 5, 6)},
        {"move": (1, 3), "clear": (2, 4, 5, 6)},
        {"then: tidy the kitchen": (1, 2, 3, 4, 5, 6)},
    ],
)
def test_a_reply_with_wrong_groups_is_requested_again(root, tmp_path, wrong):
    with Server(lambda count: reply(wrong if count == 1 else PHASES)) as server:
        annotate(root, tmp_path / "out", server.url, "--opt", "generator.concurrency=1")
        assert len(server.phases_asked) == 3
    assert {0, 1} <= {episode for episode, _ in phases_of(tmp_path / "out")}


def test_episodes_without_a_usable_reply_have_no_phases_and_are_counted(root, tmp_path):
    with Server(lambda count: {"phases": []}) as server:
        report = annotate(root, tmp_path / "out", server.url)
        assert len(server.phases_asked) == 4
    assert "2 episodes whose skills the model did not group: without phases" in report
    assert {episode for episode, _ in phases_of(tmp_path / "out")} == {2}


def test_after_a_failed_run_no_phases_are_requested_again_and_the_output_is_the_same(root, tmp_path):
    with Server(dialogue=False) as server:
        annotate(root, tmp_path / "out", server.url, expect=4)
        assert len(server.phases_asked) == 2
    with Server() as server:
        annotate(root, tmp_path / "out", server.url)
        assert not server.phases_asked
        annotate(root, tmp_path / "again", server.url)
    assert tables(tmp_path / "out") == tables(tmp_path / "again")
    assert names(tmp_path) == ["again", "in", "out"]


def test_in_place_the_phases_become_the_datasets_own(root, tmp_path):
    model = ("--generator", "qwen-openai", "--check", "none")
    with Server() as server:
        invoked("annotate", "--root", root, "--in-place", *model, "--base-url", server.url)
        invoked("annotate", "--root", root, "--in-place", "--overwrite", *model, "--base-url", server.url)
        assert len(server.phases_asked) == 2
    assert verify(root, with_lerobot=False).problems == []
    assert names(tmp_path) == ["in"]


@pytest.mark.parametrize("copied", [True, False])
def test_a_replay_with_the_record_of_phases_has_the_same_dialogue(root, tmp_path, copied):
    with Server() as server:
        annotate(root, tmp_path / "first", server.url)
    record = tmp_path / "first" / RECORD
    source = ["--root", tmp_path / "first"] if copied else ["--root", root, "--opt", f"source.phases={record}"]
    options = ("--generator", "replay", "--sampler", "replay", "--check", "none", "--overwrite")
    file = ("--opt", f"generator.file={tmp_path / 'first'}", "--opt", f"sampler.file={tmp_path / 'first'}")
    invoked("annotate", *source, "--output-dir", tmp_path / "out", *options, *file)
    assert tables(tmp_path / "out") == tables(tmp_path / "first")


def test_a_run_killed_while_it_asks_for_phases_repeats_only_what_was_in_flight(root, tmp_path):
    started = []

    def killing(count):
        if count == 2:
            started[0].kill()
        return reply()

    with Server(killing) as server:
        command = [sys.executable, "-c", "import pgen.cli; pgen.cli.main()", "annotate", "--generator", "qwen-openai"]
        paths = ["--root", root, "--output-dir", tmp_path / "out", "--base-url", server.url]
        with subprocess.Popen([*map(str, [*command, *paths, "--concurrency", "1", "--check", "none"])]) as process:
            started.append(process)
        assert process.returncode == -signal.SIGKILL
    with Server() as server:
        annotate(root, tmp_path / "out", server.url)
        assert len(server.phases_asked) == 1
        annotate(root, tmp_path / "again", server.url)
    assert tables(tmp_path / "out") == tables(tmp_path / "again")
    assert names(tmp_path) == ["again", "in", "out"]


def test_a_dry_run_plans_the_requests_and_writes_nothing(root, tmp_path):
    plan = annotate(root, tmp_path / "out", "http://127.0.0.1:9/v1", "--dry-run", "--price-in", "1", "--price-out", "2")
    phases, _, dialogue = plan.partition("The dialogue, as far as it can be planned before:")
    assert "--phases:\nepisodes   3" in phases
    assert "requests   2\n" in phases
    assert "cost" in phases
    assert "dialogues" in dialogue
    assert names(tmp_path) == ["in"]


@pytest.mark.parametrize("options", [("--scopes", "step=1"), ("--prompt", "seed")])
def test_phases_are_requested_only_for_dialogue_of_phases(root, tmp_path, options):
    with Server() as server:
        annotate(root, tmp_path / "out", server.url, *options)
        assert not server.phases_asked


def test_a_generator_without_a_model_cannot_be_asked(root, tmp_path):
    options = ("--root", root, "--output-dir", tmp_path / "out", "--generator", "template")
    assert "leave it out" in invoked("annotate", *options, "--phases", code=2)
    invoked("annotate", *options)
    assert {episode for episode, _ in phases_of(tmp_path / "out")} == {2}


def test_pgen_segment_records_the_phases_of_a_copy(root, tmp_path):
    options = ("--segmenter", "phases", "--generator", "qwen-openai", "--overwrite")
    with Server() as server:
        paths = ("--root", root, "--output-dir", tmp_path / "out")
        report = invoked("segment", *paths, *options, "--base-url", server.url)
    assert "requests   2 sent" in report
    invoked("annotate", "--root", tmp_path / "out", "--output-dir", tmp_path / "dialogue", "--generator", "template")
    assert {0, 1, 2} == {episode for episode, _ in phases_of(tmp_path / "dialogue")}


def test_a_model_in_this_process_groups_the_skills(root, tiny_checkpoint, tmp_path):
    model = ("--generator", "qwen-transformers", "--model", tiny_checkpoint("qwen2_5_vl"), "--device", "cpu")
    options = ("--dtype", "float32", "--opt", "generator.max_new_tokens=2000", "--segmenter", "phases", "--skills-only")
    report = invoked("segment", "--root", root, "--output-dir", tmp_path / "out", *model, *options)
    levels = json.loads((tmp_path / "out/segmentation.json").read_text())["levels"]
    assert len(levels) == 2 or "without phases" in report
    for level in levels.values():
        assert [span["name"] for span in level["skill"]] == list(NAMES)
