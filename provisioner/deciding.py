"""Approve and reject: an operator's decision about a plan, or a part of it, recorded and told.

The command line and the console decide by this one function.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice

from sqlalchemy import Connection

from connectors.errors import RunError
from connectors.records import Change, fold
from provisioner import who
from provisioner.actable import refuse_unless_actable
from provisioner.config import Approval
from provisioner.freeze import freezes
from provisioner.plan import needs
from provisioner.plan.content import is_named
from provisioner.plan.model import Plan
from provisioner.plan.only import pick
from provisioner.report.figures import counted
from provisioner.store import decisions as decision_store
from provisioner.store import entries as entry_store
from provisioner.store import people as people_store
from provisioner.store import plans as plan_store
from provisioner.store import runs as run_store
from provisioner.store.decisions import Decision, Verdict
from provisioner.wiring import Site

_LOOKED_UP = 50_000
"""People whose other names are looked up together."""
_NAMED = 10
"""Changes that are named one by one."""


class MayNotDecide(RunError):
    """Whoever decides is not among those whom config lets decide."""


def decide(
    site: Site,
    chosen: str,
    decision: Decision,
    by: str,
    only: Sequence[str] = (),
    *,
    with_needs: bool = False,
) -> list[str]:
    """Record a decision about a plan, or about what `only` means in it, and return lines that tell it.

    `with_needs`: also about whatever those changes need. The first approval of a whole full plan
    adopts the sync: its bindings last, and from then on the approval policy decides. Raises RunError,
    and records nothing, for a plan that only shows something, a first one that a newer plan matches
    people otherwise than, and words that mean nothing in it; MayNotDecide for somebody who may not.
    """
    now = site.now()
    with site.engine.begin() as connection:
        run_store.refuse_old_clock(connection, now)
        plan = plan_store.load(connection, chosen)
        refuse_unless_actable(site.config, plan, decision)
        approval = site.config.syncs[plan.sync].approval
        by = _approver(by, approval, plan.sync)
        seqs = _picked(connection, plan, only, with_needs=with_needs) if only else None
        if decision == "approved" and plan.scope == "full" and seqs is None:
            _adopt(connection, plan, by, site)
        holding = freezes(site.config.syncs[plan.sync].freeze, now)
        # what is approved in a freeze goes after it, however long it is
        begins = max([now, *(freeze.until for freeze in holding)])
        count = decision_store.decide(
            connection,
            plan,
            decision,
            by,
            now,
            begins - now + approval.expires,
            seqs=seqs,
            second=approval.second,
            only=only,
        )
        adopted = decision_store.is_adopted(connection, plan.sync)
        verdicts = decision_store.verdicts_of(connection, plan, now)
    told = _Told(plan, verdicts, approval, seqs)
    lines = [f"plan {chosen}: {count} changes {decision} by {by}{told.held(decision)}"]
    lines += told.approved(only) if decision == "approved" else told.rejected()
    if decision == "approved" and not adopted:
        lines.append(_not_adopted(plan))
    if decision == "approved":
        lines += [f"  {freeze}: what it does not allow goes after it" for freeze in holding]
    return lines


def _approver(by: str, approval: Approval, sync: str) -> str:
    """Return the name of whoever decides, as config spells it if it lists them.

    Raises MayNotDecide for one who may not, RunError for one who has no name.
    """
    name = who.named(by)
    if approval.approvers is None:
        return name
    for listed in approval.approvers:
        if fold(listed) == fold(name):
            return listed
    raise MayNotDecide(
        f"{name} may not decide about plans of sync {sync}: approval.approvers lists"
        f" {', '.join(approval.approvers)}",
        remedy="nothing was decided; let one of them do it, under their own login or with --by",
    )


def _adopt(connection: Connection, plan: Plan, by: str, site: Site) -> None:
    if not decision_store.is_adopted(connection, plan.sync):
        _refuse_other_matches(connection, plan)
        decision_store.adopt(connection, plan.sync, by, site.now())
    people_store.confirm(connection, plan.sync)


def _refuse_other_matches(connection: Connection, plan: Plan) -> None:
    """Raise RunError if what would be adopted now is not what this plan shows."""
    newest = plan_store.newest_full(connection, plan.sync)
    if newest is None or newest == plan.id:
        return
    if plan_store.load(connection, newest).adoption != plan.adoption:
        raise RunError(
            f"plan {plan.id} shows other matches of people and phone users than the newer plan"
            f" {newest}",
            remedy=f"look at that one, and approve it: `provisioner show {newest}`",
        )


def _not_adopted(plan: Plan) -> str:
    if plan.scope == "full":
        whole = f"`provisioner approve {plan.id}`, without --only"
    else:
        whole = "`provisioner plan` for everybody, and approve that"
    return (
        f"  nothing of sync {plan.sync} is carried out until a full plan of it is approved: {whole}"
    )


def _picked(
    connection: Connection, plan: Plan, only: Sequence[str], *, with_needs: bool
) -> frozenset[int]:
    def other_names() -> Iterator[tuple[str, str]]:
        rest = iter({fold(change.key) for change in plan.changes})
        while some := set(islice(rest, _LOOKED_UP)):
            known = entry_store.known_entries(connection, plan.sync, some, gone=True)
            for key, parts in known.items():
                for _, person in parts:
                    yield from ((key, name) for name in _names(person.resource))

    meant = pick(plan, only, other_names)
    open_ones = {c.seq for c in plan.changes if c.state in decision_store.OPEN}
    if not meant & open_ones:
        states = sorted({c.state for c in plan.changes if c.seq in meant})
        raise RunError(
            f"{', '.join(only)}: nothing of that is left to decide in plan {plan.id}:"
            f" {' and '.join(states)}",
            remedy="nothing was decided",
        )
    return needs.with_needs(plan.changes, meant) if with_needs else meant


def _names(resource: Mapping[str, object]) -> Iterator[str]:
    name, mails = resource.get("userName"), resource.get("emails")
    if isinstance(name, str):
        yield name
    for mail in mails if isinstance(mails, list) else ():
        yield str(mail.get("value"))


class _Told:
    """What there is to say after a decision: what it does not yet, or can't, bring about."""

    def __init__(
        self,
        plan: Plan,
        verdicts: Mapping[int, Verdict],
        approval: Approval,
        seqs: frozenset[int] | None,
    ) -> None:
        self._plan, self._verdicts, self._approval = plan, verdicts, approval
        self._seqs = seqs
        open_ones = [c for c in plan.changes if c.state in decision_store.OPEN]
        self._chosen = [c for c in open_ones if seqs is None or c.seq in seqs]
        self._by_seq = {change.seq: change for change in plan.changes}

    def held(self, decision: Decision) -> str:
        """Return what to add to the first line where some stay held."""
        held = sum(change.state == "held" for change in self._chosen)
        if not held or decision != "approved":
            return ""
        shown = f"`provisioner show {self._plan.id}` says which"
        return f"; {held} of them stay held by a limit, {shown}"

    def approved(self, only: Sequence[str]) -> Iterator[str]:
        """Yield what the approved changes wait for yet."""
        again = " ".join(f"--only {shlex.quote(word)}" for word in only)
        command = f"provisioner approve {self._plan.id}{' ' if again else ''}{again}"
        second = self._approval.second
        half = [c for c in self._chosen if self._verdicts[c.seq].lacks(c, second)]
        if half:
            names = " or ".join(dict.fromkeys(n for c in half for n in self._verdicts[c.seq].by))
            yield f"  {len(half)} of them wait for a second approver, not {names}: `{command}`"
        missing = self._missing()
        if missing:
            yield f"  {counted(len(missing), 'change', 'changes')} that these need can't go ahead yet:"
            yield from self._listed(missing)
            yield f"    approve them too: `{command} --with-needs`"

    def rejected(self) -> Iterator[str]:
        """Yield what can't go ahead without the rejected changes."""
        rejected = {change.seq for change in self._chosen}
        if others := needs.lost_without(self._plan.changes, rejected):
            number = counted(len(others), "change", "changes")
            yield f"  {number} of this plan that need these can't be carried out either:"
            yield from self._listed(others)

    def _missing(self) -> list[Change]:
        """Return what the chosen changes need, and they don't contain, that may not go ahead."""
        if self._seqs is None:
            return []
        needed = needs.with_needs(self._plan.changes, self._seqs) - self._seqs
        changes = [self._by_seq[seq] for seq in sorted(needed)]
        return [change for change in changes if self._why_not(change) is not None]

    def _why_not(self, change: Change) -> str | None:
        """Return why a change may not go ahead by what is decided of it, None if it may."""
        if change.state not in decision_store.OPEN:
            return None
        verdict, second = self._verdicts.get(change.seq), self._approval.second
        state = "planned" if verdict is None else verdict.state_of(change, second)
        if change.state == "held" or state == "rejected":
            return "held" if change.state == "held" else "rejected"
        if verdict is not None and verdict.lacks(change, second):
            return "half approved"
        automatic = is_named(change, self._approval.automatic) and not is_named(change, second)
        return None if state == "approved" or automatic else "not approved"

    def _listed(self, changes: Sequence[Change]) -> Iterable[str]:
        for change in changes[:_NAMED]:
            why = self._why_not(change)
            yield f"    {change.seq} {change.kind} {change.user}{f': {why}' if why else ''}"
        if len(changes) > _NAMED:
            yield f"    and {len(changes) - _NAMED} more"
