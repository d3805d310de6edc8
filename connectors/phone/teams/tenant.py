"""What a tenant has bought, and under which names: products, seats, groups, numbers, places.

`teams_phone` is the tenant's own product that is Teams Phone and nothing else; any other product that
holds it, a suite say, goes by its display name and counts as `teams_phone`. Calling plans go by their
display names. Requests name products by GUID only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeVar

import msgspec

from connectors.errors import IncompleteRead, PersonError
from connectors.phone.teams import skus
from connectors.phone.teams.answers import Refused
from connectors.phone.teams.api import AFRESH, Api, segment
from connectors.phone.teams.skus import CREDITS_SKU, Product
from connectors.records import Catalog, Seats, clean, fold

T = TypeVar("T")
LICENSE = "teams_phone"
"""What the license is called in records and plans that is Teams Phone by itself."""
CONFERENCING, CALLING_PLAN = "audio_conferencing", "calling_plan"
"""What a suite's service plans count as, beside the names of licenses and packages."""
_FIRST = ("teams_phone", "teams_phone_edu", "teams_phone_smb")
_USABLE = frozenset({"enabled", "warning"})
A_PAGE = 999
"""The largest page that Graph gives."""
NUMBERS = "/admin/teams/telephoneNumberManagement/numberAssignments"
FREE_FOR_PEOPLE = "userAssignment"


class Bought(msgspec.Struct, frozen=True):
    """A product that the tenant subscribes to: `total` seats that can be used, `used` of them."""

    product: Product
    total: int
    used: int


class Number(msgspec.Struct, frozen=True):
    """A telephone number of the tenant, E.164, with its vendor's type and who holds it.

    `holder`: a user's id in small letters. `location`: the id of its emergency location.
    """

    number: str
    kind: str
    holder: str | None = None
    location: str | None = None
    free: bool = False


