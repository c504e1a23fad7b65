import base64
import hashlib
import json
import re
from dataclasses import replace

import report_runs
from parsed_page import Parsed, invoked, reported
from report_runs import reply

import pgen
from pgen.formats.syn_annotations import read_lines
from pgen.records import CONTRADICTION
from pgen_results.metrics import compute_metrics
from pgen_results.read import open_results
from pgen_results.report_page import ReportOptions, ReportSink, report_page


def page_of(folder, **options):
    with open_results(folder) as results:
        return Parsed(report_page(results, ReportOptions(**options)))


def test_report_writes_one_page_into_the_result(out):
    data = reported(out).data()
    assert [len(episode["samples"]) for episode in data["episodes"]] == [15] * 4
    assert len(data["thumbnails"]) == 8
    assert [data["skills"][span[0]] for span in data["episodes"][0]["spans"]] == ["reach for the cup", "lift the cup"]


def test_a_page_fetches_nothing_and_allows_its_own_script_and_style_by_hash(out):
    page = reported(out)
    links = [value for _, attributes in page.elements for name, value in attributes.items() if name in ("src", "href")]
    assert [link for link in links if not link.startswith(("data:", "#"))] == []
    assert "http" not in re.sub(r"http-equiv|http://www.w3.org/2000/svg", "", page.text)
    (policy,) = [meta["content"] for meta in page.named("meta") if meta.get("http-equiv") == "Content-Security-Policy"]
    for tag, attributes, text in page.raw:
        if not attributes:
            assert f"{tag}-src 'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}';" in policy
    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy
    assert not any(name.startswith("on") or name == "style" for _, of in page.elements for name in of)


def test_a_page_is_written_where_the_user_wants_it(out, tmp_path):
    invoked("report", out, "--output", tmp_path / "page.html")
    assert Parsed((tmp_path / "page.html").read_text()).data() == reported(out).data()


def test_the_sink_writes_the_same_page_beside_a_dataset(dataset, tmp_path):
    arguments = ["--root", dataset / "data", "--output-dir", tmp_path / "out", "--generator", "template"]
    invoked("annotate", *arguments, "--sink", "lerobot", "--sink", "report", "--opt", "sink.thumbnails=3")
    data = Parsed((tmp_path / "out/report.html").read_text()).data()
    assert data == page_of(tmp_path / "out", thumbnails=3).data()
    assert len(data["thumbnails"]) == 3


def test_a_report_of_the_input_is_not_copied_to_the_output(out, tmp_path):
    reported(out)
    arguments = ["--root", out, "--output-dir", tmp_path / "again", "--generator", "template", "--overwrite"]
    invoked("annotate", *arguments)
    assert not (tmp_path / "again/report.html").exists()


def test_above_the_limit_samples_with_a_problem_come_first_then_an_even_selection_of_all_episodes(tmp_path):
    def answer(request):
        failed = request.sample.span.episode_index == 4 and request.sample.span.skill_index
        return pgen.SampleError("refused", "no, thanks") if failed else reply("Grab it.")

    page = page_of(report_runs.run(tmp_path / "out", answer, episodes=10, checks=()), samples=11)
    episodes = page.data()["episodes"]
    assert [episode["index"] for episode in episodes] == list(range(10))
    assert [len(episode["samples"]) for episode in episodes if episode["index"] not in (4, 9)] == [1] * 8
    assert [sample.get("failure") for sample in episodes[4]["samples"]].count(["refused", "no, thanks"]) == 1
    periods = [
        {it.get("from") for it in episode["samples"]} | {it[1] for it in episode["others"]} for episode in episodes
    ]
    assert [times - {None} for times in periods[:4]] == [{0.0, 1.0}] * 4
    assert "11 of the 20 samples are in this page" in page.text
    assert "Left out: 0 with a problem and 9 without, evenly in all episodes" in page.text


def test_images_are_of_problems_first_and_limited_in_bytes(dataset, monkeypatch):
    def with_findings(results):
        for episode, lines in results.read():
            checks = [{"code": "length", "reason": "41 words"}]
            yield episode, [line | {"checks": checks if line["frame_index"] else []} for line in lines]

    with open_results(dataset / "out") as results:
        flagged = replace(results, read=lambda: with_findings(results))
        page = Parsed(report_page(flagged, ReportOptions(thumbnails=4)))
    for episode in page.data()["episodes"]:
        places = {(sample["frame"], "image" in sample) for sample in episode["samples"]}
        assert places == {(0, False), (10, True)}
    assert [[camera for camera, _ in images] for images in page.data("large")] == [[*report_runs.CAMERAS]] * 4
    monkeypatch.setattr("pgen_results.images.BYTES", 1)
    assert len(page_of(dataset / "out").data()["thumbnails"]) == 1


