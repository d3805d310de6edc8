"""Attribute text and its transforms: what comes out, and where what is wrong with it stands."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.records import ENTERPRISE, clean
from connectors.scim_filter import USER
from mappings.lookups import Lookup
from mappings.text import AttributeText, TextError, parse_text, text_problems

SITES = {"sites": Lookup("sites", {"munich": "DE-MUC"}), "all": Lookup("all", {}, "HQ")}


def person(**attributes: Any) -> dict[str, Any]:
    town = attributes.pop("town", None)
    dn = attributes.pop("manager", None)
    if town:
        attributes["addresses"] = [{"type": "work", "locality": town}]
    if dn:
        attributes[ENTERPRISE] = {"manager": {"value": dn}}
    return attributes


EVA = person(
    userName="eva.mala@example.org",
    displayName="Eva Malá",
    title="Head of Sales ",
    town="MUNICH",
    manager=r"CN=Novák\, Jan,OU=Sales,OU=Europe,DC=example,DC=org",
    phoneNumbers=[{"value": "(089) 1234-567 ext. 12"}],
)


def parse(text: str) -> AttributeText:
    read = parse_text(text, USER, SITES)
    assert isinstance(read, AttributeText)
    return read


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("{displayName | upper}", "EVA MALÁ"),
        ("{displayName|lower} - {title}", "eva malá - Head of Sales"),
        ("{nickName, displayName}", "Eva Malá"),
        ("{nickName, title | strip | upper}", "HEAD OF SALES"),
        ('{nickName | default "none"}', "none"),
        ('{displayName | default "none"}', "Eva Malá"),
        ('{userName | strip "eva."}', "mala@example.org".strip("eva.")),
        (r'{userName | replace "^([^@]+)@.*$" "\1"}', "eva.mala"),
        (r'{userName | replace "[a-z.]+@" "" | replace "\.(org)" "-\1"}', "example-org"),
        ('{userName | replace "^.*$" "" | default "x"}', "x"),
        ("{manager | part OU}", "Sales"),
        ("{manager | part ou 2}", "Europe"),
        ("{manager | part OU -1}", "Europe"),
        ("{manager | part CN 1}", "Novák, Jan"),
        ("{manager | part DC 3}", None),
        ("{phoneNumbers.value | e164 DE}", "+49891234567"),
        ("{phoneNumbers.value | e164}", None),
        ("{location | lookup sites}", "DE-MUC"),
        ("{title | lookup sites}", None),
        ("{title | lookup all}", "HQ"),
        ("{nickName | lookup all}", None),
        ('{emails[type eq "wo}rk, | x"].value, displayName}', "Eva Malá"),
        (r'{displayName | replace "\"" "a\"b"}', "Eva Malá"),
        (r'{displayName | replace "E" "\""}', '"va Malá'),
    ],
)
def test_what_stands_in_braces_goes_through_its_transforms_from_the_left(
    text: str, made: str | None
) -> None:
    assert parse(text).fill(EVA) == made


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{nickName}", "nickName"),
        ("{nickName, employeeNumber}", f"nickName or {ENTERPRISE}:employeeNumber"),
        ("{title | lookup sites}", "entry for 'Head of Sales' in lookup sites"),
        ("{displayName | e164 DE}", "phone number in displayName"),
        ("{manager | part OU 3}", f"OU 3 in {ENTERPRISE}:manager.value"),
        ('{displayName | replace ".*" ""}', "value left of displayName"),
        ("{nickName | upper | lookup sites}", "nickName"),
        ("{displayName} {title | lookup sites}", "entry for 'Head of Sales' in lookup sites"),
    ],
)
def test_what_is_missing_is_named(text: str, says: str) -> None:
    attributes = USER.resolve("employeeNumber")
    assert attributes is None  # it needs its URN
    read = parse(text.replace("employeeNumber", f"{ENTERPRISE}:employeeNumber"))

    assert read.fill(EVA) is None
    assert read.missing(EVA) == says


@pytest.mark.parametrize(
    ("text", "position", "says"),
    [
        ("a {displayName", 2, "'{' isn't closed"),
        ("a } b", 2, "'}' closes nothing"),
        ("{}", 0, "an attribute belongs between the braces"),
        ("{displayName, }", 12, "an attribute belongs between the braces"),
        ("{displayname, nickname2}", 14, "nickname2"),
        ("{ dispalyName }", 2, "displayName"),
        ("{displayName | uper}", 15, "no transform is called 'uper'; did you mean 'upper'?"),
        ("{displayName |}", 13, "a transform belongs here, like {displayName | upper}"),
        ("{displayName | upper 1}", 21, "upper: takes nothing behind it"),
        ('{displayName | default "x}', 23, "the quotation mark isn't closed"),
        ('{displayName | default ""}', 23, "default: gives nothing: write a text"),
        ("{displayName | default x}", 23, "default: takes the text to give, in quotes"),
        ("{displayName | default}", 15, "default: takes the text to give, in quotes"),
        ('{displayName | replace "(" ""}', 23, "replace: the pattern can't be read: missing )"),
        (r'{displayName | replace "a" "\1"}', 27, "replace: the pattern has no group 1"),
        ('{displayName | replace "a"}', 15, "replace: takes a pattern and what stands for it"),
        ('{displayName | replace "(?=a)" ""}', 23, "replace: the pattern can't be read"),
        ("{displayName | lookup site}", 22, "no lookup is called 'site'; did you mean 'sites'?"),
        ("{displayName | lookup}", 15, "lookup: takes the name of a lookup"),
        ("{displayName | e164 DEU}", 20, "e164: 'DEU' is no country's code"),
        ("{manager | part OU 0}", 19, "part: counts from 1, or from the end"),
        ("{manager | part 2.5.4.11}", 16, "part: takes the attribute's type in the DN"),
        ("{manager | part}", 11, "part: takes the attribute's type in the DN"),
        ("{displayName | upper, lower}", 20, "',' stands between attributes only"),
        ("{name}", 1, "has no value of its own: name a sub-attribute"),
    ],
)
def test_what_is_wrong_is_said_where_it_stands(text: str, position: int, says: str) -> None:
    with pytest.raises(TextError) as caught:
        parse(text)

    assert says in caught.value.message
    assert caught.value.position == position


@pytest.mark.parametrize(
    ("text", "positions"),
    [
        ("{titel | uper} and {locaton, nme | lookup site} }", [1, 9, 20, 29, 42, 48]),
        ('{emails[typ eq "work"].vale | e164 XX}', [8, 23, 35]),
        ("{{titel}} {titel}", [1, 2, 11]),
        ("{titel {location}", [1, 7]),
        ("{location | default x | uper 1}", [20, 24]),
        ("{title} {titel", [8, 9]),
        ("{name | upper}", [1]),
    ],
)
def test_every_slip_is_told_where_it_stands(text: str, positions: list[int]) -> None:
    assert [each.position for each in text_problems(text, USER, SITES)] == positions


@settings(max_examples=400, deadline=None)
@given(
    st.text(alphabet='{}|,"\\ abdisplayNametitlelookup()[]sitesupperdefaultreplace+*', max_size=60)
)
def test_any_text_is_read_or_refused_at_a_place_within_it(text: str) -> None:
    refused = None
    try:
        read = parse_text(text, USER, SITES)
    except TextError as error:
        refused = error
    if refused is None:
        assert isinstance(read, AttributeText) == ("{" in text)
    else:
        found = text_problems(text, USER, SITES)
        assert found[0].message == refused.message
        assert all(each.message and 0 <= each.position < len(text) for each in found)


quoted = st.text(alphabet="abcX .-|,{}'", min_size=1, max_size=8)


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from(("", "Eva", " eva MALÁ ", "x|y", "a{b}")),
    st.lists(
        st.sampled_from(("upper", "lower", "strip")) | quoted.map(lambda q: f'default "{q}"'),
        max_size=4,
    ),
)
def test_transforms_are_one_function_after_another(value: str, steps: list[str]) -> None:
    made = clean(value) or None
    for step in steps:
        if step.startswith("default"):
            made = made if made is not None else clean(step[9:-1]) or None
        elif made is not None:
            made = clean(getattr(made, step)()) or None
    if any(s.startswith("default") and not clean(s[9:-1]) for s in steps):
        return  # refused: it gives nothing
    text = "{" + " | ".join(["displayName", *steps]) + "}"

    read = parse(text)

    given = read.fill({"displayName": value} if value else {})
    assert given == (made if steps else value or None)


def test_a_pattern_that_would_stall_others_takes_no_time_and_growth_has_a_bound() -> None:
    stall = parse('{displayName | replace "^(a+)+$" "x"}')
    grow = parse(r'{displayName | replace "(.)" "\1\1\1\1\1\1\1\1"}')

    assert stall.fill({"displayName": "a" * 20_000 + "!"}) == "a" * 20_000 + "!"
    assert grow.fill({"displayName": "a" * 1000}) is None
