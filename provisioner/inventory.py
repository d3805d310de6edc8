"""The phone system's state as snapshot lines, the catalog first, as the snapshot phone system reads them."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from tempfile import TemporaryFile
from typing import Any, TextIO

import msgspec

from connectors.records import Catalog, PhoneSystem, PhoneUser
from provisioner.aliases import Aliases

_OPTIONAL = (
    "delegate_privileges",
    "emergency_address",
    "usage_location",
    "counts_as",
    "seatless",
    "settling",
    "by_hand",
)


def write_inventory(
    phone: PhoneSystem, users: Iterable[PhoneUser], out: TextIO, aliases: Aliases | None = None
) -> int:
    """Write a phone system's catalog and these users of it, and return how many there are.

    `aliases`: those that its names are shown under; they are written along, so that a simulator that is
    loaded with this knows what the vendor calls things.
    """
    held: list[str] = []
    count = 0
    with TemporaryFile("w+", encoding="utf-8") as lines:
        for user in users:
            count += 1
            held += user.numbers
            lines.write(user_line(user).decode() + "\n")
        # the catalog comes first, and its numbers are those held too
        out.write(catalog_line(phone.catalog(), held, aliases).decode() + "\n")
        lines.seek(0)
        shutil.copyfileobj(lines, out)
    return count


def user_line(user: PhoneUser) -> bytes:
    """Return one phone user in the snapshot's shape; members that few systems have only where set."""
    document: dict[str, Any] = msgspec.to_builtins(user)
    for name in _OPTIONAL:
        if not document[name]:
            del document[name]
    return msgspec.json.encode(document)


def catalog_line(catalog: Catalog, held: list[str], aliases: Aliases | None = None) -> bytes:
    """Return the catalog as a snapshot's first line: its `numbers` are all of the account's."""
    document: dict[str, Any] = {}
    for family, seats in (("licenses", catalog.licenses), ("packages", catalog.packages)):
        if seats is not None:
            own = {name: seat for name, seat in seats.items() if not seat.counted_with}
            document[family] = {name: seat.total for name, seat in own.items()}
    if catalog.templates is not None:
        document["templates"] = _placed(catalog.templates)
    if catalog.sites is not None:
        document["sites"] = list(catalog.sites)
    if catalog.numbers is not None:
        free = dict(catalog.numbers)
        document["numbers"] = _placed([*free.items(), *((n, None) for n in held if n not in free)])
    if told := {family: dict(names) for family, names in (aliases or {}).items() if names}:
        document["aliases"] = told
    return msgspec.json.encode({"catalog": document})


def _placed(names: Iterable[tuple[str, str | None]]) -> list[str | list[str]]:
    """Return names in order, each with its site where it has one."""
    ordered = sorted(set(names), key=lambda pair: (pair[0], pair[1] or ""))
    return [name if site is None else [name, site] for name, site in ordered]
