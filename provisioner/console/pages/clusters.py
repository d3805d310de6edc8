"""A plan's changes as the console folds them: by cause, the most dangerous first, a few rows of each.

All of a cluster's rows are on the page that its link leads to, a hundred at a time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import NamedTuple

from connectors.records import Change
from provisioner.console.pages.taking import kinds_in_words, takes
from provisioner.console.pages.words import Act, Badge, address, states
from provisioner.plan.model import Plan
from provisioner.report import figures
from provisioner.report.figures import counted, people_counted
from provisioner.report.views import Row, Rows
from provisioner.store.decisions import OPEN

SHOWN = 5
"""Rows of a cluster that the plan's page shows."""
MOST = 50
"""Clusters that the plan's page shows."""


class Linked(NamedTuple):
    """A row, and where all that the plan does to that person is."""

    row: Row
    href: str


class Folded(NamedTuple):
    """One cluster, or what is blocked or waiting, folded."""

    anchor: str
    title: str
    badge: str
    words: str
    states: list[Badge]
    takes: list[str]
    acts: list[Act]
    rows: list[Linked]
    all: Act | None


def state_counts(changes: Iterable[Change], waiting: Collection[int]) -> Counter[str]:
    """Count changes by state; `waiting` are the seqs of those that a person has to approve."""
    return Counter("to approve" if change.seq in waiting else change.state for change in changes)


def folded(plan: Plan, waiting: Collection[int], *, may_decide: bool) -> Iterator[Folded]:
    """Yield the plan's clusters, the most dangerous first, then what is blocked and what waits."""
    rows_of = Rows(plan)
    for number, (cluster, changes) in enumerate(figures.changes_by_cluster(plan), start=1):
        if number > MOST:
            break
        people = people_counted(cluster.people)
        yield Folded(
            f"cluster-{number}",
            cluster.title,
            cluster.risk,
            f"{people}: {kinds_in_words(changes)}",
            states(state_counts(changes, waiting)),
            takes(changes),
            acts(plan, changes, f"cluster:{cluster.id}", f"{cluster.title!r}")
            if cluster.id and may_decide
            else [],
            linked(plan, rows_of(changes[:SHOWN], title=cluster.title, calm=cluster.risk)),
            _all(plan, len(changes), cluster=cluster.id) if cluster.id else None,
        )
    for state, title, left in (
        ("blocked", "Blocked: somebody has to act", plan.blocked),
        ("waiting", "Waiting: planned again by itself", plan.waiting),
    ):
        if left:
            yield _left(plan, rows_of, state, title, left)


def more_clusters(plan: Plan) -> int:
    """Return how many clusters `folded` leaves out."""
    return max(0, len(plan.clusters) - MOST)


def linked(plan: Plan, rows: Iterable[Row]) -> list[Linked]:
    """Return rows with where their person's changes are; what is blocked or waits has no such place."""
    return [
        Linked(row, changes_href(plan, person=row.seq) if row.seq else explain_href(plan, row.user))
        for row in rows
    ]


def changes_href(plan: Plan, **chosen: str) -> str:
    """Return where the plan's changes are that are like this."""
    return address(f"/plans/{plan.id}/changes", *chosen.items())


def explain_href(plan: Plan, name: str) -> str:
    """Return where it is explained why somebody has what they have."""
    return address("/explain", ("sync", plan.sync), ("user", name))


def decide_href(plan: Plan, decision: str, *only: str) -> str:
    """Return where a decision about what the words mean is asked for; without words about all."""
    words = (("only", word) for word in only)
    return address(f"/plans/{plan.id}/decide", ("decision", decision), *words)


def acts(plan: Plan, changes: Sequence[Change], word: str, what: str) -> list[Act]:
    """Return what can be decided of these changes, which `word` means in the plan."""
    left = {change.state for change in changes if change.state in OPEN}
    found = []
    if left - {"approved"}:
        found.append(Act("Approve …", decide_href(plan, "approved", word), "go", what))
    if left - {"rejected"}:
        found.append(Act("Reject …", decide_href(plan, "rejected", word), "stop", what))
    return found


def _left(plan: Plan, rows_of: Rows, state: str, title: str, left: Sequence[Change]) -> Folded:
    words = f"{counted(len(left), 'change', 'changes')}: {kinds_in_words(left)}"
    rows = linked(plan, rows_of(left[:SHOWN], state=state))
    return Folded(state, title, state, words, [], [], [], rows, _all(plan, len(left), state=state))


def _all(plan: Plan, number: int, **chosen: str) -> Act | None:
    if number <= SHOWN:
        return None if "state" in chosen else Act("Choose people", changes_href(plan, **chosen))
    return Act(f"All {number:,} changes, and choose people", changes_href(plan, **chosen))
