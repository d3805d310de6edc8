"""The report as a page, read as text: one file, whole without a script, and nothing in it runs."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings

from provisioner.plan.model import Plan
from tests.provisioner.report.plans import (
    NASTY,
    a_plan,
    anything,
    change,
    nasty_plan,
    whole_plan,
    written,
)


class Outline(HTMLParser):
    """The tags of a page with their attributes' names and the text between them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, tuple[str, ...]]] = []
        self.attributes: list[tuple[str, str, str | None]] = []
        self.text: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, tuple(name for name, _ in attrs)))
        self.attributes.extend((tag, name, value) for name, value in attrs)

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def test_the_page_asks_for_nothing_from_anywhere() -> None:
    html = written(whole_plan(), "html")

    asking = {"src", "href", "action", "data", "poster", "srcset", "background"}
    asked = {value for _, name, value in Outline(html).attributes if name in asking}
    assert asked == {"#changes"}
    assert "url(" not in html
    assert "@import" not in html


def test_the_policy_allows_the_pages_own_style_and_script_and_nothing_else() -> None:
    html = written(whole_plan(), "html")

    policy = dict(
        part.strip().split(" ", 1)
        for part in re.findall('Content-Security-Policy" content="([^"]*)"', html)[0].split(";")
    )
    for tag in ("style", "script"):
        content = re.findall(f"<{tag}>(.*?)</{tag}>", html, re.S)
        digest = base64.b64encode(hashlib.sha256(content[0].encode()).digest()).decode()
        assert (len(content), policy[f"{tag}-src"]) == (1, f"'sha256-{digest}'")
    assert policy["default-src"] == "'none'"
    assert "unsafe" not in str(policy)


def test_everything_that_a_plan_holds_is_on_the_page() -> None:
    text = " ".join(Outline(written(whole_plan(), "html")).text)

    for said in (
        *("Plan 118", "sync emea", "2026-11-23T09:00:00Z", "640", "0.2%", "230 by join"),
        *("provisioner apply 118 --allow-removals 212", "number +4989123401 is released"),
        *("title changed (hr)", "after 1 (jan@example.org)", "Eva Malá", "choose pc-7"),
        *("no seat is free", "in grace until", "one mail under two keys", "hr.csv:9"),
        *("neither balance nor auto-recharge", "older@example.org", "2 too many", "sha256:d"),
    ):
        assert said in text


def test_clusters_stand_in_the_plans_order_with_the_destructive_first() -> None:
    html = written(whole_plan(), "html")

    titles = re.findall(r"<h3><bdi>([^<]*)</bdi>", html)
    assert titles[:2] == ["left group Sales (hr)", "joined group Sales (hr)"]


def test_every_change_has_one_row() -> None:
    html = written(whole_plan(), "html")

    rows = re.findall('<tr data-kind="([^"]*)"', html)
    plan = whole_plan()
    assert sorted(rows) == sorted(c.kind for c in (*plan.changes, *plan.blocked, *plan.waiting))


def test_everything_that_folds_is_open_to_begin_with() -> None:
    html = written(whole_plan(), "html")

    assert html.count("<details") == html.count("<details open")


def test_a_plan_without_changes_says_so() -> None:
    assert "Nothing is to be changed." in written(a_plan(), "html")


def test_an_id_is_used_once() -> None:
    ids = [
        value
        for _, name, value in Outline(written(whole_plan(), "html")).attributes
        if name == "id"
    ]

    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("text", [text for text in NASTY if text])
def test_no_nasty_text_makes_another_tag(text: str) -> None:
    assert tags(nasty_plan(text)) == tags(nasty_plan("harmless"))


def tags(plan: Plan) -> list[tuple[str, tuple[str, ...]]]:
    """Return the page's tags, but for those of commands: backticks in a reason make them."""
    return [tag for tag in Outline(written(plan, "html")).tags if tag[0] != "code"]


@settings(max_examples=40, deadline=None)
@given(anything)
def test_whatever_a_text_holds_no_tag_comes_of_it(text: str) -> None:
    html = written(nasty_plan("x" + text), "html")

    html.encode()  # no lone surrogate
    assert tags(nasty_plan("x" + text)) == tags(nasty_plan("harmless"))
    assert not set(html) & {"\x1b", "\x00", "\u202e"}


def test_a_page_of_five_thousand_changes_stays_under_three_megabytes() -> None:
    changes = [change(n, user=f"user{n:05}") for n in range(1, 5001)]

    assert len(written(a_plan(*changes), "html").encode()) < 3_000_000
