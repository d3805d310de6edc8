"""Leavers and unmanaged phone users: what is taken from whom, and what stays.

A leaver is a phone user once bound to a person of ours who is now gone, inactive or out of scope;
one who was never bound to anybody is unmanaged. Within the grace period everything waits; where the
mapping gives each thing a grace of its own, each goes when its own is over.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

import msgspec

from connectors.records import PhoneUser
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
    graces = graces_of(case, ground, policy)
    last = graces.license if policy == "remove_license" else graces.account
    if case.standing == "unmanaged" or not graces.before(last):
        drafts = [(draft, last) for draft in taking(policy, case, ground, doomed)]
    else:
        drafts = list(_in_stages(policy, case, ground, doomed, graces))
    for draft, until in drafts:
        draft.absence = case.standing in ("gone", "unmanaged")
        if until > ground.as_of and case.standing != "unmanaged":
            draft.until = until
            draft.wait(f"leaver in grace until {instant(until)}")
        yield draft


def taking(policy: str, case: Case, ground: Ground, doomed: frozenset[str]) -> Iterator[Draft]:
    """Yield what a policy takes from somebody, all at once."""
    actual, abilities = case.actual, ground.abilities
    assert actual is not None
    if policy == "deactivate" and actual.status == "inactive":
        return
    yield from endings(case, ground, doomed)
    if policy != "remove_license":
        yield _account(policy, case, ground, actual)
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


def _account(policy: str, case: Case, ground: Ground, left: PhoneUser) -> Draft:
    """Return what becomes of the account; `left` is the phone user with what they still have then."""
    draft = Draft(_ACCOUNTS[policy], case, left.user, None, None, "destructive")
    takes = ground.abilities.deactivation_takes if policy == "deactivate" else EVERYTHING
    draft.consequences += taken(left, takes)
    return draft


class Graces(NamedTuple):
    """When each of a leaver's things goes; what takes another thing along never goes before it."""

    account: datetime
    license: datetime
    packages: datetime
    number: datetime
    delegates: datetime
    credits: datetime

    def before(self, last: datetime) -> bool:
        """Return whether anything goes before the last does."""
        return any(each < last for each in self)


def graces_of(case: Case, ground: Ground, policy: str, since: datetime | None = None) -> Graces:
    """Return when each of a leaver's things goes, or went; `since`: when they have left, if that is known."""
    leavers = ground.mapping.leavers
    if since is None and case.binding is not None:
        since = case.binding.gone_since
    if since is None:  # on a day to come they will have left at the end of their last one
        over = case.days.over if case.days else None
        since = ground.now if over is None else max(ground.now, over)
    left_at = since

    def after(thing: str) -> datetime:
        grace = leavers.grace_of(thing)
        return left_at + (timedelta(seconds=ground.grace_s(case.key)) if grace is None else grace)

    license = after("license")
    account = license if policy == "remove_license" else after("account")
    packages = min(after("packages"), license)
    return Graces(
        account,
        license,
        packages,
        number=min(after("number"), packages),
        delegates=min(after("delegates"), packages),
        credits=min(after("credits"), license),
    )


def _in_stages(
    policy: str, case: Case, ground: Ground, doomed: frozenset[str], graces: Graces
) -> Iterator[tuple[Draft, datetime]]:
    """Yield what goes one by one, with its moment; what takes the rest along says so of the rest alone."""
    left = case.actual
    assert left is not None
    if policy == "deactivate" and left.status == "inactive":
        return
    for draft in endings(case, ground, doomed):
        yield draft, graces.delegates
    last = graces.license if policy == "remove_license" else graces.account
    abilities = ground.abilities
    if left.credits and (graces.credits < last or policy == "remove_license"):
        yield Draft("credit.remove", case, True, False, None, "service"), graces.credits
        left = msgspec.structs.replace(left, credits=False)
    plain = policy == "remove_license" and "numbers" not in abilities.license_takes
    if left.numbers and (graces.number < last or plain):
        for number in left.numbers:
            yield Draft("number.release", case, number, None, None, "destructive"), graces.number
        left = msgspec.structs.replace(left, numbers=())
    plain = policy == "remove_license" and "packages" not in abilities.license_takes
    if left.packages and (graces.packages < last or plain):
        for package in left.packages:
            draft = Draft("package.remove", case, package, None, None, "destructive")
            if package == left.packages[-1]:
                draft.consequences += taken(left, abilities.last_package_takes)
            yield draft, graces.packages
        gone = "numbers" in abilities.last_package_takes
        left = msgspec.structs.replace(left, packages=(), numbers=() if gone else left.numbers)
    left = msgspec.structs.replace(left, delegates=None)
    if left.license is not None and (graces.license < last or policy == "remove_license"):
        draft = Draft("license.remove", case, left.license, None, None, "destructive")
        draft.consequences += taken(left, abilities.license_takes)
        yield draft, graces.license
        left = msgspec.structs.replace(left, license=None)
    if policy != "remove_license":
        yield _account(policy, case, ground, left), graces.account