def test_a_page_of_many_samples_stays_small(many):
    page = Parsed(many.read_text())
    assert sum(len(episode["samples"]) for episode in page.data()["episodes"]) == 2000
    assert len(page.elements) < 1000
    assert len(page.text) < 4_000_000


def test_prices_give_the_cost(out):
    path = out / "meta/pgen/manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "tokens": {"in": 3_000_000, "out": 500_000}}))
    page = reported(out, "--price-in", "2", "--price-out", "8")
    assert "<strong>10.00</strong><span>cost</span>" in page.text
    manifest = json.loads(path.read_text())
    tokens = {**manifest["tokens"], "images": 2_000_000, "text": 1_000_000}
    judge = {"name": "qwen-openai", "model": "tiny", "found": {}, "share": 1.0, "judged": 0, "failed": 0, "mean": {}}
    judge["tokens"] = {"in": 500_000, "out": 0}
    estimate = {"requests": 48, "in": 2_900_000, "images": 1_900_000, "out": 600_000, "bounded": False}
    path.write_text(json.dumps({**manifest, "tokens": tokens, "judge": judge, "estimate": estimate}))
    page = reported(out, "--price-in", "2", "--price-out", "8")
    assert "<strong>11.00</strong><span>cost</span>" in page.text
    assert "<span>tokens read</span><small>2,000,000 of images; 2,900,000 were estimated</small>" in page.text
    assert "<strong>500,000</strong><span>tokens read by the judge</span>" in page.text


def test_findings_of_checks_are_counted_by_code_and_shown_with_the_dialogue(dataset):
    def with_findings(results):
        for number, (episode, lines) in enumerate(results.read()):
            checks = [{"code": "length", "reason": "41 words"}] if number else []
            yield episode, [{**line, "checks": checks} for line in lines]

    with open_results(dataset / "out") as results:
        page = Parsed(report_page(replace(results, read=lambda: with_findings(results)), ReportOptions()))
    (row,) = page.rows("Checks")
    assert row == ["warning", "length length", "", "45", "75.0 %"]
    samples = [sample for episode in page.data()["episodes"] for sample in episode["samples"]]
    assert [sample.get("checks") for sample in samples] == [None] * 15 + [[["length", "41 words"]]] * 45
    assert page.data()["codes"] == {"length": ["length", "warning"]}


def test_scores_of_a_judge_are_counted_and_shown_with_the_dialogue(tmp_path, out):
    judge = report_runs.judging(lambda request: 2 if request.sample.span.skill_index else 5)
    page = reported(report_runs.run(tmp_path / "run", reply("Grab it."), 3, judge=judge, judge_share=1.0))
    assert page.rows("Judge") == [
        [name, f"{name} 2: 3{'2: 3'}{name} 5: 3{'5: 3'}", "3.50"]
        for name in ("grounding", "consistency", "naturalness")
    ]
    assert "of the dialogues were judged by <b>fake</b>" in page.text
    scores = [sample["scores"] for episode in page.data()["episodes"] for sample in episode["samples"]]
    assert scores[1][0] == ["grounding", 2, "grounding: so so."]
    assert "<h3>Judge</h3>" not in reported(out).text


def test_a_dialogue_is_shown_with_its_scope_its_skills_and_the_time_over_which_it_is_in_force(out):
    skills, (first, *_) = (page := reported(out).data())["skills"], page["episodes"]
    lasting = {(sample["scope"], *sample["frames"], sample["from"], sample["until"]) for sample in first["samples"]}
    assert lasting == {
        ("episode", 0, 20, 0.0, 2.0),
        ("phase", 0, 20, 0.0, 2.0),
        ("standing", 0, 20, 0.0, 2.0),
        ("step", 0, 10, 0.0, 1.0),
        ("step", 10, 20, 1.0, 2.0),
    }
    phase = next(sample for sample in first["samples"] if sample["scope"] == "phase")
    leads_to = [skills[number] for number in (phase["skill"], *phase["skills"])]
    assert leads_to == ["reach for the cup", "lift the cup"]


def test_lines_of_an_earlier_version_are_steps_in_force_over_their_spans(out):
    path, new = out / "meta/syn_annotations.jsonl", ("scope", "start", "stop", "skills", "running")
    lines = [line for line in read_lines(path) if (line["scope"], line["variant"]) == ("step", 0)]
    path.write_text("\n".join(json.dumps({key: line[key] for key in line if key not in new}) for line in lines))
    page = reported(out)
    samples = page.data()["episodes"][0]["samples"]
    assert [(sample["scope"], sample["frames"]) for sample in samples] == [("step", [0, 10]), ("step", [10, 20])]
    assert "have a dialogue: 80 of 80" in page.text


