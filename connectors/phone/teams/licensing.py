"""One user's licenses: what their changes come to, in the words of one `assignLicense`.

Adding and removing go together, so that an add-on arrives with what it needs, and a swap leaves no
moment without. Adding a product that is held sets its disabled service plans anew, so the whole set
is always sent. A suite is never taken from anybody for their phone's sake: its Teams Phone is switched
off, or on, within it.
Source: Microsoft Graph, "user: assignLicense".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from connectors.errors import PersonError
from connectors.phone.teams import skus
from connectors.phone.teams.reading import Held
from connectors.phone.teams.skus import CREDITS_SKU, Product
from connectors.records import Change, fold

KINDS = frozenset(
    {
        "license.assign",
        "license.remove",
        "package.assign",
        "package.remove",
        "credit.assign",
        "credit.remove",
    }
)
"""Kinds of change that one `assignLicense` carries."""


class Products(Protocol):
    """Names to products, and back (tenant.py)."""

    def license(self, name: str) -> Product: ...
    def package(self, name: str) -> Product: ...
    def product(self, sku_id: str) -> Product: ...
    def license_name(self, product: Product) -> str: ...


class FromAGroup(PersonError):
    """What a change takes comes from a group: `change` says which, and leaving the group does it."""

    def __init__(self, message: str, *, remedy: str, change: Change) -> None:
        super().__init__(message, remedy=remedy)
        self.change = change


@dataclass(slots=True)
class Order:
    """What is sent for one user: products to add with the service plans that are off, and to remove.

    Empty where everything is as it should be.
    """

    add: dict[str, frozenset[str]] = field(default_factory=dict)
    remove: set[str] = field(default_factory=set)

    def __bool__(self) -> bool:
        return bool(self.add or self.remove)

    @property
    def body(self) -> dict[str, Any]:
        """The request's body; both lists are always there."""
        add = [
            {"skuId": sku, "disabledPlans": sorted(off)} for sku, off in sorted(self.add.items())
        ]
        return {"addLicenses": add, "removeLicenses": sorted(self.remove)}


def order(
    held: Sequence[Held],
    changes: Iterable[Change],
    products: Products,
    group: Callable[[str], str] = str,
) -> Order:
    """Return what a user's changes come to, who holds this now; `group` gives a group's name.

    Raises PersonError for a name that there isn't, and for a swap of what is no longer held; FromAGroup
    for what only leaving a group takes.
    """
    made = _Making({h.product.id: h for h in held}, products, group)
    for change in changes:
        made.change = change
        made.take_in(change)
    return made.order


@dataclass(slots=True)
class _Making:
    held: dict[str, Held]
    products: Products
    group: Callable[[str], str]
    order: Order = field(default_factory=Order)
    change: Change | None = None

    def take_in(self, change: Change) -> None:
        family, _, verb = change.kind.partition(".")
        if family == "credit":
            credits = self.products.product(CREDITS_SKU)
            self._give(credits) if verb == "assign" else self._take(credits)
        elif family == "package":
            self._package(change)
        else:
            self._license(change)

    def _package(self, change: Change) -> None:
        if change.before is not None:
            before = self.products.package(str(change.before)) if change.after else None
            old = before.id if before else self._held_named(str(change.before))
            if change.after is not None and old not in self.held:
                if self._has(self.products.package(str(change.after))):
                    return
                raise PersonError(f"{change.user} no longer holds {change.before!r}")
            if old in self.held:
                self._take(self.held[old].product)
        if change.after is not None:
            self._give(self.products.package(str(change.after)))

    def _license(self, change: Change) -> None:
        if change.after is None:  # whatever gives it, and the calling plans that rest on it
            resting = [h for h in self.held.values() if h.product.is_calling_plan]
            giving = self._giving()
            for each in (*giving, *resting) if giving else ():
                self._take_phone(each)
            return
        if change.before is not None:
            for each in self._giving(str(change.before)):
                self._take_phone(each)
        product = self.products.license(str(change.after))
        off = [h for h in self.held.values() if h.product.is_suite and skus.PHONE & h.disabled]
        if change.before is None and self._giving():
            return
        within = [h for h in off if not product.is_suite or h.product.id == product.id]
        if within:
            suite = within[0]
            self._refuse_group(suite)
            self.order.add[suite.product.id] = suite.disabled - skus.PHONE
        else:
            self._give(product)

    def _giving(self, name: str | None = None) -> list[Held]:
        """Return what gives Teams Phone now, under this name or any."""
        return [
            h
            for h in self.held.values()
            if h.product.is_phone
            and h.plans & skus.PHONE
            and (name is None or fold(self.products.license_name(h.product)) == fold(name))
        ]

    def _held_named(self, name: str) -> str:
        return next((i for i, h in self.held.items() if fold(h.product.name) == fold(name)), "")

    def _has(self, product: Product) -> bool:
        return product.id in self.held

    def _give(self, product: Product) -> None:
        self.order.remove.discard(product.id)
        if product.id not in self.held:
            self.order.add[product.id] = frozenset()

    def _take(self, product: Product) -> None:
        held = self.held.get(product.id)
        if held is not None:
            self._refuse_group(held)
            self.order.remove.add(product.id)

    def _take_phone(self, held: Held) -> None:
        if not held.product.is_suite:
            self._take(held.product)
            return
        self._refuse_group(held)
        self.order.add[held.product.id] = held.disabled | (skus.PHONE & held.product.plans)

    def _refuse_group(self, held: Held) -> None:
        if held.groups and self.change is not None:
            names = ", ".join(sorted(map(self.group, held.groups)))
            raise FromAGroup(
                f"{held.product.name} comes from the group {names}",
                remedy="only leaving the group takes it",
                change=self.change,
            )
