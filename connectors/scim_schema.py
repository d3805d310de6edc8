"""Which attributes exist, and how the values of each compare (RFC 7643).

Names are looked up without case and come out in their canonical spelling; an attribute of an
extension is addressed, and kept in a resource, under that extension's URN. The filter language
(scim_filter) reads everything it knows about attributes from here.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal

from connectors.records import ENTERPRISE, clean, fold

CORE_USER = "urn:ietf:params:scim:schemas:core:2.0:User"
"""Schema URN of the core User (RFC 7643 section 4.1)."""

Type = Literal[
    "string", "boolean", "integer", "decimal", "dateTime", "reference", "binary", "complex"
]

_PLAIN_NAME = re.compile(r"[^\W\d_][\w-]*")
_LONGEST_NAME = 200


@dataclass(frozen=True)
class Attribute:
    """One attribute or sub-attribute, with the characteristics of RFC 7643 section 2.2.

    `case_exact` says whether text compares with case. `sub` are a complex attribute's
    sub-attributes. `assumed` is what an absent value counts as in comparisons: False for
    `primary` (RFC 7643 section 2.4), else nothing.
    """

    name: str
    type: Type = "string"
    multi_valued: bool = False
    case_exact: bool = False
    sub: tuple[Attribute, ...] = ()
    assumed: bool | None = None

    def part(self, name: str) -> Attribute | None:
        """Return the sub-attribute of that name in any case, or None."""
        return self._parts.get(fold(name))

    @cached_property
    def _parts(self) -> Mapping[str, Attribute]:
        return {fold(each.name): each for each in self.sub}

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
    `short` gives a canonical path for each name that people may write instead.
    """

    uri: str | None
    attributes: tuple[Attribute, ...]
    extensions: Mapping[str, tuple[Attribute, ...]] = field(default_factory=dict)
    short: Mapping[str, str] = field(default_factory=dict)

    def extended(self, names: Iterable[str]) -> Schema:
        """Return this schema with custom text attributes at top level.

        A name that is known already, in whatever case, keeps its meaning.

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
        return replace(self, attributes=(*self.attributes, *added.values()))

    def resolve(self, name: str) -> str | None:
        """Return the canonical path of an attribute or short name in any case; None if unknown.

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
        uri = self.urn_before(name)
        rest = name[len(uri) + 1 :] if uri else name
        top, dot, sub_name = rest.partition(".")
        attribute = self._tops(uri).get(fold(top))
        if attribute is None:
            return None
        sub = attribute.part(sub_name) if dot else None
        if dot and sub is None:
            return None
        return Name(uri if uri in self.extensions else None, attribute, sub)

    def urn_before(self, text: str, start: int = 0) -> str | None:
        """Return the longest known schema URN, canonical, that stands at `start` before a colon.

        It is looked for whole, because URNs hold colons and dots themselves.
        """
        for uri in self._uris:
            end = start + len(uri)
            if text.startswith(":", end) and text[start:end].lower() == uri.lower():
                return uri
        return None

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
        known = [*self.extensions, self.uri] if self.uri else [*self.extensions]
        return tuple(sorted(known, key=len, reverse=True))

    @cached_property
    def _short(self) -> Mapping[str, str]:
        return {fold(name): path for name, path in self.short.items()}


def closest(name: str, by_fold: Mapping[str, str]) -> str | None:
    """Return the value whose folded key looks most like `name`; None if none does.

    >>> closest("tittle", {"title": "title", "usertype": "userType"})
    'title'
    """
    if len(name) > _LONGEST_NAME:  # likeness costs the square of the length
        return None
    found = difflib.get_close_matches(fold(name), by_fold, n=1, cutoff=0.7)
    return by_fold[found[0]] if found else None


def _many(name: str, *sub: Attribute) -> Attribute:
    return Attribute(name, "complex", multi_valued=True, sub=sub)


def _plural(name: str, value: Attribute | None = None) -> Attribute:
    """A multi-valued attribute with the sub-attributes of RFC 7643 section 2.4."""
    rest = (Attribute("display"), Attribute("type"), _PRIMARY)
    return _many(name, value or Attribute("value"), *rest)


