"""Which changes of a plan are meant by `--only`: a kind, a risk, a cluster, or a person, several together.

A word that means nothing in the plan, or two things, is a mistake, never a guess: nothing is decided
until every word is understood.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import TypeAlias

from connectors.errors import RunError
from connectors.records import Change, fold
from provisioner.plan.content import KINDS
from provisioner.plan.model import RISKS, Plan

OtherNames: TypeAlias = Callable[[], Iterable[tuple[str, str]]]
"""Gives what else people are called, as (folded key, userName or mail): a look into the store."""

_SENSES = ("kind", "risk", "cluster", "user")
_NEAR = 3
_MOST_COMPARED = 5_000
"""Names that an unknown word is compared with."""


class MeansNothing(RunError):
    """Words that mean nothing in a plan, or more than one thing: a line of the message for each."""


def pick(plan: Plan, words: Iterable[str], other_names: OtherNames) -> frozenset[int]:
    """Return the seqs of the changes that any of the words means.

    A word is a kind (`number.release`), a risk (`destructive`), a cluster's id (`c1`), or a person's
    mail, userName, key or phone user's id, without case; `kind:`, `risk:`, `cluster:` or `user:` before
    it says which, where it could be two. Raises MeansNothing that names every word which does, or means
    more than one thing.
    """
    asked = list({fold(word): word for word in words}.values())
    meant = _meant(plan, asked)
    if unknown := [word for word in asked if not meant[word]]:
        _add_by_other_names(plan, unknown, meant, other_names)
    problems: list[str] = []
    for word in asked:
        senses = meant[word]
        if not senses:
            problems.append(_unknown(plan, word))
        elif len(senses) > 1:
            clearer = " or ".join(f"{sense}:{word}" for sense in senses)
            problems.append(f"{word!r} means several things in plan {plan.id}: write {clearer}")
    if problems:
        raise MeansNothing("\n".join(problems), remedy=f"nothing was decided; {_how(plan)}")
    return frozenset(seq for senses in meant.values() for seqs in senses.values() for seq in seqs)


_Meant: TypeAlias = dict[str, dict[str, set[int]]]
"""By word, and by the sense in which it means them: the seqs of changes."""


def _meant(plan: Plan, words: Sequence[str]) -> _Meant:
    """Return what the words mean by what stands in the plan itself."""
    found: _Meant = {word: {} for word in words}
    plain = {fold(word): word for word in words}
    prefixed = {(sense, fold(rest)): word for word in words for sense, rest in _prefix(word)}
    for change in plan.changes:
        for sense, name in _called(change):
            folded = fold(name)
            for word in (plain.get(folded), prefixed.get((sense, folded))):
                if word is not None:
                    found[word].setdefault(sense, set()).add(change.seq)
    return found


def _prefix(word: str) -> Iterator[tuple[str, str]]:
    sense, colon, rest = word.partition(":")
    if colon and sense in _SENSES:
        yield sense, rest


def _called(change: Change) -> Iterator[tuple[str, str]]:
    """Yield by which names a change may be meant, each with its sense."""
    yield "kind", change.kind
    yield "risk", change.risk
    for sense, name in (
        ("cluster", change.cluster),
        ("user", change.user),
        ("user", change.key),
        ("user", change.id),
    ):
        if name:
            yield sense, name


def _add_by_other_names(
    plan: Plan, words: Sequence[str], meant: _Meant, other_names: OtherNames
) -> None:
    """Add whom the words mean by names that the plan doesn't have."""
    wanted: dict[str, set[str]] = {}
    for word in words:
        for name in (word, *(rest for sense, rest in _prefix(word) if sense == "user")):
            wanted.setdefault(fold(name), set()).add(word)
    keys: dict[str, set[str]] = {}
    for key, name in other_names():
        if fold(name) in wanted:
            keys.setdefault(key, set()).update(wanted[fold(name)])
    for change in plan.changes if keys else ():
        for word in keys.get(fold(change.key), ()):
            meant[word].setdefault("user", set()).add(change.seq)


def _how(plan: Plan) -> str:
    kinds = ", ".join(sorted({change.kind for change in plan.changes}))
    clusters = [cluster.id for cluster in plan.clusters]
    span = f" ({clusters[0]} … {clusters[-1]})" if len(clusters) > 1 else f" ({''.join(clusters)})"
    return (
        f"--only takes a kind ({kinds or 'the plan has none'}), a risk ({', '.join(RISKS)}),"
        f" a cluster{span if clusters else ''}, or a person's mail, userName or key"
    )


def _unknown(plan: Plan, word: str) -> str:
    """Return the sentence about a word that means nothing: what is near it, or what became of it."""
    folded = fold(word)
    left = (*plan.blocked, *plan.waiting)
    aside = next((c for c in left if folded in (fold(c.user), fold(c.key))), None)
    if aside is not None:
        return f"{word}: {aside.kind} is not to be decided: {aside.reason or aside.state}"
    if folded in KINDS:
        return f"plan {plan.id} has no change of the kind {folded}"
    spelled = {fold(name): name for name in _comparable(plan, folded)}
    near = difflib.get_close_matches(folded, spelled, n=_NEAR, cutoff=0.7)
    said = f"; did you mean {' or '.join(spelled[name] for name in near)}?" if near else ""
    return f"nothing in plan {plan.id} is called {word!r}{said}"


def _comparable(plan: Plan, folded: str) -> Iterator[str]:
    """Yield the names that an unknown word is compared with: of very many people who begin alike."""
    yield from {change.kind for change in plan.changes}
    yield from RISKS
    yield from (cluster.id for cluster in plan.clusters)
    names = (name for change in plan.changes for name in (change.user, change.key) if name)
    begin = folded[:2] if len(plan.changes) > _MOST_COMPARED else ""
    yield from islice((n for n in names if fold(n).startswith(begin)), _MOST_COMPARED)
