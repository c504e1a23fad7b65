"""The server of `pgen review`: what it answers, and what it refuses."""

import json
import sys

import pytest
from forked import run_pgen
from review_helpers import LENGTHS, MAIN, served

import pgen
from pgen_review.server import assets

DATA = ["/api/summary", "/api/queue", "/api/episodes/0", "/video/0/0", "/frame/0/0/0.jpg", "/nothing"]


@pytest.fixture(scope="module")
def cookie(server):
    return server.enter()


def read(server, cookie, path):
    response = server.request(path, Cookie=cookie)
    assert response.status == 200, response.content
    return json.loads(response.content)


@pytest.mark.parametrize("path", DATA)
def test_without_the_key_no_data_is_served(server, path):
    assert server.request(path).status == 403
    assert server.request(path, Cookie=f"pgen-review-{server.port}={'0' * 64}").status == 403


def test_the_page_and_its_files_hold_no_data_and_need_no_key(server, numbered_run):
    page = server.request("/")
    assert page.status == 200
    assert b"<script type" in page.content
    assert numbered_run.name.encode() not in page.content


@pytest.mark.parametrize("host", ["evil.example", "evil.example:{port}", "127.0.0.1", "127.0.0.1:1", "0.0.0.0:{port}"])
def test_another_host_is_refused_with_and_without_the_key(server, cookie, host):
    name = host.format(port=server.port)
    assert server.request("/", Host=name).status == 403
    assert server.request("/api/summary", Host=name, Cookie=cookie).status == 403


def test_a_request_of_another_site_is_refused(server, cookie):
    for site in ("cross-site", "same-site"):
        assert server.request("/api/summary", Cookie=cookie, Sec_Fetch_Site=site).status == 403
    assert server.request("/api/summary", Cookie=cookie, Sec_Fetch_Site="same-origin").status == 200


@pytest.mark.parametrize("headers", [{"Origin": "http://evil.example"}, {"Origin": "null"}, {"Origin": ""}, {}])
def test_the_key_is_exchanged_only_for_the_page_itself(server, headers):
    body = json.dumps({"key": server.key}).encode()
    response = server.request("/api/session", "POST", body, Content_Type="application/json", **headers)
    assert response.status == 403
    assert response.getheader("Set-Cookie") is None


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"{", "application/json", 400),
        (b'{"key": "\xff"}', "application/json", 400),
        (b"[]", "application/json", 403),
        (b'{"key": 1}', "application/json", 403),
        (b'{"key": "' + b"0" * 64 + b'"}', "application/json", 403),
        (b'{"key": "\\ud800"}', "application/json", 403),
        (b"key=1", "application/x-www-form-urlencoded", 415),
        (b'{"key": "' + b"0" * 10_000_000 + b'"}', "application/json", 413),
    ],
)
def test_a_wrong_exchange_is_refused(server, body, kind, status):
    response = server.request("/api/session", "POST", body, Origin=server.origin, Content_Type=kind)
    assert response.status == status
    assert response.getheader("Set-Cookie") is None


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(server):
    sent = {"Origin": server.origin, "Content-Type": "application/json"}
    response = server.request("/api/session", "POST", json.dumps({"key": server.key}).encode(), **sent)
    name, *attributes = str(response.getheader("Set-Cookie")).split("; ")
    assert name.startswith(f"pgen-review-{server.port}=")
    assert sorted(attributes) == ["HttpOnly", "Path=/", "SameSite=Strict"]


@pytest.mark.parametrize("path", ["/", "/api/summary", "/nothing", "/api/session"])
def test_every_response_has_the_policy_also_a_refusal(server, path):
    response = server.request(path)
    policy = str(response.getheader("Content-Security-Policy"))
    assert "default-src 'none'; script-src 'self'" in policy
    assert "unsafe" not in policy
    assert response.getheader("X-Content-Type-Options") == "nosniff"
    assert response.getheader("Referrer-Policy") == "no-referrer"
    assert response.getheader("Access-Control-Allow-Origin") is None


