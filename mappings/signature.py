"""Signatures: what a mapping's filters can tell of a person, as one number.

Two people for whom every single comparison of every filter comes out alike are decided alike, so a
signature has a bit for each comparison. What one value means for the comparisons of its attribute
is worked out once: a hundred thousand people in twenty towns and two hundred groups cost twenty
towns and two hundred groups, and then a look-up each.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass
from operator import itemgetter, methodcaller
from typing import Any, TypeAlias

from connectors.columns import Columns, Row
from connectors.scim_filter import And, Compare, Node, Not, Or, Path, Present, ValuePath
from connectors.scim_filter_tree import elements

Resource: TypeAlias = dict[str, Any]
Bits: TypeAlias = Callable[[Resource], int]
Test: TypeAlias = Callable[[Resource], bool]
Atom: TypeAlias = Compare | Present | ValuePath
Checks: TypeAlias = list[tuple[int, Test]]

_PLAIN = frozenset((str, type(None)))
"""Types whose values are their own keys: none of them equals one of another type."""

LIMIT = 8192
"""How many values are remembered for one attribute; when there are more, remembering starts afresh."""


@dataclass(frozen=True, slots=True)
class Part:
    """The bits that one attribute decides.

    `bits` gives them for a resource. `each`: they are those of its single values taken together, so
    that it is enough to know what every value gives alone.
    """

    uri: str | None
    attribute: str
    bits: Bits
    each: bool


def numbered(trees: Iterable[Node]) -> dict[Atom, int]:
    """Return the number of each comparison's bit in the signatures for these filters."""
    groups = _by_place(trees).values()
    return {atom: number for number, atom in enumerate(atom for each in groups for atom in each)}


def _by_place(trees: Iterable[Node]) -> dict[tuple[str | None, str, bool], list[Atom]]:
    atoms = dict.fromkeys(atom for tree in trees for atom in _atoms(tree))
    by_place: dict[tuple[str | None, str, bool], list[Atom]] = {}
    for atom in atoms:
        path = atom.path
        by_place.setdefault((path.uri, path.attribute, path.part is not None), []).append(atom)
    return by_place


def parts(trees: Iterable[Node]) -> list[Part]:
    """Return what makes up a person's signature for these filters, an attribute each."""
    found: list[Part] = []
    first = 0
    for (uri, attribute, whole), group in _by_place(trees).items():
        checks = [(1 << n, atom.compiled()) for n, atom in enumerate(group, first)]
        first += len(group)
        bits = (_by_all_values if whole else _by_each_value)(group, checks)
        found.append(Part(uri, attribute, bits, each=not whole))
    return found


def signature(trees: Iterable[Node]) -> Bits:
    """Return what gives a person's signature for these filters: equal ones match the same filters."""
    each = [part.bits for part in parts(trees)]

    def bits(resource: Resource) -> int:
        total = 0
        for part in each:
            total |= part(resource)
        return total

    return bits


def row_signature(trees: Iterable[Node], columns: Columns) -> Callable[[Row], int]:
    """Return the same for the rows of a table."""
    each: list[Callable[[Row], int]] = []
    always = 0
    for part in parts(trees):
        numbers = columns.of_attribute(part.uri, part.attribute)
        if not numbers:
            always |= part.bits({})
        elif part.each and columns.is_groups(numbers[0]):
            each.append(_by_each_name(part.bits, numbers[0]))
        else:
            each.append(_by_cells(part.bits, columns, numbers))

    def bits(row: Row) -> int:
        total = always
        for part in each:
            total |= part(row)
        return total

    return bits


def _by_each_name(bits: Bits, number: int) -> Callable[[Row], int]:
    known: dict[Hashable, int] = {}
    nothing = bits({})

    def of(row: Row) -> int:
        names = row[number]
        if names is None:
            return nothing
        total = 0
        for name in names:
            try:
                total |= known[name]
            except KeyError:
                group = {"value": name, "display": name}
                total |= _remember(known, name, bits({"groups": [group]}))
        return total

    return of


def _by_cells(bits: Bits, columns: Columns, numbers: tuple[int, ...]) -> Callable[[Row], int]:
    known: dict[Hashable, int] = {}
    cells = _cells(columns, numbers)

    def of(row: Row) -> int:
        key = cells(row)
        try:
            return known[key]
        except KeyError:
            return _remember(known, key, bits(columns.part(row, numbers)))

    return of


def _cells(columns: Columns, numbers: tuple[int, ...]) -> Callable[[Row], Hashable]:
    """Return what reads these cells of a row, as something that can be a key."""
    if not any(map(columns.is_groups, numbers)):
        return itemgetter(*numbers)
    (groups,) = numbers
    return lambda row: None if row[groups] is None else tuple(row[groups])


def _atoms(node: Node) -> Iterator[Atom]:
    if isinstance(node, And | Or):
        for part in node.parts:
            yield from _atoms(part)
    elif isinstance(node, Not):
        yield from _atoms(node.part)
    else:
        yield node


