"""What a push used up is known before the vendor is asked again."""

from __future__ import annotations

from connectors.records import Catalog, Change, Seats
from provisioner.pushes import spent


def gives(kind: str, after: str) -> Change:
    return Change(kind=kind, user="eva@example.org", key="E1", after=after)


def test_seats_and_numbers_that_were_given_are_no_longer_free() -> None:
    catalog = Catalog(
        licenses={"zoom_phone": Seats(10, None)},
        packages={"Basic": Seats(10, 4), "Gold": Seats(5, 5)},
        numbers=(("+491", "Munich"), ("+492", None)),
    )

    left = spent(
        catalog,
        [
            gives("license.assign", "zoom_phone"),
            gives("package.assign", "basic"),
            gives("number.assign", "+491"),
        ],
    )

    assert left.licenses == {"zoom_phone": Seats(10, None)}
    assert left.packages == {"Basic": Seats(10, 5), "Gold": Seats(5, 5)}
    assert left.numbers == (("+492", None),)


def test_what_the_vendor_does_not_count_stays_uncounted() -> None:
    assert spent(Catalog(), [gives("package.assign", "basic")]) == Catalog()
