"""Whom a filter matches: case, Unicode, types, several values, absence."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.records import ENTERPRISE
from connectors.scim_filter import Schema, parse_filter
from connectors.scim_filter_compare import instant
from connectors.scim_schema import Attribute

EVA: dict[str, Any] = {
    "userName": "Eva.Mala",
    "externalId": "AbC",
    "displayName": "  Eva Malá ",
    "name": {"familyName": "Malá", "givenName": "Eva"},
    "title": "",
    "active": True,
    "emails": [
        {"value": "eva@example.org", "type": "work"},
        {"value": "eva@home.example", "type": "home", "primary": True},
    ],
    "addresses": [{"type": "work", "locality": "München"}],
    "groups": [{"value": "g1", "display": "Sales"}, {"value": "g2", "display": "Straße 5"}],
    "meta": {"lastModified": "2026-11-23T09:00:00.250Z"},
    ENTERPRISE: {"department": "Sales", "manager": {"value": "26", "displayName": "Jan"}},
}

TRUE = [
    'userName eq "EVA.MALA"',
    'userName sw "eva"',
    'userName co "A.M"',
    'userName ew "LA"',
    'userName ne "jan"',
    'externalId eq "AbC"',
    'externalId ne "abc"',
    'externalId co "bC"',
    'userName gt "EVA"',
    'userName le "eva.mala"',
    # Unicode: composed or decomposed, ß or ss, blanks around
    'displayName eq "EVA MALA\u0301"',
    'name.familyName eq " malá "',
    'name.familyName ew "a\u0301"',
    'groups.display eq "STRASSE 5"',
    'displayName co "va m"',
    'displayName sw "Eva "',
    'displayName ew " Malá"',
    # several values: one is enough
    'emails co "home"',
    'emails.type eq "home" and emails.type eq "work"',
    'emails[type eq "home" and primary eq true]',
    'groups eq "g2"',
    'groups.display ne "Sales"',
    'email eq "eva@example.org"',
    'emails[type eq "work"].value ew "@example.org"',
    'location eq "MÜNCHEN"',
    # booleans
    "active eq true",
    'active eq "TRUE"',
    "active ne false",
    "active pr",
    "emails[primary eq false]",
    'emails[type eq "work" and primary ne true]',
    # absence
    'nickName ne "x"',
    "nickName eq null",
    "nickName ne null or nickName eq NULL",
    "not (nickName pr)",
    "title eq null",
    "not (title pr)",
    "photos eq null",
    'photos.type ne "x"',
    'emails[type eq "other"].value ne "x"',
    'emails[type eq "other"].value eq null',
    "emails.primary eq null",
    "name pr",
    "emails pr",
    "name ne null",
    # the enterprise extension
    'department eq "sales"',
    'manager eq "26"',
    'manager.displayName sw "j"',
    f'{ENTERPRISE}:manager eq "26"',
    f"{ENTERPRISE}:manager pr",
    # dates are instants
    'meta.lastModified eq "2026-11-23T10:00:00.25+01:00"',
    'meta.lastModified gt "2026-11-23T09:00:00Z"',
    'meta.lastModified gt "2026-11-23T09:00:00.2499999999Z"',
    'meta.lastModified lt "2026-11-23T09:00:00.25000000001Z"',
    'meta.lastModified le "2026-11-23T04:00:00.250-05:00"',
    'meta.lastModified lt "2026-11-24T00:00:00"',
    'meta.lastModified ne "2026-11-23T09:00:00Z"',
]

FALSE = [
    'userName eq "jan"',
    'userName ne "eva.mala"',
    'externalId eq "abc"',
    'externalId sw "ab"',
    'displayName co " Eva"',
    'emails[type eq "work" and primary eq true]',
    'emails[type eq "home"].value ew "@example.org"',
    "active eq false",
    'nickName eq ""',
    'nickName co ""',
    'nickName gt ""',
    "nickName ne null",
    "photos.primary eq false",
    "photos pr",
    'photos[type ne "x"]',
    "emails.display pr",
    "meta.created pr",
    'meta.created lt "2030-01-01T00:00:00Z"',
    "name.middleName pr",
    'not (groups.display eq "sales")',
]


@pytest.mark.parametrize("text", TRUE)
def test_it_holds_for_eva(text: str) -> None:
    assert parse_filter(text).matches(EVA)


@pytest.mark.parametrize("text", FALSE)
def test_it_does_not_hold_for_eva(text: str) -> None:
    assert not parse_filter(text).matches(EVA)


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("size eq 5.0", True),
        ("size ge 5", True),
        ("size lt 10", True),
        ("size gt -5", True),
        ("size gt 1e300", False),
        ("size ne 5", False),
        ("size eq null", False),
    ],
)
def test_numbers_compare_as_numbers(text: str, holds: bool) -> None:
    schema = Schema(None, (Attribute("size", "decimal"),))

    assert parse_filter(text, schema).matches({"size": 5}) is holds


@pytest.mark.parametrize("held", [None, [], {}, [None], [{}], [""], "bare", 5, True, [5], [["x"]]])
@pytest.mark.parametrize(
    "text",
    [
        'emails.type eq "work"',
        'emails[type eq "work" and not (value pr)]',
        'email ne "x"',
        "emails pr",
        'title eq "x"',
        "active eq true",
        "name.givenName pr",
        'meta.created gt "2011-05-13T04:42:34Z"',
        'schemas eq "x"',
        "department pr",
    ],
)
def test_a_resource_of_another_shape_is_told_true_or_false_and_never_breaks(
    text: str, held: object
) -> None:
    names = ("emails", "title", "active", "name", "meta", "schemas", ENTERPRISE)
    resource = dict.fromkeys(names, held)

    assert parse_filter(text).matches(resource) in (True, False)


def test_a_value_of_the_wrong_type_equals_nothing() -> None:
    wrong = {"title": 5, "active": "true", "meta": {"created": "yesterday"}}

    assert not parse_filter('title eq "5"').matches(wrong)
    assert not parse_filter("active eq true").matches(wrong)
    assert not parse_filter('meta.created lt "2030-01-01T00:00:00Z"').matches(wrong)


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        ("2026-11-23T09:00:00Z", "2026-11-23T09:00:01Z"),
        ("2026-11-23T09:00:00+02:00", "2026-11-23T09:00:00Z"),
        ("2026-11-23T23:59:59Z", "2026-11-23T24:00:00Z"),
        ("2026-11-23T09:00:00.09Z", "2026-11-23T09:00:00.1Z"),
        ("0001-01-01T00:00:00+14:00", "0001-01-01T00:00:00Z"),
        ("9999-12-31T23:59:59Z", "9999-12-31T23:59:59-14:00"),
    ],
)
def test_instants_sort_by_time(earlier: str, later: str) -> None:
    before, after = instant(earlier), instant(later)

    assert before is not None
    assert after is not None
    assert before < after


def test_one_instant_may_be_spelt_in_many_ways() -> None:
    spellings = (
        *("2026-11-23T00:00:00Z", "2026-11-23t00:00:00.000z", "2026-11-22T24:00:00Z"),
        *("2026-11-23T00:00:00", "2026-11-22T22:30:00-01:30", " 2026-11-23T02:00:00+02:00 "),
    )

    assert len({instant(each) for each in spellings}) == 1


@pytest.mark.parametrize(
    "text",
    [
        *("", "2026-11-23", "2026-11-23 09:00:00Z", "2026-02-30T00:00:00Z", "2026-11-23T25:00:00Z"),
        *("2026-11-23T24:00:01Z", "2026-11-23T09:60:00Z", "26-11-23T09:00:00Z", "20261123T090000Z"),
        *(
            "2026-11-23T09:00:00.Z",
            "2026-11-23T09:00:00+2",
            "0000-01-01T00:00:00Z",
            "٢٠٢٦-11-23T09:00:00Z",
        ),
    ],
)
def test_what_is_no_date_and_time_is_no_instant(text: str) -> None:
    assert instant(text) is None
