"""A filter as SQL: over what has an index for sure, over the rest as far as it narrows the search.

A `Condition` is `exact` if it holds for just the resources that the filter matches, by the same rules of
case, blanks and dates as the compiled filter's (connectors/scim_filter_compare.py). Otherwise it holds
for those and maybe others, and each that it lets through must be looked at with the compiled filter.
Every condition is true or false, never NULL, so that it can be negated. Values are always bound.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, NamedTuple, TypeAlias

from connectors.records import clean, fold
from connectors.scim_filter import And, Compare, Node, Not, Or, Path, Present, ValuePath
from connectors.scim_filter_compare import comparator, inside, instant

TRUE, FALSE = "(1 = 1)", "(1 = 0)"

_SIGNS = {"gt": ">", "ge": ">=", "lt": "<", "le": "<="}
_LAST = "\U0010ffff"
_DAY = 24 * 60 * 60
_DEEPEST, _WIDEST = 8, 50
"""How deep what SQL says may nest, and how many parts stand side by side without brackets around some.

SQLite reads no more than a hundred brackets and words that wait for their end, and no sum of a thousand parts
(SQLite, "Implementation Limits For SQLite").
"""


class Condition(NamedTuple):
    """SQL over one resource's row, and whether it says all that the filter says.

    `few`: it holds for few resources, because something that is nearly each one's own must equal.
    """

    sql: str
    exact: bool
    few: bool = False


@dataclass
class Binder:
    """Names for the values of one statement, and which database it is for."""

    postgresql: bool
    values: dict[str, Any] = field(default_factory=dict)

    def bind(self, value: Any) -> str:
        """Return the `:name` that stands for a value."""
        name = f"p{len(self.values)}"
        self.values[name] = value
        return f":{name}"


Test: TypeAlias = Callable[[Compare | Present, Binder], str | None]
"""SQL that says just what one test says; None where SQL can't say it."""


@dataclass(frozen=True)
class Columns:
    """What of one kind of resource SQL knows: tests by `attribute` or `attribute.sub`.

    Tests of a multi-valued attribute hold if one of its values meets them. `absent`: the attributes, and
    the URNs of schemas, that no resource of this kind has, though a filter may speak of them.
    """

    tests: Mapping[str, Test]
    absent: frozenset[str] = frozenset()

    def lack(self, path: Path) -> bool:
        """Whether no resource has a value at `path`."""
        return (path.uri or path.attribute) in self.absent


def condition(node: Node, columns: Columns, binder: Binder, depth: int = 0) -> Condition:
    """Return what SQL can say of a filter's tree; `depth`: how many others this one stands in."""
    if depth > _DEEPEST:
        return Condition(TRUE, False)
    if isinstance(node, And):
        parts = [condition(part, columns, binder, depth + 1) for part in node.parts]
        known = [part.sql for part in parts if part.sql != TRUE]
        exact, few = all(part.exact for part in parts), any(part.few for part in parts)
        return Condition(_joined(" AND ", known) or TRUE, exact, few)
    if isinstance(node, Or):
        parts = [condition(part, columns, binder, depth + 1) for part in node.parts]
        exact, few = all(part.exact for part in parts), all(part.few for part in parts)
        if any(part.sql == TRUE for part in parts):
            return Condition(TRUE, exact)
        return Condition(_joined(" OR ", [part.sql for part in parts]), exact, few)
    if isinstance(node, Not):
        inner = condition(node.part, columns, binder, depth + 1)
        return Condition(f"(NOT {inner.sql})", True) if inner.exact else Condition(TRUE, False)
    if isinstance(node, ValuePath):
        return _one_value(node, columns, binder)
    return _test(node, columns, binder)


def _test(node: Compare | Present, columns: Columns, binder: Binder) -> Condition:
    path = node.path
    if columns.lack(path):
        return Condition(FALSE, True, True) if _says_some(node) else Condition(TRUE, False)
    test = _known(path, columns)
    sql = test(node, binder) if test else None
    if sql is None:
        return Condition(TRUE, False)
    if path.part is None:
        return Condition(sql, True, _few(node, binder))
    # brackets choose among the values: without them more is found, but for what says "none does"
    return Condition(sql, False, _few(node, binder)) if _says_some(node) else Condition(TRUE, False)


def _one_value(node: ValuePath, columns: Columns, binder: Binder) -> Condition:
    """`emails[type eq "work" and value eq "x"]`: narrowed by the parts that SQL knows."""
    if columns.lack(node.path):
        return Condition(FALSE, True, True)
    parts = node.part.parts if isinstance(node.part, And) else (node.part,)
    found: list[str] = []
    few = False
    for part in parts:
        if isinstance(part, Compare | Present) and _says_some(part):
            path = Path(
                node.path.uri,
                node.path.attribute,
                part.path.attribute,
                definition=node.path.definition,
            )
            whole = (
                Present(path) if isinstance(part, Present) else Compare(path, part.op, part.value)
            )
            test = _known(path, columns)
            if test and (sql := test(whole, binder)):
                found.append(sql)
                few = few or _few(part, binder)
    return Condition(_joined(" AND ", found) or TRUE, len(parts) == 1 and bool(found), few)


