"""`provisioner demo`: the whole way on the sample company, by the very code of the other commands.

It serves the simulated Zoom account and the branches' SCIM service on a free loopback port, reads the
three directories, shows the dry-run report, approves and applies the plan over HTTP, reads everything
back, and plans again: nothing is left to do.
"""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from connectors.errors import RunError
from provisioner.apply import Allowance, apply_plan
from provisioner.commands.plans import opened, told
from provisioner.commands.simulate import Simulated, application
from provisioner.config import Config, SyncConfig, load_config
from provisioner.deciding import decide
from provisioner.plan.model import Plan
from provisioner.planning import Request, plan_sync
from provisioner.progress import for_stderr
from provisioner.report import write_report
from provisioner.simulators import scim_service
from provisioner.wiring import Site, open_site

SERVED = "http://127.0.0.1:9000"
"""Where the demo's config expects the simulator; the demo itself takes a free port instead."""


def run_demo(path: Path, output: Path) -> int:
    """Run the demo, leaving its store, report and plan in `output`. Returns the exit status."""
    if not path.is_file():
        raise RunError(
            f"there is no {path}", remedy="run the demo in the project's folder, or give -c"
        )
    started = time.monotonic()
    output.mkdir(parents=True, exist_ok=True)
    for old in output.glob("demo.db*"):
        old.unlink()
    files = path.parent / path.stem
    simulated = Simulated(
        load=files / "phone.jsonl", directory=files / "branches.scim.jsonl", rate_limits=True
    )
    with scim_service.serve(application(simulated)) as url:
        site = open_site(_at(load_config(path), url, output))
        (name,) = site.config.syncs
        status = _walk(site, name, output)
    click.echo(f"\nThe whole way took {time.monotonic() - started:.1f} s.")
    return status


def _walk(site: Site, name: str, output: Path) -> int:
    _say("1. Dry run: read the directories and the phone system, and compare")
    plan = _planned(site, name)
    with opened(None) as out:
        write_report(plan, "text", out, color=out.isatty())
    report, document = output / "report.html", output / "plan.json"
    for path, form in ((report, "html"), (document, "json")):
        with opened(path) as out:
            write_report(plan, form, out)
    _say("2. Approve and apply it")
    for line in decide(site, plan.id, "approved", "demo"):
        click.echo(line)
    progress = for_stderr()
    try:
        applied = apply_plan(site, plan.id, Allowance(), progress)
    finally:
        progress.close()
    for line in told(applied):
        click.echo(line)
    if applied.status:
        return applied.status
    _say("3. Read everything back, and plan again")
    again = _planned(site, name)
    summary = again.summary
    click.echo(
        f"plan {again.id}: {len(again.changes)} changes, {summary.unchanged} of {summary.people}"
        " people as they should be" + ("; nothing is left to do" if not again.changes else "")
    )
    _say("Left behind")
    click.echo(f"the report  {report}\nthe plan    {document}\nthe store   {output / 'demo.db'}")
    return 1 if again.changes else 0


def _planned(site: Site, name: str) -> Plan:
    progress = for_stderr()
    try:
        return plan_sync(site, name, Request(), progress)
    finally:
        progress.close()


def _say(text: str) -> None:
    click.secho(f"\n{text}", bold=True)


def _at(config: Config, url: str, output: Path) -> Config:
    """Return the demo's config with the simulator's present address and a store of its own."""
    syncs = {name: _moved(sync, url) for name, sync in config.syncs.items()}
    return replace(config, store=f"sqlite:///{(output / 'demo.db').resolve()}", syncs=syncs)


def _moved(sync: SyncConfig, url: str) -> SyncConfig:
    def there(options: dict[str, Any]) -> dict[str, Any]:
        return {
            name: value.replace(SERVED, url, 1)
            if isinstance(value, str) and SERVED in value
            else value
            for name, value in options.items()
        }

    return replace(
        sync,
        directories=tuple(replace(d, options=there(d.options)) for d in sync.directories),
        phone_system=replace(sync.phone_system, options=there(sync.phone_system.options)),
    )
