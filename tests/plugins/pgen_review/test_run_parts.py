"""The generator of a run, made again from its manifest, which may be a stranger's."""

import json
from contextlib import contextmanager

import pytest
from review_edits import copied

from pgen.errors import ConfigError
from pgen_review.results import open_review
from pgen_review.run_parts import address, parts_of

URL = "http://127.0.0.1:9/v1"
QWEN = {"name": "qwen-openai", "base_url": [URL], "model": "tiny", "temperature": 0.5, "found": {"format": "plain"}}

REQUIRED = {"generator": {"model": None, "found": {}}, "prompt": {"hash": "0"}, "sampler": {}}
"""What the schema requires of a component."""


@pytest.fixture
def parts(numbered_run, tmp_path):
    """Return what a manifest with other components gives."""
    folder = copied(numbered_run, tmp_path)

    @contextmanager
    def made(flags=None, opt=(), **components):
        path = folder / "meta/pgen/manifest.json"
        manifest = json.loads(path.read_text())
        for kind, described in components.items():
            manifest[kind] = {**REQUIRED.get(kind, manifest[kind]), **described}
        path.write_text(json.dumps(manifest))
        with open_review(folder) as review:
            yield parts_of(review, flags or {}, opt)

    return made


def test_the_components_have_the_options_of_the_run(parts):
    with parts(generator=QWEN, prompt={"name": "seed"}, run={"seed": 7, "max_pixels": 2048}) as (made, options):
        assert (made.generator.options.model, made.generator.options.temperature) == ("tiny", 0.5)
        assert (address(made), made.prompts.name, options.seed, options.max_pixels) == (URL, "seed", 7, 2048)
        assert made.checks


def test_nothing_of_a_manifest_starts_a_program_or_waits_long(parts):
    described = {**QWEN, "serve": "touch /tmp/never {port}", "replicas": 4, "wait_for_server": 600, "max_retries": 8}
    with parts(generator=described) as (made, _):
        options = made.generator.options
        assert (options.serve, options.replicas, options.wait_for_server, options.max_retries) == (None, 1, 0, 2)


def test_no_code_of_a_model_is_run_because_a_manifest_says_so(parts):
    with parts(generator={"name": "qwen-transformers", "model": "some/model", "trust_remote_code": True}) as (made, _):
        assert (made.generator.options.model, made.generator.options.trust_remote_code) == ("some/model", False)


@pytest.mark.parametrize(
    ("flags", "opt", "expected"),
    [
        ({"model": "other"}, (), {"model": "other", "temperature": 0.5}),
        ({"base_url": f"{URL}/2", "max_retries": None}, (), {"base_url": (f"{URL}/2",)}),
        ({}, ("generator.max_retries=5",), {"max_retries": 5}),
        ({"generator": "template"}, (), {"concurrency": 64}),
        ({"generator": "qwen-openai", "base_url": URL}, (), {"model": "tiny"}),
    ],
)
def test_flags_replace_what_the_manifest_says(parts, flags, opt, expected):
    with parts(flags, opt, generator=QWEN) as (made, _):
        assert {name: getattr(made.generator.options, name) for name in expected} == expected


@pytest.mark.parametrize(
    ("components", "reason"),
    [
        ({"prompt": {"name": "file", "path": "/etc/passwd"}}, "--prompt file:PATH"),
        ({"generator": {"name": "replay", "file": "/etc/passwd"}}, "--generator NAME"),
        ({"generator": {**QWEN, "name": "openai-batch"}}, "answers in batches"),
        ({"generator": {"name": "my-own"}}, "my-own"),
        ({"generator": {"name": "qwen-openai", "model": "tiny"}}, "name the server"),
    ],
)
def test_what_cannot_be_asked_again_is_refused_in_a_sentence(parts, components, reason):
    with pytest.raises(ConfigError, match=reason), parts(**components):
        pass


def test_a_prompt_of_ones_own_is_named_again(parts, tmp_path):
    (tmp_path / "mine.txt").write_text("Next: {skill_current}")
    described = {"name": "file", "path": "/gone.txt", "reply": "typed"}
    with parts({"prompt": f"file:{tmp_path / 'mine.txt'}"}, prompt=described) as (made, _):
        assert made.prompts.options.reply == "typed"


def test_moments_that_a_file_chose_come_from_the_lines(parts):
    with parts(sampler={"name": "replay", "file": "/etc/passwd"}) as (made, _):
        assert made.sampler.name != "replay"
