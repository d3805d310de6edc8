"""Lists: what a filter finds, sorted, one page at a time (RFC 7644 section 3.4.2, RFC 9865).

Resources come in the order of their creation unless sorted, ties in that order too, so that pages have a
total order. A walk by cursor goes on from the last resource that it saw, whatever comes and goes; so does
one by index as long as it is remembered (walks.py), and its total then counts those who are gone since.
Without that, it meets everybody who is there all the while that others are only created or changed.

What has an index is looked up (conditions.py); a filter or a sorting that SQL can't say is worked out on
the resources that are left, up to a bound (scan.py). No total is had by loading resources that SQL
can count.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, NamedTuple

from connectors.scim_filter import Filter, FilterError, Path, parse_filter, parse_path
from provisioner.scim.conditions import TRUE, Binder, condition
from provisioner.scim.cursors import Cursors
from provisioner.scim.errors import ScimError, invalid_value
from provisioner.scim.kinds import Found, Kind, Sort, StoredRow
from provisioner.scim.references import by_id
from provisioner.scim.scan import Scan
from provisioner.scim.walks import Client, Place
from provisioner.store.direct import Session
from provisioner.store.scim_counts import total_and_place


class Window(NamedTuple):
    """The part of a list that is asked for.

    `size` resources, from `start` on (counted from 1), or from a cursor on ("": from the first).
    """

    size: int
    start: int = 1
    cursor: str | None = None


class Page(NamedTuple):
    """One page. `start` is None in a walk by cursor; `next_cursor` is None on its last page."""

    total: int
    rows: list[StoredRow]
    start: int | None = None
    next_cursor: str | None = None


class Said(NamedTuple):
    """A query as SQL: what its rows meet, and the values in it.

    `exact`: that is all that the filter says. `few`: there are few such rows.
    """

    where: str
    values: dict[str, Any]
    exact: bool
    few: bool


_LONGEST_KEPT = 500
"""Characters of a filter that is remembered: clients look the same groups up again and again."""


@dataclass(frozen=True, eq=False)
class Query:
    """What a list is of: a kind of resource, a filter or none, a sorting or none."""

    kind: Kind
    filter: Filter | None = None
    sort: Sort | None = None

    @classmethod
    def parse(
        cls, kind: Kind, filter: str | None, sort_by: str | None = None, *, descending: bool = False
    ) -> Query:
        """Read a client's filter and sorting. Raises ScimError (400 invalidFilter, invalidValue)."""
        short = len(filter or "") + len(sort_by or "") <= _LONGEST_KEPT
        return (_read if short else _read.__wrapped__)(kind, filter, sort_by, descending)

    def said(self, *, postgresql: bool) -> Said:
        """Return the query as SQL for a database; it is worked out once."""
        known = self._said.get(postgresql)
        if known is None:
            known = self._said[postgresql] = self._in_sql(Binder(postgresql))
        return known

    @cached_property
    def _said(self) -> dict[bool, Said]:
        return {}

    def _in_sql(self, binder: Binder) -> Said:
        where = f"{self.kind.alias}.sync = :sync"
        if self.filter is None:
            return Said(where, binder.values, True, False)
        found = condition(self.filter.tree, self.kind.columns, binder)
        if found.sql != TRUE:
            where += f" AND {found.sql}"
        return Said(where, binder.values, found.exact, found.few)

    @property
    def text(self) -> str:
        """The query in canonical words: of two that differ, these differ."""
        sorting = f"{self.sort.path} {self.sort.descending}" if self.sort else ""
        return f"{self.kind.name}\n{self.filter.text if self.filter else ''}\n{sorting}"


@lru_cache(maxsize=512)
def _read(kind: Kind, filter: str | None, sort_by: str | None, descending: bool) -> Query:
    schema = kind.schema
    try:
        # WSO2 Identity Server and authentik before 2025.10 write names without quotes
        read = parse_filter(filter, schema, quoted=False) if filter and filter.strip() else None
    except FilterError as error:
        raise ScimError(400, f"filter: {error}", "invalidFilter") from None
    if read is not None and "$ref" in (filter or "").lower():
        read = Filter(by_id(read.tree))
    if read is not None and any(map(_forgotten, read.paths)):
        raise ScimError(400, "filter: nobody is found by what is never kept", "invalidFilter")
    if not sort_by or not sort_by.strip():
        return Query(kind, read)
    try:
        path = parse_path(sort_by.strip(), schema)
    except FilterError as error:
        raise invalid_value(f"sortBy: {error}") from None
    if path.leaf is None or _forgotten(path):
        raise invalid_value(f"sortBy: {path} has no value to sort by")
    if kind.columns.lack(path):
        return Query(kind, read)
    return Query(kind, read, Sort(path, descending))


