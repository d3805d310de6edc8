"""People of an export: which entries they are, their attributes, their key, and who can't be used."""

from __future__ import annotations

import base64
import json
import re
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from connectors.directory.ldap_json import Config, connect
from connectors.errors import IncompleteRead
from connectors.records import ENTERPRISE, Flaw, Outside, Person
from connectors.scim_filter import parse_path


def entry(uid: Any = "eva", *, dn: Any = None, **attributes: Any) -> dict[str, Any]:
    given = {"objectClass": ["inetOrgPerson"], "uid": [uid], "entryUUID": [f"id-{uid}"]}
    given |= attributes
    return {
        "dn": f"uid={uid},ou=People,o=x" if dn is None else dn,
        "attributes": {name: values for name, values in given.items() if values is not None},
    }


@pytest.fixture
def directory(tmp_path: Path) -> Callable[..., Any]:
    """Makes a directory of entries; `join` is the mapping's join, the rest is config."""

    def make(entries: Any, *, join: Any = None, **config: Any) -> Any:
        text = entries if isinstance(entries, str) else json.dumps(entries)
        (tmp_path / "people.json").write_text(text, encoding="utf-8")
        outside = Outside(
            tmp_path,
            lambda *_: pytest.fail("no network"),
            lambda: datetime.now(UTC),
            lambda _: None,
        )
        return connect("ad", Config().load({"path": "people.json", **config}), outside, join)

    return make


@pytest.fixture
def read(directory: Callable[..., Any]) -> Callable[..., Any]:
    return lambda entries, **config: list(directory(entries, **config).read())


@pytest.fixture
def read_one(read: Callable[..., Any]) -> Callable[..., Person]:
    def only(*entries: Any, **config: Any) -> Person:
        (person,) = read(list(entries), **config)
        assert isinstance(person, Person), person
        return person

    return only


def test_an_openldap_person_becomes_a_scim_user(read_one: Callable[..., Any]) -> None:
    person = read_one(
        entry(
            givenName=["Eva"],
            sn=["Malá"],
            cn=["Malá Eva"],
            displayName=["Eva Malá"],
            mail=["eva@example.org"],
            l=["Brno"],
            departmentNumber=["Sales"],
            title=["Clerk"],
            manager=["uid=jan,ou=People,o=x"],
        )
    )

    assert person == Person(
        "id-eva",
        {
            "userName": "eva",
            "externalId": "id-eva",
            "name": {"givenName": "Eva", "familyName": "Malá"},
            "displayName": "Eva Malá",
            "emails": [{"value": "eva@example.org", "type": "work", "primary": True}],
            "addresses": [{"type": "work", "locality": "Brno"}],
            "title": "Clerk",
            ENTERPRISE: {"department": "Sales", "manager": {"value": "uid=jan,ou=People,o=x"}},
        },
        "uid=eva,ou=People,o=x",
    )


def test_an_active_directory_person_becomes_a_scim_user(read_one: Callable[..., Any]) -> None:
    guid = uuid.UUID("8d7f0a9c-1234-4a6b-9c0d-112233445566")
    person = read_one(
        {
            "dn": "CN=Malá\\, Eva,OU=Brno,DC=example,DC=org",
            "attributes": {
                "objectClass": ["top", "person", "organizationalPerson", "user"],
                "sAMAccountName": ["emala"],
                "objectGUID": [{"base64": base64.b64encode(guid.bytes_le).decode()}],
                "department": ["Sales"],
                "userAccountControl": ["512"],
                "thumbnailPhoto": [{"base64": "/9j/4AAQ"}],
            },
        }
    )

    assert person.key == "8d7f0a9c-1234-4a6b-9c0d-112233445566"
    assert person.resource == {
        "userName": "emala",
        "externalId": "8d7f0a9c-1234-4a6b-9c0d-112233445566",
        "active": True,
        ENTERPRISE: {"department": "Sales"},
    }


