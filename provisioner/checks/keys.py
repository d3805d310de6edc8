"""What people are told apart by must never change: a renamed person would be a leaver and a joiner."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from connectors.records import Directory, Person, fold
from connectors.scim_filter import parse_path
from provisioner.checks import Finding, warning
from provisioner.config import DirectoryConfig, SyncConfig

_CHANGES = frozenset(
    ("userName", "emails", "displayName", "name", "nickName", "phoneNumbers", "title")
)
_LOOKED_AT = 100


def changing_keys(
    where: str, sync: SyncConfig, config: DirectoryConfig, directory: Directory
) -> Iterator[Finding]:
    """Yield a warning if a directory's key can change; `where` is the directory's place in the config.

    The key is judged by `key:` where config has one. Else a file is opened to look at its first
    people; other services give ids of their own. Raises what reading the directory raises.
    """
    key = config.options.get("key")
    if key:
        path = parse_path(str(key), sync.people)
        by = path.text if path.attribute in _CHANGES and path.uri is None else None
    else:
        by = _told_apart_by(directory) if "path" in config.options else None
    if by:
        yield warning(
            where,
            f"directory {config.name}: people are told apart by {by}, which can change: whoever is"
            " renamed would be a leaver and a joiner; have it give externalId, or name with `key:`"
            " what never changes",
        )


def _told_apart_by(directory: Directory) -> str | None:
    """Return the attribute that is the first person's key, if it is one that changes."""
    reads = directory.read()
    try:
        person = next((p for p in islice(reads, _LOOKED_AT) if isinstance(p, Person)), None)
    finally:
        if hasattr(reads, "close"):
            reads.close()
    if person is None:
        return None
    key, resource = fold(person.key), person.resource
    if any(fold(str(email.get("value", ""))) == key for email in resource.get("emails", ())):
        return "their mail address"
    if key == fold(resource.get("userName", "")) != fold(resource.get("externalId", "")):
        return "userName"
    return None
