import base64
import hashlib
import html
import json
import re
from dataclasses import replace

import pytest
import report_runs
from parsed_page import Parsed, invoked
from report_runs import HOSTILE, answered

import pgen
from pgen.errors import ConfigError
from pgen_results import page
from pgen_results.figures import figures
from pgen_results.page import as_json, check
from pgen_results.read import opened
from pgen_results.report_page import ReportOptions, report_page
from pgen_results.sink import ReportSink


def test_report_writes_one_page_into_the_result(out):
    assert f"report     {out / 'report.html'}" in invoked("report", out)
    parsed = Parsed((out / "report.html").read_text())
    data = parsed.data()
    assert [len(episode["samples"]) for episode in data["episodes"]] == [2] * 4
    assert len(data["thumbnails"]) == 8
    assert [data["skills"][span[0]] for span in data["episodes"][0]["spans"]] == ["reach for the cup", "lift the cup"]


def test_a_page_fetches_nothing(out):
    invoked("report", out)
    parsed = Parsed((out / "report.html").read_text())
    links = [
        value for _, attributes in parsed.elements for name, value in attributes.items() if name in ("src", "href")
    ]
    assert [link for link in links if not link.startswith("data:")] == []
    assert "http" not in re.sub(r"http-equiv|http://www.w3.org/2000/svg", "", (out / "report.html").read_text())


def test_the_policy_admits_the_own_script_and_style_by_hash_alone(out):
    invoked("report", out)
    parsed = Parsed((out / "report.html").read_text())
    (policy,) = [
        meta["content"] for meta in parsed.named("meta") if meta.get("http-equiv") == "Content-Security-Policy"
    ]
    hashed = {
        tag: base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for tag, of, text in parsed.raw if not of
    }
    assert f"script-src 'sha256-{hashed['script']}';" in policy
    assert f"style-src 'sha256-{hashed['style']}';" in policy
    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy
    assert not any(name.startswith("on") or name == "style" for _, of in parsed.elements for name in of)


def test_text_of_data_makes_no_element_and_ends_no_script(tmp_path):
    skills = [(HOSTILE, 0.0, 1.0), ("plain", 1.0, 2.0)]
    said = answered("Grab it. " + HOSTILE.replace("\x1b", ""), "Sure. " + HOSTILE.replace("\x1b", ""))
    answer = {0: said, 1: pgen.SampleError("refused", HOSTILE)}
    out = report_runs.run(tmp_path / "out", lambda request: answer[request.sample.skill_index], skills=skills)
    plain = report_runs.run(tmp_path / "plain", lambda request: answered("Grab it."), skills=[("a", 0, 1), ("b", 1, 2)])
    for folder in (out, plain):
        invoked("report", folder)
    hostile, tame = (Parsed((folder / "report.html").read_text()) for folder in (out, plain))
    kinds = {tag for tag, _ in tame.elements} | {"td", "tr", "th", "thead", "table", "h2", "section"}
    assert {tag for tag, _ in hostile.elements} <= kinds
    assert len(hostile.named("script")) == 2
    (sample, failed) = hostile.data()["episodes"][0]["samples"]
    assert sample["user"].startswith("Grab it. </script><img src=x")
    assert failed["reasons"][0].startswith("refused: </script><img")
    assert "{{ 7 * 7 }}" in (out / "report.html").read_text()


def test_json_in_a_page_is_the_same_value_and_holds_no_markup():
    value = {"text": "<!--</script>&\u2028\ud800", "more": [1, None, 0.5]}
    text = as_json(value)
    assert json.loads(text) == value
    assert not set("<>&\u2028") & set(text)


def test_halves_of_surrogate_pairs_do_not_end_the_writing(tmp_path):
    page.write(tmp_path / "page.html", f"{page.MARK}\ud800")
    assert (tmp_path / "page.html").read_text().endswith("?")


def test_only_a_page_of_pgens_own_is_replaced(out, tmp_path):
    invoked("report", out)
    invoked("report", out)
    (tmp_path / "mine.html").write_text("<p>mine</p>")
    assert "is no page that pgen wrote" in invoked("report", out, "--output", tmp_path / "mine.html", code=2)
    assert (tmp_path / "mine.html").read_text() == "<p>mine</p>"


