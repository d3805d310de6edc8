"""The life of a plan at the command line: plan, approve, reject, apply, sync, runs, show."""

from __future__ import annotations

import getpass
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

import click

from connectors.errors import RunError
from provisioner.apply import Allowance, Applied, apply_plan
from provisioner.config import Config, load_config
from provisioner.plan.document import read_plan
from provisioner.plan.model import Plan
from provisioner.planning import PREVIEW, Request, plan_sync
from provisioner.progress import for_stderr
from provisioner.report import write_report
from provisioner.store import people as people_store
from provisioner.store import plans as plan_store
from provisioner.store import runs as run_store
from provisioner.store.database import reading
from provisioner.store.plans import Decision
from provisioner.wiring import Site, open_site

_SHOWN = 20


def site_of(config: Path) -> Site:
    """Load the config and open its store."""
    if not config.is_file():
        raise RunError(f"there is no config file {config}", remedy="give its path with -c")
    return open_site(load_config(config))


def sync_name(config: Config, name: str | None) -> str:
    """Return the sync that is meant: the one named, or the only one there is."""
    names = ", ".join(config.syncs)
    if name is None:
        if len(config.syncs) == 1:
            return next(iter(config.syncs))
        raise RunError("the config has several syncs", remedy=f"give --sync with one of: {names}")
    if name not in config.syncs:
        raise RunError(f"there is no sync {name!r}", remedy=f"the config has: {names}")
    return name


@contextmanager
def opened(output: Path | None) -> Iterator[TextIO]:
    """Give stdout, or a file that appears whole when everything is written to it."""
    if output is None:
        yield sys.stdout
        sys.stdout.flush()
        return
    beside = output.with_name(f".{output.name}.{os.getpid()}")
    try:
        with beside.open("w", encoding="utf-8", newline="") as out:
            yield out
        os.replace(beside, output)
    except OSError as error:
        raise RunError(
            f"{output} can't be written: {error.strerror}", remedy="see its folder and the disk"
        ) from None
    finally:
        beside.unlink(missing_ok=True)


def run_plan(
    config: Path,
    sync: str | None,
    request: Request,
    form: str,
    output: Path | None,
    *,
    detailed: bool,
) -> int:
    """Plan, write the report, and return the exit status."""
    site = site_of(config)
    progress = for_stderr()
    try:
        plan = plan_sync(site, sync_name(site.config, sync), request, progress)
    finally:
        progress.close()
    _write(plan, form, output)
    if plan.summary.held:
        return 3
    return 2 if detailed and plan.changes else 0


def _write(plan: Plan, form: str, output: Path | None) -> None:
    with opened(output) as out:
        color = output is None and sys.stdout.isatty()
        write_report(plan, form, out, color=color)


def plan_id(site: Site, given: str) -> str:
    """Return the id of the plan that is meant by an id or by the path of a written plan file."""
    with reading(site.engine) as connection:
        path = Path(given)
        if path.is_file():
            try:
                text = path.read_text(encoding="utf-8")
            except (OSError, UnicodeDecodeError) as error:
                raise RunError(
                    f"the plan file {given} can't be read: {error}", remedy="give the plan's id"
                ) from None
            return plan_store.check_file(connection, read_plan(text))
        plan_store.load(connection, given)
        return given


def run_decide(config: Path, given: str, decision: Decision, by: str | None) -> int:
    """Record an operator's decision about a whole plan, and say so."""
    site = site_of(config)
    click.echo(decide(site, plan_id(site, given), decision, by or _login()))
    return 0


def decide(site: Site, chosen: str, decision: Decision, by: str) -> str:
    """Record a decision about a whole plan, and return it in words.

    The first approval of a full plan adopts the sync: its bindings last, and from then on the
    approval policy decides. Raises RunError for a plan that only shows something.
    """
    now = site.now()
    with site.engine.begin() as connection:
        plan = plan_store.load(connection, chosen)
        if plan.scope == PREVIEW or plan.sync not in site.config.syncs:
            raise RunError(
                f"plan {chosen} only shows another mapping or another day, or its sync is gone;"
                f" it can't be {decision}",
                remedy="make one without --mapping and without a future --as-of",
            )
        expires = site.config.syncs[plan.sync].approval.expires
        count = plan_store.decide(connection, plan, decision, by, now, expires)
        if decision == "approved" and plan.scope == "full":
            if not plan_store.is_adopted(connection, plan.sync):
                plan_store.adopt(connection, plan.sync, by, now)
            people_store.confirm(connection, plan.sync)
    held = sum(change.state == "held" for change in plan.changes)
    words = f"plan {chosen}: {count} changes {decision} by {by}"
    if held and decision == "approved":
        words += f"; {held} of them stay held by a limit, `provisioner show {chosen}` says which"
    return words


def _login() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        return f"uid {os.getuid()}"


def run_apply(config: Path, given: str, allowance: Allowance) -> int:
    """Carry out a recorded plan, and say how it went."""
    site = site_of(config)
    return _applied(site, plan_id(site, given), allowance)


def _applied(site: Site, chosen: str, allowance: Allowance) -> int:
    progress = for_stderr()
    try:
        result = apply_plan(site, chosen, allowance, progress)
    finally:
        progress.close()
    for line in told(result):
        click.echo(line)
    if result.stopped_by is not None:
        click.echo(f"failed: {result.stopped_by}", err=True)
    return result.status


def told(result: Applied) -> Iterator[str]:
    """Yield how a run of apply ended, a line at a time."""
    states = ", ".join(f"{count} {state}" for state, count in sorted(result.states.items()))
    yield f"plan {result.plan} applied: {states or 'nothing to do'}"
    if result.calls:
        calls = ", ".join(f"{count} {label}" for label, count in sorted(result.calls.items()))
        yield f"  write calls: {sum(result.calls.values())} ({calls})"
    for change, state, reason in result.left[:_SHOWN]:
        yield f"  {state}: {change.seq} {change.kind} {change.user}: {reason}"
    if len(result.left) > _SHOWN:
        rest = len(result.left) - _SHOWN
        yield f"  and {rest} more; `provisioner show {result.plan}` names them all"
    if result.held:
        yield f"  {result.held} changes are held by a limit; `provisioner show {result.plan}` says why"
    if result.unapproved:
        yield (
            f"  {result.unapproved} changes wait for approval:"
            f" `provisioner approve {result.plan}`, then apply again"
        )


def run_sync(config: Path, sync: str | None) -> int:
    """Plan and apply what the approval policy lets through, once."""
    site = site_of(config)
    progress = for_stderr()
    try:
        plan = plan_sync(site, sync_name(site.config, sync), Request(), progress)
    finally:
        progress.close()
    _write(plan, "text", None)
    return _applied(site, plan.id, Allowance())


def run_runs(config: Path, form: str, output: Path | None) -> int:
    """List the last runs and plans."""
    from provisioner.report.history import write_history

    site = site_of(config)
    with reading(site.engine) as connection:
        runs, plans = run_store.listed(connection), run_store.plans_listed(connection)
    with opened(output) as out:
        write_history(runs, plans, form, out, color=output is None and sys.stdout.isatty())
    return 0


def run_show(config: Path, given: str, form: str, output: Path | None) -> int:
    """Show a recorded plan."""
    site = site_of(config)
    chosen = plan_id(site, given)
    with reading(site.engine) as connection:
        plan = plan_store.load(connection, chosen)
    _write(plan, form, output)
    return 0
