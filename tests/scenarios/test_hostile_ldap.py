"""LDAP and Active Directory exports as they really arrive, through the whole program."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from tests.scenarios.installation import Installation, kinds, phone_users, states

PEOPLE = "ou=People,dc=example,dc=org"
PHONE_DN = "cn=Phone,ou=Groups,dc=example,dc=org"


def entry(number: int, **attributes: list[Any]) -> dict[str, Any]:
    given: dict[str, Any] = {
        "objectClass": ["top", "person", "inetOrgPerson"],
        "uid": [f"user{number}"],
        "entryUUID": [f"E{number:03}"],
        "mail": [f"user{number}@example.org"],
        "departmentNumber": ["Sales"],
        "memberOf": [PHONE_DN],
    }
    return {"dn": f"uid=user{number},{PEOPLE}", "attributes": given | attributes}


def entries(count: int, **attributes: list[Any]) -> list[dict[str, Any]]:
    return [entry(number, **attributes) for number in range(1, count + 1)]


@pytest.fixture
def emea(tmp_path: Path) -> Installation:
    """Twenty people of an LDAP export who are all as they should be, adopted."""
    emea = Installation(tmp_path)
    emea.mapping(scope='groups.display eq "Phone" and not (active eq false)')
    point(emea)
    export(emea, entries(20))
    emea.phone(phone_users(20))
    assert emea.carry_out()["changes"] == []
    return emea


def point(emea: Installation, **options: Any) -> None:
    directory = {"kind": "ldap_json", "name": "ldap", "path": "ldap.json", **options}
    emea.configure(directories=[directory])


def export(emea: Installation, listed: list[dict[str, Any]]) -> None:
    emea.write("ldap.json", json.dumps(listed, indent=1))


def test_json_lines_and_a_list_are_the_same_export(emea: Installation) -> None:
    emea.write("ldap.json", "\n".join(json.dumps(e) for e in entries(20)) + "\n")

    assert emea.plan()["changes"] == []


def test_names_of_attributes_have_no_case_and_options_are_understood(emea: Installation) -> None:
    renamed = []
    for each in entries(20):
        attributes = each["attributes"]
        other = {name.upper(): values for name, values in attributes.items() if name != "uid"}
        other["UID;lang-de"] = attributes["uid"]
        renamed.append({"dn": each["dn"].upper(), "attributes": other})
    export(emea, renamed)

    assert emea.plan()["changes"] == []


@pytest.mark.parametrize(
    "dn",
    [
        PHONE_DN.upper(),
        PHONE_DN.replace(",", " , "),
        PHONE_DN.replace("Phone", "\\50hone"),
        "2.5.4.3=Phone,ou=Groups,dc=example,dc=org",
    ],
)
def test_a_group_is_the_same_however_its_dn_is_written(emea: Installation, dn: str) -> None:
    group = {
        "dn": dn,
        "attributes": {
            "objectClass": ["groupOfNames"],
            "cn": ["Phone"],
            "member": [f"UID=user{n}, ou=people, DC=example,dc=org" for n in range(1, 21)],
        },
    }
    export(emea, [*entries(20, memberOf=[]), group])

    plan = emea.plan()

    if dn.startswith("2.5.4.3"):
        assert len({change["user"] for change in plan["changes"]}) in (0, 20)
    else:
        assert plan["changes"] == []


def test_nested_groups_with_a_cycle_are_followed_where_config_says_so(
    emea: Installation,
) -> None:
    sales, munich = f"cn=Sales,{PEOPLE}", f"cn=Munich,{PEOPLE}"
    nested = [
        {
            "dn": sales,
            "attributes": {"objectClass": ["group"], "cn": ["Sales"], "member": [munich]},
        },
        {"dn": munich, "attributes": {"objectClass": ["group"], "member": [sales, PHONE_DN]}},
        {
            "dn": PHONE_DN,
            "attributes": {
                "objectClass": ["group"],
                "member": [sales, *(e["dn"] for e in entries(10))],
            },
        },
    ]
    people = entries(10, memberOf=[]) + [entry(n, memberOf=[sales]) for n in range(11, 21)]
    export(emea, [*nested, *people])

    point(emea, nested_groups=True)
    assert emea.plan()["changes"] == []
    point(emea)
    assert emea.run("plan").status == 3, "without nesting half of the group is gone"


@pytest.mark.parametrize(
    "cut",
    [
        pytest.param(lambda text: text[:-2], id="no bracket at the end"),
        pytest.param(lambda text: text[: len(text) // 2], id="half"),
        pytest.param(lambda text: text[:-40], id="inside the last entry"),
        pytest.param(lambda text: text + "[]", id="more after the end"),
        pytest.param(lambda text: "<html>sign in</html>", id="a login page"),
        pytest.param(lambda text: "dn: uid=x\nuid: x\n", id="LDIF"),
        pytest.param(lambda text: text.replace("Sales", "S\udcffles", 1), id="no UTF-8"),
    ],
)
def test_an_export_that_is_cut_off_or_no_json_ends_with_1(emea: Installation, cut: Any) -> None:
    text = cut((emea.folder / "ldap.json").read_text(encoding="utf-8"))
    emea.write("ldap.json", text.encode("utf-8", "surrogateescape"))

    ran = emea.run("plan", "--format", "json")

    assert (ran.status, ran.out) == (1, ""), ran.said
    assert "ldap.json" in ran.err
    assert "Traceback" not in ran.said


def test_json_lines_that_are_cut_off_end_with_1(emea: Installation) -> None:
    text = "\n".join(json.dumps(e) for e in entries(20))
    emea.write("ldap.json", text[:-10])

    assert emea.run("plan").status == 1


@pytest.mark.parametrize("content", ["[]", "[ ]\n", '{"users": []}', "", "\n"])
def test_an_export_of_nobody_plans_nothing(emea: Installation, content: str) -> None:
    emea.write("ldap.json", content)

    ran = emea.run("plan")

    assert ran.status == (3 if content.strip() else ran.status), ran.said
    assert ran.status in (1, 3)
    assert ran.out == ""


def test_an_export_without_memberships_is_refused_by_the_groups_name(
    emea: Installation,
) -> None:
    export(emea, entries(20, memberOf=[]))

    ran = emea.run("plan")

    assert ran.status == 3
    assert "'Phone'" in ran.err


def test_a_disabled_account_is_a_leaver_and_a_locked_one_too(emea: Installation) -> None:
    people = entries(18)
    people.append(entry(19, userAccountControl=["514"]))
    people.append(entry(20, nsAccountLock=["TRUE"]))
    export(emea, people)

    plan = emea.plan()

    assert set(states(plan)) == {
        ("license.remove", "user19@example.org"),
        ("license.remove", "user20@example.org"),
    }


def test_entries_that_are_nobody_change_nothing(emea: Installation) -> None:
    nobody = [
        {"dn": PEOPLE, "attributes": {"objectClass": ["organizationalUnit"], "ou": ["People"]}},
        {
            "dn": f"cn=printer,{PEOPLE}",
            "attributes": {"objectClass": ["device"], "cn": ["printer"], "mail": ["p@example.org"]},
        },
        {"dn": f"cn=empty,{PEOPLE}", "attributes": {}},
    ]
    export(emea, [*nobody, *entries(20)])

    plan = emea.plan()

    assert (plan["changes"], plan["conflicts"]) == ([], [])


def test_a_person_without_a_key_holds_what_follows_from_absence(emea: Installation) -> None:
    unreadable = entry(19)
    del unreadable["attributes"]["entryUUID"]
    export(emea, [*entries(18), unreadable, entry(21)])

    plan = emea.plan(status=3)

    assert states(plan)["license.remove", "user20@example.org"] == "held"
    assert states(plan)["license.assign", "user21@example.org"] == "planned"
    reason = next(c["reason"] for c in plan["changes"] if c["state"] == "held")
    assert "uid=user19" in reason


def test_binary_values_are_read_where_they_are_the_key(tmp_path: Path) -> None:
    emea = Installation(tmp_path)
    emea.mapping(join="userName", scope='groups.display eq "Phone"')
    point(emea, object_classes=["user"])
    people = []
    for each in entries(3):
        attributes = each["attributes"]
        attributes["objectClass"] = ["top", "user"]
        attributes["sAMAccountName"] = attributes.pop("uid")
        uuid = bytes([int(attributes.pop("entryUUID")[0][1:])] * 16)
        attributes["objectGUID"] = [{"base64": base64.b64encode(uuid).decode()}]
        attributes["jpegPhoto"] = [{"base64": "/9j/4AAQ"}]
        people.append(each)
    export(emea, people)

    plan = emea.carry_out()

    assert len({change["key"] for change in plan["changes"]}) == 3
    people[1]["attributes"]["sAMAccountName"] = ["renamed"]
    export(emea, people)
    assert emea.plan()["changes"] == [], "the object's GUID is the key, not its name"


def test_two_entries_with_one_key_are_a_conflict(emea: Installation) -> None:
    twin = entry(20, entryUUID=["e020"], departmentNumber=["IT"])
    twin["dn"] = twin["dn"].replace("user20", "user20b")
    export(emea, [*entries(20), twin])

    plan = emea.plan()

    assert kinds(plan) == []
    assert "user20b" in str(plan["conflicts"])
