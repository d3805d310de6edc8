"""From a row's cells to a User resource, as the header laid it out.

What a row costs decides how long a directory takes to read. So the function that makes a resource is
written out once for each header, as source text, and compiled (as `dataclasses` does): a third of
the time of any loop over columns, and a column that nobody asked for costs nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Container, Iterable, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any

from connectors.directory.csv_file.columns import Column
from connectors.records import clean
from connectors.scim_filter import Path

TRUE = ("true", "t", "yes", "y", "1", "on", "active", "enabled")
"""What a boolean column such as `active` may hold for true, in any case. Blank is unset."""
FALSE = ("false", "f", "no", "n", "0", "off", "inactive", "disabled")
"""The same for false."""

Resource = dict[str, Any]
Group = dict[str, str]
RowReader = Callable[[Sequence[str]], Resource]

_TRUTH = dict.fromkeys(TRUE, True) | dict.fromkeys(FALSE, False)
_CACHED = 4096


class BadCell(ValueError):
    """A cell that can't be read; the text says which and why. `resource` is the rest of the row."""

    def __init__(self, text: str, resource: Resource) -> None:
        super().__init__(text)
        self.resource = resource


def row_reader(columns: Sequence[Column], *, denormal: bool) -> RowReader:
    """Return the function that makes the resource of a row's cells; it raises BadCell.

    Cells are stripped, and blank ones absent from the resource. `denormal` has text brought into
    Unicode NFC, too. Equal groups, and equal lists of them, are shared: nobody may change them.
    """
    taken = Counter((c.path.uri, c.path.attribute) for c in columns)
    crowded = {place for place, count in taken.items() if count > 1}
    scope: dict[str, Any] = {"clean": clean, "truth": _truth}
    stores = []
    for column in columns:
        home, statement = _store(column, crowded, scope)
        cell = f"cells[{column.index}]"
        cell = f"clean({cell})" if denormal else f"{cell}.strip()"
        stores.append((*_turn(column.path), home, f" if cell := {cell}: {statement}"))
    lines = ["def resource(cells):", " made = {}"]
    for home, group in groupby(sorted(stores), itemgetter(2)):
        lines += [" part = {}"] if home else []
        lines += [statement for *_, statement in group]
        lines += [f" if part: made[{home!r}] = part"] if home else []
    # Nothing but numbers and the repr of names and literals has gone into the text.
    exec("\n".join([*lines, " return made"]), scope)  # noqa: S102
    reader: RowReader = scope["resource"]
    return reader


def flat(columns: Sequence[Column]) -> list[Column] | None:
    """Return the columns in an order that doesn't depend on the file's; None if they are no table.

    They are one if each stands for itself (connectors/columns.py): a row's values are then as good
    as the resource.
    """
    taken = Counter((c.path.uri, c.path.attribute) for c in columns)
    for column in columns:
        path = column.path
        is_complex, several = path.definition.type == "complex", path.definition.multi_valued
        if several and (taken[path.uri, path.attribute] > 1 or path.uri or not is_complex):
            return None
        if is_boolean(path) and (path.uri or is_complex):
            return None
    return sorted(columns, key=lambda column: column.path.text)


def flat_reader(
    columns: Sequence[Column], *, denormal: bool
) -> Callable[[Sequence[str]], list[Any]]:
    """Return the function that makes the row of values of a row's cells; it raises BadCell."""
    scope: dict[str, Any] = {"clean": clean, "truth": _truth, "names": _Names().of}
    values = []
    for column in columns:
        cell = f"cells[{column.index}]"
        cell = f"clean({cell})" if denormal else f"{cell}.strip()"
        if column.path.attribute == "groups":
            values.append(f"names(cell) if (cell := {cell}) else None")
        elif is_boolean(column.path):
            truth = f"truth({column.path.text!r}, cell, {{}})"
            values.append(f"{truth} if (cell := {cell}) else None")
        else:
            values.append(f"{cell} or None")
    # As above: numbers and the repr of names.
    exec(f"def row(cells): return [{', '.join(values)}]", scope)  # noqa: S102
    reader: Callable[[Sequence[str]], list[Any]] = scope["row"]
    return reader


