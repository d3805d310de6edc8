"""`provisioner explain`: why somebody has what they have, and why not something else."""

from __future__ import annotations

import sys
from pathlib import Path

from provisioner.commands.plans import opened, site_of, sync_name
from provisioner.explaining import Question, asked_about, explain
from provisioner.progress import for_stderr
from provisioner.report.explanation import write_explanation


def run_explain(
    config: Path,
    sync: str | None,
    user: str,
    why_not: str | None,
    form: str,
    output: Path | None,
    *,
    offline: bool,
) -> int:
    """Explain one person, and return the exit status."""
    site = site_of(config)
    question = Question(user, None if why_not is None else asked_about(why_not), offline)
    progress = for_stderr()
    try:
        about = explain(site, sync_name(site.config, sync), question, progress)
    finally:
        progress.close()
    with opened(output, form) as out:
        write_explanation(about, form, out, color=output is None and sys.stdout.isatty())
    return 0
