"""Packages and numbers of people to whom no rule gives the license that these rest on: held back.

A license that a rule gives and that is short, or waits, keeps these waiting by their needs (ordering.py).
"""

from __future__ import annotations

from collections.abc import Iterable

from provisioner.plan.draft import Draft, Ground

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
