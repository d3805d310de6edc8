"""`provisioner manual`: what only a person can do, listed, and ticked off when it is done.

A step that the next read of the phone system shows is only noted: the next plan says whether it is
so. One that no read shows is taken at the operator's word, and remembered as last applied.
"""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterator, Sequence
from difflib import get_close_matches
from pathlib import Path

import click
from sqlalchemy import Connection

from connectors.errors import RunError
from connectors.records import Abilities
from provisioner import who
from provisioner.commands.handed_back import read_output
from provisioner.commands.plans import opened, plan_id, say, site_of, sync_name
from provisioner.remembering import can_be_read_back
from provisioner.report.figures import visible
from provisioner.report.manual import Due, write_steps
from provisioner.store import manual as manual_store
from provisioner.store import people as people_store
from provisioner.store import plans as plan_store
from provisioner.store import runs as run_store
from provisioner.store.database import reading
from provisioner.store.manual import PREFIX, Step
from provisioner.wiring import Site, wire_phone

LONGEST_NOTE = 2000
BOM = "\ufeff"
"""Without it Windows PowerShell takes a script for ANSI, in which parts of letters are quotes."""


def run_list(config: Path, sync: str | None, form: str, output: Path | None) -> int:
    """Write the open manual steps of one sync, or of all."""
    site = site_of(config)
    with reading(site.engine) as connection:
        due = _due(site, _open(site, connection, sync))
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
        write = _abilities(site, sync).script
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
    site, by = site_of(config), who.named(by)
    if note is not None and len(note) > LONGEST_NOTE:
        raise RunError(f"the note is longer than {LONGEST_NOTE} characters", remedy="shorten it")
    plans = {name: plan_id(site, name) for name in given if not name.startswith(PREFIX)}
    now = site.now()
    with site.engine.begin() as connection:
        run_store.refuse_old_clock(connection, now)
        steps = _open(site, connection, sync)
        chosen = _chosen(steps, given, plans)
        if output_of is not None:
            told, chosen = read_output(output_of), list(chosen)
            chosen += [s for s in told.done_of(steps) if s not in chosen]
            say(told.left())
        due = _due(site, chosen)
        noted = [each.step for each in due if each.readable and not each.step.undo]
        ticked = [each.step for each in due if not each.readable or each.step.undo]
        manual_store.note_done(connection, noted, by, note, now)
        for number in sorted({step.plan for step in ticked}):
            plan = plan_store.load(connection, number)
            own = [step for step in ticked if step.plan == number]
            manual_store.tick_off(connection, plan, own, by, note, now)
            unreadable = _abilities(site, plan.sync).unreadable
            done = [step.change for step in own]
            people_store.remember(connection, plan.sync, done, unreadable)
    say(_told(noted, ticked))
    return 0


def _open(site: Site, connection: Connection, sync: str | None) -> list[Step]:
    names = list(site.config.syncs) if sync is None else [sync_name(site.config, sync)]
    return manual_store.open_steps(connection, names)


def _abilities(site: Site, sync: str) -> Abilities:
    return wire_phone(site, site.config.syncs[sync]).abilities


def _due(site: Site, steps: Collection[Step]) -> list[Due]:
    able = {name: _abilities(site, name) for name in {step.sync for step in steps}}
    return [Due(step, can_be_read_back(step.change, able[step.sync])) for step in steps]


def _chosen(steps: Sequence[Step], given: Sequence[str], plans: dict[str, str]) -> list[Step]:
    """Return the steps that are meant by ids and plans. Raises RunError for a name that means none."""
    chosen: dict[tuple[str, str], Step] = {}
    for name in given:
        if name in plans:
            found = [step for step in steps if step.plan == plans[name]]
        else:
            found = [step for step in steps if step.id == name]
        if not found:
            raise RunError(
                f"{name}: no open manual step is called that"
                if name not in plans
                else f"plan {name} holds no open manual step; a newer plan may hold them",
                remedy=_remedy(name, steps),
            )
        if len({step.sync for step in found}) > 1:
            syncs = " and ".join(sorted({step.sync for step in found}))
            raise RunError(f"{name} is a step of {syncs}", remedy="give --sync with one of them")
        chosen.update(((step.sync, step.content), step) for step in found)
    return list(chosen.values())


def _remedy(name: str, steps: Sequence[Step]) -> str:
    near = get_close_matches(name, {step.id for step in steps}, n=2)
    if near:
        return f"nothing was recorded; did you mean {' or '.join(near)}?"
    return "nothing was recorded; `provisioner manual list` names them"


def _told(noted: Sequence[Step], ticked: Sequence[Step]) -> Iterator[str]:
    for step in noted:
        yield f"{_named(step)}: noted; the next plan shows whether the phone system agrees"
    for step in ticked:
        yield f"{_named(step)}: done"


def _named(step: Step) -> str:
    return f"{step.id} {step.change.kind} {visible(step.change.user)}"
