"""A key in every form and every position in which a server, a library or a user can put it is redacted.

Each sample of a run of the command line receives the key in one form and position; then every byte that the run
printed, stored or wrote is searched.
"""

import base64
import html
import itertools
import json
import logging
import os
import subprocess
import sys
import urllib.parse

import hostile_server as hostile
import pytest
from click.testing import CliRunner
from hostile_server import HostileServer

from pgen.api import annotate
from pgen.cli import cli
from pgen.cli.streams import show_traceback
from pgen.errors import TooManyFailuresError
from pgen.safety.key_forms import Mask
from pgen.safety.redaction import BOUND, excerpt, register
from pgen.testing import FakeGenerator, FakeSource, make_episode

KEY = "hush+4f9c/1e7ab&2d8=Qx"


def in_base64(prefix, encode=base64.b64encode):
    return encode(f"{prefix}{KEY}".encode()).decode()


FORMS = {
    "raw": KEY,
    "upper": KEY.upper(),
    "base64": in_base64(""),
    "base64 of a user and the key": in_base64("u:"),
    "base64 of another": in_base64("me:"),
    "base64 for URLs": in_base64("", base64.urlsafe_b64encode),
    "base64 in a URL": urllib.parse.quote(in_base64("u:"), safe=""),
    "quoted": urllib.parse.quote(KEY, safe=""),
    "quoted in lower case": urllib.parse.quote(KEY, safe="").lower(),
    "quoted as a form": urllib.parse.quote_plus(KEY, safe="/"),
    "quoted twice": urllib.parse.quote(urllib.parse.quote(KEY, safe=""), safe=""),
    "every character quoted": "".join(f"%{ord(char):02x}" for char in KEY),
    "JSON": "".join(f"\\u{ord(char):04X}" for char in KEY),
    "HTML": html.escape(KEY),
}


def respond(status=400, headers=None, reason=None, **body):
    async def behave(request, _):
        from aiohttp import web

        data = json.dumps(body).encode()
        return web.Response(status=status, headers=headers, reason=reason, body=data, content_type="application/json")

    return behave


def reply(**fields):
    """Return a reply with other values in some of its fields."""
    return hostile.says(json.dumps({**json.loads(DIALOGUE), **fields}))


DIALOGUE = hostile.dialogue({"messages": [{"role": "user", "content": [{"type": "text", "text": "it"}]}]})
POSITIONS = {
    "a redirect's target": lambda text: respond(302, {"Location": f"https://h.example/?auth={text}"}),
    "a redirect's host": lambda text: respond(301, {"Location": f"https://{text}.example/"}),
    "a reason phrase": lambda text: respond(403, reason=f"No {text}"),
    "a header": lambda text: respond(400, {"WWW-Authenticate": f"Basic {text}"}),
    "a time to wait": lambda text: respond(429, {"Retry-After": f"soon {text}"}),
    "an error's message": lambda text: respond(error={"message": f"Incorrect API key: Bearer {text}"}),
    "an error's code": lambda text: respond(error={"message": "no", "code": text}),
    "an error's name": lambda text: respond(error={text: "no"}),
    "an error's detail": lambda text: respond(422, detail=[{"loc": ["header", text], "msg": f"not {text}"}]),
    "a page": lambda text: hostile.raw(f"<html>{text}</html>".encode(), "text/html"),
    "an error with status 200": lambda text: respond(200, error={"message": "x", "metadata": {"raw": text}}),
    "a reply broken off": lambda text: respond(
        200, choices=[{"finish_reason": "error", "error": {"message": f"upstream refused {text}"}}]
    ),
    "a refusal": lambda text: hostile.says(None, refusal=f"I will not say {text}"),
    "a dialogue": lambda text: reply(robot_utterance=f"The key is {text}."),
    "a type": lambda text: reply(scenario_type=text),
    "prose": lambda text: hostile.says(f"The key is {text}, sir."),
    "prose that is cut": lambda text: hostile.says("x" * 170 + f" {text} " + "y" * 900),
    "a message that is cut": lambda text: respond(error={"message": "x" * 270 + f" {text} " + "y" * 900}),
    "a message of a megabyte": lambda text: respond(error={"message": "x " * 4_090 + f" {text} " + "y" * 900_000}),
    "thinking": lambda text: hostile.says(f"<think>The key is {text}"),
    "thinking beside the reply": lambda text: hostile.says("", reasoning=f"The key is {text}"),
}
LINE = {"episode_id": "e", "images": [], "skill_current": "go", "skill_history": [], "task_description": "tidy up"}
COMBINATIONS = list(itertools.product(POSITIONS, FORMS))
FILTER = Mask({KEY})


