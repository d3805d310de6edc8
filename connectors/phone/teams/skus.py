"""Microsoft's products (SKUs) that have to do with phones, by their GUIDs.

A part number is no key: MCOPSTN5 is two different products, and a third is spelt MCOPSTN_5. What a
product is good for is told by its service plans: a suite holds many, the phone's among them.
Source: Microsoft, "Product names and service plan identifiers for licensing" (skus.csv,
service_plans.csv beside this file).
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

import msgspec

from connectors.records import fold

PHONE = frozenset({"4828c8ec-dc2e-4779-b502-87ac9ce28ab7", "ed777b71-af04-42ca-9798-84344c66f7c6"})
"""The service plans that are Teams Phone: MCOEV, and MCOEVSMB for small businesses."""
CONFERENCING = frozenset(
    {
        "3e26ee1f-8a5f-4d52-aee2-b81ce45c8f40",
        "bb038288-76ab-49d6-afc1-eaa6c222c65a",
        "9974d6cf-cd24-4ba2-921c-e2aa687da846",
    }
)
"""The service plans of Audio Conferencing: MCOMEETADV, MCOMEETACPEA, MCOMEETBASIC."""
CREDITS = "505e180f-f7e0-4b65-91d4-00d670bbd18c"
"""The service plan of Communications Credits, MCOPSTNC."""
CREDITS_SKU = "47794cd0-f0e5-45c5-9033-2eb6b5fc84e0"
"""The product Communications Credits; MCOPSTNPP is another one, whatever a page of Microsoft's says."""
CALLING = frozenset(
    {
        "4ed3ff63-69d7-4fb7-b984-5aec7f605ca8",  # MCOPSTN1, domestic
        "5a10155d-f5c1-411a-a8ec-e99aae125390",  # MCOPSTN2, domestic and international
        "54a152dc-90de-4996-93d2-bc47e670fc06",  # MCOPSTN5, domestic, 120 minutes
        "9a0125a5-c8f8-4526-b231-49e2abe0ebce",  # domestic small
        "1346d5e6-15a6-4b88-9693-806ff7296a7a",  # PSTN5_US
        "346d83bf-6fe6-42ca-b424-b9300d2e21bf",  # MCOPSTN6, domestic, 240 minutes
        "6b340437-d6f9-4dc5-8cc2-99163f7f83d6",  # MCOPSTN3, by use
        "156a1efe-17cd-4b03-9f17-2eb512298fb3",  # MCOPSTN_PAYG_1, pay as you go
        "16935b20-87c0-4908-934a-22aa267d0d26",  # MCOPSTN8, calling minutes within a suite
    }
)
"""The service plans of calling plans."""
TEAMS = frozenset(
    {
        "57ff2da0-773e-42df-b2af-ffb7a2317929",  # TEAMS1
        "0feaeb32-d00e-4d66-bd5a-43b5b83db82c",  # MCOSTANDARD, which Teams Phone takes for Teams
        "afc06cb0-b4f4-4473-8286-d644f70d8faf",  # MCOIMP, the same in smaller products
        "f4f2f6de-6830-442b-a433-e92249faebe2",  # TeamsEss
    }
)
"""The service plans that Teams Phone rests on: any of them will do."""
_LIKE_TEAMS = ("teams", "mco", "lync", "skype")
"""What names of service plans begin with that may be Teams in a form that TEAMS lacks."""
_NOT_FOR_PEOPLE = {
    "room": "room",
    "shared_device": "common_area",
    "resource_account": "common_area",
}
_NOTHING_SAID: Mapping[str, str] = {}
_ALONE = frozenset({"teams_phone", "teams_phone_edu", "teams_phone_smb"})


class Product(msgspec.Struct, frozen=True):
    """One product: `id` and `plans` (service plans) are GUIDs in small letters; `role` is ours.

    `may_have_teams`: it isn't in the table, and what the tenant says of it doesn't rule Teams out.
    """

    id: str
    part_number: str
    name: str
    role: str
    plans: frozenset[str]
    may_have_teams: bool = False

    @property
    def rests_on_teams(self) -> bool:
        """Whether it is refused to whoever has no Teams from another product."""
        return self.role in _ALONE or self.role == "teams_phone_with_calling_plan"

    @property
    def is_phone(self) -> bool:
        """Whether it holds Teams Phone, for a person, by itself or among other things."""
        return not self.plans.isdisjoint(PHONE) and self.kind == "person"

    @property
    def is_phone_alone(self) -> bool:
        """Whether it is Teams Phone and nothing else that a person works with."""
        return self.role in _ALONE

    @property
    def is_calling_plan(self) -> bool:
        """Whether it is a calling plan and nothing else."""
        return not self.plans.isdisjoint(CALLING) and not self.is_phone and not self.is_suite

    @property
    def is_for_phones(self) -> bool:
        """Whether it makes a difference to what anybody's phone can do."""
        plans = PHONE | CALLING | CONFERENCING
        return not self.plans.isdisjoint(plans) or self.id == CREDITS_SKU or self.kind != "person"

    @property
    def is_suite(self) -> bool:
        """Whether taking it away would take more than phone service from somebody."""
        return self.role == "base_licence"

    @property
    def kind(self) -> str:
        """What its holder is: person, room or common_area."""
        return _NOT_FOR_PEOPLE.get(self.role, "person")


@cache
def table() -> dict[str, Product]:
    """Return the products by id, as they ship with this project."""
    return {
        row["id"]: Product(
            row["id"],
            row["part_number"],
            row["name"],
            row["role"],
            frozenset(row["service_plan_ids"].split()),
        )
        for row in _rows("skus.csv")
    }


@cache
def service_plans() -> dict[str, str]:
    """Return the names of service plans by id."""
    return {row["id"]: row["name"] for row in _rows("service_plans.csv")}


def product(id: str, part_number: str = "", plans: Mapping[str, str] = _NOTHING_SAID) -> Product:
    """Return a product: as the table has it, else from what the tenant says of it.

    `plans`: the names of its service plans by GUID, "" for one without a name.

    >>> product("0DAB259F-bf13-4952-b7f8-7db8f131b28d").name
    'Skype for Business PSTN Domestic Calling'
    """
    known = table().get(fold(id))
    if known is not None:
        return known
    held = frozenset(map(fold, plans))
    suite = len(held - CALLING - PHONE - CONFERENCING - {CREDITS}) > 0
    role = "base_licence" if suite else "other" if held.isdisjoint(PHONE) else "teams_phone"
    unclear = (name for plan, name in plans.items() if fold(plan) not in service_plans())
    may = not plans or any(not name or fold(name).startswith(_LIKE_TEAMS) for name in unclear)
    return Product(fold(id), part_number, part_number or id, role, held, may)


def with_names(text: str) -> str:
    """Return a message of Graph's with the GUIDs of products and service plans named.

    >>> with_names("plan 4828c8ec-dc2e-4779-b502-87ac9ce28ab7 is missing")
    'plan MCOEV is missing'
    """
    low = text.lower()
    for id, name in (*((p.id, p.name) for p in table().values()), *service_plans().items()):
        while (at := low.find(id)) >= 0:
            text = text[:at] + name + text[at + len(id) :]
            low = text.lower()
    return text


def _rows(name: str) -> list[dict[str, str]]:
    text = files(__package__ or __name__.rpartition(".")[0]).joinpath(name).read_text("utf-8")
    return list(csv.DictReader(text.splitlines()))
