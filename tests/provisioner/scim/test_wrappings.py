"""What is taken off a PATCH operation's value."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.scim.schemas.custom import registry_of
from provisioner.scim.wrappings import objects, out_of_text, unwrapped

ONE = {"value": "8c"}


@pytest.mark.parametrize(
    ("attribute", "value", "meant"),
    [
        ("members", {"members": [ONE]}, [ONE]),
        ("members", {"Members": ONE}, ONE),
        ("members", {"members": []}, []),
        ("members", {"members": [ONE], "value": "8c"}, {"members": [ONE], "value": "8c"}),
        ("members", '[{"value": "8c"}]', [ONE]),
        ("members", ['{"value": "8c"}', ONE, "8c"], [ONE, ONE, "8c"]),
        ("members", ['[{"value": "8c"}]'], [ONE]),
        ("members", [[ONE, ONE]], [ONE, ONE]),
        ("members", '{"members": [{"value": "8c"}]}', [ONE]),
        ("members", "8c", "8c"),
        ("members", "{8c", "{8c"),
        ("members", "[" * 100_000, "[" * 100_000),
        ("displayName", '{"value": "8c"}', '{"value": "8c"}'),
        ("displayName", {"displayName": "x"}, {"displayName": "x"}),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_value_is_what_is_in_its_wrapping(attribute: str, value: Any, meant: Any) -> None:
    found = registry_of({}).group.schema.find(attribute)
    assert found is not None

    assert unwrapped(found.attribute, value) == meant


def test_roles_stay_the_text_that_they_may_be() -> None:
    found = registry_of({}).user.schema.find("roles")
    assert found is not None

    assert unwrapped(found.attribute, ['{"value": "admin"}']) == ['{"value": "admin"}']


def test_values_alone_become_objects() -> None:
    assert objects("8c") == objects(["8c", ""]) == objects([ONE]) == [ONE]
    assert objects("") == objects([]) == []
    assert out_of_text(True) is True
