import json
import os
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from unfinished import answered

import pgen
from pgen.cli import cli
from pgen.formats.syn_annotations import read_lines
from pgen.storage.unfinished import inspect
from pgen.testing import FakeGenerator, make_episode
from pgen_demo.dataset import Recording, write_dataset
from pgen_demo.layout import Layout
from pgen_results.export_chats import ExportOptions, validation_episodes, write_chats
from pgen_results.read import Told, opened

EPISODES = 5
CAMERAS = ("observation.images.front", "observation.images.wrist")
SPANS = [{"name": "reach for the cup", "start": 0.0, "end": 0.5}, {"name": "lift the cup", "start": 0.5, "end": 1.0}]


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    """An annotated dataset whose cameras show each episode and frame in a colour of its own."""
    folder = tmp_path_factory.mktemp("export")

    def draw(episode):
        return lambda camera, frame: Image.new(
            "RGB", (64, 48), (50 * episode, 20 * frame, 250 * (camera == CAMERAS[1]))
        )

    recordings = [Recording(length=10, draw=draw(episode), task="tidy up") for episode in range(EPISODES)]
    described = {str(i): {"episode_index": i, "description": "tidy up", "skills": SPANS} for i in range(EPISODES)}
    skills = {"coarse_description": "tidy up", "episodes": described}
    root = write_dataset(folder / "data", recordings, Layout(fps=10, cameras=CAMERAS, codec="png"), skills=skills)
    pgen.annotate(root, folder / "out", generator="template")
    return folder / "out"


@pytest.fixture(scope="module")
def chats(result, tmp_path_factory):
    out = tmp_path_factory.mktemp("chats") / "chats"
    told = CliRunner().invoke(cli, ["export", str(result), "--output-dir", str(out), "--validation", "0.4"])
    assert told.exit_code == 0, told.output
    assert told.output.splitlines()[:2] == ["train      6 chats of 3 episodes", "validation 4 chats of 2 episodes"]
    return out


def lines(folder, part):
    return [json.loads(line) for line in (folder / f"{part}.jsonl").read_text(encoding="utf-8").splitlines()]


def refused(*arguments):
    told = CliRunner().invoke(cli, ["export", *map(str, arguments)])
    assert told.exit_code == 2, told.output
    return told.output


def test_an_episode_is_in_one_part_alone(chats):
    train, validation = ({line["episode_id"] for line in lines(chats, part)} for part in ("train", "validation"))
    assert not train & validation
    assert len(train | validation) == EPISODES


def test_a_chat_asks_with_pictures_and_words_and_answers_with_words_and_skill(chats, result):
    told = {
        (line["episode_id"], line["frame_index"]): line for line in read_lines(result / "meta/syn_annotations.jsonl")
    }
    for chat in lines(chats, "train") + lines(chats, "validation"):
        line = told[chat["episode_id"], chat["frame_index"]]
        system, user, assistant = chat["messages"]
        assert (system["role"], user["role"], assistant["role"]) == ("system", "user", "assistant")
        assert [part["type"] for part in user["content"]] == ["image", "image", "text"]
        assert user["content"][-1]["text"] == line["user_prompt"]
        assert json.loads(assistant["content"][0]["text"]) == {
            "robot_utterance": line["robot_utterance"],
            "skill": line["skill_current"],
        }


def test_pictures_are_those_of_the_frame_in_the_order_of_the_cameras(chats):
    for chat in lines(chats, "train"):
        assert chat["images"] == [part["image"] for part in chat["messages"][1]["content"][:-1]]
        assert chat["cameras"] == list(CAMERAS)
        for name, blue in zip(chat["images"], (0, 250), strict=True):
            with Image.open(chats / name) as picture:
                colour = picture.getpixel((32, 24))
            expected = (50 * int(chat["episode_id"][-2:]), 20 * chat["frame_index"], blue)
            assert colour == pytest.approx(expected, abs=4)


def test_the_same_seed_splits_alike_and_another_otherwise(result):
    with opened(result) as told:
        splits = [validation_episodes(told, ExportOptions(seed=seed, validation=0.4)) for seed in (0, 0, 1, 2, 3)]
    assert splits[0] == splits[1]
    assert len({frozenset(split) for split in splits}) > 1


@given(st.integers(1, 40), st.floats(0, 0.99))
def test_both_parts_have_an_episode_where_there_are_two_and_a_share(episodes, share):
    told = Told("made", {}, None, lambda: ((make_episode(index=i), [{"status": "ok"}]) for i in range(episodes)))
    held = validation_episodes(told, ExportOptions(validation=share))
    assert held <= set(range(episodes))
    assert len(held) < episodes
    assert (len(held) > 0) == (share > 0 and episodes > 1)


def test_failed_samples_are_left_out_and_counted(result, tmp_path):
    def said(request):
        if request.sample.skill_index:
            return pgen.SampleError("refused", "no")
        return json.dumps({"user_prompt": "Grab it.", "robot_utterance": "Sure."})

    root = result.parent / "data"
    run = {"generator": FakeGenerator(said), "prompt": "seed", "max_failures": 1.0}
    pgen.annotate(root, tmp_path / "out", **run)
    with opened(tmp_path / "out") as told:
        done = write_chats(told, tmp_path / "chats", ExportOptions())
    assert done.chats == {"train": 4, "validation": 1}
    assert done.left_out == {"failed": EPISODES}


