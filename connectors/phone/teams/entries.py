"""The directory's entries of users, as Graph lists and gives them: all, the deleted ones, or some.

Whatever keeps a read from its end, and whatever can't be understood, is an IncompleteRead: half a
directory would read as a building full of leavers.
Source: Microsoft Graph, user; directory: list deletedItems.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from connectors.errors import IncompleteRead, TransientError
from connectors.phone.teams.answers import Answer, Refused, judge
from connectors.phone.teams.api import AFRESH, Api, Item, quoted, segment
from connectors.records import PhoneUser, fold

SELECT = (
    "id,userPrincipalName,mail,displayName,department,jobTitle,accountEnabled,usageLocation,"
    "userType,employeeId,onPremisesImmutableId,onPremisesSyncEnabled,assignedLicenses,"
    "licenseAssignmentStates"
)
A_PAGE = "999"
USERS = "/users"
DELETED = "/directory/deletedItems/microsoft.graph.user"
TIMES = 5
_NAMES = ("id", "userPrincipalName", "mail", "assignmentTargetId")

Entry = dict[str, Any]


class Entries:
    """Reads entries of users."""

    def __init__(self, api: Api) -> None:
        self.api = api

    def listed(self, path: str) -> Iterator[Entry]:
        """Yield the entries of a list, USERS or DELETED, in Graph's order; no guests."""
        params = {"$select": SELECT, "$top": A_PAGE}
        for entry in self.api.entries(path, label="directory.read", params=params):
            if not entry.get("id"):
                raise IncompleteRead(f"the list {path} has an entry without an id", remedy=AFRESH)
            if not is_guest(entry):
                yield entry

    def named(self, names: Sequence[str]) -> list[Entry | None]:
        """Return the entry of each of these ids or userPrincipalNames, None for who isn't there."""
        paths = [f"{USERS}/{segment(name)}?$select={SELECT}" for name in names]
        return [object_in(answer) for answer in self.gets_of(names, paths)]

    def accounts(self, users: Iterable[PhoneUser]) -> Iterator[tuple[Entry, bool]]:
        """Yield the entries of users, by id, else by mail, and whether they are deleted; each once."""
        wanted = list(users)
        by_id = [user for user in wanted if user.id]
        left = [user for user in wanted if not user.id]
        met: set[str] = set()
        told = self.named([user.id for user in by_id])
        for user, entry in zip(by_id, told, strict=True):
            if entry is None:
                left.append(user)
            elif id_of(entry) not in met:
                met.add(id_of(entry))
                yield entry, False
        mails = [user.email for user in left if user.email]
        for mail, answer in zip(mails, self.gets_of(mails, map(_by_mail, mails)), strict=True):
            for entry in (object_in(answer) or {}).get("value", ()):
                if _is_of(mail, entry) and id_of(entry) not in met and not is_guest(entry):
                    met.add(id_of(entry))
                    yield entry, False
        gone = {fold(user.id) for user in left if user.id} - met
        if gone:
            yield from ((e, True) for e in self.listed(DELETED) if id_of(e) in gone)

    def gets_of(self, names: Sequence[str], paths: Iterable[str]) -> list[Answer]:
        """Ask for something of each user, by id or mail; again, a few times, if it is of somebody else."""
        asked = list(paths)
        answers = self._gets(asked)
        for _ in range(TIMES):
            wrong = [n for n, name in enumerate(names) if not _is_about(name, answers[n])]
            if not wrong:
                return answers
            for n, answer in zip(wrong, self._gets([asked[n] for n in wrong]), strict=True):
                answers[n] = answer
        raise TransientError(
            "Graph answers about somebody else than was asked for, again and again"
        )

    def _gets(self, paths: Sequence[str]) -> list[Answer]:
        return self.api.batch([Item("GET", path) for path in paths], label="directory.batch")


def object_in(answer: Answer) -> Entry | None:
    """Return an object out of a batch, None where it doesn't exist. Raises what `judge` raises."""
    if answer.status == 404:
        return None
    judge("GET a user", answer)
    if not isinstance(answer.body, dict):
        raise TransientError("a batch was answered with something that is no object")
    return answer.body


@contextmanager
def whole() -> Iterator[None]:
    """Turn whatever keeps a read from its end into an IncompleteRead."""
    try:
        yield
    except (Refused, TransientError) as error:
        raise IncompleteRead(
            f"the read of the tenant was cut off: {error.message}", remedy=error.remedy or AFRESH
        ) from None


@contextmanager
def understood(entry: Mapping[str, Any]) -> Iterator[None]:
    """Turn an entry's odd shape into an IncompleteRead."""
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise IncompleteRead(
            f"Graph's answer about user {entry.get('id')} can't be read: {error!r}", remedy=AFRESH
        ) from error


def id_of(entry: Mapping[str, Any]) -> str:
    """Return whom an entry is about, in small letters: lists may spell a GUID in their own way."""
    return fold(str(entry["id"]))


def is_guest(entry: Mapping[str, Any]) -> bool:
    """Return whether an entry is a guest's, who is no phone user."""
    return fold(str(entry.get("userType") or "")) == "guest"


def _by_mail(email: str) -> str:
    mail = quoted(email)
    test = segment(f"mail eq {mail} or userPrincipalName eq {mail}")
    return f"{USERS}?$filter={test}&$select={SELECT}"


def _is_about(name: str, answer: Answer) -> bool:
    """Return whether an answer is about the user of this id or mail; a list may be empty, too."""
    if answer.status >= 300 or not isinstance(answer.body, dict):
        return True
    listed = answer.body.get("value", [answer.body])
    return not listed or any(isinstance(e, dict) and _is_of(name, e) for e in listed)


def _is_of(name: str, entry: Mapping[str, Any]) -> bool:
    return fold(name) in (fold(str(entry.get(n) or "")) for n in _NAMES)
