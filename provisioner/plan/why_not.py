"""Why somebody is not given something: for each rule that would give it, what stood in its way."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator
from typing import TypeAlias

import msgspec

from connectors.records import fold
from connectors.scim_filter import parse_filter
from mappings.entitlements import DEFAULTS_RULE, MANY, PROFILE, PROFILE_RULE, SINGLE, GivenValue
from mappings.rules import Give, Loser, Rule, fill
from mappings.text import AttributeText
from mappings.yaml_file import did_you_mean
from provisioner.plan.explain import Explainer
from provisioner.plan.explanation import Candidate, WhyNot
from provisioner.plan.wishes import plain, wishes

Means: TypeAlias = Callable[[str, str], bool]

_NEAREST = 3
_ACTIVE = parse_filter("not (active eq false)")
"""What holds for everybody who may be in scope, whatever the mapping's scope asks for."""

_SPELLED = {
    "package": "packages",
    "delegate": "delegates",
    "delegation": "delegate_privileges",
    "credit": "credits",
    "extension": "extension_number",
    "numbers": "number",
    "emergency": "emergency_address",
}
"""Other names by which people, and the kinds of change, call an entitlement."""


def entitlement_called(name: str) -> str:
    """Return the entitlement that is meant; raise ValueError, with the nearest name, if none is.

    >>> entitlement_called("package"), entitlement_called("department")
    ('packages', 'profile.department')
    """
    folded = fold(name)
    known = _SPELLED.get(folded, folded)
    if known in SINGLE or known in MANY:
        return known
    if known.removeprefix("profile.") in PROFILE:
        return f"profile.{known.removeprefix('profile.')}"
    names = (*SINGLE, *MANY, *(f"profile.{each}" for each in PROFILE))
    raise ValueError(f"there is no entitlement {name!r}; {did_you_mean(name, names)}")


def why_not(
    explainer: Explainer, entitlement: str, value: str, means: Means = lambda *_: False
) -> WhyNot:
    """Return why the mapping doesn't give somebody this value of an entitlement, or that it does.

    `means`: whether a value as plans write it stands for another one: a name for a person, a pool for
    each of its numbers.
    """
    given = _gives_it(explainer, entitlement, value, means)
    found = tuple(_candidates(explainer, entitlement, value, means))
    near = () if found or given else tuple(_nearest(explainer, entitlement, value))
    return WhyNot(entitlement=entitlement, value=value, given=given, rules=found, nearest=near)


def _gives_it(explainer: Explainer, entitlement: str, value: str, means: Means) -> bool:
    if explainer.standing != "in_scope":
        return False
    return any(
        wish.entitlement == entitlement
        and not wish.stays
        and not _of_pool(wish.value, value)
        and _alike(wish.value, value, means)
        for wish in wishes(explainer.mapping.entitlements(explainer.person))
    )


def _alike(given: GivenValue | None, value: str, means: Means) -> bool:
    """Return whether a given value is the one that was asked about, however it is written."""
    if given is None:
        return False
    said = plain(given)
    if isinstance(said, bool):
        return fold(value) in (("true", "yes") if said else ("false", "no"))
    return fold(said) in (fold(value), f"pool:{fold(value)}") or means(said, value)


def _of_pool(given: GivenValue, value: str) -> bool:
    """Return whether a number was asked about, and any one of a pool is given."""
    said = plain(given)
    return isinstance(said, str) and said.startswith("pool:") and value.startswith("+")


def _candidates(
    explainer: Explainer, entitlement: str, value: str, means: Means
) -> Iterator[Candidate]:
    mapping, resource = explainer.mapping, explainer.person.resource
    if entitlement.startswith("profile."):
        text = mapping.profile.get(entitlement.removeprefix("profile."))
        give = Give({} if text is None else {entitlement: text})
        sources: list[tuple[str, Give, Rule | None]] = [(PROFILE_RULE, give, None)]
    else:
        sources = [(rule.name, rule.give, rule) for rule in mapping.rules]
        sources.append((DEFAULTS_RULE, mapping.defaults, None))
    for name, give, rule in sources:
        lacking: str | None = None
        for written in _written(give, entitlement):
            filled = fill(entitlement, written, resource)
            if filled is None and isinstance(written, AttributeText):
                lacking = lacking or written.missing(resource)
            elif _alike(filled, value, means):
                found = _judged(explainer, entitlement, value, name, rule, None, means)
                if found.outcome == "given" and filled is not None and _of_pool(filled, value):
                    found = msgspec.structs.replace(found, outcome="pool")
                yield found
                break
        else:
            if lacking is not None:
                yield _judged(explainer, entitlement, value, name, rule, lacking, means)


def _written(give: Give, entitlement: str) -> Iterator[GivenValue | AttributeText]:
    if (single := give.single.get(entitlement)) is not None:
        yield single
    yield from give.many.get(entitlement, ())


def _judged(
    explainer: Explainer,
    entitlement: str,
    value: str,
    name: str,
    rule: Rule | None,
    missing: str | None,
    means: Means,
) -> Candidate:
    """Return what stood in a rule's way, the first thing that did."""
    where, persona = explainer.where.gives(name, entitlement, value)
    because = None if rule is None else explainer.reason(rule.when)
    lost: Loser | None = None
    if because is not None and not because.met:
        outcome = "condition"
    elif missing is not None:
        outcome = "missing"
    elif (lost := _lost(explainer, entitlement, value, name, means)) is not None:
        outcome = "lost"
    elif explainer.standing != "in_scope":
        inactive = explainer.standing == "inactive"
        outcome = "scope"
        because = explainer.reason(_ACTIVE) if inactive else explainer.scope()
    else:
        outcome = "given"
    return Candidate(
        rule=name,
        where=where,
        persona=persona,
        outcome=outcome,
        because=because,
        winner=None if lost is None else lost.winner,
        winner_where=None if lost is None else explainer.where.gives(lost.winner, entitlement)[0],
        beaten=None if lost is None else lost.beaten,
        missing=missing if outcome == "missing" else None,
    )


def _lost(
    explainer: Explainer, entitlement: str, value: str, rule: str, means: Means
) -> Loser | None:
    """Return how a rule that matches lost; None if it lost to none."""
    for loser in explainer.mapping.losers(explainer.person):
        theirs = loser.entitlement == entitlement and loser.rule == rule
        if theirs and _alike(loser.value, value, means):
            return loser
    return None


def _nearest(explainer: Explainer, entitlement: str, value: str) -> Iterator[str]:
    """Yield the values nearest to one that no rule gives."""
    mapping = explainer.mapping
    gives = (*(rule.give for rule in mapping.rules), mapping.defaults)
    written = [each for give in gives for each in _written(give, entitlement)]
    texts = [str(plain(w)) for w in written if not isinstance(w, AttributeText)]
    known = {fold(text): text for text in texts}
    for near in difflib.get_close_matches(fold(value), known, n=_NEAREST, cutoff=0.5):
        yield known[near]
