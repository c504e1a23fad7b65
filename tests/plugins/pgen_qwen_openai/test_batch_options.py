"""Options of `openai-batch` that are refused, and commands that refuse it."""

import pytest
from batch_server import BatchServer
from parsed_page import invoked
from rendered_example import write_example

from pgen.errors import ConfigError
from pgen_qwen_openai.batch_generator import OpenAIBatchGenerator


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"api_key_env": "sk-12 3"}, "^generator openai-batch: option api_key_env takes the name"),
        ({"base_url": "http://me:pass@x/v1"}, "^generator openai-batch: option base_url takes an address"),
        ({"base_url": "x"}, "^generator openai-batch: option base_url: an address begins"),
        ({"poll": 0}, "^generator openai-batch: option poll"),
    ],
)
def test_errors_of_options_name_this_generator(options, message):
    with pytest.raises(ConfigError, match=message):
        OpenAIBatchGenerator(**options)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["preview", "--generator", "openai-batch", "--model", "m"], "preview --generator openai-batch: its responses"),
        (
            ["preview", "--generator", "template", "--judge", "openai-batch", "--opt", "judge.model=m"],
            "preview --judge openai-batch: its responses",
        ),
        (
            ["segment", "--segmenter", "hybrid", "--generator", "openai-batch", "--model", "m"],
            "--generator openai-batch: the requests about an episode follow each other",
        ),
    ],
)
def test_what_needs_responses_at_once_refuses_batches_before_any_request(tmp_path, arguments, message):
    example = write_example(tmp_path / "source")
    out = [] if arguments[0] == "preview" else ["--output-dir", tmp_path / "out"]
    with BatchServer() as server:
        of = "judge" if "--judge" in arguments else "generator"
        urls = ["--opt", f"{of}.base_url={server.url}"]
        output = invoked(*arguments, "--root", example, *out, *urls, code=2)
    assert message in output
    assert not server.bodies
