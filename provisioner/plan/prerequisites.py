"""Packages and numbers of people to whom no rule gives what these rest on, a license or a package: held back.

A license that a rule gives and that is short, or waits, keeps these waiting by their needs (ordering.py).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from provisioner.plan.draft import Draft, Ground
from provisioner.plan.places import ground_of_place

_RESTS_ON_LICENSE = ("package.assign", "number.assign")


def block_without_license(drafts: Iterable[Draft], ground: Ground) -> None:
    """Block each planned draft that gives something without the license that it rests on.

    Where the mapping never mentions licenses they come from elsewhere; and so does one that is part of
    something else that somebody holds (`counts_as`).
    """
    if not ground.manages("license"):
        return
    for draft in drafts:
        case, given = draft.case, draft.case.entitlements
        if draft.state != "planned" or draft.kind not in _RESTS_ON_LICENSE or draft.after is None:
            continue
        if case.standing != "in_scope" or given is None or "license" in given.left_alone:
            continue
        if given.single.get("license") is None and not (case.actual and case.actual.counts_as):
            thing = draft.kind.partition(".")[0]
            draft.block(
                f"no rule gives {draft.user} a license, which the {thing} rests on: give one, or not this"
            )


def block_without_package(drafts: Iterable[Draft], ground: Ground) -> None:
    """Block each planned number of somebody who has no calling package when the plan is carried out.

    Only where the vendor gives none without, and the mapping says who has which package: a suite may
    bring one along that it never mentions.
    """
    if not ground.abilities.number_needs_package:
        return
    drafts = list(drafts)
    packages: dict[int, list[Draft]] = defaultdict(list)
    for draft in drafts:
        if draft.kind.startswith("package.") and draft.state != "blocked":
            packages[id(draft.case)].append(draft)
    for draft in drafts:
        if draft.kind == "number.assign" and draft.state == "planned":
            own = packages[id(draft.case)]
            if _without_package(draft, own, ground):
                draft.block(
                    f"no rule gives {draft.user} a calling package, which the number rests on: give"
                    " one, or not this"
                )


def _without_package(draft: Draft, packages: Sequence[Draft], ground: Ground) -> bool:
    case, given, actual = draft.case, draft.case.entitlements, draft.case.actual
    own = ground_of_place(case, ground) if case.standing == "place" else ground
    if given is None or not own.manages("packages") or "packages" in given.left_alone:
        return False
    lost = {str(each.before) for each in packages if each.after is None}
    if given.many.get("packages") or len(lost) < len(packages):
        return False  # if what is given is short or waits, so does the number, by its needs
    return actual is None or lost.issuperset(actual.packages)