class Tenant:
    """Looks things up once and keeps them until `forget`, which every full read begins with.

    `locations`: names of emergency locations by id, as config has them.
    """

    def __init__(self, api: Api, locations: Mapping[str, str]) -> None:
        self.api = api
        self.locations = {fold(id): name for name, id in locations.items()}
        self._location_ids = {fold(name): id for name, id in locations.items()}
        self._kept: dict[str, Any] = {}

    def forget(self) -> None:
        """Drop everything that was looked up."""
        self._kept = {}

    def keep(self, name: str, fetch: Callable[[], T]) -> T:
        """Return what is kept under a name, else what `fetch` returns."""
        if name not in self._kept:
            self._kept[name] = fetch()
        found: T = self._kept[name]
        return found

    def bought(self) -> dict[str, Bought]:
        """Return the products that the tenant subscribes to, by GUID."""
        return self.keep("bought", self._read_bought)

    def used(self) -> dict[str, int]:
        """Return how many seats are in use of each product that has to do with phones, by GUID."""
        return {sku: b.used for sku, b in self.bought().items() if b.product.is_for_phones}

    def product(self, sku_id: str) -> Product:
        """Return a product by GUID, whether the tenant still subscribes to it or not."""
        held = self.bought().get(fold(sku_id))
        return held.product if held else skus.product(sku_id)

    def phone_product(self) -> Product | None:
        """Return the product that `teams_phone` means, None where the tenant has none of its own."""
        alone = [b.product for b in self.bought().values() if b.product.is_phone_alone]
        return min(alone, key=lambda p: (_FIRST.index(p.role), p.name), default=None)

    def license_name(self, product: Product) -> str:
        """Return what records call the license that a product is."""
        main = self.phone_product()
        return LICENSE if main is not None and main.id == product.id else product.name

    def license_names(self) -> tuple[str, ...]:
        """Return every name that stands for having Teams Phone and nothing else."""
        return self.keep("names", lambda: tuple(sorted(self._license_names())))

    def _license_names(self) -> Iterable[str]:
        alone = {b.product.name for b in self.bought().values() if b.product.is_phone_alone}
        return alone | {LICENSE}

    def resting_names(self) -> tuple[str, ...]:
        """Return every name of a license that is refused to whoever has no Teams."""
        return self.keep("resting", lambda: tuple(sorted(self._resting_names())))

    def _resting_names(self) -> Iterable[str]:
        there = {b.product.name for b in self.bought().values() if b.product.rests_on_teams}
        return there | {LICENSE}

    def license(self, name: str) -> Product:
        """Return the product that a license's name means. Raises PersonError for one that there isn't."""
        main = self.phone_product()
        if main is not None and fold(name) in (LICENSE, fold(main.name)):
            return main
        named = [b.product for b in self.bought().values() if b.product.is_phone]
        return _named(name, named, "product that holds Teams Phone")

    def package(self, name: str) -> Product:
        """Return the product that a calling plan's name means. Raises PersonError likewise."""
        plans = [b.product for b in self.bought().values() if b.product.is_calling_plan]
        return _named(name, plans, "calling plan")

    def plan_names(self, plans: Iterable[str]) -> list[str]:
        """Return what calling plans of their own these service plans count as."""
        held = set(plans)
        known = {p.id: p for p in skus.table().values()}
        known |= {b.product.id: b.product for b in self.bought().values()}
        return sorted(p.name for p in known.values() if p.is_calling_plan and p.plans & held)

    def catalog(self, *, numbers: bool = True) -> Catalog:
        """Return what the tenant has to give; its numbers, a long list of Teams', only if wanted.

        Suites are uncounted: nobody is given one for a phone.
        """
        main = self.phone_product()
        licenses = {LICENSE: Seats(0, 0)}
        packages: dict[str, Seats] = {}
        credits = Seats(0, 0)
        for bought in self.bought().values():
            product, seats = bought.product, Seats(bought.total, bought.used)
            if main is not None and product.id == main.id:
                licenses[LICENSE] = seats
                licenses[product.name] = msgspec.structs.replace(seats, counted_with=LICENSE)
            elif product.is_phone:
                licenses[product.name] = Seats(None) if product.is_suite else seats
            elif product.is_calling_plan:
                packages[product.name] = seats
            elif product.id == CREDITS_SKU:
                credits = seats
        listed = self.numbers().values() if numbers else ()
        free = tuple(sorted((n.number, self.location_name(n.location)) for n in listed if n.free))
        return Catalog(
            licenses=licenses,
            packages=packages,
            credits=credits,
            templates=None,
            sites=None,
            numbers=free if numbers else None,
        )

    # Groups

    def group(self, group_id: str) -> str:
        """Return a group's name, its id where it has gone."""
        return self.keep(f"group {fold(group_id)}", lambda: self._read_group(group_id))

    def _read_group(self, group_id: str) -> str:
        try:
            found = self.api.get(
                f"/groups/{segment(group_id)}",
                label="directory.read",
                params={"$select": "id,displayName"},
            )
        except Refused:
            return group_id
        return clean(str(found.get("displayName") or group_id))

    # Numbers

    def numbers(self) -> dict[str, Number]:
        """Return the tenant's telephone numbers by E.164."""
        return self.keep("numbers", self._read_numbers)

    def fresh_number(self, number: str) -> Number | None:
        """Ask for one number; None where the tenant hasn't got it."""
        listed = self.api.entries(
            NUMBERS, label="teams.read", params={"$filter": f"telephoneNumber eq '{e164(number)}'"}
        )
        found = [n for entry in listed if (n := read_number(entry)).number == e164(number)]
        return found[0] if found else None

    def location_name(self, location: str | None) -> str | None:
        """Return what config calls an emergency location, else its id."""
        return None if location is None else self.locations.get(fold(location), location)

    def location_id(self, name: str) -> str:
        """Return the id of an emergency location by the name that config has for it."""
        return self._location_ids.get(fold(name), name)

    def _read_numbers(self) -> dict[str, Number]:
        """Read all numbers, by links to further pages or, where a full page has none, by skipping on."""
        found: dict[str, Number] = {}
        skip = 0
        while True:
            listed = [read_number(each) for each in self.teams_list(NUMBERS, skip)]
            before = len(found)
            found |= {number.number: number for number in listed}
            if len(listed) != A_PAGE or len(found) == before:  # $skip may not be minded
                return found
            skip += A_PAGE

    def teams_list(self, path: str, skip: int = 0) -> Iterator[dict[str, Any]]:
        """Yield every entry of one of Teams' own lists, in the largest pages that it gives.

        Microsoft tells the largest page of numbers, not that of user configurations: where one of this
        size is refused, the list is read in pages of Teams' own choice.
        """
        params = {"$top": str(A_PAGE)} | ({"$skip": str(skip)} if skip else {})
        given = False
        try:
            for entry in self.api.entries(path, label="teams.read", params=params):
                given = True
                yield entry
        except IncompleteRead as error:
            refused = error.__context__  # what `entries` made this of
            if given or skip or not isinstance(refused, Refused) or refused.status != 400:
                raise
            yield from self.api.entries(path, label="teams.read")

    def _read_bought(self) -> dict[str, Bought]:
        found: dict[str, Bought] = {}
        for entry in self.api.entries("/subscribedSkus", label="directory.read"):
            bought = _bought(entry)
            if bought is not None:
                found[bought.product.id] = bought
        return found


