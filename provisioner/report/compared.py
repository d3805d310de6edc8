"""Two mappings compared, as tables in words that every format shows alike."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from provisioner.plan.model import Compared, Swing
from provisioner.report.figures import people_counted, said, visible
from provisioner.report.outlook import signed

MOST_SWINGS = 100
"""Differences that a report tells one by one: those that concern the most people."""
_NAMED = 5


class Table(NamedTuple):
    """One table: `header` names the columns, those of numbers end with a colon; cells are visible text."""

    title: str
    header: tuple[str, ...]
    rows: list[tuple[str, ...]]
    more: int = 0


def in_words(compared: Compared) -> str:
    """Return in one sentence how many people the other mapping concerns, and what it costs."""
    cost = ""
    if compared.monthly is not None:
        cost = f"; {signed(compared.monthly, compared.currency or '')} a month"
    return (
        f"{visible(compared.new)} against {visible(compared.old)}: of {people_counted(compared.people)}"
        f" {compared.differ:,} would be given something else: {compared.gain:,} gain,"
        f" {compared.lose:,} lose{cost}"
    )


def tables(compared: Compared) -> Iterator[Table]:
    """Yield the tables that have a row: what differs, by rule, and seats."""
    swings = compared.swings[:MOST_SWINGS]
    all_of_them = (
        Table(
            "What would be given otherwise",
            ("people:", "entitlement", "now", "then", "rule", "who"),
            [_swing(each) for each in swings],
            len(compared.swings) - len(swings),
        ),
        Table(
            "By rule",
            ("rule", "gives more:", "changes:", "no longer gives:"),
            [
                (visible(r.rule), f"{r.gives:,}", f"{r.changes:,}", f"{r.loses:,}")
                for r in compared.rules
            ],
        ),
        Table(
            "Seats",
            ("pool", "total:", "used now:", "more wished:", "fewer wished:", "difference:"),
            [
                (
                    visible(p.pool),
                    "?" if p.total is None else f"{p.total:,}",
                    f"{p.used:,}",
                    f"{p.more:,}",
                    f"{p.less:,}",
                    f"{p.more - p.less:+,}",
                )
                for p in compared.pools
            ],
        ),
    )
    yield from (table for table in all_of_them if table.rows)


def _swing(each: Swing) -> tuple[str, ...]:
    rest = f" and {each.people - _NAMED:,} more" if each.people > _NAMED else ""
    return (
        f"{each.people:,}",
        visible(each.entitlement),
        said(each.before),
        said(each.after),
        _rules(each),
        ", ".join(map(visible, each.users[:_NAMED])) + rest,
    )


def _rules(each: Swing) -> str:
    if each.entitlement == "scope":
        return "scope"
    names: Sequence[str | None] = (each.old_rule, each.new_rule)
    if names[0] == names[1] and names[0] is not None:
        return visible(names[0])
    return " → ".join("none" if name is None else visible(name) for name in names)
