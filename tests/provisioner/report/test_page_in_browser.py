"""The page in a real browser: it reads whole, filters, folds, prints, and obeys no plan."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By

from provisioner.plan.model import Plan
from tests.browser import CONTRAST, complaints, emulate, run, started
from tests.provisioner.report.plans import NASTY, a_plan, change, nasty_plan, whole_plan, written

ROWS = "return [...document.querySelectorAll('tr[data-kind]')].filter(r => r.getClientRects().length).length"
Open = Callable[[Plan], webdriver.Chrome]


@pytest.fixture(scope="module")
def chrome(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    yield from started(tmp_path_factory.mktemp("profile"))


@pytest.fixture
def opened(chrome: webdriver.Chrome, tmp_path: Path) -> Iterator[Open]:
    def open_page(plan: Plan) -> webdriver.Chrome:
        page = tmp_path / "plan.html"
        page.write_text(written(plan, "html"), encoding="utf-8", newline="")
        chrome.get(page.as_uri())
        return chrome

    yield open_page
    emulate(chrome, "", "light")
    chrome.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


def choose(browser: webdriver.Chrome, name: str, value: str) -> None:
    run(browser, "const s = document.getElementById(arguments[0]); s.value = arguments[1];"
        "s.dispatchEvent(new Event('change'))", name, value)  # fmt: skip


def look_for(browser: webdriver.Chrome, words: str) -> None:
    """Type words and pick a filter, which takes effect at once and not after the pause in typing."""
    run(browser, "document.getElementById('find').value = arguments[0]", words)
    choose(browser, "by-risk", "")


def test_the_page_loads_without_a_complaint_and_without_asking_for_anything(opened: Open) -> None:
    browser = opened(whole_plan())

    assert complaints(browser) == []
    assert run(browser, "return performance.getEntriesByType('resource').length") == 0


def test_without_a_script_everything_is_visible_and_no_control_is(
    opened: Open, chrome: Any
) -> None:
    chrome.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})

    browser = opened(whole_plan())

    assert run(browser, ROWS) == 9
    assert not browser.find_element(By.ID, "tools").is_displayed()


def test_a_manual_step_stands_on_a_line_of_its_own(opened: Open) -> None:
    browser = opened(whole_plan())

    cell = browser.find_element(By.CSS_SELECTOR, "tr[data-state=manual] td:last-child")
    assert cell.text.splitlines()[0] == "rule sales"


def test_a_text_is_found_without_case_in_rows_and_titles(opened: Open) -> None:
    browser = opened(whole_plan())

    look_for(browser, "EVA malá")

    assert run(browser, ROWS) == 1
    assert browser.find_element(By.ID, "shown").text == "1 of 9 shown"


@pytest.mark.parametrize(
    ("name", "value", "rows"),
    [("by-kind", "license.remove", 1), ("by-risk", "service", 1), ("by-state", "waiting", 1)],
)
def test_each_choice_leaves_the_rows_that_have_it(
    opened: Open, name: str, value: str, rows: int
) -> None:
    browser = opened(whole_plan())

    choose(browser, name, value)

    assert run(browser, ROWS) == rows


def test_a_cluster_with_nothing_found_goes_away_and_comes_back(opened: Open) -> None:
    browser = opened(whole_plan())
    groups = browser.find_elements(By.CSS_SELECTOR, "#changes details")

    look_for(browser, "jan@example.org")
    assert [group.is_displayed() for group in groups] == [True, True, False, False]

    look_for(browser, "")
    assert all(group.is_displayed() for group in groups)


def test_clusters_fold_and_unfold(opened: Open) -> None:
    browser = opened(whole_plan())

    browser.find_element(By.ID, "fold").click()
    assert run(browser, "return document.querySelectorAll('#changes details[open]').length") == 0

    browser.find_element(By.ID, "unfold").click()
    assert run(browser, ROWS) == 9


def test_a_cluster_folds_by_keyboard(opened: Open) -> None:
    browser = opened(whole_plan())
    summary = browser.find_element(By.CSS_SELECTOR, "#changes summary")

    summary.send_keys(" ")

    assert browser.find_element(By.ID, "group-1").get_attribute("open") is None


def test_print_shows_everything_though_it_was_filtered_and_folded(opened: Open) -> None:
    browser = opened(whole_plan())
    browser.find_element(By.ID, "fold").click()
    look_for(browser, "nothing is called so")

    emulate(browser, "print", "light")
    run(browser, "dispatchEvent(new Event('beforeprint'))")

    assert run(browser, ROWS) == 9
    assert not browser.find_element(By.ID, "tools").is_displayed()


def test_what_is_folded_opens_for_printing_and_folds_again_after_it(opened: Open) -> None:
    browser = opened(whole_plan())
    browser.find_element(By.ID, "fold").click()

    counts = [
        run(
            browser,
            "dispatchEvent(new Event(arguments[0]));"
            "return document.querySelectorAll('#changes details[open]').length",
            event,
        )
        for event in ("beforeprint", "afterprint")
    ]

    assert counts == [4, 0]


@pytest.mark.parametrize(("media", "scheme"), [("", "light"), ("", "dark"), ("print", "dark")])
def test_every_text_stands_out_from_its_ground(opened: Open, media: str, scheme: str) -> None:
    browser = opened(whole_plan())

    emulate(browser, media, scheme)

    assert run(browser, CONTRAST) == []


def test_every_control_has_a_label_and_every_picture_words(opened: Open) -> None:
    browser = opened(whole_plan())

    unnamed = run(
        browser,
        "return [...document.querySelectorAll('input, select')].filter(e => !e.labels.length).length"
        " + document.querySelectorAll('svg:not([role=img][aria-label])').length",
    )

    assert unnamed == 0


def test_the_page_is_no_wider_than_a_telephone(opened: Open) -> None:
    browser = opened(whole_plan())
    size = {"width": 390, "height": 800, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)

    wide = run(browser, "return document.documentElement.scrollWidth")
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})

    assert wide <= 390


@pytest.mark.parametrize("text", [text for text in NASTY if "<" in text])
def test_nothing_in_a_plan_runs(opened: Open, text: str) -> None:
    browser = opened(nasty_plan(text))

    assert run(browser, "return window.obeyed === undefined")
    assert text in browser.find_element(By.TAG_NAME, "h1").text


def test_five_thousand_changes_are_all_there_and_found(opened: Open) -> None:
    changes = [change(n, user=f"user{n:05}") for n in range(1, 5001)]

    browser = opened(a_plan(*changes))
    look_for(browser, "user04321")

    assert browser.find_element(By.ID, "shown").text == "1 of 5,000 shown"
