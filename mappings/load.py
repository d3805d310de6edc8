"""A mapping file, read and checked whole.

marshmallow judges the shape (schema.py); every filter, attribute path and name of a persona is judged
here, also in a file whose shape is wrong: whoever mends a mapping sees every problem at once, each
where it stands.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path as File
from typing import Any

from marshmallow import ValidationError

from connectors.errors import InputError, Problem
from connectors.records import clean, fold
from connectors.scim_filter import (
    PHONE_USER,
    USER,
    Filter,
    FilterError,
    Path,
    Schema,
    filter_problems,
    parse_filter,
    parse_path,
    path_problems,
)
from mappings.entitlements import (
    DEFAULTS_RULE,
    ENTITLEMENTS,
    MANY,
    PROFILE,
    PROFILE_RULE,
    SINGLE,
    PoolRef,
)
from mappings.graces import leavers_of
from mappings.life_cycle import life_cycle
from mappings.lookups import Lookup, read_table
from mappings.mapping import Mapping
from mappings.rules import Give, Leavers, Many, Persona, Rule, Single
from mappings.schema import MappingSchema, Takes
from mappings.text import AttributeText, TextError, parse_text, text_problems
from mappings.where import Where, where_of
from mappings.yaml_file import Located, did_you_mean, read_yaml, schema_problems
from mappings.yaml_nodes import Step, in_order

At = tuple[Step, ...]

_PARTS = ("scope", "defaults", "profile", "leave", "existing_account")
PLACES = {"rooms": "room", "common_areas": "common_area"}
"""The sections of rules for phone users who are no person, and the kind that each is about."""


def load_mapping(
    path: File, attributes: Schema | None = USER, pools: Collection[str] | None = None
) -> Mapping:
    """Read a mapping file; `attributes` are what a person may have, directories' own included, `pools`
    the names that a number's pool may have (None: any).

    `attributes` None: a User's, and whatever the mapping's own `attributes` declare.

    Raises InputError with every problem in the file, in the order of its lines.
    """
    located = read_yaml(path)
    attributes = declared(located) if attributes is None else attributes
    schema = MappingSchema()
    problems = list(located.problems)
    try:
        content = schema.load(located.data)
    except ValidationError as e:
        problems += schema_problems(e.messages_dict, located, schema)
        content = located.data if isinstance(located.data, dict) else {}
    reader = _Reader(path, located, attributes, problems, pools)
    mapping = reader.mapping(content)
    if mapping is None:
        raise InputError(in_order(problems, located.file))  # a table's come after the mapping's
    return mapping


def declared(located: Located) -> Schema:
    """Return a User's attributes with those that the file's `attributes` declare.

    Raises InputError for what can't be an attribute's name.
    """
    names = located.get(("attributes",))
    schema, problems = USER, []
    for number, name in enumerate(names if isinstance(names, list) else ()):
        try:
            schema = schema.extended([name]) if isinstance(name, str) else schema
        except ValueError as e:
            at = ("attributes", number)
            problems.append(Problem(located.where(at), f"{_name(at)}: {e}"))
    if problems:
        raise InputError(problems)
    return schema


class _Reader:
    """Reads what stands in a mapping's texts, adding to `problems`.

    It is given the data as marshmallow loaded it or, where the shape is wrong, as it was written;
    then whatever has the wrong type is passed over, because that is reported already.
    """

    def __init__(
        self,
        path: File,
        located: Located,
        attributes: Schema,
        problems: list[Problem],
        pools: Collection[str] | None,
        section: str = "rules",
    ) -> None:
        self._section = section
        self._path, self._located = path, located
        self._attributes, self._problems, self._pools = attributes, problems, pools
        self._lookups: dict[str, Lookup] = {}

    def mapping(self, content: dict[str, Any]) -> Mapping | None:
        """Return the mapping; None if anything is wrong with it."""
        self._lookups = dict(self._tables(content))
        personas = self._personas(content)
        rules = list(self._rules(content, personas))
        defaults = self._give(("defaults",), content.get("defaults"))
        profile = self._profile(content)
        join = self._join(content.get("join"))
        scope = self._filter(("scope",), content.get("scope"))
        existing = self._filter(("existing_account",), content.get("existing_account"))
        places = {kind: tuple(self._place_rules(content, name)) for name, kind in PLACES.items()}
        dates, leave = life_cycle(content, self._attribute, self._filter, self._problem)
        if self._problems:
            return None
        gives = [defaults, *(p.give for p in personas.values()), *(r.give for r in rules)]
        return Mapping(
            sha256=_hash(content, self._lookups),
            join=join,
            scope=scope,
            leavers=Leavers(**leavers_of(content["leavers"])),
            unmanaged=content["unmanaged"],
            defaults=defaults,
            profile=profile,
            rules=tuple(rules),
            managed=frozenset().union(
                *(give.names for give in gives), (f"profile.{name}" for name in profile)
            ),
            personas=personas,
            lookups=self._lookups,
            file=self._located.file,
            existing_account=existing,
            places={kind: _place_mapping(rules) for kind, rules in places.items() if rules},
            parts=self._other_places(content),
            dates=dates,
            leave=leave,
        )

    def _other_places(self, content: dict[str, Any]) -> dict[str, Where]:
        keys: list[At] = [("lookups", name) for name in content["lookups"]]
        return {n: self._where((n,)) for n in _PARTS} | {
            _name(at): where_of(self._located.where_key(at)) for at in keys
        }

    def _tables(self, content: dict[str, Any]) -> Iterator[tuple[str, Lookup]]:
        for name, data in _dict(content, "lookups"):
            at = ("lookups", name)
            table = data if isinstance(data, dict) else {}
            default = table.get("default")
            values = {k: v for k, v in table.items() if k != "default" and isinstance(v, str)}
            if "file" in table:
                wanted = [table.get(each) for each in ("file", "key", "value")]
                values = self._table_of(at, *(w if isinstance(w, str) else "" for w in wanted))
            elif not (table.keys() - {"default"}) and isinstance(data, dict):
                self._problem(at, "the table is empty")
            folded: dict[str, str] = {}
            for key, value in values.items():
                if folded.setdefault(fold(key), value) is not value:
                    self._problem((*at, key), f"{key!r} is there twice: case makes no difference")
            yield name, Lookup(name, folded, clean(default) if isinstance(default, str) else None)

    def _table_of(self, at: At, file: str, key: str, value: str) -> dict[str, str]:
        if not (file and key and value):
            return {}  # the shape is wrong
        try:
            return read_table(self._path.parent / file, key, value)
        except InputError as e:
            self._problem((*at, "file"), f"{file} can't be used: {len(e.problems)} to mend there")
            self._problems.extend(e.problems)
            return {}

    def _personas(self, content: dict[str, Any]) -> dict[str, Persona]:
        listed = {name: data for name, data in _dict(content, "personas") if isinstance(data, dict)}
        layers: dict[str, Give] = {}
        extends: dict[str, str] = {}
        for name, data in listed.items():
            at = ("personas", name)
            if not data:
                self._problem(at, "the persona gives nothing")
            layers[name] = self._layer(at, at, data, data.get("take"))
            base = data.get("extends")
            if isinstance(base, str):
                self._known((*at, "extends"), base, listed)
                extends[name] = base
        for circle in circles(extends):
            self._circle(circle)
        made: dict[str, Persona] = {}
        for name in listed:
            give, base = layers[name], extends.get(name)
            seen = {name}
            while base in layers and base not in seen:
                seen.add(base)
                give, base = give.over(layers[base]), extends.get(base)
            where = where_of(self._located.where_key(("personas", name)))
            made[name] = Persona(name, give, extends.get(name), where)
        return made

    def _circle(self, names: Sequence[str]) -> None:
        lines = [where_of(self._located.where_key(("personas", n))).line for n in names]
        listed = ", ".join(f"{n!r} (line {at})" for n, at in zip(names, lines, strict=True))
        said = "the persona extends itself" if len(names) == 1 else "extend one another in a circle"
        self._problem(
            ("personas", names[0], "extends"), said if len(names) == 1 else f"{listed} {said}"
        )

    def _place_rules(self, content: dict[str, Any], section: str) -> Iterator[Rule]:
        """Yield the rules for rooms or common areas: their filters and texts are over phone users."""
        reader = _Reader(
            self._path, self._located, PHONE_USER, self._problems, self._pools, section
        )
        reader._lookups = self._lookups
        yield from reader._rules(content, {})

    def _rules(self, content: dict[str, Any], personas: dict[str, Persona]) -> Iterator[Rule]:
        names: dict[str, int] = {fold(n): -1 for n in (DEFAULTS_RULE, PROFILE_RULE)}
        rules = content.get(self._section)
        for number, rule in enumerate(rules if isinstance(rules, list) else ()):
            if not isinstance(rule, dict):
                continue
            at = (self._section, number)
            name, persona = rule.get("name"), rule.get("persona")
            if isinstance(name, str):
                self._check_name((*at, "name"), name, names, number)
            give = self._layer((*at, "give"), at, rule.get("give"), rule.get("take"))
            exclusive = rule.get("exclusive")
            exclusive = exclusive if isinstance(exclusive, frozenset) else frozenset()
            if not (rule.get("give") or persona or rule.get("take") or rule.get("exclusive")):
                self._problem(at, "gives nothing: it needs a persona or give")
            if isinstance(persona, str):
                self._known((*at, "persona"), persona, personas)
                give = give.over(personas[persona].give if persona in personas else Give())
            if exclusive:
                give = give.closing(exclusive)
                if exclusive != frozenset(ENTITLEMENTS):
                    give = replace(give, mentions=give.mentions | exclusive)
            when = self._filter((*at, "when"), rule.get("when"))
            if when and isinstance(name, str):
                where = where_of(self._located.where(at))
                yield Rule(name, when, give, persona, where, exclusive)

    def _check_name(self, at: At, name: str, names: dict[str, int], number: int) -> None:
        first = names.setdefault(fold(name), number)
        if first < 0:
            self._problem(
                at, f"a rule can't be called {name!r}: what is not from a rule bears that name"
            )
        elif first != number:
            line = self._located.where((self._section, first)).rsplit(":", 2)[1]
            self._problem(at, f"there are two rules {name!r}, the first in line {line}")

    def _known(self, at: At, name: str, personas: Collection[str]) -> None:
        if name not in personas:
            self._problem(at, f"no persona is called {name!r}; {did_you_mean(name, personas)}")

    def _layer(self, at: At, around: At, data: Any, take: Any) -> Give:
        """Return what is given at one place and taken by the `take` that stands `around` it."""
        give = self._give(at, data)
        takes = take if isinstance(take, Takes) else Takes()
        taken = (*around, "take")
        for name in takes.whole:
            if name in give.single:
                self._problem(taken, f"{name} is given and taken by the same rule or persona")
        for name, values in takes.values.items():
            given = {fold(v) for v in give.many.get(name, ()) if isinstance(v, str)}
            for value in values:
                if fold(value) in given:
                    self._problem(taken, f"{name}: {value!r} is given and taken at the same place")
        none = {name: None for name in takes.whole if name in SINGLE}
        where = (where_of(self._located.where(taken)),)
        return replace(
            give,
            single={**none, **give.single},
            closed=frozenset(name for name in takes.whole if name in MANY),
            struck={n: frozenset(map(fold, values)) for n, values in takes.values.items()},
            mentions=frozenset((*takes.whole, *takes.values)),
            places={**dict.fromkeys(takes.whole, where), **give.places},
        )

    def _profile(self, content: dict[str, Any]) -> dict[str, str | AttributeText]:
        texts = [
            (n, self._text(("profile", n), text))
            for n, text in _dict(content, "profile")
            if n in PROFILE
        ]
        return {name: text for name, text in texts if text is not None}

    def _give(self, at: At, data: Any) -> Give:
        if not isinstance(data, dict):
            return Give()
        single = {n: self._single((*at, n), data[n]) for n in SINGLE if n in data}
        many = {n: tuple(self._list((*at, n), data[n])) for n in MANY if n in data}
        places: dict[str, tuple[Where, ...]] = {n: (self._where((*at, n)),) for n in single}
        places |= {n: tuple(self._where((*at, n, i)) for i in range(len(many[n]))) for n in many}
        return Give({n: v for n, v in single.items() if v is not None}, many, places=places)

    def _where(self, at: At) -> Where:
        return where_of(self._located.where(at))

    def _single(self, at: At, value: Any) -> Single | None:
        # where the shape of something else is wrong, it is as it was written
        name = value.name if isinstance(value, PoolRef) else None
        name = value.get("pool") if isinstance(value, dict) else name
        if isinstance(name, str) and self._pools is not None and clean(name) not in self._pools:
            known = did_you_mean(name, self._pools) if self._pools else "it has no pools"
            self._problem(at, f"the config has no pool {name!r}; {known}")
        return value if isinstance(value, bool | PoolRef) else self._text(at, value)

    def _list(self, at: At, values: Any) -> Iterator[Many]:
        for number, value in enumerate(values if isinstance(values, list) else ()):
            text = self._text((*at, number), value)
            if text is not None:
                yield text

    def _text(self, at: At, value: Any) -> str | AttributeText | None:
        if not isinstance(value, str):
            return None
        try:
            return parse_text(clean(value), self._attributes, self._lookups)
        except TextError:
            self._inside(at, value, text_problems(clean(value), self._attributes, self._lookups))
            return None

    def _filter(self, at: At, value: Any) -> Filter | None:
        if not isinstance(value, str):
            return None
        try:
            return parse_filter(clean(value), self._attributes)
        except FilterError:
            self._inside(at, value, filter_problems(clean(value), self._attributes))
            return None

    def _join(self, value: Any) -> Path | None:
        return self._attribute(("join",), value)

    def _attribute(self, at: At, value: Any) -> Path | None:
        if not isinstance(value, str):
            return None
        try:
            path = parse_path(clean(value), self._attributes)
        except FilterError:
            self._inside(at, value, path_problems(clean(value), self._attributes))
            return None
        if path.leaf is None:
            self._problem(at, f"{path} has no value of its own: name a sub-attribute")
        return path

    def _inside(
        self, at: At, value: str, errors: Sequence[FilterError] | Sequence[TextError]
    ) -> None:
        for error in errors:
            where = self._located.inside(at, error.position, clean(value))
            self._problems.append(Problem(where, f"{_name(at)}: {error.message}"))

    def _problem(self, at: At, text: str) -> None:
        self._problems.append(Problem(self._located.where(at), f"{_name(at)}: {text}"))


def _place_mapping(rules: tuple[Rule, ...]) -> Mapping:
    return Mapping(
        sha256="",
        join=None,
        scope=None,
        leavers=Leavers(),
        unmanaged="report",
        defaults=Give(),
        profile={},
        rules=rules,
        managed=frozenset().union(*(rule.give.names for rule in rules)),
    )


def _name(at: At) -> str:
    return ".".join(map(str, at))


def _dict(content: dict[str, Any], name: str) -> list[tuple[str, Any]]:
    value = content.get(name)
    return list(value.items()) if isinstance(value, dict) else []


def circles(extends: dict[str, str]) -> Iterator[list[str]]:
    """Yield each circle in which names extend one another, as it begins in the file.

    >>> list(circles({"a": "b", "b": "c", "c": "b"}))
    [['b', 'c']]
    """
    done: set[str] = set()
    for name in extends:
        path: list[str] = []
        at: str | None = name
        while at is not None and at not in done and at not in path:
            path.append(at)
            at = extends.get(at)
        if at is not None and at in path:
            yield path[path.index(at) :]
        done.update(path)


_UNTOLD = ("lookups", "examples", "attributes")
"""What decides nothing, and the lookups, which are told by their tables."""


def _hash(content: dict[str, Any], lookups: dict[str, Lookup]) -> str:
    """Hash what decides: lookups by what is in their tables, wherever it stands."""
    told = {name: value for name, value in content.items() if name not in _UNTOLD}
    if lookups:
        told["lookups"] = {n: [dict(table.values), table.default] for n, table in lookups.items()}
    text = json.dumps(told, sort_keys=True, ensure_ascii=False, default=_plain)
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def _plain(value: timedelta | PoolRef | frozenset[str]) -> Any:
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, PoolRef):
        return {"pool": value.name} | ({"on_move": "keep"} if value.keeps else {})
    return value.total_seconds()
