"""`provisioner quarantine`: who and what is left alone for a while, and letting them go.

It concerns only what nobody asked for by hand: `provisioner apply PLAN` tries everybody.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import click
from rich.cells import cell_len

from provisioner.commands.plans import opened, site_of, sync_name
from provisioner.config import Config
from provisioner.letting_go import release, rest_document
from provisioner.plan.document import instant
from provisioner.report.document import dumped
from provisioner.report.figures import visible
from provisioner.report.text import Page, padded
from provisioner.store import quarantine as quarantine_store
from provisioner.store.database import reading
from provisioner.store.quarantine import Parked, Quarantined

_PEOPLE = ("user", "sync", "failures", "since", "until", "change", "reason")
_SYNCS = ("sync", "failures", "since", "until", "run", "reason")


def run_list(config: Path, sync: str | None, form: str) -> int:
    """List who is parked now, and which syncs are in quarantine."""
    site = site_of(config)
    syncs = _syncs(site.config, sync)
    with reading(site.engine) as connection:
        people = quarantine_store.parked_people(connection, syncs, site.now())
        slowed = quarantine_store.quarantined(connection, syncs, site.now())
    with opened(None, form) as out:
        if form == "json":
            document = {
                "syncs": list(map(rest_document, slowed)),
                "people": list(map(rest_document, people)),
            }
            out.write(dumped(document) + "\n")
            return 0
        page = Page(out, color=sys.stdout.isatty(), width=None)
        rows = [_sync_row(each) for each in slowed]
        _table(page, "Syncs that are slowed down", _SYNCS, rows)
        page.blank()
        _table(page, "People who are parked", _PEOPLE, [_person_row(each) for each in people])
    return 0


def run_release(config: Path, sync: str | None, users: Sequence[str]) -> int:
    """Let these people go, or, if none is named, everybody and the syncs themselves; say who went."""
    site = site_of(config)
    syncs = _syncs(site.config, sync)
    for line in release(site, syncs, users):
        click.echo(line)
    return 0


def _syncs(config: Config, name: str | None) -> list[str]:
    return list(config.syncs) if name is None else [sync_name(config, name)]


def _person_row(one: Parked) -> list[str]:
    times = instant(one.since), instant(one.until)
    return [
        one.user,
        one.sync,
        str(one.failures),
        *times,
        f"{one.seq} of plan {one.plan}",
        one.reason,
    ]


def _sync_row(each: Quarantined) -> list[str]:
    times = instant(each.since), instant(each.until)
    return [each.sync, str(each.failures), *times, each.run, each.reason]


def _table(page: Page, title: str, columns: Sequence[str], rows: list[list[str]]) -> None:
    page.line(0, (title, "bold"), "" if rows else ": none")
    shown = [[visible(text) for text in row] for row in rows]
    sizes = [max(map(cell_len, column)) for column in zip(columns, *shown, strict=True)]
    for row in _with_header(columns, shown):
        cells = zip(row, sizes, strict=True)
        page.line(2, *(padded(text, size + 2) for text, size in cells))


def _with_header(columns: Sequence[str], rows: list[list[str]]) -> Iterator[Sequence[str]]:
    if rows:
        yield columns
        yield from rows
