"""Headless Chromium for tests of pages: offline, with its console messages."""

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic

from hanging import HANG
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver import Chrome, ChromeOptions, ChromeService
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.actions.action_builder import ActionBuilder
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import Select, WebDriverWait

PROGRAMS = {"chromium": ("chromium", "chromium-browser", "google-chrome"), "chromedriver": ("chromedriver",)}
_FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-dev-shm-usage",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--force-color-profile=srgb",
    # One process draws the pages of all sites, so none is started for each page that is opened.
    "--disable-features=IsolateOrigins,site-per-process,SpareRendererForSitePerProcess,OptimizationHints,MediaRouter",
    "--disable-site-isolation-trials", "--renderer-process-limit=1",
)  # fmt: skip


def missing() -> list[str]:
    """Return the programs of a browser test that are not installed."""
    return [name for name in PROGRAMS if _path(name) is None]


@contextmanager
def browser(profile: Path | None = None) -> Iterator["Browser"]:
    """Start a browser with a profile, by default a temporary one, and quit it afterwards."""
    options = ChromeOptions()
    options.binary_location = str(_path("chromium"))
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    with TemporaryDirectory(prefix="chromium-") as temporary:
        for flag in (*_FLAGS, f"--user-data-dir={profile or temporary}"):
            options.add_argument(flag)
        driver = Chrome(options, ChromeService(_path("chromedriver")))
        try:
            driver.execute_cdp_cmd("Network.enable", {})
            window = Browser(driver)
            window.offline(True)
            yield window
        finally:
            driver.quit()


class Element(WebElement):
    """An element that is found again where the page has drawn it anew since: a stale one was neither read nor used."""

    place: tuple[str, int] | None = None
    """Its selector, and its position among the elements that this selects."""

    def _execute(self, command: str, params: dict | None = None) -> dict:
        return self._current(lambda: super(Element, self)._execute(command, params))

    def is_displayed(self) -> bool:
        return self._current(super().is_displayed)

    def _current[T](self, use: Callable[[], T]) -> T:
        while True:
            try:
                return use()
            except StaleElementReferenceException:
                selector, position = self.place or ("", 0)
                elements = self.parent.find_elements(By.CSS_SELECTOR, selector) if selector else []
                if position >= len(elements):
                    raise
                self._id = elements[position].id


class Browser:
    """A browser window."""

    def __init__(self, driver: Chrome) -> None:
        self.driver = driver
        self.driver._web_element_cls = Element

    def offline(self, offline: bool) -> None:
        """Take the network away, or give it back for a server on this machine."""
        conditions = {"offline": offline, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
        self.driver.execute_cdp_cmd("Network.emulateNetworkConditions", conditions)

    def open(self, page: Path) -> float:
        """Load a page and return the seconds until its script has run and its first view is laid out."""
        started = monotonic()
        self.driver.get(page.absolute().as_uri())
        self.run("document.body.getBoundingClientRect()")
        return monotonic() - started

    def run(self, expression: str) -> object:
        """Return the value of a JavaScript expression."""
        return self.driver.execute_script(f"return {expression}")

    def until(self, expression: str) -> None:
        """Wait until a JavaScript expression is true, such as after a search, which is debounced."""
        WebDriverWait(self.driver, HANG, poll_frequency=0.02).until(lambda driver: self.run(expression))

    def press(self, *keys: str) -> None:
        """Press keys wherever the focus is."""
        ActionChains(self.driver).send_keys(*keys).perform()

    def chord(self, held: str, key: str) -> None:
        """Press a key while another is held."""
        ActionChains(self.driver).key_down(held).send_keys(key).key_up(held).perform()

    def drag(self, selector: str, pixels: int, *held: str) -> None:
        """Drag what is where an element is to the right, while keys are held; it may be drawn anew meanwhile."""
        script = """const box = document.querySelector(arguments[0]); box.scrollIntoView({ block: 'nearest' });
          const { x, y, width, height } = box.getBoundingClientRect(); return [x + width / 2, y + height / 2];"""
        x, y = map(round, self.driver.execute_script(script, selector))
        builder = ActionBuilder(self.driver)
        builder.pointer_action.move_to_location(x, y).pointer_down().move_to_location(x + pixels, y).pointer_up()
        keys = ActionChains(self.driver)
        for key in held:
            keys.key_down(key)
        keys.perform()
        builder.perform()
        self.release()

    def release(self) -> None:
        """Release all keys: where an action fails, those that it holds would be held in later tests too."""
        ActionChains(self.driver).reset_actions()

    def seek(self, frame: int) -> None:
        """Show a frame of a review."""
        script = "const seek = document.getElementById('seek'); seek.value = arguments[0];"
        self.driver.execute_script(f"{script} seek.dispatchEvent(new Event('input'))", frame)

    def colours(self, scheme: str, *, forced: bool = False) -> None:
        """Show pages in the light or in the dark colours, or in the few that the system forces on them."""
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        features += [{"name": "forced-colors", "value": "active" if forced else "none"}]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})

    def all(self, selector: str) -> list[Element]:
        elements = self.driver.find_elements(By.CSS_SELECTOR, selector)
        for position, element in enumerate(elements):
            element.place = selector, position
        return elements

    def texts(self, selector: str) -> list[str]:
        return [element.text for element in self.all(selector)]

    def search(self, text: str) -> None:
        """Search on a page, and wait until it shows what it found."""
        field = self.one("#search")
        field.clear()
        field.send_keys(text)
        self.until(f"new URLSearchParams(location.hash.slice(1)).get('q') === {json.dumps(text.strip())}")

    def one(self, selector: str) -> Element:
        (element,) = self.all(selector)
        return element

    def choose(self, selector: str, value: str) -> None:
        """Choose the option of a select by its value."""
        Select(self.one(selector)).select_by_value(value)

    def complaints(self) -> list[str]:
        """Return the console messages since the last call."""
        return [str(entry["message"]) for entry in self.driver.get_log("browser")]

    def resize(self, width: int, height: int = 900) -> None:
        """Resize the page; scroll bars take no room."""
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": True}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)

    def print_view(self) -> None:
        """Show the page as in print."""
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})

    def screen_view(self) -> None:
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})

    def screenshot(self, path: Path, width: int, height: int) -> None:
        """Save a picture of the top of the page."""
        self.resize(width, height)
        self.driver.save_screenshot(str(path))


def _path(name: str) -> str | None:
    return next((path for program in PROGRAMS[name] if (path := shutil.which(program))), None)
