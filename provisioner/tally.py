"""Counting what a read is measured by: members of groups, and people who have an attribute.

It is done for every person of every read, so people are counted many at a time, one attribute after
the other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeAlias

from connectors.columns import Columns, Row, Untold
from connectors.records import fold
from connectors.scim_filter import Path

Resource: TypeAlias = dict[str, Any]


def presence(path: Path) -> Callable[[Resource], bool]:
    """Return a quick test whether a resource has a value at the path.

    A person's absent attributes have no member (records.Person), so looking for the member is enough.
    """
    name, sub, uri = path.attribute, path.sub, path.uri
    if path.part is not None:
        return lambda resource: bool(path.values(resource))
    if uri is not None:
        return lambda resource: name in resource.get(uri, ())
    if sub is None:
        return lambda resource: name in resource
    if path.definition.multi_valued:
        return lambda resource: any(sub in item for item in resource.get(name, ()))
    return lambda resource: sub in resource.get(name, ())


def _counter(path: Path) -> Callable[[Sequence[Resource]], int]:
    """Return what counts the resources with a value at the path: `presence` of many, written out."""
    name, sub, uri = path.attribute, path.sub, path.uri
    present = presence(path)
    if path.part is not None:
        return lambda many: sum([present(resource) for resource in many])
    if uri is not None:
        return lambda many: sum([name in resource.get(uri, ()) for resource in many])
    if sub is None:
        return lambda many: sum([name in resource for resource in many])
    if not path.definition.multi_valued:
        return lambda many: sum([sub in resource.get(name, ()) for resource in many])
    # nearly always the first value has it already
    return lambda many: sum(
        [
            sub in values[0] or present(resource)
            for resource in many
            if (values := resource.get(name))
        ]
    )


class Tally:
    """Figures of one read. `add` everybody; then `groups` and `columns` are what was counted.

    `paths` are the columns, `wanted` the names of groups (None: every group there is).
    """

    def __init__(self, paths: Iterable[Path], wanted: frozenset[str] | None) -> None:
        self._wanted = wanted
        self._counters = [(path.text, _counter(path)) for path in paths]
        self._columns = {text: 0 for text, _ in self._counters}
        self._names: Counter[str | None] = Counter()  # of groups whose value is their display, too
        self._pairs: Counter[tuple[str | None, str | None]] = Counter()  # (display, value)

    def add(self, many: Sequence[Resource]) -> None:
        """Count these people."""
        for text, count in self._counters:
            self._columns[text] += count(many)
        groups = [group for resource in many for group in resource.get("groups", ())]
        names = [group.get("display") for group in groups]
        values = [group.get("value") for group in groups]
        if names == values:
            self._names.update(names)
        else:
            self._pairs.update(zip(names, values, strict=True))

    def columns(self) -> dict[str, int]:
        """People with a value, by the path's text; zero is a figure, too."""
        return dict(self._columns)

    def groups(self) -> dict[str, int]:
        """Members by group: of those wanted, without case, each by its display or its value.

        Where every group is wanted they are called by their display names, as the directory spells
        them.
        """
        pairs = self._pairs + Counter({(name, name): n for name, n in self._names.items()})
        found: Counter[str] = Counter()
        for (name, value), count in pairs.items():
            if self._wanted is None:
                found.update({} if name is None else {name: count})
                continue
            for known in {fold(text) for text in (name, value) if text is not None}:
                found[known] += count
        if self._wanted is None:
            return dict(found)
        return {name: found[fold(name)] for name in sorted(self._wanted)}


class RowTally(Tally):
    """The same for the rows of a table."""

    def __init__(
        self, paths: Sequence[Path], wanted: frozenset[str] | None, columns: Columns
    ) -> None:
        super().__init__(paths, wanted)
        self._table = columns
        self._places: list[tuple[str, int | None]] = []
        self._told_apart: list[tuple[str, Callable[[Resource], bool]]] = []
        for path in paths:
            try:
                self._places.append((path.text, columns.place(path)))
            except Untold:
                self._told_apart.append((path.text, presence(path)))
        self._groups = columns.of_attribute(None, "groups")

    def add_rows(self, rows: Sequence[Row]) -> None:
        """Count these people."""
        for text, place in self._places:
            if place is not None:
                self._columns[text] += sum([row[place] is not None for row in rows])
        for number in self._groups:
            self._names.update([name for row in rows for name in row[number] or ()])
        for text, present in self._told_apart:
            resources = map(self._table.resource, rows)
            self._columns[text] += sum([present(resource) for resource in resources])
