"""A push finds the delegates of whom it touched in every directory, as a plan for everybody does."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from provisioner.pushes import Pushes
from provisioner.store.tables import entry_names
from tests.provisioner.scim.pushing import add, operation, patch_group, patch_user, remove
from tests.scenarios.installation import Installation, phone_user, rule
from tests.scenarios.test_pushes import GRACE, PUSHED, Pushed

ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
RULES = [
    rule("all", license="zoom_phone", packages=["basic"]),
    rule("led", "manager pr", delegates=["{manager}"]),
    rule("named", "nickName pr", delegates=["{nickName}"]),
]
PEOPLE = 5


def entry(number: int, **attributes: str) -> dict[str, Any]:
    """Return the LDAP entry of the person of that number."""
    given = {
        "objectClass": "inetOrgPerson",
        "uid": f"uid{number}",
        "entryUUID": f"E{number:03}",
        "mail": f"user{number}@example.org",
        "memberOf": "cn=Phone,dc=example,dc=org",
        "nsAccountLock": "FALSE",
    }
    return {
        "dn": dn(number),
        "attributes": {name: [value] for name, value in (given | attributes).items() if value},
    }


def dn(number: int) -> str:
    return f"uid=uid{number},ou=People,dc=example,dc=org"


class Company(Pushed):
    """People in LDAP and people who are pushed, some of them in both; those of `numbers` have phones."""

    def __init__(self, folder: Path, ldap: Iterable[int], phones: Iterable[int]) -> None:
        here = Installation(folder)
        super().__init__(here)
        listed = [{"kind": "ldap_json", "name": "ldap", "path": "ldap.json"}, PUSHED]
        self.ldap = list(ldap)
        self.entries([])
        self.configure(
            directories=listed,
            limits={"removals": "100%", "changes": "100%"},
            approval={"automatic": []},
        )
        here.mapping(**GRACE, rules=RULES)
        here.phone([phone_user(number) for number in phones])
        self.ids: dict[int, str] = {}

    def entries(self, entries: Iterable[Mapping[str, Any]]) -> None:
        """Write LDAP's entries: of everybody who is in it, these instead of what they are otherwise."""
        given = {each["dn"]: each for each in [*map(entry, self.ldap), *entries]}
        self.here.write("ldap.json", json.dumps(list(given.values())))

    def adopt(self) -> None:
        self.here.carry_out()
        assert self.here.run("directory ready").status == 0
        Pushes(self.site, self.site.config.syncs["emea"]).look()

    def push_plan(self) -> list[dict[str, Any]]:
        """Return what the pushes' plan holds that is made now; nothing where it has nothing to say."""
        before = len(self.plans())
        Pushes(self.site, self.site.config.syncs["emea"]).look()
        made = self.plans()[before:]
        return [] if not made else told(made[0])


