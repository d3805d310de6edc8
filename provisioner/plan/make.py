"""Making a plan: from what was compared to changes with a number, a reason and an order.

Pure: values in, a plan out. The steps stand side by side; every one only adds to the drafts, or
says of a draft why it can't be carried out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from collections.abc import Mapping as MappingOf
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import msgspec

from connectors.records import Abilities, Catalog, Change, Person, fold
from connectors.scim_filter import Filter
from mappings import Mapping
from mappings.entitlements import DEFAULTS_RULE, PROFILE_RULE
from provisioner.memory import Memory
from provisioner.plan import invitations, trash
from provisioner.plan.abilities import failed_elsewhere, keep_to_abilities
from provisioner.plan.accounts import account_changes, grant_accounts, profile_changes
from provisioner.plan.away import away_changes, leaves
from provisioner.plan.catalog_checks import check_catalog
from provisioner.plan.causes import Grounds, find_causes
from provisioner.plan.clusters import cluster
from provisioner.plan.content import SWAPS, TAKEAWAYS, content_of, contents_of, wishes_of
from provisioner.plan.delegation import delegation_changes, link_delegations
from provisioner.plan.differences import Case, Differences
from provisioner.plan.draft import Draft, Ground
from provisioner.plan.forecast import forecast
from provisioner.plan.happenings import Parts
from provisioner.plan.invitations import invitation_changes
from provisioner.plan.lines import name_lines
from provisioner.plan.meanings import Meanings
from provisioner.plan.model import UNDO, Adoption, Base, Plan
from provisioner.plan.numbers import Numbers, give_numbers, number_changes
from provisioner.plan.ordering import in_order, link_needs, pass_on
from provisioner.plan.places import ground_of_place, place_changes
from provisioner.plan.prerequisites import block_without_license, block_without_package
from provisioner.plan.protection import (
    PROTECTED,
    known_as,
    resource_named,
    resource_of,
    resources,
    takes,
)
from provisioner.plan.rejected import set_idle
from provisioner.plan.satisfied import needless, wait_for_settling
from provisioner.plan.seats import Pools, grant_seats
from provisioner.plan.services import credit_changes, license_changes, package_changes
from provisioner.plan.settings import believed, setting_changes, softphone_changes
from provisioner.plan.summing import sum_up, unpriced_warnings
from provisioner.plan.usage_locations import block_without_location, locate
from provisioner.plan.warnings import warnings_of
from provisioner.pools import NumberPool
from provisioner.prices import Prices
from provisioner.reads import Uses

_FAMILIES: tuple[Callable[[Case, Ground], Iterator[Draft]], ...] = (
    account_changes,
    trash.restore_changes,
    invitation_changes,
    profile_changes,
    license_changes,
    setting_changes,
    package_changes,
    number_changes,
    credit_changes,
    delegation_changes,
    softphone_changes,
)


@dataclass(frozen=True, slots=True)
class Situation:
    """Everything but the differences that a plan is made from.

    `old` and `new` give what each directory said of a folded key at the last accepted read, and
    says now; `last_known` what was ever known of somebody who is bound, though gone by now.
    `keyless` names the rows without a readable key (`people.csv:17`). `grace_s` gives a leaver's
    grace where the mapping says none, in seconds by folded key. `cooling`: numbers that rest since
    they were released, with the folded key of whoever lost them. `held_before`: by folded key, the
    numbers that people once had, the last first. `prices`: what seats cost, None where nobody said.
    `resting_until`: when numbers that rest may be given again. `horizon`: how far ahead the forecast
    looks. `warming`: pushed directories that nobody has declared ready. `earlier`: the last plan's
    mapping, if it was another one and is still known. `meanings`: of delegates' names. `members`: how
    many a directory's group has, None if not counted.
    """

    sync: str
    mapping: Mapping
    abilities: Abilities
    catalog: Catalog
    memory: Memory
    pools: dict[str, NumberPool]
    protected: Filter | None
    uses: Uses
    as_of: datetime
    created_at: datetime
    base: Base
    old: Callable[[str], Parts]
    new: Callable[[str], Parts]
    last_known: Callable[[str], Parts]
    directories: Sequence[str] = ()
    key_of: Callable[[str], str | None] = lambda id: None  # noqa: ARG005
    keyless: Sequence[str] = ()
    grace_s: Callable[[str], float] = lambda _: 0.0
    warming: Sequence[str] = ()
    cooling: MappingOf[str, str] = field(default_factory=dict)
    held_before: MappingOf[str, Sequence[str]] = field(default_factory=dict)
    prices: Prices | None = None
    resting_until: MappingOf[str, datetime] = field(default_factory=dict)
    horizon: timedelta = timedelta(0)
    warnings: tuple[str, ...] = ()
    scope: str = "full"
    earlier: Mapping | None = None
    meanings: Meanings = field(default_factory=dict)
    members: Callable[[str, str], int | None] = lambda directory, group: None  # noqa: ARG005


def make_plan(differences: Differences, situation: Situation) -> Plan:
    """Return the plan that brings the phone system to what the mapping wishes.

    What it learned on the way (values believed at adoption) is added to `differences.learned`. What
    an undo took back is in it, rejected. The same input gives the same plan, but for its empty id.
    """
    ground = ground_of(differences, situation)
    drafts = list(_drafted(differences, ground))
    pools = _settle(drafts, differences, situation, ground)
    name_lines(drafts, situation.mapping)
    grounds = Grounds(
        memory=situation.memory,
        contents=_contents,
        old=situation.old,
        new=situation.new,
        uses=situation.uses,
        mapping=situation.mapping,
        earlier=situation.earlier,
        meanings=situation.meanings,
        members=situation.members,
        directories=situation.directories,
    )
    find_causes(drafts, grounds)
    plan = _plan(drafts, differences, situation, ground, pools)
    refused = situation.memory.refused
    changes = tuple(_refuse(change, refused) for change in plan.changes) if refused else ()
    return msgspec.structs.replace(plan, changes=changes) if refused else plan


def _contents(draft: Draft) -> Sequence[str]:
    """Return what a decision about a draft is, or was, bound to."""
    return contents_of(_change(draft))


def plan_of(drafts: list[Draft], differences: Differences, situation: Situation) -> Plan:
    """Return the plan of drafts that know their own cause, as an undo's do.

    They are held against the catalog, the pools and each other as the drafts of any plan are.
    """
    ground = ground_of(differences, situation)
    pools = _settle(drafts, differences, situation, ground)
    return _plan(drafts, differences, situation, ground, pools)


def _refuse(change: Change, refused: MappingOf[str, str]) -> Change:
    """Return a change as rejected if an undo took back what it wishes; a manual step says so."""
    why = next((refused[wish] for wish in wishes_of(change) if wish in refused), None)
    if why is None or change.state not in ("planned", "manual"):
        return change
    if change.state == "manual":  # there is nothing to approve: a person does it, or leaves it
        undone = why.partition(";")[0]
        return msgspec.structs.replace(change, reason=f"leave it: {undone}. {change.reason}")
    return msgspec.structs.replace(change, state="rejected", reason=why)


def _plan(
    drafts: list[Draft],
    differences: Differences,
    situation: Situation,
    ground: Ground,
    pools: Pools,
) -> Plan:
    locate(drafts, ground)
    numbered = _numbered([d for d in drafts if d.state in ("planned", "manual", "held")])
    blocked = _named(drafts, "blocked")
    waiting = _named(drafts, "waiting")
    clusters, changes = cluster(numbered)
    summary = sum_up(differences, situation, (changes, blocked, waiting), drafts, pools)
    return Plan(
        id="",
        sync=situation.sync,
        created_at=situation.created_at,
        as_of=situation.as_of,
        base=situation.base,
        summary=summary,
        clusters=clusters,
        changes=changes,
        blocked=blocked,
        waiting=waiting,
        conflicts=tuple(differences.conflicts),
        warnings=(
            *situation.warnings,
            *needless(drafts, ground.abilities),
            *warnings_of(differences, ground),
            *failed_elsewhere(drafts),
            *unpriced_warnings(situation, drafts, pools),
        ),
        adoption=None if situation.memory.adopted else _adoption(differences),
        scope=situation.scope,
        forecast=forecast(drafts, differences, ground, summary.pools, pools, situation),
    )


def ground_of(differences: Differences, situation: Situation) -> Ground:
    """Return what every family of changes stands on."""
    return Ground(
        mapping=situation.mapping,
        abilities=situation.abilities,
        catalog=situation.catalog,
        memory=situation.memory,
        pools=situation.pools,
        as_of=situation.as_of,
        now=min(situation.created_at, situation.as_of),
        mails=differences.mails,
        phone_users=differences.phone_users,
        delegators_of=differences.delegators_of,
        grace_s=situation.grace_s,
        mail_taken=differences.mail_taken,
        shared_names=differences.shared_names,
        shared_areas=differences.shared_areas,
    )


def _drafted(differences: Differences, ground: Ground) -> Iterator[Draft]:
    doomed = frozenset(
        fold(case.actual.user) for case in differences.cases if case.actual and leaves(case, ground)
    )
    for case in differences.cases:
        if case.standing == "in_scope":
            for family in _FAMILIES:
                yield from family(case, ground)
            differences.learned.applied.update(believed(case, ground))
            differences.learned.applied.update(invitations.noted(case, ground))
            differences.learned.applied.update(trash.noted(case, ground, asked=False))
        elif case.standing == "place":
            yield from place_changes(case, ground)
            differences.learned.applied.update(believed(case, ground_of_place(case, ground)))
        else:
            away = list(away_changes(case, ground, doomed))
            yield from away
            asked = any(d.kind == "user.trash" and d.state == "planned" for d in away)
            differences.learned.applied.update(trash.noted(case, ground, asked=asked))


def _settle(
    drafts: list[Draft],
    differences: Differences,
    situation: Situation,
    ground: Ground,
) -> Pools:
    """Say of each draft what becomes of it, and what it needs; return the pools that seats come from."""
    pools = Pools(
        situation.catalog, differences.licenses, differences.packages, differences.credits
    )
    _protect(drafts, situation)
    keep_to_abilities(drafts, ground)
    block_without_license(drafts, ground)
    block_without_package(drafts, ground)
    block_without_location(drafts, ground)
    wait_for_settling(drafts)
    _hold_absences(drafts, situation)
    _wait_for_the_warming(drafts, situation)
    rejected = _rejections(situation)
    set_idle(drafts, rejected)
    _once_per_pair(drafts)
    priority = _priority(situation.mapping)
    grant_accounts(drafts, situation.catalog.accounts, priority)
    check_catalog(drafts, situation.catalog, differences, priority)
    link_needs(drafts)
    link_delegations(drafts, ground, priority)
    pass_on(drafts)
    set_idle(drafts, rejected)
    for family in ("license", "package", "credits"):
        grant_seats(family, drafts, pools, priority, ground.abilities.shortage)
        pass_on(drafts)
    numbers = Numbers(
        situation.pools,
        differences.held_numbers,
        situation.cooling,
        situation.held_before,
        differences.number_holder,
        lambda rule: differences.rule_in_words(rule, "number"),
        rejected,
    )
    give_numbers(drafts, numbers, priority)
    pass_on(drafts)
    return pools


def _rejections(situation: Situation) -> Callable[[Draft], bool]:
    """Return what tells whether somebody has rejected a draft; an undo asks for what it holds."""
    contents = situation.memory.rejected
    refused = {} if situation.scope == UNDO else situation.memory.refused
    if not contents and not refused:
        return lambda draft: False  # noqa: ARG005

    def rejected(draft: Draft) -> bool:
        change = _change(draft)
        return content_of(change) in contents or any(w in refused for w in wishes_of(change))

    return rejected


def _priority(mapping: Mapping) -> dict[str | None, int]:
    ours = (*mapping.rules, *(rule for each in mapping.places.values() for rule in each.rules))
    names: list[str | None] = [rule.name for rule in ours]
    return {name: n for n, name in enumerate([*names, DEFAULTS_RULE, PROFILE_RULE, None])}


def _protect(drafts: Iterable[Draft], situation: Situation) -> None:
    if situation.protected is None:
        return
    for draft in drafts:
        if takes(draft.kind, draft.before, draft.after) and _is_protected(draft, situation):
            draft.block(PROTECTED)


def _is_protected(draft: Draft, situation: Situation) -> bool:
    """Return whether a draft is about a protected person, or of one's case: a delegation has two sides."""
    assert situation.protected is not None
    case = draft.case
    own = resource_named(draft.user, draft.key) if case.actual is None else resource_of(case.actual)
    said = list(resources(_known(case.key, case.person, situation), own))
    if case.actual is not None and draft.id != case.actual.id:
        key = situation.key_of(draft.id or "") or fold(draft.key)
        said += resources(_known(key, None, situation), resource_named(draft.user, draft.key))
    return any(situation.protected.matches(resource) for resource in said)


