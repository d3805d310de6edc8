"""`provisioner explain`: why somebody has what they have, and why not something else."""

from __future__ import annotations

import sys
from pathlib import Path

from connectors.errors import RunError
from provisioner.commands.plans import opened, site_of, sync_name
from provisioner.explaining import Question, explain
from provisioner.plan.why_not import entitlement_called
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


def asked_about(text: str) -> tuple[str, str]:
    """Return what `--why-not` asks about, (entitlement, value). Raises RunError.

    >>> asked_about("package=US/CA Unlimited")
    ('packages', 'US/CA Unlimited')
    """
    name, equals, value = text.partition("=")
    if not (equals and name.strip() and value.strip()):
        raise RunError(
            f"--why-not takes ENTITLEMENT=VALUE, not {text!r}",
            remedy="as in --why-not license=zoom_phone",
        )
    try:
        return entitlement_called(name.strip()), value.strip()
    except ValueError as error:
        raise RunError(f"--why-not: {error}", remedy="as in --why-not license=zoom_phone") from None
