"""Examples: what a mapping should give to somebody, kept beside it and held against what it does give.

    examples:
      - name: sales in Munich
        given: {userName: eva, location: Munich, groups: [Phone Users, Sales]}
        expect: {license: zoom_phone, packages: [us_ca_unlimited], site: DE-MUC}

`given` are a person's attributes, by any name that a filter may use. Only what `expect` names is
compared: a value, null (or []) for none, `in_scope`, `profile` attributes, and `left_alone` for what
stays as it is held because an attribute is missing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from connectors.records import Person, fold
from connectors.scim_filter import FilterError, Path, Schema, parse_path
from mappings.entitlements import MANY, Entitlements, PoolRef
from mappings.mapping import Mapping as Rules
from mappings.where import Where


@dataclass(frozen=True, slots=True)
class Example:
    """One example: `given` is a person's resource; `expect` what is expected, as written.

    `places`: where each expectation stands.
    """

    name: str
    given: Mapping[str, Any]
    expect: Mapping[str, Any]
    where: Where
    places: Mapping[str, Where]


@dataclass(frozen=True, slots=True)
class Difference:
    """What an example expects and the mapping doesn't give; the texts are as somebody reads them.

    `because`: the rule that decided, with its place, and the rules that lost to it.
    """

    what: str
    expected: str
    actual: str
    because: str
    where: Where


class ExampleError(ValueError):
    """An attribute of an example that can't be: `name` is its key in `given`."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name
        self.message = message


def resource_of(
    given: Mapping[str, Any], schema: Schema
) -> tuple[dict[str, Any], list[ExampleError]]:
    """Return the User resource that attributes, written by any of their names, make.

    With it an error for each name that isn't known, and for each value of another type.
    """
    resource: dict[str, Any] = {}
    errors: list[ExampleError] = []
    for name, value in given.items():
        whole = schema.known_urn(name) and isinstance(value, dict)
        members = (
            {f"{name}:{sub}": inner for sub, inner in value.items()} if whole else {name: value}
        )
        for text, each in members.items():
            try:
                if each is not None:
                    _put(resource, text, each, schema, name)
            except ExampleError as e:
                errors.append(e)
    return resource, errors


def _put(resource: dict[str, Any], text: str, value: Any, schema: Schema, name: str) -> None:
    try:
        path = parse_path(text, schema)
    except FilterError as e:
        raise ExampleError(name, e.message) from e
    if path.definition.type == "complex" and not path.sub and isinstance(value, dict | list):
        _put_whole(resource, path, value, name)
        return
    if path.leaf is None:
        raise ExampleError(name, f"{path} has no value of its own: name a sub-attribute")
    if isinstance(value, list) and not path.definition.multi_valued:
        raise ExampleError(name, f"{path} has one value, not a list")
    for each in value if isinstance(value, list) else [value]:
        _check_type(path.leaf.type, each, name)
    try:
        path.put(resource, value)
    except ValueError as e:
        raise ExampleError(name, str(e)) from e


def _put_whole(resource: dict[str, Any], path: Path, value: Any, name: str) -> None:
    """Put a complex attribute; of a multi-valued one a plain value stands for its `value`."""
    definition = path.definition
    values = value if isinstance(value, list) else [value]
    made: list[dict[str, Any]] = []
    for each in values:
        if isinstance(each, dict):
            made.append({})
            for sub, inner in each.items():
                part = definition.part(sub)
                if part is None:
                    raise ExampleError(name, f"{definition.name} has no sub-attribute {sub!r}")
                _check_type(part.type, inner, name)
                made[-1][part.name] = inner
        else:
            _check_type("string", each, name)
            made.append({"value": each})
            if definition.name == "groups":
                made[-1]["display"] = each
    if path.part is not None:
        raise ExampleError(name, f"{path} takes one value")
    if not definition.multi_valued and (len(made) != 1 or isinstance(value, list)):
        raise ExampleError(name, f"{definition.name} has one value, not a list")
    target = resource.setdefault(path.uri, {}) if path.uri else resource
    target[definition.name] = made if definition.multi_valued else made[0]


