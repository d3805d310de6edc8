"""Manual steps that somebody says are done: noted, or counted as done where no read shows it.

A step that the next read of the phone system shows is only noted: the next plan says whether it is
so. One that no read shows is taken at the operator's word, and remembered as last applied.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches

from connectors.errors import RunError
from connectors.records import Abilities, fold
from provisioner import who
from provisioner.remembering import can_be_read_back
from provisioner.report.figures import visible
from provisioner.report.manual import Due
from provisioner.store import manual as manual_store
from provisioner.store import people as people_store
from provisioner.store import plans as plan_store
from provisioner.store import runs as run_store
from provisioner.store.manual import Step
from provisioner.wiring import Site, wire_phone

LONGEST_NOTE = 2000


class NoSuchStep(RunError):
    """No open manual step is called so."""


def tick_off(
    site: Site,
    syncs: Collection[str],
    given: Sequence[str],
    by: str | None,
    note: str | None = None,
    plans: Mapping[str, str] = {},
    also: Callable[[Sequence[Step]], Iterable[Step]] | None = None,
) -> list[str]:
    """Note that steps of these syncs are done, or count them as done, and return lines that tell which.

    `given`: their ids, or names of `plans` (by which plan each name means) for all of a plan's. `also`
    chooses more among the open ones. Raises NoSuchStep for a name that means none, RunError for a note
    that is too long.
    """
    by = who.named(by)
    if note is not None and len(note) > LONGEST_NOTE:
        raise RunError(f"the note is longer than {LONGEST_NOTE} characters", remedy="shorten it")
    now = site.now()
    with site.engine.begin() as connection:
        run_store.refuse_old_clock(connection, now)
        steps = manual_store.open_steps(connection, syncs)
        chosen = _chosen(steps, given, plans)
        chosen += [step for step in (also(steps) if also else ()) if step not in chosen]
        due = due_of(site, chosen)
        noted = [each.step for each in due if each.readable and not each.step.undo]
        ticked = [each.step for each in due if not each.readable or each.step.undo]
        manual_store.note_done(connection, noted, by, note, now)
        for number in sorted({step.plan for step in ticked}):
            own = [step for step in ticked if step.plan == number]
            plan = plan_store.load(connection, number, {fold(step.change.key) for step in own})
            manual_store.tick_off(connection, plan, own, by, note, now)
            unreadable = _abilities(site, plan.sync).unreadable
            done = [step.change for step in own]
            people_store.remember(connection, plan.sync, done, unreadable)
    return list(_told(noted, ticked))


def _abilities(site: Site, sync: str) -> Abilities:
    return wire_phone(site, site.config.syncs[sync]).abilities


def due_of(site: Site, steps: Collection[Step]) -> list[Due]:
    """Return steps, and for each whether the next read of the phone system shows that it is done."""
    able = {name: _abilities(site, name) for name in {step.sync for step in steps}}
    return [Due(step, can_be_read_back(step.change, able[step.sync])) for step in steps]


def _chosen(steps: Sequence[Step], given: Sequence[str], plans: Mapping[str, str]) -> list[Step]:
    """Return the steps that are meant by ids and plans. Raises RunError for a name that means none."""
    chosen: dict[tuple[str, str], Step] = {}
    for name in given:
        if name in plans:
            found = [step for step in steps if step.plan == plans[name]]
        else:
            found = [step for step in steps if step.id == name]
        if not found:
            raise NoSuchStep(
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
