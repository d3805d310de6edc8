"""Outlines: what a mapping wishes of a person, in the few words that a comparison needs.

People whose signature is equal share one outline; of each person there remain only the values that
texts take from their attributes. Whoever doesn't fit into that is told apart, and has their
entitlements worked out one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, NamedTuple, TypeAlias

from connectors.columns import Columns, Row, Untold
from connectors.records import fold
from connectors.scim_filter import Filter, Path
from mappings.decisions import Decisions
from mappings.entitlements import GivenValue
from mappings.rules import Decided, Give, Many, Rule
from mappings.signature import row_signature, signature
from mappings.text import NOT_PLAIN, AttributeText, quick_path

Read: TypeAlias = Callable[[dict[str, Any]], Any]

_TEXT = frozenset({str})


@dataclass(frozen=True, eq=False, slots=True)
class Outline:
    """What is wished of everybody of one signature.

    `fixed`: single entitlements, and profile attributes (`profile.email`), with their value.
    `lists`: the lists' values. `own`: the names of those single entitlements and profile attributes
    whose value every person has of their own, `profile.email` last.
    """

    fixed: Mapping[str, GivenValue]
    lists: Mapping[str, tuple[str, ...]]
    own: tuple[str, ...]


class _Outlined(NamedTuple):
    """What is decided for one signature; `outline` is None out of scope.

    `texts` give a person's own values, in the order of the outline's `own`; None where the outline
    doesn't say everything.
    """

    outline: Outline | None
    texts: tuple[AttributeText, ...] | None


class _Reads(NamedTuple):
    """How the values of one signature's people are read.

    `fills` give them from a resource, None what is lacking; `reads` give the same more quickly, or
    raise one of NOT_PLAIN, or give something else than text.
    """

    outline: Outline | None
    reads: tuple[Read, ...]
    fills: tuple[Read, ...]


Values: TypeAlias = tuple[str, ...]
Found: TypeAlias = tuple[Outline | None, Values | None]
"""A person's outline, and their own values in the order of its `own`.

(None, None) for whoever is inactive or out of scope. The values are None where the outline doesn't
say everything: a text lacks an attribute, or a list or a number has a text.
"""


class Outlines:
    """Gives the outlines of one mapping; it remembers, within a bound, what it has worked out."""

    def __init__(
        self,
        scope: Filter | None,
        rules: tuple[Rule, ...],
        defaults: Give,
        profile: Mapping[str, str | AttributeText],
    ) -> None:
        self._of, self._profile = (scope, rules, defaults), profile
        self._decisions: Decisions[_Reads] = Decisions(*self._of, self._reads)
        self._signature = signature(self._decisions.trees)

    def of(self, resource: dict[str, Any]) -> Found:
        """Return what is wished of the person with this resource."""
        if resource.get("active") is False:
            return None, None
        outline, reads, fills = self._decisions.of(self._signature(resource))
        try:
            values = tuple([read(resource) for read in reads])
            plain = _TEXT.issuperset(map(type, values))
        except NOT_PLAIN:
            plain = False
        if not plain:
            values = tuple([fill(resource) for fill in fills])
        return outline, None if None in values else values

    def _reads(self, in_scope: bool, decided: Decided) -> _Reads:
        outline, texts = self._outlined(in_scope, decided)
        if texts is None:
            return _Reads(outline, (_lacking,), (_lacking,))
        return _Reads(outline, tuple(map(_quick, texts)), tuple([text.fill for text in texts]))

    def _outlined(self, in_scope: bool, decided: Decided) -> _Outlined:
        if not in_scope:
            return _Outlined(None, None)
        given = {n: value for n, (value, _) in decided.single.items() if value is not None}
        given |= {f"profile.{name}": value for name, value in self._profile.items()}
        lists = {name: [value for value, _ in pairs] for name, pairs in decided.many.items()}
        fixed = {n: v for n, v in given.items() if not isinstance(v, AttributeText)}
        texts = {n: v for n, v in given.items() if isinstance(v, AttributeText)}
        own = sorted(texts, key=lambda name: name == "profile.email")
        outline = Outline(fixed, {n: _plain(v) for n, v in lists.items()}, tuple(own))
        if "number" in texts or not all(map(_no_text, lists.values())):
            return _Outlined(outline, None)
        return _Outlined(outline, tuple([texts[name] for name in own]))

    def of_rows(self, columns: Columns) -> Callable[[Row], Found]:
        """Return what does the same for the rows of a table."""

        def read_by(
            in_scope: bool, decided: Decided
        ) -> tuple[Outline | None, Callable[[Row], tuple[Any, ...]]]:
            outline, texts = self._outlined(in_scope, decided)
            return outline, _row_reader(texts, columns)

        decisions = Decisions(*self._of, read_by)
        bits_of = row_signature(decisions.trees, columns)
        known, decide = decisions.known, decisions.of
        active = next(iter(columns.of_attribute(None, "active")), None)

        def of(row: Row) -> Found:
            if active is not None and row[active] is False:
                return None, None
            bits = bits_of(row)
            outline, read = known.get(bits) or decide(bits)
            values = read(row)
            return outline, None if None in values else values

        return of


def _lacking(_: dict[str, Any]) -> None:
    return None


def _row_reader(
    texts: tuple[AttributeText, ...] | None, columns: Columns
) -> Callable[[Row], tuple[Any, ...]]:
    """Return what reads people's own values from their rows."""
    if texts is None:
        return lambda _: (None,)
    try:
        places = [columns.place(_plain_path(text)) for text in texts]
    except Untold:
        fills = [text.fill for text in texts]

        def carefully(row: Row) -> tuple[Any, ...]:
            resource = columns.resource(row)
            return tuple([fill(resource) for fill in fills])

        return carefully
    found = [place for place in places if place is not None]
    if len(found) < len(places):
        return lambda _: (None,)
    if len(found) > 1:
        return itemgetter(*found)
    return lambda row: tuple([row[place] for place in found])


def _plain_path(text: AttributeText) -> Path:
    """Return the path of a text that is nothing but one textual attribute; raises Untold if it isn't."""
    path = text.plain
    if path is None or path.leaf is None or path.leaf.type not in ("string", "reference"):
        raise Untold(text.text)
    if path.attribute == "groups":
        raise Untold(text.text)
    return path


def _plain(values: Iterable[Many]) -> tuple[str, ...]:
    """Return a list's values, each once whatever its case, as first written."""
    return tuple({fold(v): v for v in reversed(list(values)) if isinstance(v, str)}.values())


def _no_text(values: Iterable[Many]) -> bool:
    return not any(isinstance(value, AttributeText) for value in values)


def _quick(text: AttributeText) -> Read:
    """Return what fills a text that is nothing but one attribute, if that is one plain text.

    It raises one of NOT_PLAIN, or gives something else than text, where more care is needed.
    """
    try:
        path = _plain_path(text)
    except Untold:
        return text.fill
    assert path.leaf is not None
    return quick_path(path, path.leaf.name) or text.fill
