"""By whom the phone system was changed: which entry of its log a change is put down to, and which never."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import msgspec

from connectors.operations import Operation
from connectors.records import Change, PhoneUser
from provisioner.memory import Memory, Reason
from provisioner.plan.content import content_of
from provisioner.plan.model import Plan
from provisioner.plan.operators import Evidence, Written, unexplained, with_operators
from tests.provisioner.plan.office import NOW, Office, full, person

SINCE = NOW - timedelta(hours=2)
IT = "it@example.org"
PACKAGE = frozenset({"package", "number"})
MOVED = "the phone system moved by itself: package is none, and was basic"
MAPPING = """
rules:
  - {name: all, when: userName pr, give: {license: phone, packages: [basic], site: Brno}}
"""
MEMORY = Memory(adopted=True, planned_at=SINCE)


def users(*keys: str, **members: Any) -> list[PhoneUser]:
    names = {"eva": "Eva Malá", "jan": "Jan Novák"}
    return [
        full(key, **{"packages": (), "site": "Brno", "display_name": names.get(key)} | members)
        for key in keys
    ]


def plan(*there: PhoneUser, memory: Memory = MEMORY, known: bool = True) -> Plan:
    """Return a plan in which these phone users have moved, nothing else having changed."""
    people = [person(str(user.key)) for user in there]
    office = Office(
        mapping=MAPPING,
        people=people,
        users=there,
        known=people if known else [person("ota")],
        memory=memory,
    )
    return office.plan()


def did(
    detail: str, at: int = 60, operator: str = IT, about: frozenset[str] | None = PACKAGE
) -> Operation:
    """Return an entry of the log, so many minutes after the last plan."""
    return Operation(SINCE + timedelta(minutes=at), operator, detail, about)


def told(
    found: Plan, *entries: Operation, there: list[PhoneUser] | None = None, **members: Any
) -> Plan:
    """Return the plan with what these entries tell."""
    there = users("eva", "jan") if there is None else there
    evidence = Evidence(
        log="Zoom",
        operations=entries,
        since=SINCE,
        until=NOW,
        people={str(user.key): user for user in there},
        **members,
    )
    return with_operators(found, unexplained(found, MEMORY), evidence)


def reasons(found: Plan) -> dict[str, str]:
    return {change.user.partition("@")[0]: change.because for change in found.changes}


def test_who_is_named_for_what_changed_did_it_and_the_reason_says_when_and_what() -> None:
    found = plan(*users("eva"))

    after = told(found, did("Remove Calling Plan basic From Eva Malá(eva@example.org)"))

    assert reasons(found) == {"eva": MOVED}
    assert reasons(after) == {
        "eva": "the phone system changed: package is none, and was basic; by it@example.org on"
        ' 23 November 08:00 UTC ("Remove Calling Plan basic From Eva Malá(eva@example.org)")'
    }
    assert [c.title for c in after.clusters] == ["changed in Zoom by it@example.org on 23 November"]


def test_what_one_operator_did_on_a_day_is_one_cluster_and_whatever_nobody_tells_another() -> None:
    there = users("eva", "jan", "ota", site="Prague")
    found = plan(*there)

    after = told(
        found,
        did("Remove Calling Plan basic From Eva Malá(eva@example.org)"),
        did("Remove Calling Plan basic From Jan Novák(jan@example.org)", at=70),
        did("Edit User jan@example.org - Site: from Brno to Prague", about=frozenset({"site"})),
        there=there,
    )

    assert sorted((c.title, c.people) for c in after.clusters) == [
        ("changed in Zoom by it@example.org on 23 November", 2),
        ("the phone system moved by itself: package", 1),
        ("the phone system moved by itself: site", 2),
    ]
    titles = {c.id: c.title for c in after.clusters}
    assert {titles[c.cluster] for c in after.changes if c.user == "jan@example.org"} == {
        "changed in Zoom by it@example.org on 23 November"
    }


def test_of_several_entries_the_latest_about_the_thing_counts() -> None:
    after = told(
        plan(*users("eva")),
        did("Assign calling plan x to Ext. 4077", at=90, operator="late@example.org"),
        did("Remove Calling Plan basic From eva@example.org", at=30, operator="early@example.org"),
        did("Edit User eva@example.org - Site: from A to B", at=100, about=frozenset({"site"})),
        there=users("eva", extension_number="4077"),
    )

    assert "by late@example.org on 23 November 08:30 UTC" in reasons(after)["eva"]


def test_an_entry_that_tells_not_what_it_is_about_is_shown_as_it_stands() -> None:
    found = plan(*users("eva"))

    after = told(found, did("Edit User eva@example.org - Change Type", about=None))

    says = "Zoom's operation log has: it@example.org on 23 November 08:00 UTC: Edit User eva@example.org - Change Type"
    assert reasons(after) == {"eva": f"{MOVED}; {says}"}
    assert [c.title for c in after.clusters] == [c.title for c in found.clusters]


def test_entries_about_others_other_things_and_other_times_tell_nothing() -> None:
    found = plan(*users("eva"))

    after = told(
        found,
        did("Remove Calling Plan basic From Jan Novák(jan@example.org)"),
        did("Delete voicemail of eva@example.org", about=frozenset()),
        did("Remove Calling Plan basic From eva@example.org", at=-1),
        did("Remove Calling Plan basic From eva@example.org", at=121),
        did("Remove Calling Plan basic From eva@example.organization"),
    )

    assert after == found  # its base too: where nothing is told the plan stays the very same


def test_a_base_covers_what_the_log_told() -> None:
    found = plan(*users("eva"))
    entry = did("Remove Calling Plan basic From eva@example.org")

    once, again = told(found, entry), told(found, entry)
    other = told(found, msgspec.structs.replace(entry, operator="else@example.org"))

    assert once == again
    assert len({found.base.memory, once.base.memory, other.base.memory}) == 3
    assert [content_of(c) for c in once.changes] == [content_of(c) for c in found.changes]


def test_a_name_that_several_have_names_nobody() -> None:
    found, entry = plan(*users("eva")), did("Remove Calling Plan basic From Eva Malá")

    assert "by it@example.org" in reasons(told(found, entry))["eva"]
    assert told(found, entry, shared_names={"eva malá"}) == found


def test_our_own_writes_are_blamed_on_nobody() -> None:
    found = plan(*users("eva"))
    wrote = SINCE + timedelta(minutes=10, milliseconds=300)
    ours = did(
        "Assign calling plan basic to Eva Malá(eva@example.org)", at=10, operator="app@x.org"
    )

    after = told(found, ours, written=[Written("eva", "package", wrote)])
    late = msgspec.structs.replace(ours, at=wrote + timedelta(seconds=50))  # another clock

    assert after == found
    assert told(found, late, written=[Written("eva", "package", wrote)]) == found


def test_who_came_after_our_own_write_is_told_apart_from_us_even_within_a_second() -> None:
    found = plan(*users("eva", site="Prague"))
    wrote = SINCE + timedelta(minutes=10, milliseconds=300)
    site = frozenset({"site"})
    entries = [
        did("Assign calling plan basic to eva@example.org", 10, "app@x.org"),
        did("Edit User eva@example.org - Site: from Prague to Brno", 10, "app@x.org", site),
        did("Edit User eva@example.org - Site: from Brno to Prague", 10, IT, site),
    ]

    after = told(
        found,
        *entries,
        written=[Written("eva", "package", wrote), Written("eva", "site", wrote)],
    )

    assert {c.kind: "by it@example.org" in c.because for c in after.changes} == {
        "package.assign": False,
        "site.set": True,
    }


def test_what_was_done_before_our_own_write_of_the_same_thing_is_over() -> None:
    found = plan(*users("eva"))

    after = told(
        found,
        did("Remove Calling Plan basic From eva@example.org", at=5),
        written=[Written("eva", "package", SINCE + timedelta(minutes=10))],
    )

    assert after == found


def drifted(kind: str, before: str | None, after: str | None, **user: Any) -> Plan:
    """Return a plan with one change of Eva's that drift asks for."""
    change = Change(
        seq=1, kind=kind, user="eva@example.org", key="eva", id="p-eva", before=before, after=after,
        cluster="c1", cause="drift", because="the phone system moved by itself: x",
    )  # fmt: skip
    return msgspec.structs.replace(plan(*users("eva")), changes=(change,))


