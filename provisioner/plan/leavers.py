"""Leavers and unmanaged phone users: what is taken from whom, and what stays.

A leaver is a phone user once bound to a person of ours who is now gone, inactive or out of scope;
one who was never bound to anybody is unmanaged. Within the grace period everything waits.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from provisioner.plan.delegation import endings
from provisioner.plan.differences import Case
from provisioner.plan.document import instant
from provisioner.plan.draft import Draft, Ground
from provisioner.plan.services import EVERYTHING, removal, taken

_ACCOUNTS = {"deactivate": "user.deactivate", "trash": "user.trash", "delete": "user.delete"}


def policy_of(case: Case, ground: Ground) -> str:
    """Return what the mapping does with this one: a `leavers.do`, `report` where it does nothing."""
    if case.standing == "unmanaged":
        return "remove_license" if ground.mapping.unmanaged == "remove" else "report"
    return ground.mapping.leavers.do


def leaver_changes(case: Case, ground: Ground, doomed: frozenset[str]) -> Iterator[Draft]:
    """Yield everything that is taken from one who left or is unmanaged; waiting during the grace."""
    policy, actual = policy_of(case, ground), case.actual
    if policy == "report" or actual is None or actual.status == "trashed":
        return
    if policy == "trash" and actual.license is None and "license" in ground.abilities.trash_takes:
        return  # the trash has what it takes there already: the account itself stays
    drafts = list(_taken(policy, case, ground, doomed))
    until = _grace(case, ground)
    for draft in drafts:
        draft.absence = case.standing in ("gone", "unmanaged")
        if until is not None:
            draft.wait(until)
    yield from drafts


def _taken(policy: str, case: Case, ground: Ground, doomed: frozenset[str]) -> Iterator[Draft]:
    actual, abilities = case.actual, ground.abilities
    assert actual is not None
    if policy == "deactivate" and actual.status == "inactive":
        return
    yield from endings(case, ground, doomed)
    if policy != "remove_license":
        kind = _ACCOUNTS[policy]
        draft = Draft(kind, case, actual.user, None, None, "destructive")
        takes = abilities.deactivation_takes if policy == "deactivate" else EVERYTHING
        draft.consequences += taken(actual, takes)
        yield draft
        return
    takes = abilities.license_takes if actual.license is not None else frozenset()
    if actual.credits and "credits" not in takes:
        yield Draft("credit.remove", case, True, False, None, "service")
    if "numbers" not in takes:
        for number in actual.numbers:
            yield Draft("number.release", case, number, None, None, "destructive")
    if "packages" not in takes:
        for package in actual.packages:
            draft = Draft("package.remove", case, package, None, None, "destructive")
            if package == actual.packages[-1]:
                draft.consequences += taken(actual, abilities.last_package_takes)
            yield draft
    if actual.license is not None:
        yield removal(case, actual, ground)


def _grace(case: Case, ground: Ground) -> str | None:
    """Return why a leaver's changes wait, or None when the grace is over."""
    if case.standing == "unmanaged":
        return None
    after = ground.mapping.leavers.after
    grace = timedelta(seconds=ground.grace_s(case.key)) if after is None else after
    since = case.binding.gone_since if case.binding and case.binding.gone_since else ground.now
    if since + grace <= ground.as_of:
        return None
    return f"leaver in grace until {instant(since + grace)}"