def _reference(name: str) -> Attribute:
    # Section 2.3.7: "a reference is case exact", although section 8.7.1 prints false.
    return Attribute(name, "reference", case_exact=True)


_PRIMARY = Attribute("primary", "boolean", assumed=False)

_COMMON = (
    Attribute("schemas", "reference", multi_valued=True, case_exact=True),
    Attribute("id", case_exact=True),
    Attribute("externalId", case_exact=True),
    Attribute(
        "meta",
        "complex",
        sub=(
            Attribute("resourceType", case_exact=True),
            Attribute("created", "dateTime"),
            Attribute("lastModified", "dateTime"),
            _reference("location"),
            Attribute("version", case_exact=True),
        ),
    ),
)
"""What every resource has (RFC 7643 section 3.1)."""

_NAME = ("formatted", "familyName", "givenName", "middleName", "honorificPrefix", "honorificSuffix")
_ADDRESS = ("formatted", "streetAddress", "locality", "region", "postalCode", "country", "type")

_USER = (
    Attribute("userName"),
    Attribute("name", "complex", sub=tuple(map(Attribute, _NAME))),
    Attribute("displayName"),
    Attribute("nickName"),
    _reference("profileUrl"),
    Attribute("title"),
    Attribute("userType"),
    Attribute("preferredLanguage"),
    Attribute("locale"),
    Attribute("timezone"),
    Attribute("active", "boolean"),
    Attribute("password", case_exact=True),  # RFC 7613's OpaqueString, by section 4.1.1
    _plural("emails"),
    _plural("phoneNumbers"),
    _plural("ims"),
    _plural("photos", _reference("value")),
    _many("addresses", *map(Attribute, _ADDRESS), _PRIMARY),
    _many(
        "groups", Attribute("value"), _reference("$ref"), Attribute("display"), Attribute("type")
    ),
    _plural("entitlements"),
    _plural("roles"),
    # Section 2.3.6: "a binary value is case exact", although section 8.7.1 prints false.
    _plural("x509Certificates", Attribute("value", "binary", case_exact=True)),
)
"""The core User (RFC 7643 sections 4.1 and 8.7.1)."""

_ENTERPRISE = (
    Attribute("employeeNumber"),
    Attribute("costCenter"),
    Attribute("organization"),
    Attribute("division"),
    Attribute("department"),
    Attribute(
        "manager",
        "complex",
        sub=(Attribute("value"), _reference("$ref"), Attribute("displayName")),
    ),
)
"""The enterprise extension (RFC 7643 sections 4.3 and 8.7.1)."""

USER = Schema(
    CORE_USER,
    (*_COMMON, *_USER),
    extensions={ENTERPRISE: _ENTERPRISE},
    short={
        "givenName": "name.givenName",
        "familyName": "name.familyName",
        "email": 'emails[type eq "work"].value',
        "location": 'addresses[type eq "work"].locality',
        "department": f"{ENTERPRISE}:department",
        "manager": f"{ENTERPRISE}:manager.value",
        "manager.value": f"{ENTERPRISE}:manager.value",
        "manager.displayName": f"{ENTERPRISE}:manager.displayName",
    },
)
"""A person: the core User, the enterprise extension, and the short names that people may write."""

PHONE_USER = Schema(
    None,
    (
        Attribute("id", case_exact=True),
        *map(Attribute, ("key", "kind", "email", "status", "display_name", "department")),
        *map(Attribute, ("job_title", "license")),
        Attribute("packages", multi_valued=True),
        *map(Attribute, ("template", "site", "extension_number")),
        Attribute("numbers", multi_valued=True),
        Attribute("delegates", multi_valued=True),
        Attribute("delegate_privileges", multi_valued=True),
        Attribute("credits", "boolean"),
        *map(Attribute, ("softphone", "emergency_address", "usage_location", "role")),
        Attribute("vendor", "complex"),
    ),
)
"""A phone user: the members of a snapshot's line. `vendor` can only be tested for presence."""
