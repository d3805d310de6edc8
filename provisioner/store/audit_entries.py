"""What the audit says of a read, a plan and a decision: enough to judge it by, and to prove the rest.

A plan's changes are not repeated here: they are in the plan, whose hash the entry holds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from connectors.errors import ProvisionerError, ReadRefused
from connectors.records import Change
from provisioner import who
from provisioner.plan.model import Plan
from provisioner.reads import Reading
from provisioner.store.audit import Entry
from provisioner.store.moments import written

_GROUPS = 100
"""Groups whose members are named one by one; of more only the number is on record here."""


def directory_read(
    sync: str, reading: Reading, *, accepted: bool, overruled: bool = False
) -> Entry:
    """Return the entry of one finished read of a directory, believed or not."""
    detail: dict[str, Any] = {
        "directory": reading.name,
        "sha256": reading.sha256,
        "accepted": accepted,
        "people": reading.figures.people,
        "columns": reading.figures.columns,
    }
    many = len(reading.figures.groups) > _GROUPS
    detail["groups"] = len(reading.figures.groups) if many else reading.figures.groups
    if reading.flaws:
        detail["flaws"] = len(reading.flaws)
    if overruled:
        detail["overruled_by"] = who.login()
    return Entry(kind="directory.read", sync=sync, detail=detail)


def phone_read(plan: Plan, kind: str, users: int) -> Entry:
    """Return the entry of the read of a phone system that a plan was made from."""
    detail = {"phone_system": kind, "sha256": plan.base.phone, "users": users}
    return Entry(kind="phone.read", sync=plan.sync, detail=detail)


def plan_failed(sync: str, run: str | None, error: ProvisionerError, said: str) -> Entry:
    """Return the entry of a plan that was not made: a read was refused, or something failed."""
    kind = "plan.refused" if isinstance(error, ReadRefused) else "plan.failed"
    detail = {"error": said, "by": who.login(), "version": who.version()}
    return Entry(kind=kind, sync=sync, run=run, detail=detail)


def inventory_written(sync: str, users: int) -> Entry:
    """Return the entry of a phone system's state that was written out for somebody."""
    detail = {"users": users, "by": who.login(), "version": who.version()}
    return Entry(kind="inventory.written", sync=sync, detail=detail)


def plan_made(plan: Plan, sha256: str) -> Iterator[Entry]:
    """Yield the entries of a new plan: its figures, and what a limit holds of it and why."""
    detail = {
        "sha256": sha256,
        "scope": plan.scope,
        "base": plan.base,
        "summary": plan.summary,
        "by": who.login(),
        "version": who.version(),
    }
    yield Entry(kind="plan.made", sync=plan.sync, plan=plan.id, detail=detail)
    held = Counter(c.reason or "" for c in plan.changes if c.state == "held")
    for reason, count in held.items():
        if not reason.startswith("needs change"):
            yield Entry(
                kind="limit.held",
                sync=plan.sync,
                plan=plan.id,
                detail={"reason": reason, "changes": count},
            )


def plan_decided(
    plan: Plan,
    sha256: str,
    decision: str,
    by: str,
    chosen: Iterable[Change],
    expires: datetime,
    only: Sequence[str] = (),
) -> Entry:
    """Return the entry of a decision about changes of a plan, by their seqs.

    `only`: the words that meant them, where it was not about the whole plan.
    """
    seqs = sorted(change.seq for change in chosen)
    detail: dict[str, Any] = {
        "by": by,
        "sha256": sha256,
        "changes": len(seqs),
        "seqs": ranges(seqs),
        "expires_at": written(expires),
    }
    if only:
        detail["only"] = list(only)
    if by != (login := who.login()):
        detail["login"] = login  # whoever ran the program, or its service
    return Entry(kind=f"plan.{decision}", sync=plan.sync, plan=plan.id, detail=detail)


def ranges(numbers: Iterable[int]) -> str:
    """Return ascending numbers in short.

    >>> ranges([1, 2, 3, 7, 9, 10])
    '1-3,7,9-10'
    """
    found: list[list[int]] = []
    for number in numbers:
        if found and number == found[-1][-1] + 1:
            found[-1][1:] = [number]
        else:
            found.append([number])
    return ",".join("-".join(map(str, each)) for each in found)
