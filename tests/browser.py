"""Debian's Chromium without a window: a page at any width, light or dark, what it shows and what goes wrong in it.

It reaches this machine alone, so that a page that fetches something from elsewhere has an error.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

WAIT_S = 60  # for a page that a busy machine serves
PHONE, DESKTOP = (390, 844), (1400, 900)
OFFLINE = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"
ARGUMENTS = ["--headless=new", "--disable-background-networking", "--disable-component-update", "--no-first-run"]
ARGUMENTS += ["--force-prefers-reduced-motion", OFFLINE]


class Browser:
    """A tab of Chromium; see `started`."""

    def __init__(self, driver):
        self.driver = driver

    def look(self, size, dark=False):
        """Emulate a screen of this width and height, in pixels, and the choice of a dark page."""
        screen = {"width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": size == PHONE}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})

    def open(self, address):
        """Load a page from nothing, also if it is the present one; errors of earlier ones are forgotten."""
        self.driver.get("about:blank")
        self.errors()
        self.driver.get(address)
        loaded = "return document.readyState === 'complete' && location.href !== 'about:blank'"
        self.until(lambda: self.run(loaded), f"{address} is loaded")

    def errors(self):
        """What the console says is an error since it was last asked."""
        return [entry["message"] for entry in self.driver.get_log("browser") if entry["level"] == "SEVERE"]

    def run(self, script, *values):
        """What a script returns; it has the values as `arguments`."""
        return self.driver.execute_script(script, *values)

    def until(self, condition: Callable, what: str):
        """Wait for a condition to be true, and return its value."""
        from selenium.common.exceptions import StaleElementReferenceException
        from selenium.webdriver.support.ui import WebDriverWait

        waiting = WebDriverWait(self.driver, WAIT_S, 0.1, ignored_exceptions=[StaleElementReferenceException])
        return waiting.until(lambda _: condition(), what)

    def all(self, selector):
        """The elements of a CSS selector."""
        return self.driver.find_elements("css selector", selector)

    def one(self, selector, text=""):
        """Wait for the shown element of a CSS selector that has this text, and return it."""
        shown = lambda: [each for each in self.all(selector) if each.is_displayed() and text in each.text]  # noqa: E731
        return self.until(shown, f"{selector} with '{text}'")[0]

    def is_wider_than_its_screen(self):
        """Whether the page as a whole can be moved sideways."""
        return self.run("const e = document.documentElement; return e.scrollWidth > e.clientWidth")

    def brightness(self, selector):
        """The mean of an element's text colour, and of the background behind it, 0 to 255."""
        script = """
            const mean = css => { const [r, g, b, a = 1] = css.match(/[\\d.]+/g).map(Number); return a && (r + g + b) / 3; };
            let e = document.querySelector(arguments[0]); const ink = mean(getComputedStyle(e).color); let ground = 0;
            for (; e; e = e.parentElement) {
                const css = getComputedStyle(e).backgroundColor;
                if (css !== "rgba(0, 0, 0, 0)") { ground = mean(css); break; }
            }
            return [ink, ground];"""
        return tuple(self.run(script, selector))

    def missing_images(self):
        """The sources of the images that are not loaded, after all have been asked for."""
        script = """
            const done = arguments[0], images = [...document.images];
            images.forEach(i => { i.loading = "eager"; });
            Promise.allSettled(images.map(i => i.decode())).then(() =>
                done(images.filter(i => !i.naturalWidth).map(i => i.src.slice(0, 200))));"""
        return self.driver.execute_async_script(script)


@contextmanager
def started() -> Iterator[Browser]:
    """Start a browser, and end it; the test is skipped where Chromium, its driver or Selenium is missing."""
    webdriver = pytest.importorskip("selenium.webdriver")
    from selenium.webdriver.chrome.service import Service

    paths = [shutil.which(name) for name in ("chromium", "chromedriver")]
    if not all(paths):
        pytest.skip("needs Chromium and its driver: apt-get install chromium chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = paths[0]
    for argument in [*ARGUMENTS, *(["--no-sandbox"] if os.geteuid() == 0 else [])]:
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(paths[1]))
    driver.set_script_timeout(WAIT_S)
    try:
        yield Browser(driver)
    finally:
        driver.quit()
