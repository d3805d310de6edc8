"""Call delegation: who answers for whom.

Both sides hold a license and a package before a delegation is added, and it ends before either side
loses them. A delegate may be a common area.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType

from connectors.records import PhoneUser, fold
from provisioner.plan.called import mail_of, shares
from provisioner.plan.differences import Case
from provisioner.plan.draft import Draft, Ground
from provisioner.plan.services import calling_ends, license_goes

_SERVICES = ("user.restore", "user.activate", "license.assign", "package.assign")
"""What a delegate may have to get first."""


def delegation_changes(case: Case, ground: Ground) -> Iterator[Draft]:
    """Yield delegates to remove and to add, and the delegator's privileges where they differ."""
    given = case.entitlements
    assert given is not None
    if license_goes(case, ground):
        yield from endings(case, ground, frozenset())
        return
    if ending := ground.abilities.delegation_needs_package and calling_ends(case, ground):
        yield from endings(case, ground, frozenset())
    if ground.manages("delegates"):
        yield from _delegates(case, ground)
    if ending:
        return
    if not _is_delegator(case, ground):
        return  # who has no delegates lets nobody do anything, and their desk phones would restart
    if ground.manages("delegate_privileges") and "delegate_privileges" not in given.left_alone:
        wished = given.many.get("delegate_privileges", {})
        held = ground.privileges_of(case)
        if held is not None and set(map(fold, wished)) != set(map(fold, held)):
            rule = next(iter(wished.values()), None)
            yield Draft("delegation.set", case, listed(held), listed(wished), rule, "service")


def _is_delegator(case: Case, ground: Ground) -> bool:
    """Return whether somebody in scope has delegates when the plan is carried out, or may have."""
    given = case.entitlements
    assert given is not None
    if given.many.get("delegates"):
        return True
    taken = ground.manages("delegates") and "delegates" not in given.left_alone
    return not taken and ground.delegates_of(case) != ()


def listed(names: Iterable[str]) -> str | None:
    """Return privileges as one text, in one order; None for none."""
    return ", ".join(sorted(names)) or None


def _delegates(case: Case, ground: Ground) -> Iterator[Draft]:
    given, theirs = case.entitlements, ground.delegates_of(case)
    assert given is not None
    if theirs is None:
        return  # the vendor wasn't asked, because nobody wished any; or can't say, and nobody knows
    held = {fold(name): name for name in theirs}
    wished: dict[str, tuple[str, str]] = {}
    for name, rule in given.many.get("delegates", {}).items():
        mail = mail_of(ground.mails, name) or fold(name)
        if mail in (own := _mails(case)):
            held = {mail: name for mail, name in held.items() if mail not in own}
            continue  # nobody answers for themselves, and who does already goes on
        user = ground.phone_users.get(mail)
        wished[mail] = (user.user if user else mail if "@" in mail else name, rule)
    if "delegates" not in given.left_alone:
        for name in sorted(held.keys() - wished.keys()):
            yield Draft("delegate.remove", case, held[name], None, None, "service")
    new = {mail: _unclear(mail, name, ground) for mail, (name, _) in wished.items()}
    reasons = {mail: reason for mail, reason in new.items() if mail not in held}
    room = _room(held, wished, ground.abilities.max_delegates, "delegates" in given.left_alone)
    if room is not None:
        clear = [mail for mail, reason in reasons.items() if reason is None]
        first = [rule for mail, (_, rule) in wished.items() if mail not in clear[room:]]
        reasons |= dict.fromkeys(clear[room:], _too_many(first, ground))
    for mail in sorted(reasons):
        name, rule = wished[mail]
        draft = Draft("delegate.add", case, None, name, rule, "service")
        if (reason := reasons[mail]) is not None:
            draft.block(reason)
        yield draft


def _unclear(mail: str, name: str, ground: Ground) -> str | None:
    """Return why it isn't clear whom a name means, None if it is."""
    if mail in ground.shared_areas:
        return f"several common areas are called {name!r}: give each a name of its own"
    if mail in ground.mails or mail in ground.phone_users or "@" in mail:
        return None
    if shares(ground.shared_names, name):
        return f"several people are called {name!r}: name them by mail or key"
    return f"no person and no common area is called {name!r}"


def _too_many(rules: Iterable[str], ground: Ground) -> str:
    """Return why there is no room for a delegate beside those of the rules that come first."""
    limit = ground.abilities.max_delegates
    return (
        f"a delegator has at most {limit} delegates there, and those of {_named(rules, ground)} come first:"
        " take one away"
    )


def _named(rules: Iterable[str], ground: Ground) -> str:
    words = (ground.mapping.rule_in_words(rule, "delegates") for rule in dict.fromkeys(rules))
    return " and ".join(words)


