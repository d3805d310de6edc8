"""What becomes of what somebody is given: what the phone system has, what is due, and what happened last."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import msgspec

from connectors.records import Change, PhoneUser, Value, fold
from mappings import PoolRef
from provisioner.config import PoolConfig
from provisioner.plan.document import instant
from provisioner.plan.effects import alike
from provisioner.plan.explain import Explainer
from provisioner.plan.explanation import Due, Entitled, Explanation, Happened, Held
from provisioner.plan.families import FAMILIES
from provisioner.plan.model import Plan
from provisioner.pools import NumberPool

_COUNTED = {"license": "license", "packages": "package", "credits": "credits"}
_AHEAD = 5
_UNSEATED = ("blocked", "waiting")


class Past(Protocol):
    """A change that was carried out, or was to be (store/history.py)."""

    @property
    def plan(self) -> str: ...
    @property
    def change(self) -> Change: ...
    @property
    def at(self) -> datetime: ...
    @property
    def run(self) -> str | None: ...
    @property
    def approved_by(self) -> tuple[str, ...]: ...


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of one person beside what the mapping decides.

    `user`: their phone user, read at `read_at`, None where it couldn't be read. `unreadable`: last
    applied values of what can't be read back. `plan`: the newest one that was made for them, with
    their changes. `past`: the newest first. `claims(plan, kind)` gives everybody's changes of a kind.
    `needless`: kinds of change that the account needs none of, with the reason.
    """

    explainer: Explainer
    standing: str
    user: PhoneUser | None
    read_at: datetime | None
    unreadable: Mapping[str, Value]
    plan: Plan | None
    past: Sequence[Past]
    claims: Callable[[str, str], list[Change]]
    pools: Mapping[str, PoolConfig]
    needless: Mapping[str, str]


def filled_in(about: Explanation, facts: Facts) -> Explanation:
    """Return the explanation with what is held, due and past at each entitlement."""
    due = list(_due(facts, about.key))
    named = _named_otherwise(about.entitlements, due)
    told = [_one(each, facts, due, named.get(id(each))) for each in about.entitlements]
    shown = {id(each) for entitled in told for each in entitled.due}
    # the account, and what is taken that nothing gives; of a leaver all of it
    away = about.standing not in ("in_scope", "place")
    account = tuple(each for each in due if away or id(each) not in shown)
    last = next(map(_happened, facts.past), None)
    return msgspec.structs.replace(about, entitlements=tuple(told), account=account, last=last)


def _due(facts: Facts, key: str) -> Iterator[Due]:
    """Yield what the newest plan holds for them: to be done, done since, blocked, or waiting."""
    if facts.plan is None:
        return
    plan, folded = facts.plan, fold(key)
    for state, listed in (
        (None, plan.changes),
        ("blocked", plan.blocked),
        ("waiting", plan.waiting),
    ):
        for change in listed:
            if fold(change.key) == folded:
                yield Due(
                    plan=plan.id,
                    seq=change.seq,
                    kind=change.kind,
                    before=change.before,
                    after=change.after,
                    rule=change.rule,
                    state=state or change.state,
                    because=change.because,
                    reason=change.reason,
                )


def _named_otherwise(entitlements: Sequence[Entitled], due: Sequence[Due]) -> dict[int, Due]:
    """Return the change that adds a delegate, by the id of the wish that calls them otherwise.

    Plans name delegates by mail, a directory by dn. Where one wish and one change of a rule are left over, they are one.
    """
    wished = [e for e in entitlements if e.entitlement == "delegates" and e.value is not None]
    added = [each for each in due if each.kind == "delegate.add"]
    wishes = [e for e in wished if not any(alike(each.after, e.value) for each in added)]
    left = [each for each in added if not any(alike(each.after, e.value) for e in wished)]
    pairs = [(e, each) for e in wishes for each in left if e.rule == each.rule]
    wishing, adding = Counter(id(e) for e, _ in pairs), Counter(id(each) for _, each in pairs)
    return {id(e): each for e, each in pairs if wishing[id(e)] == adding[id(each)] == 1}


def _one(entitled: Entitled, facts: Facts, due: Iterable[Due], named: Due | None) -> Entitled:
    family = FAMILIES.get(entitled.entitlement, "profile")
    mine = tuple(
        each
        for each in due
        if each is named or _about(each.kind, each.before, each.after, family, entitled)
    )
    past = (
        p
        for p in facts.past
        if _about(p.change.kind, p.change.before, p.change.after, family, entitled)
    )
    if entitled.value not in (None, False):
        needless = facts.needless.get(f"{family}.assign")
        entitled = msgspec.structs.replace(entitled, needless=needless)
    return msgspec.structs.replace(
        entitled,
        now=_held(entitled, facts, mine),
        due=mine,
        last=next(map(_happened, past), None),
        pool=_pool(entitled, facts, mine),
    )


def _about(kind: str, before: Value, after: Value, family: str, entitled: Entitled) -> bool:
    """Return whether a change is about an entitlement; of a list, about that value of it."""
    if kind.partition(".")[0] != family:
        return False
    if family == "profile":
        name = entitled.entitlement.removeprefix("profile.")
        return isinstance(after, dict) and name in after
    if entitled.entitlement in ("packages", "delegates") and entitled.value is not None:
        return alike(before, entitled.value) or alike(after, entitled.value)
    return True