def _known(key: str, person: Person | None, situation: Situation) -> list[Person | None]:
    """Return somebody as the directories say now, and said last."""
    now = person or known_as(situation.new(key), situation.directories)
    return [now, known_as(situation.last_known(key), situation.directories)]


def _hold_absences(drafts: Iterable[Draft], situation: Situation) -> None:
    if not situation.keyless:
        return
    rows = ", ".join(situation.keyless[:5]) + (" …" if len(situation.keyless) > 5 else "")
    for draft in drafts:
        if draft.absence and draft.state in ("planned", "manual"):
            draft.state = "held"
            draft.reason = f"a row without a readable key may be this person: mend {rows}"


def _wait_for_the_warming(drafts: Iterable[Draft], situation: Situation) -> None:
    """Take nothing away while a directory is still being filled: memberships come after people."""
    if not situation.warming:
        return
    names = ", ".join(situation.warming)
    for draft in drafts:
        swaps = draft.kind in SWAPS and draft.before is not None
        if draft.state in ("planned", "manual") and (draft.kind in TAKEAWAYS or swaps):
            draft.wait(
                f"directory {names} is warming: it may not have everything yet; when it has,"
                " `provisioner directory ready`"
            )


def _once_per_pair(drafts: list[Draft]) -> None:
    """A delegation that both sides would end is ended once."""
    seen: set[tuple[str, str]] = set()
    for draft in list(drafts):
        if draft.kind != "delegate.remove":
            continue
        pair = (fold(draft.user), fold(str(draft.before)))
        if pair in seen:
            drafts.remove(draft)
        seen.add(pair)