def told(plan: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return what a plan says of every change, but for what changes from plan to plan."""
    names = ("key", "kind", "user", "before", "after", "cause", "because", "consequences", "reason")
    every = [*plan["changes"], *plan["blocked"], *plan["waiting"]]
    return sorted(({name: c.get(name) for name in names} for c in every), key=str)


def of(changes: Iterable[dict[str, Any]], key: str) -> list[dict[str, Any]]:
    return [each for each in changes if each["key"] == key]


@pytest.mark.parametrize(
    "name", [dn(2), "UID = uid2 , ou=people,dc=EXAMPLE,dc=org", "uid2", "E002", "user2@example.org"]
)
def test_the_manager_of_who_is_pushed_is_found_in_ldap_by_whatever_name(
    tmp_path: Path, name: str
) -> None:
    company = Company(tmp_path, ldap=(2, 3), phones=(1, 2, 3))
    eva = company.user(1)
    patch_group(company.tenant, company.group, add(eva))
    company.adopt()
    (company.here.folder / "ldap.json").unlink()
    patch_user(company.tenant, eva, operation("add", f"{ENTERPRISE}:manager", {"value": name}))

    (change,) = company.push_plan()

    assert (change["kind"], change["user"]) == ("delegate.add", "user1@example.org")
    assert change["after"] == "user2@example.org"


def test_a_manager_whom_two_people_could_be_is_blocked_by_a_push_too(tmp_path: Path) -> None:
    company = Company(tmp_path, ldap=(2, 3), phones=(1, 2, 3))
    company.entries([entry(2, uid="boss"), entry(3, uid="boss")])
    eva = company.user(1)
    patch_group(company.tenant, company.group, add(eva))
    company.adopt()
    patch_user(company.tenant, eva, operation("add", "nickName", "boss"))

    (change,) = company.push_plan()

    assert change["reason"] is not None
    assert "several people are called 'boss'" in change["reason"]


def test_a_delegate_who_gets_a_phone_only_by_a_plan_for_everybody_is_left_to_that(
    tmp_path: Path,
) -> None:
    company = Company(tmp_path, ldap=(2, 3), phones=(1, 2))
    company.entries([entry(3, memberOf="")])
    eva = company.user(1)
    patch_group(company.tenant, company.group, add(eva))
    company.adopt()
    company.entries([])
    company.here.plan()  # it hasn't been approved: user3 has no phone yet
    patch_user(company.tenant, eva, operation("add", "nickName", "uid3"))

    assert company.push_plan() == []


def test_a_push_tells_a_delegates_new_mail_as_the_cause(tmp_path: Path) -> None:
    company = Company(tmp_path, ldap=(2, 3), phones=(1, 2, 3))
    eva = company.user(1, nickName="uid2")
    patch_group(company.tenant, company.group, add(eva))
    company.adopt()
    company.entries([entry(2, mail="new@example.org")])
    users = company.here.phone_users()
    assert users["user1@example.org"]["delegates"] == ["user2@example.org"]
    company.here.phone(
        [u | ({"email": "new@example.org"} if u["id"] == "p2" else {}) for u in users.values()]
    )
    full = company.here.plan()
    patch_user(company.tenant, eva, operation("add", "title", "CEO"))

    pushed = company.push_plan()

    said = "delegate new@example.org: mail changed from user2@example.org to new@example.org (ldap)"
    assert [c["because"] for c in pushed] == [said, said]
    assert of(told(full), "E001") == pushed


def test_who_is_called_otherwise_is_told_to_be_looked_at_by_the_next_full_plan(
    tmp_path: Path,
) -> None:
    company = Company(tmp_path, ldap=(2, 3), phones=(1, 2, 3))
    company.here.mapping(**GRACE, rules=RULES, profile={"display_name": "{displayName}"})
    eva, jan = company.user(1, nickName="user4"), company.user(4)
    patch_group(company.tenant, company.group, add(eva, jan))
    company.adopt()
    patch_user(
        company.tenant,
        jan,
        operation("replace", "userName", "jan"),
        operation("replace", "displayName", "Jan"),
    )

    company.push_plan()

    assert company.plans()[-1]["warnings"] == [
        "1 person has another mail address or userName now: the next full plan looks at whose"
        " delegates they are"
    ]


def test_until_a_full_plan_kept_what_people_are_called_a_push_leaves_delegates_alone(
    tmp_path: Path,
) -> None:
    company = Company(tmp_path, ldap=(2, 3), phones=(1, 2, 3))
    eva = company.user(1, nickName="uid2")
    patch_group(company.tenant, company.group, add(eva))
    company.adopt()
    with company.site.engine.begin() as connection:
        connection.execute(entry_names.delete())
    patch_user(company.tenant, eva, operation("replace", "nickName", "uid3"))

    assert company.push_plan() == []


def test_a_leaver_loses_their_delegates_by_a_push_whoever_they_would_be(tmp_path: Path) -> None:
    company = Company(tmp_path, ldap=(2,), phones=(1, 2))
    eva = company.user(1, nickName="uid2")
    patch_group(company.tenant, company.group, add(eva))
    company.adopt()
    patch_user(
        company.tenant,
        eva,
        operation("replace", "nickName", "nobody"),
        operation("replace", "active", False),
    )

    assert [c["kind"] for c in company.push_plan()] == ["delegate.remove", "license.remove"]


def test_who_has_a_new_mail_keeps_delegates_who_cant_be_told(tmp_path: Path) -> None:
    company = Company(tmp_path, ldap=(2,), phones=(1, 2))
    eva = company.user(1, nickName="uid2")
    patch_group(company.tenant, company.group, add(eva))
    company.adopt()
    patch_user(
        company.tenant,
        eva,
        operation("replace", "nickName", "Reception"),
        operation("replace", 'emails[type eq "work"].value', "new@example.org"),
    )

    assert company.push_plan() == []


def names_of(number: int) -> list[str]:
    """Return what somebody may be called by others."""
    return [
        dn(number),
        f"uid{number}",
        f"user{number}",
        f"E{number:03}",
        f"user{number}@example.org",
    ]


@st.composite
def steps(draw: st.DrawFn) -> dict[str, Any]:
    """Return a small company, and what happens to one who is pushed."""
    numbers = range(1, PEOPLE + 1)
    ldap = sorted(draw(st.sets(st.sampled_from(numbers), min_size=1)))
    pushed = sorted({1} | draw(st.sets(st.sampled_from(numbers))))
    names = [name for number in {*ldap, *pushed} for name in names_of(number)]
    name = st.one_of(st.none(), st.sampled_from(names))
    return {
        "ldap": ldap,
        "pushed": pushed,
        "in_group": sorted({1} | draw(st.sets(st.sampled_from(pushed)))),
        "managers": {n: draw(name) for n in (*ldap, *pushed)},
        "nicknames": {n: draw(name) for n in pushed},
        "then": draw(
            st.sampled_from(["manager", "nickName", "leaves", "inactive", "mail", "userName"])
        ),
        "to": draw(st.sampled_from(names)),
    }


@given(steps())
@settings(
    max_examples=12,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_the_plan_of_a_push_says_of_whom_it_touched_what_a_plan_for_everybody_says(
    given: dict[str, Any],
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        company = Company(Path(folder), given["ldap"], phones=())
        managers = {n: m for n, m in given["managers"].items() if m}
        company.entries([entry(n, manager=managers.get(n, "")) for n in given["ldap"]])
        for number in given["pushed"]:
            named = given["nicknames"][number]
            members: dict[str, Any] = {"nickName": named} if named else {}
            if number in managers and number not in given["ldap"]:
                members[ENTERPRISE] = {"manager": {"value": managers[number]}}
            company.ids[number] = company.user(number, **members)
        eva = company.ids[1]
        patch_group(
            company.tenant, company.group, add(*(company.ids[n] for n in given["in_group"]))
        )
        company.adopt()
        to = given["to"]
        if given["then"] == "manager":
            change = operation("add", f"{ENTERPRISE}:manager", {"value": to})
        elif given["then"] == "leaves":
            patch_group(company.tenant, company.group, remove(eva))
            change = operation("add", "title", "CEO")
        elif given["then"] == "inactive":
            change = operation("replace", "active", False)
        elif given["then"] == "mail":
            change = operation("replace", 'emails[type eq "work"].value', "new@example.org")
        elif given["then"] == "userName":
            change = operation("replace", "userName", to if to.startswith("uid") else "boss")
        else:
            change = operation("replace", given["then"], to)
        patch_user(company.tenant, eva, change)

        pushed = company.push_plan()
        full = of(told(company.here.plan()), "E001")

    # a name that is nobody's may be a common area's, and whose delegates can't all be told keep theirs
    nobodys = any("no person and no common area" in (c["reason"] or "") for c in full)
    expected = [c for c in full if not (nobodys and c["kind"].startswith("delegate."))]
    assert of(pushed, "E001") == expected