def test_attribute_names_are_read_in_any_case(read_one: Callable[..., Any]) -> None:
    person = read_one(
        {
            "dn": "uid=eva,o=x",
            "attributes": {"OBJECTCLASS": ["INETORGPERSON"], "UID": ["eva"], "ENTRYuuid": ["1"]},
        }
    )
    assert (person.key, person.resource["userName"]) == ("1", "eva")


def test_values_may_stand_bare_and_numbers_and_blanks_are_text_and_nothing(
    read_one: Callable[..., Any],
) -> None:
    person = read_one(
        entry(uid="eva", departmentNumber=17, title=" ", sn=None, l=[], mail=["", " e@x "])
    )
    assert person.resource == {
        "userName": "eva",
        "externalId": "id-eva",
        "emails": [{"value": "e@x", "type": "work", "primary": True}],
        ENTERPRISE: {"department": "17"},
    }


def test_of_several_addresses_the_first_is_the_work_address(read_one: Callable[..., Any]) -> None:
    person = read_one(entry(mail=["eva@x", "e.mala@x", "eva@x"]))
    assert person.resource["emails"] == [
        {"value": "eva@x", "type": "work", "primary": True},
        {"value": "e.mala@x", "type": "other"},
    ]
    assert person.email == "eva@x"


def test_the_plain_attribute_wins_over_one_with_options(read_one: Callable[..., Any]) -> None:
    person = read_one(entry(**{"displayName;lang-de": ["Eva (de)"], "displayName": ["Eva"]}))
    assert person.resource["displayName"] == "Eva"


def test_an_attribute_with_options_serves_where_there_is_no_plain_one(
    read_one: Callable[..., Any],
) -> None:
    person = read_one(
        entry(**{"displayName;lang-de": ["Eva (de)"], "displayName;lang-cs": ["Eva (cs)"]})
    )
    assert person.resource["displayName"] == "Eva (de)"


def test_columns_may_name_one_option(read_one: Callable[..., Any]) -> None:
    columns = {"displayName;lang-cs": "displayName"}
    person = read_one(
        entry(**{"displayName": ["Eva"], "displayName;lang-cs": ["Eva (cs)"]}), columns=columns
    )
    assert person.resource["displayName"] == "Eva (cs)"


def test_cn_is_shown_where_there_is_no_display_name(read_one: Callable[..., Any]) -> None:
    assert read_one(entry(cn=["Eva"], displayName=[""])).resource["displayName"] == "Eva"


def test_octets_that_are_text_are_read_as_text_and_others_stay_base64(
    read_one: Callable[..., Any],
) -> None:
    text = base64.b64encode("Eva Malá".encode()).decode()
    columns = {"photoHash": "photoHash"}
    person = read_one(
        entry(displayName=[{"base64": text}], photoHash=[{"base64": "AAH/"}]), columns=columns
    )
    assert person.resource["displayName"] == "Eva Malá"
    assert person.resource["photoHash"] == "AAH/"


def test_text_is_composed_and_stripped(read_one: Callable[..., Any]) -> None:
    assert read_one(entry(sn=[" Mala\u0301 "])).resource["name"] == {"familyName": "Malá"}


@pytest.mark.parametrize(
    ("attributes", "active"),
    [
        ({}, None),
        ({"nsAccountLock": ["TRUE"]}, False),
        ({"nsAccountLock": ["false"]}, True),
        ({"nsAccountLock": True}, False),
        ({"nsAccountLock": []}, None),
        ({"userAccountControl": ["514"]}, False),
        ({"userAccountControl": 66048}, True),
        ({"userAccountControl": ["-2147483134"]}, False),
        ({"userAccountControl": ["512"], "nsAccountLock": ["TRUE"]}, False),
        ({"userAccountControl": ["514"], "nsAccountLock": ["FALSE"]}, False),
    ],
)
def test_the_directorys_own_switch_decides_who_is_active(
    read_one: Callable[..., Any], attributes: dict[str, Any], active: bool | None
) -> None:
    assert read_one(entry(**attributes)).resource.get("active") is active


