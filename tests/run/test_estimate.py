"""The tokens of a plan, compared with those of the requests that a run then sends."""

from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

import pytest

from pgen.cli.text import plan_text, report_text
from pgen.components import ImageReader, Patches
from pgen.config import build, create
from pgen.formats.schemas import validator
from pgen.inference.token_estimate import PrefixCache, request_tokens, text_tokens
from pgen.run import estimate as module
from pgen.run.estimate import Prices
from pgen.run.run import Run
from pgen.testing import FakeGenerator, FakeMomentGenerator, FakeSource, MemorySink, make_episode

SQUARES = Patches(28, 4)
EPISODES = [
    make_episode(
        ("move towards the red brick", 0.0, 2.0),
        ("pick up the red brick", 2.0, 4.0),
        ("put the red brick into the box", 4.0, 12.0),
        ("move towards the blue brick", 12.0, 13.0),
        index=index,
    )
    for index in range(3)
]


class Reads:
    """A generator with a model."""

    patches = SQUARES


class Moments(Reads, FakeMomentGenerator):
    pass


class Samples(Reads, FakeGenerator):
    pass


class Sized(FakeSource):
    """States the size of its images."""

    def image_sizes(self) -> dict[str, tuple[int, int]]:
        return {"front": (64, 48)}


def a_run(
    tmp_path: Path, generator: FakeGenerator, source: FakeSource | None = None, judge=None, prices=None, **options
) -> Run:
    objects = {"source": source or Sized(*EPISODES), "generator": generator, "sink": MemorySink(), "check": []}
    objects |= {"judge": judge} if judge else {}
    tables = {kind: {"name": "fake"} for kind in ("source", "generator", *(["judge"] if judge else []))}
    config = build({"output_dir": tmp_path / "out", **options, **tables})
    return Run(config.run, create(config, objects), prices=prices)


def sent(generator: FakeGenerator) -> tuple[int, int, int]:
    """Return the tokens of the recorded requests: all of them, those of images, and those in a cache."""
    tokens = images = cached = 0
    cache = PrefixCache()
    for request in generator.requests:
        names = request.sample.moment.images
        sizes = [SQUARES.tokens(image.width, image.height) for image in request.images]
        listed = request_tokens(request.prompt, zip(names, sizes, strict=True))
        tokens, images, cached = tokens + len(listed), images + sum(sizes), cached + cache.cached(listed)
    return tokens, images, cached


@pytest.mark.parametrize(
    ("width", "height", "qwen2", "qwen3"),
    [(320, 240, 101, 82), (640, 480, 393, 302), (64, 48, 6, 66), (8, 8, 6, 66)],
)
def test_an_image_has_a_token_for_each_square(width, height, qwen2, qwen3):
    assert Patches(28, 4).tokens(width, height) == qwen2
    assert Patches(32, 64).tokens(width, height) == qwen3
    assert Patches(28, 4).most(width * height) <= qwen2 * 1.1


@pytest.mark.parametrize("make", [Moments, Samples])
@pytest.mark.parametrize("options", [{}, {"variants": 1, "seed": 3}, {"language": "de", "max_pixels": 1024}])
def test_the_estimate_is_what_the_run_then_sends(tmp_path, make, options):
    generator = make(concurrency=1)
    with a_run(tmp_path, generator, **options) as run:
        expected = run.estimate
        report = run.execute(lambda total, done: lambda annotation: None)
    assert not report.failed
    assert (expected.tokens_in, expected.image_tokens, expected.tokens_cached) == sent(generator)
    assert not expected.bounded
    assert expected.tokens_out > 20 * report.samples


def test_the_earlier_turns_of_a_conversation_are_counted_about(tmp_path):
    generator = Moments(concurrency=1)
    with a_run(tmp_path, generator, turns="episode", variants=2) as run:
        expected = run.estimate
        run.execute(lambda total, done: lambda annotation: None)
    tokens, images, _ = sent(generator)
    assert expected.image_tokens == images
    assert expected.tokens_in == pytest.approx(tokens, rel=0.1)


