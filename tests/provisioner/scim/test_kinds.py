"""What lists are sorted by."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from connectors.scim_attribute import Attribute, Type
from provisioner.scim.schemas import Extension, Registry
from provisioner.store.direct import Direct
from tests.provisioner.scim.http_client import Provider, application

DESK = "urn:example:scim:2.0:Desk"


def desks(store: Direct, sync: str, type: Type) -> Provider:
    """Return a client of a receiver where desks have a number of that type."""
    registry = Registry.make([Extension(DESK, "Desk", (Attribute("number", type),))])
    return Provider(application(store, sync, default=sync, registry=registry).test_client())


@pytest.mark.parametrize("order", ["ascending", "descending"])
@pytest.mark.parametrize(("before", "now"), [("string", "integer"), ("integer", "string")])
def test_what_was_stored_as_another_type_sorts_as_if_it_had_no_value(
    store: Direct, sync: str, order: str, before: Type, now: Type
) -> None:
    desks(store, sync, before).user("old", **{DESK: {"number": 5}})
    push = desks(store, sync, now)
    for name, number in (("b", 7), ("a", 3)):
        push.user(name, **{DESK: {"number": number}})

    listed = push.get(f"/Users?sortBy={quote(DESK)}:number&sortOrder={order}")

    names = [each["userName"] for each in listed.body["Resources"]]
    assert names == (["a", "b", "old"] if order == "ascending" else ["old", "b", "a"])
