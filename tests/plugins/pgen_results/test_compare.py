import pytest
import report_runs
from click.testing import CliRunner
from report_runs import HOSTILE, answered

import pgen
from pgen.cli import cli
from pgen.errors import InputError
from pgen_results.compare import compare_page, compare_text, compared, rows
from pgen_results.read import opened
from pgen_samplers.samplers import Segments

SKILLS = [("reach for the cup", 0.0, 2.0), ("lift the cup", 2.0, 4.0)]


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Two runs over one dataset: the second asked about every other sample, and half of its words differ."""
    folder = tmp_path_factory.mktemp("compare")
    options = {"episodes": 2, "skills": SKILLS}
    report_runs.run(folder / "first", lambda request: answered("Grab it."), **options)
    sparse = Segments(interval=2.0)

    def second(request):
        if request.sample.episode_index:
            return pgen.SampleError("refused", "no") if request.sample.skill_index else answered("Grab it.")
        return answered("Hold the cup, please.", scenario=None)

    report_runs.run(folder / "second", second, sampler=sparse, **options)
    return folder


@pytest.fixture
def both(folders):
    with opened(folders / "first") as a, opened(folders / "second") as b:
        yield compared(a, b)


def test_runs_are_compared_on_the_samples_that_both_have(both):
    assert both.samples == (8, 4)
    assert [figures.samples for figures in both.figures] == [4, 4]
    assert [figures.answered for figures in both.figures] == [4, 3]


def test_the_same_words_are_counted(both):
    assert both.same == 1


def test_each_variant_of_a_moment_is_compared_with_its_own(tmp_path):
    said = lambda request: answered(f"Grab number {request.sample.variant}.")  # noqa: E731
    for name in ("first", "second"):
        report_runs.run(tmp_path / name, said, episodes=1, variants=2)
    with opened(tmp_path / "first") as a, opened(tmp_path / "second") as b:
        found = compared(a, b)
    assert found.same == found.samples[0] == 4


def test_the_table_names_what_differs(both):
    told = {name: (one, other) for name, one, other in rows(both)}
    assert told["samples in both"] == ("4 of 8", "4 of 4")
    assert told["failed"] == ("0", "1")
    assert told["words a user prompt"] == ("2.0", "3.3")
    assert "cost" not in told
    assert rows(both, 1.0)[-1] == ("cost", "0.00", "0.00")


def test_the_terminal_shows_both_in_columns(both):
    lines = compare_text(both).splitlines()
    assert lines[0].split() == ["first", "second"]
    assert lines[0].index("second") == lines[1].rindex("fake")
    assert lines[-1] == "same words: 1 of 4 samples"


def test_runs_without_a_sample_in_common_are_refused(folders, tmp_path):
    other = report_runs.run(tmp_path / "other", lambda request: answered("Wipe it."), skills=[("wipe", 0.0, 1.0)])
    with opened(folders / "first") as a, opened(other) as b, pytest.raises(InputError, match="no sample in common"):
        compared(a, b)


def test_the_command_prints_the_table_and_writes_the_page(folders, tmp_path):
    arguments = ["compare", str(folders / "first"), str(folders / "second"), "--page", str(tmp_path / "page.html")]
    told = CliRunner().invoke(cli, arguments)
    assert told.exit_code == 0, told.output
    assert "same words: 1 of 4 samples" in told.output
    assert "Two runs compared" in (tmp_path / "page.html").read_text()


def test_a_folder_without_a_result_is_named(folders, tmp_path):
    told = CliRunner().invoke(cli, ["compare", str(folders / "first"), str(tmp_path)])
    assert told.exit_code == 2
    assert f"{tmp_path} holds no syn_annotations.jsonl" in told.output


def test_hostile_text_is_text(tmp_path):
    skills = [(HOSTILE, 0.0, 1.0)]
    out = report_runs.run(tmp_path / HOSTILE.replace("/", "")[:40], lambda request: answered(HOSTILE), skills=skills)
    with opened(out) as a, opened(out) as b:
        found = compared(a, b)
        page = compare_page(found)
    assert "<img" not in page
    assert "\x1b" not in compare_text(found)
