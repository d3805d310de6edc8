"""`provisioner manual`: what only a person can do, listed, and ticked off when it is done."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from connectors.errors import RunError
from provisioner.commands.handed_back import read_output
from provisioner.commands.plans import opened, plan_id, say, site_of, sync_name
from provisioner.manual_steps import due_of, tick_off
from provisioner.report.manual import Due, write_steps
from provisioner.store import manual as manual_store
from provisioner.store.database import reading
from provisioner.store.manual import PREFIX
from provisioner.wiring import Site, wire_phone

BOM = "\ufeff"
"""Without it Windows PowerShell takes a script for ANSI, in which parts of letters are quotes."""


def run_list(config: Path, sync: str | None, form: str, output: Path | None) -> int:
    """Write the open manual steps of one sync, or of all."""
    site = site_of(config)
    with reading(site.engine) as connection:
        due = due_of(site, manual_store.open_steps(connection, _names(site, sync)))
    if form == "powershell":
        return _write_script(site, due, output)
    with opened(output, form) as out:
        write_steps(due, form, out, color=output is None and sys.stdout.isatty())
    return 0


def _write_script(site: Site, due: Sequence[Due], output: Path | None) -> int:
    """Write the script that does the steps which one can do; say how many it leaves to a person."""
    scripts, left = dict[str, str](), 0
    for sync in sorted({each.step.sync for each in due}):
        changes = [each.step.change for each in due if each.step.sync == sync]
        write = wire_phone(site, site.config.syncs[sync]).abilities.script
        text = "" if write is None else write(changes)
        scripts |= {sync: text} if text else {}
        left += sum(not (text and write and write([change])) for change in changes)
    if not scripts:
        raise RunError(
            "no open manual step is one that a script can do",
            remedy="`provisioner manual list` names the steps and says how each is done",
        )
    if len(scripts) > 1:
        raise RunError(
            f"the syncs {', '.join(scripts)} need a script each: one signs in to one account",
            remedy="give --sync with one of them",
        )
    with opened(output, "powershell") as out:
        out.write(BOM + "".join(scripts.values()))
    if left:
        click.echo(f"{left} open steps are left to a person: `provisioner manual list`", err=True)
    return 0


def run_done(
    config: Path,
    sync: str | None,
    given: Sequence[str],
    by: str | None,
    note: str | None,
    output_of: Path | None = None,
) -> int:
    """Note that steps are done, or count them as done where no read shows it, and say which.

    `output_of`: what a script printed, whose steps are meant beside those `given`.
    """
    site = site_of(config)
    plans = {name: plan_id(site, name) for name in given if not name.startswith(PREFIX)}
    told = None if output_of is None else read_output(output_of)
    also = None if told is None else told.done_of
    lines = tick_off(site, _names(site, sync), given, by, note, plans, also)
    say([*(told.left() if told else ()), *lines])
    return 0


def _names(site: Site, sync: str | None) -> list[str]:
    return list(site.config.syncs) if sync is None else [sync_name(site.config, sync)]
