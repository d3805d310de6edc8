"""A real browser for tests: Chromium, without a window, driven by selenium.

Needs Chromium and its driver (Debian: chromium, chromium-driver); where CI is set they must be there.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium import webdriver

OPTIONS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    "--window-size=1280,1000",
)
CONTRAST = """
const rgb = c => c.match(/[\\d.]+/g).map(Number);
const lum = ([r, g, b]) => [r, g, b].map(v => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
  .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
const back = e => { for (; e; e = e.parentElement) { const c = rgb(getComputedStyle(e).backgroundColor);
  if (c.length < 4 || c[3] > 0) return c; } return [255, 255, 255]; };
const poor = [];
for (const e of document.querySelectorAll("body *")) {
  if (![...e.childNodes].some(n => n.nodeType === 3 && n.data.trim()) || !e.getClientRects().length) continue;
  const [a, b] = [lum(rgb(getComputedStyle(e).color)), lum(back(e))].sort((x, y) => y - x);
  if ((a + 0.05) / (b + 0.05) < 4.5) poor.push(e.className + ": " + e.textContent.trim().slice(0, 40));
}
return poor;
"""
"""Returns what doesn't stand out from its ground: less than 4.5 to 1 (WCAG 2.2, 1.4.3)."""


def started(profile: Path, *more: str) -> Iterator[webdriver.Chrome]:
    """Yield a browser with a profile of its own and `more` options, and end it."""
    binary = shutil.which("chromium") or shutil.which("google-chrome")
    driver = shutil.which("chromedriver")
    if binary is None or driver is None:
        missing = "the pages were NOT tried in a browser: install chromium and chromium-driver"
        if os.environ.get("CI"):
            pytest.fail(missing)
        pytest.skip(missing)
    options = webdriver.ChromeOptions()
    options.binary_location = binary
    for option in (*OPTIONS, *more, f"--user-data-dir={profile}"):
        options.add_argument(option)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    browser = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    yield browser
    browser.quit()


def emulate(browser: webdriver.Chrome, media: str, scheme: str) -> None:
    """Have the browser show its pages for a medium ("" for the screen), in a colour scheme."""
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": media, "features": features})


def run(browser: webdriver.Chrome, script: str, *given: Any) -> Any:
    """Run a script in the page, and return what it returns."""
    return browser.execute_script(script, *given)


def complaints(browser: webdriver.Chrome) -> list[Any]:
    """Return what the browser has complained of since it was asked last."""
    log: list[Any] = browser.get_log("browser")  # type: ignore[no-untyped-call]
    return log