def _turn(path: Path) -> tuple[bool, bool]:
    """Return by what columns are sorted before they are stored.

    What may be unreadable comes last, so that a BadCell has the rest of the row; and `emails.value`
    before `emails[…].value`, which it would overwrite.
    """
    return is_boolean(path), path.definition.multi_valued and path.part is not None


def _store(
    column: Column, crowded: Container[tuple[str | None, str]], scope: dict[str, Any]
) -> tuple[str, str]:
    """Return what stores `cell`: the member of the resource in whose object `part` it does so ("" for
    the resource itself, `made`), and the statement. What the statement calls is put into `scope`."""
    path, put = column.path, f"put_{column.index}"
    uri, name, leaf = path.uri or "", path.attribute, path.leaf
    assert leaf is not None, "a column without a scalar is not wanted"
    is_complex = path.definition.type == "complex"
    if name == "groups":
        scope[put] = _GroupsCells().put
    elif is_boolean(path):
        truth = f"truth({path.text!r}, cell, made)"
        if not uri and not is_complex:
            return "", f"made[{name!r}] = {truth}"
        scope[put] = path.put
        return "", f"{put}(made, {truth})"
    elif not is_complex:
        return uri, f"{'part' if uri else 'made'}[{name!r}] = cell"
    elif not path.definition.multi_valued:
        if uri:
            return uri, f"part.setdefault({name!r}, {{}})[{leaf.name!r}] = cell"
        return name, f"part[{leaf.name!r}] = cell"
    elif uri or (path.uri, name) in crowded:
        scope[put] = path.put
    else:
        probe: Resource = {}
        path.put(probe, "")
        members = "".join(f"{k!r}: {v!r}, " for k, v in probe[name][0].items() if k != leaf.name)
        return "", f"made[{name!r}] = [{{{members}{leaf.name!r}: cell}}]"
    return "", f"{put}(made, cell)"


def is_boolean(path: Path) -> bool:
    return path.leaf is not None and path.leaf.type == "boolean"


def _truth(name: str, cell: str, resource: Resource) -> bool:
    truth = _TRUTH.get(cell)
    if truth is None and (truth := _TRUTH.get(cell.lower())) is None:
        raise BadCell(f"{name} is {cell[:40]!r}, which is neither true nor false", resource)
    return truth


class _GroupsCells:
    """Puts cells of `;`-separated names into `groups`."""

    def __init__(self) -> None:
        self._lists: dict[str, list[Group]] = {}
        self._groups: dict[str, Group] = {}

    def put(self, resource: Resource, cell: str) -> None:
        if (groups := self._lists.get(cell)) is None:
            if len(self._lists) >= _CACHED:
                self._lists.clear()
            groups = self._lists[cell] = self._values(cell.split(";"))
        if groups:
            resource["groups"] = groups

    def _values(self, names: list[str]) -> list[Group]:
        known = self._groups
        try:
            return [known[name] for name in dict.fromkeys(names)]
        except KeyError:  # only clean names are known
            groups = group_values(names)
            if len(known) + len(groups) > _CACHED:
                known.clear()
            return [known.setdefault(group["value"], group) for group in groups]


class _Names:
    """Reads cells of `;`-separated names; equal names are shared."""

    def __init__(self) -> None:
        self._clean: dict[str, str] = {}  # by the name as it stands there

    def of(self, cell: str) -> list[str] | None:
        """Return the names in a cell, each once, in order; None if there is none."""
        names = cell.split(";")
        try:
            found = dict.fromkeys(map(self._clean.__getitem__, names))
        except KeyError:
            found = dict.fromkeys(map(self._learn, names))
        if "" in found:
            del found[""]
        return list(found) or None

    def _learn(self, name: str) -> str:
        known = self._clean
        if len(known) >= _CACHED:
            known.clear()
        name_clean = clean(name)
        return known.setdefault(name, known.setdefault(name_clean, name_clean))


def group_values(names: Iterable[str]) -> list[Group]:
    """Return the `groups` of a User: each name once, in order, as value and as display.

    >>> group_values([" Sales", "", "Sales"])
    [{'value': 'Sales', 'display': 'Sales'}]
    """
    once = dict.fromkeys(filter(None, map(clean, names)))
    return [{"value": name, "display": name} for name in once]
