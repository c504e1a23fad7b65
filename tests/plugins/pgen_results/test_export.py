import json
import os
import shutil
from pathlib import Path

import pytest
import report_runs
from hypothesis import given
from hypothesis import strategies as st
from parsed_page import invoked
from PIL import Image
from rendered_example import write_example
from report_runs import CAMERAS, reply
from unfinished import answered

import pgen
from pgen.errors import ConfigError
from pgen.formats.syn_annotations import read_lines
from pgen.safety.bounded_json import json_lines
from pgen.storage.unfinished import inspect
from pgen.testing import FakeGenerator, make_episode
from pgen_dialogue.prompts.hi_robot import HiRobotPrompt
from pgen_results.export import ExportOptions, export_chats, validation_episodes
from pgen_results.read import RunResults, open_results

EPISODES = 4


@pytest.fixture(scope="module")
def result(dataset):
    return dataset / "out"


@pytest.fixture(scope="module")
def chats(result, tmp_path_factory):
    out = tmp_path_factory.mktemp("chats") / "chats"
    output = invoked("export", result, "--output-dir", out, "--validation", "0.4")
    assert output.splitlines()[:2] == ["train      30 chats of 2 episodes", "validation 30 chats of 2 episodes"]
    return out


def lines(folder, part):
    return [json.loads(line) for line in (folder / f"{part}.jsonl").read_text(encoding="utf-8").splitlines()]


def exported(folder, out, root=None, **options):
    with open_results(folder, root) as results:
        return export_chats(results, out, ExportOptions(**options))


def refused(folder, out):
    return invoked("export", folder, "--output-dir", out, code=2)


def test_a_chat_holds_the_frame_s_images_in_the_order_of_the_cameras_and_its_dialogue(chats, result):
    annotations = list(read_lines(result / "meta/syn_annotations.jsonl"))
    parts = [{line["episode_id"] for line in lines(chats, part)} for part in ("train", "validation")]
    assert sum(map(len, parts)) == len(set.union(*parts)) == EPISODES
    in_order = [line for part in parts for line in annotations if line["episode_id"] in part]
    assert {line["scope"] for line in in_order} == {"episode", "phase", "standing", "step"}
    for chat, line in zip(lines(chats, "train") + lines(chats, "validation"), in_order, strict=True):
        assert (chat["episode_id"], chat["frame_index"]) == (line["episode_id"], line["frame_index"])
        assert chat["scope"] == line["scope"]
        system, user, assistant = chat["messages"]
        assert (system["role"], user["role"], assistant["role"]) == ("system", "user", "assistant")
        assert [part.get("image") for part in user["content"]] == [*chat["images"], None]
        assert user["content"][-1] == {"type": "text", "text": line["user_prompt"]}
        answer = {"robot_utterance": line["robot_utterance"], "skill": line["skill_current"]}
        assert json.loads(assistant["content"][0]["text"]) == answer
        assert chat["cameras"] == list(CAMERAS)
        for name, camera in zip(chat["images"], CAMERAS, strict=True):
            with Image.open(chats / name) as image:
                expected = report_runs.colour(line["episode_index"], line["frame_index"], camera)
                assert image.getpixel((32, 24)) == pytest.approx(expected, abs=4)


def test_counterfactuals_are_exported_on_request_and_lead_to_their_own_skill_or_to_none(result, tmp_path):
    root, prompt = write_example(tmp_path / "data"), HiRobotPrompt(counterfactuals=1.0)
    pgen.annotate(root, tmp_path / "out", generator="template", prompt=prompt, variants=1)
    counterfactuals = list(json_lines(tmp_path / "out/meta/counterfactuals.jsonl"))
    without = exported(tmp_path / "out", tmp_path / "without").chats.total()
    report = exported(tmp_path / "out", tmp_path / "chats", counterfactuals=True, validation=0)
    assert report.chats.total() == without + len(counterfactuals)
    chats = [chat for chat in lines(tmp_path / "chats", "train") if chat["scope"] == "counterfactual"]
    for chat, (_, line) in zip(chats, counterfactuals, strict=True):
        answer = json.loads(chat["messages"][2]["content"][0]["text"])
        assert answer == {"robot_utterance": line["robot_utterance"], "skill": line["skill_target"]}
        assert chat["messages"][1]["content"][-1]["text"] == line["user_prompt"]
        assert len(chat["images"]) == len(chat["cameras"]) > 0
        assert "null" in chat["messages"][0]["content"][0]["text"]
        assert "null" not in lines(tmp_path / "without", "train")[0]["messages"][0]["content"][0]["text"]
    assert {line["skill_target"] is None for _, line in counterfactuals} >= {True}
    with pytest.raises(ConfigError, match="annotate with --counterfactuals"):
        exported(result, tmp_path / "none", counterfactuals=True)


def test_the_same_seed_splits_alike_and_another_otherwise(result):
    with open_results(result) as results:
        splits = [validation_episodes(results, ExportOptions(seed=seed, validation=0.4)) for seed in (0, 0, 1, 2, 3)]
    assert splits[0] == splits[1]
    assert len({frozenset(split) for split in splits}) > 1