def parts_of_the_key(data):
    """Return the forms of the key in the data: of all of it, or of its first or last ten characters."""
    parts = [name for name, form in FORMS.items() if form.encode() in data]
    halves = [KEY[:10], KEY[-10:], *(urllib.parse.quote(half, safe="") for half in (KEY[:8], KEY[-8:]))]
    parts += [half for half in halves if half.encode() in data]
    return parts if FILTER.data(data) is data else [*parts, "a form"]


def files(folder):
    return {path.relative_to(folder): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.fixture(scope="module")
def outputs(memory):
    """Everything that the runs print and write, by its position."""
    lines = [LINE | {"t": number, "skill_current": f"step {number}"} for number in range(len(COMBINATIONS))]
    samples = memory / "keys.jsonl"
    samples.write_text("".join(json.dumps(line) + "\n" for line in lines))

    def decide(body, count):
        if hostile.is_probe(body):
            return hostile.says()
        number = int(hostile.question(body).split("exactly the next skill: step ")[-1].split()[0])
        position, form = COMBINATIONS[number]
        return POSITIONS[position](FORMS[form])

    (memory / "prompt.txt").write_text("Lead to exactly the next skill: {skill_current} .")
    out = memory / "keys"
    environment = {**os.environ, "LLM_AUTH": KEY}
    with HostileServer(decide, models=[f"tiny-{KEY}"]) as server:
        options = ["base_url=" + server.url, "api_key_env=LLM_AUTH", "max_retries=0", "concurrency=8"]
        command = [sys.executable, "-c", "from pgen.cli import main; main()"]
        flags = ["annotate", "--root", str(samples), "--generator", "qwen-openai", "--output-dir", str(out)]
        flags += ["--prompt", f"file:{memory / 'prompt.txt'}", "--opt", "prompt.reply=typed", "--attempts", "1"]
        flags += [part for option in options for part in ("--opt", f"generator.{option}")]

        def run(*arguments):
            return subprocess.run([*command, *arguments], env=environment, capture_output=True)

        first = run(*flags, "--max-failures", "0.3")
        texts = {
            "the terminal": first.stdout + first.stderr,
            "the journal": b"".join(files(memory / ".keys.pgen").values()),
        }
        assert first.returncode == 4, first.stderr
        second = run(*flags, "--max-failures", "1")
        assert second.returncode == 0, second.stderr
        report = run("report", str(out))
        assert report.returncode == 0, report.stderr
    for name, process in {"the second run": second, "the report's run": report}.items():
        texts[name] = process.stdout + process.stderr
    return texts | {str(name): data for name, data in files(out).items()}


def test_no_part_of_the_key_is_printed_stored_or_written(outputs, tally):
    assert {name: parts for name, data in outputs.items() if (parts := parts_of_the_key(data))} == {}
    assert len(COMBINATIONS) >= 200
    tally.add("a key in a place and a form", len(COMBINATIONS))


def test_the_run_received_the_key_in_each_position_that_is_repeated(outputs):
    """Otherwise the test above would prove nothing."""
    lines = [json.loads(line) for line in outputs["syn_annotations.jsonl"].decode().splitlines()]
    redacted = {COMBINATIONS[line["t"]][0] for line in lines if "***" in json.dumps(line)}
    assert len(lines) == len(COMBINATIONS)
    hidden = {"a reason phrase", "a header", "a time to wait", "a page", "an error's code", "a message of a megabyte"}
    assert POSITIONS.keys() - redacted <= hidden  # never repeated by pgen, or in a truncated part


@pytest.mark.parametrize("form", FORMS)
def test_a_model_s_name_and_an_address_show_no_key(form, monkeypatch, tally, tmp_path):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    (tmp_path / "in.jsonl").write_text(json.dumps(LINE | {"t": 0}) + "\n")
    command = ["annotate", "--generator", "qwen-openai", "--root", str(tmp_path / "in.jsonl")]
    command += ["--output-dir", str(tmp_path / "out")]
    with HostileServer(models=[f"model-{FORMS[form]}", "other"]) as server:
        for url in (server.url, f"http://127.0.0.1:1/{FORMS[form]}/v1"):
            result = CliRunner().invoke(cli, [*command, "--base-url", url, "--opt", "generator.max_retries=0"])
            assert result.exit_code == 2, result.output
            assert not parts_of_the_key(result.output.encode())
    tally.add("a key in a place and a form", 2)


@pytest.mark.parametrize("form", FORMS)
def test_a_traceback_and_a_log_show_no_key(form, capsys, tally):
    register(KEY)
    try:
        raise RuntimeError(f"could not send {FORMS[form]}")
    except RuntimeError as error:
        show_traceback(type(error), error, error.__traceback__)
    from pgen.cli.streams import PrintableFormatter

    record = logging.LogRecord("pgen", logging.WARNING, "", 1, "sent %s", (FORMS[form],), None)
    for text in (capsys.readouterr().err, PrintableFormatter("%(message)s").format(record)):
        assert "***" in text
        assert not parts_of_the_key(text.encode())
    tally.add("a key in a place and a form", 2)


@pytest.mark.parametrize("form", FORMS)
def test_no_truncation_leaves_a_part_of_a_key(form, tally):
    register(KEY)
    for limit in (300, BOUND):
        for at in range(limit - len(FORMS[form]) - 2, limit + 2, max(1, len(FORMS[form]) // 8)):
            assert not parts_of_the_key(excerpt(f"{'x ' * (at // 2)}{FORMS[form]} {'y ' * 40_000}", 300).encode())
            text = f"token: {'z' * (at - 7)} {FORMS[form]}{'y' * 80_000}"
            assert not parts_of_the_key(excerpt(text, 300).encode())
    tally.add("a key in a place and a form", 1)


def test_texts_of_another_plugin_s_generator_are_redacted_before_they_are_stored(place, tally):
    register(KEY)
    names = list(FORMS)
    source = FakeSource(*(make_episode((name, 0.0, 1.0), (name, 1.0, 2.0), index=at) for at, name in enumerate(names)))

    def leak(request):
        text = FORMS[request.sample.span.skill]
        if request.sample.span.skill_index:
            return RuntimeError(f"could not send {text}")
        return json.dumps({"user_prompt": f"Say {text}", "robot_utterance": f"The key is {text}."})

    options = {"prompt": "seed", "sink": "jsonl", "checks": (), "attempts": 1}
    with pytest.raises(TooManyFailuresError) as caught:
        annotate(source, place / "out", generator=FakeGenerator(leak), max_failures=0.4, **options)
    stored = b"".join(files(place / ".out.pgen").values())
    annotate(source, place / "out", generator=FakeGenerator(leak), max_failures=1.0, **options)
    written = b"".join(files(place / "out").values())
    for data in (str(caught.value).encode(), stored, written):
        assert b"***" in data
        assert not parts_of_the_key(data)
    tally.add("a key in a place and a form", 2 * len(FORMS))