def _check_type(type_: str, value: Any, name: str) -> None:
    wanted: tuple[type, str] = {
        "boolean": (bool, "true or false"),
        "integer": (int, "a whole number"),
        "decimal": (float, "a number"),
    }.get(type_, (str, "text"))
    if not isinstance(value, wanted[0]) or (isinstance(value, bool) and wanted[0] is not bool):
        hint = ": write quotes around it" if wanted[0] is str and not _nested(value) else ""
        raise ExampleError(name, f"{wanted[1]} is wanted here, not {_shown(value)}{hint}")


def _nested(value: Any) -> bool:
    return isinstance(value, dict | list)


def differences(mapping: Rules, example: Example) -> Iterator[Difference]:
    """Yield everything that the mapping does otherwise than the example expects."""
    person = Person("example", dict(example.given))
    in_scope = mapping.in_scope(person)
    entitled = mapping.entitlements(person)
    if not in_scope:
        entitled = Entitlements({}, {}, {})
    judge = _Judge(mapping, person, entitled, in_scope)
    for what, expected in example.expect.items():
        where = example.places.get(what, example.where)
        if what == "profile":
            for name, value in (expected or {}).items():
                yield from judge.held_against(f"profile.{name}", value, where)
        else:
            yield from judge.held_against(what, expected, where)


class _Judge:
    """Holds expectations against what one person is given."""

    def __init__(
        self, mapping: Rules, person: Person, entitled: Entitlements, in_scope: bool
    ) -> None:
        self._mapping, self._person = mapping, person
        self._entitled, self._in_scope = entitled, in_scope

    def held_against(self, what: str, expected: Any, where: Where) -> Iterator[Difference]:
        actual = self._actual(what)
        in_scope = what == "in_scope"  # where false is no absence
        same = expected == actual if in_scope else _comparable(expected) == _comparable(actual)
        if not same:
            yield Difference(what, _shown(expected), _shown(actual), self._because(what), where)

    def _actual(self, what: str) -> Any:
        given = self._entitled
        if what == "in_scope":
            return self._in_scope
        if what == "left_alone":
            return sorted(given.left_alone)
        if what in MANY:
            return list(given.many.get(what, ()))
        source, name = given.single, what
        if what.startswith("profile."):
            source, name = given.profile, what.removeprefix("profile.")
        return source[name].value if name in source else None

    def _because(self, what: str) -> str:
        if what == "in_scope":
            verdict = "matches" if self._in_scope else "doesn't match, or they are inactive"
            return f"the scope {verdict}"
        if not self._in_scope:
            return "they are not in scope"
        given = self._entitled
        lacks = [f"{attribute} is missing" for name, _, attribute in given.missing if name == what]
        rules = _rules_of(given, what)
        said = [f"by {self._named(rule)}" for rule in rules]
        lost = [
            f"{self._named(each.rule)} would have {_would(each.value, each.taken)}"
            for each in self._mapping.losers(self._person)
            if each.entitlement == what
        ]
        return "; ".join([*said, *lacks, *lost]) or "no rule that matches mentions it"

    def _named(self, rule: str) -> str:
        where = self._mapping.where(rule)
        return f"rule {rule} ({where.short})" if where else rule


def _rules_of(given: Entitlements, what: str) -> Sequence[str]:
    if what in given.taken:
        return (given.taken[what],)
    if what in given.single:
        return (given.single[what].rule,)
    return tuple(dict.fromkeys(given.many.get(what, {}).values()))


def _would(value: object, taken: bool) -> str:
    if taken:
        return "taken it"
    return f"given {_shown(value)}"


def _comparable(value: Any) -> Any:
    """Return what two values are compared by: names without case, lists in any order, none as None."""
    if isinstance(value, str):
        return fold(value)
    if isinstance(value, list):
        return sorted(map(fold, value)) or None
    return None if value is False else value  # no credits and `credits: false` are the same


def _shown(value: Any) -> str:
    if value is None or value == []:
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return ", ".join(map(_shown, value))
    return f"pool {value.name}" if isinstance(value, PoolRef) else repr(value)
