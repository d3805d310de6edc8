"""Reading filters and paths: the grammar, its errors, and where paths lead."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.records import ENTERPRISE
from connectors.scim_filter import (
    PHONE_USER,
    USER,
    And,
    Compare,
    FilterError,
    Not,
    Or,
    Present,
    Schema,
    ValuePath,
    parse_filter,
    parse_path,
)
from connectors.scim_schema import CORE_USER, Attribute

RFC_EXAMPLES = [
    'userName eq "bjensen"',
    'name.familyName co "O\'Malley"',
    'userName sw "J"',
    f'{CORE_USER}:userName sw "J"',
    "title pr",
    'meta.lastModified gt "2011-05-13T04:42:34Z"',
    'meta.lastModified ge "2011-05-13T04:42:34Z"',
    'meta.lastModified lt "2011-05-13T04:42:34Z"',
    'meta.lastModified le "2011-05-13T04:42:34Z"',
    'title pr and userType eq "Employee"',
    'title pr or userType eq "Intern"',
    f'schemas eq "{ENTERPRISE}"',
    'userType eq "Employee" and (emails co "example.com" or emails.value co "example.org")',
    'userType ne "Employee" and not (emails co "example.com" or emails.value co "example.org")',
    'userType eq "Employee" and (emails.type eq "work")',
    'userType eq "Employee" and emails[type eq "work" and value co "@example.com"]',
    'emails[type eq "work" and value co "@example.com"] or ims[type eq "xmpp" and value co "@foo.com"]',
]


@pytest.mark.parametrize("text", RFC_EXAMPLES)
def test_every_example_of_the_rfc_is_read_and_prints_as_something_equal(text: str) -> None:
    read = parse_filter(text)

    assert parse_filter(read.text) == read


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ('USERNAME EQ "x"', 'userName eq "x"'),
        ("  title\tPR\n", "title pr"),
        ('title pr AND NOT (title Eq "x")', 'title pr and not (title eq "x")'),
        ("not(title pr)", "not (title pr)"),
        ("( title pr )", "title pr"),
        ("title pr and (title pr and active pr)", "title pr and title pr and active pr"),
        ('emails[ TYPE eq "work" ]', 'emails[type eq "work"]'),
        ('email eq "x"', 'emails[type eq "work"].value eq "x"'),
        ('emails[type eq "work"].VALUE eq "x"', 'emails[type eq "work"].value eq "x"'),
        ("active eq TRUE", "active eq true"),
        ("active eq False", "active eq false"),
        ("title eq NULL", "title eq null"),
        ('roles[primary eq "True"]', "roles[primary eq true]"),
        ('title eq "\\u00e9\\n\\"\\/\\\\"', r'title eq "é\n\"/\\"'),
        ('title eq "\\ud83d\\ude00"', 'title eq "😀"'),
        (f'{ENTERPRISE.upper()}:DEPARTMENT eq "x"', f'{ENTERPRISE}:department eq "x"'),
        ("department pr", f"{ENTERPRISE}:department pr"),
        (f"{CORE_USER}:emails[value pr]", "emails[value pr]"),
        ("manager.displayName pr", f"{ENTERPRISE}:manager.displayName pr"),
    ],
)
def test_what_means_the_same_prints_the_same(text: str, canonical: str) -> None:
    assert parse_filter(text).text == canonical


def test_and_binds_closer_than_or_and_parentheses_closer_still() -> None:
    title, active, name = (Present(parse_path(each)) for each in ("title", "active", "name"))

    assert parse_filter("title pr or active pr and name pr").tree == Or(
        (title, And((active, name)))
    )
    assert parse_filter("title pr and active pr or name pr").tree == Or(
        (And((title, active)), name)
    )
    assert parse_filter("(title pr or active pr) and name pr").tree == And(
        (Or((title, active)), name)
    )
    assert parse_filter("not (title pr or active pr) and name pr").tree == And(
        (Not(Or((title, active))), name)
    )


def test_brackets_alone_are_a_test_and_brackets_with_a_sub_attribute_are_a_path() -> None:
    alone = parse_filter('emails[type eq "work"]').tree
    compared = parse_filter('emails[type eq "work"].value co "@x"').tree

    assert isinstance(alone, ValuePath)
    assert str(alone.path) == "emails"
    assert isinstance(compared, Compare)
    assert compared.path == parse_path("email")


def test_brackets_may_test_the_one_value_of_an_attribute_but_choose_none_for_a_path() -> None:
    """RFC 7644 figure 1: a `valuePath` is any attribute's; section 3.5.2 has it select among values."""
    tree = parse_filter(f'name[givenName eq "eva"] and {ENTERPRISE}:manager[value pr]')
    eva = {"name": {"givenName": "Eva"}, ENTERPRISE: {"manager": {"value": "26"}}}

    assert tree.text == f'name[givenName eq "eva"] and {ENTERPRISE}:manager[value pr]'
    assert tree.matches(eva)
    assert not tree.matches(eva | {"name": {"familyName": "Malá"}})
    assert not tree.matches(eva | {ENTERPRISE: {"department": "Sales"}})
    with pytest.raises(FilterError, match="one value only"):
        parse_path('name[givenName eq "eva"].familyName')


