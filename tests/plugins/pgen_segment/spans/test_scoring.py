import json
from itertools import pairwise

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from pgen.cli import cli
from pgen.records import Skill
from pgen_demo.dataset import Recording, write_dataset
from pgen_demo.layout import Layout
from pgen_segment.spans.scoring import edges, matched, score

cuts = st.lists(st.integers(1, 99), unique=True, max_size=6).map(sorted)
words = st.sampled_from(["reach", "pick up the cup", "place the cup"])


@st.composite
def spans(draw):
    times = [0, *draw(cuts), 100]
    return [Skill(draw(words), a / 10, b / 10) for a, b in pairwise(times)]


sets = st.dictionaries(st.integers(0, 5), spans(), min_size=1)


def skills(*found):
    return [Skill(*each) for each in found]


TRUE = {0: skills(("reach", 0, 2), ("grasp the cup", 2, 3), ("lift the cup", 3, 5))}


@given(sets)
def test_what_is_the_same_agrees_in_everything(reference):
    result = score(reference, reference)
    figures = [result.mean_iou, result.same_label, result.token_overlap, result.same_frames]
    assert figures == pytest.approx([1.0] * 4)
    assert all((b.precision, b.recall, b.f1) == (1.0, 1.0, 1.0) for b in result.boundaries)


@given(sets, sets)
def test_every_figure_lies_between_none_and_all_and_grows_with_the_tolerance(found, reference):
    result = score(found, reference)
    figures = [result.mean_iou, result.same_label, result.token_overlap, result.same_frames]
    figures += [each for b in result.boundaries for each in (b.precision, b.recall, b.f1)]
    assert all(0.0 <= figure <= 1.0 + 1e-9 for figure in figures)
    assert [b.matched for b in result.boundaries] == sorted(b.matched for b in result.boundaries)


@given(cuts, cuts, st.integers(0, 20))
def test_edges_are_matched_one_to_one_as_often_as_can_be(found, expected, tolerance):
    def most(ours, theirs):
        if not ours:
            return 0
        pairs = [1 + most(ours[1:], theirs[i + 1 :]) for i, t in enumerate(theirs) if abs(ours[0] - t) <= tolerance]
        return max([most(ours[1:], theirs), *pairs])

    assert matched(found, expected, tolerance) == most(found, expected)


def test_edges_are_those_inside_the_episode():
    assert edges(TRUE[0]) == pytest.approx([2, 3])


def test_figures_of_a_worked_example():
    found = {0: skills(("reach", 0, 2.4), ("grasp the mug", 2.4, 5))}
    result = score(found, TRUE)
    quarter, half, _ = result.boundaries
    assert (quarter.precision, quarter.recall, quarter.f1) == (0.0, 0.0, 0.0)
    assert (half.precision, half.recall) == (1.0, 0.5)
    assert half.f1 == pytest.approx(2 / 3)
    # reach: 2 of 2.4 s; grasp: 0.6 of 3 s; lift: 2 of 2.6 s.
    assert result.mean_iou == pytest.approx((2 / 2.4 + 0.6 / 3 + 2 / 2.6) / 3)
    assert result.same_label == pytest.approx(1 / 3)
    assert result.token_overlap == pytest.approx((1 + 2 / 3 + 1 / 3) / 3)
    assert result.same_frames == pytest.approx(2 / 5)


def test_an_episode_that_is_missing_agrees_in_nothing():
    result = score({7: TRUE[0]}, TRUE)
    assert (result.episodes, result.missing, result.spans) == (1, 1, 0)
    assert (result.mean_iou, result.same_label, result.same_frames) == (0, 0, 0)
    assert result.boundaries[2].recall == 0


def test_names_are_the_same_whatever_their_case_and_spaces():
    assert score({0: skills((" Reach  it", 0, 5))}, {0: skills(("reach it", 0, 5))}).same_label == 1


def file(path, episodes):
    told = {
        str(index): {"skills": [{"name": s.name, "start": s.start, "end": s.end} for s in found]}
        for index, found in episodes.items()
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"episodes": told}))
    return path


