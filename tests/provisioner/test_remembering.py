"""What can't be read back is remembered from what was done, one person's list from change to change."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.records import Abilities, Change, Value
from provisioner.remembering import can_be_read_back, remembered

BLIND = frozenset({"template", "delegates", "softphone", "profile.job_title"})


def change(kind: str, **members: Any) -> Change:
    return Change(kind=kind, user="eva@example.org", key="Eva", **members)


@pytest.mark.parametrize(
    ("done", "kept"),
    [
        (change("template.apply", after="Desk"), {("eva", "template"): "Desk"}),
        (change("softphone.deauthorize", before="pc"), {("eva", "softphone"): None}),
        (change("site.set", after="Brno"), {}),
        (
            change("profile.update", after={"job_title": "Cook", "department": "Food"}),
            {("eva", "profile.job_title"): "Cook"},
        ),
        (change("license.remove", before="phone"), {}),
    ],
    ids=lambda value: value.kind if isinstance(value, Change) else "",
)
def test_a_change_leaves_what_no_read_shows(
    done: Change, kept: dict[tuple[str, str], Value]
) -> None:
    assert dict(remembered(done, BLIND, {})) == kept


def test_delegates_are_remembered_one_by_one() -> None:
    held: dict[tuple[str, str], Value] = {}
    for done in (
        change("delegate.add", after="jan@example.org"),
        change("delegate.add", after="Zoe@example.org"),
        change("delegate.remove", before="JAN@example.org"),
    ):
        held.update(remembered(done, BLIND, held))

    assert held == {("eva", "delegates"): {"Zoe@example.org": None}}


def test_where_delegates_can_be_read_it_is_remembered_whom_to_ask() -> None:
    added = change("delegate.add", after="jan@example.org")

    assert dict(remembered(added, {"template"}, {})) == {("eva", "delegates"): True}


def test_a_profile_is_read_back_only_if_all_of_it_can_be() -> None:
    able = Abilities(kinds=frozenset(), unreadable=BLIND)

    both = change("profile.update", after={"job_title": "Cook", "department": "Food"})
    one = change("profile.update", after={"department": "Food"})

    assert [can_be_read_back(each, able) for each in (both, one)] == [False, True]