def _happened(past: Past) -> Happened:
    change = past.change
    return Happened(
        kind=change.kind,
        before=change.before,
        after=change.after,
        state=change.state,
        at=past.at,
        plan=past.plan,
        seq=change.seq,
        run=past.run,
        approved_by=" and ".join(past.approved_by) or "the approval policy",
        because=change.because,
        reason=change.reason,
    )


# What is held


def _held(entitled: Entitled, facts: Facts, due: Sequence[Due]) -> Held | None:
    name, at = entitled.entitlement, facts.read_at
    if facts.user is not None and at is not None:
        if name in facts.explainer.mapping.managed and name in facts.unreadable:
            remembered = facts.unreadable[name]
            known = None if isinstance(remembered, dict) else remembered
            return Held(value=known, known="as last applied: it can't be read back", as_of=at)
        known = "read now"
        if name == "license" and fold(str(entitled.value)) in map(fold, facts.user.counts_as):
            known += f"; it counts as {entitled.value}"
        return Held(value=_of_user(name, facts.user), known=known, as_of=at)
    plan = facts.plan
    if plan is None or facts.standing != "in_scope" or entitled.needless:
        return None  # that a plan found nothing to change tells nothing of what is never planned
    moved = next((each for each in due if not isinstance(each.before, dict)), None)
    if moved is None:
        said = f"plan {plan.id} found nothing to change"
        return Held(value=entitled.value, known=said, as_of=plan.created_at)
    moved_to = moved.after if moved.state == "done" else moved.before
    held = None if isinstance(moved_to, dict) else moved_to
    return Held(value=held, known=f"by plan {plan.id}", as_of=plan.created_at)


def _of_user(name: str, user: PhoneUser) -> str | bool | tuple[str, ...] | None:
    attribute = {"number": "numbers"}.get(name, name.removeprefix("profile."))
    value: str | bool | tuple[str, ...] | None = getattr(user, attribute)
    return value


# Why this number, and who waits for a seat


def _pool(entitled: Entitled, facts: Facts, due: Sequence[Due]) -> str | None:
    short = next((each for each in due if each.state in _UNSEATED and each.reason), None)
    if short is not None:
        return f"{short.state}: {short.reason}{_ahead(short, facts)}"
    if entitled.entitlement == "number":
        return _number(entitled, facts, due)
    family = _COUNTED.get(entitled.entitlement)
    if family is None or facts.plan is None or entitled.value in (None, False):
        return None
    name = "credits" if family == "credits" else str(entitled.value)
    for pool, use in facts.plan.summary.pools.items():
        if fold(pool) == fold(f"{family}:{name}") and use.total is not None:
            return f"{use.used:,} of {use.total:,} seats were used before plan {facts.plan.id}, {use.after:,} after"
    return None


def _ahead(short: Due, facts: Facts) -> str:
    """Return in words who got what there was, and who waits for it with more right."""
    if short.state != "blocked" or short.kind not in (
        "license.assign",
        "package.assign",
        "credit.assign",
    ):
        return ""
    assert facts.plan is not None
    alike_claims = [c for c in facts.claims(short.plan, short.kind) if alike(c.after, short.after)]
    said = []
    if alike_claims:
        said.append(f"in this plan it goes to {_some([c.user for c in alike_claims])}")
    rank = {rule.name: n for n, rule in enumerate(facts.explainer.mapping.rules)}
    waiting = [
        c for c in facts.plan.blocked if c.kind == short.kind and alike(c.after, short.after)
    ]
    waiting.sort(key=lambda c: (rank.get(c.rule or "", len(rank)), c.key))
    own = fold(facts.explainer.person.key)
    before = []
    for change in waiting:
        if fold(change.key) == own:
            break
        before.append(change.user)
    if before:
        said.append(f"{_some(before)} wait before them")
    return "".join(f"; {each}" for each in said)


def _some(names: Sequence[str]) -> str:
    rest = f" and {len(names) - _AHEAD:,} more" if len(names) > _AHEAD else ""
    return ", ".join(names[:_AHEAD]) + rest


def _number(entitled: Entitled, facts: Facts, due: Sequence[Due]) -> str | None:
    value = str(entitled.value)
    if not value.startswith("pool:"):
        return None
    ref = PoolRef(value.removeprefix("pool:"))
    config = facts.pools.get(ref.name)
    held = facts.user.numbers if facts.user is not None else ()
    kept = [] if config is None else [n for n in held if NumberPool(ref.name, config, None).has(n)]
    if kept:
        return f"{', '.join(kept)} is of pool {ref.name}: whoever holds a number of it keeps it"
    claim = next((each for each in due if each.kind == "number.assign"), None)
    if claim is None:
        return None
    at = (
        ""
        if facts.plan is None
        else f" when plan {claim.plan} was made ({instant(facts.plan.created_at)})"
    )
    return f"{claim.after} was the lowest free number of pool {ref.name}{at}"
