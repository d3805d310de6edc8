"""Settings: what differs is set, and what can't be read back is remembered."""

from __future__ import annotations

from typing import Any

from connectors.records import Abilities, Person, PhoneUser
from mappings.entitlements import Entitlements, Given
from provisioner.memory import Memory
from provisioner.plan.differences import Case
from provisioner.plan.settings import believed, setting_changes, softphone_changes
from tests.provisioner.plan.grounds import ground

BLIND = Abilities(kinds=frozenset(), unreadable=frozenset({"template"}), keeps=frozenset({"site"}))


def case(actual: PhoneUser | None, **wishes: Any) -> Case:
    single = {name: Given(value, "rule") for name, value in wishes.items()}
    return Case("eva", "in_scope", Person("eva", {}), Entitlements(single, {}, {}), actual)


def shown(drafts: Any) -> list[tuple[str, object, object]]:
    return [(d.kind, d.before, d.after) for d in drafts]


def test_every_setting_that_differs_is_set_and_names_are_compared_without_case() -> None:
    actual = PhoneUser("p1", site="MUNICH", extension_number="77")
    mover = case(actual, site="Munich", extension_number="78", template="Office")

    changes = setting_changes(mover, ground("site", "extension_number", "template"))

    assert shown(changes) == [("extension.set", "77", "78"), ("template.apply", None, "Office")]


def test_what_the_vendor_always_keeps_is_not_taken_away() -> None:
    actual = PhoneUser("p1", site="Munich", extension_number="77")
    managed = ground("site", "extension_number", abilities=BLIND)

    assert shown(setting_changes(case(actual), managed)) == [("extension.set", "77", None)]


def test_what_cant_be_read_and_was_never_applied_counts_as_it_is_wished() -> None:
    known = case(PhoneUser("p1", license="phone"), template="Office")
    blind = ground("template", abilities=BLIND)

    assert shown(setting_changes(known, blind)) == []
    assert dict(believed(known, blind)) == {("eva", "template"): "Office"}


def test_what_cant_be_read_is_as_it_was_applied_last() -> None:
    known = case(PhoneUser("p1", license="phone"), template="Office")
    blind = ground(
        "template", abilities=BLIND, memory=Memory(applied={("eva", "template"): "Desk"})
    )

    assert shown(setting_changes(known, blind)) == [("template.apply", "Desk", "Office")]
    assert dict(believed(known, blind)) == {}


def test_whoever_gets_the_license_in_this_plan_has_no_template_yet() -> None:
    for actual in (None, PhoneUser("p1")):
        joiner = case(actual, template="Office")
        assert shown(setting_changes(joiner, ground("template", abilities=BLIND))) == [
            ("template.apply", None, "Office")
        ]


def test_a_softphone_moves_by_being_freed_and_bound_anew() -> None:
    mover = case(PhoneUser("p1", softphone="pc-1"), softphone="pc-2")

    assert shown(softphone_changes(mover, ground("softphone"))) == [
        ("softphone.deauthorize", "pc-1", None),
        ("softphone.authorize", None, "pc-2"),
    ]


def test_a_softphone_that_cant_be_read_is_as_it_was_bound_last() -> None:
    blind = Abilities(kinds=frozenset(), unreadable=frozenset({"softphone"}))
    known = case(PhoneUser("p1", license="phone"), softphone="pc-2")
    bound = Memory(applied={("eva", "softphone"): "pc-2"})

    assert shown(softphone_changes(known, ground("softphone", abilities=blind))) == []
    assert shown(softphone_changes(known, ground("softphone", abilities=blind, memory=bound))) == []
    assert dict(believed(known, ground("softphone", abilities=blind))) == {
        ("eva", "softphone"): "pc-2"
    }
