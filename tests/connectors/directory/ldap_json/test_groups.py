"""Who is in which group, said by people, by groups, or by both."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from connectors.directory.ldap_json import Config, connect
from connectors.errors import IncompleteRead
from connectors.records import Flaw, Outside, Person


def person(uid: str, **attributes: Any) -> dict[str, Any]:
    given = {"objectClass": ["inetOrgPerson"], "uid": [uid], "entryUUID": [uid], **attributes}
    return {"dn": f"uid={uid},ou=People,o=x", "attributes": given}


def group(
    name: str, *members: Any, kind: str = "groupOfNames", by: str = "member", **attributes: Any
) -> dict[str, Any]:
    given = {"objectClass": [kind], by: list(members), **attributes}
    return {"dn": f"cn={name},ou=Groups,o=x", "attributes": given}


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., Any]:
    def make(*entries: Any, text: str | None = None, **config: Any) -> Any:
        (tmp_path / "people.json").write_text(text or json.dumps(entries), encoding="utf-8")
        outside = Outside(
            tmp_path,
            lambda *_: pytest.fail("no network"),
            lambda: datetime.now(UTC),
            lambda _: None,
        )
        return list(
            connect("ad", Config().load({"path": "people.json", **config}), outside, None).read()
        )

    return make


@pytest.fixture
def groups(read: Callable[..., Any]) -> Callable[..., Any]:
    """The display names of each person's groups, by key."""

    def by_key(*entries: Any, **config: Any) -> dict[str, list[str]]:
        return {
            p.key: [g["display"] for g in p.resource.get("groups", [])]
            for p in read(*entries, **config)
            if isinstance(p, Person)
        }

    return by_key


def test_a_group_has_its_dn_as_value_and_its_first_rdns_value_as_display(
    read: Callable[..., Any],
) -> None:
    (eva,) = read(person("eva", memberOf=[r"CN=Sales\, EMEA,OU=Groups,O=x"]))
    assert eva.resource["groups"] == [
        {"value": r"CN=Sales\, EMEA,OU=Groups,O=x", "display": "Sales, EMEA"}
    ]


@pytest.mark.parametrize("by", ["member", "MEMBER", "uniqueMember", "member;x-option"])
def test_a_groups_entry_says_who_is_in_it_before_or_after_them(
    groups: Callable[..., Any], by: str
) -> None:
    sales = group("Sales", "uid=eva,ou=People,o=x", by=by)
    assert groups(sales, person("eva"), person("jan")) == {"eva": ["Sales"], "jan": []}
    assert groups(person("eva"), person("jan"), sales) == {"eva": ["Sales"], "jan": []}


def test_a_unique_member_may_carry_its_bit_string(groups: Callable[..., Any]) -> None:
    sales = group(
        "Sales", "uid=eva,ou=People,o=x#'01'B", by="uniqueMember", kind="groupOfUniqueNames"
    )
    assert groups(sales, person("eva")) == {"eva": ["Sales"]}


def test_a_posix_group_names_people_by_uid(groups: Callable[..., Any]) -> None:
    sales = group("Sales", "EVA", by="memberUid", kind="posixGroup")
    assert groups(person("eva"), sales, person("jan")) == {"eva": ["Sales"], "jan": []}


def test_both_ways_are_united_and_each_group_comes_once(groups: Callable[..., Any]) -> None:
    entries = [
        person("eva", memberOf=["CN=sales, OU=Groups, O=x", "cn=IT,ou=Groups,o=x"]),
        group("Sales", "uid=eva,ou=People,o=x"),
        group("HR", "uid=eva,ou=People,o=x", "uid=eva,ou=People,o=x"),
    ]
    assert groups(*entries) == {"eva": ["Sales", "IT", "HR"]}


@pytest.mark.parametrize(
    "member",
    [
        "UID = Eva , OU = people , O = X",
        r"uid=\65va,ou=People,o=x",
        "0.9.2342.19200300.100.1.1=eva,ou=People,o=x",
        "uid=#0c03657661,ou=People,o=x",
    ],
)
def test_members_are_found_however_their_dn_is_spelled(
    groups: Callable[..., Any], member: str
) -> None:
    assert groups(group("Sales", member), person("eva")) == {"eva": ["Sales"]}


def test_members_with_letters_beyond_ascii_are_found(groups: Callable[..., Any]) -> None:
    eva = person("eva") | {"dn": "CN=Malá\\, Eva+UID=eva,OU=Žďár,O=x"}
    assert groups(eva, group("Sales", r"uid=eva + cn=MAL\C3\81\2C EVA,ou=žďár,o=x")) == {
        "eva": ["Sales"]
    }


def test_members_that_are_nobody_are_passed_over(groups: Callable[..., Any]) -> None:
    sales = group("Sales", "uid=gone,ou=People,o=x", "", "uid=eva,ou=People,o=x")
    assert groups(sales, person("eva")) == {"eva": ["Sales"]}


def test_nesting_is_followed_only_where_config_says_so(groups: Callable[..., Any]) -> None:
    entries = [
        person("eva"),
        group("Inner", "uid=eva,ou=People,o=x"),
        group("Outer", "cn=inner,ou=groups,o=x"),
        group("Outermost", "cn=outer,ou=groups,o=x"),
    ]
    assert groups(*entries) == {"eva": ["Inner"]}
    assert groups(*entries, nested_groups=True) == {"eva": ["Inner", "Outer", "Outermost"]}