def test_a_column_for_active_replaces_the_directorys_switch(read_one: Callable[..., Any]) -> None:
    person = read_one(
        entry(employed=["FALSE"], nsAccountLock=["FALSE"]), columns={"employed": "active"}
    )
    assert person.resource["active"] is False


def test_columns_replace_the_default_of_a_path_and_keep_the_others(
    read_one: Callable[..., Any],
) -> None:
    person = read_one(
        entry(mail=["eva@x"], employeeNumber=["17"], costCode=["K1"]),
        columns={
            "mail": "userName",
            "employeeNumber": "externalId",
            "costCode": "costCode",
            "carLicense": 'emails[type eq "home"].value',
        },
    )
    assert person.resource == {
        "userName": "eva@x",
        "externalId": "17",
        "costCode": "K1",
        "emails": [{"value": "eva@x", "type": "work", "primary": True}],
    }


def test_a_default_moves_with_its_attribute(read_one: Callable[..., Any]) -> None:
    home = 'emails[type eq "home"].value'
    person = read_one(entry(mail=["eva@x"]), columns={"mail": home})
    assert person.resource["emails"] == [{"value": "eva@x", "type": "home"}]


def test_machines_contacts_and_containers_are_nobody(read: Callable[..., Any]) -> None:
    classes = [
        ["top", "person", "organizationalPerson", "user", "computer"],
        ["top", "person", "organizationalPerson", "contact"],
        ["organizationalUnit"],
        ["groupOfNames"],
    ]
    assert read([entry(f"n{i}", objectClass=c) for i, c in enumerate(classes)]) == []


def test_config_says_which_classes_people_have(read: Callable[..., Any]) -> None:
    entries = [
        entry("eva", objectClass=["ourPerson"]),
        entry("jan"),
        entry("pc", objectClass=["ourPerson", "computer"]),
    ]
    people = read(entries, object_classes=["OURperson"])
    assert [p.key for p in people] == ["id-eva"]


def test_contacts_are_people_where_config_says_so(read: Callable[..., Any]) -> None:
    (person,) = read([entry(objectClass=["person", "contact"])], object_classes=["contact"])
    assert person.key == "id-eva"


def test_two_entries_with_one_dn_are_both_given(read: Callable[..., Any]) -> None:
    people = read([entry(dn="uid=a,o=x"), entry(dn="UID=A, o=x")])
    assert [p.key for p in people] == ["id-eva", "id-eva"]


# The key


def test_config_names_the_key(read_one: Callable[..., Any]) -> None:
    assert read_one(entry(), key="userName").key == "eva"


def test_the_key_is_the_join_where_nobody_has_an_external_id(read: Callable[..., Any]) -> None:
    people = read([entry("eva", entryUUID=None, mail=["eva@x"]), entry("jan", entryUUID=None)])
    assert people[0].key == "eva@x"
    assert (people[1].key, people[1].where) == (
        None,
        "people.json: entry 2 (uid=jan,ou=People,o=x)",
    )


def test_the_join_may_be_another_attribute(read_one: Callable[..., Any]) -> None:
    assert read_one(entry(entryUUID=None), join=parse_path("userName")).key == "eva"


def test_somebody_without_the_key_of_all_others_is_a_flaw_without_key(
    read: Callable[..., Any],
) -> None:
    _, flaw = read([entry("eva"), entry("jan", entryUUID=[])])
    assert isinstance(flaw, Flaw)
    assert flaw.key is None
    assert "jan has no externalId" in flaw.reason
    assert "key" in flaw.remedy


def test_keys_do_not_change_their_meaning_within_a_file(directory: Callable[..., Any]) -> None:
    entries = [entry("eva", entryUUID=None, mail=["eva@x"]), entry("jan", mail=["jan@x"])]
    with pytest.raises(
        IncompleteRead, match=r"entry 2 has an externalId.*first person has not"
    ) as caught:
        list(directory(entries).read())
    assert "`key:`" in caught.value.remedy


