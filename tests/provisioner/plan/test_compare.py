"""Both sides are streamed past each other, and whoever may need a change is looked at again."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.columns import Columns
from connectors.errors import ReadRefused, RunError
from connectors.phone.snapshot import ABILITIES
from connectors.records import ENTERPRISE, Catalog, Flaw, Person, PhoneUser, Value
from connectors.scim_filter import PHONE_USER, parse_filter, parse_path
from mappings import Mapping, load_mapping
from provisioner.config import PoolConfig
from provisioner.joining import People
from provisioner.memory import Binding, Memory
from provisioner.plan.compare import Comparison
from provisioner.plan.differences import Case, Differences
from provisioner.plan.draft import Ground
from provisioner.plan.make import _FAMILIES
from provisioner.pools import NumberPool
from provisioner.reads import Reading, Uses

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
POOL = NumberPool("munich", PoolConfig(ranges=(("+4989100", "+4989199"),)), None)


class Hr:
    """A directory of whatever it is given."""

    name = "hr"

    def __init__(self, rows: Iterable[Person | Flaw]) -> None:
        self._rows = list(rows)

    def read(self) -> Iterator[Person | Flaw]:
        yield from self._rows

    def check(self) -> None:
        """Always there."""


def load(folder: Path, text: str) -> Mapping:
    file = folder / "mapping.yaml"
    file.write_text(f"version: 1\n{text}", encoding="utf-8")
    return load_mapping(file)


@pytest.fixture
def simple(tmp_path: Path) -> Mapping:
    """Everybody in group Phone gets a license; the name is managed."""
    return load(
        tmp_path,
        "join: externalId\n"
        "scope: 'groups.display eq \"Phone\"'\n"
        'profile: {display_name: "{displayName}"}\n'
        "rules: [{name: all, when: 'userName pr', give: {license: Phone}}]\n",
    )


def person(key: str = "1", *groups: str, **attributes: Any) -> Person:
    resource = {"userName": f"u{key}", "displayName": f"N{key}", **attributes}
    resource["groups"] = [{"value": name, "display": name} for name in groups or ("Phone",)]
    return Person(key, resource, f"hr.csv:{key}")


def user(key: str | None = "1", id: str | None = None, **members: Any) -> PhoneUser:
    held = {"license": "Phone", "display_name": f"N{key}", **members}
    return PhoneUser(id=id or f"p{key}", key=key, **held)


def compare(
    mapping: Mapping,
    rows: Sequence[Person | Flaw],
    users: Iterable[PhoneUser],
    bindings: Iterable[Binding] = (),
    **options: Any,
) -> Differences:
    return compare_directory(mapping, Hr(rows), users, bindings, **options)


def compare_directory(
    mapping: Mapping,
    directory: Hr,
    users: Iterable[PhoneUser],
    bindings: Iterable[Binding] = (),
    **options: Any,
) -> Differences:
    people = People([Reading(directory, Uses((), frozenset()))])
    manages = options.pop("manages", None)
    comparison = Comparison(
        mapping,
        None if manages is None else parse_filter(manages, PHONE_USER),
        lambda pool, number: pool == POOL.name and POOL.has(number),
        options.pop("only", ()),
        **options,
    )
    comparison.add_people(people)
    comparison.add_bindings(bindings)
    comparison.add_phone_users(users)
    return comparison.differences()


def standings(found: Differences) -> dict[str, str]:
    return {case.key: case.standing for case in found.cases}


# Who meets whom


def test_people_decided_alike_may_lack_different_attributes(tmp_path: Path) -> None:
    mapping = load(
        tmp_path,
        "join: externalId\n"
        'profile: {email: "{email}"}\n'
        "rules: [{name: all, when: 'userName pr', give: {site: '{location}'}}]\n",
    )
    mail = [{"value": "u1@example.org", "type": "work"}]

    found = compare(mapping, [person("1", emails=mail), person("2")], [])

    assert standings(found) == {"1": "in_scope", "2": "in_scope"}


def test_a_person_and_the_phone_user_of_the_same_key_agree(simple: Mapping) -> None:
    found = compare(simple, [person("A1")], [user("a1", display_name="NA1")])

    assert found.cases == []
    assert found.people == 1
    assert found.learned.bound == [Binding("a1", "pa1")]
    assert found.matched == {"join": 1}


def test_a_person_without_a_phone_user_is_a_case(simple: Mapping) -> None:
    (case,) = compare(simple, [person("1")], []).cases

    assert (case.key, case.standing, case.actual) == ("1", "in_scope", None)
    assert case.person == person("1")
    assert case.entitlements == simple.entitlements(person("1"))


def test_a_phone_user_who_holds_something_else_is_a_case(simple: Mapping) -> None:
    held = user("1", license="Other")

    (case,) = compare(simple, [person("1")], [held]).cases

    assert (case.standing, case.actual) == ("in_scope", held)


@pytest.mark.parametrize(
    "held",
    [
        {"status": "inactive"},
        {"status": "pending"},
        {"display_name": None},
        {"display_name": "n1"},
        {"license": None},
    ],
)
def test_whatever_differs_is_looked_at_again(simple: Mapping, held: dict[str, Any]) -> None:
    assert standings(compare(simple, [person("1")], [user("1", **held)])) == {"1": "in_scope"}


def test_what_the_mapping_never_mentions_makes_no_difference(simple: Mapping) -> None:
    held = user("1", site="Brno", packages=("US",), numbers=("+4989100",), department="Sales")

    assert compare(simple, [person("1")], [held]).cases == []


def test_a_phone_user_of_nobody_is_unmanaged(simple: Mapping) -> None:
    found = compare(simple, [person("1")], [user("1"), user("9"), user(None, id="x")])

    assert standings(found) == {"9": "unmanaged", "x": "unmanaged"}
    assert found.phone_users_unmatched == ["9", "x"]


def test_an_unmanaged_room_or_admin_is_not_looked_at(simple: Mapping) -> None:
    others = [user("7", kind="room"), user("8", role="admin")]

    assert compare(simple, [person("1")], [user("1"), *others]).cases == []


def test_a_differing_admin_is_named_as_untouchable(simple: Mapping) -> None:
    held = user("1", license=None, role="admin", email="a@x.org")

    found = compare(simple, [person("1")], [held])

    assert found.cases == []
    assert found.untouchable == ["a@x.org"]


def test_manages_says_whom_a_plan_may_touch(simple: Mapping) -> None:
    rows = [person("1"), person("2")]
    users = [user("1", license=None, site="Brno"), user("2", license=None, site="Munich")]

    found = compare(simple, rows, users, manages='site eq "Brno"')

    assert standings(found) == {"1": "in_scope"}


def test_without_a_join_people_meet_by_mail(tmp_path: Path) -> None:
    mapping = load(tmp_path, "rules: [{name: all, when: 'userName pr', give: {license: Phone}}]\n")
    eva = person("1", emails=[{"value": "Eva@x.org", "type": "work"}])

    found = compare(mapping, [eva, person("2")], [user(None, "p1", email="eva@X.ORG"), user("2")])

    assert found.learned.bound == [Binding("1", "p1")]
    assert found.matched == {"email": 1}
    assert sorted(case.standing for case in found.cases) == ["in_scope", "unmanaged"]


def test_another_attribute_than_the_key_may_join(tmp_path: Path) -> None:
    mapping = load(
        tmp_path,
        "join: title\nrules: [{name: all, when: 'userName pr', give: {license: Phone}}]\n",
    )

    found = compare(mapping, [person("1", title="T-9")], [user("t-9", "p9")])

    assert found.learned.bound == [Binding("1", "p9")]


def test_a_binding_wins_over_the_join(simple: Mapping) -> None:
    renamed = user("another", "p1", display_name="N1")

    found = compare(simple, [person("1")], [renamed], [Binding("1", "p1")])

    assert found.cases == []
    assert found.learned.bound == []


def test_a_second_phone_user_is_theirs_if_the_bound_one_is_gone(simple: Mapping) -> None:
    found = compare(simple, [person("1")], [user("1", "new")], [Binding("1", "old")])

    assert found.cases == []
    assert found.learned.bound == [Binding("1", "new")]


def test_a_second_phone_user_beside_the_bound_one_is_a_conflict(simple: Mapping) -> None:
    users = [user("1", "new"), user("x", "old", license=None)]

    found = compare(simple, [person("1")], users, [Binding("1", "old")])

    assert [conflict.keys for conflict in found.conflicts] == [("1",)]
    assert found.cases == []


def test_two_phone_users_with_one_key_are_a_conflict(simple: Mapping) -> None:
    found = compare(simple, [person("1")], [user("1", "a"), user("1", "b")])

    assert [conflict.where for conflict in found.conflicts] == [("b",)]
    assert found.cases == []


def test_whoever_is_left_alone_is_no_case_whatever_their_phone_user_holds(simple: Mapping) -> None:
    flaw = Flaw("hr.csv:2", "1", "has too few fields", "mend it")

    found = compare(
        simple, [flaw, person("2")], [user("1", license=None), user("2")], [Binding("1", "p1")]
    )

    assert found.cases == []


def test_whoever_is_left_alone_and_not_bound_yet_is_not_unmanaged(simple: Mapping) -> None:
    rows = [person("1"), person("1")]

    found = compare(simple, [*rows, person("2")], [user("1", license=None), user("2")])

    assert found.cases == []


def test_whose_row_cant_be_used_is_not_unmanaged(simple: Mapping) -> None:
    flaw = Flaw("hr.csv:2", "1", "has too few fields", "mend it")

    assert compare(simple, [flaw, person("2")], [user("1"), user("2")]).cases == []


def test_where_another_value_joins_the_key_joins_nobody(tmp_path: Path) -> None:
    mapping = load(
        tmp_path,
        "join: title\nrules: [{name: all, when: 'userName pr', give: {license: Phone}}]\n",
    )
    rows = [person("1", title="T-9"), person("2", title="T-8")]

    found = compare(mapping, rows, [user("1"), user("2")])

    assert found.learned.bound == []
    assert sorted(case.standing for case in found.cases) == [
        *("in_scope", "in_scope"),
        *("unmanaged", "unmanaged"),
    ]


# Comings and goings


def test_a_bound_person_who_is_in_no_directory_any_more_is_gone(simple: Mapping) -> None:
    found = compare(simple, [person("2")], [user("1"), user("2")], [Binding("1", "p1")])

    assert standings(found) == {"1": "gone"}
    assert found.learned.gone == ["1"]
    assert found.people == 2


def test_a_leaver_who_is_an_admin_is_named_as_untouchable_and_not_looked_at(
    simple: Mapping,
) -> None:
    bound = [Binding("1", "p1")]
    boss = user("1", id="p1", role="admin", email="a@x.org")

    found = compare(simple, [], [boss], bound)
    named = compare(simple, [], [boss], bound, manages='role eq "admin"')

    assert (found.cases, found.untouchable, found.people) == ([], ["a@x.org"], 1)
    assert standings(named) == {"1": "gone"}


def test_whoever_is_gone_on_both_sides_is_lost(simple: Mapping) -> None:
    found = compare(simple, [person("2")], [user("2")], [Binding("1", "p1")])

    assert found.cases == []
    assert found.learned.lost == ["1"]


@pytest.mark.parametrize(
    ("left", "standing"),
    [(person("1", "Wifi"), "out_of_scope"), (person("1", active=False), "inactive")],
)
def test_a_phone_user_of_somebody_out_of_scope_is_a_case(
    simple: Mapping, left: Person, standing: str
) -> None:
    found = compare(simple, [left], [user("1")])

    assert standings(found) == {"1": standing}
    assert found.learned.gone == ["1"]
    assert found.people == 1


def test_whoever_is_out_of_scope_and_has_no_phone_user_does_not_count(simple: Mapping) -> None:
    found = compare(simple, [person("1", "Wifi"), person("2")], [user("2")])

    assert found.cases == []
    assert found.people == 1


def test_a_leaver_stays_gone_since_the_first_read_that_showed_it(simple: Mapping) -> None:
    binding = Binding("1", "p1", NOW)

    found = compare(simple, [person("1", "Wifi")], [user("1")], [binding])

    assert found.cases[0].binding == binding
    assert found.learned.gone == []


def test_a_leaver_who_returns_is_back(simple: Mapping) -> None:
    found = compare(simple, [person("1")], [user("1")], [Binding("1", "p1", NOW)])

    assert found.learned.back == ["1"]
    assert found.cases == []


def test_before_adoption_everybody_is_matched_anew(simple: Mapping) -> None:
    bindings = [Binding("1", "p9"), Binding("2", "p2")]

    found = compare(
        simple, [person("1"), person("2")], [user("1"), user("2")], bindings, adopted=False
    )

    assert found.learned.bound == [Binding("1", "p1")]
    assert found.cases == []


def test_before_adoption_whoever_is_no_longer_matched_is_lost(simple: Mapping) -> None:
    found = compare(
        simple,
        [person("1"), person("2")],
        [user("2")],
        [Binding("1", "p1"), Binding("2", "p2")],
        adopted=False,
    )

    assert found.learned.lost == ["1"]


def test_an_empty_phone_system_is_refused_where_somebody_was_bound(simple: Mapping) -> None:
    with pytest.raises(ReadRefused, match="0 users, 1 were bound"):
        compare(simple, [person("1")], [], [Binding("1", "p1")])


def test_only_those_asked_for_are_looked_at(simple: Mapping) -> None:
    rows = [person("1"), person("2", userName="Eva"), person("3")]

    assert set(standings(compare(simple, rows, [], only=["eva", "3"]))) == {"2", "3"}


def test_a_name_that_is_nobodys_is_told(simple: Mapping) -> None:
    with pytest.raises(RunError, match="nobody called jan"):
        compare(simple, [person("1")], [user("1")], only=["Jan", "u1"])


@pytest.mark.parametrize("name", ["1", "U1", "Eva@x.org", "p1"])
def test_everybody_answers_to_each_of_their_names(simple: Mapping, name: str) -> None:
    eva = person("1", emails=[{"value": "eva@X.org"}])

    assert compare(simple, [eva], [user("1", license=None)], only=[name]).cases


def test_whose_absence_may_be_a_row_without_a_key_is_not_gone_for_good(simple: Mapping) -> None:
    flaw = Flaw("hr.csv:2", None, "has no key", "fill it in")
    bindings = [Binding("1", "p1"), Binding("3", "p3")]

    found = compare(simple, [flaw, person("2")], [user("1"), user("2")], bindings)

    assert found.learned.gone == []
    assert found.learned.lost == []


def test_a_mail_address_that_is_another_phone_users_is_noted(simple: Mapping) -> None:
    rows = [person("1", emails=[{"value": "eva@x.org"}]), person("2")]
    users = [user("2", email="Eva@X.org")]

    found = compare(simple, rows, users, [Binding("2", "p2")])

    assert found.mail_taken == {"1": "Eva@X.org"}


def test_one_mail_of_somebody_gone_and_somebody_new_is_a_conflict(simple: Mapping) -> None:
    new = person("new", emails=[{"value": "eva@x.org"}])

    found = compare(simple, [new], [user("old", "p1", email="eva@x.org")], [Binding("old", "p1")])

    assert [conflict.keys for conflict in found.conflicts] == [("old", "new")]
    assert found.cases == []


# What is counted on the way


def test_seats_are_counted_but_for_those_of_users_in_the_trash(simple: Mapping) -> None:
    users = [
        user("1", packages=("US", "EU"), credits=True),
        user("8", packages=("US",)),
        user("9", status="trashed", packages=("US",), credits=True),
        user("room", license=None, kind="room"),
    ]

    found = compare(simple, [person("1")], users)

    assert found.licenses == {"Phone": 2}
    assert found.packages == {"US": 2, "EU": 1}
    assert found.credits == 1


def test_extensions_are_known_where_the_mapping_gives_any(tmp_path: Path, simple: Mapping) -> None:
    mapping = load(
        tmp_path, "rules: [{name: all, when: 'userName pr', give: {extension_number: '{title}'}}]\n"
    )
    users = [user("1", extension_number="4077"), user("2")]

    assert compare(mapping, [person("1")], users).extensions == {"4077": "p1"}
    assert compare(simple, [person("1")], users).extensions == {}


def test_those_who_were_once_given_delegates_are_asked_for_by_their_ids(simple: Mapping) -> None:
    comparison = Comparison(simple, None, lambda pool, number: False)
    comparison.add_people(People([Reading(Hr([person("1")]), Uses((), frozenset()))]))
    comparison.add_bindings([Binding("1", "p1"), Binding("gone", "p9"), Binding("other", "p8")])

    assert comparison.delegators(["1", "gone", "never bound"]) == {"p1", "p9"}


def test_those_who_are_to_have_delegates_are_asked_for_by_their_mail(tmp_path: Path) -> None:
    mapping = load(
        tmp_path,
        "rules: [{name: a, when: 'title pr', give: {delegates: [jan@x.org, '{manager}']}}]\n",
    )
    mail = [{"value": "Eva@x.org"}]
    eva = person("1", title="CEO", emails=mail, **{ENTERPRISE: {"manager": {"value": "m"}}})
    comparison = Comparison(mapping, None, lambda pool, number: False)
    comparison.add_people(People([Reading(Hr([eva, person("2")]), Uses((), frozenset()))]))

    assert comparison.delegators([]) == {"eva@x.org"}


def test_numbers_are_known_where_the_mapping_gives_any(tmp_path: Path, simple: Mapping) -> None:
    numbers = load(
        tmp_path, "rules: [{name: all, when: 'userName pr', give: {number: {pool: munich}}}]\n"
    )
    users = [user("1", numbers=("+4989100",)), user("2", numbers=("+491",), status="trashed")]

    assert compare(numbers, [person("1")], users).held_numbers == {"+4989100", "+491"}
    assert compare(simple, [person("1")], users).held_numbers == set()


def test_delegators_are_known_by_the_mail_of_their_delegates(simple: Mapping) -> None:
    boss = user("1", delegates=("Eva@x.org",))

    assert compare(simple, [person("1")], [boss]).delegators_of == {"eva@x.org": [boss]}


def test_texts_that_lack_an_attribute_are_counted_and_their_people_looked_at(
    tmp_path: Path,
) -> None:
    mapping = load(
        tmp_path,
        "join: externalId\n"
        "rules: [{name: all, when: 'userName pr', give: {license: Phone, site: '{location}'}}]\n",
    )
    brno = [{"type": "work", "locality": "Brno"}]

    found = compare(
        mapping,
        [person("1"), person("2", addresses=brno)],
        [user("1", site="Anything"), user("2", site="Brno")],
    )

    assert found.missing == {("site", "all", 'addresses[type eq "work"].locality'): 1}
    assert set(standings(found)) == {"1"}


def test_the_hash_of_the_phone_system_does_not_depend_on_its_order(simple: Mapping) -> None:
    one, two = user("1", site="Brno"), user("2")
    rows = [person("1"), person("2")]

    there, back = compare(simple, rows, [one, two]), compare(simple, rows, [two, one])
    other = compare(simple, rows, [one, user("2", site="Brno")])

    assert there.phone_sha256 == back.phone_sha256
    assert there.phone_sha256.startswith("sha256:")
    assert there.phone_sha256 != other.phone_sha256


# Quick agreement

MAPPINGS = (
    "profile: {display_name: '{displayName}', email: '{emails.value}', department: '{department}'}\n"
    "defaults: {template: Office, site: '{location}'}\n"
    "rules:\n"
    "  - {name: a, when: 'title eq \"A\"', give: {license: Phone, packages: [US, EU], credits: true}}\n"
    "  - {name: b, when: 'title eq \"B\"', give: {license: Phone, packages: ['{location}'], site: Brno}}\n",
    "profile: {display_name: Somebody, job_title: '{title}'}\n"
    "rules:\n"
    "  - {name: a, when: 'title eq \"A\"', give: {number: {pool: munich}, extension_number: '{userName}'}}\n"
    "  - {name: b, when: 'title eq \"B\"', give: {number: '+4989100', softphone: '{location}'}}\n",
    "rules:\n"
    "  - {name: a, when: 'title eq \"A\"', give: {license: phone, delegates: ['{manager}', b@x.org]}}\n"
    "  - {name: b, when: 'title eq \"B\"', give: {license: '{location}', delegate_privileges: [answer, dial]}}\n",
    "rules: [{name: a, when: 'title eq \"A\"', give: {number: '{location}', emergency_address: HQ}}]\n",
)
NAMES = st.sampled_from(("Brno", "BRNO", "Phone", "Office", "US", "u1", "+4989100", "A", "a@x.org"))
SOME = st.none() | NAMES
UNREADABLE = ("template", "site", "emergency_address", "profile.department", "profile.job_title")
TEXTS = (
    *("display_name", "department", "job_title", "license", "template", "site"),
    *("extension_number", "softphone", "emergency_address"),
)


def _resource(members: dict[str, Any]) -> Person:
    resource: dict[str, Any] = {"userName": "u1", "groups": []}
    resource |= {n: members[n] for n in ("displayName", "title", "active") if members[n]}
    if members["mails"]:
        resource["emails"] = [{"value": mail} for mail in members["mails"]]
    if members["town"]:
        resource["addresses"] = [{"type": "work", "locality": members["town"]}]
    enterprise: dict[str, Any] = {}
    if members["department"]:
        enterprise["department"] = members["department"]
    if members["manager"]:
        enterprise["manager"] = {"value": members["manager"]}
    if enterprise:
        resource[ENTERPRISE] = enterprise
    return Person("1", resource)


persons = st.fixed_dictionaries(
    {
        "displayName": SOME,
        "title": st.sampled_from(("A", "B", None)),
        "active": st.sampled_from((True, None)),
        "mails": st.lists(st.sampled_from(("a@x.org", "A@x.org", "b@x.org")), max_size=2),
        "town": SOME,
        "department": SOME,
        "manager": SOME,
    }
).map(_resource)
users = st.builds(
    PhoneUser,
    id=st.just("p1"),
    key=st.just("1"),
    status=st.sampled_from(("active", "active", "active", "inactive", "pending", "trashed")),
    email=st.none() | st.sampled_from(("a@x.org", "A@X.org")),
    **dict.fromkeys(TEXTS, SOME),
    packages=st.lists(st.sampled_from(("US", "EU", "us", "Brno")), max_size=2).map(tuple),
    numbers=st.lists(st.sampled_from(("+4989100", "+4989999")), max_size=2).map(tuple),
    delegates=st.none() | st.lists(st.sampled_from(("a@x.org", "B@x.org")), max_size=2).map(tuple),
    delegate_privileges=st.lists(st.sampled_from(("answer", "dial")), max_size=2).map(tuple),
    credits=st.booleans(),
)


def drafted(
    mapping: Mapping,
    found: Differences,
    one: Person,
    actual: PhoneUser,
    unreadable: frozenset[str] = frozenset(),
    applied: dict[tuple[str, str], Value] | None = None,
) -> list[Any]:
    """What the families of changes would draft for them if they were looked at."""
    ground = Ground(
        mapping=mapping,
        abilities=msgspec.structs.replace(ABILITIES, unreadable=unreadable),
        catalog=Catalog(),
        memory=Memory(applied=applied or {}),
        pools={POOL.name: POOL},
        as_of=NOW,
        now=NOW,
        mails=found.mails,
        phone_users=found.phone_users,
        delegators_of=found.delegators_of,
        grace_s=lambda _: 0,
    )
    case = Case("1", "in_scope", one, mapping.entitlements(one), actual)
    return [draft for family in _FAMILIES for draft in family(case, ground)]


@pytest.fixture(scope="module")
def mappings(tmp_path_factory: pytest.TempPathFactory) -> list[Mapping]:
    return [
        load(tmp_path_factory.mktemp("mapping"), f"join: externalId\n{text}") for text in MAPPINGS
    ]


def as_wished(mapping: Mapping, one: Person, actual: PhoneUser) -> PhoneUser:
    """The phone user as the person should have it, as far as that can be said in a line."""
    wished = mapping.entitlements(one)
    held: dict[str, Any] = {
        name: given.value for name, given in wished.single.items() if name != "number"
    }
    held |= {name: given.value for name, given in wished.profile.items()}
    held["packages"] = tuple(wished.many.get("packages", ()))
    return msgspec.structs.replace(actual, status="active", **held)


@settings(max_examples=400, deadline=None)
@given(index=st.sampled_from(range(len(MAPPINGS))), one=persons, actual=users, near=st.booleans())
def test_whoever_agrees_quickly_needs_no_change(
    mappings: list[Mapping], index: int, one: Person, actual: PhoneUser, near: bool
) -> None:
    mapping = mappings[index]
    if near:
        actual = as_wished(mapping, one, actual)

    found = compare(mapping, [one], [actual])

    if not found.cases:
        assert drafted(mapping, found, one, actual) == []


@settings(max_examples=400, deadline=None)
@given(
    index=st.sampled_from(range(len(MAPPINGS))),
    one=persons,
    actual=users,
    unreadable=st.frozensets(st.sampled_from(UNREADABLE), min_size=1),
    applied=st.dictionaries(st.sampled_from(UNREADABLE), SOME),
)
def test_whoever_agrees_quickly_needs_no_change_of_what_cant_be_read_back_either(
    mappings: list[Mapping],
    index: int,
    one: Person,
    actual: PhoneUser,
    unreadable: frozenset[str],
    applied: dict[str, str | None],
) -> None:
    mapping = mappings[index]
    actual = as_wished(mapping, one, actual)
    known: dict[tuple[str, str], Value] = {("1", name): v for name, v in applied.items()}

    found = compare(mapping, [one], [actual], unreadable=unreadable, applied=known)

    if not found.cases:
        known |= found.learned.applied
        assert drafted(mapping, found, one, actual, unreadable, known) == []


def test_what_cant_be_read_back_and_was_never_applied_is_believed(mappings: list[Mapping]) -> None:
    one = whole()
    held = msgspec.structs.replace(
        as_wished(mappings[0], one, PhoneUser(id="p1", key="1")), template=None, department=None
    )

    found = compare(
        mappings[0], [one], [held], unreadable=frozenset({"template", "profile.department"})
    )

    assert found.cases == []
    assert found.learned.applied == {
        ("1", "template"): "Office",
        ("1", "profile.department"): "HR",
    }


def test_what_was_applied_otherwise_is_a_difference(mappings: list[Mapping]) -> None:
    one = whole()
    held = as_wished(mappings[0], one, PhoneUser(id="p1", key="1"))

    for name in ("template", "site", "profile.department"):
        found = compare(
            mappings[0],
            [one],
            [held],
            unreadable=frozenset({name}),
            applied={("1", name): "Old"},
        )
        assert set(standings(found)) == {"1"}


@settings(max_examples=200, deadline=None)
@given(index=st.sampled_from((0, 1)), one=persons)
def test_whoever_has_exactly_what_is_wished_agrees_quickly(
    mappings: list[Mapping], index: int, one: Person
) -> None:
    mapping = mappings[index]
    wished = mapping.entitlements(one)
    actual = as_wished(mapping, one, PhoneUser(id="p1", key="1", numbers=("+4989100",)))
    if "number" not in wished.single:
        actual = msgspec.structs.replace(actual, numbers=())

    found = compare(mapping, [one], [actual])

    if not wished.left_alone:
        assert found.cases == [], json.dumps(msgspec.to_builtins(actual))


def whole() -> Person:
    """Somebody who lacks nothing that the first mapping asks for."""
    return person(
        "1",
        title="A",
        emails=[{"value": "a@x.org"}],
        addresses=[{"type": "work", "locality": "Brno"}],
        **{ENTERPRISE: {"department": "HR"}},
    )


def test_packages_in_another_order_agree(mappings: list[Mapping]) -> None:
    one = whole()
    actual = as_wished(mappings[0], one, PhoneUser(id="p1", key="1"))

    for packages in (("US", "EU"), ("EU", "US")):
        held = msgspec.structs.replace(actual, packages=packages)
        assert compare(mappings[0], [one], [held]).cases == []


@pytest.mark.parametrize("mail", ["EVA@x.org", "eva@X.ORG"])
def test_names_and_mail_in_another_case_agree(tmp_path: Path, mail: str) -> None:
    mapping = load(
        tmp_path,
        "join: externalId\nprofile: {email: '{email}'}\n"
        "rules: [{name: all, when: 'userName pr', give: {license: Phone, packages: [US]}}]\n",
    )
    eva = person("1", emails=[{"value": "eva@x.org", "type": "work"}])
    held = user("1", license="PHONE", packages=("us",), email=mail)

    assert compare(mapping, [eva], [held]).cases == []


def test_whoever_differs_is_found_among_thousands(simple: Mapping) -> None:
    rows = [person(str(n)) for n in range(2000)]
    users = [user(str(n), license="Old" if n % 500 == 7 else "Phone") for n in range(2000)]

    assert set(standings(compare(simple, rows, users))) == {"7", "507", "1007", "1507"}


# Rows of a table

COLUMNS = Columns.named(
    (
        *("externalId", "userName", "displayName", "title", "active", "groups"),
        *('emails[type eq "work"].value', 'addresses[type eq "work"].locality'),
        *(f"{ENTERPRISE}:department", f"{ENTERPRISE}:manager"),
    )
)
rows = st.lists(
    st.tuples(
        st.sampled_from(("1", "2", "3", "T")),
        st.just("u1"),
        SOME,
        st.sampled_from(("A", "B", None)),
        st.sampled_from((True, False, None)),
        st.none() | st.just(["Phone"]),
        st.none() | st.sampled_from(("a@x.org", "A@x.org", "b@x.org")),
        *([SOME] * 3),
    ).map(list),
    max_size=6,
)


class Sheet(Hr):
    """A directory of the same people that offers them as a table, too."""

    paths, key = COLUMNS.paths, 0

    def __init__(self, cells: list[list[Any]]) -> None:
        self._cells = cells
        super().__init__(
            Person(row[0], COLUMNS.resource(row), self.where(n)) for n, row in enumerate(cells)
        )

    def table(self) -> Sheet:
        return self

    def __iter__(self) -> Iterator[tuple[int, list[Any]] | Flaw]:
        return iter(enumerate(self._cells))

    def where(self, line: int) -> str:
        return f"hr:{line}"


@settings(max_examples=300, deadline=None)
@given(
    index=st.sampled_from(range(len(MAPPINGS))),
    join=st.sampled_from(("externalId", "title", "email", "addresses.type")),
    cells=rows,
    actual=st.lists(users, max_size=4, unique_by=lambda user: user.email),
)
def test_a_table_is_compared_as_its_people_are(
    mappings: list[Mapping], index: int, join: str, cells: list[list[Any]], actual: list[PhoneUser]
) -> None:
    mapping = dataclasses.replace(mappings[index], join=parse_path(join))
    several = [
        msgspec.structs.replace(one, id=f"p{n}", key=("1", "2", "T", "work")[n])
        for n, one in enumerate(actual)
    ]

    by_row = compare_directory(mapping, Sheet(cells), several)
    by_person = compare_directory(mapping, Hr(Sheet(cells).read()), several)

    for found in (by_row, by_person):  # a place names a person only where it is an LDAP entry's dn
        found.mails = {n: mail for n, mail in found.mails.items() if not n.startswith("hr:")}
    for name in (each.name for each in dataclasses.fields(Differences) if each.compare):
        assert getattr(by_row, name) == getattr(by_person, name), name
