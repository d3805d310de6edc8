"""References in filters, read as ids."""

from __future__ import annotations

import pytest

from connectors.scim_filter import parse_filter
from provisioner.scim.references import by_id, id_in
from provisioner.scim.schemas.custom import registry_of

GROUP, USER = registry_of({}).group.schema, registry_of({}).user.schema


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('members.$ref eq "https://x.org/v2/Users/8c"', 'members.value eq "8c"'),
        ('members.$ref eq "Users/8c/"', 'members.value eq "8c"'),
        ('members.$REF eq "8c"', 'members.value eq "8c"'),
        ('members[$ref eq "../Users/8c"]', 'members[value eq "8c"]'),
        (
            'members[$ref eq "8c" and type eq "User"] or not (members.$ref eq "8d")',
            'members[value eq "8c" and type eq "User"] or not (members.value eq "8d")',
        ),
    ],
)
def test_equal_references_are_equal_ids(text: str, said: str) -> None:
    assert str(by_id(parse_filter(text, GROUP).tree)) == said


@pytest.mark.parametrize(
    "text",
    [
        'members.$ref co "8c"',
        'members.$ref ne "8c"',
        'members.$ref eq "/"',
        "members.$ref pr",
        "members.$ref eq null",
        'members.value eq "Users/8c"',
        'members[type eq "$ref/User"]',
        'displayName eq "Users/8c"',
    ],
)
def test_whatever_else_is_asked_of_them_stays(text: str) -> None:
    tree = parse_filter(text, GROUP).tree

    assert by_id(tree) == tree


def test_references_to_others_than_ours_stay() -> None:
    tree = parse_filter('photos.value eq "x/8c" or manager.$ref eq "Users/8c"', USER).tree

    assert by_id(tree) == tree
    assert (
        str(by_id(parse_filter('groups.$ref eq "Groups/8c"', USER).tree)) == 'groups.value eq "8c"'
    )


@pytest.mark.parametrize(("text", "id"), [("", ""), ("/", ""), ("8c", "8c"), ("a/8c//", "8c")])
def test_a_reference_ends_with_its_id(text: str, id: str) -> None:
    assert id_in(text) == id
