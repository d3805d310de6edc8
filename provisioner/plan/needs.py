"""What hangs on what in a plan: each change names in `needs` those that must be done before it.

They stand before it in the plan's order, so that one look at each change finds all of them, however far
they reach.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from connectors.records import Change


def with_needs(changes: Sequence[Change], seqs: Collection[int]) -> frozenset[int]:
    """Return the seqs with those of every change that these need, and that those need.

    >>> license = Change(seq=1, kind="license.assign", user="eva", key="e")
    >>> package = Change(seq=2, kind="package.assign", user="eva", key="e", needs=(1,))
    >>> sorted(with_needs([license, package], {2}))
    [1, 2]
    """
    found = set(seqs)
    for change in reversed(changes):
        if change.seq in found:
            found.update(change.needs)
    return frozenset(found)


def lost_without(changes: Iterable[Change], seqs: Collection[int]) -> list[Change]:
    """Return the other changes that can't be carried out without these: that need one, or one of those.

    >>> license = Change(seq=1, kind="license.assign", user="eva", key="e")
    >>> package = Change(seq=2, kind="package.assign", user="eva", key="e", needs=(1,))
    >>> [change.seq for change in lost_without([license, package], {1})]
    [2]
    """
    lost, others = set(seqs), []
    for change in changes:
        if change.seq not in lost and not lost.isdisjoint(change.needs):
            lost.add(change.seq)
            others.append(change)
    return others
