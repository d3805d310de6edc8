"""`provisioner inventory`: the phone system's state as JSON lines, the catalog first.

What it writes, the snapshot phone system reads: for planning offline, rehearsing and benchmarks.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from connectors.records import PhoneSystem, PhoneUser
from provisioner.audit.calls import collecting
from provisioner.commands.plans import opened, site_of, sync_name
from provisioner.inventory import write_inventory
from provisioner.progress import counted, for_stderr
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
            progress.stage("reading the phone system")
            read = counted(_users(phone, delegations), progress)
            users = write_inventory(phone, read, out, site.config.syncs[name].aliases)
            calls.flush(inventory_written(name, users))
    finally:
        calls.flush()
        progress.close()
    return 0


def _users(phone: PhoneSystem, delegations: bool) -> Iterator[PhoneUser]:
    users = phone.read()
    if not delegations:
        yield from users
        return
    while chunk := list(islice(users, 100)):
        yield from phone.read_some(chunk)
