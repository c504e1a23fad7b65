"""The page of `pgen review` in a browser, measured from inside, so that the driver's own time does not count."""

import json
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from math import ceil
from pathlib import Path
from time import perf_counter
from typing import Any

from common.review_runs import support

_PRELUDE = """
const done = arguments[arguments.length - 1];
const byId = (id) => document.getElementById(id);
const until = (test) => new Promise((resolve, reject) => (function look() {
  try { test() ? resolve() : setTimeout(look, 1); } catch (error) { reject(error); }
})());
const press = (key) => document.activeElement.dispatchEvent(
  new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true }));
const cameras = () => [...document.querySelectorAll('.camera')];
const shows = (frame) => cameras().every((camera) => camera.dataset.frame === String(frame));
const seek = (frame) => { byId('seek').value = frame; byId('seek').dispatchEvent(new Event('input')); };
const painted = () => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
const timed = async (work, test) => { const began = performance.now(); work(); await until(test); await painted();
  return performance.now() - began; };
const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
const loaded = () => until(() => cameras().every((camera) => { const video = camera.querySelector('video');
  video.preload = 'auto'; return video.readyState >= 2; }));
const numbers = () => NUMBERS;
const check = (number) => {
  if (numbers().some((shown) => shown !== number)) throw new Error(`${numbers()} are shown instead of ${number}`);
};
"""


class Page:
    """The page of a server; `opened` are the seconds from the start of the server until it shows an episode."""

    def __init__(self, window: Any, served: Any, opened: float) -> None:
        from review_edits import Client

        self.window, self.served, self.opened = window, served, opened
        self.client = Client(served)

    def run(self, script: str) -> Any:
        """Return what a script of the page returns, which may await."""
        from review_helpers import NUMBERS

        prelude = _PRELUDE.replace("NUMBERS", NUMBERS)
        text = f"{prelude} (async () => {{ {script} }})().then(done, (error) => done({{ error: String(error) }}))"
        result = self.window.driver.execute_async_script(text)
        assert not (isinstance(result, dict) and "error" in result), result
        return result

    def times(self, values: Sequence[object], script: str) -> list[float]:
        """Return the milliseconds that a script gives for each of the values, after one that does not count."""
        loop = f"for (const value of {json.dumps(values)}) times.push(await (async () => {{ {script} }})());"
        return list(self.run(f"const times = []; {loop} return times;"))[1:]


@contextmanager
def opened(window: Any, folder: Path, place: str = "", *options: str, fork: bool = False) -> Iterator[Page]:
    """Start `pgen review` on a folder, as a new interpreter or a forked process, and open its page."""
    support()
    from review_helpers import served

    # A benchmark in the background ignores this signal, and so would the server, which it ends.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    began = perf_counter()
    with served(folder, *options, fork=fork) as running:
        window.driver.get("about:blank")
        window.driver.get(f"{running.address}{place}")
        _wait(window, "document.getElementById('clock')?.textContent")
        yield Page(window, running, perf_counter() - began)
        window.driver.get("about:blank")


def p95(times: Sequence[float]) -> float:
    """Return the 95th percentile."""
    return quantile(times, 0.95)


def quantile(values: Sequence[float], share: float) -> float:
    """Return the value that this share of the values does not exceed."""
    return sorted(values)[max(ceil(share * len(values)), 1) - 1]


def _wait(window: Any, expression: str) -> None:
    from selenium.webdriver.support.ui import WebDriverWait

    WebDriverWait(window.driver, 120, poll_frequency=0.02).until(lambda _: window.run(expression))
