"""Nothing that a person decided is lost: a killed server, a closed tab, two tabs, and text that is hostile."""

import json
from contextlib import contextmanager

import pytest
from report_runs import HOSTILE
from review_edits import Client, copied, event
from review_helpers import served

pytest.importorskip("browser", reason="selenium is not installed", exc_type=ImportError)

READY = "document.getElementById('clock')?.textContent && document.querySelector('#items [aria-current]')"
UNSAVED = "document.getElementById('unsaved').textContent"
USER = "document.getElementById('edit-user')"


@pytest.fixture
def folder(numbered_run, tmp_path):
    return copied(numbered_run, tmp_path)


@pytest.fixture
def online(browser):
    """The browser with a network, which may complain of servers that have ended."""
    browser.offline(False)
    browser.resize(1440)
    yield browser
    browser.driver.get("about:blank")
    browser.offline(True)
    browser.complaints()


def open_page(browser, server, place="&sort=time"):
    browser.driver.get("about:blank")
    browser.driver.get(f"{server.address}{place}")
    browser.until(READY)


@contextmanager
def another_tab(browser, server):
    """Open the page in another tab, which is closed after the block."""
    first = browser.driver.current_window_handle
    browser.driver.switch_to.new_window("tab")
    browser.offline(False)
    open_page(browser, server)
    try:
        yield first
    finally:
        browser.driver.close()
        browser.driver.switch_to.window(first)


def accepted(client):
    return [state["sample"] for state in client.get("/api/events?since=0")["states"] if state["state"] == "accepted"]


def test_decisions_without_a_server_are_kept_and_sent_once_it_is_back(online, folder):
    with served(folder) as server:
        open_page(online, server)
        online.press("a")
        online.until("document.getElementById('said').textContent.startsWith('accepted')")
        online.until(f"{UNSAVED} === 'unsaved 0'")
        server.process.kill()
        server.process.wait()
        online.press("a", "a")
        online.until(f"{UNSAVED} === 'unsaved 2'")
        online.until("!document.getElementById('problem').hidden")
        assert "The server does not answer" in online.one("#problem").text
        port = server.port
    online.driver.get("about:blank")
    with served(folder) as server:
        assert server.port == port
        assert accepted(Client(server)) == [0]
        open_page(online, server)
        online.until(f"{UNSAVED} === 'unsaved 0'")
        assert accepted(Client(server)) == [0, 1, 2]
        assert Client(server).get("/api/events?since=0")["n"] == 3
        online.driver.get("about:blank")


def test_a_page_that_stays_open_sends_what_it_has_to_the_next_server(online, folder):
    with served(folder) as server:
        open_page(online, server)
        server.process.kill()
        server.process.wait()
        online.press("a")
        online.until(f"{UNSAVED} === 'unsaved 1'")
        page = online.driver.current_window_handle
    with served(folder) as server:
        online.until("document.getElementById('problem').textContent === 'Open the address that pgen review printed.'")
        with another_tab(online, server):
            online.until(f"{UNSAVED} === 'unsaved 0'")
        assert online.driver.current_window_handle == page
        online.until(f"{UNSAVED} === 'unsaved 0' && document.getElementById('problem').hidden")
        assert accepted(Client(server)) == [0]
        online.driver.get("about:blank")


def test_what_is_typed_outlives_its_tab(online, folder):
    with served(folder) as server:
        with another_tab(online, server):
            online.press("e", " and be careful")
            typed = online.run(f"{USER}.value")
            # It is kept while it is typed, and not only as the tab ends.
            stored = "indexedDB.open('pgen-review').onsuccess = ({target}) => target.result.transaction('drafts')"
            online.run(f"""(window.kept = 0, (function look() {{
              {stored}.objectStore('drafts').getAll().onsuccess = ({{target}}) => {{
                window.kept = target.result.filter(({{values}}) => values.user === {json.dumps(typed)}).length;
                target.transaction.db.close();
                if (!window.kept) setTimeout(look, 50);
              }};
            }})())""")
            online.until("window.kept === 1")
        open_page(online, server)
        online.until(f"{USER}.value === {json.dumps(typed)}")
        assert online.one("#draft").is_displayed()
        online.press("e", "\ue00c")
        online.until(f"{USER}.value === {json.dumps(typed.removesuffix(' and be careful'))}")
        online.driver.get("about:blank")


