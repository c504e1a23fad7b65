"""No key leaks to an output, a file or a log; hostile text is harmless in pages, cards and the terminal."""

import json
import logging
import pickle
import sys
from contextlib import suppress
from zlib import crc32

import hostile_server as hostile
import pytest
from click.testing import CliRunner
from hostile_server import HostileServer
from parsed_page import Parsed

from pgen.api import annotate
from pgen.cli import cli
from pgen.errors import ConfigError, SampleError
from pgen.safety.terminal import printable
from pgen.testing import FakeGenerator, FakeSource, make_episode
from pgen_lerobot.write.card import escaped
from pgen_qwen_openai.generator import QwenOpenAIGenerator
from pgen_qwen_openai.local_server import LocalServers
from pgen_results.compare import compare_runs
from pgen_results.compare_page import compare_page
from pgen_results.preview import PreviewSink, record
from pgen_results.preview_view import preview_page
from pgen_results.read import open_results
from pgen_results.report_page import ReportOptions, report_page

KEY = "hush-4f9c1e7ab2d8"
SERVE = f"{sys.executable} -c 'print(\"the key is {KEY}\"); import sys; sys.exit(3)' --api-key {KEY} --port {{port}}"


@pytest.fixture(scope="module")
def texts_of_runs(memory, rendered):
    """All texts and files of runs against a server that repeats the key in its replies and errors."""
    patch = pytest.MonkeyPatch()
    patch.setenv("OPENAI_API_KEY", KEY)
    texts = {}

    def repeat(body, count):
        if hostile.is_probe(body) or crc32(json.dumps(body["messages"]).encode()) % 2:
            return hostile.says(hostile.dialogue(body).replace("Sure.", f"The key is {KEY}."))
        return hostile.status(400, f"key {KEY} \x1b[31mmust not\x1b[0m do this")

    with HostileServer(repeat, key=KEY, models=[f"tiny {KEY}"]) as server:
        flags = ["annotate", "--root", str(rendered), "--generator", "qwen-openai", "--base-url", server.url]
        flags += ["--opt", f"generator.extra.user={KEY}", "--opt", "generator.max_retries=0", "--prompt", "hi-robot"]
        out = memory / "leaks"
        failed = CliRunner().invoke(cli, [*flags, "--output-dir", str(out), "--max-failures", "0"])
        assert failed.exit_code == 4, failed.output
        texts["error"] = failed.output
        texts["journal"] = read(out.with_name(".leaks.pgen"))
        done = CliRunner().invoke(cli, [*flags, "--output-dir", str(out), "--max-failures", "1"])
        assert done.exit_code == 0, done.output
        page = CliRunner().invoke(cli, ["report", str(out)])
        assert page.exit_code == 0, page.output
        texts["report"] = done.output + (out / "report.html").read_text()
        plan = CliRunner().invoke(cli, [*flags, "--output-dir", f"{out}2", "--dry-run"])
        texts["plan"] = plan.output
    for name in ("README.md", "meta/pgen/manifest.json", "meta/syn_annotations.jsonl", "meta/tasks.parquet"):
        texts[name] = (out / name).read_bytes().decode("utf-8", "replace")
    texts["output"] = read(out)
    yield texts
    patch.undo()


def read(folder):
    return "\n".join(path.read_bytes().decode("latin-1") for path in sorted(folder.rglob("*")) if path.is_file())


def test_a_key_that_a_server_repeats_stays_out_of_all_texts_and_files(texts_of_runs, tally):
    assert all(texts_of_runs.values())
    assert [place for place, text in texts_of_runs.items() if KEY in text] == []
    tally.add("a key in a text, a file or a log", len(texts_of_runs))


def test_the_run_received_the_key(texts_of_runs):
    """Otherwise the test above would prove nothing."""
    assert "***" in texts_of_runs["meta/syn_annotations.jsonl"]
    assert "***" in texts_of_runs["meta/pgen/manifest.json"]
    assert "***" in texts_of_runs["error"]


def test_a_key_stays_out_of_repr(monkeypatch, tally):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    generator = QwenOpenAIGenerator(serve=SERVE, extra={"api_key": "another"})
    assert KEY not in repr(generator)
    assert "another" not in repr(generator)
    assert pickle.loads(pickle.dumps(generator)).options == generator.options
    tally.add("a key in a text, a file or a log", 1)