@pytest.mark.parametrize(
    ("literal", "value"),
    [
        ("5", 5),
        ("-5", -5),
        ("1.5", 1.5),
        ("-0.25", -0.25),
        ("1e3", 1000.0),
        ("2E-1", 0.2),
        ("0", 0),
    ],
)
def test_numbers_are_those_of_json(literal: str, value: float) -> None:
    schema = Schema(None, (Attribute("size", "decimal"),))

    tree = parse_filter(f"size eq {literal}", schema).tree

    assert isinstance(tree, Compare)
    assert tree.value == value


@pytest.mark.parametrize(
    "literal", ["01", "+5", "1.", ".5", "1e", "- 5", "0x10", "1_000", "½", "5px"]
)
def test_what_json_does_not_call_a_number_is_none_here(literal: str) -> None:
    with pytest.raises(FilterError):
        parse_filter(f"size eq {literal}", Schema(None, (Attribute("size", "decimal"),)))


@pytest.mark.parametrize(
    ("text", "message", "position"),
    [
        ("", "expected an attribute name, found the end", 0),
        ("  ", "expected an attribute name, found the end", 2),
        ("title", "expected an operator", 5),
        ('titel eq "x"', "unknown attribute 'titel': did you mean title?", 0),
        ('emails.valu eq "x"', "emails has no sub-attribute 'valu': did you mean value?", 7),
        ('emails[valu eq "x"]', "emails has no sub-attribute 'valu': did you mean value?", 7),
        ("title.x pr", "title has no sub-attributes", 6),
        ('userName eqq "x"', "found 'eqq': did you mean eq?", 9),
        ("userName eq", "expected a value, found the end", 11),
        (
            "userName eq bob",
            "text in double quotes, a number, true, false or null), found 'bob'",
            12,
        ),
        ("userName eq 'bob'", 'found "\'"', 12),
        ("userName eq 5", "expected text in double quotes, found '5'", 12),
        ('active eq "yes"', "expected true or false, found '\"yes\"'", 10),
        ("active gt true", "expected eq or ne", 7),
        ("active co true", "expected eq or ne", 7),
        ('x509Certificates.value gt "x"', "expected eq or ne", 23),
        ('meta.created sw "2011"', "expected eq, ne, gt, ge, lt or le", 13),
        ('meta.created gt "monday"', "expected a date and time like", 16),
        ("title gt null", "null can only be compared with eq or ne", 9),
        ('name eq "Eva"', "expected one of name.formatted, ", 0),
        ('addresses co "Munich"', "expected one of addresses.formatted, ", 0),
        ("title pr title pr", "expected 'and' or 'or', found 'title'", 9),
        ("title pr or", "expected another test, found the end", 11),
        ("title pr and)", "expected a blank, then another test", 12),
        ("(title pr)and (title pr)", "expected a blank before 'and'", 10),
        ("title pr)", "expected 'and' or 'or', found ')'", 8),
        ("(title pr", "expected 'and', 'or' or ')', found the end", 9),
        ("emails[value pr", "expected 'and', 'or' or ']', found the end", 15),
        ("emails[value pr) and title pr", "expected 'and', 'or' or ']', found ')'", 15),
        ("emails[]", "expected an attribute name, found ']'", 7),
        ("emails[type[value pr]]", "don't nest", 11),
        ("emails.value[value pr]", "don't nest", 12),
        ("title[value pr]", "title has no sub-attributes", 5),
        ('emails[type eq "work"].valu pr', "did you mean value?", 23),
        ('emails[type eq "work"] eq "x"', "expected 'and' or 'or', found 'eq'", 23),
        ("not title pr", "expected '(' after not, found 'title'", 4),
        ('title eq "x', "expected the closing quote, found the end", 11),
        ('title eq "x\\', "expected the closing quote, found the end", 12),
        ('title eq "x\ty"', "escape it", 11),
        ('title eq "\\x41"', "escape that JSON doesn't know", 9),
        ('title eq "\\ud83d"', "half of a surrogate pair", 9),
        ("title eq 1e999", "beyond all numbers", 9),
        (
            f"{ENTERPRISE}:departmen pr",
            f"did you mean {ENTERPRISE}:department?",
            len(ENTERPRISE) + 1,
        ),
        ("urn:example:other:title pr", "unknown attribute 'urn:example:other:title'", 0),
    ],
)
def test_an_error_says_what_was_expected_and_where(text: str, message: str, position: int) -> None:
    with pytest.raises(FilterError) as caught:
        parse_filter(text)

    assert message in caught.value.message
    assert caught.value.position == position
    assert str(caught.value).endswith(f"at character {position + 1}")
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    "hostile",
    [
        "(" * 60_000,
        "not (" * 13_000,
        "emails[" * 9_000,
        "size eq " + "9" * 60_000,
        "size eq 1" + "e9" * 30_000,
        'title eq "' + "\\" * 60_000,
        'title eq "' + "\\u00" * 15_000,
        "title " + "x" * 60_000,
        "x" * 60_000 + " pr",
        "a." * 30_000,
        "urn:" * 15_000,
        "title pr" + " " * 65_000 + "x",
        "title pr and " * 5_000,
        "a" * 10_000_000,
    ],
)
def test_a_hostile_filter_is_refused_with_a_short_message(hostile: str) -> None:
    schema = USER.extended(["size"])

    with pytest.raises(FilterError) as caught:
        parse_filter(hostile, schema)

    assert len(str(caught.value)) < 300


