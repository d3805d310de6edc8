"""What an attribute is and how a kind of resource is made of them (RFC 7643 sections 2 and 7).

Names are looked up without case and come out in their canonical spelling; an attribute of an
extension is addressed, and kept in a resource, under that extension's URN. The filter language
(scim_filter) reads everything it knows about attributes from here; which attributes there are is
declared in scim_schema.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import MappingProxyType
from typing import Literal

from connectors.records import clean, fold

Type = Literal[
    "string", "boolean", "integer", "decimal", "dateTime", "reference", "binary", "complex"
]
Mutability = Literal["readOnly", "readWrite", "immutable", "writeOnly"]
Returned = Literal["always", "never", "default", "request"]
Uniqueness = Literal["none", "server", "global"]

_PLAIN_NAME = re.compile(r"[^\W\d_][\w-]*")
_BEGINNING = len("urn:")
_LONGEST_NAME = 200


@dataclass(frozen=True)
class Attribute:
    """One attribute or sub-attribute, with the characteristics of RFC 7643 section 2.2.

    `case_exact` says whether text compares with case. `sub` are a complex attribute's
    sub-attributes. `assumed` is what an absent value counts as in comparisons: False for
    `primary` (RFC 7643 section 2.4), else nothing. `canonical` are suggested values, never the only
    ones; `references` what a reference leads to (`User`, `external`, `uri`).
    """

    name: str
    type: Type = "string"
    multi_valued: bool = False
    case_exact: bool = False
    sub: tuple[Attribute, ...] = ()
    assumed: bool | None = None
    required: bool = False
    mutability: Mutability = "readWrite"
    returned: Returned = "default"
    uniqueness: Uniqueness = "none"
    canonical: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    description: str = ""

    def part(self, name: str) -> Attribute | None:
        """Return the sub-attribute of that name in any case, or None."""
        return self._parts.get(fold(name))

    @cached_property
    def parts(self) -> tuple[Attribute, ...]:
        """What brackets can choose values by: sub-attributes, or the `value` that each plain one is."""
        if self.sub or not self.multi_valued:
            return self.sub
        return (Attribute("value", self.type, case_exact=self.case_exact),)

    @cached_property
    def _parts(self) -> Mapping[str, Attribute]:
        return {fold(each.name): each for each in self.parts}

    @cached_property
    def leaf(self) -> Attribute | None:
        """What holds the scalar values: itself, or a complex attribute's `value` (None without one)."""
        return self.part("value") if self.type == "complex" else self


@dataclass(frozen=True, slots=True)
class Name:
    """A name as the schema knows it: `uri` of the extension (None: core), attribute, sub-attribute."""

    uri: str | None
    attribute: Attribute
    sub: Attribute | None = None

    @property
    def text(self) -> str:
        """The canonical spelling: `name.givenName`, `urn:…:User:department`."""
        prefix = f"{self.uri}:" if self.uri else ""
        suffix = f".{self.sub.name}" if self.sub else ""
        return f"{prefix}{self.attribute.name}{suffix}"