def test_a_key_stays_out_of_logs(monkeypatch, tally, caplog):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with (
        HostileServer(key="another", model_status=500) as server,
        suppress(ConfigError),
        caplog.at_level(logging.DEBUG),
    ):
        import asyncio

        asyncio.run(QwenOpenAIGenerator(base_url=(server.url, "http://127.0.0.1:1/v1"), retry_wait=0.001).open())
    assert KEY not in caplog.text
    tally.add("a key in a text, a file or a log", 1)


def test_a_key_stays_out_of_the_last_output_of_a_server(monkeypatch, tally):
    import asyncio

    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with pytest.raises(ConfigError, match=r"the key is \*\*\*") as caught:
        asyncio.run(LocalServers(SERVE, 1, KEY).start(20))
    assert KEY not in str(caught.value)
    tally.add("a key in a text, a file or a log", 1)


HOSTILE = [
    "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "[click](javascript:alert(1))", "![x](http://x/y.png)",
    "| a | b |", "a | b", "`code` and ``more``", "```\nfence\n```", "# heading", "---\ntitle: x\n---", "- item\n- item",
    "<!-- pgen:end -->", "&lt;b&gt;", "*bold* _italic_ ~~gone~~", "$\\mathrm{x}$", "http://evil.example @someone #1",
    "\x1b[31mred\x1b[0m", "\x1b]0;title\x07", "\u202egnp.exe", "a\r\x08b\x9b31m\u2028c",
]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_text_in_a_card(text, tally):
    card = escaped(text)
    assert "\n" not in card
    assert all(char.isprintable() for char in card)
    assert "<" not in card
    for mark in "`*_[]()#|!~$@":
        assert card.count(mark) == card.count(f"\\{mark}"), (mark, card)
    tally.add("hostile text in report, card and terminal", 1)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_contains_no_control_character_on_a_terminal(text, tally):
    terminal = printable(text)
    assert all(char.isprintable() or char == "\n" for char in terminal)
    tally.add("hostile text in report, card and terminal", 1)


def pages(text, place):
    """Return the report, the comparison and the preview of runs in which every text from outside contains `text`."""
    source = FakeSource(make_episode((text, 0.0, 1.0), ("plain", 1.0, 2.0), task=text))
    reply = json.dumps({"user_prompt": f"Do {text}", "robot_utterance": f"Sure {text}"})
    replies = {0: reply, 1: SampleError("refused", text)}
    generator = FakeGenerator(lambda request: replies[request.sample.span.skill_index])
    exchanges = record(generator)
    options = {"prompt": "seed", "checks": (), "attempts": 1, "max_failures": 1.0}
    annotate(source, place / "a", generator=generator, sink="jsonl", **options)
    sink = PreviewSink()
    annotate(source, place / "b", generator=generator, sink=sink, **options)
    with open_results(place / "a") as first, open_results(place / "a") as second:
        pages = report_page(first, ReportOptions()), compare_page(compare_runs(first, second))
        return *pages, preview_page(sink.preview(exchanges, samples=2, episodes=1, judge_share=0.0))


@pytest.fixture(scope="module")
def elements_of_plain_pages(memory):
    """The elements of the same pages with plain text."""
    (memory / "tame").mkdir()
    return [{tag for tag, _ in Parsed(page).elements} for page in pages("plain words", memory / "tame")]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_text_on_a_page(text, place, elements_of_plain_pages, tally):
    report, comparison, preview = pages(text, place)
    for page, allowed in zip((report, comparison, preview), elements_of_plain_pages, strict=True):
        parsed = Parsed(page)
        assert {tag for tag, _ in parsed.elements} <= allowed
        attributes = [(name, value or "") for _, values in parsed.elements for name, value in values.items()]
        assert not [name for name, _ in attributes if name.startswith("on") or name == "style"]
        links = [value for name, value in attributes if name in ("src", "href")]
        assert all(value.startswith(("data:", "#")) for value in links)
    data = Parsed(report).data()
    sample, failed = data["episodes"][0]["samples"]
    assert set(data["skills"]) == {text, "plain"}
    assert sample["failed"] if "user" not in sample else sample["user"] == " ".join(f"Do {text}".split())
    assert failed["failure"][0] == "refused"
    tally.add("hostile text in report, card and terminal", 1)
