"""Licenses, calling packages and communication credits: what takes a seat from a pool.

A swap is one change with before and after, so that there is no moment without.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import zip_longest

from connectors.records import PhoneUser, Risk, fold
from provisioner.plan.differences import Case
from provisioner.plan.draft import Draft, Ground, same

EVERYTHING = frozenset({"license", "packages", "numbers", "credits"})
"""What an account takes along when it goes, but for delegations: those end one by one."""

_SENTENCES = {
    "license": "license {} is freed",
    "package": "calling package {} is removed",
    "number": "number {} is released",
    "delegate": "delegation to {} ends",
}
_CREDITS = "the communication-credit license is removed"
_COMES_BACK = "{} comes back with the account, whether a seat is free or not"
NO_BASE = (
    "a communication-credit license needs a calling package or audio conferencing, and the person has"
    " neither"
)


def has_phone(actual: PhoneUser) -> bool:
    """Return whether what hangs on a license can be had: a room or common area is there only because it has a phone."""
    return actual.license is not None or actual.kind != "person"


def license_changes(case: Case, ground: Ground) -> Iterator[Draft]:
    """Yield the license's assignment, swap or removal; nothing if they agree."""
    given, actual = case.entitlements, case.actual
    assert given is not None
    if not ground.manages("license") or "license" in given.left_alone:
        return
    held = actual.license if actual else None
    wish = given.single.get("license")
    if wish is None:
        if held is not None and actual is not None:
            yield removal(case, actual, ground)
    elif not same(str(wish.value), held) and not _counts_as(actual, str(wish.value)):
        risk: Risk = "safe" if held is None else "service"
        yield Draft("license.assign", case, held, str(wish.value), wish.rule, risk)


def removal(case: Case, actual: PhoneUser, ground: Ground) -> Draft:
    """Return the removal of a license, with everything that goes with it named."""
    taker = None if case.entitlements is None else case.entitlements.taken.get("license")
    draft = Draft("license.remove", case, actual.license, None, taker, "destructive")
    takes = ground.abilities.license_takes
    if "packages" in takes and actual.packages:
        takes |= ground.abilities.last_package_takes
    draft.consequences += taken(actual, takes)
    return draft


def _counts_as(actual: PhoneUser | None, name: str) -> bool:
    """Return whether what somebody holds is as good as a license or package of that name."""
    return actual is not None and fold(name) in map(fold, actual.counts_as)


def taken(actual: PhoneUser, takes: Collection[str]) -> Iterator[str]:
    """Yield a sentence for each thing that goes when what it hangs on is removed."""
    if "license" in takes and actual.license is not None:
        yield _SENTENCES["license"].format(actual.license)
    if "packages" in takes:
        yield from map(_SENTENCES["package"].format, actual.packages)
    if "numbers" in takes:
        yield from map(_SENTENCES["number"].format, actual.numbers)
    if "credits" in takes and actual.credits:
        yield _CREDITS
    if "delegates" in takes:
        yield from map(_SENTENCES["delegate"].format, actual.delegates or ())


def what_went(sentence: str) -> tuple[str, str | bool] | None:
    """Read one of `taken`'s sentences back: the family of what goes, and its name; None for any other.

    >>> what_went("number +4989123 is released"), what_went("an invitation mail is sent")
    (('number', '+4989123'), None)
    """
    if sentence == _CREDITS:
        return "credit", True
    for family, words in _SENTENCES.items():
        before, after = words.split("{}")
        if sentence.startswith(before) and sentence.endswith(after):
            return family, sentence[len(before) : -len(after)]
    return None


