"""A browser that is killed while a person types: the text is there again in the next one."""

import json
import os
import signal
from contextlib import suppress
from pathlib import Path

import pytest
from review_edits import copied
from review_helpers import served

chromium = pytest.importorskip("browser", reason="selenium is not installed", exc_type=ImportError)


DEAD = (
    pytest.importorskip("selenium.common.exceptions").WebDriverException,
    pytest.importorskip("urllib3.exceptions").HTTPError,
)
USER = "document.getElementById('edit-user')"
READY = "document.querySelector('#items [aria-current]') && !document.getElementById('editor').hidden"
KEPT = """(window.kept = 0, (function look() {
  indexedDB.open('pgen-review').onsuccess = ({ target }) => {
    const drafts = target.result.transaction('drafts').objectStore('drafts').getAll();
    drafts.onsuccess = () => {
      window.kept = drafts.result.filter(({ values }) => values.user === TYPED).length;
      target.result.close();
      if (!window.kept) setTimeout(look, 50);
    };
  };
})())"""


def children(process: int) -> list[int]:
    """Return the processes that a process has started, and those that they have."""
    found = []
    for path in Path(f"/proc/{process}/task").glob("*/children"):
        for child in map(int, path.read_text().split()):
            found += [child, *children(child)]
    return found


def opened(window, server):
    window.offline(False)
    window.driver.get(f"{server.address}&sort=time")
    window.until(READY)


@pytest.mark.usefixtures("browser")  # skips, or fails, where there is none
@pytest.mark.parametrize("killed", ["browser", "renderer"])
def test_what_is_typed_outlives_a_killed_browser(numbered_run, tmp_path, killed):
    folder = copied(numbered_run, tmp_path)
    with served(folder) as server:
        with suppress(*DEAD), chromium.browser(tmp_path / "profile") as window:
            opened(window, server)
            window.press("e", " and be careful")
            typed = window.run(f"{USER}.value")
            window.run(KEPT.replace("TYPED", json.dumps(typed)))
            window.until("window.kept === 1")
            window.press(" now")  # what is typed within the last half second may be lost
            for process in children(window.driver.service.process.pid):
                command = Path(f"/proc/{process}/cmdline").read_bytes()
                if killed == "browser" or b"--type=renderer" in command:
                    os.kill(process, signal.SIGKILL)
            window.run("document.title")
            raise AssertionError("the page is not killed")
        for lock in (tmp_path / "profile").glob("Singleton*"):
            lock.unlink()
        with chromium.browser(tmp_path / "profile") as window:
            opened(window, server)
            window.until(f"{USER}.value.startsWith({json.dumps(typed)})")
            assert window.one("#draft").is_displayed()
            window.driver.get("about:blank")
