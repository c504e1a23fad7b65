import json
import tempfile

import pytest
import report_runs
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from report_runs import HOSTILE, answered

import pgen
from pgen.cli import cli
from pgen.cli.annotate import annotate
from pgen.registry import registry
from pgen.testing import FakeGenerator
from pgen_results.commands import preview
from pgen_results.preview import ask, spread
from pgen_results.preview_view import preview_page, preview_text, prompt, summary


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return report_runs.rendered(tmp_path_factory.mktemp("preview") / "data")


@pytest.fixture
def answering(monkeypatch):
    """Makes `--generator told` say what a test gives it."""

    def say(answer):
        generator = FakeGenerator(answer)

        class Told(FakeGenerator):
            name = "told"

            def __new__(cls, **options):
                return generator

        found = registry().find
        known = {("generator", "told"): Told}
        monkeypatch.setattr(type(registry()), "find", lambda _, *wanted: known.get(wanted) or found(*wanted))
        return generator

    return say


def invoked(*arguments, code=0):
    told = CliRunner().invoke(cli, ["preview", *map(str, arguments)])
    assert told.exit_code == code, told.output
    return told.stdout if code == 0 else told.output


def asked(root, **flags):
    return ask(None, (), {"root": root, "generator": "template", "max_samples": 8, **flags})


@given(st.lists(st.integers(0, 9), max_size=12), st.integers(1, 30))
def test_as_many_samples_as_wanted_are_spread_over_the_episodes(counts, wanted):
    taken = spread(counts, wanted)
    assert sum(map(len, taken)) == min(wanted, sum(counts))
    for positions, count in zip(taken, counts, strict=True):
        assert positions == sorted(set(positions))
        assert all(0 <= position < count for position in positions)
    filled = sum(count > 0 for count in counts)
    assert sum(bool(positions) for positions in taken) == min(wanted, filled)


def test_one_sample_an_episode_lies_at_different_points_of_their_length():
    assert spread([8, 8, 8, 8], 4) == [[1], [3], [5], [7]]


def test_fewer_samples_than_episodes_are_spread_over_all_of_them():
    assert [place for place, taken in enumerate(spread([1] * 9, 3)) if taken] == [1, 4, 7]


def test_the_variants_of_a_moment_are_shown_together_and_leave_room_for_other_moments(root):
    found = asked(root, variants=3, max_samples=8)
    moments = [(one.sample.episode_index, one.sample.frame_index) for one in found.annotations]
    assert [moments.count(one) for one in dict.fromkeys(moments)] == [3, 3, 2]
    assert len({episode for episode, _ in moments}) == 3
    assert found.samples == 3 * asked(root).samples


