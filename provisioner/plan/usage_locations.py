"""The country in which somebody uses a license, set before whoever has none is given one.

Some vendors refuse a license to whoever has no usage location. Config names one for these people, and
setting it is a change of its own: an operator sees it, and what becomes of it is on record by itself.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from connectors.records import Abilities
from provisioner.plan.accounts import NEW
from provisioner.plan.draft import Draft, Ground

NAME = "usage_location"
_ACCOUNT = (*NEW, "user.activate", "user.restore")
NO_LOCATION = (
    "no usage location, without which no license is given: give the directory one, map"
    " profile.usage_location, or set usage_location in config"
)
BY_CONFIG = "a license needs a usage location: config says which, as nothing else does"


def block_without_location(drafts: Iterable[Draft], ground: Ground) -> None:
    """Block each planned draft for which somebody lacks a usage location that nothing gives them."""
    abilities = ground.abilities
    if not abilities.located or abilities.location is not None:
        return
    for draft in drafts:
        given, made_by_hand = draft.case.entitlements, abilities.joiner not in abilities.kinds
        if draft.kind not in abilities.located or draft.state != "planned":
            continue
        if (given is not None and NAME in given.profile) or not _lacks_one(draft):
            continue
        if draft.case.actual is None and made_by_hand:
            continue  # whoever makes the account may give it one
        draft.block(f"{draft.user} has {NO_LOCATION}")


def locate(drafts: list[Draft], ground: Ground) -> None:
    """Add what sets config's usage location, for everybody who is given a license in need of one.

    It has the reason of the first claim that needs it. For drafts whose state is settled: nobody is
    located for a license that they don't get. What the mapping sets is needed by a claim likewise.
    """
    abilities = ground.abilities
    if not abilities.located:
        return
    claims: dict[int, list[Draft]] = defaultdict(list)
    accounts: dict[int, list[Draft]] = defaultdict(list)
    located: dict[int, Draft] = {}
    for draft in drafts:
        if draft.kind == "profile.update" and isinstance(draft.after, dict) and NAME in draft.after:
            located[id(draft.case)] = draft
        elif draft.kind in abilities.located and _goes(draft) and _lacks_one(draft):
            claims[id(draft.case)].append(draft)
        elif draft.kind in _ACCOUNT:
            accounts[id(draft.case)].append(draft)
    for case, own in claims.items():
        location = located.get(case)
        if location is None and abilities.location is not None:
            location = _by_config(own[0], accounts[case], abilities)
            drafts.append(location)
        if location is not None:
            for claim in own:
                claim.needs.append(location)


def _goes(draft: Draft) -> bool:
    return draft.state == "planned" and not draft.idle


def _by_config(claim: Draft, accounts: list[Draft], abilities: Abilities) -> Draft:
    before = None if claim.case.actual is None else dict[str, str | None]({NAME: None})
    draft = Draft(
        "profile.update", claim.case, before, {NAME: abilities.location}, claim.rule, "safe"
    )
    draft.consequences.append(BY_CONFIG)
    draft.needs += accounts
    draft.cause, draft.because, draft.title = claim.cause, claim.because, claim.title
    return draft


def _lacks_one(draft: Draft) -> bool:
    """Return whether somebody has no usage location. Of who isn't there yet nobody knows."""
    actual = draft.case.actual
    return actual is None or (draft.id == actual.id and not actual.usage_location)
