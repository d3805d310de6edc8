"""A trash that no interface shows: remembered, so that whoever returns in time is restored from it.

Where the trash takes the license and leaves the account, a read tells only that the license is gone.
So a plan that asks for somebody to be put there is remembered, and so is the read that shows them gone:
from then on the vendor keeps them for so many days. What is asked for by hand is verified by no more
than that, and the steps of the restore say what to do where the trash doesn't have them.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from connectors.records import Value
from provisioner.plan.differences import Case
from provisioner.plan.draft import Draft, Ground

TRASH = "trash"
"""Under this name it is kept as last applied: `{"since": the read that showed them gone, or null}`."""


def _hidden(ground: Ground) -> bool:
    """Return whether the trash takes the license, and the account goes on being read without it."""
    return "license" in ground.abilities.trash_takes


def _remembered(case: Case, ground: Ground) -> tuple[bool, datetime | None]:
    """Return whether somebody was to be put into the trash, and the read that showed them gone."""
    value = ground.memory.applied.get((case.key, TRASH))
    if not isinstance(value, dict):
        return False, None
    since = value.get("since")
    return True, datetime.fromisoformat(since) if since else None


def is_in_trash(case: Case, ground: Ground) -> bool:
    """Return whether somebody in scope, without a license, can still be restored."""
    actual = case.actual
    if not _hidden(ground) or actual is None or actual.license is not None:
        return False
    asked, since = _remembered(case, ground)
    kept = timedelta(days=ground.abilities.retention_days)
    return asked and (since is None or ground.as_of < since + kept)


def restore_changes(case: Case, ground: Ground) -> Iterator[Draft]:
    """Yield the restore of somebody who returns in time and is to have a license again."""
    given, actual = case.entitlements, case.actual
    assert given is not None
    wished = ground.manages("license") and "license" in given.single
    if actual is not None and wished and is_in_trash(case, ground):
        draft = Draft(
            "user.restore", case, None, actual.user, given.single["license"].rule, "service"
        )
        yield draft


def noted(case: Case, ground: Ground, *, asked: bool) -> Iterator[tuple[tuple[str, str], Value]]:
    """Yield what a plan learns of the trash; `asked`: it wants this one put there."""
    actual = case.actual
    if not _hidden(ground) or actual is None:
        return
    known, since = _remembered(case, ground)
    at = (case.key, TRASH)
    if asked and actual.license is not None:
        if not known or since is not None:
            yield at, {"since": None}
    elif known and actual.license is None and since is None:
        yield at, {"since": ground.now.isoformat()}
    elif known and actual.license is not None:
        yield at, None
