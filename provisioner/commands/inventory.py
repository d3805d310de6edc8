"""`provisioner inventory`: the phone system's state as JSON lines, the catalog first.

What it writes, the snapshot phone system reads: for planning offline, rehearsing and benchmarks.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import TextIO

from connectors.records import PhoneSystem, PhoneUser
from provisioner.audit.calls import collecting
from provisioner.commands.plans import opened, site_of, sync_name
from provisioner.inventory import write_inventory
from provisioner.progress import Progress, counted, for_stderr
from provisioner.store.audit_entries import inventory_written
from provisioner.wiring import wire_phone


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
    progress.stage("reading the phone system")
    return write_inventory(phone, counted(_users(phone, delegations), progress), out)


def _users(phone: PhoneSystem, delegations: bool) -> Iterator[PhoneUser]:
    users = phone.read()
    if not delegations:
        yield from users
        return
    while chunk := list(islice(users, 100)):
        yield from phone.read_some(chunk)
