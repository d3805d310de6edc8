"""Filters and sortings that SQL can't say: worked out on the resources that SQL leaves, one batch at a time.

A scan looks at no more than MAX_SCANNED resources: who asks for more is told to narrow the search. Of a
filtered list only the page is kept, of a sorted one a key for each resource.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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

    def keys(self, sort: Sort | None) -> list[tuple[Comparable, int]]:
        """Return by what each resource is sorted, and its number, in the order of these."""
        return [
            (_comparable(sort.key(resource) if sort else None), row.seq)
            for row, resource in self._matching(sort)
        ]

    def _sorted_page(self, sort: Sort, skip: int, count: int, place: list[Any] | None) -> Found:
        keys = self.keys(sort)
        keys.sort(key=lambda each: each[0], reverse=sort.descending)
        start = skip
        if place is not None:
            start = position(keys, place, sort.descending) if place else 0
        rows, end = list[StoredRow](), start
        while len(rows) < count and end < len(keys):
            chosen = [seq for _, seq in keys[end : end + count - len(rows)]]
            by_seq = {row.seq: row for row in self.rows(chosen)}
            # who was deleted since the keys were read leaves no gap: others have the place
            rows += [by_seq[seq] for seq in chosen if seq in by_seq]
            end += len(chosen)
        going_on = start < end < len(keys)
        next_place = [list(keys[end - 1][0]), keys[end - 1][1]] if going_on else None
        gone = max(0, end - start) - len(rows)
        return Found(len(keys) - gone, rows, next_place, start)

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

    def rows(self, seqs: list[int]) -> list[StoredRow]:
        """Load those of the resources that are still there, in any order."""
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


Comparable = tuple[bool, Any]
"""A sort key that compares with every other: whether there is no value, and the value."""


def _comparable(key: SortKey) -> Comparable:
    return (True, "") if key is None else (False, key)


def position(keys: Sequence[tuple[Comparable, Any]], place: Sequence[Any], descending: bool) -> int:
    """Return how many of the sorted keys come up to a place and at it."""
    (absent, key), number = place
    reached = (bool(absent), key)
    for index, (own, own_number) in enumerate(keys):
        if own == reached:
            if own_number > number:
                return index
        elif (own > reached) != descending:
            return index
    return len(keys)
