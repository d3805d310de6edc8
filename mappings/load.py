"""A mapping file, read and checked whole.

marshmallow judges the shape (schema.py); every filter, attribute path and name of a persona is judged
here, also in a file whose shape is wrong: whoever mends a mapping sees every problem at once, each
where it stands.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterator
from datetime import timedelta
from pathlib import Path as File
from typing import Any

from marshmallow import ValidationError

from connectors.errors import InputError, Problem
from connectors.records import fold
from connectors.scim_filter import USER, Filter, FilterError, Path, Schema, parse_filter, parse_path
from mappings.entitlements import DEFAULTS_RULE, MANY, PROFILE, PROFILE_RULE, SINGLE, PoolRef
from mappings.mapping import Mapping
from mappings.places import Places
from mappings.rules import Give, Leavers, Many, Rule, Single
from mappings.schema import MappingSchema
from mappings.text import AttributeText, TextError, parse_text
from mappings.yaml_file import Located, did_you_mean, load_yaml, schema_problems
from mappings.yaml_nodes import Step, place

At = tuple[Step, ...]


def load_mapping(
    path: File, attributes: Schema = USER, pools: Collection[str] | None = None
) -> Mapping:
    """Read a mapping file; `attributes` are what a person may have, directories' own included, `pools`
    the names that a number's pool may have (None: any).

    Raises InputError with every problem in the file, in the order of its lines.
    """
    located = load_yaml(path)
    schema = MappingSchema()
    problems: list[Problem] = []
    try:
        content = schema.load(located.data)
    except ValidationError as e:
        problems = schema_problems(e.messages_dict, located, schema)
        content = located.data if isinstance(located.data, dict) else {}
    reader = _Reader(Places(located, path), located, attributes, problems, pools)
    mapping = reader.mapping(content)
    if mapping is None:
        raise InputError(sorted(problems, key=place))
    return mapping


class _Reader:
    """Reads what stands in a mapping's texts, adding to `problems`.

    It is given the data as marshmallow loaded it or, where the shape is wrong, as it was written;
    then whatever has the wrong type is passed over, because that is reported already.
    """

    def __init__(
        self,
        places: Places,
        located: Located,
        attributes: Schema,
        problems: list[Problem],
        pools: Collection[str] | None,
    ) -> None:
        self._places, self._located, self._pools = places, located, pools
        self._attributes, self._problems = attributes, problems

    def mapping(self, content: dict[str, Any]) -> Mapping | None:
        """Return the mapping; None if anything is wrong with it."""
        personas = dict(self._personas(content))
        rules = list(self._rules(content, personas))
        defaults = self._give(("defaults",), content.get("defaults"))
        profile = self._profile(content)
        join = self._join(content.get("join"))
        scope = self._filter(("scope",), content.get("scope"))
        if self._problems:
            return None
        mentioned = [
            give.names for give in (defaults, *personas.values(), *(r.give for r in rules))
        ]
        return Mapping(
            sha256=_hash(content),
            join=join,
            scope=scope,
            leavers=Leavers(**content["leavers"]),
            unmanaged=content["unmanaged"],
            defaults=defaults,
            profile=profile,
            rules=tuple(rules),
            managed=frozenset().union(*mentioned, (f"profile.{name}" for name in profile)),
        )

    def _personas(self, content: dict[str, Any]) -> Iterator[tuple[str, Give]]:
        for name, give in _dict(content, "personas"):
            if give == {}:
                self._problem(("personas", name), "the persona gives nothing")
            yield name, self._give(("personas", name), give)

    def _rules(self, content: dict[str, Any], personas: dict[str, Give]) -> Iterator[Rule]:
        names: dict[str, int] = {fold(n): -1 for n in (DEFAULTS_RULE, PROFILE_RULE)}
        rules = content.get("rules")
        for number, rule in enumerate(rules if isinstance(rules, list) else ()):
            if not isinstance(rule, dict):
                continue
            at = ("rules", number)
            name, persona = rule.get("name"), rule.get("persona")
            if isinstance(name, str):
                self._check_name((*at, "name"), name, names, number)
            give = self._give((*at, "give"), rule.get("give"))
            if rule.get("give", {}) == {} and persona is None:
                self._problem(at, "gives nothing: it needs a persona or give")
            if isinstance(persona, str):
                give = give.over(self._persona((*at, "persona"), persona, personas))
            when = self._filter((*at, "when"), rule.get("when"))
            if when and isinstance(name, str):
                yield Rule(name, when, give, persona)

    def _check_name(self, at: At, name: str, names: dict[str, int], number: int) -> None:
        first = names.setdefault(fold(name), number)
        if first < 0:
            self._problem(
                at, f"a rule can't be called {name!r}: what is not from a rule bears that name"
            )
        elif first != number:
            line = self._located.where(("rules", first)).rsplit(":", 2)[1]
            self._problem(at, f"there are two rules {name!r}, the first in line {line}")

    def _persona(self, at: At, name: str, personas: dict[str, Give]) -> Give:
        if name not in personas:
            self._problem(at, f"no persona is called {name!r}; {did_you_mean(name, personas)}")
        return personas.get(name, Give())

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
        return Give({n: value for n, value in single.items() if value is not None}, many)

    def _single(self, at: At, value: Any) -> Single | None:
        if isinstance(value, PoolRef) and self._pools is not None and value.name not in self._pools:
            known = did_you_mean(value.name, self._pools) if self._pools else "it has no pools"
            self._problem(at, f"the config has no pool {value.name!r}; {known}")
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
            return parse_text(value, self._attributes)
        except TextError as e:
            self._inside(at, e)
            return None

    def _filter(self, at: At, value: Any) -> Filter | None:
        if not isinstance(value, str):
            return None
        try:
            return parse_filter(value, self._attributes)
        except FilterError as e:
            self._inside(at, e)
            return None

    def _join(self, value: Any) -> Path | None:
        if not isinstance(value, str):
            return None
        try:
            path = parse_path(value, self._attributes)
        except FilterError as e:
            self._inside(("join",), e)
            return None
        if path.leaf is None:
            self._problem(("join",), f"{path} has no value of its own: name a sub-attribute")
        return path

    def _inside(self, at: At, error: FilterError | TextError) -> None:
        where = self._places.inside(at, error.position)
        self._problems.append(Problem(where, f"{_name(at)}: {error.message}"))

    def _problem(self, at: At, text: str) -> None:
        self._problems.append(Problem(self._located.where(at), f"{_name(at)}: {text}"))


def _name(at: At) -> str:
    return ".".join(map(str, at))


def _dict(content: dict[str, Any], name: str) -> list[tuple[str, Any]]:
    value = content.get(name)
    return list(value.items()) if isinstance(value, dict) else []


def _hash(content: dict[str, Any]) -> str:
    text = json.dumps(content, sort_keys=True, ensure_ascii=False, default=_plain)
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def _plain(value: timedelta | PoolRef) -> Any:
    return {"pool": value.name} if isinstance(value, PoolRef) else value.total_seconds()