def _forgotten(path: Path) -> bool:
    return path.definition.mutability == "writeOnly"


def page(
    session: Session,
    sync: str,
    query: Query,
    window: Window,
    cursors: Cursors,
    base: str,
    *,
    related: bool,
    walks: Client | None = None,
) -> Page:
    """Return one page of a list; `related`: users with their groups. `base` is the URL before `/Users`.

    `walks`: those by index of who asks. Raises ScimError (400 invalidCursor, tooMany).
    """
    listing = _Listing(session, sync, query, base, related)
    if window.cursor is None:
        found = _by_index(listing, window, walks)
        return Page(found.total, found.rows, window.start)
    label = f"{sync}\n{query.text}"
    place = cursors.read(label, window.cursor) if window.cursor else []
    size = window.size or 1
    if listing.exact:
        found = listing.after(place, size)
    else:
        found = listing.scan().page(query.sort, 0, size, place)
    if (
        not window.size
    ):  # the total alone: whoever goes on does so where this page is (RFC 9865 section 2)
        found = Found(found.total, [], place if found.rows else None)
    cursor = None if found.next_place is None else cursors.make(label, found.next_place)
    return Page(found.total, found.rows, None, cursor)


def scan(session: Session, sync: str, query: Query, base: str, *, related: bool) -> Scan:
    """Return all that a query is of, to be looked at one by one; as in `page`."""
    return _Listing(session, sync, query, base, related).scan()


def _by_index(listing: _Listing, window: Window, walks: Client | None) -> Found:
    """Return the page at `window.start`: after the page before it, where that is remembered."""
    start, size, query = window.start, window.size, listing.query
    if walks is None or not size:
        return listing.from_index(start, size)
    descending = query.sort is not None and query.sort.descending
    if start == 1:
        found = listing.from_index(start, size)
        walk = None
    else:
        walk = walks.walk(listing.session, query.text, descending=descending)
        begun = walk.begun(start)
        found = listing.from_index(start, size) if begun is None else listing.on(begun, start, size)
    if found.rows and start - 1 + len(found.rows) < found.total:
        walk = walk or walks.walk(listing.session, query.text, descending=descending)
        ended = found.next_place or listing.place(found.rows[-1])
        walk.reached(start + len(found.rows), ended)
    elif walk is not None:
        walk.ended()
    return found