def _mails(case: Case) -> set[str]:
    """Return somebody's folded mails: in the directories, and in the phone system."""
    found = (case.person, case.actual)
    return {fold(each.email) for each in found if each is not None and each.email}


def _room(
    held: Iterable[str], wished: Iterable[str], limit: int | None, partly: bool
) -> int | None:
    if limit is None:
        return None
    staying = [name for name in held if partly or name in set(wished)]
    return max(0, limit - len(staying))


def link_delegations(
    drafts: list[Draft], ground: Ground, priority: Mapping[str | None, int] = MappingProxyType({})
) -> None:
    """Let each new delegation wait for both sides' services, and block those that can't have any.

    Where somebody would answer for too many, the lowest `priority` goes without: rule order, then key.
    """
    by_mail: dict[str, list[Draft]] = {}
    for draft in drafts:
        for mail in {fold(draft.user)} | _mails(draft.case):
            by_mail.setdefault(mail, []).append(draft)
    serving: dict[str, int] = {mail: len(users) for mail, users in ground.delegators_of.items()}
    for draft in drafts:
        if draft.kind == "delegate.remove" and isinstance(draft.before, str):
            serving[fold(draft.before)] = serving.get(fold(draft.before), 0) - 1
    claims = [d for d in drafts if d.kind == "delegate.add" and d.state == "planned"]
    served: dict[str, list[str]] = {}
    for draft in sorted(claims, key=lambda d: (priority.get(d.rule, len(priority)), d.key)):
        if not isinstance(draft.after, str):
            continue
        mail = fold(draft.after)
        other = by_mail.get(mail, [])
        draft.needs += [d for d in other if d.kind in _SERVICES]
        _go_by_new_mail(draft, other)
        own = by_mail.get(fold(draft.user), [])
        lacks = _lacks(draft.user, draft.case.actual, own, ground) or _lacks(
            draft.after, ground.phone_users.get(mail), other, ground
        )
        if lacks is not None:
            draft.block(lacks)
        else:
            serving[mail] = serving.get(mail, 0) + 1
            limit = ground.abilities.max_delegators
            rules = served.setdefault(mail, [])
            if limit is not None and serving[mail] > limit:
                said = f"{draft.after} already answers for {limit} people, the most that is allowed"
                draft.block(
                    f"{said}; those of {_named(rules, ground)} come first" if rules else said
                )
            elif draft.rule is not None:
                rules.append(draft.rule)


def _go_by_new_mail(draft: Draft, theirs: Iterable[Draft]) -> None:
    """Let a new delegation wait for the delegate's new mail address, and name them by it."""
    for other in theirs:
        changed = other.after if isinstance(other.after, dict) else {}
        email = changed.get("email")
        if other.kind == "profile.update" and other.state == "planned" and email and other.id:
            draft.needs.append(other)
            draft.after = email


def _lacks(
    name: str, user: PhoneUser | None, drafts: Iterable[Draft], ground: Ground
) -> str | None:
    """Return what one side of a delegation lacks for it, None if it has, or gets, all it needs."""
    if user is not None and user.kind != "person":
        return None  # a common area is there only because it has a phone
    drafts = list(drafts)
    if any(d.kind == "license.remove" for d in drafts):
        return f"{name} loses the phone license in this plan"
    if not (user and user.license) and not any(d.kind == "license.assign" for d in drafts):
        return f"{name} has no phone license, so nobody can answer there"
    if ground.abilities.delegation_needs_package and not any(
        d.kind == "package.assign" for d in drafts
    ):
        if not (user and user.packages):
            return f"{name} has no calling package, so nobody can answer there"
        lost = {str(d.before) for d in drafts if d.kind == "package.remove"}
        if lost.issuperset(user.packages):
            return f"{name} loses the last calling package in this plan"
    return None


def endings(case: Case, ground: Ground, doomed: frozenset[str]) -> Iterator[Draft]:
    """Yield the removals of every delegation that a leaver has part in, on either side.

    `doomed` are the folded mails of all who leave in this plan: a delegation between two of them
    is ended once, by its delegator.
    """
    actual = case.actual
    assert actual is not None
    for name in sorted(ground.delegates_of(case) or ()):
        yield Draft("delegate.remove", case, name, None, None, "service")
    if actual.email is None:
        return
    for delegator in ground.delegators_of.get(fold(actual.email), ()):
        if fold(delegator.user) in doomed:
            continue
        yield Draft(
            "delegate.remove",
            case,
            actual.email,
            None,
            None,
            "service",
            user=delegator.user,
            key=delegator.key or delegator.id,
            id=delegator.id,
        )
