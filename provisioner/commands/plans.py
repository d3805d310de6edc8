"""The life of a plan at the command line: plan, approve, reject, apply, sync, runs, show."""

from __future__ import annotations

import io
import os
import stat
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TextIO

import click

from connectors.errors import RunError
from connectors.records import Change, State, fold
from provisioner.apply import Allowance, Applied, apply_plan
from provisioner.commands.stopping import stopping
from provisioner.config import Config, load_config
from provisioner.freeze import DESPITE, Freeze, freezes
from provisioner.plan.document import instant, read_plan
from provisioner.plan.model import Plan
from provisioner.planning import Request, plan_sync
from provisioner.progress import for_stderr
from provisioner.report import figures, write_report
from provisioner.store import plans as plan_store
from provisioner.store import runs as run_store
from provisioner.store.database import reading
from provisioner.store.reviews import with_decisions
from provisioner.wiring import Site, open_site

_FOR_PROGRAMS = ("json", "jsonl", "csv", "html", "powershell")
"""Formats that are UTF-8 wherever they go; the others follow the terminal."""


def site_of(config: Path, *, outside: bool = True) -> Site:
    """Load the config and open its store; see `load_config` for `outside`."""
    if not config.is_file():
        raise RunError(f"there is no config file {config}", remedy="give its path with -c")
    return open_site(load_config(config, outside=outside))


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
def opened(output: Path | None, form: str = "text") -> Iterator[TextIO]:
    """Give stdout, or a file that appears whole when everything is written to it.

    A pipe or a device is written to as it is. What `form` is read by programs is UTF-8.
    """
    if output is None:
        yield _stdout(form)
        sys.stdout.flush()
        return
    try:
        target = output.resolve()  # a link stays one
        if _is_special(target):
            with target.open("w", encoding="utf-8", newline="") as out:
                yield out
            return
        beside = target.with_name(f".{target.name}.{os.getpid()}")
        try:
            with beside.open("w", encoding="utf-8", newline="") as out:
                yield out
            os.replace(beside, target)
        finally:
            beside.unlink(missing_ok=True)
    except OSError as error:
        raise RunError(
            f"{output} can't be written: {error.strerror or error}",
            remedy="see its folder and the disk",
        ) from None


