"""Distinguished names as RFC 4514 writes them, and when two of them are one."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.directory.ldap_json.dn import (
    DnError,
    first_value,
    normal,
    parse_dn,
    without_bit_string,
)


@pytest.mark.parametrize(
    ("text", "rdns"),
    [
        ("", ()),
        ("  ", ()),
        ("cn=", ((("cn", ""),),)),
        (
            "UID=jsmith,DC=example,DC=net",
            ((("uid", "jsmith"),), (("dc", "example"),), (("dc", "net"),)),
        ),
        (
            "OU=Sales+CN=J.  Smith,DC=net",
            ((("ou", "Sales"), ("cn", "J.  Smith")), (("dc", "net"),)),
        ),
        (
            r"CN=James \"Jim\" Smith\, III,DC=net",
            ((("cn", 'James "Jim" Smith, III'),), (("dc", "net"),)),
        ),
        (r"CN=Before\0dAfter", ((("cn", "Before\rAfter"),),)),
        ("1.3.6.1.4.1.1466.0=#04024869", ((("1.3.6.1.4.1.1466.0", "Hi"),),)),
        (r"CN=Lu\C4\8Di\C4\87", ((("cn", "Lučić"),),)),
    ],
)
def test_the_examples_of_rfc_4514_read_as_it_says(text: str, rdns: object) -> None:
    assert parse_dn(text) == rdns


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("cn=Eva,o=x", "cn=Eva , o=x"),
        ("cn=Eva,o=x", " CN = eva ,O=X "),
        (r"cn=Mal\C3\A1\, Eva,o=x", r"cn=Malá\2C eva,o=x"),
        (r"cn=\45va,o=x", "cn=Eva,o=x"),
        ("cn=Eva+uid=e1,o=x", "UID=E1 + CN=Eva,o=x"),
        ("2.5.4.3=Eva,o=x", "cn=Eva,o=x"),
        ("OID.2.5.4.3=Eva,o=x", "commonName=Eva,o=x"),
        ("cn=#0C03457661,o=x", "cn=Eva,o=x"),
        ("cn=#0c8103457661,o=x", "cn=Eva,o=x"),
        ("cn=#1e06004500760061,o=x", "cn=Eva,o=x"),
        ("cn=#020105,o=x", "CN=#020105,o=X"),
        ('cn="Malá, Eva",o=x', r"cn=Malá\, Eva,o=x"),
        ('cn="a \\" b",o=x', r"cn=a \" b,o=x"),
        ("cn=Eva;o=x", "cn=Eva,o=x"),
        ("cn=Eva   Malá,o=x", "cn=Eva Malá,o=x"),
        (r"cn=Eva\ ,o=x", "cn=Eva,o=x"),
        ("cn=Mala\u0301,o=x", "cn=MALÁ,o=x"),
        ("cn=Straße,o=x", "cn=STRASSE,o=x"),
    ],
)
def test_spellings_of_one_name_are_equal(one: str, other: str) -> None:
    assert normal(one) == normal(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("cn=a,cn=b", "cn=b,cn=a"),
        ("cn=a+cn=b", r"cn=a\+cn=b"),
        ("cn=a,o=b", r"cn=a\,o=b"),
        (r"cn=a\\,o=b", r"cn=a\\\,o=b"),
        ("cn=#020105,o=x", r"cn=\#020105,o=x"),
        ("cn=Eva,o=x", "sn=Eva,o=x"),
        ("cn=Eva,o=x", "cn=Eva"),
        ("", "cn="),
    ],
)
def test_names_of_different_entries_differ(one: str, other: str) -> None:
    assert normal(one) != normal(other)


@pytest.mark.parametrize(
    "text",
    [
        "eva",
        "cn",
        "=eva",
        "cn=a,",
        "cn=a, ",
        ",cn=a",
        "cn=a,,o=b",
        "cn=a+",
        "cn=a+,o=b",
        'cn="a',
        'cn="a"b',
        'cn=a"b',
        r"cn=a\4",
        r"cn=a\zz",
        "cn=a\\",
        r"cn=\C3",
        "cn=#12345",
        "cn=#xy",
        "cn=#",
        "2..5=a",
        "cn=a\ud800,o=x",
        "uid=a,o=\ud800",
        "cn=a\0b",
        "\u212an=a",
    ],
)
def test_text_that_is_no_name_is_refused(text: str) -> None:
    with pytest.raises(DnError):
        normal(text)
    with pytest.raises(DnError):
        parse_dn(text)


def test_a_blank_that_is_escaped_at_the_end_belongs_to_the_value() -> None:
    assert parse_dn("cn=a\\  ,o=x") == ((("cn", "a "),), (("o", "x"),))
    assert parse_dn("cn=a\\\\  ,o=x") == ((("cn", "a\\"),), (("o", "x"),))


def test_a_group_is_shown_by_its_first_value() -> None:
    assert first_value(r"CN=Sales\, EMEA\2B,OU=Groups") == "Sales, EMEA+"
    assert first_value("cn=a+ou=b,o=x") == "a"
    assert first_value(r"cn=\5Ca,o=x") == "\\a"
    assert first_value("cn=#020105,o=x") == "#020105"
    assert first_value("") == ""


def test_a_unique_members_bit_string_is_no_part_of_its_name() -> None:
    assert without_bit_string("cn=a,o=b#'0101'B") == "cn=a,o=b"
    assert without_bit_string("cn=a,o=b#''B") == "cn=a,o=b"
    assert without_bit_string("cn=a,o='B") == "cn=a,o='B"


_LETTERS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))


def _escaped(value: str) -> str:
    return "".join(f"\\{byte:02x}" for byte in value.encode())


@given(_LETTERS, _LETTERS)
def test_every_value_survives_being_escaped_byte_by_byte(value: str, parent: str) -> None:
    assert parse_dn(f"cn={_escaped(value)},o={_escaped(parent)}") == (
        (("cn", value),),
        (("o", parent),),
    )


@given(_LETTERS)
def test_a_name_in_plain_letters_equals_itself_in_escapes(value: str) -> None:
    plain = "".join(c for c in value if c.isalnum() or c == " ").strip()
    assert normal(f"uid={plain},o=x") == normal(f"uid={_escaped(plain)},o=x")
    assert normal(f"uid={plain},o=x") == normal(f"uid={unicodedata.normalize('NFD', plain)},o=x")


@given(_LETTERS)
def test_reading_any_text_gives_a_name_or_a_named_error(text: str) -> None:
    try:
        name = normal(text)
    except DnError:
        return
    assert normal(name) == name or "\\" in name


def test_a_name_of_monstrous_length_is_refused() -> None:
    assert normal(r"cn=" + r"\," * 20_000)
    with pytest.raises(DnError, match="longer than"):
        normal(r"cn=" + r"\," * 5_000_000)