@given(st.integers(1, 40), st.floats(0, 0.99))
def test_both_parts_have_an_episode_where_there_are_two_and_a_share(episodes, share):
    def read():
        return ((make_episode(index=index), [{"status": "ok"}]) for index in range(episodes))

    chosen = validation_episodes(RunResults("made", {}, None, read), ExportOptions(validation=share))
    assert chosen <= set(range(episodes))
    assert len(chosen) < episodes
    assert (len(chosen) > 0) == (share > 0 and episodes > 1)


def test_failed_samples_are_left_out_and_counted(dataset, tmp_path):
    def answer(request):
        return pgen.SampleError("refused", "no") if request.sample.span.skill_index else reply("Grab it.")

    options = {"generator": FakeGenerator(answer), "prompt": "seed", "max_failures": 1.0}
    pgen.annotate(dataset / "data", tmp_path / "out", **options)
    report = exported(tmp_path / "out", tmp_path / "chats")
    assert report.chats == {"train": 3, "validation": 1}
    assert report.left_out == {"failed": EPISODES}


def test_an_unusable_folder_and_an_empty_run_are_refused(result, tmp_path):
    (tmp_path / "mine").mkdir()
    assert "exists already" in refused(result, tmp_path / "mine")
    assert list((tmp_path / "mine").iterdir()) == []
    assert "lies inside the input" in refused(result, result / "chats")
    assert not (result / "chats").exists()
    shutil.copytree(result, tmp_path / "empty")
    (tmp_path / "empty/meta/syn_annotations.jsonl").write_text("")
    assert "holds no answered sample" in refused(tmp_path / "empty", tmp_path / "chats")
    assert not (tmp_path / "chats").exists()


def test_every_file_is_on_the_disk_before_the_folder_has_its_name(result, tmp_path, monkeypatch):
    synced, missing, sync, rename = set(), [], os.fsync, os.rename

    def record_sync(descriptor):
        synced.add(Path(f"/proc/self/fd/{descriptor}").readlink())
        sync(descriptor)

    def check_rename(old, new, **options):
        if Path(new) == tmp_path / "out":
            missing.append({path for path in Path(old).rglob("*") if path not in synced})
        rename(old, new, **options)

    monkeypatch.setattr(os, "fsync", record_sync)
    monkeypatch.setattr(os, "rename", check_rename)
    exported(result, tmp_path / "out")
    assert missing == [set()]


def test_the_journal_of_an_unfinished_run_is_left_alone(result, tmp_path):
    journal = answered(tmp_path / ".out.pgen/journal.sqlite", "annotate")
    assert f"{journal} holds 1 result of an unfinished `pgen annotate`" in refused(result, tmp_path / "out")
    assert inspect(journal).results == 1
    journal.write_bytes(b"answers")
    assert "may hold results of an unfinished command" in refused(result, tmp_path / "out")
    assert journal.read_bytes() == b"answers"


def test_lines_without_images_require_the_input(dataset, tmp_path):
    pgen.annotate(dataset / "data", tmp_path / "lines", generator="template", sink="jsonl")
    assert "--root" in refused(tmp_path / "lines", tmp_path / "chats")
    assert [path.name for path in tmp_path.iterdir()] == ["lines"]
    assert exported(tmp_path / "lines", tmp_path / "chats", dataset / "data").chats.total() == 15 * EPISODES


def test_names_of_images_are_numbers_whatever_a_camera_is_called(tmp_path):
    root = report_runs.rendered(tmp_path / "data", 1, codec="png", cameras=("observation.images.to:p up",))
    pgen.annotate(root, tmp_path / "out", generator="template")
    exported(tmp_path / "out", tmp_path / "chats")
    images = list(dict.fromkeys(name for chat in lines(tmp_path / "chats", "train") for name in chat["images"]))
    assert images == [f"images/episode_000000/frame_0000{frame}_camera_0.jpg" for frame in ("00", "10")]


def test_text_that_utf_8_cannot_encode_is_written_as_an_escape(out, tmp_path):
    path = out / "meta/syn_annotations.jsonl"
    first, *others = read_lines(path)
    path.write_text("".join(json.dumps(line) + "\n" for line in [{**first, "user_prompt": "half \ud83d é"}, *others]))
    exported(out, tmp_path / "chats", validation=0)
    assert lines(tmp_path / "chats", "train")[0]["messages"][1]["content"][-1]["text"] == "half \ud83d é"


def test_provenance_is_stored_with_the_chats(chats):
    provenance = json.loads((chats / "export.json").read_text())
    assert provenance["generator"]["name"] == "template"
    assert provenance["chats"] == {"train": 30, "validation": 30}
    assert (provenance["seed"], provenance["validation"]) == (0, 0.4)


def test_transformers_accepts_a_chat(chats, tiny_checkpoint, monkeypatch):
    from transformers import AutoProcessor

    processor = AutoProcessor.from_pretrained(tiny_checkpoint("qwen2_vl"))
    monkeypatch.chdir(chats)
    chat = lines(Path(), "train")[0]
    inputs = processor.apply_chat_template(chat["messages"], tokenize=True, return_dict=True, return_tensors="pt")
    assert len(inputs["image_grid_thw"]) == 2
    text = processor.apply_chat_template(chat["messages"], tokenize=False)
    assert chat["messages"][1]["content"][-1]["text"] in text
