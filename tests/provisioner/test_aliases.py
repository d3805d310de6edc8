"""Aliases: plans and snapshots show the operator's names, and the vendor gets its own."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Iterator
from typing import Any

from connectors.records import Abilities, Call, Catalog, Change, Outcome, PhoneUser, Seats
from provisioner.aliases import Aliases, in_vendors_words, with_aliases
from provisioner.inventory import write_inventory

ALIASES = {
    "licenses": {"phone": "Zoom Phone Pro"},
    "packages": {"us": "US/CA Unlimited", "de": "Germany Unlimited"},
    "templates": {"desk": "Desk Phone Users"},
    "sites": {"muc": "Munich Headquarters"},
}
USER = PhoneUser(
    "p1",
    license="ZOOM PHONE PRO",
    packages=("Germany Unlimited", "Other", "us/ca unlimited"),
    template="Desk Phone Users",
    site="Munich Headquarters",
    extension_number="77",
)


class Vendor:
    """A phone system that keeps what it was asked to do."""

    abilities = Abilities(kinds=frozenset())

    def __init__(self, catalog: Catalog = Catalog()) -> None:  # noqa: B008 - frozen
        self._catalog = catalog
        self.asked: list[Change] = []

    def catalog(self, *, numbers: bool = True) -> Catalog:
        return self._catalog

    def read(self, delegators: Iterable[str] = ()) -> Iterator[PhoneUser]:
        return iter([USER] if not set(delegators) else [])

    def read_some(self, users: Iterable[PhoneUser]) -> Iterator[PhoneUser]:
        return iter([USER for _ in users])

    def calls(self, changes: Iterable[Change]) -> list[Call]:
        self.asked = list(changes)
        return [Call("POST /x", "heavy", tuple(self.asked), 2)]

    def carry_out(self, changes: Iterable[Change]) -> Iterator[Outcome]:
        for change in changes:
            self.asked.append(change)
            yield Outcome(change.seq, "done")

    def check(self) -> None:
        return None


def change(kind: str, after: str, before: str | None = None) -> Change:
    return Change(seq=1, kind=kind, user="eva", key="E1", before=before, after=after)


def test_a_phone_user_is_shown_under_the_short_names_whatever_the_vendors_case() -> None:
    (user,) = with_aliases(Vendor(), ALIASES).read()

    assert (user.license, user.template, user.site) == ("phone", "desk", "muc")
    assert user.packages == ("Other", "de", "us")
    assert user.extension_number == "77"
    assert list(with_aliases(Vendor(), ALIASES).read_some([USER])) == [user]


def test_the_catalog_is_shown_under_the_short_names() -> None:
    catalog = Catalog(
        licenses={"Zoom Phone Pro": Seats(5, 2)},
        packages={"US/CA Unlimited": Seats(3), "Other": Seats()},
        templates=(("Desk Phone Users", "Munich Headquarters"), ("Own", None)),
        sites=("Munich Headquarters", "Brno"),
        numbers=(("+491", "Munich Headquarters"), ("+492", None)),
    )

    assert with_aliases(Vendor(catalog), ALIASES).catalog() == Catalog(
        licenses={"phone": Seats(5, 2)},
        packages={"us": Seats(3), "Other": Seats()},
        templates=(("desk", "muc"), ("Own", None)),
        sites=("muc", "Brno"),
        numbers=(("+491", "muc"), ("+492", None)),
    )


def test_unknown_stays_unknown_and_none_stays_none() -> None:
    assert with_aliases(Vendor(), ALIASES).catalog() == Catalog()
    empty = Catalog(licenses={}, packages={}, templates=(), sites=(), numbers=())
    assert with_aliases(Vendor(empty), ALIASES).catalog() == empty


def test_the_vendor_gets_its_own_names_before_and_after() -> None:
    vendor = Vendor()

    outcomes = list(
        with_aliases(vendor, ALIASES).carry_out(
            [
                change("package.assign", "US", before="de"),
                change("site.set", "muc"),
                change("template.apply", "desk"),
                change("license.assign", "phone"),
            ]
        )
    )

    assert [(c.before, c.after) for c in vendor.asked] == [
        ("Germany Unlimited", "US/CA Unlimited"),
        (None, "Munich Headquarters"),
        (None, "Desk Phone Users"),
        (None, "Zoom Phone Pro"),
    ]
    assert [o.state for o in outcomes] == ["done"] * 4


def test_a_name_of_one_family_is_not_one_of_another() -> None:
    vendor = Vendor()

    list(with_aliases(vendor, ALIASES).carry_out([change("delegate.add", "us")]))

    assert vendor.asked[0].after == "us"


def test_calls_bear_the_changes_as_they_came() -> None:
    vendor, given = Vendor(), change("package.assign", "us")

    (call,) = with_aliases(vendor, ALIASES).calls(iter([given]))

    assert call.changes == (given,)
    assert (call.requests, vendor.asked[0].after) == (2, "US/CA Unlimited")


def test_without_aliases_the_phone_system_is_itself() -> None:
    vendor = Vendor()

    assert with_aliases(vendor, {}) is vendor
    assert with_aliases(vendor, {"packages": {}}) is vendor


def test_what_counts_as_something_settles_or_is_by_hand_is_told_under_the_short_names() -> None:
    class Suites(Vendor):
        def read(self, delegators: Iterable[str] = ()) -> Iterator[PhoneUser]:
            yield PhoneUser(
                "p2",
                license="Suite",
                counts_as=("zoom phone pro", "audio_conferencing"),
                settling=("Germany Unlimited",),
                by_hand={"US/CA Unlimited": "leave the group", "license": "leave the group"},
                vendor={
                    "blocks": {"package.assign=us/ca unlimited": "no", "delegate.add": "no"},
                    "failed": {"license.assign=zoom phone pro": "why", "credit.assign": "why"},
                    "suite": "Suite",
                },
            )

    (user,) = with_aliases(Suites(), ALIASES).read()

    assert user.counts_as == ("phone", "audio_conferencing")
    assert user.settling == ("de",)
    assert set(user.by_hand) == {"us", "license"}
    assert user.vendor == {
        "blocks": {"package.assign=us": "no", "delegate.add": "no"},
        "failed": {"license.assign=phone": "why", "credit.assign": "why"},
        "suite": "Suite",
    }


def test_a_pool_of_two_names_stays_one_pool_under_the_short_ones() -> None:
    seats = {"Zoom Phone Pro": Seats(5, 2), "Pro": Seats(5, 2, counted_with="Zoom Phone Pro")}

    catalog = with_aliases(Vendor(Catalog(licenses=seats, credits=Seats(1))), ALIASES).catalog()

    assert catalog.licenses == {"phone": Seats(5, 2), "Pro": Seats(5, 2, counted_with="phone")}
    assert catalog.credits == Seats(1)


def inventory(vendor: Vendor, aliases: Aliases, told: Aliases | None) -> list[str]:
    out = io.StringIO()
    phone = with_aliases(vendor, aliases)
    write_inventory(phone, phone.read(), out, told)
    return out.getvalue().splitlines()


def test_an_inventory_under_short_names_is_loaded_under_the_vendors() -> None:
    seats = {"US/CA Unlimited": Seats(9, 1), "Germany Unlimited": Seats(9, 1)}
    vendor = Vendor(
        Catalog(
            licenses={"Zoom Phone Pro": Seats(5, 1)},
            packages=seats,
            templates=(("Desk Phone Users", "Munich Headquarters"), ("zzz", None)),
            sites=("Munich Headquarters",),
            numbers=(("+49891", "Munich Headquarters"), ("+49892", None)),
        )
    )
    vendors_own = parsed(inventory(vendor, {}, None))

    shown = inventory(vendor, ALIASES, ALIASES)
    silent = inventory(vendor, ALIASES, None)

    assert parsed(shown)[0]["catalog"]["aliases"] == ALIASES
    assert parsed(shown)[1]["packages"] == ["Other", "de", "us"]
    for lines in (in_vendors_words(shown), in_vendors_words(silent, ALIASES)):
        told = parsed(lines)
        assert told[0] == vendors_own[0]
        assert {**told[1], "license": told[1]["license"].upper()} == {
            **vendors_own[1], "packages": ["Other", "Germany Unlimited", "US/CA Unlimited"],
        }  # fmt: skip


def test_lines_without_aliases_and_lines_that_cant_be_read_stay_as_they_are() -> None:
    plain = ['{"id": "p1", "packages": ["us"]}', '{"id": ', "[1]"]

    assert list(in_vendors_words(plain)) == plain
    assert list(in_vendors_words(plain[1:], ALIASES)) == plain[1:]
    assert list(in_vendors_words([], ALIASES)) == []


def test_odd_aliases_and_odd_packages_are_left_for_whoever_loads_them() -> None:
    odd = ['{"catalog": {"aliases": {"packages": 3}}}', '{"id": "p1", "packages": 5}']

    assert list(in_vendors_words(odd)) == odd
    assert parsed(in_vendors_words(odd[1:], ALIASES)) == parsed(odd[1:])


def parsed(lines: Iterable[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in lines]
