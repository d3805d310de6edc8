"""The order of changes: what each needs first, and one sequence in which all can be carried out.

An account before a license, a license before a package, a package before a number; a delegation
ends before either side loses what it rests on; releases come before the claims that live on them.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterable

from provisioner.plan.draft import Draft

_ORDER = (
    "delegate.remove",
    "softphone.deauthorize",
    "credit.remove",
    "number.release",
    "package.remove",
    "license.remove",
    "user.deactivate",
    "user.trash",
    "user.delete",
    "user.restore",
    "user.invite",
    "user.create",
    "user.activate",
    "welcome.resend",
    "profile.update",
    "license.assign",
    "site.set",
    "extension.set",
    "package.assign",
    "template.apply",
    "number.assign",
    "credit.assign",
    "emergency.set",
    "delegation.set",
    "delegate.add",
    "softphone.authorize",
)
PHASE = {kind: position for position, kind in enumerate(_ORDER)}
"""Where a kind stands in a plan, when nothing else decides."""

_ACCOUNT = ("user.restore", "user.invite", "user.create", "user.activate")
_LICENSED = (*_ACCOUNT, "license.assign")
_CALLING = (*_LICENSED, "package.assign")
_ENDED = ("delegate.remove", "softphone.deauthorize", "credit.remove", "number.release")
_ON_ANY_PACKAGE = ("number.assign", "credit.assign", "delegation.set", "delegate.add")
NEEDS: dict[str, tuple[str, ...]] = {
    "profile.update": _ACCOUNT,
    "license.assign": _ACCOUNT,
    "site.set": _LICENSED,
    "extension.set": (*_LICENSED, "site.set"),
    "package.assign": _LICENSED,
    "template.apply": (*_LICENSED, "site.set"),
    "number.assign": (*_CALLING, "site.set"),
    "credit.assign": _CALLING,
    "emergency.set": (*_LICENSED, "number.assign"),
    "delegation.set": _CALLING,
    "delegate.add": _CALLING,
    "softphone.authorize": (*_LICENSED, "softphone.deauthorize"),
    "package.remove": _ENDED,
    "license.remove": (*_ENDED, "package.remove"),
    "user.deactivate": (*_ENDED, "package.remove", "license.remove"),
    "user.trash": (*_ENDED, "package.remove", "license.remove"),
    "user.delete": (*_ENDED, "package.remove", "license.remove"),
}
"""The kinds that must be done first for the same person, where the plan has them."""


def link_needs(drafts: Iterable[Draft]) -> None:
    """Let each draft need those of the same person that must come first."""
    by_case: dict[int, list[Draft]] = defaultdict(list)
    for draft in drafts:
        by_case[id(draft.case)].append(draft)
    for own in by_case.values():
        for draft in own:
            kinds = NEEDS.get(draft.kind, ())
            draft.needs += [other for other in own if other.kind in kinds]


def pass_on(drafts: Iterable[Draft]) -> None:
    """Let whatever needs a blocked, waiting or manual draft wait as well, and say for what.

    What rests on a calling package, whichever it is, goes ahead where somebody has another one.
    """
    drafts = list(drafts)
    packages: dict[int, list[Draft]] = defaultdict(list)
    for draft in drafts:
        if draft.kind.startswith("package."):
            packages[id(draft.case)].append(draft)
    queue = [d for d in drafts if d.state in ("blocked", "waiting", "manual")]
    dependents: dict[int, list[Draft]] = defaultdict(list)
    for draft in drafts:
        for need in draft.needs:
            dependents[id(need)].append(draft)
    while queue:
        source = queue.pop()
        for draft in dependents[id(source)]:
            if draft.state in ("planned", "manual"):
                if has_another(source, draft, packages[id(source.case)]):
                    continue
                draft.wait(f"waits for {source.kind} of {source.user}: {source.reason}")
                queue.append(draft)


def has_another(source: Draft, dependent: Draft, packages: Iterable[Draft]) -> bool:
    """Tell whether a dependent goes without the package that `source` should have brought.

    `packages` are all drafts about packages of the same person.
    """
    if source.kind != "package.assign" or dependent.kind not in _ON_ANY_PACKAGE:
        return False
    actual, going = source.case.actual, [d for d in packages if d.state == "planned"]
    lost = {str(draft.before) for draft in going}
    held = () if actual is None or actual.status == "trashed" else actual.packages
    return any(draft.after is not None for draft in going) or not lost.issuperset(held)


def in_order(drafts: Iterable[Draft]) -> list[Draft]:
    """Return the drafts so that every need stands before what needs it; by phase, then key, else.

    Needs outside of the given drafts don't count. Raises ValueError if needs go in a circle.
    """
    drafts = list(drafts)
    ids = {id(draft) for draft in drafts}
    missing = {id(d): sum(id(need) in ids for need in d.needs) for d in drafts}
    dependents: dict[int, list[Draft]] = defaultdict(list)
    for draft in drafts:
        for need in draft.needs:
            dependents[id(need)].append(draft)
    ready = [(_rank(draft), n, draft) for n, draft in enumerate(drafts) if not missing[id(draft)]]
    heapq.heapify(ready)
    number = {id(draft): n for n, draft in enumerate(drafts)}
    ordered: list[Draft] = []
    while ready:
        _, _, draft = heapq.heappop(ready)
        ordered.append(draft)
        for other in dependents[id(draft)]:
            if id(other) not in ids:
                continue
            missing[id(other)] -= 1
            if not missing[id(other)]:
                heapq.heappush(ready, (_rank(other), number[id(other)], other))
    if len(ordered) < len(drafts):
        raise ValueError("changes need each other in a circle")
    return ordered


def _rank(draft: Draft) -> tuple[int, str, str, str]:
    return (PHASE[draft.kind], draft.key, str(draft.before), str(draft.after))
