"""The console in a real browser: the ways that operators go, by mouse, by keyboard, and without a script."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

from tests.browser import CONTRAST, complaints, emulate, run, started
from tests.ports import free_port
from tests.provisioner.console.pages.visited import Visit
from tests.scenarios.installation import Installation, person, phone_users, staff
from tests.scenarios.test_daemon_and_check import daemon, until

PATIENCE_S = 30


@pytest.fixture(scope="module")
def chrome(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    yield from started(tmp_path_factory.mktemp("profile"))


@pytest.fixture
def browser(chrome: webdriver.Chrome) -> Iterator[webdriver.Chrome]:
    yield chrome
    emulate(chrome, "", "light")
    chrome.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
    chrome.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    chrome.delete_all_cookies()
    complaints(chrome)


@pytest.fixture
def emea(tmp_path: Path) -> Installation:
    """An adopted sync of 30 people: of its second plan two leave, and one comes."""
    emea = Installation(tmp_path)
    emea.people(staff(30))
    emea.phone(phone_users(30))
    emea.carry_out()
    emea.people([*staff(28), person(31)])
    emea.plan()
    return emea


@pytest.fixture
def visit(emea: Installation) -> Visit:
    return Visit(emea)


@pytest.fixture
def url(visit: Visit) -> Iterator[str]:
    with visit.served() as url:
        yield url


def soon(browser: webdriver.Chrome) -> WebDriverWait[webdriver.Chrome]:
    """Wait for a page, also while it takes the place of the one before, whose elements are no more."""
    gone = [StaleElementReferenceException]
    return WebDriverWait(browser, PATIENCE_S, ignored_exceptions=gone)


def said(browser: webdriver.Chrome) -> str:
    return " ".join(browser.find_element(By.TAG_NAME, "main").text.split())


def follow(browser: webdriver.Chrome, words: str) -> None:
    """Click on the link or button that begins with these words, and wait for the page it leads to."""
    found = named(browser, words)
    found.click()
    soon(browser).until(lambda _: is_gone(found))


def is_gone(element: WebElement) -> bool:
    try:
        element.is_enabled()
    except Exception:  # noqa: BLE001 - selenium has several names for it
        return True
    return False


def named(browser: webdriver.Chrome, words: str) -> WebElement:
    for each in browser.find_elements(By.CSS_SELECTOR, "main a, main button, nav a"):
        if each.is_displayed() and each.text.startswith(words):
            return each
    raise AssertionError(f"nothing to click begins with {words!r}: {said(browser)}")


def give_name(browser: webdriver.Chrome, name: str) -> None:
    field = browser.find_element(By.NAME, "by")
    field.clear()
    field.send_keys(name)


def test_from_the_overview_a_cluster_is_opened_approved_and_carried_out(
    browser: webdriver.Chrome, emea: Installation, visit: Visit, url: str
) -> None:
    browser.get(url)
    follow(browser, "2 changes wait for approval")
    cluster = browser.find_element(By.CSS_SELECTOR, "details.cluster")
    assert "license.remove" not in " ".join(
        r.text for r in cluster.find_elements(By.TAG_NAME, "tr")
    )
    cluster.find_element(By.TAG_NAME, "summary").click()
    assert "user29@example.org" in cluster.text

    follow(browser, "Approve …")
    assert "2 people would lose a license, package, number or account" in said(browser)
    give_name(browser, "Eva Malá")
    follow(browser, "Approve 2 changes")
    assert "plan 2: 2 changes approved by Eva Malá" in said(browser)
    assert browser.switch_to.active_element.get_attribute("id") == "told"

    follow(browser, "Carry out …")
    follow(browser, "Carry it out")
    soon(browser).until(lambda b: "It is at work" not in said(b))
    assert "Done: 5 changes" in said(browser)
    assert emea.phone_users()["user29@example.org"].get("license") is None
    assert complaints(browser) == []


def test_a_whole_plan_is_rejected(browser: webdriver.Chrome, visit: Visit, url: str) -> None:
    browser.get(f"{url}/plans/2")
    follow(browser, "Reject all …")
    give_name(browser, "zoe")
    follow(browser, "Reject 5 changes")

    assert "plan 2: 5 changes rejected by zoe" in said(browser)
    assert "Everything of this plan is decided and done" in said(browser)
    assert {change.state for change in visit.desk.plan("2").changes} == {"rejected"}


def test_people_are_ticked_and_only_they_are_decided(
    browser: webdriver.Chrome, visit: Visit, url: str
) -> None:
    browser.get(f"{url}/plans/2/changes?kind=license.remove")
    box = browser.find_element(By.CSS_SELECTOR, "input[aria-label='choose user30@example.org']")
    box.click()
    follow(browser, "Approve all of the ticked")
    assert "user29" not in said(browser)
    give_name(browser, "eva")
    follow(browser, "Approve 1 change")

    states = {c.user: c.state for c in visit.desk.plan("2").changes if c.kind == "license.remove"}
    assert states == {"user29@example.org": "planned", "user30@example.org": "approved"}


def test_a_person_is_found_explained_and_asked_about(browser: webdriver.Chrome, url: str) -> None:
    browser.get(url)
    follow(browser, "People")
    browser.find_element(By.NAME, "text").send_keys("User 31", Keys.ENTER)
    soon(browser).until(lambda b: "user31@example.org" in said(b))
    follow(browser, "user31@example.org")
    assert "license zoom_phone (rule all" in said(browser)

    run(browser, "document.getElementsByName('entitlement')[0].value = 'packages'")
    browser.find_element(By.NAME, "value").send_keys("premium")
    follow(browser, "Explain")
    assert "Why not packages=premium no rule gives packages premium" in said(browser)


def test_a_run_is_undone_by_a_plan_that_is_reviewed_first(
    browser: webdriver.Chrome, emea: Installation, visit: Visit, url: str
) -> None:
    for command in ("approve", "apply"):
        emea.run(command, "2")
    browser.get(url)
    follow(browser, "Runs")
    browser.find_element(By.CSS_SELECTOR, "tbody a").click()
    follow(browser, "Undo this run …")
    give_name(browser, "eva")
    follow(browser, "Make the plan")

    assert "The undo is planned" in said(browser)
    assert "takes back what a run did" in said(browser)
    assert visit.desk.plan("3").scope == "undo"
    assert emea.phone_users()["user29@example.org"].get("license") is None


@pytest.mark.parametrize("scripts", [True, False], ids=["with a script", "without one"])
def test_by_keyboard_alone_a_plan_is_found_and_approved(
    browser: webdriver.Chrome, visit: Visit, url: str, scripts: bool
) -> None:
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": not scripts})
    browser.get(url)

    press_through(browser, "2 changes wait for approval")
    press_through(browser, "Approve all …")
    tab_to(browser, lambda e: e.get_attribute("name") == "by").send_keys("eva", Keys.ENTER)
    soon(browser).until(lambda b: "approved by eva" in said(b))

    assert {change.state for change in visit.desk.plan("2").changes} == {"approved"}


def press_through(browser: webdriver.Chrome, words: str) -> None:
    found = tab_to(browser, lambda e: e.text.startswith(words))
    found.send_keys(Keys.ENTER)
    soon(browser).until(lambda _: is_gone(found))


def tab_to(browser: webdriver.Chrome, wanted: object) -> WebElement:
    """Press Tab until what is wanted has the focus; every stop must be seen."""
    assert callable(wanted)
    for _ in range(60):
        browser.switch_to.active_element.send_keys(Keys.TAB)
        found = browser.switch_to.active_element
        if wanted(found):
            return found
    raise AssertionError(f"nothing like it has the focus: {said(browser)}")


def test_without_a_script_nothing_offers_what_needs_one(
    browser: webdriver.Chrome, url: str
) -> None:
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    browser.get(f"{url}/plans/2/changes")

    shown = [b.text for b in browser.find_elements(By.TAG_NAME, "button") if b.is_displayed()]

    assert "Tick all on this page" not in shown
    assert "Approve all of the ticked people …" in shown


ALL = ["/", "/plans", "/plans/2", "/plans/2/changes", "/plans/2/decide?decision=approved",
       "/plans/2/apply", "/runs", "/people?text=user", "/explain?sync=emea&user=user29",
       "/manual", "/quarantine", "/syncs/emea", "/nowhere"]  # fmt: skip


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_on_every_page_every_text_stands_out_and_nothing_is_complained_of(
    browser: webdriver.Chrome, url: str, scheme: str
) -> None:
    emulate(browser, "", scheme)
    for path in ALL:
        browser.get(url + path)
        run(browser, "for (const e of document.querySelectorAll('details')) e.open = true")
        assert run(browser, CONTRAST) == [], path
        wrong = [each for each in complaints(browser) if "/nowhere" not in each["message"]]
        assert wrong == [], path


@pytest.mark.skipif(
    "AXE" not in os.environ,
    reason="AXE names no axe-core (tests/axe/): only our own checks look at the pages",
)
def test_axe_finds_nothing_that_keeps_anybody_out(browser: webdriver.Chrome, url: str) -> None:
    axe = Path(os.environ["AXE"]).read_text(encoding="utf-8")
    rules = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
    for path in ALL:
        browser.get(url + path)
        run(browser, "for (const e of document.querySelectorAll('details')) e.open = true")
        run(browser, axe)
        found = browser.execute_async_script(
            "const done = arguments[1]; axe.run(document, arguments[0]).then(r =>"
            " done(r.violations.map(v => [v.id, v.help, ...v.nodes.slice(0, 3).map(n => n.html)])))",
            rules,
        )
        assert found == [], path


def test_no_page_is_wider_than_a_telephone(browser: webdriver.Chrome, url: str) -> None:
    size = {"width": 390, "height": 800, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    for path in (*ALL, f"/explain?sync=emea&user={'long' * 20}", "/plans/2/changes?person=1"):
        browser.get(url + path)
        run(browser, "for (const e of document.querySelectorAll('details')) e.open = true")
        assert run(browser, "return document.documentElement.scrollWidth") <= 390, path


def test_a_daemons_console_takes_a_token_and_its_daemon_carries_out_what_was_approved_there(
    browser: webdriver.Chrome, emea: Installation
) -> None:
    ports = [f"127.0.0.1:{free_port()}" for _ in range(2)]
    server = {"bind": ports[0], "admin_bind": ports[1], "console": {"sign_in": "token"}}
    syncs = {"emea": emea.sync | {"schedule": {"every": "1h"}}}
    document = {"version": 1, "store": "sqlite:///store.db", "server": server, "syncs": syncs}
    emea.yaml("config.yaml", document)
    token = emea.run("token create --console --name eva").out.strip()

    with daemon(emea) as process:
        until(process, "sync.applied")
        browser.get(f"http://{ports[1]}/plans/3")
        assert browser.title.startswith("Sign in")
        browser.find_element(By.NAME, "token").send_keys("not-a-token", Keys.ENTER)
        soon(browser).until(lambda b: b.find_elements(By.CSS_SELECTOR, "[role=alert]"))
        browser.find_element(By.NAME, "token").send_keys(token, Keys.ENTER)
        soon(browser).until(lambda b: "Plan 3" in b.title)

        follow(browser, "Approve all …")
        follow(browser, "Approve 2 changes")
        assert "approved by eva" in said(browser)
        browser.get(f"http://{ports[1]}/syncs/emea")
        follow(browser, "Start")
        soon(browser).until(lambda b: "It is at work" not in said(b))
        assert "By eva" in said(browser)
        assert "license" not in emea.phone_users()["user29@example.org"]

        run(browser, "document.querySelector('.who button').click()")
        soon(browser).until(lambda b: b.title.startswith("Sign in"))
