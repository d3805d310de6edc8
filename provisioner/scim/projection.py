"""Which attributes an answer has (RFC 7643 section 7, `returned`; RFC 7644 section 3.9).

`always` is in every answer, `never` in none, `request` only if asked for by name or just written by the
client, `default` unless a client asked for others or excluded it. Names that no schema knows ask for nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, NamedTuple, TypeAlias

from connectors.scim_attribute import Attribute
from provisioner.scim.errors import invalid_syntax
from provisioner.scim.schemas.types import ResourceType

Rule: TypeAlias = "bool | dict[str, Rule]"
"""What is kept of a value: all, nothing, or of an object the members that have a rule."""

_Asked: TypeAlias = dict[str, "set[str] | None"]
"""Attributes asked for by `URN:name`, each with its sub-attributes, None for the whole."""

Written: TypeAlias = frozenset[str]
"""What a client wrote of attributes that come on request, by `URN:name` or `URN:name.part`."""
NOTHING: Written = frozenset()


class _Said(NamedTuple):
    """What a request says of the attributes of its answer; `asked` is None if it names none to have."""

    asked: _Asked | None
    without: _Asked
    written: Written

    def by_default(self, attribute: Attribute, name: str) -> bool:
        """Whether an attribute, which is neither in all answers nor in none, is in one that asks for none."""
        return attribute.returned != "request" or name in self.written


MAX_NAMES = 500
"""Attributes that one request may list."""

_LONGEST_KEPT = 4_000
"""Characters of a list of attributes that is remembered: clients ask again for the same few."""

_CHOICE = re.compile(r"\[[^][]*\]")
"""What chooses among values, as in `emails[type eq "work"].value`."""

List: TypeAlias = str | Iterable[str] | None


@dataclass(frozen=True)
class Projection:
    """What an answer keeps of every resource of one type: a rule for each member."""

    rule: dict[str, Rule]

    @classmethod
    def parse(
        cls, attributes: List, excluded: List, type: ResourceType, written: Written = NOTHING
    ) -> Projection:
        """Return what a request asks for: names as a list or as text with commas, in any case.

        With both, what is excluded is taken from what was asked for. Whoever asks for some values,
        as Microsoft does, gets all of the attribute. `written` are attributes that come on request, and
        that the client wrote: by default they are in the answer. Raises ScimError (400) only for more
        than 500 names.

        >>> from provisioner.scim.schemas.registry import USER_TYPE
        >>> short = Projection.parse("userName,name.givenName", None, USER_TYPE)
        >>> short.apply({"id": "1", "userName": "eva", "name": {"givenName": "Eva", "familyName": "M"}})
        {'id': '1', 'userName': 'eva', 'name': {'givenName': 'Eva'}}
        """
        asked, without = _names(_all_values(attributes)), _names(excluded)
        short = sum(map(len, asked)) + sum(map(len, without)) <= _LONGEST_KEPT
        return (_parsed if short else _parsed.__wrapped__)(asked, without, type, written)

    def apply(self, resource: dict[str, Any]) -> dict[str, Any]:
        """Return the resource with what the answer has of it; the very same one if that is all."""
        if resource.keys() <= self._whole:
            return resource
        picked: dict[str, Any] = _pick(resource, self.rule)
        return picked

    @cached_property
    def _whole(self) -> frozenset[str]:
        return frozenset(name for name, rule in self.rule.items() if rule is True)

    @cached_property
    def left_out(self) -> frozenset[str] | None:
        """The members of which nothing is kept; None if of some a part is."""
        if any(isinstance(rule, dict) for rule in self.rule.values()):
            return None
        return frozenset(name for name, rule in self.rule.items() if not rule)

    def wants(self, name: str) -> bool:
        """Whether anything of a core attribute, by its canonical name, may be in the answer."""
        return bool(self.rule.get(name))


def _all_values(given: List) -> List:
    """Return names without what chooses among values."""
    if given is None or isinstance(given, str):
        return given and _CHOICE.sub("", given)
    return [_CHOICE.sub("", each) for each in given]


def _names(given: List) -> tuple[str, ...]:
    if given is None:
        return ()
    listed = given.split(",", MAX_NAMES) if isinstance(given, str) else list(given)
    names = tuple(name for each in listed if (name := each.strip()))
    if len(names) > MAX_NAMES:
        raise invalid_syntax(f"more than {MAX_NAMES} attributes are listed")
    return names


@lru_cache(maxsize=512)
def _parsed(
    attributes: tuple[str, ...], excluded: tuple[str, ...], type: ResourceType, written: Written
) -> Projection:
    said = _Said(_asked(attributes, type) if attributes else None, _asked(excluded, type), written)
    schema = type.schema
    rule: dict[str, Rule] = {each.name: _rule(each, each.name, said) for each in schema.attributes}
    for uri, members in schema.extensions.items():
        inner = {each.name: _rule(each, f"{uri}:{each.name}", said) for each in members}
        rule[uri] = _folded(inner)
    return Projection(rule)


def _asked(names: Iterable[str], type: ResourceType) -> _Asked:
    asked: _Asked = {}
    for name in names:
        if (uri := type.schema.known_urn(name)) is not None:
            prefix = "" if uri == type.core.uri else f"{uri}:"
            asked.update((f"{prefix}{each.name}", None) for each in type.schema.tops(uri))
        elif (found := type.schema.find(name)) is not None:
            top = f"{found.uri}:{found.attribute.name}" if found.uri else found.attribute.name
            if found.sub is None:
                asked[top] = None
            elif (parts := asked.setdefault(top, set())) is not None:
                parts.add(found.sub.name)
    return asked


def _rule(attribute: Attribute, top: str, said: _Said) -> Rule:
    """Return what is kept of one attribute."""
    if attribute.returned == "never":
        return False
    if attribute.returned == "always":
        return True
    wanted = said.by_default(attribute, top) if said.asked is None else top in said.asked
    if top in said.without and said.without[top] is None:
        wanted = False
    if not attribute.sub:
        return wanted
    chosen = None if said.asked is None else said.asked.get(top)
    dropped = said.without.get(top) or set()

    def kept(part: Attribute) -> bool:
        if part.returned in ("never", "always"):
            return part.returned == "always"
        if not wanted or part.name in dropped:
            return False
        return part.name in chosen if chosen else said.by_default(part, f"{top}.{part.name}")

    return _folded({each.name: kept(each) for each in attribute.sub})


def _folded(rule: dict[str, Rule]) -> Rule:
    """Return True for a rule that keeps everything, False for one that keeps nothing."""
    rules = list(rule.values())
    if all(each is True for each in rules):
        return True
    return rule if any(rules) else False


def _pick(value: Any, rule: Rule) -> Any:
    if rule is True:
        return value
    if not rule:
        return None
    if isinstance(value, list):
        return [kept for each in value if (kept := _pick(each, rule))] or None
    if not isinstance(value, dict):
        return value
    picked: dict[str, Any] = {}
    for name, inner in value.items():
        wanted = rule.get(name, False)
        if wanted is True:
            picked[name] = inner
        elif wanted and (kept := _pick(inner, wanted)):
            picked[name] = kept
    return picked
