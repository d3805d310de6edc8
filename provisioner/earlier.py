"""What planning knows of before: the mapping of the last plan, and how many each group has by now."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from sqlalchemy import Connection

from connectors.errors import InputError
from mappings import Mapping, load_mapping
from provisioner.config import SyncConfig
from provisioner.mapping_versions import read_again, whole_text
from provisioner.reads import Reading
from provisioner.store.versions import keep_version, version
from provisioner.wiring import Wired


def earlier_mapping(connection: Connection, wired: Wired, sha256: str | None) -> Mapping | None:
    """Return the mapping that the last plan was made with; None if it is this one, or isn't known any more."""
    if sha256 is None or sha256 == wired.mapping.sha256:
        return None
    text = version(connection, sha256)
    return None if text is None else read_again(text, sha256, wired.sync.people)


def keep_mapping(connection: Connection, sync: SyncConfig, sha256: str, at: datetime) -> None:
    """Keep what the mapping of a plan says, for later ones to ask; not if its file was edited meanwhile."""

    def text() -> str:
        return whole_text(sync.mapping, load_mapping(sync.mapping, sync.people, sync.pools))

    try:
        keep_version(connection, sha256, text, at)
    except InputError:
        return  # edited since it was read: the next plan keeps it


def members_now(readings: Sequence[Reading]) -> Callable[[str, str], int | None]:
    """Return what tells how many a directory's group has; None for one that nobody counted."""
    figures = {reading.name: reading.figures.groups for reading in readings}
    used = {reading.name: reading.uses.groups for reading in readings}

    def members(directory: str, group: str) -> int | None:
        names = used[directory]
        counts = names is None or group in names
        return figures[directory].get(group, 0) if counts else None

    return members


def nobody_counted(directory: str, group: str) -> None:
    """Of a few people's groups nothing follows for those of others."""
