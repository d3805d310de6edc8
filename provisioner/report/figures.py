"""What several formats share: values in words, people with their changes, reasons and shares.

Nothing here knows a format. `visible` is the one fact to remember: what comes out of it has no
character that a terminal, a page or a ticket would obey instead of showing.
"""

from __future__ import annotations

import re
import shlex
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from connectors.records import Change, Risk, Value, fold
from provisioner.plan.model import RISKS, UNDO, Cluster, Decided, Plan, PoolUse, highest

_JOINERS = "\u200c\u200d"
"""Zero-width (non-)joiners: part of the spelling of Persian, Hindi and other names, and of emoji."""
_IDEOGRAPHIC_SPACE = "\u3000"  # between family and given name in Japanese
_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}

_COMMAND = re.compile(r"(`provisioner (?:apply|approve|reject|show) )PLAN\b")

MOST_REASONS = 5
"""Reasons for holding changes that are told above the changes."""
_SHARED = 3  # a reason that more changes than this have isn't repeated at each of them
_ARRIVES = frozenset({"user.create", "user.invite"})
_GOES = frozenset({"user.deactivate", "user.trash", "user.delete"})


def visible(text: str, keep: str = "") -> str:
    """Return `text` with every character that can't be seen written as an escape.

    Control characters, line ends, bidirectional overrides, invisible and odd spaces, lone
    surrogates: all would break the layout, fool the reader or be obeyed by a terminal. Those in
    `keep` stay. Joiners stay between letters outside ASCII, where they are spelling.

    >>> visible("Eva\\x1b[31m\\nMala\\u202e\\xa0")
    'Eva\\\\x1b[31m\\\\nMala\\\\u202e\\\\xa0'
    """
    if text.isprintable():
        return text
    return "".join(
        c if c.isprintable() or c in keep or _is_spelling(text, at) else _escaped(c)
        for at, c in enumerate(text)
    )


def _is_spelling(text: str, at: int) -> bool:
    c = text[at]
    if c == _IDEOGRAPHIC_SPACE:
        return True
    around = text[at - 1 : at] + text[at + 1 : at + 2]
    return c in _JOINERS and len(around) == 2 and not any(n.isascii() for n in around)


def _escaped(c: str) -> str:
    code = ord(c)
    if c in _SHORT:
        return _SHORT[c]
    return (
        f"\\x{code:02x}"
        if code < 0x100
        else f"\\u{code:04x}"
        if code < 0x10000
        else f"\\U{code:08x}"
    )


def counted(number: int, one: str, many: str) -> str:
    """Return a number with its noun.

    >>> counted(1, "person", "people"), counted(1204, "person", "people")
    ('1 person', '1,204 people')
    """
    return f"{number:,} {one if number == 1 else many}"


def people_counted(number: int) -> str:
    """Return `1 person`, `1,204 people`."""
    return counted(number, "person", "people")


def share(part: int, whole: int) -> str:
    """Return how much of the whole a part is, in percent with one decimal.

    Phone users of nobody may make a part greater than the people whom it is told of.

    >>> share(1, 640), share(1, 1_000_000), share(0, 0), share(640, 640), share(68, 59)
    ('0.2%', '<0.1%', '0%', '100%', '>100%')
    """
    if part <= 0 or whole <= 0:
        return "0%"
    if part > whole:
        return ">100%"
    percent = 100 * part / whole
    return "<0.1%" if percent < 0.1 else f"{percent:.1f}".removesuffix(".0") + "%"


def said(value: Value) -> str:
    """Return a value in words, visible; a name that reads like one of our words stands in quotes.

    >>> said(None), said(True), said("none"), said("Office"), said({"a": None})
    ('none', 'yes', '"none"', 'Office', 'a none')
    """
    if isinstance(value, dict):
        return ", ".join(f"{visible(name)} {said(given)}" for name, given in value.items())
    if value is None or isinstance(value, bool):
        return "none" if value is None else "yes" if value else "no"
    return f'"{value}"' if value in ("", "none", "yes", "no") else visible(value)