def _known(path: Path, columns: Columns) -> Test | None:
    if path.uri is not None:
        return None
    name = path.attribute if path.sub is None else f"{path.attribute}.{path.sub}"
    return columns.tests.get(name)


def _few(node: Compare | Present, binder: Binder) -> bool:
    if isinstance(node, Present) or not isinstance(node.value, str):
        return False
    if node.path.attribute == "meta":
        # who asks for changes asks for the latest; SQLite can't guess that
        since = node.path.sub == "lastModified" and node.op in ("gt", "ge")
        return since and not binder.postgresql
    return node.op == "eq" and node.path.attribute != "groups"


def _says_some(node: Compare | Present) -> bool:
    """Whether a test speaks of a value that there is; `ne` and null hold where there is none."""
    return isinstance(node, Present) or (node.op != "ne" and node.value is not None)


def _joined(word: str, parts: list[str]) -> str:
    while len(parts) > _WIDEST:
        groups = (parts[n : n + _WIDEST] for n in range(0, len(parts), _WIDEST))
        parts = [_joined(word, group) for group in groups]
    return parts[0] if len(parts) == 1 else f"({word.join(parts)})" if parts else ""


def text(column: str, *, case_exact: bool) -> Test:
    """Return the test of a text column: folded, or clean where it is case exact; NULL is absent."""

    def test(node: Compare | Present, binder: Binder) -> str | None:
        absent = f"({column} IS NULL OR {column} = '')"
        if isinstance(node, Present) or (node.value is None and node.op == "ne"):
            return f"({column} IS NOT NULL AND {column} <> '')"
        if node.value is None:
            return absent
        prepare = clean if case_exact else fold
        if node.op == "ne":
            equal = equals(column, prepare(str(node.value)), binder)
            return f"({column} IS NULL OR NOT {equal})"
        return f"({column} IS NOT NULL AND {_compared(column, node, case_exact, binder)})"

    return test


def _compared(column: str, node: Compare, case_exact: bool, binder: Binder) -> str:
    literal = str(node.value)
    if node.op in _SIGNS:
        return _ordered(column, node.op, (clean if case_exact else fold)(literal), binder)
    if node.op == "eq":
        return equals(column, (clean if case_exact else fold)(literal), binder)
    wanted = inside(literal, case_exact, node.op)
    if "\x00" in wanted:
        return FALSE
    if not wanted:
        return TRUE
    if node.op == "sw":
        return begins(column, wanted, binder)
    if node.op == "co":
        found = "strpos" if binder.postgresql else "instr"
        return f"({found}({column}, {binder.bind(wanted)}) > 0)"
    ending = (
        f"right({column}, {len(wanted)})"
        if binder.postgresql
        else f"substr({column}, -{len(wanted)})"
    )
    return f"({ending} = {binder.bind(wanted)})"


def equals(column: str, wanted: str, binder: Binder) -> str:
    """Return `column = wanted`; no stored text has a NUL, which PostgreSQL wouldn't even take."""
    return FALSE if "\x00" in wanted else f"({column} = {binder.bind(wanted)})"


def begins(column: str, wanted: str, binder: Binder) -> str:
    """Return that a column begins so, as a range that an index serves."""
    after = wanted.rstrip(_LAST)
    if not after:
        return f"({column} >= {binder.bind(wanted)})"
    following = ord(after[-1]) + 1
    if following == 0xD800:  # surrogates are no characters
        following = 0xE000
    end = after[:-1] + chr(following)
    return f"({column} >= {binder.bind(wanted)} AND {column} < {binder.bind(end)})"


def _ordered(column: str, op: str, wanted: str, binder: Binder) -> str:
    before, nul, _ = wanted.partition("\x00")
    if nul:  # what is stored has none: it comes either up to what stands before, or after
        op = "gt" if op in ("gt", "ge") else "le"
    return f"({column} {_SIGNS[op]} {binder.bind(before)})"


def boolean(column: str) -> Test:
    """Return the test of a boolean column; NULL is absent, and equals neither."""

    def test(node: Compare | Present, binder: Binder) -> str | None:
        if isinstance(node, Present) or (node.value is None and node.op == "ne"):
            return f"({column} IS NOT NULL)"
        if node.value is None:
            return f"({column} IS NULL)"
        if node.op == "ne":
            return f"({column} IS NULL OR {column} <> {binder.bind(node.value)})"
        return f"({column} IS NOT NULL AND {column} = {binder.bind(node.value)})"

    return test