def _is_special(path: Path) -> bool:
    """Return whether a path is there and no regular file; a folder raises IsADirectoryError."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return False
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(0, "it is a folder")
    return not stat.S_ISREG(mode)


def _stdout(form: str) -> TextIO:
    """Return stdout, such that no letter breaks off what is written to it."""
    out = sys.stdout
    if isinstance(out, io.TextIOWrapper):
        if form in _FOR_PROGRAMS and not out.isatty():
            out.reconfigure(encoding="utf-8", errors="strict")
        else:
            out.reconfigure(errors="backslashreplace")
    return out


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
    name = sync_name(site.config, sync)
    _refuse_unknown(request.accept, [d.name for d in site.config.syncs[name].directories])
    progress = for_stderr()
    try:
        plan = plan_sync(site, name, request, progress)
    finally:
        progress.close()
    _write(plan, form, output)
    if plan.summary.held:
        return 3
    due = any(change.state in ("planned", "approved", "manual") for change in plan.changes)
    return 2 if detailed and due else 0


def _refuse_unknown(accepted: Iterable[str], directories: Sequence[str]) -> None:
    for name in accepted:
        if name not in directories:
            raise RunError(
                f"--accept-read: there is no directory {name!r}",
                remedy=f"the sync has: {', '.join(directories)}",
            )


def _write(plan: Plan, form: str, output: Path | None) -> None:
    with opened(output, form) as out:
        color = output is None and sys.stdout.isatty()
        write_report(plan, form, out, color=color)


def plan_id(site: Site, given: str) -> str:
    """Return the id of the plan that is meant by an id or by the path of a written plan file.

    Raises RunError, naming the file, for one that is not just what was recorded.
    """
    with reading(site.engine) as connection:
        if plan_store.exists(connection, given):
            return given
        text = _read(given)
        if text is None:
            raise RunError(
                f"there is no plan {given!r} in this store, nor a file of that name",
                remedy="`provisioner runs` lists the plans",
            )
        try:
            return plan_store.check_file(connection, read_plan(text))
        except RunError as error:
            raise RunError(f"{given}: {error.message}", remedy=error.remedy) from None
        except RecursionError:
            raise RunError(f"{given} is no plan file", remedy="give the plan's id") from None


def _read(given: str) -> str | None:
    """Return a file's text, None if there is no such file. Raises RunError if it can't be read."""
    try:
        return Path(given).read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is no text in UTF-8"
        raise RunError(
            f"the plan file {given} can't be read: {reason}", remedy="give the plan's id"
        ) from None


def run_apply(config: Path, given: str, allowance: Allowance) -> int:
    """Carry out a recorded plan, and say how it went; who is parked is tried again, as somebody asks."""
    site = site_of(config)
    return _applied(site, plan_id(site, given), replace(allowance, parked=True))


def _applied(site: Site, chosen: str, allowance: Allowance) -> int:
    progress = for_stderr()
    try:
        with stopping(site.stop):
            result = apply_plan(site, chosen, allowance, progress)
    finally:
        progress.close()
    plan = _standing(site, chosen)
    say(told(result, plan, freezes(site.config.syncs[plan.sync].freeze, site.now())))
    if result.stopped_by is not None:
        click.echo(f"failed: {result.stopped_by}", err=True)
    return result.status


def say(lines: Iterable[str]) -> None:
    """Print lines; a reader who has gone away changes nothing of what was done."""
    try:
        out = _stdout("text")
        for line in lines:
            out.write(f"{line}\n")
        out.flush()
    except BrokenPipeError:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - for good


def _standing(site: Site, chosen: str) -> Plan:
    """Return a recorded plan as it stands now, with what is decided about it."""
    with reading(site.engine) as connection:
        plan = plan_store.load(connection, chosen)
        second = site.config.approval_of(plan.sync).second
        return with_decisions(connection, plan, second, site.now())


def told(
    result: Applied, plan: Plan | None = None, holding: Sequence[Freeze] = ()
) -> Iterator[str]:
    """Yield how a run of apply ended, a line at a time; whoever was left is named.

    `plan`: as it stands since, for why its changes are held or wait; `holding`: the freezes.
    """
    states = ", ".join(f"{count} {state}" for state, count in sorted(result.states.items()))
    yield f"plan {result.plan} applied: {states or 'nothing to do'}"
    if result.calls:
        calls = ", ".join(f"{count} {label}" for label, count in sorted(result.calls.items()))
        yield f"  write calls: {sum(result.calls.values())} ({calls}); fresh reads: {result.reads}"
    people: dict[str, list[tuple[Change, State, str]]] = {}
    for each in result.left:
        people.setdefault(fold(each[0].key), []).append(each)
    for (change, state, reason), *others in people.values():
        seqs = ", ".join(str(other.seq) for other, _, _ in others)
        more = f" (and with it, of the same person: {seqs})" if seqs else ""
        yield f"  {state}: {change.seq} {change.kind} {change.user}: {reason}{more}"
    for change, reason in result.waiting:
        yield f"  not possible yet: {change.seq} {change.kind} {change.user}: {reason}"
    if result.later:
        yield f"  {result.later} wait until what they need is effective: every plan and apply looks again"
    if result.quarantined_until is not None:
        yield (
            f"  most of its calls failed: the daemon waits until {instant(result.quarantined_until)};"
            " `provisioner quarantine release --all` lets it go on"
        )
    if result.held:
        yield f"  {result.held} changes are held by a limit; `provisioner show {result.plan}` says why"
        for reason, count in figures.held_reasons(plan)[: figures.MOST_REASONS] if plan else ():
            yield f"    {count}: {reason}"
    if result.frozen:
        named = " and ".join(map(str, holding)) or "a freeze"
        yield (
            f"  {result.frozen} changes wait for the end of {named}; if they must now:"
            f" `provisioner apply {result.plan} {DESPITE}`"
        )
    if result.unapproved:
        yield (
            f"  {result.unapproved} changes wait for approval:"
            f" `provisioner approve {result.plan}`, then apply again"
        )
    if plan is not None:
        for decided in plan.decisions:
            if decided.lacks or decided.decision != "approved":
                yield f"    {len(decided.seqs)} {figures.decision_in_words(decided, plan)}"


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
        runs = run_store.listed(connection)
        second = {name: sync.approval.second for name, sync in site.config.syncs.items()}
        plans = run_store.plans_listed(connection, second=second, now=site.now())
    with opened(output, form) as out:
        write_history(runs, plans, form, out, color=output is None and sys.stdout.isatty())
    return 0


def run_show(config: Path, given: str, form: str, output: Path | None) -> int:
    """Show a recorded plan."""
    site = site_of(config)
    _write(_standing(site, plan_id(site, given)), form, output)
    return 0
