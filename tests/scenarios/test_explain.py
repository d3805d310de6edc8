"""Why does somebody have what they have: `provisioner explain`, as an operator uses it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.scenarios.installation import (
    Installation,
    person,
    phone_user,
    phone_users,
    staff,
    zoom_account,
)

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
RULES: list[dict[str, Any]] = [
    {
        "name": "premium",
        "when": 'groups.display eq "TEL-Premium"',
        "give": {"license": "PREMIUM", "packages": ["world"]},
    },
    {
        "name": "standard",
        "when": "userName pr",
        "give": {"license": "STANDARD", "packages": ["basic"]},
    },
    {
        "name": "sales",
        "when": 'department eq "Sales"',
        "give": {"site": "{location}", "number": {"pool": "brno"}},
    },
]


def entry(number: int, **attributes: str) -> dict[str, Any]:
    given = {
        "objectClass": ["inetOrgPerson"],
        "uid": [f"user{number}"],
        "employeeNumber": [f"E{number:03}"],
        **{name: [value] for name, value in attributes.items()},
    }
    return {"dn": f"uid=user{number},ou=People,o=x", "attributes": given}


def group(name: str, *members: str) -> dict[str, Any]:
    given = {"objectClass": ["groupOfNames"], "member": list(members)}
    return {"dn": f"cn={name},ou=Groups,o=x", "attributes": given}


@pytest.fixture
def office(tmp_path: Path) -> Installation:
    """Two directories, of which one nests its groups, and a phone system with few seats."""
    office = Installation(tmp_path)
    office.configure(
        directories=[
            {"kind": "csv", "name": "hr", "path": "people.csv"},
            {
                "kind": "ldap_json",
                "name": "ad",
                "path": "ad.json",
                "nested_groups": True,
                "key": "externalId",
                "columns": {"employeeNumber": "externalId"},
            },
        ],
        pools={"brno": {"ranges": ["+420539001010-+420539001011"]}},
        protected='title eq "CEO"',
    )
    office.mapping(rules=RULES)
    office.people(staff(3))
    entries = [
        entry(1, l="Brno", departmentNumber="IT", title="Clerk"),
        entry(2, l="Brno"),
        entry(3, l="Brno"),
        group("Sales Brno", "uid=user1,ou=People,o=x"),
        group("Sales", "cn=Sales Brno,ou=Groups,o=x"),
        group("TEL-Premium", "cn=Sales,ou=Groups,o=x"),
    ]
    office.write("ad.json", json.dumps(entries))
    office.phone(
        phone_users(3, license="STANDARD"),
        licenses={"PREMIUM": 1, "STANDARD": 3},
        packages={"world": 3, "basic": 3},
        sites=["Brno"],
        numbers=["+420539001010", "+420539001011"],
    )
    return office


def explained(office: Installation, user: str, *arguments: str, **how: Any) -> dict[str, Any]:
    ran = office.run("explain", user, "--format", "json", *arguments, **how)
    assert ran.status == 0, ran.said
    return ran.plan


def of(document: dict[str, Any], entitlement: str) -> dict[str, Any]:
    return dict(next(e for e in document["entitlements"] if e["entitlement"] == entitlement))


def test_every_entitlement_tells_its_rule_the_losers_the_group_path_and_what_happened_last(
    office: Installation,
) -> None:
    office.carry_out(at=NOW)

    told = explained(office, "user1@example.org", at=NOW + timedelta(hours=2))

    assert (told["user"], told["key"], told["id"]) == ("user1@example.org", "E001", "p1")
    license = of(told, "license")
    assert (license["value"], license["rule"]) == ("PREMIUM", "premium")
    file, line, _ = license["where"].rsplit(":", 2)
    assert "license: PREMIUM" in Path(file).read_text(encoding="utf-8").splitlines()[int(line) - 1]
    assert license["because"]["from"] == ["ad: through Sales, through Sales Brno"]
    assert [(x["rule"], x["value"], x["winner"]) for x in license["lost"]] == [
        ("standard", "STANDARD", "premium")
    ]
    assert license["now"] == {
        "value": "PREMIUM",
        "known": "read now",
        "as_of": "2026-11-23T11:00:00Z",
    }
    last = license["last"]
    assert (last["kind"], last["before"], last["after"]) == (
        "license.assign",
        "STANDARD",
        "PREMIUM",
    )
    assert (last["state"], last["plan"], last["at"]) == ("done", "1", "2026-11-23T09:00:00Z")
    assert last["run"] in office.run("runs").out
    assert last["approved_by"] not in ("", "the approval policy")


def test_the_directory_that_won_is_named_beside_what_the_others_say(office: Installation) -> None:
    office.plan(at=NOW)

    told = explained(office, "user1")

    (department,) = [a for a in told["attributes"] if a["attribute"].endswith(":department")]
    assert (department["values"], department["directory"]) == (["Sales"], "hr")
    assert department["others"] == [{"directory": "ad", "values": ["IT"]}]
    assert [(r["directory"], r["as_of"]) for r in told["reads"]] == [
        ("hr", "2026-11-23T09:00:00Z"),
        ("ad", "2026-11-23T09:00:00Z"),
    ]


def test_without_each_group_tells_what_would_be_otherwise(office: Installation) -> None:
    office.plan()

    without = {each["group"]: each for each in explained(office, "E001")["without"]}

    moved = without["TEL-Premium"]["moved"]
    assert [(m["entitlement"], m["before"], m["after"]) for m in moved] == [
        ("license", "PREMIUM", "STANDARD"),
        ("packages", "world", None),
    ]
    assert moved[0]["rule"] == "standard"
    assert not without["Phone"]["in_scope"]
    assert without["Sales"]["moved"] == without["Sales Brno"]["moved"] == moved  # by way of which
    text = office.run("explain", "E001").out
    assert "without TEL-Premium: license STANDARD instead of PREMIUM (rule standard" in text


def test_a_number_tells_why_it_is_that_one_and_who_goes_without_why(office: Installation) -> None:
    office.carry_out()

    texts = [office.run("explain", f"user{n}").out for n in (1, 2, 3)]

    assert "+420539001010 is of pool brno: whoever holds a number of it keeps it" in texts[0]
    assert "blocked: no number of 2 is free in pool brno" in texts[2]


def test_who_waits_for_a_seat_is_told_who_got_it(office: Installation) -> None:
    entries = json.loads((office.folder / "ad.json").read_text())
    entries[3]["attributes"]["member"] += ["uid=user2,ou=People,o=x"]
    office.write("ad.json", json.dumps(entries))
    office.plan()

    pool = of(explained(office, "user2"), "license")["pool"]

    assert pool.startswith("blocked: ")
    assert pool.endswith("in this plan it goes to user1@example.org")


def test_why_not_says_which_condition_failed_for_them_and_what_their_groups_are(
    office: Installation,
) -> None:
    office.plan()

    told = explained(office, "user2", "--why-not", "package=world")
    text = office.run("explain", "user2", "--why-not", "package=world").out

    (rule,) = told["why_not"]["rules"]
    assert (rule["rule"], rule["outcome"]) == ("premium", "condition")
    assert rule["because"]["condition"] == 'groups.display eq "TEL-Premium"'
    assert 'groups.display eq "TEL-Premium" fails: their groups are Phone' in text


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ("licence=x", "did you mean 'license'?"),
        ("license", "--why-not takes ENTITLEMENT=VALUE"),
    ],
)
def test_a_question_that_makes_no_sense_is_a_mistake(
    office: Installation, asked: str, says: str
) -> None:
    office.plan()

    ran = office.run("explain", "user2", "--why-not", asked)

    assert (ran.status, says in ran.err) == (1, True), ran.said


def test_nobody_of_that_name_ends_with_1_and_the_nearest_known_names(
    office: Installation,
) -> None:
    office.plan()

    ran = office.shell("explain", "user1@exmaple.org")

    assert ran.status == 1
    assert "nobody in sync emea is called 'user1@exmaple.org'" in ran.err
    assert "did you mean user1@example.org" in ran.err


def test_before_any_plan_the_nearest_names_come_from_the_directories(office: Installation) -> None:
    ran = office.run("explain", "user1@exmaple.org")

    assert (ran.status, "did you mean user1@example.org" in ran.err) == (1, True), ran.said


def test_nobody_of_that_name_is_told_so_though_the_directories_cant_be_read(
    office: Installation,
) -> None:
    office.plan()
    (office.folder / "people.csv").unlink()

    ran = office.run("explain", "user1@exmaple.org")

    assert ran.status == 1
    assert "nobody in sync emea is called 'user1@exmaple.org' (the directories can't be" in ran.err
    assert "did you mean user1@example.org" in ran.err


def test_several_people_of_one_name_are_all_named_and_end_with_1(office: Installation) -> None:
    office.people([person(1), person(2), person(3, userName="user1")])
    office.plan()

    ran = office.run("explain", "user1")

    assert ran.status == 1
    assert "user1@example.org (key e001), user3@example.org (key e003)" in ran.err


def test_somebody_whom_no_plan_has_read_yet_is_looked_for_in_the_directories(
    office: Installation,
) -> None:
    ran = office.shell("explain", "user2@example.org")

    assert ran.status == 0, ran.said
    assert "no accepted read has them yet, so the directories were read for this" in ran.out
    assert "license              STANDARD" in ran.out


def test_what_is_remembered_is_enough_where_the_directories_can_no_longer_be_read(
    office: Installation,
) -> None:
    office.plan()
    (office.folder / "people.csv").unlink()
    (office.folder / "ad.json").unlink()

    assert of(explained(office, "user1"), "license")["rule"] == "premium"


def test_a_phone_system_that_cant_be_asked_is_told_as_the_last_plan_knew_it(
    office: Installation,
) -> None:
    lines = phone_users(3, license="Zoom Phone", packages=[])
    with zoom_account(lines) as (_, system):
        office.configure(phone_system=system, pools=None)
        office.mapping(
            rules=[{"name": "all", "when": "userName pr", "give": {"license": "zoom_phone"}}]
        )
        office.plan(at=NOW)
    ran = office.shell("explain", "user1", "--format", "json")

    assert ran.status == 0, ran.said
    told = ran.plan
    assert "can't be asked" in told["phone"]
    assert "as plan 1 of 2026-11-23T09:00:00Z knew it" in told["phone"]
    assert of(told, "license")["now"]["as_of"] == "2026-11-23T09:00:00Z"


def test_offline_asks_nobody(office: Installation) -> None:
    office.plan()
    (office.folder / "phone.jsonl").unlink()

    told = explained(office, "user1", "--offline")

    assert told["phone"].startswith("not asked; as plan 1 of")


def test_a_leaver_tells_since_when_and_until_when_the_grace_lasts(office: Installation) -> None:
    office.mapping(rules=RULES, leavers={"do": "remove_license", "after": "7d"})
    office.carry_out(at=NOW)
    office.configure(limits={"people_drop": "90%", "removals": "100%", "group_drop": "90%"})
    office.people([person(1), person(2)])
    entries = [
        e for e in json.loads((office.folder / "ad.json").read_text()) if "user3" not in e["dn"]
    ]
    office.write("ad.json", json.dumps(entries))
    office.plan(at=NOW + timedelta(days=1))

    told = explained(office, "user3", at=NOW + timedelta(days=2))

    assert told["standing"] == "gone"
    assert "the grace ends 2026-12-01T09:00:00Z" in told["state"]["leaver"]
    assert {d["state"] for d in told["account"]} == {"waiting"}


def test_whoever_is_protected_is_told_so(office: Installation) -> None:
    office.people([person(1, title="CEO"), person(2)])
    office.plan()

    assert explained(office, "user1")["state"]["protected"] is True
    assert explained(office, "user2")["state"]["protected"] is False


def test_a_phone_user_of_nobody_is_explained_by_their_mail(office: Installation) -> None:
    office.phone([*phone_users(3), phone_user(9, id="p9", license="STANDARD")])
    office.plan()

    told = explained(office, "user9@example.org")

    assert (told["standing"], told["id"]) == ("unmanaged", "p9")
    assert "`unmanaged: report` decides" in told["notes"][0]


def test_whoever_the_phone_system_refused_is_told_until_when_they_are_left_alone(
    office: Installation,
) -> None:
    office.phone(phone_users(3, license="STANDARD"), licenses={"PREMIUM": 1, "STANDARD": 3})
    plan = office.plan(at=NOW)
    office.phone(phone_users(3, license="STANDARD"), licenses={"PREMIUM": 0, "STANDARD": 3})
    office.run("approve", plan["id"], at=NOW)
    assert office.run("apply", plan["id"], at=NOW).status == 5

    told = explained(office, "user1", at=NOW + timedelta(minutes=1))

    assert told["state"]["parked"].startswith("left alone until 2026-11-23T09:05:00Z: ")
    assert of(told, "license")["last"]["state"] == "failed"


def test_explaining_writes_no_plan(office: Installation) -> None:
    office.plan()
    explained(office, "user1")

    assert office.plan()["id"] == "2"


def test_every_change_that_is_due_is_told_whatever_the_directory_calls_a_delegate(
    tmp_path: Path,
) -> None:
    hq = Installation(tmp_path)
    hq.configure(
        directories=[
            {"kind": "ldap_json", "name": "ad", "path": "ad.json", "key": "userName"},
        ]
    )
    boss = "UID=user1, OU=people,o=x"
    found = [
        entry(1, mail="user1@example.org"),
        entry(2, mail="user2@example.org", manager=boss),
    ]
    hq.write("ad.json", json.dumps(found))
    hq.mapping(
        scope=None,
        join=None,
        rules=[
            {
                "name": "all",
                "when": "userName pr",
                "give": {"license": "L", "packages": ["basic"], "delegates": ["{manager}"]},
            }
        ],
    )
    held = {"license": "L", "packages": ["basic", "old"], "delegates": ["user3@example.org"]}
    hq.phone([phone_user(1, **(held | {"delegates": []})), phone_user(2, **held)])
    hq.plan()

    told = json.loads(hq.run("explain", "user2@example.org", "--format", "json").out)

    (wish,) = [e for e in told["entitlements"] if e["entitlement"] == "delegates"]
    assert [(due["kind"], due["after"]) for due in wish["due"]] == [
        ("delegate.add", "user1@example.org")
    ]
    # what is taken and no rule gives belongs to no entitlement of theirs
    assert {(due["kind"], due["before"]) for due in told["account"]} == {
        ("delegate.remove", "user3@example.org"),
        ("package.remove", "old"),
    }


def test_a_common_area_is_explained_by_the_rules_of_its_kind(tmp_path: Path) -> None:
    hq = Installation(tmp_path)
    hq.configure(manages='kind eq "person" or kind eq "common_area"')
    hq.people(staff(1))
    hq.mapping(
        common_areas=[
            {
                "name": "lobbies",
                "when": 'display_name sw "Lobby"',
                "give": {"packages": ["basic"], "site": "Brno"},
            }
        ]
    )
    area = {"kind": "common_area", "status": "active", "packages": []}
    lobby = {"id": "c1", "display_name": "Lobby East", **area}
    hq.phone([phone_user(1), lobby, {"id": "c2", "display_name": "Canteen", **area}])
    hq.plan()

    told = json.loads(hq.run("explain", "c1", "--format", "json").out)
    other = hq.run("explain", "c2").out
    why = hq.run("explain", "c1", "--why-not", "site=Oslo").out

    assert (told["user"], told["standing"]) == ("Lobby East", "place")
    found = {e["entitlement"]: e for e in told["entitlements"]}
    assert {name: (e["value"], e["rule"]) for name, e in found.items()} == {
        "site": ("Brno", "lobbies"),
        "packages": ("basic", "lobbies"),
    }
    assert found["site"]["where"].endswith("mapping.yaml:22:5")
    assert [due["kind"] for due in found["site"]["due"]] == ["site.set"]
    assert "no rule names it" in other
    assert "no rule gives site Oslo" in why


def test_two_why_nots_are_refused_rather_than_one_of_them_dropped(office: Installation) -> None:
    asked = ("--why-not", "license=PREMIUM", "--why-not", "packages=world")
    ran = office.run("explain", "user1@example.org", *asked)

    assert ran.status == 1
    assert "--why-not asks about one thing" in ran.err
