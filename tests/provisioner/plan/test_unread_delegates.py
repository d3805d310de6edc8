"""Delegates that no read tells: what was done last counts as held, and unknown is not different."""

from __future__ import annotations

from typing import Any

import msgspec

from connectors.phone.snapshot import ABILITIES
from connectors.records import Value
from provisioner.memory import Memory
from tests.provisioner.plan.office import Office, full, person, told

BLIND = msgspec.structs.replace(ABILITIES, unreadable=frozenset({"delegates"}))
MAPPING = """
rules:
  - name: all
    when: userName pr
    give: {license: phone, packages: [basic]}
  - name: helped
    when: 'groups.display eq "Bosses"'
    give: {delegates: [jan]}
"""


def planned(groups: tuple[str, ...], **applied: Value) -> list[tuple[str, str, Any, Any]]:
    memory = Memory(adopted=True, applied={(k, "delegates"): v for k, v in applied.items()})
    office = Office(
        mapping=MAPPING,
        people=[person("eva", *groups), person("jan")],
        users=[full("eva", delegates=None), full("jan", delegates=None)],
        abilities=BLIND,
        memory=memory,
    )
    return told(office.plan().changes)


def test_nothing_is_asked_for_where_nothing_is_known() -> None:
    assert planned(("Bosses",)) == []


def test_a_delegate_who_is_not_remembered_is_added() -> None:
    assert planned(("Bosses",), eva={}) == [("delegate.add", "eva", None, "jan@example.org")]


def test_one_who_is_remembered_is_there() -> None:
    assert planned(("Bosses",), eva={"jan@example.org": None}) == []


def test_one_who_is_remembered_and_no_longer_wished_is_removed() -> None:
    held: Value = {"jan@example.org": None}

    assert planned((), eva=held) == [("delegate.remove", "eva", "jan@example.org", None)]
