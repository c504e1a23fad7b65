import json

import pytest
import report_runs
from parsed_page import invoked
from report_runs import reply

import pgen
from pgen.errors import ConfigError, InputError
from pgen_lerobot.read import LeRobotSource
from pgen_results.read import open_results
from pgen_results.report_page import ReportOptions, report_page


@pytest.fixture
def lines(dataset, tmp_path):
    """The annotations of a run alone, without images."""
    pgen.annotate(dataset / "data", tmp_path / "lines", generator="template", sink="jsonl")
    return tmp_path / "lines"


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("meta/syn_annotations.jsonl", None, "contains no syn_annotations.jsonl"),
        ("meta/pgen/manifest.json", None, "manifest.json is missing"),
        ("meta/pgen/manifest.json", "{", "cannot be read"),
        ("meta/pgen/manifest.json", "{}", "does not fit the schema `manifest`"),
    ],
)
def test_an_incomplete_result_is_refused(out, file, content, message):
    (out / file).unlink()
    if content is not None:
        (out / file).write_text(content)
    assert message in invoked("report", out, code=2)


def test_lines_of_another_dataset_are_refused(out):
    path = out / "meta/syn_annotations.jsonl"
    path.write_text(path.read_text().replace('"skill_current": "lift the cup"', '"skill_current": "drop the cup"'))
    assert "is about 'drop the cup'" in invoked("report", out, code=2)


def test_invalid_lines_are_refused_by_each_command(out, tmp_path):
    (out / "meta/syn_annotations.jsonl").write_text("[" * 100_000)
    for command in (["report", out], ["compare", out, out], ["export", out, "--output-dir", tmp_path / "chats"]):
        assert "syn_annotations.jsonl, line 1 is not JSON" in invoked(*command, code=2)


@pytest.mark.parametrize(
    ("wrong", "shown"), [({"cameras": ["none"]}, 48), ({"frame_index": 10**19}, 59), ({"frame_index": 20}, 59)]
)
def test_a_moment_at_a_frame_or_camera_that_the_input_lacks_has_no_image(out, wrong, shown):
    path = out / "meta/syn_annotations.jsonl"
    first, *others = path.read_text().splitlines()
    path.write_text("\n".join([json.dumps({**json.loads(first), **wrong}), *others]))
    with open_results(out) as results:
        page = report_page(results, ReportOptions())
    assert f"{shown} of these 60 samples have an image, from the first camera. 1 images could not be read" in page


def test_a_path_in_a_manifest_is_never_read(dataset, lines):
    assert str(dataset / "data") in (lines / "manifest.json").read_text()
    with open_results(lines) as results:
        assert results.source is None
        assert "No images: the result does not contain its images" in report_page(results, ReportOptions())
    with open_results(lines, dataset / "data") as results:
        assert "60 of these 60 samples have an image" in report_page(results, ReportOptions())


def test_a_skills_file_in_a_manifest_is_requested_and_not_read(dataset, tmp_path):
    skills = tmp_path / "skills.json"
    skills.write_bytes((dataset / "data/meta/skills.json").read_bytes())
    source = LeRobotSource(root=dataset / "data", skills=str(skills))
    pgen.annotate(source, tmp_path / "out", generator="template", sink="jsonl")
    with pytest.raises(ConfigError, match="read its skills from the file"):
        open_results(tmp_path / "out", dataset / "data").__enter__()
    stored = tmp_path / "out/meta/pgen/skills.json"
    stored.parent.mkdir(parents=True)
    skills.rename(stored)
    with open_results(tmp_path / "out", dataset / "data") as results:
        assert sum(len(lines) for _, lines in results.read()) == 60


def test_an_episode_that_the_input_does_not_have_is_refused(lines, tmp_path):
    fewer = report_runs.rendered(tmp_path / "fewer", episodes=2)
    with open_results(lines, fewer) as results, pytest.raises(InputError, match="episode 2 is not in the input"):
        list(results.read())


def test_without_the_input_episodes_come_from_the_lines(tmp_path):
    out = report_runs.run(tmp_path / "out", reply("Grab it."), episodes=2)
    with open_results(out) as results:
        episodes = [episode for episode, _ in results.read()]
    assert [(episode.id, episode.task, episode.skills) for episode in episodes] == [
        ("ep_000000", "tidy up", ()),
        ("ep_000001", "tidy up", ()),
    ]