def test_images_that_contradict_the_labels_are_listed_apart_from_failures(tmp_path):
    def at_odds(request):
        at_start = request.sample.moment.frame_index == 0
        return pgen.SampleError("scene", CONTRADICTION + "<b>nothing</b>") if at_start else reply("Grab it.")

    page = reported(report_runs.run(tmp_path / "out", at_odds, variants=2))
    listed = page.rows("Images that contradict the labels")
    assert listed == [["ep_000000, frame 0, 0.00 s", "reach for the cup", "<b>nothing</b>"]]
    assert page.rows("Failures") == []
    assert "<strong>0</strong><span>failed</span>" in page.text
    samples = page.data()["episodes"][0]["samples"]
    assert [(sample.get("scene"), sample.get("failed")) for sample in samples] == [(True, None)] * 2 + [
        (None, None)
    ] * 2


def test_the_choice_of_a_judge_is_shown_with_the_dialogue(tmp_path):
    judge = report_runs.judging(lambda request: 5, choice="reach for the cup")
    options = {"judge": judge, "judge_share": 1.0, "checks": ()}
    page = reported(report_runs.run(tmp_path / "out", reply("Grab it."), **options))
    first, second = page.data()["episodes"][0]["samples"]
    assert (first["chosen"], first.get("checks")) == ("reach for the cup", None)
    assert [code for code, _ in second["checks"]] == ["round_trip"]
    assert "After 1 of 2 user prompts alone, the judge chose the demonstrated skill (50.0 %)" in page.text
    assert [row[:2] for row in page.rows("Checks")] == [["error", "leads a judge to another skill round_trip"]]


def test_every_metric_of_a_run_is_on_its_page(tmp_path):
    def answer(request):
        if request.sample.moment.frame_index == 10:
            return pgen.SampleError("refused", "no, thanks")
        return reply("Grab the red cup.", "On it.", "specific_object")

    options = {"prompt": "hi-robot", "variants": 1, "scopes": {"step": 1}, "checks": ("duplicates",)}
    out = report_runs.run(tmp_path / "out", answer, episodes=12, **options)
    with open_results(out) as results:
        metrics = compute_metrics(results)
    page = reported(out, "--price-in", "1")
    where = "; ".join(f"ep_{episode:06d}, frame 10, 1.00 s" for episode in range(3))
    assert page.rows("Failures") == [["refused", "no, thanks", f"{where}; …", "12"]]
    shares = {row[0].replace(" ", "_"): row[2:] for row in page.rows("Kinds of interaction")}
    for kind in ("scenario_type", "response_type"):
        for name, *values in metrics.shares(kind):
            assert shares[name] == [f"{100 * value:.1f} %" for value in values]
    diverse, both = {row[0]: row[1:] for row in page.rows("Diversity")}, (metrics.prompts, metrics.utterances)
    for n in range(3):
        assert diverse[f"distinct-{n + 1}"] == [f"{texts.distinct[n]:.3f}" for texts in both]
    assert diverse["self-BLEU (lower is more varied)"] == [f"{texts.self_bleu:.3f}" for texts in both]
    assert diverse["vocabulary"] == ["4", "2"]
    assert diverse["12\N{MULTIPLICATION SIGN}"] == ["Grab the red cup."]
    assert re.findall(r"<rect [^>]*><title>(.*?)</title>", page.text) == ["4 words: 12", "2 words: 12"]
    assert [row[:2] for row in page.rows("Checks")] == [["note", "repeated in the run repeated"]]
    assert page.rows("Exchanges") == [["step", "12 of 24", "1.0", "10.0", "4.0", str(metrics.checks["repeated"])]]
    assert [row[:1] + row[2:4] for row in page.rows("Skills")] == [
        ["lift the cup", "12", "0"],
        ["reach for the cup", "12", "12"],
    ]
    tiles = re.findall(r"<strong>(.*?)</strong><span>(.*?)</span>", page.text, re.DOTALL)
    assert tiles[:3] == [("24", "samples"), ("12", "answered"), ("12", "failed")]
    assert {"tokens read", "tokens written", "time", "cost"} <= {name for _, name in tiles}


def test_the_sink_alone_writes_a_page_even_where_every_sample_failed(tmp_path):
    out = report_runs.run(tmp_path / "out", lambda request: pgen.SampleError("refused", "no"), sink=ReportSink())
    assert [path.name for path in out.iterdir()] == ["report.html"]
    assert "<td>refused</td>" in (out / "report.html").read_text()