def _bought(entry: Mapping[str, Any]) -> Bought | None:
    """Return what an entry of subscribedSkus tells; None for what is for no users, or has ended."""
    if not entry.get("skuId"):
        raise IncompleteRead("a subscription without a product's id was listed", remedy=AFRESH)
    if fold(str(entry.get("appliesTo") or "User")) != "user":
        return None
    plans = {
        str(p.get("servicePlanId")): str(p.get("servicePlanName") or "")
        for p in entry.get("servicePlans") or ()
    }
    product = skus.product(str(entry["skuId"]), str(entry.get("skuPartNumber") or ""), plans)
    units = entry.get("prepaidUnits") or {}
    usable = fold(str(entry.get("capabilityStatus") or "Enabled")) in _USABLE
    total = (int(units.get("enabled") or 0) + int(units.get("warning") or 0)) * usable
    return Bought(product, total, int(entry.get("consumedUnits") or 0))


def read_number(entry: Mapping[str, Any]) -> Number:
    """Return a number as the list of assignments has it."""
    if not entry.get("telephoneNumber"):
        raise IncompleteRead("a number without its digits was listed", remedy=AFRESH)
    status = str(entry.get("assignmentStatus") or "unassigned")
    holder = str(entry.get("assignmentTargetId") or "")
    capabilities = entry.get("capabilities")
    able = capabilities is None or FREE_FOR_PEOPLE in capabilities
    return Number(
        number=e164(str(entry["telephoneNumber"])),
        kind=str(entry.get("numberType") or "callingPlan"),
        holder=fold(holder) if holder and status != "unassigned" else None,
        location=entry.get("locationId") or None,
        free=status == "unassigned" and able,
    )


def e164(text: str) -> str:
    """Return a telephone number as it is written here.

    >>> e164("tel:+1 202 555 0100;ext=4077"), e164("12025550100")
    ('+12025550100', '+12025550100')
    """
    digits = "".join(c for c in text.partition(";")[0] if c.isdigit())
    return f"+{digits}"


def _named(name: str, products: Iterable[Product], what: str) -> Product:
    listed = sorted(products, key=lambda p: p.name)
    for product in listed:
        if fold(product.name) == fold(name):
            return product
    there = ", ".join(p.name for p in listed) or "none"
    raise PersonError(f"the tenant has no {what} called {name!r}", remedy=f"it has: {there}")
