"""Without a group: whoever isn't in it is in nothing that they were in through it alone."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.directory.ldap_json import Config, connect
from connectors.directory.scim_groups import _Table
from connectors.records import Outside, Person
from provisioner.plan.explain import out_of

NAMES = "abcde"
Edges = set[tuple[str, str]]
"""(a member, the group that it is in); the person is the member `eva`."""

edges = st.sets(
    st.tuples(st.sampled_from(("eva", *NAMES)), st.sampled_from(NAMES)), max_size=12
).map(lambda found: {(inner, outer) for inner, outer in found if inner != outer})


def from_ldap(folder: Path, edges: Edges) -> Person:
    where = {name: f"cn={name},o=x" for name in NAMES} | {"eva": "uid=eva,o=x"}
    entries: list[dict[str, Any]] = [
        {
            "dn": where["eva"],
            "attributes": {"objectClass": ["person"], "uid": ["eva"], "entryUUID": ["E"]},
        }
    ]
    for name in sorted({outer for _, outer in edges}):
        members = [where[inner] for inner, outer in sorted(edges) if outer == name]
        given = {"objectClass": ["groupOfNames"], "member": members}
        entries.append({"dn": where[name], "attributes": given})
    (folder / "people.json").write_text(json.dumps(entries), encoding="utf-8")
    outside = Outside(
        folder, lambda *_: pytest.fail("no network"), lambda: datetime.now(UTC), lambda _: None
    )
    config = {"path": "people.json", "nested_groups": True, "object_classes": ["person"]}
    (eva,) = connect("ad", Config().load(config), outside, None).read()
    assert isinstance(eva, Person)
    return eva


def from_scim(_: Path, edges: Edges) -> Person:
    table = _Table(nested=True)
    for name in sorted({each for edge in edges for each in edge} - {"eva"}):
        members = [
            {"value": inner, "type": "User" if inner == "eva" else "Group"}
            for inner, outer in sorted(edges)
            if outer == name
        ]
        table.add({"id": name, "displayName": name, "members": members})
    return Person("E", {"groups": table.groups_of({"id": "eva"})})


def names(person: Person) -> set[str]:
    return {group["display"] for group in person.resource.get("groups", ())}


@pytest.mark.parametrize("read", [from_ldap, from_scim])
@given(edges=edges)
def test_it_is_as_if_the_group_were_not_there(
    tmp_path_factory: pytest.TempPathFactory, read: Any, edges: Edges
) -> None:
    folder = tmp_path_factory.getbasetemp()
    eva = read(folder, edges)

    for group in names(eva):
        gone = {(inner, outer) for inner, outer in edges if group not in (inner, outer)}
        assert names(out_of(eva, group)) == names(read(folder, gone))


def test_what_a_directory_doesnt_tell_the_way_into_is_kept() -> None:
    held = [
        {"value": "1", "display": "Inner"},
        {"value": "2", "display": "Outer", "type": "indirect"},
    ]

    assert names(out_of(Person("E", {"groups": held}), "inner")) == {"Outer"}
