import pytest

from pgen.api import annotate
from pgen.errors import ConfigError, InputError, SampleError, StorageError, TooManyFailuresError
from pgen.run.run import Run
from pgen.testing import FakeGenerator, FakeMomentGenerator, FakeSource, MemorySink, make_episode, plain_answer
from pgen_samplers.samplers import EveryFrame

SAMPLES = 4 * 55


def run(tmp_path, generator=None, sink=None, **options):
    source = FakeSource(*(make_episode(index=index) for index in range(4)))
    chosen = {"sampler": EveryFrame(), "prompt": "seed", "sink": sink or MemorySink()}
    return annotate(source, tmp_path / "out", generator=generator or FakeGenerator(), **{**chosen, **options})


def test_a_finished_run_reports_what_it_did(tmp_path):
    sink = MemorySink()
    report = run(tmp_path, sink=sink)
    assert (report.episodes, report.frames, report.samples, report.resumed, report.failed) == (4, 220, SAMPLES, 0, {})
    assert report.usage.attempts == SAMPLES
    assert sink.manifest["counts"]["answered"] == SAMPLES
    assert sink.manifest["generator"]["name"] == "fake"
    assert [a.sample.moment.frame_index for a in sink.annotations] == list(range(55)) * 4


def failing(share):
    return FakeGenerator(
        lambda request: (
            SampleError("refused", "no, thank you")
            if request.sample.moment.frame_index < 55 * share
            else plain_answer(request)
        )
    )


def test_more_failures_than_allowed_write_nothing_and_the_next_run_requests_only_those(tmp_path):
    with pytest.raises(TooManyFailuresError, match=r"refused.*--max-failures 0.1.*first reason: no, thank you"):
        run(tmp_path, failing(0.5), max_failures=0.1)
    assert not (tmp_path / "out").exists()
    generator = FakeGenerator()
    report = run(tmp_path, generator, max_failures=0.1)
    assert report.resumed == SAMPLES - len(generator.requests)
    assert report.failed == {}


def test_a_run_whose_samples_all_fail_stops_early(tmp_path):
    generator = failing(1)
    with pytest.raises(TooManyFailuresError):
        run(tmp_path, generator)
    assert len(generator.requests) < 20


def test_as_many_failures_as_allowed_are_kept_as_rows_with_their_reason(tmp_path):
    sink = MemorySink()
    report = run(tmp_path, failing(0.1), sink=sink, max_failures=0.5)
    assert report.failed == {"refused": 4 * 6}
    assert {a.failure.reason for a in sink.annotations if a.failure} == {"no, thank you"}


def test_other_options_that_matter_are_refused_without_fresh(tmp_path):
    with pytest.raises(TooManyFailuresError):
        run(tmp_path, failing(0.5), max_failures=0.2)
    with pytest.raises(ConfigError, match=r"run.seed: 0, now 1"):
        run(tmp_path, seed=1)
    assert run(tmp_path, seed=1, fresh=True).resumed == 0


def test_a_sink_that_fails_leaves_no_output_and_loses_no_result(tmp_path):
    class Broken(MemorySink):
        def write(self, results, out):
            (out / "half").write_text("half")
            raise OSError(28, "No space left on device")

    with pytest.raises(StorageError, match="No space left"):
        run(tmp_path, sink=Broken())
    assert not (tmp_path / "out").exists()
    generator = FakeGenerator()
    assert run(tmp_path, generator).resumed == SAMPLES
    assert generator.requests == []
    assert list((tmp_path / "out").iterdir()) == []


def test_results_of_one_model_are_not_mixed_with_those_of_another(tmp_path):
    class Served(FakeGenerator):
        """Has a model only after it was opened."""

        served = "small"

        @property
        def model(self):
            return self.served

    with pytest.raises(TooManyFailuresError):
        run(tmp_path, Served(failing(0.5).answer), max_failures=0.1)
    other = Served()
    other.served = "large"
    with pytest.raises(ConfigError, match=r"model: 'small', now 'large'"):
        run(tmp_path, other)
    assert other.requests == []


def test_a_run_with_all_results_needs_no_generator(tmp_path):
    class Broken(MemorySink):
        def write(self, results, out):
            raise OSError(28, "No space left on device")

    class Unavailable(FakeGenerator):
        async def open(self):
            raise ConfigError("the server is not available")

    with pytest.raises(StorageError, match="No space left"):
        run(tmp_path, sink=Broken())
    sink = MemorySink()
    assert run(tmp_path, Unavailable(), sink=sink).resumed == SAMPLES
    assert sink.manifest["generator"]["found"] == {}


def test_an_output_that_exists_is_refused_before_the_input_is_read(tmp_path):
    (tmp_path / "out").mkdir()
    with pytest.raises(ConfigError, match=r"--output-dir .*out exists already"):
        run(tmp_path)


def test_a_generator_that_is_not_ready_leaves_nothing_behind(tmp_path):
    class Unready(FakeGenerator):
        async def open(self):
            raise ConfigError("no model here")

    with pytest.raises(ConfigError, match="no model here"):
        run(tmp_path, Unready())
    assert list(tmp_path.iterdir()) == []


def test_a_disk_without_room_for_the_output_is_refused_before_any_request(tmp_path):
    class Large(MemorySink):
        def needs_bytes(self, source):
            return 1 << 60

    generator = FakeGenerator()
    with pytest.raises(ConfigError, match=r"the output needs about 1,152,921,504,607 MB, .* MB left; make room"):
        run(tmp_path, generator, sink=Large())
    assert generator.requests == []
    assert list(tmp_path.iterdir()) == []


def test_episodes_without_a_skill_are_an_error(tmp_path):
    source = FakeSource(make_episode(("a", 70.0, 80.0), length=20))
    with pytest.raises(InputError, match="have no skill to request dialogue for"):
        annotate(source, tmp_path / "out", generator=FakeGenerator(), sink=MemorySink())


def test_the_plan_counts_without_a_request(tmp_path):
    from pgen.config.assembly import create
    from pgen.config.runfile import build

    generator = FakeMomentGenerator()
    objects = {"source": FakeSource(), "generator": generator, "sink": MemorySink(), "sampler": EveryFrame()}
    config = build({"output_dir": tmp_path / "out", **{kind: {"name": c.name} for kind, c in objects.items()}})
    with Run(config.run, create(config, objects)) as opened:
        plan = opened.plan
    assert (plan.episodes, plan.frames, plan.requests, plan.images) == (1, 55, 55, 55)
    assert plan.samples == 3 * (55 + 3)  # wordings of the steps, and of the three scopes that the episode begins with
    assert plan.sample.span.skill == "robot arm moves towards pink lego brick"
    assert plan.sample.span.skill in plan.prompt.context
    assert len(plan.prompt.plans) == 12
    assert generator.requests == []
    assert list(tmp_path.iterdir()) == []


def test_a_run_inside_a_running_loop_works_as_in_a_notebook(tmp_path):
    import asyncio

    async def cell():
        return run(tmp_path)

    assert asyncio.run(cell()).samples == SAMPLES


def test_results_that_cannot_be_stored_end_the_run(tmp_path, monkeypatch):
    from pgen.storage.journal import Journal

    def full(self, annotations):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Journal, "add", full)
    generator = FakeGenerator(concurrency=1)
    with pytest.raises(StorageError, match="No space left"):
        run(tmp_path, generator)
    assert not (tmp_path / "out").exists()
