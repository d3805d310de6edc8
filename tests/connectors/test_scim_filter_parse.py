"""Filters whose text may stand without quotes."""

from __future__ import annotations

import pytest

from connectors.scim_filter import FilterError, parse_filter


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("userName eq bob", 'userName eq "bob"'),
        ("userName Eq bob@example.org", 'userName eq "bob@example.org"'),
        ("userName eq o'neil", 'userName eq "o\'neil"'),
        ("userName eq 12", 'userName eq "12"'),
        ("userName eq null@example.org", 'userName eq "null@example.org"'),
        ("displayName eq Sales  EMEA ", 'displayName eq "Sales  EMEA"'),
        ("displayName eq andy or title eq order", 'displayName eq "andy" or title eq "order"'),
        ("not (title eq a) and title pr", 'not (title eq "a") and title pr'),
        ("emails[type eq work and value co x].value pr", 'emails[type eq "work" and value co "x"].value pr'),
        ('title eq "a b" and userName eq bob', 'title eq "a b" and userName eq "bob"'),
        ("title eq null", "title eq null"),
        ("active eq True", "active eq true"),
        ("meta.created gt 2011-05-13T04:42:34Z", 'meta.created gt "2011-05-13T04:42:34Z"'),
    ],
)  # fmt: skip
def test_text_without_quotes_goes_up_to_the_next_word_of_the_grammar(text: str, same: str) -> None:
    assert parse_filter(text, quoted=False) == parse_filter(same)
    assert parse_filter(same, quoted=False) == parse_filter(same)


@pytest.mark.parametrize(
    ("text", "position"),
    [
        ("title eq", 8),
        ("title eq and", 9),
        ("title eq 'x'", 9),
        ('title eq x"y"', 10),
        ("title eq x and", 14),
        ("title eq x title eq y", 17),
        ("title eq x)", 10),
        ("title eq true", 9),
        ("title pr x", 9),
        ("title eq {{title}}", 9),
        ("title gt x", 9),
        ("title gt 5", 9),
        ("active eq yes", 10),
        ("title eq DOM\\x", 12),
        ("meta.created gt monday", 16),
    ],
)
def test_what_else_stands_there_is_refused(text: str, position: int) -> None:
    with pytest.raises(FilterError) as refused:
        parse_filter(text, quoted=False)

    assert refused.value.position == position