def test_parentheses_may_nest_sixty_four_deep_and_no_deeper() -> None:
    def nested(depth: int) -> str:
        return "not (" * depth + "title pr" + ")" * depth

    assert parse_filter(nested(64)).matches({"title": "x"})
    with pytest.raises(FilterError, match="nested more than 64 deep"):
        parse_filter(nested(65))


def test_a_filter_as_long_as_allowed_is_read_and_matched() -> None:
    long = parse_filter("title pr" + " and title pr" * 5_000)

    assert long.matches({"title": "x"})
    assert len(long.tests) == 5_001


def test_a_column_named_like_the_not_operator_is_still_an_attribute() -> None:
    schema = USER.extended(["not"])

    assert parse_filter("not pr", schema).matches({"not": "x"})
    assert not parse_filter("not (not pr)", schema).matches({"not": "x"})


def test_a_filter_knows_every_path_and_literal_that_it_compares() -> None:
    read = parse_filter(
        'groups[display eq "A" or display eq "B"] and not (email co "@x") and manager pr'
    )

    assert {path.text for path in read.paths} == {
        "groups.display",
        'emails[type eq "work"].value',
        f"{ENTERPRISE}:manager.value",
    }
    assert [
        test.value
        for test in read.tests
        if isinstance(test, Compare) and test.path.text == "groups.display"
    ] == ["A", "B"]


@pytest.mark.parametrize(
    ("text", "uri", "attribute", "sub"),
    [
        ("title", None, "title", None),
        ("NAME.givenname", None, "name", "givenName"),
        ("groups.$ref", None, "groups", "$ref"),
        ("email", None, "emails", "value"),
        ('emails[type eq "work"]', None, "emails", None),
        ("department", ENTERPRISE, "department", None),
        (f"{ENTERPRISE}:manager", ENTERPRISE, "manager", None),
        (f"{ENTERPRISE}:manager.displayName", ENTERPRISE, "manager", "displayName"),
    ],
)
def test_a_path_names_its_schema_attribute_and_sub_attribute(
    text: str, uri: str | None, attribute: str, sub: str | None
) -> None:
    path = parse_path(text)

    assert (path.uri, path.attribute, path.sub) == (uri, attribute, sub)
    assert parse_path(path.text) == path
    assert hash(parse_path(path.text)) == hash(path)


@pytest.mark.parametrize(
    "text", ["", "title pr", "title x", "emails[type eq]", "emails[value pr", "x"]
)
def test_what_is_no_path_is_refused(text: str) -> None:
    with pytest.raises(FilterError):
        parse_path(text)


