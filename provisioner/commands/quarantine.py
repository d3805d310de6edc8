"""`provisioner quarantine`: who and what is left alone for a while, and letting them go.

It concerns only what nobody asked for by hand: `provisioner apply PLAN` tries everybody.
"""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterator, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import click
from rich.cells import cell_len

from connectors.errors import RunError
from connectors.records import fold
from provisioner import who
from provisioner.commands.plans import opened, site_of, sync_name
from provisioner.config import Config
from provisioner.plan.document import instant
from provisioner.report.document import dumped
from provisioner.report.figures import visible
from provisioner.report.text import Page, padded
from provisioner.store import quarantine as quarantine_store
from provisioner.store.audit import Entry, append
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
                "syncs": list(map(_document, slowed)),
                "people": list(map(_document, people)),
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
    with site.engine.begin() as connection:
        people = quarantine_store.parked_people(connection, syncs, site.now())
        chosen = _named(people, users) if users else people
        for name in syncs:
            keys = [one.key for one in chosen if one.sync == name]
            quarantine_store.free(connection, name, keys)
        slowed = [] if users else quarantine_store.quarantined(connection, syncs, site.now())
        for each in slowed:
            quarantine_store.let_go(connection, each.sync)
        append(connection, _released(chosen, slowed), site.now())
    for one in chosen:
        click.echo(f"{visible(one.user)} (sync {one.sync}) is tried again by the next run")
    for each in slowed:
        click.echo(f"sync {each.sync} runs again at its next moment")
    if not chosen and not slowed:
        click.echo("nobody is in quarantine")
    return 0


def _released(people: Sequence[Parked], slowed: Sequence[Quarantined]) -> Iterator[Entry]:
    """Yield what the audit says of a release, a sync at a time."""
    resting = {each.sync for each in slowed}
    for name in sorted(resting | {one.sync for one in people}):
        keys = [one.key for one in people if one.sync == name]
        detail = {"people": keys, "sync": name in resting, "by": who.login()}
        yield Entry(kind="quarantine.released", sync=name, detail=detail)


def _syncs(config: Config, name: str | None) -> list[str]:
    return list(config.syncs) if name is None else [sync_name(config, name)]


def _named(people: Sequence[Parked], users: Collection[str]) -> list[Parked]:
    """Return who is meant by these mails or keys. Raises RunError for a name that is nobody's here."""
    names = {fold(name): name for one in people for name in (one.user, one.key)}
    for user in users:
        if fold(user) not in names:
            near = [names[name] for name in get_close_matches(fold(user), names, n=3)]
            raise RunError(
                f"{user!r} is not in quarantine",
                remedy=f"did you mean {' or '.join(near)}?"
                if near
                else "`provisioner quarantine list` names everybody who is",
            )
    wanted = set(map(fold, users))
    return [one for one in people if not wanted.isdisjoint((fold(one.user), one.key))]


def _document(each: Parked | Quarantined) -> dict[str, Any]:
    return each._asdict() | {"since": instant(each.since), "until": instant(each.until)}


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
