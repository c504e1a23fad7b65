"""The script: its functions in notebooks and threads, what they refuse, and the flags that its messages name."""

import asyncio
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from PIL import Image

import annotate_pgen
from annotate_pgen import annotate_sample, call_qwen, construct_prompt
from pgen.errors import ConfigError, InputError, SampleError

SCRIPT = Path(annotate_pgen.__file__)
SAMPLE = {
    "episode_id": "ep_001",
    "t": 37,
    "images": ["cam0.jpg"],
    "skill_current": "pick up the KitKat",
    "skill_history": ["open fridge"],
    "task_description": "making a sandwich",
}


@pytest.fixture
def image(tmp_path):
    Image.new("RGB", (64, 48), (90, 120, 40)).save(tmp_path / "cam0.jpg")
    return tmp_path / "cam0.jpg"


@pytest.fixture
def options(tiny_checkpoint):
    """A tiny model, whose name is a path."""
    return {"model": tiny_checkpoint("qwen2_vl"), "device": "cpu", "max_new_tokens": 2048}


def without(key):
    return {name: value for name, value in SAMPLE.items() if name != key}


@pytest.mark.parametrize(
    ("sample", "problem"),
    [
        *((without(key), f"{key!r} is a required property") for key in SAMPLE),
        ({**SAMPLE, "t": "37"}, r"\$\.t: '37' is not of type 'integer'"),
        ({**SAMPLE, "skill_history": "open fridge"}, r"\$\.skill_history: 'open fridge' is not of type 'array'"),
        ({**SAMPLE, "images": "cam0.jpg"}, r"\$\.images: 'cam0.jpg' is not of type 'array'"),
        ({**SAMPLE, "images": [3]}, r"\$\.images\[0\]: 3 is not of type 'string'"),
        ("a sample", "is not of type 'object'"),
        (None, "None is not of type 'object'"),
    ],
)
@pytest.mark.parametrize("function", [construct_prompt, annotate_sample])
def test_a_sample_that_does_not_fit_the_schema_is_refused_with_the_place(function, sample, problem):
    with pytest.raises(InputError, match=rf"the sample does not fit the schema `labeled` at .*{problem}"):
        function(sample)


def test_the_images_of_a_sample_may_be_paths_and_pictures():
    for picture in (Path("cam0.jpg"), Image.new("RGB", (8, 8))):
        assert construct_prompt({**SAMPLE, "images": (picture,)}) == construct_prompt(SAMPLE)


def test_an_image_that_is_missing_or_broken_is_named_by_its_path(tmp_path):
    with pytest.raises(SampleError, match=rf"decode: {re.escape(str(tmp_path))}/none.jpg is missing"):
        call_qwen([tmp_path / "none.jpg"], "Say something.")
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8 no more")
    for path in (tmp_path / "broken.jpg", str(tmp_path / "broken.jpg"), tmp_path):
        with pytest.raises(SampleError, match=rf"decode: {re.escape(str(path))} does not open"):
            annotate_sample({**SAMPLE, "images": [path]})


def test_a_git_lfs_pointer_in_place_of_an_image_is_named_with_the_remedy(tmp_path):
    (tmp_path / "cam0.jpg").write_text(f"version https://git-lfs.github.com/spec/v1\noid sha256:{'0' * 64}\nsize 9\n")
    with pytest.raises(SampleError, match=r"cam0\.jpg is a Git LFS pointer; .*`git lfs pull`"):
        call_qwen([tmp_path / "cam0.jpg"], "Say something.")


def test_a_picture_that_was_opened_and_cannot_be_decoded_is_named_by_its_path(tmp_path):
    Image.effect_noise((320, 240), 60).save(tmp_path / "cut.jpg")
    whole = (tmp_path / "cut.jpg").read_bytes()
    (tmp_path / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    with Image.open(tmp_path / "cut.jpg") as picture, pytest.raises(SampleError, match=r"cut\.jpg does not open"):
        call_qwen([picture], "Say something.")


@pytest.mark.parametrize("single", ["cam0.jpg", Path("cam0.jpg"), Image.new("RGB", (8, 8))])
def test_a_single_image_in_place_of_a_list_is_refused(single):
    with pytest.raises(InputError, match="images must be a list"):
        call_qwen(single, "Say something.")


def test_something_that_is_no_image_is_refused_by_its_place():
    with pytest.raises(InputError, match="camera 1: int is neither a path nor a PIL image"):
        call_qwen([Image.new("RGB", (8, 8)), 3], "Say something.")


def test_an_option_that_the_generator_does_not_have_is_refused():
    with pytest.raises(ConfigError, match=r"there is no option temprature \(did you mean temperature\?\)"):
        call_qwen([], "Say something.", temprature=1.0)


def test_a_model_may_be_named_by_a_path_and_is_loaded_once(options, image):
    sample = {**SAMPLE, "images": [str(image)]}
    before = len(annotate_pgen._generators)
    first = annotate_sample(sample, **options)
    again = annotate_sample(sample, **{**options, "model": str(options["model"])})
    assert first == again
    assert first["user_prompt"]
    assert first["robot_utterance"]
    assert len(annotate_pgen._generators) == max(before, 1)


def test_it_works_inside_a_running_event_loop_as_in_a_notebook(options, image):
    async def cell():
        return call_qwen([image], construct_prompt(SAMPLE), **options)

    assert asyncio.run(cell())["user_prompt"]


def test_threads_may_call_at_once_and_share_one_model(options, image):
    own = {**options, "temperature": 0.5}  # not opened by another test
    before = len(annotate_pgen._generators)
    with ThreadPoolExecutor(4) as pool:
        replies = list(pool.map(lambda _: call_qwen([image], construct_prompt(SAMPLE), **own), range(4)))
    assert all(reply == replies[0] for reply in replies)
    assert len(annotate_pgen._generators) == before + 1


def script(*arguments):
    return subprocess.run([sys.executable, SCRIPT, *map(str, arguments)], capture_output=True, text=True)


def test_messages_name_the_flags_of_the_script(tmp_path):
    done = script("--output-dir", tmp_path / "out", "--device", "cpu")
    assert done.returncode == 2
    assert "--data-dir" in done.stderr
    assert "--root" not in done.stderr


def test_every_flag_that_a_message_may_name_is_taken_and_underscores_too(tmp_path):
    done = script("--output_dir", tmp_path / "out", "--data_dir", tmp_path, "--max_failures", "nan")
    assert done.returncode == 2
    assert "Invalid value for '--max-failures': nan is not a finite number" in done.stderr
    assert re.search("No such option.*--modl", script("--output-dir", tmp_path / "out", "--modl", "x").stderr)


def test_a_script_that_calls_the_model_ends_without_a_word(options, image):
    code = (
        "from annotate_pgen import call_qwen\n"
        f"print(sorted(call_qwen([{str(image)!r}], 'Reply.', model={str(options['model'])!r}, device='cpu', "
        "max_new_tokens=2048)))"
    )
    command = [sys.executable, "-W", "ignore", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, cwd=SCRIPT.parent)
    assert done.stdout == "['robot_utterance', 'user_prompt']\n"
    assert not re.search("Traceback|Task was destroyed|Exception ignored", done.stderr)
