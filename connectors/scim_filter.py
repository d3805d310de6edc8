"""SCIM filters and attribute paths (RFC 7644 sections 3.4.2.2 and 3.5.2): one language on every floor.

Mappings, config and the SCIM receiver all read `groups.display eq "Sales"` through here. Names and
types are checked against a schema when the text is read, so that matching can't fail: whatever a
client or an operator wrote gives a value or a FilterError, in time linear in its length.

What the RFC leaves open, or clients do otherwise, is settled so:

- Of several values one that fits is enough, for `ne` too, as the RFC says: `groups.display ne "X"`
  holds for whoever is in any other group. Who is not in X is `not (groups.display eq "X")`.
- An absent value is not equal to any literal: `title ne "CEO"` holds for who has no title.
  `eq null` means absent, `ne null` present. An absent `primary` counts as false (RFC 7643
  section 2.4), but for `pr` and null.
- `emails[type eq "work"].value eq "x"`, which Entra sends, is read as a comparison with that path;
  so are quoted booleans, and true, false and null in any case.
- Text compares without case where the attribute isn't caseExact, as `ss` and `ß` are the same.
- A dateTime without offset is UTC.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from connectors.scim_filter_compare import Literal
from connectors.scim_filter_parse import FilterError, Parser
from connectors.scim_filter_problems import filter_problems, path_problems
from connectors.scim_filter_tree import (
    And,
    Compare,
    Node,
    Not,
    Or,
    Path,
    Present,
    Resource,
    ValuePath,
    elements,
    walk,
)
from connectors.scim_schema import PHONE_USER, USER, Schema

__all__ = [
    "PHONE_USER",
    "USER",
    "And",
    "Compare",
    "Filter",
    "FilterError",
    "Literal",
    "Node",
    "Not",
    "Or",
    "Path",
    "Present",
    "Resource",
    "Schema",
    "ValuePath",
    "elements",
    "filter_problems",
    "parse_filter",
    "parse_path",
    "path_problems",
]


@dataclass(frozen=True)
class Filter:
    """A filter that was read.

    `tree` is what it says, for other readers; `matches(resource)` tells whether a resource in
    canonical attribute names meets it. Filters are equal if they say the same in the same order.
    """

    tree: Node

    @cached_property
    def matches(self) -> Callable[[Resource], bool]:
        """What tells of a resource whether it meets the filter; made when first asked for."""
        return self.tree.compiled()

    @property
    def text(self) -> str:
        """The canonical spelling; reading it again gives an equal filter."""
        return str(self.tree)

    @property
    def tests(self) -> tuple[Compare | Present, ...]:
        """Every comparison and presence test from the left, all with paths from the top."""
        return tuple(walk(self.tree))

    @property
    def paths(self) -> frozenset[Path]:
        """Every path that the filter reads."""
        return frozenset(test.path for test in walk(self.tree))


def parse_filter(text: str, schema: Schema = USER, *, quoted: bool = True) -> Filter:
    """Read a filter over resources of `schema`; raises FilterError.

    Unless it must be `quoted`, text may stand without quotes, too: up to `and`, `or`, a bracket or the end.

    >>> senior = parse_filter('title sw "Senior" and not (groups.display eq "Interns")')
    >>> senior.matches({"title": "senior clerk", "groups": [{"display": "Sales"}]})
    True
    """
    parser = Parser(text, schema, quoted=quoted)
    tree = parser.either()
    parser.end_of_filter()
    return Filter(tree)


def parse_path(text: str, schema: Schema = USER, *, quoted: bool = True) -> Path:
    """Read an attribute path, of a PATCH operation, a column or a rule; raises FilterError.

    What is said of `quoted` for filters holds for those in brackets.

    >>> path = parse_path("Email")
    >>> path.text
    'emails[type eq "work"].value'
    >>> path.values({"emails": [{"value": "eva@example.org", "type": "work"}]})
    ['eva@example.org']
    """
    parser = Parser(text, schema, quoted=quoted)
    try:
        path = parser.path()
        parser.end("the end of the path")
    except FilterError as error:
        error.in_brackets = parser.value_of is not None
        raise
    return path
