"""The directory's users: read in full now and then, and brought up to date by delta queries between.

A delta query is asked only whom to look at, never what is true of them: it may be late, repeat itself,
show somebody twice, leave out a restored user where properties are selected, and never tells of
licenseAssignmentStates, by which a group's licenses differ from a user's own. So whoever it tells of is
read again by id; so are whoever this process wrote to, whoever entered or left the list of deleted
users, and whoever entered or left a group that gives licenses. What is asked reaches back beyond the
last read, by an hour for users and writes and by a day for groups, so that what shows late isn't lost.

Nobody is gone because a list doesn't show them: only who can't be read by id, and is among the deleted
users, was among them, or of whom Graph said that they were deleted for good. The tenant counts the
seats in use of what phones need: where one moves otherwise than what people hold, somebody's license
was missed. Whatever doesn't fit together, an expired token above all, makes the read a full one.
Sources: Microsoft Graph, "Use delta query to track changes", user: delta, group: delta;
microsoft-graph-docs, issue 5821 (restored users).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

import msgspec

from connectors.errors import IncompleteRead, RunError, TransientError
from connectors.phone.teams.answers import Refused
from connectors.phone.teams.api import AFRESH, BATCH, Api
from connectors.phone.teams.entries import (
    A_PAGE,
    DELETED,
    SELECT,
    USERS,
    Entries,
    Entry,
    id_of,
    is_guest,
    understood,
)
from connectors.phone.teams.memory import (
    NOTHING,
    Known,
    Link,
    Memory,
    Packed,
    Packer,
    reaching,
    seats_of,
    unpack,
)
from connectors.records import fold

LATE, PROCESSED = timedelta(hours=1), timedelta(days=1)
"""How long a change may take until everything shows it: of a user, and of a group's licenses."""
FEW = 200
"""So many may always be read by id; of more, as many as take no more requests than everybody does."""
OF_USERS = ("/users/delta", SELECT.removesuffix(",licenseAssignmentStates"))
OF_GROUPS = ("/groups/delta", "assignedLicenses,members")


class _Doubt(Exception):
    """What changed can't be told for certain, or takes more requests than reading everything."""


