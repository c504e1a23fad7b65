import json
import tempfile
from operator import itemgetter

import pytest
import report_runs
from hypothesis import given
from hypothesis import strategies as st
from parsed_page import invoked
from report_runs import HOSTILE, reply

import pgen
from pgen.cli import run_options
from pgen.registry import registry
from pgen.testing import FakeGenerator, FakeMomentGenerator, plain_answer
from pgen_results.commands import preview
from pgen_results.preview import run_preview, spread
from pgen_results.preview_view import preview_page, preview_text, prompt, summary


@pytest.fixture
def root(dataset):
    return dataset / "data"


@pytest.fixture
def answering(monkeypatch):
    """Register a generator `scripted` that replies what a test gives it."""

    def script(answer, kind=FakeGenerator):
        generator = kind(answer)

        class Scripted(kind):
            name = "scripted"

            def __new__(cls, **options):
                return generator

        find = registry().find
        monkeypatch.setattr(
            type(registry()), "find", lambda _, *key: Scripted if key == ("generator", "scripted") else find(*key)
        )

    return script


def previewed(root, **flags):
    return run_preview(None, (), {"root": root, "generator": "template", "max_samples": 8, **flags})


@given(st.lists(st.integers(0, 9), max_size=12), st.integers(1, 30))
def test_as_many_moments_as_wanted_are_spread_over_the_episodes(counts, wanted):
    taken = spread(counts, wanted)
    assert sum(map(len, taken)) == min(wanted, sum(counts))
    for positions, count in zip(taken, counts, strict=True):
        assert positions == sorted(set(positions))
        assert all(0 <= position < count for position in positions)
    assert sum(map(bool, taken)) == min(wanted, sum(map(bool, counts)))


def test_moments_are_spread_over_the_lengths_of_episodes_and_over_all_episodes():
    assert spread([8, 8, 8, 8], 4) == [[1], [3], [5], [7]]
    assert [episode for episode, taken in enumerate(spread([1] * 9, 3)) if taken] == [1, 4, 7]


def test_the_variants_of_a_moment_are_shown_together_and_leave_room_for_other_moments(root):
    result = previewed(root, variants=3, prompt="seed")
    moments = [(line["episode_index"], line["frame_index"]) for line in result.lines]
    assert [moments.count(moment) for moment in dict.fromkeys(moments)] == [3, 3, 3]
    assert len({episode for episode, _ in moments}) == 3
    assert result.samples == 3 * previewed(root, prompt="seed").samples


def test_a_request_for_all_dialogues_of_a_moment_is_shown_once_with_each_of_them(root, answering):
    answering(plain_answer, FakeMomentGenerator)
    result = previewed(root, generator="scripted", counterfactuals=1.0, max_samples=99, check=("none",))
    assert len(result.requests) == 8
    assert result.samples == len(result.lines) > 60
    first = result.requests[0]
    scopes = dict.fromkeys(line["scope"] for line in first.lines)
    assert [*scopes] == ["episode", "standing", "phase", "step", *[name for name in scopes if "counter" in name]]
    assert len(scopes) > 4
    assert len(first.exchanges) == 1
    text, page = preview_text(result), preview_page(result)
    assert text.count("\n  reply\n") == page.count('<summary class="quiet">Reply</summary>') == 8
    assert text.count("\n  dialogue phase, frames 0 to 19: reach for the cup; lift the cup\n") == 4 * 3
    ((request, reply),) = first.exchanges
    prompt_of = request.prompt
    assert prompt(request) == "\n\n".join((prompt_of.system, prompt_of.context, "[2 images]", prompt_of.text))
    assert reply in text


def test_a_moment_has_the_dialogues_that_a_run_requests_there(root):
    lines = previewed(root, max_samples=1).lines
    assert {(line["frame_index"], line["scope"]) for line in lines} == {(10, "step")}