def test_a_direct_number_counts_in_any_writing_and_another_number_doesnt() -> None:
    found = drifted("number.assign", None, "+498912345")
    number = frozenset({"number"})

    named = told(found, did("Unbind Phone Number +49 89 12345 From somebody", about=number))
    other = told(found, did("Unbind +49 89 99999 From eva@example.org", about=number))

    assert "by it@example.org" in named.changes[0].because
    assert "log has: it@example.org" in other.changes[0].because


def test_a_delegation_is_put_down_to_who_names_both_sides() -> None:
    found = drifted("delegate.add", None, "jan@example.org")
    delegate = frozenset({"delegate", "delegation"})

    both = did("Remove Assistant Jan(jan@example.org) From Eva(eva@example.org)", about=delegate)
    one = did("Remove Assistant Ota(ota@example.org) From Eva(eva@example.org)", about=delegate)

    assert "by it@example.org" in told(found, both).changes[0].because
    assert "log has: it@example.org" in told(found, one).changes[0].because


def test_of_privileges_an_entry_about_two_people_may_be_about_the_other() -> None:
    found = drifted("delegation.set", None, "Answer Calls")
    delegation = frozenset({"delegation"})

    one = did("Edit Delegation of eva@example.org", about=delegation)
    two = did("Edit Delegation of jan@example.org: eva@example.org", about=delegation)

    assert "by it@example.org" in told(found, one).changes[0].because
    assert "log has: it@example.org" in told(found, two).changes[0].because


