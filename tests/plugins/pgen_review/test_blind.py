"""A blind review: neither the page nor the server shows what others found."""

import json

import pytest
from review_edits import Client, copied, decided
from review_helpers import served

from pgen.errors import ConfigError
from pgen_review.exported import read_exported
from pgen_review.several import export_journal, merge_journals
from pgen_review.starting import open_session

HIDDEN = ("finding", "judge", "problem", "type")


@pytest.fixture(scope="module")
def folder(faulty, tmp_path_factory):
    return copied(faulty, tmp_path_factory.mktemp("blind"))


@pytest.fixture(scope="module")
def blind_server(folder):
    with served(folder, "--blind", "--sample", "10", "--seed", "7") as running:
        yield running


@pytest.fixture(scope="module")
def client(blind_server):
    return Client(blind_server)


def test_the_server_sends_no_findings_scores_and_planned_types(client, faulty, faulty_server):
    summary = client.get("/api/summary")
    assert not summary["facets"].keys() & set(HIDDEN)
    episodes = [client.get(f"/api/episodes/{index}") for index in range(summary["episodes"])]
    samples = [sample for episode in episodes for sample in episode["samples"]]
    assert [sample for sample in samples if sample["findings"] or sample["scores"] or sample["planned"]] == []
    assert {sample["chosen"] for sample in samples} == {None}
    assert {sample["badness"] for sample in samples if not sample["failure"]} == {0}
    sent = json.dumps([client.get("/api/queue"), *episodes])
    lines = [json.loads(line) for line in (faulty / "meta/syn_annotations.jsonl").read_text().splitlines()]
    reasons = {finding["reason"] for line in lines for finding in line["checks"]}
    assert reasons
    assert not [reason for reason in reasons if reason in sent]


def test_filters_orders_and_searches_reveal_no_findings(client):
    by_time = client.get("/api/queue?sort=time")
    assert client.get("/api/queue?sort=worst") == client.get("/api/queue") == by_time
    for name in HIDDEN:
        assert client.get(f"/api/queue?sort=time&{name}=yes") == by_time
    assert client.get("/api/queue?q=refusal:")["total"] == 0


def test_the_sample_is_the_one_that_others_have(client, faulty, tmp_path):
    blind = client.get("/api/queue?sample=yes")["items"]
    with served(copied(faulty, tmp_path), "--sample", "10", "--seed", "7") as running:
        others = Client(running).get("/api/queue?sample=yes&sort=time")["items"]
    assert [item["key"] for item in blind] == [item["key"] for item in others]
    assert len(blind) == 10


def test_the_page_of_a_blind_review_has_no_findings(visit, blind_server):
    browser = visit(blind_server, "&state=ok")
    browser.until("document.querySelector('#items [aria-current]')")
    browser.until("!document.getElementById('editor').hidden")
    assert browser.texts("#sort option") == ["by time"]
    assert browser.all("#dialogue .finding, .timeline .dot.problem") == []
    browser.press("a")
    browser.until("document.getElementById('said').textContent.startsWith('accepted')")


def test_a_review_with_verdicts_of_others_is_not_opened_blind(numbered_run, tmp_path):
    folder, other = copied(numbered_run, tmp_path / "one"), copied(numbered_run, tmp_path / "two")
    with open_session(folder, None, "Ada") as session:
        decided(session, 0, "accept")
        export_journal(session, tmp_path / "ada.jsonl")
    with open_session(folder, None, "Ada", blind=True) as session:
        assert session.fold.outcome(session.review.keys[0]).state == "accepted"
    with pytest.raises(ConfigError, match=r"has verdicts of Ada, which --blind must not show"):
        open_session(folder, None, "Bob", blind=True).__enter__()
    with open_session(other, None, "Bob") as session:
        merge_journals(session, [read_exported(tmp_path / "ada.jsonl")])
    with pytest.raises(ConfigError, match=r"--blind must not show"):
        open_session(other, None, "Bob", blind=True).__enter__()