def test_an_inherited_group_names_the_one_through_which_it_is_held(
    read: Callable[..., Any],
) -> None:
    (eva,) = read(
        person("eva"),
        group("Inner", "uid=eva,ou=People,o=x"),
        group("Outer", "cn=inner,ou=groups,o=x"),
        group("Outermost", "cn=outer,ou=groups,o=x"),
        nested_groups=True,
    )
    assert [(g["display"], g.get("type"), g.get("via")) for g in eva.resource["groups"]] == [
        ("Inner", None, None),
        ("Outer", "indirect", "cn=Inner,ou=Groups,o=x"),
        ("Outermost", "indirect", "cn=Outer,ou=Groups,o=x"),
    ]


def test_a_group_that_is_held_directly_and_through_another_is_direct(
    read: Callable[..., Any],
) -> None:
    (eva,) = read(
        person("eva"),
        group("Inner", "uid=eva,ou=People,o=x"),
        group("Outer", "cn=inner,ou=groups,o=x", "uid=eva,ou=People,o=x"),
        nested_groups=True,
    )
    assert ["type" in g for g in eva.resource["groups"]] == [False, False]


def test_nesting_is_followed_by_the_groups_own_member_of(groups: Callable[..., Any]) -> None:
    entries = [
        person("eva", memberOf=["cn=Inner,ou=Groups,o=x"]),
        {
            "dn": "cn=inner,ou=Groups,o=x",
            "attributes": {"objectClass": ["group"], "memberOf": ["cn=Outer,ou=Groups,o=x"]},
        },
    ]
    assert groups(*entries, nested_groups=True) == {"eva": ["inner", "Outer"]}


def test_groups_that_contain_each_other_or_themselves_end(groups: Callable[..., Any]) -> None:
    entries = [
        group("A", "cn=B,ou=Groups,o=x", "cn=A,ou=Groups,o=x"),
        group("B", "cn=A,ou=Groups,o=x", "uid=eva,ou=People,o=x"),
        person("eva"),
    ]
    assert groups(*entries, nested_groups=True) == {"eva": ["B", "A"]}


def test_a_long_chain_of_groups_is_followed_to_its_end(groups: Callable[..., Any]) -> None:
    chain = [group(f"g{i}", f"cn=g{i + 1},ou=Groups,o=x") for i in range(3000)]
    entries = [*chain, group("g3000", "uid=eva,ou=People,o=x"), person("eva")]
    assert len(groups(*entries, nested_groups=True)["eva"]) == 3001


def test_two_entries_of_one_group_are_united(groups: Callable[..., Any]) -> None:
    entries = [
        group("Sales", "uid=eva,ou=People,o=x"),
        group("SALES", "uid=jan,ou=People,o=x"),
        person("eva"),
        person("jan"),
    ]
    assert groups(*entries) == {"eva": ["SALES"], "jan": ["SALES"]}


def test_a_group_of_an_unknown_class_is_known_by_its_members(groups: Callable[..., Any]) -> None:
    assert groups(group("Role", "uid=eva,ou=People,o=x", kind="ourRole"), person("eva")) == {
        "eva": ["Role"]
    }


def test_an_escaped_attribute_name_is_read_like_any_other(read: Callable[..., Any]) -> None:
    entries = json.dumps([group("Sales", "uid=eva,ou=People,o=x", kind="x"), person("eva")])
    (eva,) = read(text=entries.replace('"member"', '"\\u006dember"'))
    assert [g["display"] for g in eva.resource["groups"]] == ["Sales"]


def test_parts_of_a_long_member_list_are_put_together(groups: Callable[..., Any]) -> None:
    sales = group("Sales")
    sales["attributes"] |= {
        "member;range=0-0": ["uid=eva,ou=People,o=x"],
        "member;range=1-*": ["uid=jan,ou=People,o=x"],
    }
    assert groups(person("eva"), person("jan"), sales) == {"eva": ["Sales"], "jan": ["Sales"]}


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        ({"member;range=0-1499": ["uid=eva,o=x"]}, "in parts.*from number 1500 on are missing"),
        ({"member": [7, ["x"]]}, "member is a list within a list"),
        ({"member": ["a\0"]}, "control character"),
        ({"member": [], "memberOf": ["x"]}, "attribute type"),
    ],
)
def test_a_group_that_cannot_be_read_whole_ends_the_read(
    read: Callable[..., Any], broken: dict[str, Any], says: str
) -> None:
    sales = group("Sales")
    sales["attributes"] |= broken
    with pytest.raises(IncompleteRead, match=f"entry 2 .cn=Sales,ou=Groups,o=x.*{says}") as caught:
        read(person("eva"), sales)
    assert caught.value.remedy


@pytest.mark.parametrize("dn", [None, "", 7, "nonsense"])
def test_a_group_without_a_dn_ends_the_read(read: Callable[..., Any], dn: object) -> None:
    with pytest.raises(IncompleteRead, match="entry 1"):
        read(group("Sales", "uid=eva,o=x") | {"dn": dn}, person("eva"))


def test_a_group_without_any_class_is_known_by_its_members(groups: Callable[..., Any]) -> None:
    sales = {"dn": "cn=Sales", "attributes": {"member": "uid=eva,ou=People,o=x"}}
    assert groups(sales, person("eva")) == {"eva": ["Sales"]}


def test_members_that_are_no_dn_are_a_flaw_without_key(read: Callable[..., Any]) -> None:
    flaw, eva = read(person("eva"), group("Sales", "eva", "jan", "uid=eva,ou=People,o=x"))
    assert isinstance(flaw, Flaw)
    assert flaw.key is None
    assert flaw.where == "people.json: entry 2 (cn=Sales,ou=Groups,o=x)"
    assert "'eva' and 1 more" in flaw.reason
    assert eva.resource["groups"] == [{"value": "cn=Sales,ou=Groups,o=x", "display": "Sales"}]