def test_a_former_page_stays_until_the_new_one_is_whole(tmp_path, monkeypatch):
    path = tmp_path / "page.html"
    page.write(path, f"{page.MARK} the first")

    def full(path):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("pgen.storage.durable.sync", full)
        with pytest.raises(OSError, match="No space left"):
            page.write(path, f"{page.MARK} the second")
    assert path.read_text().endswith("the first")
    page.write(path, f"{page.MARK} the third")
    assert path.read_text().endswith("the third")
    assert list(tmp_path.iterdir()) == [path]


def test_a_page_in_no_folder_or_as_a_folder_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="there is no folder"):
        check(tmp_path / "none" / "page.html")
    with pytest.raises(ConfigError, match="is a folder"):
        check(tmp_path)


def test_the_sink_writes_the_same_page_beside_a_dataset(dataset, tmp_path):
    arguments = ["--root", dataset / "data", "--output-dir", tmp_path / "out", "--generator", "template"]
    invoked("annotate", *arguments, "--sink", "lerobot", "--sink", "report", "--opt", "sink.thumbnails=3")
    data = Parsed((tmp_path / "out/report.html").read_text()).data()
    with opened(tmp_path / "out") as told:
        again = Parsed(report_page(told, ReportOptions(thumbnails=3))).data()
    assert data == again
    assert len(data["thumbnails"]) == 3


def test_a_report_of_the_input_does_not_pass_for_one_of_the_output(out, tmp_path):
    invoked("report", out)
    arguments = ["--root", out, "--output-dir", tmp_path / "again", "--generator", "template", "--overwrite"]
    invoked("annotate", *arguments)
    assert not (tmp_path / "again/report.html").exists()


def test_more_samples_than_the_page_may_hold_leave_out_whole_episodes(tmp_path):
    out = report_runs.run(tmp_path / "out", lambda request: answered("Grab it."), episodes=10)
    with opened(out) as told:
        text = report_page(told, ReportOptions(samples=8))
    data = Parsed(text).data()
    assert [episode["id"] for episode in data["episodes"]] == ["ep_000000", "ep_000003", "ep_000006", "ep_000009"]
    assert [len(episode["samples"]) for episode in data["episodes"]] == [2] * 4
    assert "8 of the 20 samples are in this page" in text


def test_thumbnails_are_spread_evenly_over_the_samples(dataset):
    with opened(dataset / "out") as told:
        data = Parsed(report_page(told, ReportOptions(thumbnails=4))).data()
    shown = [["picture" in sample for sample in episode["samples"]] for episode in data["episodes"]]
    assert shown == [[True, False]] * 4


def test_thumbnails_end_where_their_bytes_do(dataset, monkeypatch):
    monkeypatch.setattr("pgen_results.thumbnails.BYTES", 1)
    with opened(dataset / "out") as told:
        assert len(Parsed(report_page(told, ReportOptions())).data()["thumbnails"]) == 1


def test_a_page_of_many_samples_stays_small(many):
    text = many.read_text()
    parsed = Parsed(text)
    assert sum(len(episode["samples"]) for episode in parsed.data()["episodes"]) == 2000
    assert len(parsed.elements) < 1000
    assert len(text) < 4_000_000


def test_prices_are_told_as_a_cost(out):
    manifest = json.loads((out / "meta/pgen/manifest.json").read_text())
    manifest["tokens"] = {"in": 3_000_000, "out": 500_000}
    (out / "meta/pgen/manifest.json").write_text(json.dumps(manifest))
    invoked("report", out, "--price-in", "2", "--price-out", "8")
    assert "<strong>10.00</strong><span>cost</span>" in (out / "report.html").read_text()


def test_answers_that_checks_marked_are_counted_by_code_and_told_beside_the_dialogue(dataset):
    def marked(told):
        for number, (episode, lines) in enumerate(told.read()):
            checks = [{"code": "length", "reason": "41 words"}] if number else []
            yield episode, [{**line, "checks": checks} for line in lines]

    with opened(dataset / "out") as told:
        text = report_page(replace(told, read=lambda: marked(told)), ReportOptions())
    assert re.search(r"<td>length</td>.*?6</td>.*?75\.0 %</td>", text, re.DOTALL)
    samples = [sample for episode in Parsed(text).data()["episodes"] for sample in episode["samples"]]
    assert [sample.get("reasons") for sample in samples] == [None] * 2 + [["length: 41 words"]] * 6