def _numbered(drafts: list[Draft]) -> list[tuple[Change, str]]:
    """Return the changes in order with their seq and needs, each with its cluster's title."""
    ordered = in_order(drafts)
    seq = {id(draft): n for n, draft in enumerate(ordered, start=1)}
    return [(_change(draft, seq[id(draft)], _needs(draft, seq)), draft.title) for draft in ordered]


def _needs(draft: Draft, seq: dict[int, int]) -> tuple[int, ...]:
    return tuple(sorted({seq[id(need)] for need in draft.needs if id(need) in seq}))


def _named(drafts: Iterable[Draft], state: str) -> tuple[Change, ...]:
    chosen = sorted(
        (d for d in drafts if d.state == state), key=lambda d: (d.key, d.kind, str(d.after))
    )
    return tuple(_change(draft) for draft in chosen)


def _change(draft: Draft, seq: int = 0, needs: tuple[int, ...] = ()) -> Change:
    return Change(
        seq=seq,
        kind=draft.kind,
        user=draft.user,
        key=draft.key,
        id=draft.id,
        before=draft.before,
        after=draft.after,
        rule=draft.rule,
        cause=draft.cause,
        because=draft.because,
        risk=draft.risk,
        needs=needs,
        consequences=tuple(draft.consequences),
        state=draft.state if draft.state in ("manual", "held") else "planned",
        reason=draft.reason,
        user_kind=_user_kind(draft),
    )


def _user_kind(draft: Draft) -> str:
    actual = draft.case.actual
    return actual.kind if actual is not None and actual.id == draft.id else "person"


def _adoption(differences: Differences) -> Adoption:
    joiners = sorted(
        case.person.user
        for case in differences.cases
        if case.standing == "in_scope" and case.actual is None and case.person is not None
    )
    return Adoption(
        matched=dict(sorted(differences.matched.items())),
        examples=tuple(sorted(differences.examples, key=lambda match: match.key)),
        people_unmatched=tuple(joiners),
        phone_users_unmatched=tuple(sorted(differences.phone_users_unmatched)),
    )
