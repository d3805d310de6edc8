"""Undo at the command line: the inverse plan of a run, written as a report."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from provisioner.commands.plans import opened, site_of
from provisioner.progress import for_stderr
from provisioner.report import write_report
from provisioner.undoing import undo_run

_HELD = 3


def run_undo(config: Path, run: str, users: Sequence[str], form: str, output: Path | None) -> int:
    """Plan the undo of a run, write the report, and return the exit status."""
    site = site_of(config)
    progress = for_stderr()
    try:
        plan = undo_run(site, run, users, progress)
    finally:
        progress.close()
    with opened(output, form) as out:
        write_report(plan, form, out, color=output is None and sys.stdout.isatty())
    return _HELD if plan.summary.held else 0
