"""What stands in the way of a user's licenses: Teams that they lack, and what a group failed to give them.

Teams Phone by itself is refused to whoever has no Teams; a suite brings its own. What a group's products
come to is worked out in the background, for each member: where one fails, none of that group's is given.
Source: Microsoft Graph, licenseAssignmentState; Microsoft Entra, "Identify and resolve license assignment
problems for a group"; Microsoft Teams, "Assign Teams add-on licenses to users".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from connectors.phone.teams import skus
from connectors.phone.teams.skus import CREDITS_SKU, Product
from connectors.records import fold

REPROCESS = "then reprocess their licenses (Microsoft Entra admin center > Users > Licenses)"
_ERRORS = {
    "countviolation": ("no seat was left", "order or free seats"),
    "mutuallyexclusiveviolation": (
        "it excludes another license of theirs",
        "take one of the two away",
    ),
    "dependencyviolation": (
        "what it depends on isn't given by the same group",
        "have that group give both",
    ),
    "prohibitedinusagelocationviolation": (
        "Microsoft doesn't offer it in their country",
        "see their usage location",
    ),
    "uniquenessviolation": (
        "something that must be unique isn't, a mail address say",
        "see who else has it",
    ),
}
_OTHER = (
    "Microsoft tells no reason; it may be another product of that group's",
    "see what the group gives",
)
_FAILS_LIKEWISE = frozenset(
    {"mutuallyexclusiveviolation", "prohibitedinusagelocationviolation", "uniquenessviolation"}
)
"""Errors that a license of their own would meet as the group's did."""


class Holding(Protocol):
    """One product that a user holds (reading.py)."""

    @property
    def product(self) -> Product: ...
    @property
    def disabled(self) -> frozenset[str]: ...
    @property
    def plans(self) -> frozenset[str]: ...


class Names(Protocol):
    """What records call products and groups (tenant.py)."""

    def product(self, sku_id: str) -> Product: ...
    def group(self, group_id: str) -> str: ...
    def license_name(self, product: Product) -> str: ...
    def license_names(self) -> tuple[str, ...]: ...
    def resting_names(self) -> tuple[str, ...]: ...
    def plan_names(self, plans: Iterable[str]) -> list[str]: ...


class Failed(NamedTuple):
    """A product that a group was to give, by the group's name, and Graph's error in small letters."""

    product: Product
    group: str
    error: str

    @property
    def words(self) -> str:
        """What happened and what to do, in one sentence."""
        what, remedy = _ERRORS.get(self.error, _OTHER)
        return (
            f"the group {self.group} was to give {self.product.name}, and that failed: {what};"
            f" {remedy}, {REPROCESS}"
        )


def obstacles(
    states: Iterable[Mapping[str, Any]], held: Sequence[Holding], names: Names
) -> dict[str, dict[str, str]]:
    """Return a phone user's `blocks` and `failed` (`connectors.records.PhoneUser.vendor`), each if any.

    `states` are their licenseAssignmentStates.
    """
    failed, coming = [], []
    for state in states:
        product, group = names.product(str(state["skuId"])), state.get("assignedByGroup")
        error = fold(str(state.get("error") or "None"))
        if fold(str(state.get("state") or "Active")) != "error":
            coming.append(product)  # held by now, or about to be
        elif group and error != "none":
            failed.append(Failed(product, names.group(str(group)), error))
    blocks: dict[str, str] = {}
    for each in failed:
        if each.error in _FAILS_LIKEWISE:
            blocks |= dict.fromkeys(_own(each.product, names), each.words)
    if (why := _without_teams(held, coming, failed)) is not None:
        resting = (f"license.assign={fold(name)}" for name in names.resting_names())
        blocks |= dict.fromkeys(resting, why)
    told = {key: each.words for each in failed for key in _serves(each.product, names)}
    found = {"blocks": blocks, "failed": told}
    return {name: said for name, said in found.items() if said}


def _without_teams(
    held: Sequence[Holding], coming: Iterable[Product], failed: Iterable[Failed]
) -> str | None:
    """Return why Teams Phone by itself can't be given for want of Teams; None where it can, or may.

    A product of which it isn't certain what it holds may have Teams.
    """
    if any(each.product.may_have_teams or each.plans & skus.TEAMS for each in held):
        return None
    had = {each.product.id for each in held}
    if any(p.may_have_teams or p.plans & skus.TEAMS for p in coming if p.id not in had):
        return None
    if any(each.product.is_suite and each.disabled & skus.PHONE for each in held):
        return None  # it is switched on within the suite, which brings what it needs
    off = sorted(each.product.name for each in held if each.disabled & skus.TEAMS)
    tried = sorted(each.words for each in failed if each.product.plans & skus.TEAMS)
    if off:
        return (
            f"Teams is switched off in their {', '.join(off)}, and Teams Phone rests on it: switch it on"
            " (Microsoft 365 admin center > Users > Active users > Licenses and apps)"
        )
    if tried:
        return f"they have no Teams, on which Teams Phone rests: {'; '.join(tried)}"
    return (
        "they have no Teams, on which Teams Phone rests: give them Microsoft 365 or Office 365 with Teams,"
        " or Teams Essentials, or, as their license, a suite that has both; a later plan sees it"
    )


def _own(product: Product, names: Names) -> list[str]:
    """Return the changes that would give a product to somebody by itself."""
    if product.id == CREDITS_SKU:
        return ["credit.assign"]
    if product.is_calling_plan:
        return [f"package.assign={fold(product.name)}"]
    if product.is_phone:
        both = {fold(names.license_name(product)), fold(product.name)}
        return [f"license.assign={name}" for name in sorted(both)]
    return []


def _serves(product: Product, names: Names) -> list[str]:
    """Return the changes that nobody would need who had a product: a suite counts as what it holds."""
    changes = _own(product, names)
    if product.is_phone:
        changes += [f"license.assign={fold(name)}" for name in names.license_names()]
    if not product.is_calling_plan and (mixed := product.plans & skus.CALLING):
        changes += [f"package.assign={fold(name)}" for name in names.plan_names(mixed)]
    return changes