def test_another_tab_follows_and_a_late_edit_stays_as_a_draft(online, folder):
    with served(folder) as server:
        client = Client(server)
        open_page(online, server)
        assert client.edit(event(client.samples()[1], "accept"))[0] == 200
        online.until("document.querySelectorAll('#items .state')[1].textContent === '■'")
        online.press("e", " twice")
        typed = online.run(f"{USER}.value")
        # The poll of this tab is not awaited: it may or may not have the other edit by now.
        online.run("Object.defineProperty(document, 'visibilityState', { value: 'hidden' })")
        other = client.samples()[0]
        assert client.edit(event(other, "edit_text", user="From the other tab.", robot="I see."))[0] == 200
        online.run("document.activeElement.blur()")
        online.run("document.getElementById('keep').click()")
        online.until("!document.getElementById('message').hidden")
        assert online.one("#message").text == "The dialogue changed meanwhile; nothing was stored."
        online.until("document.getElementById('versions').textContent.includes('From the other tab.')")
        assert online.run(f"{USER}.value") == typed
        online.run("document.getElementById('keep').click()")
        online.until(f"{UNSAVED} === 'unsaved 0' && document.getElementById('draft').hidden")
        assert client.samples()[0]["user"] == typed
        online.driver.get("about:blank")


HELD = """
if (!window.held) {
  const sent = window.fetch;
  window.held = {};
  window.fetch = async (path, options) => {
    await held[options?.method === 'POST' ? 'post' : path === '/api/episodes/0' ? 'get' : ''];
    return sent(path, options);
  };
}
for (const name of arguments) held[name] = new Promise((resolve) => {
  window[`release_${name}`] = () => { delete held[name]; resolve(); };
});"""
"""Holds requests of these names until they are released."""


def test_a_text_that_is_not_stored_yet_is_not_taken_back_by_what_is_loaded_meanwhile(online, folder):
    with served(folder) as server:
        client = Client(server)
        open_page(online, server)
        online.press("e", " twice")
        typed = online.run(f"{USER}.value")
        online.run("Object.defineProperty(document, 'visibilityState', { value: 'hidden' })")
        edit = event(client.samples()[0], "edit_text", user="From the other tab.", robot="I see.")
        assert client.edit(edit)[0] == 200
        online.run("document.activeElement.blur()")
        online.driver.execute_script(HELD, "get")
        online.run("document.getElementById('keep').click()")
        online.until("!document.getElementById('message').hidden")
        online.driver.execute_script(HELD, "post")
        online.run("document.getElementById('keep').click()")
        online.until(f"{UNSAVED} === 'unsaved 1' && document.getElementById('draft').hidden")
        online.run("release_get()")
        # By now, what was loaded is shown, or is loaded again.
        for _ in range(3):
            online.driver.execute_async_script("fetch('/api/episodes/1').then(arguments[0])")
        online.run("release_post()")
        online.until(f"{UNSAVED} === 'unsaved 0'")
        online.until("document.getElementById('reviewed').textContent.includes('edited by')")
        assert online.run(f"{USER}.value") == typed
        assert online.run("document.getElementById('draft').hidden")
        assert client.samples()[0]["user"] == typed
        online.driver.get("about:blank")


def test_hostile_text_is_refused_or_shown_as_text(online, folder):
    shown = "<img src=x onerror=alert(1)> \u202eevil"
    with served(folder) as server:
        client = Client(server)
        assert client.edit(event(client.samples()[0], "edit_text", user=shown, robot="All right."))[0] == 200
        assert client.edit(event(client.samples()[1], "note", text=HOSTILE))[0] in (200, 400)
        assert client.edit(event(client.samples()[1], "reject", reason="</script><b>bold</b>"))[0] == 200
        open_page(online, server)
        online.until(f"{USER}.value === {json.dumps(shown)}")
        assert shown in online.texts("#items button > span[dir]")
        online.press("n")
        online.until("document.getElementById('reviewed').textContent.includes('</script><b>bold</b>')")
        assert online.all("#items img, #dialogue img, #dialogue b b, #reviewed b") == []
        online.driver.get("about:blank")
