"""The warnings of a plan: sentences on what no change shows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from mappings.entitlements import PROFILE
from provisioner.plan.differences import Case, Differences
from provisioner.plan.draft import Ground
from provisioner.plan.invitations import never_accepted
from provisioner.plan.leavers import policy_of

_SAID = 20
"""Values that one rule's lookup lacks, and a warning names one by one."""


def warnings_of(differences: Differences, ground: Ground) -> Iterator[str]:
    """Yield a sentence on everything that the comparison found and no change shows."""
    yield from ground.catalog.notes
    for entitlement, why in sorted(ground.catalog.without.items()):
        if entitlement in ground.mapping.managed_anywhere:
            yield f"the mapping's {entitlement} is set for nobody: {why}"
    yield from _missing(differences.missing)
    for name in PROFILE:
        if ground.manages(f"profile.{name}") and not ground.has_attribute(name):
            yield f"the phone system has no place for {name}, which the mapping's profile gives"
    if never := never_accepted(differences.cases, ground):
        yield (
            f"invited and reminded {ground.abilities.resend_max} times, and never accepted:"
            f" {some(never)}"
        )
    if differences.untouchable:
        yield (
            f"{some(sorted(differences.untouchable))} can't be touched: `manages` doesn't name owners,"
            " admins, rooms and common areas unless it says so"
        )
    yield from _dates(differences)
    left = _named(
        case
        for case in differences.cases
        if case.standing in ("gone", "inactive", "out_of_scope", "ended")
        and case.actual is not None
        and case.actual.license is not None
        and policy_of(case, ground) == "report"
    )
    invited = _named(
        case
        for case in differences.cases
        if case.standing in ("gone", "inactive", "out_of_scope", "ended")
        and case.actual is not None
        and case.actual.status == "pending"
        and policy_of(case, ground) == "trash"
        and "license" in ground.abilities.trash_takes
    )
    if invited:
        yield (
            "left before they accepted the invitation, and only phone users can be put into the"
            f" trash; withdraw it by hand: {some(invited)}"
        )
    if left:
        yield f"left, and keep what they have (leavers.do is report): {some(left)}"


def _dates(differences: Differences) -> Iterator[str]:
    """Yield who stands aside because of a date or a leave."""
    for user, reason in differences.unclear:
        yield f"{user} is left alone: {reason}"
    if rest := differences.unclear_people - len(differences.unclear):
        yield f"and {rest} more are left alone, whose dates can't be read"
    there = [case for case in differences.cases if case.actual is not None]
    if away := _named(case for case in there if case.standing == "on_leave"):
        yield f"on leave, and given nothing new: {some(away)}"
    early = [case for case in there if case.standing == "early"]
    if put_off := _named(c for c in early if c.binding is None or c.binding.gone_since is None):
        yield f"start later, and keep until then what they have: {some(put_off)}"
    if differences.later:
        people = "person starts" if differences.later == 1 else "people start"
        yield f"{differences.later} {people} later than the forecast looks ahead"


def _named(cases: Iterable[Case]) -> list[str]:
    return sorted(named.user for case in cases if (named := case.person or case.actual) is not None)


def some(names: Sequence[str], most: int = 10) -> str:
    """Return names in a row; of many the first ones, and how many more there are."""
    rest = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + rest


def _missing(missing: Mapping[tuple[str, str, str], int]) -> Iterator[str]:
    """Yield what was missing; of a lookup that lacks many values those that most people have."""
    each: dict[tuple[str, str], list[tuple[int, str]]] = {}
    for (entitlement, rule, attribute), count in missing.items():
        each.setdefault((entitlement, rule), []).append((-count, attribute))
    for (entitlement, rule), found in sorted(each.items()):
        named = sorted(sorted(found)[:_SAID], key=lambda one: one[1])
        for count, attribute in named:
            people = "1 person" if count == -1 else f"{-count} people"
            yield f"rule {rule} gives no {entitlement} to {people}: no {attribute}; what they hold stays"
        if rest := sorted(found)[_SAID:]:
            more = -sum(count for count, _ in rest)
            yield f"rule {rule} gives no {entitlement} to {more:,} more, who lack {len(rest):,} other values"
