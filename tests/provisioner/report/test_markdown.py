"""The report as Markdown, read back by a parser of GitHub's flavour: values are shown, never obeyed."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from markdown_it import MarkdownIt
from markdown_it.token import Token

from provisioner.plan.model import Plan
from provisioner.report.figures import visible
from provisioner.report.markdown import code, item, prose
from tests.provisioner.report.plans import (
    NASTY,
    a_plan,
    anything,
    change,
    nasty_plan,
    whole_plan,
    written,
)

PARSER = MarkdownIt("commonmark").enable(["table", "strikethrough"])


def inlines(markdown: str) -> list[Token]:
    return [token for token in PARSER.parse(markdown) if token.type == "inline"]


def shown(token: Token) -> str:
    """Return what a reader sees of an inline token."""
    return "".join(
        child.content for child in token.children or () if child.type in ("text", "code_inline")
    )


def test_figures_causes_and_changes_are_tables() -> None:
    text = written(whole_plan(), "markdown")

    assert [token.type for token in PARSER.parse(text)].count("table_open") == 6


def test_a_change_is_a_row_with_its_reason() -> None:
    text = written(whole_plan(), "markdown")

    assert (
        "| 3 | `eva@example.org` | `license.assign` | none → `zoom_phone` | `sales` | safe |"
        in text
    )
    assert "number +4989123401 is released" in text
    assert "in the portal: open zoe@example.org, choose pc-7" in text


def test_the_command_that_releases_what_is_held_can_be_copied() -> None:
    assert "`provisioner apply 118 --allow-removals 212`" in written(whole_plan(), "markdown")


def test_the_hundred_most_dangerous_changes_are_shown_and_the_rest_is_counted() -> None:
    safe = [change(n, user=f"a{n:03}") for n in range(1, 151)]
    plan = a_plan(*safe, change(151, "license.remove", "zz", risk="destructive"))

    text = written(plan, "markdown")

    assert len(re.findall(r"^\| \d+ \| `", text, re.M)) == 100
    assert "zz@example.org" in text
    assert "and 51 more changes" in text


@pytest.mark.parametrize("text", [text for text in NASTY if text])
def test_no_nasty_text_changes_the_structure(text: str) -> None:
    assert structure(nasty_plan(text)) == structure(nasty_plan("harmless"))


def structure(plan: Plan) -> list[str]:
    return [token.type for token in PARSER.parse(written(plan, "markdown"))]


@settings(max_examples=200, deadline=None)
@given(anything)
def test_a_value_in_a_cell_is_shown_as_it_is(text: str) -> None:
    table = f"| a | b |\n| --- | --- |\n| {code(text)} | {prose(text)} |\n"

    _, _, value, sentence = inlines(table)

    short = visible(text) if len(visible(text)) <= 300 else visible(text)[:300]
    assert shown(value).startswith(short)
    assert shown(sentence).replace("\u200b", "").startswith(short.strip())


@settings(max_examples=200, deadline=None)
@given(anything)
def test_a_sentence_in_a_list_is_a_sentence_in_a_list(text: str) -> None:
    tokens = PARSER.parse(f"- {item('x' + text)}\n- {item(text) or 'x'}\n")

    assert [token.type for token in tokens].count("list_item_open") == 2
    kinds = {child.type for token in tokens for child in token.children or ()}
    assert kinds <= {"text", "text_special", "softbreak"}


@pytest.mark.parametrize("text", ["@everyone", "see #12", "(@team)"])
def test_nobody_is_notified_and_no_ticket_is_linked(text: str) -> None:
    assert not re.search(r"[@#]\w", prose(text))


def test_no_address_becomes_a_link() -> None:
    assert "://" not in prose("https://evil.example")
    assert "www." not in prose("www.evil.example")
