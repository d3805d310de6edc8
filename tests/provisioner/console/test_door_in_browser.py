"""The door before a real browser: its own pages pass, other sites' pages and bent names don't.

What is refused here rests on what browsers send and keep: Origin, Sec-Fetch-Site, SameSite cookies.
Every name that ends in .example is this machine, as it is for whoever has their name mean our address.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.wait import WebDriverWait

from provisioner.console_config import ConsoleConfig
from provisioner.serving import Served
from tests.browser import complaints, started
from tests.provisioner.console.entered import Behind

OURS, EVIL = "console.example", "evil.example"
PATIENCE_S = 20.0
POST_FORM = """
const form = document.forms[0], by = form.appendChild(document.createElement("input"));
Object.assign(by, {name: "by", value: arguments[0]});
Object.assign(form, {action: "/decide", method: "post"}).submit();
"""
BODY = """'{"by": "eva"}'"""


class Attacked:
    """A console, and another site whose page has the browser do what `page` says when it is loaded."""

    def __init__(self, folder: Path, browser: webdriver.Chrome, console: ConsoleConfig) -> None:
        self.browser, self.page = browser, ""
        self.behind = Behind(folder, console)
        evil = Flask("evil")
        evil.add_url_rule("/", view_func=lambda: self.page)
        self.console, self.evil = (Served(app, "127.0.0.1:0") for app in (self.behind.app, evil))
        for each in (self.console, self.evil):
            each.start()

    def stop(self) -> None:
        """End both sites, and forget their cookies."""
        self.browser.execute_cdp_cmd("Network.clearBrowserCookies", {})
        for each in (self.console, self.evil):
            each.stop()

    def url(self, path: str = "/", name: str = OURS) -> str:
        """Return an address of the console, under a name."""
        return self.console.url.replace("127.0.0.1", name) + path

    def lure(self, page: str) -> str:
        """Have the other site's page loaded, and return what the browser shows in the end."""
        self.page = page
        start = self.evil.url.replace("127.0.0.1", EVIL) + "/"
        self.browser.get(start)
        wait = WebDriverWait(self.browser, PATIENCE_S)
        wait.until(lambda b: b.current_url != start or b.title == "done")
        return self.text()

    def text(self) -> str:
        """Return what the page says."""
        return self.browser.find_element(By.TAG_NAME, "body").text

    def sign_in(self, name: str = OURS) -> None:
        """Sign in as eva by the form."""
        self.browser.get(self.url(name=name))
        field = self.browser.find_element(By.NAME, "token")
        field.send_keys(self.behind.token("eva"))
        field.submit()
        WebDriverWait(self.browser, PATIENCE_S).until(
            lambda b: b.current_url == self.url(name=name)
        )