def moments(column: str) -> Test:
    """Return the test of a column of moments (store/moments.py), which is never NULL."""

    def test(node: Compare | Present, binder: Binder) -> str | None:
        if isinstance(node, Present) or node.value is None:
            return TRUE if isinstance(node, Present) or node.op == "ne" else FALSE
        at = instant(str(node.value))
        assert at is not None, "the parser lets nothing else through"
        written, beyond = _written(*at)
        op = node.op
        if op in ("eq", "ne"):
            equal = FALSE if beyond else f"({column} = {binder.bind(written)})"
            return equal if op == "eq" else f"(NOT {equal})"
        if beyond:  # between two moments that can be stored
            op = "gt" if op in ("gt", "ge") else "le"
        return f"({column} {_SIGNS[op]} {binder.bind(written)})"

    return test


def _written(seconds: int, fraction: str) -> tuple[str, bool]:
    """Return an instant as the store writes moments, and whether it is a little later than that."""
    days, rest = divmod(seconds, _DAY)
    if days < 1:
        return "", True
    if days > date.max.toordinal():
        return "~", True
    clock = f"{rest // 3600:02}:{rest // 60 % 60:02}:{rest % 60:02}"
    day = date.fromordinal(days).isoformat()
    return f"{day}T{clock}.{fraction[:6]:0<6}Z", bool(fraction[6:].strip("0"))


def constant(value: str) -> Test:
    """Return the test of an attribute that is the same for every resource."""

    def test(node: Compare | Present, _binder: Binder) -> str | None:
        if isinstance(node, Present) or node.value is None:
            return TRUE if isinstance(node, Present) or node.op == "ne" else FALSE
        leaf = node.path.leaf
        assert leaf is not None
        return TRUE if comparator(leaf, node.op, node.value)(value) else FALSE

    return test


def among(rows: str, value: Test, *, empty: bool = False) -> Test:
    """Return the test that one of several values, rows of their own, meets `value`.

    `rows` is SQL that holds `{}` where the test of a row stands. With `empty` presence can be told.
    """

    def test(node: Compare | Present, binder: Binder) -> str | None:
        if isinstance(node, Present):
            return rows.format(TRUE) if empty else None
        if not _says_some(node) or not fold(str(node.value)):
            return None
        inner = value(node, binder)
        return None if inner is None else rows.format(inner)

    return test


def only_eq(test: Test) -> Test:
    """Return a test that SQL makes for `eq` alone."""

    def narrowed(node: Compare | Present, binder: Binder) -> str | None:
        return test(node, binder) if isinstance(node, Compare) and node.op == "eq" else None

    return narrowed


_IN_GROUP = (
    "(u.seq IN (WITH RECURSIVE below (seq) AS ("
    "SELECT g.seq FROM scim_groups g WHERE g.sync = :sync AND {} UNION "
    "SELECT n.child_seq FROM below JOIN scim_nested n ON n.group_seq = below.seq) "
    "SELECT m.user_seq FROM below JOIN scim_members m ON m.group_seq = below.seq))"
)
_HAS_EMAIL = "(u.seq IN (SELECT e.user_seq FROM scim_emails e WHERE e.sync = :sync AND {}))"
_HAS_MEMBER = (
    "(g.seq IN (SELECT m.group_seq FROM scim_members m JOIN scim_users r ON r.seq = m.user_seq"
    " WHERE r.sync = :sync AND {0}) OR g.seq IN (SELECT n.group_seq FROM scim_nested n"
    " JOIN scim_groups r ON r.seq = n.child_seq WHERE r.sync = :sync AND {0}))"
)

_email = among(_HAS_EMAIL, text("e.value_key", case_exact=False))
_group = only_eq(among(_IN_GROUP, text("g.id", case_exact=False)))
_member = only_eq(among(_HAS_MEMBER, text("r.id", case_exact=False)))


def _common(row: str, type: str) -> dict[str, Test]:
    return {
        "id": text(f"{row}.id", case_exact=True),
        "externalId": text(f"{row}.external_id", case_exact=True),
        "displayName": text(f"{row}.display_name_key", case_exact=False),
        "meta.created": moments(f"{row}.created"),
        "meta.lastModified": moments(f"{row}.last_modified"),
        "meta.resourceType": constant(type),
    }


USER_COLUMNS = Columns(
    _common("u", "User")
    | {
        "userName": text("u.user_name_key", case_exact=False),
        "active": boolean("u.active"),
        "emails": _email,
        "emails.value": _email,
        "groups": _group,
        "groups.value": _group,
        "groups.display": only_eq(among(_IN_GROUP, text("g.display_name_key", case_exact=False))),
    }
)
"""What SQL knows of `scim_users u`; `:sync` must be bound."""

GROUP_COLUMNS = Columns(_common("g", "Group") | {"members": _member, "members.value": _member})
"""What SQL knows of `scim_groups g`; `:sync` must be bound."""