def test_a_path_gives_the_primary_value_first_then_the_resources_order() -> None:
    eva = {
        "emails": [
            {"value": "home@x", "type": "home"},
            {"type": "work"},
            {"value": "b@x", "type": "work"},
            {"value": "main@x", "type": "Work", "primary": True},
        ]
    }

    assert parse_path("emails").values(eva) == ["main@x", "home@x", "b@x"]
    assert parse_path("email").values(eva) == ["main@x", "b@x"]
    assert parse_path("emails.type").values(eva) == ["Work", "home", "work", "work"]


@pytest.mark.parametrize(
    ("text", "resource", "values"),
    [
        ("title", {}, []),
        ("title", {"title": "x"}, ["x"]),
        ("active", {"active": False}, [False]),
        ("name.givenName", {"name": {"givenName": "Eva"}}, ["Eva"]),
        ("name", {"name": {"givenName": "Eva"}}, []),
        ("manager", {ENTERPRISE: {"manager": {"value": "26"}}}, ["26"]),
        ("manager", {ENTERPRISE: {"manager": "26"}}, ["26"]),
        ("manager", {ENTERPRISE: None}, []),
        ("schemas", {"schemas": ["a", "b"]}, ["a", "b"]),
        ("emails", {"emails": None}, []),
        ("emails", {"emails": ["bare@x"]}, ["bare@x"]),
    ],
)
def test_values_are_scalars_and_what_is_absent_gives_none(
    text: str, resource: dict[str, Any], values: list[Any]
) -> None:
    assert parse_path(text).values(resource) == values


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("title", {"title": "x"}),
        ("givenName", {"name": {"givenName": "x"}}),
        ("email", {"emails": [{"type": "work", "value": "x"}]}),
        ("emails", {"emails": [{"value": "x"}]}),
        ('emails[type eq "work"]', {"emails": [{"type": "work", "value": "x"}]}),
        (
            'phoneNumbers[type eq "mobile" and primary eq true].display',
            {"phoneNumbers": [{"type": "mobile", "primary": True, "display": "x"}]},
        ),
        ("department", {ENTERPRISE: {"department": "x"}}),
        ("manager", {ENTERPRISE: {"manager": {"value": "x"}}}),
        (f"{ENTERPRISE}:manager", {ENTERPRISE: {"manager": {"value": "x"}}}),
        ("schemas", {"schemas": ["x"]}),
    ],
)
def test_putting_a_value_makes_whatever_is_absent_on_the_way(
    text: str, made: dict[str, Any]
) -> None:
    resource: dict[str, Any] = {}
    path = parse_path(text)

    path.put(resource, "x")

    assert resource == made
    assert path.values(resource) == ["x"]


def test_putting_a_value_leaves_everything_else_as_it_was() -> None:
    eva = {
        "emails": [{"value": "h@x", "type": "home"}, {"value": "w@x", "type": "WORK"}],
        "name": {"familyName": "Malá"},
        ENTERPRISE: {"division": "North"},
    }

    parse_path("email").put(eva, "new@x")
    parse_path("givenName").put(eva, "Eva")
    parse_path("department").put(eva, "Sales")

    assert eva == {
        "emails": [{"value": "h@x", "type": "home"}, {"value": "new@x", "type": "WORK"}],
        "name": {"familyName": "Malá", "givenName": "Eva"},
        ENTERPRISE: {"division": "North", "department": "Sales"},
    }


def test_two_columns_of_one_address_land_in_one_address() -> None:
    eva: dict[str, Any] = {}

    parse_path("location").put(eva, "Munich")
    parse_path('addresses[type eq "work"].country').put(eva, "DE")

    assert eva == {"addresses": [{"type": "work", "locality": "Munich", "country": "DE"}]}


@pytest.mark.parametrize(
    "text",
    [
        "name",
        "addresses",
        'emails[type ne "work"].value',
        "emails[primary pr].value",
        'emails[type eq "work" or type eq "home"].value',
        'emails[type eq "work" and type eq "home"].value',
        "emails[type eq null].value",
    ],
)
def test_a_path_that_does_not_say_what_to_make_can_only_be_read(text: str) -> None:
    path = parse_path(text)

    assert not path.writable
    with pytest.raises(ValueError, match="nothing can be put"):
        path.put({}, "x")


def test_phone_users_are_filtered_in_the_same_language() -> None:
    manages = parse_filter(
        'kind eq "person" and packages eq "intl" and not (role eq "owner")', PHONE_USER
    )

    assert manages.matches({"kind": "person", "packages": ("US", "Intl"), "role": "member"})
    assert not manages.matches({"kind": "person", "packages": (), "role": "member"})
    with pytest.raises(FilterError, match="did you mean display_name"):
        parse_filter("displayname pr", PHONE_USER)