def package_changes(case: Case, ground: Ground) -> Iterator[Draft]:
    """Yield what brings the packages to the wished ones; those of a license that goes, go with it."""
    given, actual = case.entitlements, case.actual
    assert given is not None
    if not ground.manages("packages"):
        return
    held = {fold(name): name for name in (actual.packages if actual else ())}
    wished = {fold(name): (name, rule) for name, rule in given.many.get("packages", {}).items()}
    new = sorted(
        wished[name] for name in wished.keys() - held.keys() if not _counts_as(actual, name)
    )
    partly = "packages" in given.left_alone
    gone = [] if partly else sorted(held[name] for name in held.keys() - wished.keys())
    if license_goes(case, ground) and "packages" in ground.abilities.license_takes:
        gone = []
    by_hand = [] if actual is None else [name for name in gone if name in actual.by_hand]
    gone = [name for name in gone if name not in by_hand]
    for name in by_hand:  # that takes a person, so it is no part of a swap
        if actual is not None:
            yield _package_removal(case, actual, name, ground, last=False)
    for before, claim in zip_longest(gone, new):
        if claim is not None:
            after, rule = claim
            risk: Risk = "safe" if before is None else "service"
            yield Draft("package.assign", case, before, after, rule, risk)
        elif actual is not None:
            yield _package_removal(
                case, actual, before, ground, last=len(gone) == len(held) and not new
            )


def license_goes(case: Case, ground: Ground) -> bool:
    """Return whether somebody in scope loses the license, because no rule gives one any more."""
    given, actual = case.entitlements, case.actual
    assert given is not None
    return (
        ground.manages("license")
        and actual is not None
        and actual.license is not None
        and "license" not in given.single
        and "license" not in given.left_alone
    )


def calling_ends(case: Case, ground: Ground) -> bool:
    """Return whether somebody in scope loses every package, because no rule gives one any more."""
    given, actual = case.entitlements, case.actual
    assert given is not None
    return (
        ground.manages("packages")
        and actual is not None
        and bool(actual.packages)
        and not given.many.get("packages")
        and "packages" not in given.left_alone
    )


def _package_removal(
    case: Case, actual: PhoneUser, package: str | None, ground: Ground, *, last: bool
) -> Draft:
    draft = Draft("package.remove", case, package, None, None, "service")
    if last and package is not None:
        draft.consequences += taken(actual, ground.abilities.last_package_takes)
        draft.risk = "destructive"
    return draft


def credit_changes(case: Case, ground: Ground) -> Iterator[Draft]:
    """Yield the communication-credit license's assignment or removal."""
    given, actual = case.entitlements, case.actual
    assert given is not None
    if not ground.manages("credits") or "credits" in given.left_alone:
        return
    wish = given.single.get("credits")
    wished = wish is not None and wish.value is True
    held = actual.credits if actual else False
    if wished and not held:
        assert wish is not None
        draft = Draft("credit.assign", case, False, True, wish.rule, "safe")
        if not _may_have_credits(case, ground):
            draft.block(NO_BASE)
        yield draft
    elif held and not wished:
        yield Draft(
            "credit.remove",
            case,
            True,
            False,
            wish.rule if wish else given.taken.get("credits"),
            "service",
        )


def _may_have_credits(case: Case, ground: Ground) -> bool:
    """Return whether somebody has, or is to have, what a credit license needs."""
    bases, given, actual = ground.abilities.credit_bases, case.entitlements, case.actual
    if bases is None or (given is not None and given.many.get("packages")):
        return True
    if actual is None:
        return False
    keeps = actual.packages and not ground.manages("packages")
    return bool(keeps) or not set(map(fold, actual.counts_as)).isdisjoint(bases)


def coming_back(actual: PhoneUser, brings: Collection[str]) -> Iterator[tuple[str, str, str]]:
    """Yield what an account brings back from deletion: family and name of the seat, and a sentence."""
    if "license" in brings and actual.license is not None:
        yield "license", actual.license, _COMES_BACK.format(f"license {actual.license}")
    if "packages" in brings:
        for name in actual.packages:
            yield "package", name, _COMES_BACK.format(f"calling package {name}")
    if "credits" in brings and actual.credits:
        yield "credits", "credits", _COMES_BACK.format("the communication-credit license")
