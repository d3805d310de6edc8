"""Filters and sortings that SQL can't say: worked out on the resources that SQL leaves, one batch at a time.

A scan looks at no more than MAX_SCANNED resources: who asks for more is told to narrow the search. Of a
filtered list only the page is kept, of a sorted one a key for each resource.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from connectors.scim_filter import Filter
from provisioner.scim.errors import ScimError
from provisioner.scim.kinds import Found, Kind, Sort, SortKey, StoredRow
from provisioner.scim.rendering import Resource
from provisioner.store.direct import Session

MAX_SCANNED = 500_000
"""Resources that one request may look at."""

_BATCH = 500


class Scan:
    """The resources for which `where` holds (with its values), and which the filter matches."""

    def __init__(
        self,
        session: Session,
        kind: Kind,
        filter: Filter | None,
        where: str,
        values: dict[str, Any],
        base: str,
        *,
        related: bool,
    ) -> None:
        self.session, self.kind, self.filter = session, kind, filter
        self.where, self.values, self.base, self.related = where, values, base, related

    def page(self, sort: Sort | None, skip: int, count: int, place: list[Any] | None) -> Found:
        """Return a page: what comes after `skip` others, or after the place of a cursor ([]: all)."""
        if sort is not None:
            return self._sorted_page(sort, skip, count, place)
        after = place[0] if place else 0
        rows: list[StoredRow] = []
        total, before, more = 0, 0, False
        for row, _ in self._matching(None):
            wanted = row.seq > after if place is not None else total >= skip
            total += 1
            before += not wanted
            if wanted and len(rows) < count:
                rows.append(row)
            elif wanted:
                more = True
        return Found(total, rows, [rows[-1].seq] if more and rows else None, before)

    def _sorted_page(self, sort: Sort, skip: int, count: int, place: list[Any] | None) -> Found:
        keys = [
            (_comparable(sort.key(resource)), row.seq) for row, resource in self._matching(sort)
        ]
        keys.sort(key=lambda each: each[1])
        keys.sort(key=lambda each: each[0], reverse=sort.descending)
        start = skip
        if place is not None:
            start = _position(keys, place, sort.descending) if place else 0
        chosen = keys[start : start + count]
        by_seq = {row.seq: row for row in self._of([seq for _, seq in chosen])}
        rows = [by_seq[seq] for _, seq in chosen if seq in by_seq]
        going_on = chosen and start + count < len(keys)
        next_place = [list(chosen[-1][0]), chosen[-1][1]] if going_on else None
        return Found(len(keys), rows, next_place, start)

    def _matching(self, sort: Sort | None) -> Iterator[tuple[StoredRow, Resource]]:
        paths = set(self.filter.paths) if self.filter else set()
        if sort:
            paths.add(sort.path)
        reads = frozenset(path.attribute for path in paths)
        matches = self.filter.matches if self.filter else None
        # a user's meta.version tells of the groups too
        for batch in self._batches(self.related or not reads.isdisjoint(("groups", "meta"))):
            resources = self.kind.resources(self.session, batch, reads, self.base)
            for row, resource in zip(batch, resources, strict=True):
                if matches is None or matches(resource):
                    yield row, resource

    def _batches(self, related: bool) -> Iterator[list[StoredRow]]:
        alias, after, scanned = self.kind.alias, 0, 0
        sql = (
            f"SELECT {self.kind.selected(self.session, related=related)}"
            f" FROM {self.kind.table} {alias} WHERE {self.where} AND {alias}.seq > :after"
            f" ORDER BY {alias}.seq LIMIT {_BATCH}"
        )
        while True:
            found = self.session.rows(sql, **self.values, after=after)
            scanned += len(found)
            if scanned > MAX_SCANNED:
                raise ScimError(
                    400,
                    f"more than {MAX_SCANNED} resources would have to be looked at: narrow the filter"
                    " by userName, externalId, id, emails.value, displayName, active or"
                    " meta.lastModified",
                    "tooMany",
                )
            if found:
                after = found[-1][0]
                yield self.kind.rows(self.session, found)
            if len(found) < _BATCH:
                return

    def _of(self, seqs: list[int]) -> list[StoredRow]:
        if not seqs:
            return []
        alias = self.kind.alias
        found = self.session.rows(
            f"SELECT {self.kind.selected(self.session, related=self.related)}"
            f" FROM {self.kind.table} {alias} WHERE {alias}.sync = :sync"
            f" AND {alias}.seq IN (SELECT value FROM {self.session.numbers('seqs')} each)",
            sync=self.values["sync"],
            seqs=self.session.listed(seqs),
        )
        return self.kind.rows(self.session, found)


_Comparable = tuple[bool, Any]
"""A sort key that compares with every other: whether there is no value, and the value."""


def _comparable(key: SortKey) -> _Comparable:
    return (True, "") if key is None else (False, key)


def _position(keys: list[tuple[_Comparable, int]], place: list[Any], descending: bool) -> int:
    """Return how many of the sorted keys come up to a place and at it."""
    (absent, key), seq = place
    reached = (bool(absent), key)
    for position, (own, own_seq) in enumerate(keys):
        if own == reached:
            if own_seq > seq:
                return position
        elif (own > reached) != descending:
            return position
    return len(keys)
