"""References to users and groups, read as the ids that they end with.

Clients write all of a reference, as they were answered it, its end (`Users/8c`: Databricks) or the id alone
(Apereo CAS, BaseScimService). Ids are looked up, while references would have to be written out for everybody.
"""

from __future__ import annotations

from dataclasses import replace

from connectors.scim_attribute import Attribute
from connectors.scim_filter_tree import And, Compare, Node, Not, Or, Path, ValuePath

_REFERENCE = "$ref"
_OURS = frozenset({"members", "groups"})


def id_in(reference: str) -> str:
    """Return the id at the end of a reference, "" if there is none.

    >>> id_in("https://example.org/scim/v2/Users/8c")
    '8c'
    """
    return reference.rstrip("/").rpartition("/")[2]


def by_id(node: Node, of: Attribute | None = None) -> Node:
    """Return a filter that tests ids where it tests for equal references; in brackets `of` is their attribute."""
    if isinstance(node, And | Or):
        return replace(node, parts=tuple(by_id(part, of) for part in node.parts))
    if isinstance(node, Not):
        return Not(by_id(node.part, of))
    if isinstance(node, ValuePath):
        return ValuePath(node.path, by_id(node.part, node.path.definition))
    if not isinstance(node, Compare) or node.op != "eq" or not isinstance(node.value, str):
        return node
    path, id = _id_of(node.path, of), id_in(node.value)
    return node if path is None or not id else Compare(path, "eq", id)


def _id_of(path: Path, of: Attribute | None) -> Path | None:
    """Return the path to the id beside a reference to one of our resources; None of any other path."""
    owner = of or path.definition
    if owner.name not in _OURS or _REFERENCE not in (path.attribute if of else None, path.sub):
        return None
    if of is None:
        return replace(path, sub="value")
    value = of.part("value")
    return None if value is None else Path(None, "value", definition=value)
