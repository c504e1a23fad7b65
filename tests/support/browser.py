"""Chromium without a window, as a reader of a page has it: offline, its console heard."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic

from selenium.webdriver import Chrome, ChromeOptions, ChromeService
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement

PROGRAMS = {"chromium": ("chromium", "chromium-browser", "google-chrome"), "chromedriver": ("chromedriver",)}
_FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-dev-shm-usage",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--force-color-profile=srgb",
)  # fmt: skip


def missing() -> list[str]:
    """What a browser test needs and this machine has not."""
    return [name for name in PROGRAMS if _found(name) is None]


@contextmanager
def browser() -> Iterator["Browser"]:
    """A browser with a profile of its own, closed in the end."""
    options = ChromeOptions()
    options.binary_location = str(_found("chromium"))
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    with TemporaryDirectory(prefix="chromium-") as profile:
        for flag in (*_FLAGS, f"--user-data-dir={profile}"):
            options.add_argument(flag)
        driver = Chrome(options, ChromeService(_found("chromedriver")))
        try:
            driver.execute_cdp_cmd("Network.enable", {})
            offline = {"offline": True, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
            driver.execute_cdp_cmd("Network.emulateNetworkConditions", offline)
            yield Browser(driver)
        finally:
            driver.quit()


class Browser:
    """One window."""

    def __init__(self, driver: Chrome) -> None:
        self.driver = driver

    def open(self, page: Path) -> float:
        """Load a page and give the seconds until its script has run and its first view is laid out."""
        started = monotonic()
        self.driver.get(page.absolute().as_uri())
        self.run("document.body.getBoundingClientRect()")
        return monotonic() - started

    def run(self, expression: str) -> object:
        """What a JavaScript expression comes to."""
        return self.driver.execute_script(f"return {expression}")

    def all(self, selector: str) -> list[WebElement]:
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def one(self, selector: str) -> WebElement:
        (found,) = self.all(selector)
        return found

    def choose(self, selector: str, value: str) -> None:
        self.one(f'{selector} option[value="{value}"]').click()

    def complaints(self) -> list[str]:
        """What the console has said since the last call."""
        return [str(entry["message"]) for entry in self.driver.get_log("browser")]

    def resize(self, width: int, height: int = 900) -> None:
        """Give the page a window of that size, scroll bars taking no room."""
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": True}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)

    def print_view(self) -> None:
        """Show the page as it is printed."""
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})

    def screen_view(self) -> None:
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})

    def shot(self, path: Path, width: int, height: int | None = None, **media: str) -> None:
        """A picture of the page at a width, whole where no height is given; media as print or a feature's value."""
        features = [
            {"name": name.replace("_", "-"), "value": value} for name, value in media.items() if name != "media"
        ]
        self.driver.execute_cdp_cmd(
            "Emulation.setEmulatedMedia", {"media": media.get("media", ""), "features": features}
        )
        metrics = {"width": width, "height": height or 900, "deviceScaleFactor": 1, "mobile": True}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        if height is None:
            metrics["height"] = self.run("document.documentElement.scrollHeight")
            self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        self.driver.save_screenshot(str(path))
        self.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "", "features": []})


def _found(name: str) -> str | None:
    return next((path for program in PROGRAMS[name] if (path := shutil.which(program))), None)
