"""What a page shows of a plan, as values: the report is one page of it, the console spreads it over several.

Nothing here knows how a page is written; what templates do with these values stands beside them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from connectors.records import Change, Risk, fold
from provisioner.plan.model import Adoption, Plan, PoolUse
from provisioner.report import compared, figures, outlook
from provisioner.report.figures import Move, counted, people_counted

_COLORS: dict[Risk, str] = {"destructive": "red", "service": "amber", "safe": "green"}
_NAMED = 100  # people of either side that adoption names; the rest is counted
_EXAMPLES = 10


class Tile(NamedTuple):
    """One figure of the plan's head; `alarm` where somebody has to look."""

    name: str
    value: str
    note: str = ""
    alarm: bool = False


class Bar(NamedTuple):
    """One part of a picture, in thousandths of its width."""

    color: str
    at: float
    width: float
    words: str = ""


class Pool(NamedTuple):
    """One pool's row; `cells` as figures.POOL_HEADER has them, `bars` empty where nothing is counted."""

    name: str
    cells: tuple[str, ...]
    free: str
    over: bool
    words: str
    bars: list[Bar]


class Row(NamedTuple):
    """One change's row. `calm` and `quiet` are the group's own risk and state, which no badge repeats.

    `standing` says more of a state where there is more to say.
    """

    seq: str
    user: str
    key: str
    again: bool
    kind: str
    risk: str
    calm: str
    state: str
    standing: str
    quiet: str
    moves: list[Move]
    rule: str
    because: str
    consequences: Sequence[str]
    needs: str
    reason: list[str]


class Group(NamedTuple):
    """Rows that are folded together: a cluster, or what is blocked or waiting."""

    anchor: str
    title: str
    badge: str
    words: str
    rows: Iterable[Row]


def head_of(plan: Plan) -> dict[str, Any]:
    """Return what templates show of a plan above and beside its changes, by their names for it."""
    reasons = figures.held_reasons(plan)
    risks = list(_risk_bars(plan))
    return {
        "scope": figures.title_of_scope(plan),
        "tiles": list(_tiles(plan)),
        "held": [
            (figures.pieces(text), f"{count:,}") for text, count in reasons[: figures.MOST_REASONS]
        ],
        "held_title": f"Held: {sum(count for _, count in reasons):,} of {counted(len(plan.changes), 'change', 'changes')}",
        "held_more": len(reasons) > figures.MOST_REASONS
        and f"{len(reasons) - figures.MOST_REASONS:,} other reasons",
        "decisions": [
            (counted(count, "change", "changes"), figures.pieces(text))
            for text, count in figures.decided_reasons(plan)
        ],
        "warnings": [figures.pieces(figures.with_plan(w, plan)) for w in plan.warnings],
        "adoption": plan.adoption and _adoption(plan.adoption),
        "pool_header": figures.POOL_HEADER[1:],
        "risks": risks,
        "risk_words": ", ".join(risk.words for risk in risks),
        "kinds": [(kind, f"{count:,}") for kind, count in plan.summary.changes.items()],
        "cost": outlook.monthly(plan),
        "costs": [*outlook.by_kind(plan), *outlook.by_department(plan)],
        "forecast": outlook.forecast(plan),
        "compared": plan.comparison and compared.in_words(plan.comparison),
        "compared_tables": list(compared.tables(plan.comparison)) if plan.comparison else [],
        "pools": [_pool(name, use) for name, use in plan.summary.pools.items()],
        "conflicts": plan.conflicts,
        "conflicts_title": figures.title_of_conflicts(plan),
    }


def _tiles(plan: Plan) -> Iterator[Tile]:
    summary = plan.summary
    changed = len({fold(change.key) for change in plan.changes})
    losing = f"people, {figures.share(summary.removals, summary.people)} of all"
    yield Tile("people", f"{summary.people:,}", f"{summary.unchanged:,} unchanged")
    yield Tile("changes", f"{len(plan.changes):,}", f"for {people_counted(changed)}")
    yield Tile("lose something", f"{summary.removals:,}", losing, summary.removals > 0)
    yield Tile("held", f"{summary.held:,}", "not carried out", summary.held > 0)
    yield Tile("blocked", f"{summary.blocked:,}", "somebody has to act")
    yield Tile("waiting", f"{summary.waiting:,}", "planned again later")
    yield Tile("manual", f"{summary.manual:,}", "steps for a person")
    yield Tile("API calls", f"{summary.api_calls:,}", "to carry it out")


def _risk_bars(plan: Plan) -> Iterator[Bar]:
    at, total = 0.0, len(plan.changes) or 1
    for risk, count in figures.risks_of(plan).items():
        width = 1000 * count / total
        yield Bar(_COLORS[risk], round(at, 1), round(width, 1), f"{count:,} {risk}")
        at += width


