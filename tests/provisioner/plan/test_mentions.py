"""Whom a free text names, and that a piece of an address, a number or a name names nobody."""

from __future__ import annotations

import string

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from provisioner.plan.mentions import Mark, mentions, name_mark, number_mark

EVA = Mark("mail", "eva@example.org")
EXT = Mark("extension", "4077")
NUMBER = number_mark("+498912345")
NAME = Mark("name", "eva malá")


@pytest.mark.parametrize(
    "text",
    [
        "Edit User eva@example.org  - Change Type: from Basic to Licensed",
        "Remove Calling Plan Pro From Eva Malá(eva@example.org)",
        "Deactivate User EVA@Example.org.",
        "<eva@example.org>, jan@example.org",
        "User 'eva@example.org'",
    ],
)
def test_a_mail_address_names_in_brackets_quotes_and_any_case(text: str) -> None:
    assert EVA in mentions(text)


@pytest.mark.parametrize(
    "text",
    [
        "Ext. 4077",
        "ext 4077",
        "Extension: 4077",
        "Extension Number 4077,",
        "extension no. 4077",
        "(Ext.4077)",
        "Add User Eva Ext. 4077.",
        "Extension Number: from 4077 to 4099",
        "Extension from 4099 to 4077",
    ],
)
def test_an_extension_number_names_after_a_word_for_it(text: str) -> None:
    assert EXT in mentions(text)


@pytest.mark.parametrize(
    "text",
    [
        "4077",
        "Template 4077",
        "Ext. 40771",
        "Ext. 4077-2",
        "Ext. 4077.5",
        "next 4077",
        "Ext. A4077",
        "text. 4077",
        "ext@4077",
    ],
)
def test_any_other_4077_names_nobody(text: str) -> None:
    assert EXT not in mentions(text)


@pytest.mark.parametrize(
    "text",
    [
        "Assign Phone Number +498912345 to Eva",
        "Unbind +49 89 12345 From Eva",
        "Add BYOC +49-89-123-45",
        "number 498912345",
        "+49 (89) 12345",
        "(+49.89.12345)",
        "+498912345, +498912346",
    ],
)
def test_a_direct_number_names_however_it_is_written(text: str) -> None:
    assert NUMBER in mentions(text)


@pytest.mark.parametrize(
    "text",
    [
        "Remove Calling Plan Pro From Eva Malá",
        "Apply Template Office to Eva  Malá (Ext. 4077)",
        "Eva Malá(eva@example.org)",
        "User Eva Mala\u0301, Sales",
        "Extension for EVA MALÁ in Munich",
        "Delete user Eva Malá.",
    ],
)
def test_a_full_name_names_between_what_can_be_no_part_of_it(text: str) -> None:
    assert NAME in mentions(text)


@pytest.mark.parametrize(
    "text",
    [
        "Remove Calling Plan Pro From Eva Malá Nováková",
        "Remove Calling Plan Pro From Marie Eva Malá",
        "Remove Calling Plan Pro From Eva Malá-Nováková",
        'Apply Template "Eva Malá" to Jan Novák',
        "Assign template Eva Malá",
        "changed by Eva Malá",
        "Site: Eva Malá",
    ],
)
def test_a_piece_of_a_longer_name_or_a_thing_of_that_name_names_nobody(text: str) -> None:
    assert NAME not in mentions(text)


def test_a_name_of_one_word_or_of_figures_names_nobody() -> None:
    assert [name_mark(name) for name in ("Office", "Room 12", "", None, "a b c d e f")] == [
        None
    ] * 5
    assert name_mark(" Eva  Malá ") == NAME


def test_what_looks_like_two_addresses_in_one_is_nobodys() -> None:
    found = {mark.text for mark in mentions("eva@example.org@example.org a@eva@example.org")}

    assert "eva@example.org" not in found


GLUE = st.text(string.ascii_letters + string.digits + "._+-", min_size=1, max_size=6)
LETTERS = st.text(string.ascii_letters + "áčěř", min_size=1, max_size=8)
DIGITS = st.text(string.digits, min_size=1, max_size=5)
FRAME = st.sampled_from(["{}", "Edit User {}", "Remove Calling Plan Pro From {} ", "x ({}), y", "{} - Site"])  # fmt: skip


@given(FRAME, GLUE, GLUE, st.booleans(), st.booleans())
def test_no_text_that_holds_an_address_within_a_longer_one_names_whose_it_is(
    frame: str, before: str, after: str, left: bool, right: bool
) -> None:
    assume(left or right)
    longer = f"{before if left else ''}eva@example.org{after if right else ''}"
    assume(longer.rstrip(".") != "eva@example.org")

    assert EVA not in mentions(frame.format(longer))


@given(FRAME, DIGITS, DIGITS, st.sampled_from(["Ext. ", "Extension ", "ext #"]))
def test_no_text_that_holds_an_extension_number_within_longer_figures_names_whose_it_is(
    frame: str, before: str, after: str, word: str
) -> None:
    for longer in (f"{before}4077", f"4077{after}", f"{before}4077{after}"):
        assert EXT not in mentions(frame.format(word + longer))


@given(FRAME, DIGITS, DIGITS, st.sampled_from(["", "+"]), st.sampled_from(["", " ", "-", ".", "/"]))
def test_no_text_that_holds_a_direct_number_within_longer_figures_names_whose_it_is(
    frame: str, before: str, after: str, plus: str, between: str
) -> None:
    for longer in (
        f"{plus}{before}{between}498912345",
        f"{plus}498912345{between}{after}",
        f"{plus}49891{between}2345{after}",
        f"{plus}498912345{between}X{after}" if not between.isspace() else f"{plus}498912345X",
    ):
        assert NUMBER not in mentions(frame.format(longer))


@given(FRAME, LETTERS, LETTERS, st.sampled_from(["", " ", "-", "'", "_"]))
def test_no_text_that_holds_a_name_within_a_longer_one_names_whose_it_is(
    frame: str, before: str, after: str, between: str
) -> None:
    joins = {"user", "to", "from", "for", "extension", "assistant", "delegate"}
    goes_on = {"to", "from", "in", "on", "at", "for", "as", "ext", "extension"}
    assume(before.lower() not in joins and after.lower() not in goes_on)

    assert NAME not in mentions(frame.format(f"{before}{between}Eva Malá"))
    assert NAME not in mentions(frame.format(f"Eva Malá{between}{after}"))


@given(st.text(max_size=300))
def test_any_text_can_be_read(text: str) -> None:
    mentions(text)
