"""People who are not here now and haven't left: those who start later, and those on leave.

Who starts later is nobody yet. Who is on leave gets nothing new; they keep all that they hold, or what
the mapping names, or are deactivated.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from mappings import Entitlements
from mappings.dates import KEPT
from provisioner.plan.delegation import delegation_changes
from provisioner.plan.differences import Case
from provisioner.plan.draft import Draft, Ground
from provisioner.plan.leavers import leaver_changes, policy_of, taking
from provisioner.plan.numbers import number_changes
from provisioner.plan.services import credit_changes, license_changes, package_changes
from provisioner.plan.settings import softphone_changes

_FAMILIES = (
    license_changes,
    package_changes,
    number_changes,
    credit_changes,
    delegation_changes,
    softphone_changes,
)


def leaves(case: Case, ground: Ground) -> bool:
    """Return whether somebody loses the account, or all that a leaver loses, by this plan."""
    if case.actual is None or case.standing in ("in_scope", "place"):
        return False
    if case.standing == "on_leave":
        leave = ground.mapping.leave
        return leave is not None and leave.do == "deactivate"
    return _has_left(case) and policy_of(case, ground) != "report"


def away_changes(case: Case, ground: Ground, doomed: frozenset[str]) -> Iterator[Draft]:
    """Yield what becomes of everybody who isn't planned for as others are."""
    if case.standing == "on_leave":
        yield from _leave_changes(case, ground, doomed)
    elif _has_left(case):
        yield from leaver_changes(case, ground, doomed)
    elif case.actual is None and case.person is not None and case.days is not None:
        name = case.person.email or case.person.user
        draft = Draft(ground.abilities.joiner, case, None, name, None, "safe")
        draft.wait(f"starts on {case.days.start}: provisioned from {case.days.provision} on")
        yield draft


def _has_left(case: Case) -> bool:
    """Return whether somebody is a leaver: who is early is one while they haven't come back yet.

    Whoever has a phone user before their start, and never left, keeps it: a start may be put off.
    """
    return case.standing != "early" or (
        case.binding is not None and case.binding.gone_since is not None
    )


def _leave_changes(case: Case, ground: Ground, doomed: frozenset[str]) -> Iterator[Draft]:
    leave, actual = ground.mapping.leave, case.actual
    if leave is None or actual is None or actual.status in ("trashed", "inactive"):
        return
    if leave.do == "deactivate":
        yield from taking("deactivate", case, ground, doomed)
    elif leave.keep is not None:
        taken = frozenset(KEPT) - _with_what_they_rest_on(leave.keep, ground)
        kept = ground.mapping.managed - taken
        nothing = replace(case, entitlements=Entitlements({}, {}, {}, left_alone=kept))
        for family in _FAMILIES:
            for draft in family(nothing, ground):
                draft.case = case
                yield draft


def _with_what_they_rest_on(keep: frozenset[str], ground: Ground) -> frozenset[str]:
    """Return what is kept, and what can't be taken without taking that along."""
    abilities = ground.abilities
    names = {"number": "numbers"}
    kept = set(keep)
    if {names.get(name, name) for name in kept} & abilities.last_package_takes:
        kept.add("packages")
    if {names.get(name, name) for name in kept} & abilities.license_takes:
        kept.add("license")
    return frozenset(kept)
