"""`provisioner audit`: proving the record of what happened, and exporting it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import click

from connectors.errors import RunError
from provisioner.audit.person import about
from provisioner.audit.proof import prove
from provisioner.audit.walk import Broken, Walked, exported
from provisioner.commands.plans import opened, site_of, sync_name
from provisioner.store import audit as audit_store
from provisioner.store.chain import line_of
from provisioner.store.database import reading

BROKEN = 1


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which entries to export: `since` (inclusive) and `until` (exclusive) bound their moment."""

    since: datetime | None = None
    until: datetime | None = None
    sync: str | None = None
    user: str | None = None
    run: str | None = None


def run_verify(config: Path, head: str | None) -> int:
    """Prove the store's audit, say so, and return the exit status."""
    site = site_of(config)
    try:
        with reading(site.engine) as connection:
            walked = prove(connection, head)
    except Broken as broken:
        return _broken(broken)
    return _tell(walked, head)


def run_verify_file(path: Path, head: str | None, *, extract: bool) -> int:
    """Prove an exported file, say so, and return the exit status."""
    walked = Walked(extract=extract, sought=head)
    try:
        with path.open("rb") as lines:
            walked.over(exported(lines))
    except OSError as error:
        reason = error.strerror or error
        raise RunError(f"{path} can't be read: {reason}", remedy="see its path") from None
    except Broken as broken:
        status = _broken(broken)
        if "missing" in str(broken):
            click.echo(
                "    for a file exported by --sync, --user or --run, give --extract", err=True
            )
        return status
    return _tell(walked, head)


def _broken(broken: Broken) -> int:
    click.echo(f"broken: {broken}", err=True)
    return BROKEN


def _tell(walked: Walked, head: str | None) -> int:
    if walked.first is None or walked.last is None:
        click.echo("no entries")
    else:
        first, last = walked.first, walked.last
        click.echo(
            f"{'each as it was written' if walked.extract else 'unbroken'}: {walked.entries:,} entries,"
            f" {first.id} to {last.id}, from {first.at} to {last.at}"
        )
        click.echo(f"head: {last.hash}")
    if head is None:
        return 0
    if walked.found is None:
        click.echo(f"broken: no entry has the hash {head}", err=True)
        return BROKEN
    since = walked.last.id - walked.found if walked.last else 0
    click.echo(f"the head given is entry {walked.found}; {since:,} entries since")
    return 0


def run_export(config: Path, chosen: Chosen, output: Path | None) -> int:
    """Write the chosen entries as lines, in the order of the chain."""
    site = site_of(config)
    sync = None if chosen.sync is None else sync_name(site.config, chosen.sync)
    with reading(site.engine) as connection, opened(output, "jsonl") as out:
        wanted = None if chosen.user is None else about(connection, chosen.user)
        rows = audit_store.rows(
            connection, since=chosen.since, until=chosen.until, sync=sync, run=chosen.run
        )
        for prev, row in rows:
            if wanted is None or wanted(row):
                out.write(line_of(prev, row) + "\n")
    return 0
