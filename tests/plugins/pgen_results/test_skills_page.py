"""The report of a segmentation: what is read, counted and shown."""

import shutil

import pytest
from parsed_page import invoked, reported
from rendered_example import write_example
from report_runs import HOSTILE, segmented

from pgen.errors import SampleError
from pgen_results.read import open_segmentation
from pgen_results.skills_page import count_spans, length_histogram

SPANS = [
    [{"name": "reach the brick", "start": 0, "end": 2.0}, {"name": "lift it", "start": 2.0, "end": "99:00"}],
    [{"name": "reach the brick", "start": 0, "end": 4.0}, {"name": HOSTILE, "start": 4.0, "end": 8.9}],
]


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = write_example(tmp_path_factory.mktemp("skills") / "in")
    (root / "meta/skills.json").unlink()
    return root


@pytest.fixture(scope="module")
def made(root, tmp_path_factory):
    return segmented(root, tmp_path_factory.mktemp("skills") / "out", *SPANS)


@pytest.fixture
def out(made, tmp_path):
    return shutil.copytree(made, tmp_path / "out")


def test_report_writes_a_page_with_each_span_and_its_image(out):
    report = reported(out)
    data = report.data()
    assert data["skills"] == ["reach the brick", " ".join(HOSTILE.split()), "lift it"]
    assert [episode["spans"] for episode in data["episodes"]] == [
        [[0, 0.0, 2.0], [2, 2.0, 10.1]],
        [[0, 0.0, 4.0], [1, 4.0, 8.9]],
    ]
    assert [episode["images"] for episode in data["episodes"]] == [[0, 1], [2, 3]]
    assert len(set(data["thumbnails"])) == 4
    assert "spans reaching beyond their episode: clipped" in report.text
    assert "names made imperative" in report.text
    assert 'never used: <span dir="auto">wave</span>' in report.text


def test_names_are_counted_with_their_lengths(made):
    with open_segmentation(made) as segmentation:
        names = count_spans(segmentation)
    assert (names["reach the brick"].lengths, names["reach the brick"].episodes) == ([2.0, 4.0], 2)
    bars = length_histogram(length for use in names.values() for length in use.lengths)
    assert [(low, count) for low, _, count in bars if count] == [("2", 1), ("4", 1), ("4.5", 1), ("8", 1)]
    assert length_histogram([]) == []


def test_a_failed_episode_is_shown_with_its_reason(root, tmp_path):
    failed = reported(segmented(root, tmp_path / "out", SPANS[0], SampleError("refused", HOSTILE))).data()["episodes"][
        1
    ]
    assert failed["spans"] == []
    assert failed["failed"].startswith("refused: ")


def test_skills_alone_are_shown_without_images_and_beside_their_dataset_with_them(root, tmp_path):
    out = segmented(root, tmp_path / "out", *SPANS, skills_only=True)
    report = reported(out)
    assert report.data()["thumbnails"] == []
    assert [episode["id"] for episode in report.data()["episodes"]] == ["ep_000000", "ep_000001"]
    assert "name its dataset with --root" in report.text
    assert len(reported(out, "--root", root).data()["thumbnails"]) == 4


def test_a_dataset_without_its_videos_is_shown_without_images(out):
    shutil.rmtree(out / "videos")
    data = reported(out).data()
    assert data["thumbnails"] == []
    assert [len(episode["spans"]) for episode in data["episodes"]] == [2, 2]


def test_of_many_spans_whole_episodes_are_shown_and_the_page_says_so(out):
    report = reported(out, "--samples", 2)
    assert [len(episode["spans"]) for episode in report.data()["episodes"]] == [2]
    assert "2 of the 4 spans are in this page" in report.text


def test_a_page_of_the_input_is_not_copied_to_the_output(out, tmp_path):
    reported(out)
    segmented(out, tmp_path / "again", *SPANS, overwrite=True)
    assert not (tmp_path / "again/report.html").exists()


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("meta/pgen/segmentation.json", "{}", "does not fit the schema `segmentation`"),
        ("meta/pgen/segmentation.json", "{", "segmentation.json"),
        ("meta/skills.json", None, "skills.json is missing"),
    ],
)
def test_an_incomplete_result_is_refused(out, file, text, message):
    (out / file).unlink()
    if text is not None:
        (out / file).write_text(text)
    assert message in invoked("report", out, code=2)


def test_a_folder_with_neither_a_segmentation_nor_dialogue_is_refused(tmp_path):
    assert "or `pgen segment`" in invoked("report", tmp_path, code=2)