def test_the_command_compares_files_and_datasets(tmp_path):
    file(tmp_path / "true/meta/skills.json", TRUE)
    found = file(tmp_path / "found.json", {0: skills(("reach", 0, 2.4), ("lift the cup", 2.4, 5))})
    done = CliRunner().invoke(cli, ["score", str(found), str(tmp_path / "true")])
    assert done.output.splitlines() == [
        "episodes   1",
        "spans      2, expected 3",
        "",
        "edges within  precision    recall        F1",
        "0.25 s             0.00      0.00      0.00",
        "0.5 s              1.00      0.50      0.67",
        "1 s                1.00      0.50      0.67",
        "",
        "mean overlap over union     0.60",
        "spans with the same name    0.67",
        "words in common             0.89",
        "frames with the same name   0.80",
    ]


def test_as_json_the_command_prints_every_figure(tmp_path):
    true = file(tmp_path / "true.json", TRUE)
    told = json.loads(CliRunner().invoke(cli, ["score", str(true), str(true), "--json"]).output)
    assert told["boundaries"][1] == {"tolerance": 0.5, "precision": 1.0, "recall": 1.0, "f1": 1.0}
    assert (told["mean_iou"], told["same_frames"], told["missing"]) == (1.0, 1.0, 0)


@pytest.mark.parametrize("name", ["none.json", "."])
def test_a_file_that_is_missing_ends_the_command_with_a_sentence(tmp_path, name):
    done = CliRunner().invoke(cli, ["score", str(tmp_path / name), str(tmp_path)])
    assert done.exit_code == 2
    assert "there is no skills file" in done.stderr


def dataset(root, seconds, found):
    spans = {"0": {"skills": [{"name": one.name, "start": one.start, "end": one.end} for one in found]}}
    recording = Recording(length=round(seconds * 10), draw=lambda *_: Image.new("RGB", (16, 16)), task="tidy up")
    layout = Layout(fps=10, cameras=("observation.images.top",), codec="png")
    return write_dataset(root, [recording], layout, skills={"coarse_description": "tidy up", "episodes": spans})


@pytest.mark.parametrize("command", [["{a}", "{b}"], ["{b}", "{a}"], ["{a}/meta/skills.json", "{b}"]])
def test_two_datasets_whose_episodes_last_differently_are_refused(tmp_path, command):
    paths = {"a": dataset(tmp_path / "a", 5, TRUE[0]), "b": dataset(tmp_path / "b", 4.9, TRUE[0][:2])}
    done = CliRunner().invoke(cli, ["score", *(part.format(**paths) for part in command)])
    assert done.exit_code == 2
    assert "are of different datasets: episode 0 lasts" in done.stderr


def test_a_file_whose_spans_end_after_the_dataset_s_episode_is_refused(tmp_path):
    found = file(tmp_path / "found.json", {0: skills(("reach", 0, 40))})
    done = CliRunner().invoke(cli, ["score", str(found), str(dataset(tmp_path / "a", 5, TRUE[0]))])
    assert done.exit_code == 2
    assert "episode 0 lasts 5.00 s, and a span ends at 40.00 s. Name two sets" in done.stderr


def test_skills_without_an_episode_in_common_are_refused(tmp_path):
    one, other = file(tmp_path / "a.json", TRUE), file(tmp_path / "b.json", {7: TRUE[0]})
    done = CliRunner().invoke(cli, ["score", str(one), str(other)])
    assert done.exit_code == 2
    assert "they have no episode in common" in done.stderr


def test_two_sets_of_skills_of_one_dataset_are_compared(tmp_path):
    root = dataset(tmp_path / "a", 5, TRUE[0])
    copy = dataset(tmp_path / "b", 5, skills(("reach", 0, 2), ("lift", 2, 5.2)))
    found = file(tmp_path / "found.json", {0: skills(("reach", 0, 2), ("lift", 2, 5.4))})
    for other in (copy, found):
        assert CliRunner().invoke(cli, ["score", str(other), str(root)]).exit_code == 0