class Move(NamedTuple):
    """One thing that a change moves: `before` and `after` in words, `name` for a profile attribute, else ""."""

    name: str
    before: str
    after: str


def moves(change: Change) -> list[Move]:
    """Return what a change moves: one thing, or each attribute of a `profile.update`."""
    before, after = change.before, change.after
    if not isinstance(before, dict) and not isinstance(after, dict):
        return [Move("", said(before), said(after))]
    old = before if isinstance(before, dict) else {}
    new = after if isinstance(after, dict) else {}
    return [
        Move(visible(name), said(old.get(name)), said(new.get(name))) for name in {**new, **old}
    ]


class OnePerson(NamedTuple):
    """A person in a plan, with their changes in the order of `seq`; never without one."""

    user: str
    key: str
    changes: Sequence[Change]

    @property
    def risk(self) -> Risk:
        """The highest among the changes."""
        return highest(change.risk for change in self.changes)

    @property
    def standing(self) -> str:
        """Return joiner, leaver or "": whether their account comes or goes in this plan."""
        kinds = {change.kind for change in self.changes}
        return "joiner" if kinds & _ARRIVES else "leaver" if kinds & _GOES else ""


def people_of(changes: Iterable[Change]) -> list[OnePerson]:
    """Return the people of the changes by user, then key, both without case."""
    found: dict[str, list[Change]] = {}
    for change in changes:
        found.setdefault(fold(change.key), []).append(change)
    people = [
        OnePerson(theirs[0].user, theirs[0].key, sorted(theirs, key=lambda c: c.seq))
        for theirs in found.values()
    ]
    return sorted(people, key=lambda p: (fold(p.user), p.user, fold(p.key)))


def changes_by_cluster(plan: Plan) -> list[tuple[Cluster, list[Change]]]:
    """Return the clusters in their order, each with its changes by person, then by `seq`."""
    members: dict[str, list[Change]] = {}
    for change in plan.changes:
        members.setdefault(change.cluster, []).append(change)
    known = {cluster.id for cluster in plan.clusters}
    loose = [c for cluster, changes in members.items() if cluster not in known for c in changes]
    clusters = list(plan.clusters)
    if loose:  # an old or edited plan file; whatever it holds must be seen
        risk = highest(c.risk for c in loose)
        clusters.append(Cluster("", "of no cluster", len({fold(c.key) for c in loose}), risk))
        members[""] = loose
    return [
        (c, [x for person in people_of(members.get(c.id, ())) for x in person.changes])
        for c in clusters
    ]


def reason_of(change: Change, plan: Plan) -> str:
    """Return why a change is not planned, its command naming this plan; "" without a reason."""
    return with_plan(change.reason, plan) if change.reason else ""


def with_plan(text: str, plan: Plan) -> str:
    """Return a reason with PLAN in its command replaced by the plan's id."""
    if not plan.id:
        return visible(text)
    return visible(_COMMAND.sub(lambda match: match[1] + shlex.quote(plan.id), text))


def pieces(reason: str) -> list[str]:
    """Return a reason cut at its backticks: every second piece is a command to copy.

    >>> pieces("if that is right: `provisioner apply 118`")
    ['if that is right: ', 'provisioner apply 118', '']
    """
    cut = reason.split("`")
    return cut if len(cut) % 2 else [reason]


def held_reasons(plan: Plan) -> list[tuple[str, int]]:
    """Return the reasons why changes are held, each with how many; the most frequent first."""
    reasons = Counter(reason_of(c, plan) for c in plan.changes if c.state == "held")
    return sorted(reasons.items(), key=lambda item: (-item[1], item[0]))


def decided_reasons(plan: Plan) -> list[tuple[str, int]]:
    """Return who decided what until when, each with of how many changes, in the plan's order."""
    return [(decision_in_words(each, plan), len(each.seqs)) for each in plan.decisions]