# Who can't be used


@pytest.mark.parametrize(
    ("attributes", "reason"),
    [
        ({"userAccountControl": ["on"]}, "userAccountControl is 'on'"),
        ({"userAccountControl": ["5_1"]}, "no whole number"),
        ({"nsAccountLock": ["maybe"]}, "neither TRUE nor FALSE"),
        ({"title": [["a"]]}, "title is a list within a list"),
        ({"title": {"a": 1}}, "title is an object"),
        ({"title": ["a\0b"]}, "title holds a control character"),
        ({"title": ["a\ud800"]}, "half a surrogate pair"),
        ({"title": [{"base64": "?"}]}, "title is no base64"),
        ({"memberOf": ["Sales"]}, "memberOf is no distinguished name"),
        ({"memberOf": [7]}, "memberOf is no distinguished name"),
        (
            {"memberOf;range=0-1": ["cn=a", "cn=b"]},
            "memberOf in parts.*from number 2 on are missing",
        ),
    ],
)
def test_a_person_who_cannot_be_read_whole_is_a_flaw_with_their_key(
    read: Callable[..., Any], attributes: dict[str, Any], reason: str
) -> None:
    jan, eva = read([entry("jan"), entry("eva", **attributes)])
    assert isinstance(jan, Person)
    assert isinstance(eva, Flaw)
    assert (eva.key, eva.where) == ("id-eva", "people.json: entry 2 (uid=eva,ou=People,o=x)")
    assert re.search(reason, eva.reason)
    assert eva.remedy


def test_parts_of_a_long_list_are_put_together(read_one: Callable[..., Any]) -> None:
    person = read_one(
        entry(
            **{
                "memberOf": [],
                "memberOf;range=2-*": ["cn=c"],
                "memberOf;range=0-1": ["cn=a", "cn=b"],
            }
        )
    )
    assert [g["display"] for g in person.resource["groups"]] == ["c", "a", "b"]


@pytest.mark.parametrize("dn", ["nonsense", "uid=eva,", "uid=\ud800", 7, "", "  "])
def test_a_person_without_a_usable_dn_is_a_flaw_with_their_key(
    read: Callable[..., Any], dn: object
) -> None:
    (flaw,) = read([entry(dn=dn)])
    assert isinstance(flaw, Flaw)
    assert flaw.key == "id-eva"
    assert "dn" in flaw.reason
    assert flaw.where.isprintable()


def test_a_key_that_cannot_be_read_is_no_key(read: Callable[..., Any]) -> None:
    _, flaw = read([entry("jan"), entry(entryUUID=None, objectGUID=[{"base64": "AAAA"}])])
    assert (flaw.key, flaw.reason) == (None, "objectGUID has 3 bytes, not 16")


@pytest.mark.parametrize(
    ("odd", "reason"),
    [
        ({"dn": "uid=a,o=x"}, "no attributes"),
        ({"dn": "uid=a,o=x", "attributes": {}}, "no attributes"),
        ({"dn": "uid=a,o=x", "attributes": [1]}, "no attributes"),
        ({"dn": "uid=a,o=x", "attributes": {"uid": ["a"]}}, "no objectClass"),
        ({"dn": "uid=a,o=x", "attributes": {"objectClass": []}}, "no objectClass"),
        ({"dn": "uid=a,o=x", "attributes": {"objectClass": [{}]}}, "objectClass is an object"),
        ({}, "no attributes"),
        (7, "no attributes"),
        (None, "no attributes"),
        ([[]], "no attributes"),
        ("text", "no attributes"),
    ],
)
def test_an_entry_that_might_be_anybody_is_a_flaw_without_key(
    read: Callable[..., Any], odd: object, reason: str
) -> None:
    flaw, eva = read([odd, entry()])
    assert isinstance(flaw, Flaw)
    assert isinstance(eva, Person)
    assert flaw.key is None
    assert flaw.where.startswith("people.json: entry 1")
    assert reason in flaw.reason