def _by_each_value(atoms: list[Atom], checks: Checks) -> Bits:
    """Of several values one that passes is enough, so each value has its own bits."""
    path = atoms[0].path
    several = path.definition.multi_valued
    top, key = _reader(path), _key(atoms)
    known: dict[Hashable, int] = {}
    nothing = _passed(checks, {})

    def of(value: Any) -> int:
        alone: Resource = {path.attribute: value}
        return _passed(checks, {path.uri: alone} if path.uri else alone)

    def bits(resource: Resource) -> int:
        found = top(resource)
        values = elements(found) if several or found is None else (found,)
        total = 0 if values else nothing
        for value in values:
            try:
                total |= known[key(value)]
            except KeyError:
                total |= _remember(known, key(value), of(value))
            except TypeError:  # a value that can't be a key, and shouldn't be there at all
                total |= of(value)
        return total

    subs = _subs(atoms)
    if several and subs is not None and len(subs) == 1:
        return _quickly(_reader(path), min(subs), known, nothing, bits)
    if not several and subs is not None and not subs:
        return _at_once(_reader(path), known, bits)
    return bits


def _reader(path: Path) -> Callable[[Resource], Any]:
    """Return what reads a whole attribute of a resource, which is a dict here."""
    return path.reader() if path.uri else methodcaller("get", path.attribute)


def _quickly(
    top: Callable[[Resource], Any], name: str, known: dict[Hashable, int], nothing: int, bits: Bits
) -> Bits:
    """Return `bits` with a short cut for what it nearly always meets: names of groups seen before."""

    def quick(resource: Resource) -> int:
        values = top(resource)
        if not values:
            return nothing
        total = 0
        try:
            for value in values:
                total |= known[value[name]]
        except (KeyError, TypeError):
            return bits(resource)
        return total

    return quick


def _at_once(top: Callable[[Resource], Any], known: dict[Hashable, int], bits: Bits) -> Bits:
    """Return `bits` with a short cut for one plain value, seen before."""

    def quick(resource: Resource) -> int:
        value = top(resource)
        try:
            return known[value if type(value) is str else (value, type(value))]
        except (KeyError, TypeError):
            return bits(resource)

    return quick


def _by_all_values(atoms: list[Atom], checks: Checks) -> Bits:
    """With brackets the values count together: `emails[type eq "work"].value ne "x"` holds without any."""
    top, key = _reader(atoms[0].path), _key(atoms)
    known: dict[Hashable, int] = {}

    def bits(resource: Resource) -> int:
        try:
            values = tuple(map(key, elements(top(resource))))
            return known[values]
        except KeyError:
            return _remember(known, values, _passed(checks, resource))
        except TypeError:
            return _passed(checks, resource)

    return bits


def _passed(checks: Checks, resource: Resource) -> int:
    return sum(bit for bit, test in checks if test(resource))


def _remember(known: dict[Hashable, int], key: Hashable, bits: int) -> int:
    if len(known) >= LIMIT:
        known.clear()
    known[key] = bits
    return bits


def _key(atoms: list[Atom]) -> Callable[[Any], Hashable]:
    """Return what reduces one value to all that these comparisons read of it.

    Text is its own key; whatever else bears its type, for True, 1 and 1.0 are three.
    """
    subs = _subs(atoms)
    if subs is None:
        return _everything
    if not subs:
        return _typed
    if len(subs) == 1:
        (name,) = subs
        return lambda value: _part(value, name)
    names = sorted(subs)

    def several(value: Any) -> Hashable:
        if type(value) is dict:
            parts = tuple([value.get(name) for name in names])
            if _PLAIN.issuperset(map(type, parts)):
                return parts
        return tuple([_part(value, name) for name in names])

    return several


def _subs(atoms: Iterable[Atom]) -> set[str] | None:
    """Return the sub-attributes that comparisons read of a value, None for all that there are."""
    names: set[str] = set()
    for atom in atoms:
        inner = atom.part if isinstance(atom, ValuePath) else atom.path.part
        names.update(each.path.attribute for each in (_atoms(inner) if inner else ()))
        if atom.path.definition.type == "complex" and not isinstance(atom, ValuePath):
            leaf = atom.path.leaf if isinstance(atom, Compare) else None
            name = atom.path.sub or (leaf and leaf.name)
            if not name:
                return None
            names.add(name)
    return names


def _part(value: Any, name: str) -> Hashable:
    # A bare scalar stands for its own `value`.
    return _typed(value.get(name)) if isinstance(value, dict) else (value, type(value), None)


def _typed(value: Any) -> Hashable:
    return value if type(value) is str else (value, type(value))


def _everything(value: Any) -> Hashable:
    if not isinstance(value, dict):
        return _typed(value)
    return frozenset((name, _typed(part)) for name, part in value.items())