def test_what_a_judge_thought_is_counted_by_score_and_told_beside_the_dialogue(tmp_path):
    judge = report_runs.judging(lambda request: 2 if request.sample.skill_index else 5)
    options = {"judge": judge, "judge_share": 1.0, "episodes": 3}
    out = report_runs.run(tmp_path / "out", lambda request: answered("Grab it."), **options)
    invoked("report", out)
    page = (out / "report.html").read_text()
    for row, name in zip(cells(page, "Judge"), ("grounding", "consistency", "naturalness"), strict=True):
        assert row == [name, "", "3.50", "0", "3", "0", "0", "3"]
    assert "6 of the answers were judged by <b>fake</b>" in page
    scores = [sample["scores"] for episode in Parsed(page).data()["episodes"] for sample in episode["samples"]]
    assert scores[1][0] == ["grounding", 2, "grounding: so so."]


def test_a_run_without_a_judge_has_no_place_for_one(out):
    invoked("report", out)
    assert "<h2>Judge</h2>" not in (out / "report.html").read_text()


def test_every_figure_of_a_run_is_on_its_page(tmp_path):
    def answer(request):
        if request.sample.frame_index == 10:
            return pgen.SampleError("refused", "no, thanks")
        return answered("Grab the red cup.", "On it.", "specific_object")

    out = report_runs.run(tmp_path / "out", answer, episodes=12, prompt="hi-robot", checks=("duplicates",))
    with opened(out) as told:
        found = figures(told)
    invoked("report", out, "--price-in", "1")
    page = (out / "report.html").read_text()
    assert cells(page, "Failures") == [["refused", "no, thanks", "12"]]
    shares = {row[0].replace(" ", "_"): row[2:] for row in cells(page, "Kinds of interaction")}
    for kind in ("scenario_type", "response_type"):
        for share in found.shares(kind):
            assert shares[share.name] == [f"{100 * value:.1f} %" for value in (share.planned, share.achieved)]
    diverse = {row[0]: row[1:] for row in cells(page, "Diversity")}
    both = found.prompts, found.utterances
    assert [diverse[f"distinct-{n + 1}"] for n in range(3)] == [
        [f"{one.distinct[n]:.3f}" for one in both] for n in range(3)
    ]
    assert diverse["self-BLEU (lower is more varied)"] == [f"{one.self_bleu:.3f}" for one in both]
    assert diverse["vocabulary"] == ["4", "2"]
    assert diverse["12\N{MULTIPLICATION SIGN}"] == ["Grab the red cup."]
    assert re.findall(r"<rect [^>]*><title>(.*?)</title>", page) == ["4 words: 12", "2 words: 12"]
    assert [row[0] for row in cells(page, "Checks")] == ["repeated"]
    assert [row[:1] + row[2:4] for row in cells(page, "Skills")] == [
        ["lift the cup", "12", "0"],
        ["reach for the cup", "12", "12"],
    ]
    tiles = re.findall(r"<strong>(.*?)</strong><span>(.*?)</span>", page)
    assert [what for _, what in tiles][:3] == ["samples", "answered", "failed"]
    assert {"tokens read", "tokens written", "time", "cost"} <= {what for _, what in tiles}
    assert [number for number, _ in tiles][:3] == ["24", "12", "12"]


def cells(page, heading):
    """The rows of the tables under a heading, as the text of their cells."""
    section = page.partition(f"<h2>{heading}</h2>")[2].partition("</section>")[0]
    rows = re.findall(r"<tr><td.*?</tr>", section, re.DOTALL)
    found = [re.findall(r"<td[^>]*>(.*?)</td>", row, re.DOTALL) for row in rows]
    return [[html.unescape(re.sub(r"<[^>]*>", "", cell)).strip() for cell in row] for row in found]


def test_a_run_of_which_every_sample_failed_is_reported(tmp_path):
    out = report_runs.run(tmp_path / "out", lambda request: pgen.SampleError("refused", "no"))
    invoked("report", out)
    assert "<td>refused</td>" in (out / "report.html").read_text()


def test_the_sink_writes_the_page_where_it_is_the_only_one(tmp_path):
    out = report_runs.run(tmp_path / "out", lambda request: answered("Grab it."), sink=ReportSink())
    assert [path.name for path in out.iterdir()] == ["report.html"]