def test_an_image_of_unknown_size_has_at_most_the_tokens_of_the_most_pixels(tmp_path):
    generator = Moments(concurrency=1)
    with a_run(tmp_path, generator, FakeSource(*EPISODES), max_pixels=100_000) as run:
        expected = run.estimate
        run.execute(lambda total, done: lambda annotation: None)
    assert expected.bounded
    assert expected.image_tokens == (100_000 // 28**2 + 2) * len(generator.requests)
    assert expected.tokens_in > sent(generator)[0]


class Counting(Moments):
    """Counts tokens as the estimate does."""

    async def generate(self, request):
        reply = await super().generate(request)
        sizes = [SQUARES.tokens(image.width, image.height) for image in request.images]
        read = request_tokens(request.prompt, zip(request.sample.moment.images, sizes, strict=True))
        return replace(reply, tokens_in=len(read), tokens_out=len(text_tokens(reply.text)), tokens_images=sum(sizes))


class CountingJudge(Counting, Samples):
    pass


def test_the_manifest_compares_the_estimate_with_the_actual_cost(tmp_path):
    with a_run(tmp_path, Counting(concurrency=1), prices=Prices(2.0, None)) as run:
        expected, requests = run.estimate, run.plan.requests
        run.execute(lambda total, done: lambda annotation: None)
    manifest = run.parts.sinks[0].manifest
    tokens = {"in": expected.tokens_in, "images": expected.image_tokens, "out": expected.tokens_out}
    assert manifest["estimate"] == {"requests": requests, **tokens, "bounded": False}
    assert (manifest["tokens"]["in"], manifest["tokens"]["images"]) == (expected.tokens_in, expected.image_tokens)
    assert manifest["tokens"]["text"] == expected.tokens_in - expected.image_tokens
    dollars = round(2 * expected.tokens_in / 1e6, 6)
    assert manifest["cost"] == {"price_in": 2.0, "price_out": None, "estimated": dollars, "actual": dollars}
    assert validator("manifest").first_error(manifest) is None


def test_the_cost_includes_the_judge_in_the_estimate_the_plan_the_manifest_and_the_report(tmp_path):
    judge, prices = CountingJudge(lambda request: judgement(request), concurrency=1), Prices(1000.0, 1000.0)
    options = {"judge": judge, "judge_share": 1.0, "prices": prices}
    with a_run(tmp_path, Counting(concurrency=1), **options) as run:
        expected, plan = run.estimate, plan_text(run.plan, run.estimate, prices)
        report = run.execute(lambda total, done: lambda annotation: None)
    manifest = run.parts.sinks[0].manifest
    used, judged, cost = manifest["tokens"], manifest["judge"]["tokens"], manifest["cost"]
    assert (judged["in"], judged["images"]) == sent(judge)[:2]
    assert cost["actual"] == pytest.approx((used["in"] + used["out"] + judged["in"] + judged["out"]) / 1000)
    assert cost["estimated"] == pytest.approx(expected.cost(prices))
    assert cost["estimated"] == pytest.approx(cost["actual"], rel=0.2)
    assert manifest["estimate"]["judge"] == {"in": expected.judge_in, "out": expected.judge_out}
    assert validator("manifest").first_error(manifest) is None
    assert f"${cost['estimated']:,.2f} (" in plan
    assert "per 1,000 episodes), with the judge at the same prices" in plan
    assert f"cost       ${cost['actual']:,.2f}, with the judge" in report_text(report, prices)
    counted = f"{judged['in']:,} in ({judged['images']:,} of images), {judged['out']:,} out"
    assert f"; tokens: {counted}" in report_text(report, prices)


def test_without_tokens_or_a_model_the_manifest_has_no_estimate(tmp_path):
    for generator in (Moments(), FakeMomentGenerator()):
        with a_run(tmp_path / type(generator).__name__, generator) as run:
            run.execute(lambda total, done: lambda annotation: None)
        assert not run.parts.sinks[0].manifest.keys() & {"estimate", "cost"}


def test_the_tokenizer_of_the_model_counts_where_it_is_on_this_machine(tmp_path, tiny_checkpoint):
    class Local(Moments):
        model = str(tiny_checkpoint("qwen2_vl"))

    with a_run(tmp_path, Local()) as own, a_run(tmp_path, Moments()) as words:
        by_tokenizer, by_words = own.estimate, words.estimate
        text = plan_text(own.plan, own.estimate)
    assert by_tokenizer.tokenizer
    assert not by_words.tokenizer
    assert by_tokenizer.image_tokens == by_words.image_tokens
    assert by_tokenizer.tokens_in > by_words.tokens_in  # a tiny vocabulary has fewer whole words
    assert "out, by the model's tokenizer" in text


def test_no_image_is_read(tmp_path):
    class Unreadable(Sized):
        def reader(self, max_pixels: int) -> AbstractContextManager[ImageReader]:
            raise AssertionError("an image is read")

    with a_run(tmp_path, Moments(), Unreadable(*EPISODES)) as run:
        assert run.estimate.image_tokens


def test_a_program_without_a_model_has_no_tokens(tmp_path):
    with a_run(tmp_path, FakeGenerator()) as run:
        assert run.estimate is None


def test_the_tokens_of_the_judge_are_counted_separately(tmp_path):
    judge = Samples(lambda request: judgement(request), concurrency=1)
    with a_run(tmp_path, Moments(concurrency=1), judge=judge, judge_share=1.0) as run:
        expected, alone = run.estimate, replace(run.estimate, judge_in=0, judge_out=0)
        run.execute(lambda total, done: lambda annotation: None)
    assert expected.judge_in == pytest.approx(sent(judge)[0], rel=0.2)
    assert expected.judge_out
    with a_run(tmp_path / "other", Moments()) as run:
        assert run.estimate == alone


def judgement(request):
    """Return a reply to either of the judge's requests."""
    if "choice" in request.prompt.schema["properties"]:
        return '{"reason": "It is plain.", "choice": 1}'
    scores = ("grounding", "consistency", "naturalness")
    return "{" + ", ".join(f'"{name}_reason": "It is plain.", "{name}": 4' for name in scores) + "}"


def test_only_the_first_of_many_requests_are_measured(tmp_path, monkeypatch):
    with a_run(tmp_path, Moments()) as run:
        complete = run.estimate
    monkeypatch.setattr(module, "MEASURED", 5)
    with a_run(tmp_path, Moments()) as run:
        assert run.estimate.image_tokens == complete.image_tokens
        assert run.estimate.tokens_in == pytest.approx(complete.tokens_in, rel=0.1)
        assert run.estimate.tokens_out == pytest.approx(complete.tokens_out, rel=0.2)
