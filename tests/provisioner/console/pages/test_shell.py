"""What every page has around it."""

from __future__ import annotations

from pathlib import Path

import pytest

from provisioner.console.pages.shell import Notices
from provisioner.console.pages.words import told
from tests.provisioner.console.pages.visited import HOST, Visit, elements, links, words
from tests.scenarios.installation import Installation


@pytest.fixture
def visit(tmp_path: Path) -> Visit:
    return Visit(Installation(tmp_path))


def test_what_was_told_is_forgotten_when_much_was_told_since() -> None:
    notices = Notices()
    first = notices.keep(told("First", ["a"]))
    last = [notices.keep(told("Later", ["b"])) for _ in range(500)][-1]

    assert notices.find(first) is None
    assert notices.find(last) == told("Later", ["b"])


def test_a_name_that_was_never_told_shows_nothing(visit: Visit) -> None:
    assert 'id="told"' not in visit.get("/?told=guessed")


def test_the_section_that_one_is_in_is_marked(visit: Visit) -> None:
    marked = [each["href"] for each in elements(visit.get("/runs"), "a") if "aria-current" in each]

    assert marked == ["/runs"]


def test_assets_are_kept_by_the_browser_and_change_their_address_with_their_content(
    visit: Visit,
) -> None:
    (style,) = [e["href"] for e in elements(visit.get("/"), "link") if e["rel"] == "stylesheet"]
    answer = visit.client.get(str(style), headers=HOST)

    assert "immutable" in answer.headers["Cache-Control"]
    assert "?v=" in str(style)
    visit.get("/assets/shell.py", status=404)


def test_behind_a_proxy_links_and_redirects_begin_where_it_has_us(visit: Visit) -> None:
    answer = visit.client.get("/", headers=HOST, environ_overrides={"SCRIPT_NAME": "/phones"})

    assert all(link.startswith(("/phones/", "#")) for link in links(answer.text))
    assert answer.text.count('href="/phones/assets/') == 2


def test_whom_the_door_refuses_gets_a_page_without_a_way_around(visit: Visit) -> None:
    answer = visit.client.get("/", headers={"Host": "evil.example"})

    assert answer.status_code == 421
    assert "this console isn't called evil.example" in words(answer.text)
    assert "/plans" not in links(answer.text)
