"""Opening the page: places on the command line, and a browser that is started without the key."""

import signal
import socket
import stat
import sys
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

import pytest
from forked import piped_pgen
from review_helpers import ADDRESS, MAIN, served

from pgen_review.access import HOST
from pgen_review.opening import leading_to, split_place, usual_port

PRINTS_ITS_ARGUMENT = "import sys; print('started with', sys.argv[1], flush=True)"


@pytest.mark.parametrize(
    ("named", "folder", "place"),
    [
        ("out", "out", ""),
        ("out#ep=3&frame=120", "out", "ep=3&frame=120"),
        ("a#b/out#ep=3", "a#b/out", "ep=3"),
        ("out#q=<b>&t=0123", "out", "q=%3Cb%3E"),
        ("out#", "out", ""),
    ],
)
def test_a_place_is_named_behind_the_folder(named, folder, place):
    assert split_place(Path(named)) == (Path(folder), place)


def test_a_folder_may_have_the_mark_in_its_name(tmp_path):
    (tmp_path / "out#ep=3").mkdir()
    assert split_place(tmp_path / "out#ep=3") == (tmp_path / "out#ep=3", "")


def test_a_folder_has_the_same_port_each_time_unless_it_is_in_use(tmp_path):
    port = usual_port(tmp_path, HOST)
    assert port == usual_port(tmp_path, HOST)
    with socket.socket() as other:
        other.bind((HOST, port))
        other.listen()
        assert usual_port(tmp_path, HOST) == 0


def test_the_address_that_is_printed_has_the_place(numbered_run):
    command = [sys.executable, "-c", MAIN, "review", f"{numbered_run}#ep=1&frame=7", "--no-browser"]
    with piped_pgen(command) as (process, output):
        printed = next(line for line in output if ADDRESS.search(line))
        process.send_signal(signal.SIGTERM)
    assert f"{ADDRESS.search(printed).group()}&ep=1&frame=7 " in printed


def test_a_browser_is_started_with_a_file_that_only_this_user_can_read(numbered_run, tmp_path, monkeypatch):
    program = tmp_path / "browser"
    program.write_text(f"#!{sys.executable}\n{PRINTS_ITS_ARGUMENT}\n")
    program.chmod(0o700)
    monkeypatch.setenv("BROWSER", str(program))
    monkeypatch.setenv("DISPLAY", ":0")
    with served(numbered_run, browser=True) as running:
        started = next(line for line in running.output if line.startswith("started with"))
        assert running.key not in started
        file = Path(url2pathname(urlsplit(started.split()[-1]).path))
        assert running.key in file.read_text()
        assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert not file.parent.exists()


def test_the_file_leads_to_the_page(browser, visit, server):
    visit(server)
    browser.driver.get("about:blank")  # that page asks for news until it is left, and may not without its cookie
    browser.driver.execute_cdp_cmd("Network.clearBrowserCookies", {})
    with leading_to(f"{server.address}&ep=1&frame=7") as file:
        browser.driver.get(file)
        browser.until("location.protocol === 'http:' && document.getElementById('clock')?.textContent")
    browser.until("location.hash === '#ep=1&frame=7'")