@pytest.fixture(scope="module")
def chrome(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    rules = "--host-resolver-rules=MAP *.example 127.0.0.1"
    yield from started(tmp_path_factory.mktemp("profile"), rules)


@pytest.fixture
def token(tmp_path: Path, chrome: webdriver.Chrome) -> Iterator[Attacked]:
    attacked = Attacked(tmp_path, chrome, ConsoleConfig(sign_in="token", hosts=(OURS,)))
    yield attacked
    attacked.stop()


@pytest.fixture
def nobody(tmp_path: Path, chrome: webdriver.Chrome) -> Iterator[Attacked]:
    attacked = Attacked(tmp_path, chrome, ConsoleConfig(sign_in="none"))
    yield attacked
    attacked.stop()


def posting(url: str, **members: str) -> str:
    """Return a page that posts a form as soon as it is loaded."""
    fields = "".join(f'<input name="{name}" value="{value}">' for name, value in members.items())
    return f'<form method="post" action="{url}">{fields}</form><script>document.forms[0].submit()</script>'


def fetching(url: str, **options: str) -> str:
    """Return a page that asks for an address by script, and shows what it could read."""
    given = ", ".join(f"{name}: {value}" for name, value in options.items())
    return (
        f"<body>nothing yet</body><script>fetch('{url}', {{{given}}})"
        ".then(a => a.text(), () => 'unreadable')"
        ".then(t => { document.body.textContent = t; document.title = 'done' })</script>"
    )


@pytest.mark.parametrize("name", [OURS, "localhost", "127.0.0.1"])
def test_our_own_forms_pass_under_every_name_of_ours(token: Attacked, name: str) -> None:
    token.sign_in(name)
    token.browser.execute_script(POST_FORM, "")
    WebDriverWait(token.browser, PATIENCE_S).until(lambda b: b.current_url.endswith("/decide"))

    assert token.behind.decided == ["eva"]
    assert not [c for c in complaints(token.browser) if "Content Security Policy" in c["message"]]


def test_no_script_of_the_page_can_read_the_session(token: Attacked) -> None:
    token.sign_in()

    assert token.browser.execute_script("return document.cookie") == ""
    assert token.browser.get_cookies() != []


@pytest.mark.parametrize("name", [OURS, "localhost"])
def test_another_sites_form_is_refused_where_the_operator_is_signed_in(
    token: Attacked, name: str
) -> None:
    token.sign_in(name)

    assert "another site's page asked for this" in token.lure(posting(token.url("/decide", name)))
    assert token.behind.decided == []


def test_another_sites_form_is_refused_where_nobody_signs_in(nobody: Attacked) -> None:
    for name in ("localhost", "127.0.0.1"):
        said = nobody.lure(posting(nobody.url("/decide", name), by="eva"))
        assert "another site's page asked for this" in said


@pytest.mark.parametrize(
    "options",
    [
        {"mode": "'no-cors'", "method": "'POST'", "body": BODY},
        {"method": "'POST'", "body": BODY, "headers": "{'Content-Type': 'application/json'}"},
        {"credentials": "'include'"},
    ],
)
def test_another_sites_script_reads_nothing_and_decides_nothing(
    nobody: Attacked, options: dict[str, str]
) -> None:
    path = "/api/v1/decide" if "method" in options else "/api/v1/me"

    said = nobody.lure(fetching(nobody.url(path, "localhost"), **options))

    assert said in ("unreadable", "")
    assert nobody.behind.decided == []


@pytest.mark.parametrize("path", ["/", "/api/v1/me", "/metrics"])
def test_a_name_that_was_bent_to_our_address_reads_nothing(nobody: Attacked, path: str) -> None:
    nobody.browser.get(nobody.url(path, EVIL))

    assert "this console isn't called evil.example" in nobody.text()


def test_a_script_under_a_bent_name_passes_for_no_scraper(nobody: Attacked) -> None:
    nobody.browser.get(nobody.url("/", EVIL))
    ask = """
        const [path, headers, done] = arguments;
        fetch(path, {headers, referrerPolicy: "no-referrer"}).then(a => done(a.status), e => done(String(e)));
    """
    disguises = [{}, {"Accept-Language": ""}, {"Accept-Language": "", "User-Agent": "Prometheus"}]

    nobody.browser.set_script_timeout(PATIENCE_S)
    found = [nobody.browser.execute_async_script(ask, "/metrics", each) for each in disguises]

    assert found == [421, 421, 421]


def test_a_link_in_a_mail_finds_the_operator_signed_in(token: Attacked) -> None:
    token.sign_in("localhost")
    target = token.url("/name?plan=118", "localhost")

    token.lure(f'<a href="{target}">Plan 118</a><script>document.links[0].click()</script>')
    WebDriverWait(token.browser, PATIENCE_S).until(lambda b: "One moment" not in b.title)

    assert token.browser.current_url == target


def test_a_link_in_a_mail_leaves_the_form_in_another_tab_as_good_as_it_was(
    nobody: Attacked,
) -> None:
    browser, page = nobody.browser, nobody.url("/", "localhost")
    browser.get(page)
    tab = browser.current_window_handle
    browser.switch_to.new_window("tab")
    nobody.lure(f'<a href="{page}">Overview</a><script>document.links[0].click()</script>')
    browser.close()
    browser.switch_to.window(tab)

    browser.execute_script(POST_FORM, "eva")
    WebDriverWait(browser, PATIENCE_S).until(lambda b: b.current_url.endswith("/decide"))

    assert nobody.behind.decided == ["eva"]


def test_nobody_frames_the_console(token: Attacked) -> None:
    token.sign_in("localhost")
    framed = (
        f'<iframe src="{token.url("/", "localhost")}" onload="document.title = \'done\'"></iframe>'
    )

    token.lure(framed)
    token.browser.switch_to.frame(0)

    assert "csrf" not in token.browser.page_source
    assert not token.browser.find_elements(By.NAME, "csrf")
