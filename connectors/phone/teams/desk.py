"""What every write has at hand, and how the answers of a batch become outcomes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from connectors.errors import PersonError, TransientError
from connectors.phone.teams.answers import Refused, judge
from connectors.phone.teams.api import Api, Item, segment
from connectors.phone.teams.policies import PolicyIds, Templates
from connectors.phone.teams.reading import Reader
from connectors.phone.teams.tenant import Tenant
from connectors.records import Change, Outcome, PhoneUser, fold

WRITE = "directory.write"


@dataclass(frozen=True, slots=True)
class Desk:
    """The tools of one connector's writes."""

    api: Api
    tenant: Tenant
    reader: Reader
    templates: Templates
    policy_ids: PolicyIds

    def entries(self, people: Iterable[tuple[Change, ...]]) -> dict[str, dict[str, Any]]:
        """Return the directory's entries of people by key, as they are now; who is gone isn't in it."""
        owners = {}
        stubs = []
        for own in people:
            stub = PhoneUser(own[0].id or "", email=_mail(own[0].user))
            owners[fold(stub.id or stub.email or "")] = own[0].key
            stubs.append(stub)
        found: dict[str, dict[str, Any]] = {}
        for entry, deleted in self.reader.accounts(stubs):
            names = (entry["id"], entry.get("mail"), entry.get("userPrincipalName"))
            key = next((owners[f] for x in names if (f := fold(str(x or ""))) in owners), None)
            if key is not None and not deleted:
                found[key] = entry
        return found

    def send(
        self,
        sendings: Sequence[tuple[tuple[Change, ...], Item]],
        settle: Callable[[tuple[Change, ...], Any], Iterable[Outcome]] | None = None,
        after_refusal: Callable[[tuple[Change, ...], Refused], Iterable[Outcome] | None]
        | None = None,
    ) -> Iterator[Outcome]:
        """Send a batch of writes and yield the outcomes of the changes that each carries.

        `settle` makes outcomes of a success's body (default: all done); `after_refusal` may make
        something of a refusal, None where it can't. Raises TransientError when the rest is told, if any
        of them must be sent again, or may have taken effect.
        """
        answers = self.api.batch([item for _, item in sendings], label=WRITE)
        again: TransientError | None = None
        for (changes, item), answer in zip(sendings, answers, strict=True):
            try:
                judge(f"{item.method} {item.path.partition('?')[0]}", answer)
            except Refused as error:
                told = None if after_refusal is None else after_refusal(changes, error)
                yield from failed(changes, error) if told is None else told
            except PersonError as error:
                yield from failed(changes, error)
            except TransientError as error:
                if again is None or error.in_doubt:
                    again = error
            else:
                yield from done(changes) if settle is None else settle(changes, answer.body)
        if again is not None:
            raise again


def user_path(change: Change) -> str:
    """Return the path of a change's user."""
    return f"/users/{segment(change.id or change.user)}"


def people_of(changes: Iterable[Change]) -> list[tuple[Change, ...]]:
    """Return the changes by person, in order."""
    people: dict[str, list[Change]] = {}
    for change in changes:
        people.setdefault(change.key, []).append(change)
    return [tuple(own) for own in people.values()]


def done(changes: Iterable[Change]) -> list[Outcome]:
    """Return that the changes are done."""
    return [Outcome(change.seq, "done") for change in changes]


def failed(changes: Iterable[Change], error: PersonError) -> list[Outcome]:
    """Return that the changes failed, and why, on one line."""
    reason = "; ".join(part for part in (error.message, error.remedy) if part)
    return [Outcome(change.seq, "failed", reason) for change in changes]


def not_yet(changes: Iterable[Change], reason: str) -> list[Outcome]:
    """Return that the changes wait as before, and are tried again by a later run."""
    return [Outcome(change.seq, "planned", reason) for change in changes]


def text_of(body: Mapping[str, Any], name: str) -> str:
    """Return a member as text, "" where it is none."""
    return str(body.get(name) or "")


def _mail(user: str) -> str | None:
    return user if "@" in user else None