def decision_in_words(decided: Decided, plan: Plan) -> str:
    """Return who decided, until when, and what it takes yet."""
    return with_plan(_decided(decided), plan)


def _decided(decided: Decided) -> str:
    names, until = " and ".join(decided.by), f"{decided.until:%Y-%m-%d %H:%M} UTC"
    if decided.decision == "expired":
        return f"approved by {names} until {until}, which is over; once more: `provisioner approve PLAN`"
    said = f"{decided.decision} by {names}, until {until}"
    return (
        f"{said}; waiting for {decided.lacks}: `provisioner approve PLAN`"
        if decided.lacks
        else said
    )


def standings(plan: Plan) -> dict[int, str]:
    """Return in words, by `seq`, how changes stand that are approved, and not enough."""
    return {
        seq: "approved by one" if each.lacks else "approval expired"
        for each in plan.decisions
        if each.lacks or each.decision == "expired"
        for seq in each.seqs
    }


def shared_reasons(plan: Plan) -> set[str]:
    """Return the reasons that are told once above the changes, because so many have the same."""
    undecided = Counter(reason_of(c, plan) for c in plan.changes if c.state == "planned")
    held = held_reasons(plan)[:MOST_REASONS]
    return {reason for reason, count in (*held, *undecided.items()) if count > _SHARED}


def states_of(plan: Plan) -> dict[str, int]:
    """Return how many changes are in each state, by name of the state."""
    return dict(sorted(Counter(change.state for change in plan.changes).items()))


def risks_of(plan: Plan) -> dict[Risk, int]:
    """Return how many changes have each risk, the most dangerous first, zeros too."""
    counts = Counter(change.risk for change in plan.changes)
    return {risk: counts[risk] for risk in RISKS}


def needs_of(change: Change, users: dict[int, str]) -> str:
    """Return which changes of other people must be done first, as `after 7 (jan@…)`; else "".

    `users` gives the user of each `seq`. The order among one person's own changes is plain to see.
    """
    others = [seq for seq in change.needs if users.get(seq, change.user) != change.user]
    if not others:
        return ""
    return "after " + ", ".join(f"{seq} ({visible(users[seq])})" for seq in others)


def users_by_seq(plan: Plan) -> dict[int, str]:
    """Return the user of each change by its `seq`."""
    return {change.seq: change.user for change in plan.changes}


def free_seats(total: int | None, after: int) -> str:
    """Return what is left of a pool after the plan, in words.

    >>> free_seats(None, 5), free_seats(10, 5), free_seats(10, 10), free_seats(10, 12)
    ('not counted', '5', 'none', '2 too many')
    """
    if total is None:
        return "not counted"
    if after > total:
        return f"{after - total:,} too many"
    return f"{total - after:,}" if after < total else "none"


def pool_cells(name: str, use: PoolUse) -> tuple[str, ...]:
    """Return a pool's row, in the order of POOL_HEADER; what an older plan doesn't tell is blank."""
    moved = ["" if n is None else f"{n:,}" for n in (use.claimed, use.freed, use.short)]
    total = "?" if use.total is None else f"{use.total:,}"
    free = free_seats(use.total, use.after + (use.resting or 0))
    if use.resting:
        free += f" ({use.resting:,} rest)"
    return (name, total, f"{use.used:,}", *moved[:2], f"{use.after:,}", moved[2], free)


POOL_HEADER = ("pool", "total", "used", "claimed", "freed", "after", "short", "then free")
"""What is told of each pool: seats now, what the plan takes and gives back, and who gets none."""


def title_of_scope(plan: Plan) -> str:
    """Return in words for whom the plan was made, "" for everybody."""
    words = {
        "full": "",
        "users": "only for the people that were named",
        "push": "from a push",
        "undo": "takes back what a run did",
    }
    return words.get(plan.scope, visible(plan.scope))


def title_of_conflicts(plan: Plan) -> str:
    """Return in words what becomes of what is in conflict."""
    if plan.scope == UNDO:
        return "this changed since, and is left alone"
    return "these people are left alone"
