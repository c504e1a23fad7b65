import json

import pytest
import report_runs
from parsed_page import invoked
from report_runs import answered

import pgen
from pgen.errors import ConfigError, InputError
from pgen_lerobot.read import LeRobotSource
from pgen_results.read import opened, spans
from pgen_results.report_page import ReportOptions, report_page


def test_a_folder_without_a_result_is_refused(tmp_path):
    assert "holds no syn_annotations.jsonl" in invoked("report", tmp_path, code=2)


@pytest.mark.parametrize(("text", "told"), [("{", "cannot be read"), ("{}", "does not fit the schema `manifest`")])
def test_a_broken_manifest_is_refused(out, text, told):
    (out / "meta/pgen/manifest.json").write_text(text)
    assert told in invoked("report", out, code=2)


def test_lines_of_another_dataset_are_refused(out, tmp_path):
    lines = out / "meta/syn_annotations.jsonl"
    lines.write_text(lines.read_text().replace('"skill_current": "lift the cup"', '"skill_current": "drop the cup"'))
    assert "is about 'drop the cup'" in invoked("report", out, code=2)


def test_lines_that_are_none_are_refused_whatever_reads_them(out, tmp_path):
    (out / "meta/syn_annotations.jsonl").write_text("[" * 100_000)
    for command in (["report", out], ["compare", out, out], ["export", out, "--output-dir", tmp_path / "chats"]):
        assert "syn_annotations.jsonl, line 1 is not JSON" in invoked(*command, code=2)


@pytest.mark.parametrize("wrong", [{"cameras": ["none"]}, {"frame_index": 10**19}, {"frame_index": 20}])
def test_a_line_about_what_the_input_does_not_have_has_no_picture(out, wrong):
    lines = out / "meta/syn_annotations.jsonl"
    first, *others = lines.read_text().splitlines()
    lines.write_text("\n".join([json.dumps({**json.loads(first), **wrong}), *others]))
    with opened(out) as told:
        assert "7 of these 8 samples have a picture, of the first camera. 1 pictures could not be read" in report_page(
            told, ReportOptions()
        )


def test_a_path_that_a_manifest_names_is_never_read(dataset, tmp_path):
    pgen.annotate(dataset / "data", tmp_path / "lines", generator="template", sink="jsonl")
    assert str(dataset / "data") in (tmp_path / "lines/manifest.json").read_text()
    with opened(tmp_path / "lines") as told:
        assert told.source is None
        assert "No pictures: the result does not hold its pictures" in report_page(told, ReportOptions())
    with opened(tmp_path / "lines", dataset / "data") as told:
        assert report_page(told, ReportOptions()).count("image/jpeg") == 1
        assert "8 of these 8 samples have a picture" in report_page(told, ReportOptions())


def test_a_skills_file_that_a_manifest_names_is_asked_for_and_not_read(dataset, tmp_path):
    skills = tmp_path / "skills.json"
    skills.write_bytes((dataset / "data/meta/skills.json").read_bytes())
    source = LeRobotSource(root=dataset / "data", skills=str(skills))
    pgen.annotate(source, tmp_path / "lines", generator="template", sink="jsonl")
    with pytest.raises(ConfigError, match="had its skills from the file"), opened(tmp_path / "lines", dataset / "data"):
        pass
    kept = tmp_path / "lines/meta/pgen/skills.json"
    kept.parent.mkdir(parents=True)
    skills.rename(kept)
    with opened(tmp_path / "lines", dataset / "data") as told:
        assert sum(len(lines) for _, lines in told.read()) == 8


def test_without_the_input_skills_are_drawn_from_one_sample_to_the_next(tmp_path):
    out = report_runs.run(tmp_path / "out", lambda request: answered("Grab it."))
    with opened(out) as told:
        ((episode, lines),) = told.read()
    assert [(span.name, span.start, span.end) for span in spans(episode, lines)] == [
        ("reach for the cup", 0.0, 1.0),
        ("lift the cup", 1.0, 2.0),
    ]


def test_an_episode_that_the_input_does_not_have_is_refused(dataset, tmp_path):
    pgen.annotate(dataset / "data", tmp_path / "lines", generator="template", sink="jsonl")
    fewer = report_runs.rendered(tmp_path / "fewer", episodes=2)
    with opened(tmp_path / "lines", fewer) as told, pytest.raises(InputError, match="episode 2 is not in the input"):
        list(told.read())