def test_a_preview_leaves_nothing_behind(root, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    before = sorted(path.name for path in root.parent.rglob("*"))
    invoked("--root", root, "--generator", "template")
    assert list(tmp_path.iterdir()) == []
    assert sorted(path.name for path in root.parent.rglob("*")) == before


def test_a_preview_takes_the_flags_of_annotate_that_change_what_is_asked():
    own = {"output_dir", "sink", "fresh", "dry_run", "max_failures", "overwrite", "unlabelled"}
    own |= {"in_place", "journal", "segment", "copy_videos"}
    assert {option.name for option in annotate.params} - own <= {option.name for option in preview.params}
    assert len({option.name for option in preview.params}) == len(preview.params)


def test_a_sample_is_asked_what_a_run_asks_it(root, tmp_path):
    pgen.annotate(root, tmp_path / "out", generator="template", seed=5)
    lines = (tmp_path / "out/meta/syn_annotations.jsonl").read_text().splitlines()
    said = {(line["episode_index"], line["frame_index"]): line["user_prompt"] for line in map(json.loads, lines)}
    for annotation in asked(root, seed=5, max_samples=5).annotations:
        sample = annotation.sample
        assert annotation.dialogue.user_prompt == said[sample.episode_index, sample.frame_index]


def test_the_first_prompt_is_shown_in_full_and_of_the_others_what_differs(root):
    found = asked(root, max_samples=2)
    first, second = (prompt(found.of(annotation)[0][0]).splitlines() for annotation in found.annotations)
    text = preview_text(found)
    assert all(line in text for line in first)
    assert all(line in text for line in second)
    shared = max(set(first) & set(second), key=len)
    assert text.count(shared) == 1


def test_pictures_are_told_as_they_are_sent(root):
    text = invoked("--root", root, "--generator", "template", "--max-samples", "1", "--max-pixels", "1024")
    assert "picture  observation.images.front, 36x27" in text
    assert "picture  observation.images.wrist, 36x27" in text


def test_what_the_whole_will_cost_is_told_from_what_the_few_have(root, answering):
    answering(
        lambda request: pgen.Reply(answered("Grab it.", scenario="specific_object"), tokens_in=900, tokens_out=100)
    )
    found = ask(None, (), {"root": root, "generator": "told", "max_samples": 2, "check": ("none",)})
    told = dict(summary(found, 1000.0, 1000.0))
    assert told["asked"] == "2 of 8 samples"
    assert told["tokens"] == "1,800 in, 200 out"
    assert told["the whole"] == "about 7,200 in, 800 out"
    assert told["cost"] == "2.0000; the whole about 8.00"


def test_replies_that_did_not_fit_are_shown_with_what_was_wrong(root, answering):
    answering(lambda request: answered("Grab it.") if request.repair else "What?")
    found = ask(None, (), {"root": root, "generator": "told", "prompt": "seed", "max_samples": 1})
    text = preview_text(found)
    assert "What?" in text
    assert "asked again, as the former reply did not fit" in text
    assert "user     Grab it." in text


def test_all_that_a_judge_is_asked_about_is_shown_with_its_scores(root, answering, monkeypatch):
    """A tenth of a few would mostly be none."""
    answering(report_runs.judging(lambda request: 1 + request.sample.skill_index).answer)
    found = asked(root, judge="told", max_samples=4)
    assert all(annotation.judgement for annotation in found.annotations)
    text = preview_text(found)
    assert text.count("  judge    grounding 1: grounding: so so.") == 2
    assert text.count("  judge    grounding 2: grounding: so so.") == 2
    assert preview_page(found).count('<p class="bad" dir="auto">grounding') == 4
    few = asked(root, judge="told", max_samples=4, judge_share=0.001)
    assert not any(annotation.judgement for annotation in few.annotations)


def test_a_sample_that_fails_is_shown_with_its_reason_and_ends_nothing(root, answering):
    answering(lambda request: pgen.SampleError("refused", "no, thanks"))
    text = preview_text(ask(None, (), {"root": root, "generator": "told", "max_samples": 2}))
    assert text.count("failed   refused: no, thanks") == 2


def test_hostile_text_reaches_neither_the_terminal_nor_the_page_as_more_than_text(root, answering):
    answering(lambda request: answered("Grab it. " + HOSTILE) + "\x1b]0;taken\x07")
    found = ask(None, (), {"root": root, "generator": "told", "prompt": "seed", "max_samples": 1})
    assert not {"\x1b", "\x07", "\u2028"} & set(preview_text(found))
    page = preview_page(found)
    assert "<img src=x" not in page
    assert "&lt;img src=x" in page


def test_a_wrong_option_is_told_as_annotate_tells_it(root):
    assert "there is no generator named 'templat'" in invoked("--root", root, "--generator", "templat", code=2)
    assert "no generator is named" in invoked("--root", root, code=2)


def test_a_page_is_written_where_it_is_asked_for(root, tmp_path):
    assert "page       " in invoked("--root", root, "--generator", "template", "--page", tmp_path / "page.html")
    assert (tmp_path / "page.html").read_text().count("data:image/jpeg") == 16


def test_a_page_that_cannot_be_written_is_refused_before_anything_is_asked(root, tmp_path):
    (tmp_path / "mine.html").write_text("mine")
    arguments = ("--root", root, "--generator", "template", "--page", tmp_path / "mine.html")
    assert "is no page that pgen wrote" in invoked(*arguments, code=2)


def test_clips_are_shown_as_the_generator_is_shown_them(root):
    found = asked(root, max_samples=2, clip=1.0)
    assert "<figcaption>observation.images.front</figcaption>" in preview_page(found)