class _Listing:
    """A query as SQL. `exact`: SQL says all of it, filter and sorting."""

    def __init__(self, session: Session, sync: str, query: Query, base: str, related: bool) -> None:
        self.base = base
        self.session, self.query, self.kind, self.related = session, query, query.kind, related
        said = query.said(postgresql=session.postgresql)
        self.where, self.exact, self.few = said.where, said.exact, said.few
        self.values = {"sync": sync, **said.values}
        self.column = None if query.sort is None else self.kind.order_column(query.sort.path)
        self.keys: dict[int, Any] = {}  # what those who were loaded are sorted by
        if query.sort is not None and self.column is None:
            self.exact = False

    def scan(self) -> Scan:
        return Scan(
            self.session,
            self.kind,
            self.query.filter,
            self.where,
            self.values,
            self.base,
            related=self.related,
        )

    def from_index(self, start: int, count: int) -> Found:
        """Return `count` resources from the `start`-th on."""
        if not self.exact:
            return self.scan().page(self.query.sort, start - 1, count, None)
        if self.query.filter is None and self.query.sort is None:
            return self._everybody(start, count)
        rows = self._rows(self.where, self.values, count, start - 1) if count else []
        if len(rows) < count and (rows or start == 1):
            return Found(start - 1 + len(rows), rows)
        return Found(self._count(), rows)

    def _everybody(self, start: int, count: int) -> Found:
        sync = self.values["sync"]
        total, seq, skip = total_and_place(self.session, sync, self.kind.name, start - 1)
        if not count or start > total:
            return Found(total, [])
        where = f"{self.where} AND {self.kind.alias}.seq >= :begin"
        return Found(total, self._rows(where, {**self.values, "begin": seq}, count, skip))

    def on(self, begun: Place, start: int, count: int) -> Found:
        """Return `count` resources after a place, which somebody came to who goes on at `start`.

        The total is that of the walk: how many it has behind it, and how many are before it.
        """
        if not self.exact:
            found = self.scan().page(self.query.sort, 0, count, begun)
            return found._replace(total=start - 1 + found.total - found.before)
        found = self.from_index(start - 1, count + 1)
        if found.rows and self.place(found.rows[0]) == begun:  # as many before it as there were
            return found._replace(rows=found.rows[1:])
        where, values = self._after(begun)
        rows = self._rows(where, values, count, 0)
        left = len(rows) if len(rows) < count else self._number(where, values)
        return Found(start - 1 + left, rows)

    def _after(self, place: Place) -> tuple[str, dict[str, Any]]:
        """Return the SQL of what comes after a place, and its values."""
        values = dict(self.values)
        if not place:
            return self.where, values
        *key, values["seq"] = place
        return f"{self.where} AND {self._beyond(key[0] if key else None, values)}", values

    def after(self, place: Place, count: int) -> Found:
        """Return `count` resources after the place of a cursor."""
        where, values = self._after(place)
        rows = self._rows(where, values, count + 1, 0) if count else []
        total = self.from_index(1, 0).total
        if len(rows) <= count:
            return Found(total, rows)
        rows.pop()
        return Found(total, rows, self.place(rows[-1]))

    def _beyond(self, key: Any, values: dict[str, Any]) -> str:
        """Return the SQL of what comes after a place; see `_order`."""
        seq = f"{self.kind.alias}.seq"
        if self.column is None:
            return f"{seq} > :seq"
        descending = self.query.sort is not None and self.query.sort.descending
        if key is None:
            others = f" OR {self.column} IS NOT NULL" if descending else ""
            return f"(({self.column} IS NULL AND {seq} > :seq){others})"
        values["key"] = key
        sign, others = ("<", "") if descending else (">", f" OR {self.column} IS NULL")
        equal = f"{self.column} = :key AND {seq} > :seq"
        return f"({self.column} {sign} :key OR ({equal}){others})"

    def place(self, row: StoredRow) -> Place:
        """Return the place that a resource had when it was loaded."""
        return [row.seq] if self.column is None else [self.keys[row.seq], row.seq]

    def _rows(self, where: str, values: dict[str, Any], count: int, skip: int) -> list[StoredRow]:
        """Load a page. Documents are read for its own resources only, not for those before it."""
        alias, order = self.kind.alias, self._order()
        table = f"{self.kind.table} {alias}"
        selected = self.kind.selected(self.session, related=self.related)
        if self.column:
            selected += f", {self.column}"
        limit = "LIMIT :limit OFFSET :skip"
        if self.few and not skip and not self.column:
            # PostgreSQL plans a statement anew each time it is used, which takes longer than a lookup,
            # unless its cost is known without its values: of a limit that is one, it isn't
            limit = f"LIMIT {1 << (count - 1).bit_length()}"
        elif skip or self.column:
            where = (
                f"{alias}.seq IN (SELECT {alias}.seq FROM {table} WHERE {where}"
                f" ORDER BY {order} {limit})"
            )
            limit = ""
        found = self.session.rows(
            f"SELECT {selected} FROM {table} WHERE {where} ORDER BY {order} {limit}",
            **values,
            limit=count,
            skip=skip,
        )[:count]
        if self.column:
            self.keys |= {row[0]: row[-1] for row in found}
            found = [row[:-1] for row in found]
        return self.kind.rows(self.session, found)

    def _order(self) -> str:
        seq = f"{self.kind.alias}.seq"
        if self.column is None or self.query.sort is None:
            # few are to be looked up, never looked for in the whole order, whatever a planner that
            # has not seen the table grow may think
            return f"{seq} + 0" if self.few else seq
        if self.query.sort.descending:
            return f"{self.column} DESC NULLS FIRST, {seq}"
        return f"{self.column} NULLS LAST, {seq}"

    def _count(self) -> int:
        if self.query.filter is None:
            return self._everybody(1, 0).total
        return self._number(self.where, self.values)

    def _number(self, where: str, values: dict[str, Any]) -> int:
        row = self.session.row(
            f"SELECT COUNT(*) FROM {self.kind.table} {self.kind.alias} WHERE {where}", **values
        )
        assert row is not None
        return int(row[0])