class UserList:
    """Reads the directory's users.

    `used` tells how many seats of products for phones the tenant counts as used, by GUID. `full_every`:
    the longest time between full reads; with 0 every read is one.
    """

    def __init__(
        self,
        entries: Entries,
        used: Callable[[], Mapping[str, int]],
        memory: Memory,
        full_every: timedelta,
    ) -> None:
        self._entries, self._used = entries, used
        self._memory, self._full_every = memory, full_every
        self._api = entries.api

    def read(self) -> Iterator[tuple[Entry, bool]]:
        """Yield everybody's entry once, and whether they are deleted: those come last; no guests.

        Raises what keeps a full read from its end; then what was remembered stays as it was.
        """
        caught_up = self._caught_up(self._memory.known)
        if caught_up is None:
            yield from self._in_full(self._memory.known)
            return
        known, trashed = caught_up
        for packed in known.live.values():
            yield unpack(packed), False
        for entry in trashed:
            yield entry, True

    def wrote(self, names: Iterable[str]) -> None:
        """Have the next reads look at these users: ids, or userPrincipalNames."""
        now = self._api.now()
        self._memory.written.update(dict.fromkeys(names, now))

    def _in_full(self, before: Known | None) -> Iterator[tuple[Entry, bool]]:
        """Yield what the lists say. The links are had first, so that no change falls between."""
        begun = self._api.now()
        users, groups = self._first_link(OF_USERS, begun), self._first_link(OF_GROUPS, begun)
        followed = users is not None and groups is not None
        packer, live, trashed = Packer(), dict[str, Packed](), dict[str, str]()
        for entry in self._entries.listed(USERS):
            if (id := id_of(entry)) not in live:
                with understood(entry):
                    live[id] = packer.pack(entry) if followed else NOTHING
                yield entry, False
        for entry in self._entries.listed(DELETED):
            if (id := id_of(entry)) not in live and id not in trashed:
                trashed[id] = str(entry["id"])
                yield entry, True
        if users is not None and groups is not None:
            self._memory.known = Known(
                full_at=begun,
                live=live,
                trashed=trashed,
                packer=packer,
                unseen=self._unseen(live),
                users=reaching((*(before.users if before else ()), users), begun - LATE),
                groups=reaching((*(before.groups if before else ()), groups), begun - PROCESSED),
            )
        elif self._full_every:
            self._memory.known = None
        known = self._memory.known  # perhaps another reader's, who still asks for older writes
        self._written((known.users[-1].at if known else begun) - LATE)

    def _first_link(self, what: tuple[str, str], at: datetime) -> Link | None:
        """Return a link that tells changes from now on, None where none is needed or to be had."""
        if not self._full_every:
            return None
        path, names = what
        asked = _Round(self._api, path, {"$select": names, "$deltatoken": "latest"})
        try:
            for _ in asked:
                pass
        except (Refused, IncompleteRead, TransientError, RunError):
            return None  # the lists come next, and say what is wrong if they can't be read either
        return Link(at, asked.link)

    def _caught_up(self, known: Known | None) -> tuple[Known, list[Entry]] | None:
        """Return the directory with what changed since, and who is deleted; None for a full read."""
        now = self._api.now()
        if known is None or not known.full_at <= now < known.full_at + self._full_every:
            return None
        try:
            found = self._changed(known, now)
        except _Doubt:
            return None
        except (Refused, IncompleteRead, TransientError):
            self._memory.known = None  # with its links: they may be what is wrong
            return None
        self._memory.known = found[0]
        return found

    def _changed(self, known: Known, now: datetime) -> tuple[Known, list[Entry]]:
        """Return the same for links that work. Raises _Doubt, and what a request raises."""
        most = max(FEW, len(known.live) * BATCH // int(A_PAGE))
        before = known.users[-1].at
        users, groups = (
            reaching(known.users, before - LATE),
            reaching(known.groups, before - PROCESSED),
        )
        told = _Told(self._api, users[0], most)
        moved = _Moved(self._api, groups[0], known.packer.giving)
        trashed = self._trashed()

        look = {id: name for id, name in told.names.items() if told.is_there(id, known)}
        look |= moved.names | self._written(before - LATE)
        look |= {id: str(trashed[id]["id"]) for id in trashed.keys() & known.live.keys()}
        look |= {id: name for id, name in known.trashed.items() if id not in trashed}
        if len(look) > most:
            raise _Doubt

        live = dict(known.live)
        gone, missing = set(), set()
        for id, entry in zip(look, self._entries.named(list(look.values())), strict=True):
            if entry is not None and not is_guest(entry):
                with understood(entry):
                    live[id_of(entry)] = known.packer.pack(entry)
            elif entry is not None or id in trashed or id in known.trashed or id in told.for_good:
                gone.add(id)
            elif id in live or (id in told.names and id not in told.removed):
                missing.add(id)
        if missing:  # deleted since the list was read, or else Graph contradicts itself
            trashed |= self._trashed()
            if not missing <= trashed.keys():
                raise _Doubt
        for id in gone | missing:
            live.pop(id, None)
        if self._unseen(live) != known.unseen:
            raise _Doubt
        left = {id: entry for id, entry in trashed.items() if id not in live}
        found = msgspec.structs.replace(
            known,
            live=live,
            trashed={id: str(entry["id"]) for id, entry in left.items()},
            users=(*users, Link(now, told.link)),
            groups=(*groups, Link(now, moved.link)),
        )
        return found, list(left.values())

    def _unseen(self, live: Mapping[str, Packed]) -> dict[str, int]:
        seats = seats_of(live.values())
        more = {sku: used - seats[sku] for sku, used in self._used().items()}
        return {sku: number for sku, number in more.items() if number}

    def _trashed(self) -> dict[str, Entry]:
        return {id_of(entry): entry for entry in self._entries.listed(DELETED)}

    def _written(self, since: datetime) -> dict[str, str]:
        """Return whom this process wrote to since a moment, and forget the others."""
        written = self._memory.written
        for name in [name for name, at in list(written.items()) if at < since]:
            written.pop(name, None)
        return {fold(name): name for name in list(written)}


class _Round:
    """One round of a delta query: iterated to its end, `link` tells what comes after it."""

    def __init__(self, api: Api, address: str, params: Mapping[str, str] | None = None) -> None:
        self._api, self._address, self._params = api, address, params
        self.link = ""

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Yield each object as often as Graph tells of it. Raises IncompleteRead for an odd answer."""
        address, params, seen = self._address, self._params, {self._address}
        while True:
            page = self._api.get(address, label="directory.read", params=params)
            value = page.get("value") if isinstance(page, dict) else None
            if not isinstance(value, list) or not all(_has_id(each) for each in value):
                raise IncompleteRead("a delta query has a page without values", remedy=AFRESH)
            yield from value
            if not (following := page.get("@odata.nextLink")):
                break
            if following in seen:
                raise IncompleteRead("a delta query runs in a circle", remedy=AFRESH)
            seen.add(following)
            address, params = str(following), None
        self.link = str(page.get("@odata.deltaLink") or "")
        if not self.link:
            raise IncompleteRead("a delta query ends without a link", remedy=AFRESH)


class _Told:
    """Of whom a link tells: `names` as Graph spells them, by id in small letters.

    The last word on each: `removed` are those who are deleted, `for_good` those of them who can't be
    restored. Raises _Doubt where there are more than `most`.
    """

    def __init__(self, api: Api, link: Link, most: int) -> None:
        asked = _Round(api, link.address)
        self.names: dict[str, str] = {}
        self.removed: set[str] = set()
        self.for_good: set[str] = set()
        for each in asked:
            id = id_of(each)
            self.names[id] = str(each["id"])
            self.removed.discard(id)
            self.for_good.discard(id)
            if (removed := each.get("@removed")) is not None:
                self.removed.add(id)
                if isinstance(removed, dict) and removed.get("reason") == "deleted":
                    self.for_good.add(id)
            if len(self.names) > most:
                raise _Doubt
        self.link = asked.link

    def is_there(self, id: str, known: Known) -> bool:
        """Return whether somebody is worth a look: who is gone for good and isn't known isn't."""
        return id not in self.for_good or id in known.live


class _Moved:
    """Who entered or left a group that gives licenses: `names` as Graph spells them, by id.

    A group's licenses reach its members later. `giving` are the products that members have from each
    group: as long as a group that is told of gives others, anybody's may be about to change: _Doubt.
    """

    def __init__(self, api: Api, link: Link, giving: Mapping[str, frozenset[str]]) -> None:
        asked = _Round(api, link.address)
        licenses: dict[str, frozenset[str]] = {}
        members: dict[str, dict[str, str]] = {}
        for each in asked:
            group = id_of(each)
            with understood(each):
                if "@removed" in each:
                    licenses[group] = frozenset()
                elif (given := each.get("assignedLicenses")) is not None:
                    licenses[group] = frozenset(fold(str(license["skuId"])) for license in given)
                for member in each.get("members@delta") or ():
                    members.setdefault(group, {})[id_of(member)] = str(member["id"])
        self.names: dict[str, str] = {}
        for group in licenses.keys() | members.keys():
            gives = licenses.get(group, frozenset())
            if gives != giving.get(group, frozenset()):
                raise _Doubt
            if gives:
                self.names |= members.get(group, {})
        self.link = asked.link


def _has_id(each: object) -> bool:
    return isinstance(each, dict) and bool(each.get("id"))