@pytest.mark.parametrize(
    "path",
    [
        "/../../etc/passwd",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/video/0/..%2f..%2fmeta%2finfo.json",
        "/video/0/../../meta/info.json",
        "/video/-1/0",
        "/video/0/99",
        "/video/99/0",
        "/video/0/0/",
        "/video/observation.images.front/0",
        "/frame/0/99/0.jpg",
        "/frame/99/0/0.jpg",
        "/frame/0/0/999999.jpg",
        "/api/episodes/99",
        "/api/episodes/" + "9" * 30,
        "//etc/passwd",
    ],
)
def test_what_is_not_in_the_dataset_is_not_found(server, cookie, path):
    assert server.request(path, Cookie=cookie).status == 404


def test_other_methods_do_nothing(server, cookie):
    sent = {"Origin": server.origin, "Content-Type": "application/json", "Cookie": cookie}
    for method in ("POST", "PUT", "DELETE"):
        assert server.request("/api/summary", method, b"{}", **sent).status == 405


def test_a_video_is_sent_in_the_ranges_that_are_requested(server, cookie, numbered_run):
    name = "videos/observation.images.front/chunk-000/file-000.mp4"
    content = (numbered_run / name).read_bytes()
    whole = server.request("/video/0/0", Cookie=cookie)
    assert (whole.status, whole.content) == (200, content)
    assert whole.getheader("ETag")
    part = server.request("/video/0/0", Cookie=cookie, Range="bytes=100-199")
    assert (part.status, part.content) == (206, content[100:200])
    assert part.getheader("Content-Range") == f"bytes 100-199/{len(content)}"
    assert server.request("/video/0/0", Cookie=cookie, Range=f"bytes={len(content)}-").status == 416


def test_an_episode_has_the_labels_that_its_dataset_has(server, cookie, numbered_run):
    frames = iter(pgen.open(numbered_run))
    for index, length in enumerate(LENGTHS):
        episode = read(server, cookie, f"/api/episodes/{index}")
        assert len(episode["times"]) == length
        assert [stop for _, stop, *_ in episode["labels"]][-1] == length
        for start, stop, position, _ in episode["labels"]:
            shown = episode["samples"][position]
            for _ in range(start, stop):
                frame = next(frames)
                assert (frame.user_prompt, frame.robot_utterance) == (shown["user"], shown["robot"])


def test_the_queue_is_read_in_pages_without_gap_or_repetition(faulty_server):
    cookie = faulty_server.enter()
    first = read(faulty_server, cookie, "/api/queue?sort=time")
    assert first["total"] == len(first["items"]) == 120
    rest = read(faulty_server, cookie, f"/api/queue?sort=time&after={first['items'][99]['id']}")
    assert rest["items"] == first["items"][100:]
    assert read(faulty_server, cookie, "/api/queue?state=failed&after=999999999")["total"] == 3
    assert read(faulty_server, cookie, "/api/queue?sort=none&unknown=1")["total"] == 120


def test_the_page_weighs_less_than_250_kilobytes(server):
    paths = [path for path, *_ in assets()]
    responses = [server.request(path) for path in paths]
    assert {response.status for response in responses} == {200}
    assert sum(len(response.content) for response in responses) < 250_000


def test_ctrl_c_ends_the_server_without_an_error(numbered_run):
    with served(numbered_run, "--port", "0") as running:
        pass
    assert running.process.returncode == 0


def test_a_port_in_use_and_a_folder_without_a_result_are_refused_in_a_sentence(server, numbered_run, tmp_path):
    def refused(*arguments):
        command = [sys.executable, "-c", MAIN, "review", *map(str, arguments)]
        result = run_pgen(command)
        assert result.returncode
        assert "Traceback" not in result.stderr
        return result.stderr

    assert f"--port {server.port} is not available" in refused(numbered_run, "--port", server.port)
    assert "contains no syn_annotations.jsonl" in refused(tmp_path)