def _pool(name: str, use: PoolUse) -> Pool:
    total = "not counted" if use.total is None else f"{use.total:,}"
    _, of, *cells, free = figures.pool_cells(name, use)
    return Pool(
        name=name,
        cells=("–" if use.total is None else of, *cells),
        free=free,
        over=use.total is not None and use.after > use.total,
        words=f"{use.used:,} used, {use.after:,} after the plan, of {total}",
        bars=list(_pool_bars(use)),
    )


def _pool_bars(use: PoolUse) -> Iterator[Bar]:
    if use.total is None:
        return
    low, high = sorted((max(0, use.used), max(0, use.after)))
    scale = 1000 / max(use.total, high, 1)
    yield Bar("blue", 0, round(low * scale, 1))
    moved = "more" if use.after > use.used else "less"
    yield Bar(moved, round(low * scale, 1), round((high - low) * scale, 1))
    if use.after > use.total:
        yield Bar("red", round(use.total * scale, 1), round((use.after - use.total) * scale, 1))


def _adoption(adoption: Adoption) -> dict[str, Any]:
    sides = (
        (adoption.people_unmatched, "person without a phone user", "people without a phone user"),
        (adoption.phone_users_unmatched, "phone user of nobody", "phone users of nobody"),
    )
    return {
        "matched": [(how, f"{count:,}") for how, count in adoption.matched.items()],
        "examples": adoption.examples[:_EXAMPLES],
        "unmatched": [
            (counted(len(names), one, many), names[:_NAMED], _rest(len(names)))
            for names, one, many in sides
        ],
    }


def _rest(number: int) -> str:
    return f" and {number - _NAMED:,} more" if number > _NAMED else ""


def choices(plan: Plan) -> list[tuple[str, list[str]]]:
    """Return by what the changes can be filtered: kind, risk and state, each with the values there are."""
    every = (*plan.changes, *plan.blocked, *plan.waiting)
    states = {change.state for change in plan.changes}
    return [
        ("kind", sorted({change.kind for change in every})),
        ("risk", [risk for risk in _COLORS if any(change.risk == risk for change in every)]),
        ("state", sorted(states | _names(("blocked", plan.blocked), ("waiting", plan.waiting)))),
    ]


def _names(*lists: tuple[str, Sequence[Change]]) -> set[str]:
    return {name for name, changes in lists if changes}


def groups(plan: Plan) -> Iterator[Group]:
    """Yield the clusters, then what is blocked and what waits, in the order in which they are shown."""
    rows_of = Rows(plan)
    for number, (cluster, changes) in enumerate(figures.changes_by_cluster(plan), start=1):
        words = f"{people_counted(cluster.people)}, {counted(len(changes), 'change', 'changes')}"
        yield Group(
            f"group-{number}",
            cluster.title,
            cluster.risk,
            f"{words} · {cluster.id}" if cluster.id else words,
            rows_of(changes, title=cluster.title, calm=cluster.risk),
        )
    for state, title, left in (
        ("blocked", "Blocked: somebody has to act", plan.blocked),
        ("waiting", "Waiting: planned again by itself", plan.waiting),
    ):
        if left:
            words = counted(len(left), "change", "changes")
            rows = rows_of(left, state=state)
            yield Group(state, title, state, words, rows)


class Rows:
    """Makes the rows of one plan's changes, knowing what the plan says elsewhere already."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._shared = figures.shared_reasons(plan)
        self._users = figures.users_by_seq(plan)
        self._namesakes = _namesakes(plan)
        self._standings = figures.standings(plan)

    def __call__(
        self, changes: Iterable[Change], *, title: str = "", calm: str = "", state: str = ""
    ) -> Iterator[Row]:
        """Yield a row for each change below a `title` that may say why.

        `calm` is the risk that no badge repeats; `state` what all of them are in, where they have no own.
        """
        last, standings = "", self._standings if not state else {}
        for change in changes:
            reason = figures.reason_of(change, self._plan)
            yield Row(
                seq=str(change.seq) if change.seq else "",
                user=change.user,
                key=change.key if change.user in self._namesakes else "",
                again=change.key == last,
                kind=change.kind,
                risk=change.risk,
                calm=calm,
                state=state or change.state,
                standing=standings.get(change.seq, ""),
                quiet=state,
                moves=figures.moves(change),
                rule=change.rule or "",
                because="" if change.because == title else change.because,
                consequences=change.consequences,
                needs=figures.needs_of(change, self._users),
                reason=[] if not reason or reason in self._shared else figures.pieces(reason),
            )
            last = change.key


def _namesakes(plan: Plan) -> set[str]:
    """Return users under whom more than one key stands; their keys are shown."""
    keys: dict[str, set[str]] = {}
    for change in (*plan.changes, *plan.blocked, *plan.waiting):
        keys.setdefault(change.user, set()).add(fold(change.key))
    return {user for user, theirs in keys.items() if len(theirs) > 1}
