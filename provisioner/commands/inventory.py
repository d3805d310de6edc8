"""`provisioner inventory`: the phone system's state as JSON lines, the catalog first.

What it writes, the snapshot phone system reads: for planning offline, rehearsing and benchmarks.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, TextIO

import msgspec

from connectors.records import Catalog, PhoneSystem, PhoneUser
from provisioner.audit.calls import collecting
from provisioner.commands.plans import opened, site_of, sync_name
from provisioner.progress import Progress, counted, for_stderr
from provisioner.store.audit_entries import inventory_written
from provisioner.wiring import wire_phone

_OPTIONAL = ("delegate_privileges", "emergency_address", "usage_location")


def run_inventory(config: Path, sync: str | None, output: Path | None, *, delegations: bool) -> int:
    """Read the phone system whole and write it; `delegations`: ask for everybody's delegates."""
    site = site_of(config)
    name = sync_name(site.config, sync)
    site, calls = collecting(site, sync=name)
    phone = wire_phone(site, site.config.syncs[name])
    progress = for_stderr()
    try:
        with opened(output) as out:
            users = _write(phone, out, progress, delegations=delegations)
            calls.flush(inventory_written(name, users))
    finally:
        calls.flush()
        progress.close()
    return 0


def _write(phone: PhoneSystem, out: TextIO, progress: Progress, *, delegations: bool) -> int:
    """Write the inventory, and return how many phone users are in it."""
    held: list[str] = []
    users = 0
    progress.stage("reading the phone system")
    with TemporaryFile("w+", encoding="utf-8") as lines:
        for user in counted(_users(phone, delegations), progress):
            users += 1
            held += user.numbers
            lines.write(user_line(user).decode() + "\n")
        # the catalog comes first, and its numbers are those held too
        out.write(catalog_line(phone.catalog(), held).decode() + "\n")
        lines.seek(0)
        shutil.copyfileobj(lines, out)
    return users


def _users(phone: PhoneSystem, delegations: bool) -> Iterator[PhoneUser]:
    users = phone.read()
    if not delegations:
        yield from users
        return
    while chunk := list(islice(users, 100)):
        yield from phone.read_some(chunk)


def user_line(user: PhoneUser) -> bytes:
    """Return one phone user in the snapshot's shape; members that few systems have only where set."""
    document: dict[str, Any] = msgspec.to_builtins(user)
    for name in _OPTIONAL:
        if not document[name]:
            del document[name]
    return msgspec.json.encode(document)


def catalog_line(catalog: Catalog, held: list[str]) -> bytes:
    """Return the catalog as a snapshot's first line: its `numbers` are all of the account's."""
    document: dict[str, Any] = {}
    for family, seats in (("licenses", catalog.licenses), ("packages", catalog.packages)):
        if seats is not None:
            document[family] = {name: seat.total for name, seat in seats.items()}
    if catalog.templates is not None:
        document["templates"] = sorted({name for name, _ in catalog.templates})
    if catalog.sites is not None:
        document["sites"] = list(catalog.sites)
    if catalog.numbers is not None:
        document["numbers"] = sorted({*held, *(number for number, _ in catalog.numbers)})
    return msgspec.json.encode({"catalog": document})