@dataclass(frozen=True, eq=False)
class Schema:
    """The attributes of one kind of resource.

    `uri` is the core schema's URN, which may be written before its attributes and is dropped.
    `attributes` stand at the top of a resource; those of `extensions` under the extension's URN.
    `short` gives a canonical path for each name that people may write instead; `aliases` the known
    URN for each other one that clients write (those of SCIM 1.1). `unqualified` is the extension whose
    attributes may be named without its URN where nothing else is called so.
    """

    uri: str | None
    attributes: tuple[Attribute, ...]
    extensions: Mapping[str, tuple[Attribute, ...]] = field(default_factory=dict)
    short: Mapping[str, str] = field(default_factory=dict)
    aliases: Mapping[str, str] = field(default_factory=dict)
    unqualified: str | None = None

    def extended(
        self,
        names: Iterable[str],
        extensions: Mapping[str, tuple[Attribute, ...]] = MappingProxyType({}),
    ) -> Schema:
        """Return this schema with custom text attributes at top level, and custom extensions.

        A name or a URN that is known already, in whatever case, keeps its meaning.

        Raises ValueError for a name that a filter could not spell (blanks, dots, colons …).
        """
        added: dict[str, Attribute] = {}
        for name in names:
            if not _PLAIN_NAME.fullmatch(name):
                raise ValueError(
                    f"{name!r} is no attribute name: letters, digits, '-' and '_' only"
                )
            if self.resolve(name) is None:
                added.setdefault(fold(name), Attribute(clean(name)))
        return replace(
            self,
            attributes=(*self.attributes, *added.values()),
            extensions={
                **self.extensions,
                **{uri: each for uri, each in extensions.items() if not self.known_urn(uri)},
            },
        )

    def resolve(self, name: str) -> str | None:
        """Return the canonical path of an attribute or short name in any case; None if unknown.

        >>> from connectors.scim_schema import USER
        >>> USER.resolve("USERNAME"), USER.resolve("Email"), USER.resolve("name.familyname")
        ('userName', 'emails[type eq "work"].value', 'name.familyName')
        """
        name = name.strip()
        found = self.find(name)
        return self.short_for(name) or (found.text if found else None)

    def short_for(self, name: str) -> str | None:
        """Return the canonical path that a short name stands for; None if it is none."""
        return self._short.get(fold(name))

    def find(self, name: str) -> Name | None:
        """Return what a `[URN:]attribute[.sub]` names, in any case; None if unknown. No short names."""
        spelt = self.urn_before(name)
        rest = name[len(spelt) + 1 :] if spelt else name
        uri = self.known_urn(spelt) if spelt else None
        top, dot, sub_name = rest.partition(".")
        attribute = self._tops(uri).get(fold(top))
        if attribute is None and spelt is None and self.unqualified is not None:
            uri = self.unqualified
            attribute = self._tops(uri).get(fold(top))
        if attribute is None:
            return None
        sub = attribute.part(sub_name) if dot else None
        if dot and sub is None:
            return None
        return Name(uri if uri in self.extensions else None, attribute, sub)

    def urn_before(self, text: str, start: int = 0) -> str | None:
        """Return the longest known schema URN or alias that stands at `start` before a colon or a dot.

        It is looked for whole, because URNs hold colons and dots themselves. The dot is Microsoft
        Entra's ("Known issues and resolutions with SCIM 2.0 protocol compliance …", until 2018).
        """
        if not text[start : start + _BEGINNING].lower().startswith(self._beginnings):
            return None  # as most names: nothing else need be looked at
        for uri in self._uris:
            end = start + len(uri)
            if text.startswith((":", "."), end) and text[start:end].lower() == uri.lower():
                return uri
        return None

    def known_urn(self, text: str) -> str | None:
        """Return the canonical URN of this schema or an extension, or None; an alias gives what it is for.

        >>> Schema("urn:x:User", (), {"urn:x:More": ()}, aliases={"urn:y": "urn:x:More"}).known_urn("URN:Y")
        'urn:x:More'
        """
        return self._urns.get(text.lower())

    @cached_property
    def read_before(self) -> dict[str, object]:
        """What names, as they were spelt, stand for; kept by whoever reads them, who bounds it."""
        return {}

    @cached_property
    def _beginnings(self) -> tuple[str, ...]:
        return tuple({uri[:_BEGINNING].lower() for uri in self._uris})

    @cached_property
    def _urns(self) -> Mapping[str, str]:
        known = [*self.extensions, self.uri] if self.uri else [*self.extensions]
        return {alias.lower(): uri for alias, uri in self.aliases.items()} | {
            uri.lower(): uri for uri in known
        }

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Every name that can be written, short ones first; sub-attributes with a dot."""
        return (*self.short, *(each.text for each in self._all()))

    def nearest(self, name: str) -> str | None:
        """Return the known name that looks most like `name`, for 'did you mean'; None if none does."""
        return closest(name, self._nearby)

    @cached_property
    def _nearby(self) -> Mapping[str, str]:
        nearby = {fold(name): name for name in self.names}
        for uri in self.extensions:  # most often an extension's attribute lacks only its URN
            for name in self.names:
                if name.startswith(uri):
                    nearby.setdefault(fold(name[len(uri) + 1 :]), name)
        return nearby

    def tops(self, uri: str | None) -> tuple[Attribute, ...]:
        """Return the attributes that stand under this URN: an extension's, else the core's."""
        return self.extensions.get(uri, self.attributes) if uri else self.attributes

    def _tops(self, uri: str | None) -> Mapping[str, Attribute]:
        return self._by_uri[uri if uri in self.extensions else None]

    def _all(self) -> Iterator[Name]:
        for uri in (None, *self.extensions):
            for attribute in self.tops(uri):
                yield Name(uri, attribute)
                for sub in attribute.sub:
                    yield Name(uri, attribute, sub)

    @cached_property
    def _by_uri(self) -> Mapping[str | None, Mapping[str, Attribute]]:
        return {
            uri: {fold(each.name): each for each in self.tops(uri)}
            for uri in (None, *self.extensions)
        }

    @cached_property
    def _uris(self) -> tuple[str, ...]:
        known = [*self.extensions, *self.aliases, *([self.uri] if self.uri else [])]
        return tuple(sorted(known, key=len, reverse=True))

    @cached_property
    def _short(self) -> Mapping[str, str]:
        return {fold(name): path for name, path in self.short.items()}


def closest(name: str, by_fold: Mapping[str, str], likeness: float = 0.7) -> str | None:
    """Return the value whose folded key looks most like `name`; None if none does by `likeness` (0 to 1).

    >>> closest("tittle", {"title": "title", "usertype": "userType"})
    'title'
    """
    if len(name) > _LONGEST_NAME:  # likeness costs the square of the length
        return None
    found = difflib.get_close_matches(fold(name), by_fold, n=1, cutoff=likeness)
    return by_fold[found[0]] if found else None
