"""What a plan's reads were like, in sentences: rows that can't be used, and what nobody has."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mappings import Mapping
from provisioner.joining import People
from provisioner.reads import Reading, Uses

_SAID = 50
"""Flaws that a plan's warnings name one by one."""


def flaws_of(people: People) -> Iterator[str]:
    """Yield a sentence for each row that could not be used."""
    flaws = [flaw for reading in people.readings for flaw in reading.flaws]
    for flaw in flaws[:_SAID]:
        effect = (
            "somebody is missing, so nothing follows from anybody's absence"
            if flaw.key is None
            else f"{flaw.key} is left alone"
        )
        yield f"{flaw.where}: {flaw.reason}; {effect}; {flaw.remedy}"
    if len(flaws) > _SAID:
        yield f"and {len(flaws) - _SAID} more rows that can't be used"


def memberless(readings: Sequence[Reading], uses: Uses, mapping: Mapping) -> Iterator[str]:
    """Yield a sentence for each attribute and group that the mapping uses and nobody has."""
    for path in uses.paths:
        columns = (reading.figures.columns.get(path.text) for reading in readings)
        if path.attribute != "groups" and not any(columns):
            name = path.text.rsplit(":", 1)[-1]
            yield f"{name}, which the mapping uses, has no value in any directory"
    for name in sorted(mapping.uses_groups or ()):
        if not any(reading.figures.groups.get(name) for reading in readings):
            yield f"group {name!r}, which the mapping asks for, has no member in any directory"