def test_a_preview_leaves_nothing_behind(root, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    before = sorted(root.parent.rglob("*"))
    invoked("preview", "--root", root, "--generator", "template")
    assert list(tmp_path.iterdir()) == []
    assert sorted(root.parent.rglob("*")) == before


def test_a_preview_takes_the_flags_of_a_run_except_those_of_its_output():
    names = [parameter.name for parameter in preview.params]
    of_output = {"output_dir", "in_place", "sink", "overwrite", "unlabelled", "copy_videos"}
    assert {parameter.name for parameter in run_options()} - set(names) == {
        *of_output,
        "journal",
        "fresh",
        "max_failures",
    }
    assert len(set(names)) == len(names)


def test_a_sample_gets_the_request_that_a_run_sends(root, tmp_path):
    pgen.annotate(root, tmp_path / "out", generator="template", seed=5)
    lines = map(json.loads, (tmp_path / "out/meta/syn_annotations.jsonl").read_text().splitlines())
    place = itemgetter("episode_index", "frame_index", "scope", "variant")
    expected = {place(line): line for line in lines}
    shown = previewed(root, seed=5, max_samples=30).lines
    assert 20 <= len(shown) <= 40
    assert all(line["user_prompt"] == expected[place(line)]["user_prompt"] for line in shown)


def test_the_first_prompt_is_shown_in_full_and_of_the_others_what_differs(root):
    result = previewed(root, max_samples=2)
    first, second, *_ = (prompt(requested.exchanges[0][0]).splitlines() for requested in result.requests)
    text = preview_text(result)
    assert all(line in text for line in first + second)
    assert text.count(max(set(first) & set(second), key=len)) == 1


def test_images_are_described_as_they_are_sent(root):
    flags = ("--generator", "template", "--max-samples", "1", "--max-pixels", "1024")
    text = invoked("preview", "--root", root, *flags)
    assert "image    observation.images.front, 36x27" in text
    assert "image    observation.images.wrist, 36x27" in text


def test_the_cost_of_the_whole_run_is_estimated(root, answering):
    text = reply("Grab it.", scenario="specific_object")
    answering(lambda request: pgen.Reply(text, tokens_in=900, tokens_out=100))
    options = {"generator": "scripted", "max_samples": 2, "check": ("none",), "prompt": "seed"}
    values = dict(summary(previewed(root, **options), 1000.0, 1000.0))
    assert values["samples"] == "2 of 8, in 2 requests"
    assert values["tokens"] == "1,800 in, 200 out"
    assert values["whole run"] == "about 7,200 in, 800 out, in 8 requests"
    assert values["cost"] == "2.0000; whole run about 8.00 (2,000.00 per 1,000 episodes)"


@pytest.mark.parametrize(("share", "judged", "whole"), [(None, 1440, 9.6), (1.0, 14400, 24.0)])
def test_the_cost_of_the_whole_run_has_the_judge_at_the_share_of_the_run(root, answering, share, judged, whole):
    judge, text = report_runs.judging(lambda request: 3).answer, reply("Grab it.", scenario="specific_object")

    def answer(request):
        return pgen.Reply(judge(request) if request.sample.question.about else text, tokens_in=900, tokens_out=100)

    answering(answer)
    options = {"generator": "scripted", "judge": "scripted", "max_samples": 2, "check": ("none",), "prompt": "seed"}
    options |= {} if share is None else {"judge_share": share}
    values = dict(summary(previewed(root, **options), 1000.0, 1000.0))
    assert values["tokens"] == "1,800 in, 200 out"
    assert values["judge"] == f"3,600 in, 400 out; whole run about {judged:,} in, {judged // 9:,} out"
    assert values["cost"] == f"6.0000; whole run about {whole:.2f} ({250 * whole:,.2f} per 1,000 episodes)"


def test_replies_that_did_not_fit_are_shown_with_the_problem(root, answering):
    answering(lambda request: reply("Grab it.") if request.repair else "What?")
    text = preview_text(previewed(root, generator="scripted", prompt="seed", max_samples=1))
    assert "What?" in text
    assert "requested again, because the previous reply did not fit" in text
    assert "user     Grab it." in text


def test_every_dialogue_is_judged_and_shown_with_its_scores(root, answering):
    answering(report_runs.judging(lambda request: 1 + request.sample.span.skill_index).answer)
    result = previewed(root, judge="scripted", max_samples=4, prompt="seed")
    text = preview_text(result)
    assert text.count("  judge    grounding 1: grounding: so so.") == 2
    assert text.count("  judge    grounding 2: grounding: so so.") == 2
    assert preview_page(result).count('<p class="finding poor"><b>poor: grounding') == 4
    few = previewed(root, judge="scripted", max_samples=4, judge_share=0.001)
    assert not any(line["judgement"] for line in few.lines)


def test_a_failed_sample_is_shown_with_its_reason(root, answering):
    answering(lambda request: pgen.SampleError("refused", "no, thanks"))
    result = previewed(root, generator="scripted", max_samples=2, prompt="seed")
    assert preview_text(result).count("failed   refused: no, thanks") == 2
    assert preview_text(result).count("(refused: no, thanks)") == preview_page(result).count("(refused: no, thanks)")


def test_no_control_character_reaches_the_terminal(root, answering):
    answering(lambda request: reply("Grab it. " + HOSTILE) + "\x1b]0;taken\x07")
    text = preview_text(previewed(root, generator="scripted", prompt="seed", max_samples=1))
    assert not {"\x1b", "\x07", "\u2028"} & set(text)


def test_a_wrong_option_is_refused_as_by_annotate(root):
    assert "there is no generator named 'templat'" in invoked(
        "preview", "--root", root, "--generator", "templat", code=2
    )
    assert "no generator is named" in invoked("preview", "--root", root, code=2)


def test_a_page_is_written_where_the_user_wants_it_or_refused_before_anything_is_asked(root, tmp_path):
    flags = ("--root", root, "--generator", "template", "--prompt", "seed", "--page")
    assert "page       " in invoked("preview", *flags, tmp_path / "page.html")
    assert (tmp_path / "page.html").read_text().count("data:image/jpeg") == 16
    (tmp_path / "mine.html").write_text("mine")
    assert "is no page that pgen wrote" in invoked("preview", *flags, tmp_path / "mine.html", code=2)


def test_clips_are_shown_as_the_generator_receives_them(root):
    assert "<figcaption>observation.images.front</figcaption>" in preview_page(previewed(root, max_samples=2, clip=1.0))