def test_beside_somebody_elses_address_a_name_or_an_extension_number_is_theirs() -> None:
    there = users("eva", extension_number="4077")
    found = plan(*there)

    after = told(
        found,
        did("Remove Calling Plan basic From Eva Malá(eva@example.com)"),
        did("Remove Calling Plan basic From Ext. 4077 (ota@example.org)"),
        there=there,
    )

    assert after == found


def test_whose_extension_number_moved_is_not_found_by_the_new_one() -> None:
    there = users("eva", extension_number="4099")
    moved = drifted("extension.set", "4099", "4077").changes
    found = plan(*there)
    found = msgspec.structs.replace(found, changes=(*found.changes, *moved))

    after = told(found, did("Remove Calling Plan basic From Ext. 4099"), there=there)

    assert after == found


def test_only_drift_that_the_last_plan_did_not_hold_is_looked_up() -> None:
    found = plan(*users("eva", "jan"))
    kept = {content_of(found.changes[0]): Reason("drift", MOVED, "x")}

    asked = unexplained(found, msgspec.structs.replace(MEMORY, reasons=kept))

    assert asked == [found.changes[1]]
    new = plan(*users("eva"), known=False)  # new in the directory: no drift
    assert unexplained(new, MEMORY) == []


def test_a_long_text_is_cut_and_a_time_is_told_in_utc() -> None:
    entry = did(f"Remove Calling Plan basic From eva@example.org {'x' * 300}")
    there = datetime.fromisoformat("2026-11-23T10:15:00+02:00")

    after = told(plan(*users("eva")), msgspec.structs.replace(entry, at=there))

    said = reasons(after)["eva"]
    assert "08:15 UTC" in said
    assert said.endswith('xx…")')
    assert len(said) < 320
