"""The header of a CSV directory: which column gives which attribute.

A column is wanted if config's `columns` maps it or if its name is an attribute that a single cell can
hold. Everything else is passed over: exports bring columns that are nobody's business here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from connectors.records import fold
from connectors.scim_filter import USER, FilterError, Path, parse_path
from connectors.scim_schema import closest

_UNWANTED = frozenset({"schemas", "meta", "password", "photos", "x509Certificates"})
"""What says nothing of a person's phone, or must not travel."""


@dataclass(frozen=True, slots=True)
class Column:
    """One wanted column: where it stands (from 0), its name as the file spells it, what it gives."""

    index: int
    name: str
    path: Path


def custom_attributes(columns: Mapping[str, str]) -> frozenset[str]:
    """Return the attributes that config's `columns` adds: plain names that SCIM's User doesn't know."""
    return frozenset(filter(_is_custom, map(str.strip, columns.values())))


def read_path(text: str) -> Path:
    """Read an attribute path; a plain name that SCIM doesn't know is an attribute that `columns` adds.

    Raises FilterError (a ValueError).
    """
    text = text.strip()
    return parse_path(text, USER.extended([text]) if _is_custom(text) else USER)


def read_target(target: str) -> Path:
    """Read a path that `columns` maps to, as `read_path` does.

    Raises ValueError, also for a path to what a single cell can't hold.
    """
    path = read_path(target)
    if not _usable(path):
        raise ValueError(
            f"a cell can't hold {path.text}: name a sub-attribute that is text or boolean"
        )
    return path


class Names:
    """What config's `columns` and SCIM make of header names, in any case.

    `columns` maps names in the header to attribute paths; it wins over a column that merely bears
    the attribute's name.
    """

    def __init__(self, columns: Mapping[str, str]) -> None:
        self._mapped = {fold(name): read_target(path) for name, path in columns.items()}
        self._spelled = {fold(name): name for name in columns}

    def known(self, name: str) -> bool:
        """Whether a column of this name is wanted."""
        return self._path(name) is not None

    def columns(self, header: Sequence[str]) -> tuple[list[Column], list[str]]:
        """Return the wanted columns of a header, and every problem with it as a sentence.

        Problems are two columns that give one attribute, a name in `columns` that the header lacks,
        and a header without any known name.
        """
        found = [
            Column(index, name, path)
            for index, name in enumerate(header)
            if (path := self._path(name)) is not None
        ]
        mapped = {each.path for each in found if fold(each.name) in self._mapped}
        found = [c for c in found if c.path not in mapped or fold(c.name) in self._mapped]
        problems = [*self._missing(header), *_duplicates(found)]
        if not found and not problems:
            shown = ", ".join(map(repr, filter(None, header[:5])))
            problems = [
                f"no name here is a known attribute ({shown}): the first line is the header"
            ]
        return found, problems

    def _path(self, name: str) -> Path | None:
        if path := self._mapped.get(fold(name)):
            return path
        try:
            path = parse_path(name)
        except FilterError:
            return None
        return path if _usable(path) and path.attribute not in _UNWANTED else None

    def _missing(self, header: Sequence[str]) -> Iterable[str]:
        present = {fold(name): name for name in header if name}
        for folded, path in self._mapped.items():
            if folded not in present:
                near = closest(folded, present)
                hint = f"did you mean {near!r}?" if near else f"it has {_some(header)}"
                yield f"no column {self._spelled[folded]!r}, which `columns` maps to {path.text}: {hint}"


def gives(columns: Iterable[Column], key: Path) -> bool:
    """Whether the key can be read from these columns."""
    return any((c.path.uri, c.path.attribute) == (key.uri, key.attribute) for c in columns)


def _some(header: Sequence[str]) -> str:
    """Return the first names of a header, as messages show them."""
    names = [repr(name[:40]) for name in header if name]
    return ", ".join([*names[:8], *(["…"] if len(names) > 8 else [])])


def _is_custom(target: str) -> bool:
    return USER.resolve(target) is None and not set(target) & set('.[]:" ')


def _usable(path: Path) -> bool:
    leaf = path.leaf
    if path.attribute == "groups":
        return path.part is None and path.sub in (None, "value", "display")
    return path.writable and leaf is not None and leaf.type not in ("complex", "binary")


def _duplicates(columns: Iterable[Column]) -> Iterable[str]:
    first: dict[object, Column] = {}
    for column in columns:
        path, leaf = column.path, column.path.leaf
        place = (
            path.uri,
            path.attribute,
            path.part,
            leaf and leaf.name,
        )  # `emails` is `emails.value`
        if path.attribute == "groups":
            place = (None, "groups", None, None)
        other = first.setdefault(place, column)
        if other is not column:
            yield (
                f"columns {other.index + 1} ({other.name!r}) and {column.index + 1} "
                f"({column.name!r}) both give {column.path.text}"
            )
