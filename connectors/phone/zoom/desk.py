"""What every write has at hand: the API, the lookups, the options, and a memory of what was just added.

Zoom shows what was added late: for some seconds a new user may still "not exist" to the next
request. So that answer about somebody whom this program added a moment ago means "not yet", which is
worth another try, and about anybody else it means what it says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, Literal

import msgspec

from connectors.errors import PersonError, TransientError
from connectors.phone.zoom.answers import Refused
from connectors.phone.zoom.auth import Api, segment
from connectors.phone.zoom.catalog import Lookups
from connectors.phone.zoom.reading import Reader
from connectors.records import Change, Outcome, fold

VISIBLE_WITHIN = timedelta(minutes=5)
LOOK_AGAIN_S = 2.0
NO_USER = 1001
"""Zoom's code for a user who doesn't exist, or isn't in phone."""


class Options(msgspec.Struct, frozen=True):
    """What config says about writes.

    `action` and `account_type` are Zoom's for a new account; `leave` says what `user.delete` does,
    None where config doesn't say; `activate`, whether whoever is given a phone shall be able to call.
    """

    action: str = "create"
    account_type: int = 1
    leave: Literal["disassociate", "delete"] | None = None
    activate: bool = True


class Recent:
    """Whom this program added within the last minutes, by id and mail address."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._added: dict[str, datetime] = {}

    def add(self, *refs: str | None) -> None:
        """Remember somebody under these ids and addresses, and forget who was added long ago."""
        now = self._now()
        for ref in [r for r, at in list(self._added.items()) if now - at > VISIBLE_WITHIN]:
            self._added.pop(ref, None)
        self._added.update({fold(ref): now for ref in refs if ref})

    def has(self, *refs: str | None) -> bool:
        """Return whether one of these was added within the last minutes."""
        at = [self._added.get(fold(ref)) for ref in refs if ref]
        return any(a is not None and self._now() - a <= VISIBLE_WITHIN for a in at)


class Desk:
    """The tools of one connector's writes; see the module."""

    def __init__(self, api: Api, lookups: Lookups, reader: Reader, options: Options) -> None:
        self.api = api
        self.lookups = lookups
        self.reader = reader
        self.options = options
        self.recent = Recent(api.now)
        self.in_doubt = Recent(api.now)  # accounts whose creation got no answer

    def phone_path(self, change: Change, rest: str = "") -> str:
        """Return the path of the change's phone user, by id, by mail where there is none yet."""
        return f"/phone/users/{segment(change.id or change.user)}{rest}"

    def account_path(self, change: Change, rest: str = "") -> str:
        """Return the path of the change's account user, by id, by mail where there is none yet."""
        return f"/users/{segment(change.id or change.user)}{rest}"

    def email(self, change: Change) -> str:
        """Return the mail address that the account has now: a change names the directory's."""
        if change.id is None:
            return change.user
        known = self.lookups.email(change.id)
        if known:
            return known
        account = self.reader.account(change.id)
        if account is None and self.recent.has(change.id, change.user):
            raise TransientError(
                f"Zoom doesn't show {change.user} yet, who was added a moment ago",
                retry_after_s=LOOK_AGAIN_S,
            )
        if account is None or not account.get("email"):
            raise PersonError(
                f"{change.user} is no user of this Zoom account any more (id {change.id})",
                remedy="the next plan starts from what is there",
            )
        return str(account["email"])

    def send(self, method: str, path: str, json: Any = None, **params: str) -> Any:
        """Send a phone write with the label that almost all of them carry."""
        return self.api.request(method, path, label="phone.light", json=json, params=params or None)

    def remove(self, path: str, **params: str) -> None:
        """Send a DELETE; what isn't there (404) is removed."""
        try:
            self.send("DELETE", path, **params)
        except Refused as error:
            if error.status != 404:
                raise

    def not_yet(self, error: Refused, change: Change) -> TransientError | None:
        """Return the error to raise instead where it is somebody just added who doesn't exist."""
        if error.code == NO_USER and self.recent.has(change.id, change.user):
            return TransientError(
                f"Zoom doesn't show {change.user} yet, who was added a moment ago: {error.message}",
                retry_after_s=LOOK_AGAIN_S,
            )
        return None


@contextmanager
def looking_back() -> Iterator[None]:
    """Look for what a write did: whatever keeps the look from its end leaves the write in doubt."""
    try:
        yield
    except TransientError as error:
        raise TransientError(
            error.message, remedy=error.remedy, retry_after_s=error.retry_after_s, in_doubt=True
        ) from None


def done(changes: Iterable[Change]) -> list[Outcome]:
    """Return that the changes are done."""
    return [Outcome(change.seq, "done") for change in changes]


def failed(changes: Iterable[Change], error: PersonError) -> list[Outcome]:
    """Return that the changes failed, and why, on one line."""
    reason = "; ".join(part for part in (error.message, error.remedy) if part)
    return [Outcome(change.seq, "failed", reason) for change in changes]
