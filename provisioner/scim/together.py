"""Users and groups sorted as one list: what a search of everything has by `sortBy` (RFC 7644 section 3.4.2.3).

No index knows both, so a key of each resource that the filter matches is worked out, up to the bound of a
scan; loaded are those of the page alone. Of equal ones users come first, then the order of creation.
"""

from __future__ import annotations

from typing import Any, TypeAlias

from provisioner.scim.call import Answer, Call
from provisioner.scim.kinds import Kind
from provisioner.scim.lists import kinds_together, list_answer, shows_groups, texts
from provisioner.scim.projection import Projection
from provisioner.scim.query import Page, Query, scan
from provisioner.scim.scan import Comparable, position
from provisioner.store.direct import Session

_Rank: TypeAlias = tuple[int, int]
"""0 for a user or 1 for a group, and its place in the order of creation."""


def sorted_together(session: Session, call: Call) -> Answer:
    """Return the page of all users and groups that a call asks for. Raises ScimError 400."""
    halves = [_Half(session, call, kind) for kind in kinds_together(call.tenant.registry)]
    ranked = [
        (key, (number, seq)) for number, half in enumerate(halves) for key, seq in half.ranked()
    ]
    ranked.sort(key=lambda each: each[0], reverse=call.descending)

    window, start = call.window, call.window.start - 1
    label = "\n".join((call.tenant.sync, *(half.query.text for half in halves)))
    place: list[Any] = []
    if window.cursor is not None:
        place = call.cursors.read(label, window.cursor) if window.cursor else []
        start = position(ranked, (place[0], tuple(place[1])), call.descending) if place else 0
    resources, end = list[str](), start
    while len(resources) < window.size and end < len(ranked):
        chosen = [rank for _, rank in ranked[end : end + window.size - len(resources)]]
        resources += _texts(halves, chosen)  # others have the place of who is gone by now
        end += len(chosen)
    total = len(ranked) - max(0, end - start) + len(resources)
    if window.cursor is None:
        return list_answer(Page(total, [], window.start), resources)
    if end > start:
        place = list(ranked[end - 1])
    going_on = call.cursors.make(label, place) if end < len(ranked) else None
    return list_answer(Page(total, [], None, going_on), resources)


class _Half:
    """All users, or all groups, that the search is for."""

    def __init__(self, session: Session, call: Call, kind: Kind) -> None:
        self.session, self.call, self.kind = session, call, kind
        sort_by = call.parameters.get("sortby")
        self.query = Query.parse(kind, call.filter, sort_by, descending=call.descending)
        self.projection: Projection = call.projection(kind.type)
        related = shows_groups(kind, self.projection)
        self.scan = scan(session, call.tenant.sync, self.query, call.base, related=related)

    def ranked(self) -> list[tuple[Comparable, int]]:
        """Return by what each resource is sorted, and its number."""
        return self.scan.keys(self.query.sort)

    def texts(self, seqs: list[int]) -> dict[int, str]:
        """Return resources as JSON texts; one that is gone by now is left out."""
        rows = self.scan.rows(seqs)
        shown = texts(self.session, self.call, self.kind, rows, self.projection)
        return {row.seq: text for row, text in zip(rows, shown, strict=True)}


def _texts(halves: list[_Half], ranks: list[_Rank]) -> list[str]:
    told = [
        half.texts([seq for of, seq in ranks if of == number]) for number, half in enumerate(halves)
    ]
    return [told[of][seq] for of, seq in ranks if seq in told[of]]
