"""Group conditions and nesting: a directory follows it, and a rule may still ask for direct members."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from connectors.directory import ldap_json
from connectors.records import Outside, Person
from mappings import load_mapping


def entry(uid: str) -> dict[str, Any]:
    return {
        "dn": f"uid={uid},dc=x",
        "attributes": {"objectClass": ["inetOrgPerson"], "uid": [uid], "entryUUID": [uid]},
    }


def group(name: str, *members: str) -> dict[str, Any]:
    attributes = {"objectClass": ["groupOfNames"], "cn": [name], "member": list(members)}
    return {"dn": f"cn={name},dc=x", "attributes": attributes}


def people(folder: Path, *, nested: bool) -> list[Person]:
    entries = [
        entry("eva"),
        entry("jan"),
        group("Outer", "uid=eva,dc=x", "cn=Inner,dc=x"),
        group("Inner", "uid=jan,dc=x"),
    ]
    (folder / "l.json").write_text(json.dumps(entries), encoding="utf-8")
    outside = Outside(folder, None, None, None, {})  # type: ignore[arg-type]
    options = ldap_json.Config().load({"path": "l.json", "nested_groups": nested})
    return [p for p in ldap_json.connect("l", options, outside, "").read() if isinstance(p, Person)]


@pytest.mark.parametrize(
    ("nested", "when", "who"),
    [
        (True, 'groups.display eq "Outer"', {"eva", "jan"}),
        (False, 'groups.display eq "Outer"', {"eva"}),
        (True, 'groups[display eq "Outer" and type ne "indirect"]', {"eva"}),
        (True, 'groups[display eq "Outer" and type eq "indirect"]', {"jan"}),
        (True, 'groups.type eq "indirect"', {"jan"}),
        (True, 'groups.value eq "cn=Outer,dc=x" or groups.display eq "Outer"', {"eva", "jan"}),
    ],
)
def test_a_rule_asks_for_members_by_nesting_or_without(
    tmp_path: Path, nested: bool, when: str, who: set[str]
) -> None:
    file = tmp_path / "m.yaml"
    file.write_text(
        f"version: 1\nrules: [{{name: r, when: '{when}', give: {{license: P}}}}]\n", "utf-8"
    )
    mapping = load_mapping(file)

    found = {
        str(person.resource["userName"])
        for person in people(tmp_path, nested=nested)
        if mapping.entitlements(person).single
    }

    assert found == who
