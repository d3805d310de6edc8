"""Clusters: changes with one cause, folded together so that a report can be read by a person.

The destructive ones stand first, then those that concern the most people.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import msgspec

from connectors.records import Change
from provisioner.plan.model import RISKS, Cluster, highest


def cluster(
    numbered: Sequence[tuple[Change, str]],
) -> tuple[tuple[Cluster, ...], tuple[Change, ...]]:
    """Return the clusters of the changes (each with its cause's title), and the changes with theirs."""
    members: dict[str, list[Change]] = defaultdict(list)
    for change, title in numbered:
        members[title].append(change)
    unnamed = [
        Cluster("", title, len({c.key for c in changes}), highest(c.risk for c in changes))
        for title, changes in members.items()
    ]
    unnamed.sort(key=lambda c: (RISKS.index(c.risk), -c.people, c.title))
    clusters = [msgspec.structs.replace(c, id=f"c{n}") for n, c in enumerate(unnamed, start=1)]
    ids = {c.title: c.id for c in clusters}
    return tuple(clusters), tuple(
        msgspec.structs.replace(change, cluster=ids[title]) for change, title in numbered
    )
