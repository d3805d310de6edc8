"""Columns: what the values of a table's rows stand for.

A directory that is a table can give its people as rows. Nearly all of them are as they should be, and
making a resource of each would cost more than all the rest; so what is asked of a person is read from
the row where it stands, and only who is looked at again becomes a resource.

A row has a value for each column: text, a boolean, a list of group names, or None for nothing.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from typing import Any, TypeAlias

from connectors.scim_filter import USER, FilterError, Path, parse_path

Row: TypeAlias = Sequence[Any]
Put: TypeAlias = Callable[[dict[str, Any], Any], None]

_MARK = "\ue000"  # for private use (Unicode): nobody's name


class Untold(LookupError):
    """No single column tells the value at a path."""


class Columns:
    """The columns of a table, each an attribute of its own.

    `texts` are the paths' texts. No two columns are of one attribute, but for those of one object
    (name.givenName, name.familyName).
    """

    def __init__(self, paths: Iterable[Path]) -> None:
        self.paths = tuple(paths)
        self.texts = tuple([path.text for path in self.paths])
        self._puts = [_put(path) for path in self.paths]
        self._groups = next((n for n, p in enumerate(self.paths) if p.attribute == "groups"), None)

    @classmethod
    def named(cls, texts: Iterable[str]) -> Columns:
        """Return the columns whose paths are so called; plain names that SCIM lacks are custom ones.

        >>> Columns.named(["userName", "badge"]).resource(["eva", "77"])
        {'userName': 'eva', 'badge': '77'}
        """
        return cls(map(_path_named, texts))

    def resource(self, row: Row) -> dict[str, Any]:
        """Return the User resource that a row says."""
        resource: dict[str, Any] = {}
        for put, value in zip(self._puts, row, strict=True):
            if value is not None:
                put(resource, value)
        return resource

    def part(self, row: Row, numbers: Iterable[int]) -> dict[str, Any]:
        """Return the resource of these columns alone."""
        kept = set(numbers)
        return self.resource([v if n in kept else None for n, v in enumerate(row)])

    def of_attribute(self, uri: str | None, attribute: str) -> tuple[int, ...]:
        """Return the numbers of the columns that stand in one attribute."""
        places = enumerate(self.paths)
        return tuple([n for n, p in places if (p.uri, p.attribute) == (uri, attribute)])

    @cached_property
    def mail(self) -> int | None:
        """The column of the mail address; None if there is none."""
        try:
            return self.place(parse_path("emails.value"))
        except Untold:
            return None

    def is_groups(self, number: int) -> bool:
        """Tell whether this column's values are lists of group names."""
        return number == self._groups

    def place(self, path: Path) -> int | None:
        """Return the column whose value is what stands at a path; None if nothing ever stands there.

        Raises Untold where the value can't be taken from one column as it is.
        """
        found = None
        for number in self.of_attribute(path.uri, path.attribute):
            groups, boolean = self.is_groups(number), _is_boolean(self.paths[number])
            mark: Any = [_MARK] if groups else True if boolean else _MARK
            row = [mark if n == number else None for n in range(len(self.paths))]
            values = path.values(self.resource(row))
            if values == ([_MARK] if groups else [mark]):
                found = number
            elif values:
                raise Untold(path.text)
        return found


def _put(path: Path) -> Put:
    """Return what `path.put` does to a resource without that attribute, quickly where that is plain."""
    uri, name, leaf = path.uri, path.attribute, path.leaf
    assert leaf is not None, "a column is of something that has a value"
    if name == "groups":
        return _put_groups
    if path.definition.multi_valued:
        return path.put
    if path.definition.type == "complex":
        if uri is not None:
            return path.put
        return lambda resource, value: operator.setitem(
            resource.setdefault(name, {}), leaf.name, value
        )
    if uri is None:
        return lambda resource, value: operator.setitem(resource, name, value)
    return lambda resource, value: operator.setitem(resource.setdefault(uri, {}), name, value)


def _put_groups(resource: dict[str, Any], names: list[str]) -> None:
    resource["groups"] = [{"value": name, "display": name} for name in names]


def _path_named(text: str) -> Path:
    try:
        return parse_path(text)
    except FilterError:
        return parse_path(text, USER.extended([text]))


def _is_boolean(path: Path) -> bool:
    return path.leaf is not None and path.leaf.type == "boolean"
