"""Weak entity tags and the conditions that clients put on them (RFC 7644 section 3.14, RFC 9110 13.1).

A tag is `W/"VERSION"`, the same text as `meta.version`. SCIM compares weakly, also for If-Match.
"""

from __future__ import annotations

import re

from provisioner.scim.errors import ScimError

_TAG = re.compile(r'(?:W/)?"([^"]*)"\s*+(?:,|$)', re.IGNORECASE)
_BARE = re.compile(r"(?:W/)?([^\s,\"]+)", re.IGNORECASE)


def weak_tag(version: int | str) -> str:
    """Return the entity tag of a version.

    >>> weak_tag(7)
    'W/"7"'
    """
    return f'W/"{version}"'


def holds(header: str, tag: str) -> bool:
    """Whether a list of tags, or `*`, names the tag of a resource that is there.

    A tag alone without quotes is taken as one that has them.

    >>> holds('"1", W/"7"', 'W/"7"'), holds("*", 'W/"7"'), holds("W/7", 'W/"7"')
    (True, True, True)
    """
    return header.strip() == "*" or _opaque(tag)[0] in _opaque(header)


def refuse_unless(if_match: str | None, tag: str) -> None:
    """Raise 412 if the client's If-Match doesn't hold; without the header everything may go on."""
    if if_match is not None and not holds(if_match, tag):
        raise ScimError(412, "the resource has changed since that version was read")


def refuse_if(if_none_match: str | None, tag: str) -> None:
    """Raise 412 for a write if the client's If-None-Match names the present version."""
    if if_none_match is not None and holds(if_none_match, tag):
        raise ScimError(412, "the resource is that version already, or exists")


def not_modified(if_none_match: str | None, tag: str) -> bool:
    """Whether a GET is answered 304: the client has this version."""
    return if_none_match is not None and holds(if_none_match, tag)


def _opaque(header: str) -> list[str]:
    found: list[str] = _TAG.findall(header)
    if found:
        return found
    bare = _BARE.fullmatch(header.strip())
    return [bare[1]] if bare else []