def test_an_existing_folder_is_refused_and_left_alone(result, tmp_path):
    (tmp_path / "mine").mkdir()
    assert "exists already" in refused(result, "--output-dir", tmp_path / "mine")
    assert list((tmp_path / "mine").iterdir()) == []


def test_every_file_is_on_the_disk_before_the_folder_has_its_name(result, tmp_path, monkeypatch):
    synced, at_the_rename, sync, rename = set(), [], os.fsync, os.rename

    def noted(descriptor):
        synced.add(Path(f"/proc/self/fd/{descriptor}").readlink())
        sync(descriptor)

    def renamed(old, new, **given):
        if Path(new) == tmp_path / "out":
            at_the_rename.append({path for path in Path(old).rglob("*") if path not in synced})
        rename(old, new, **given)

    monkeypatch.setattr(os, "fsync", noted)
    monkeypatch.setattr(os, "rename", renamed)
    with opened(result) as told:
        write_chats(told, tmp_path / "out", ExportOptions())
    assert at_the_rename == [set()]
    assert len(list((tmp_path / "out").rglob("*.jpg"))) == 20


def test_the_answers_of_an_unfinished_run_are_left_alone(result, tmp_path):
    journal = answered(tmp_path / ".out.pgen/journal.sqlite", "annotate")
    told = refused(result, "--output-dir", tmp_path / "out")
    assert f"{journal} holds 1 answer of an unfinished `pgen annotate`" in told
    assert inspect(journal).answers == 1


def test_a_file_that_may_hold_answers_is_left_alone(result, tmp_path):
    journal = tmp_path / ".out.pgen/journal.sqlite"
    journal.parent.mkdir()
    journal.write_bytes(b"answers")
    assert "may hold answers of an unfinished command" in refused(result, "--output-dir", tmp_path / "out")
    assert journal.read_bytes() == b"answers"


def test_a_folder_inside_the_dataset_is_refused(result):
    assert "lies inside the input" in refused(result, "--output-dir", result / "chats")
    assert not (result / "chats").exists()


def test_lines_without_pictures_ask_for_the_input_and_take_it(result, tmp_path):
    pgen.annotate(result.parent / "data", tmp_path / "lines", generator="template", sink="jsonl")
    assert "--root" in refused(tmp_path / "lines", "--output-dir", tmp_path / "chats")
    assert [path.name for path in tmp_path.iterdir()] == ["lines"]
    with opened(tmp_path / "lines", result.parent / "data") as told:
        done = write_chats(told, tmp_path / "chats", ExportOptions())
    assert done.chats.total() == 2 * EPISODES


def test_a_run_without_an_answer_has_nothing_to_export(result, tmp_path):
    out = shutil.copytree(result, tmp_path / "out")
    (out / "meta/syn_annotations.jsonl").write_text("")
    assert "holds no answered sample" in refused(out, "--output-dir", tmp_path / "chats")
    assert not (tmp_path / "chats").exists()


def test_names_of_pictures_are_numbers_alone_whatever_a_camera_is_called(tmp_path):
    recording = Recording(length=4, draw=lambda camera, frame: Image.new("RGB", (32, 32)), task="wipe")
    described = {"0": {"episode_index": 0, "description": "wipe", "skills": [{"name": "wipe", "start": 0, "end": 1}]}}
    layout = Layout(fps=10, cameras=("observation.images.to:p up",), codec="png")
    skills = {"coarse_description": "wipe", "episodes": described}
    root = write_dataset(tmp_path / "data", [recording], layout, skills=skills)
    pgen.annotate(root, tmp_path / "out", generator="template")
    with opened(tmp_path / "out") as told:
        write_chats(told, tmp_path / "chats", ExportOptions())
    (chat,) = lines(tmp_path / "chats", "train")
    assert chat["images"] == ["images/episode_000000/frame_000000_camera_0.jpg"]


def test_text_that_no_file_can_hold_is_written_as_json_writes_it(result, tmp_path):
    out = shutil.copytree(result, tmp_path / "out")
    path = out / "meta/syn_annotations.jsonl"
    told = list(read_lines(path))
    told[0]["user_prompt"] = "half \ud83d é"
    path.write_text("".join(json.dumps(line) + "\n" for line in told))
    with opened(out) as found:
        write_chats(found, tmp_path / "chats", ExportOptions(validation=0))
    assert lines(tmp_path / "chats", "train")[0]["messages"][1]["content"][-1]["text"] == "half \ud83d é"


def test_the_folder_says_what_it_was_made_from(chats):
    told = json.loads((chats / "export.json").read_text())
    assert told["generator"]["name"] == "template"
    assert told["chats"] == {"train": 6, "validation": 4}
    assert (told["seed"], told["validation"]) == (0, 0.4)


def test_a_chat_is_what_a_model_of_transformers_takes(chats, tiny_checkpoint, monkeypatch):
    from transformers import AutoProcessor

    processor = AutoProcessor.from_pretrained(tiny_checkpoint("qwen2_vl"))
    monkeypatch.chdir(chats)
    chat = lines(Path(), "train")[0]
    taken = processor.apply_chat_template(chat["messages"], tokenize=True, return_dict=True, return_tensors="pt")
    assert len(taken["image_grid_thw"]) == 2
    text = processor.apply_chat_template(chat["messages"], tokenize=False)
    assert chat["messages"][1]["content"][-1]["text"] in text
