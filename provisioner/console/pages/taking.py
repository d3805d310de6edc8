"""What a set of changes does, and what else it takes with it: counted, for somebody who has to decide."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from typing import NamedTuple

from connectors.records import Change, Risk, fold
from provisioner.plan.content import REMOVALS
from provisioner.plan.model import RISKS
from provisioner.plan.services import what_went
from provisioner.report.figures import counted, visible

_MOST = 8
_NAMED = 100
_FAMILIES = {
    "number": ("direct number", "direct numbers"),
    "package": ("calling package", "calling packages"),
    "license": ("license", "licenses"),
    "credit": ("communication-credit license", "communication-credit licenses"),
    "delegate": ("delegation", "delegations"),
}


class Kind(NamedTuple):
    """How many changes there are of one kind and risk."""

    number: str
    kind: str
    risk: Risk


def kinds_of(changes: Iterable[Change]) -> list[Kind]:
    """Return the kinds of the changes: the most dangerous first, of these the most frequent."""
    counts = Counter((change.kind, change.risk) for change in changes)
    order = sorted(counts, key=lambda each: (RISKS.index(each[1]), -counts[each], each[0]))
    return [Kind(f"{counts[kind, risk]:,}", kind, risk) for kind, risk in order]


def kinds_in_words(changes: Iterable[Change]) -> str:
    """Return the kinds of the changes, each with how many, in the order of `kinds_of`."""
    return ", ".join(f"{each.number} × {each.kind}" for each in kinds_of(changes))


def losers_of(changes: Iterable[Change]) -> list[str]:
    """Return who loses a license, package, number or account by these changes, by name."""
    found = {fold(c.key): c.user for c in changes if c.kind in REMOVALS}
    return sorted(found.values(), key=fold)


def named(names: Collection[str], most: int = _NAMED) -> tuple[list[str], str]:
    """Return the first of these names, and in words how many more there are.

    >>> named(["ada", "bob", "cyd"], 2)
    (['ada', 'bob'], ' and 1 more')
    """
    rest = len(names) - most
    return list(names)[:most], f" and {rest:,} more" if rest > 0 else ""


def takes(changes: Iterable[Change]) -> list[str]:
    """Return what else goes with these changes, counted: what is lost first, then what else happens.

    What several changes of one person take with them is counted once.

    >>> eva = Change(kind="license.remove", user="eva", key="e",
    ...              consequences=("number +4989123 is released", "their voicemail is deleted"))
    >>> takes([eva])
    ['1 direct number (+4989123)', 'their voicemail is deleted (1 person)']
    """
    lost: dict[str, set[tuple[str, str]]] = {}
    others: dict[str, set[str]] = {}
    for change in changes:
        key = fold(change.key)
        for sentence in change.consequences:
            went = what_went(sentence)
            if went is None:
                others.setdefault(sentence, set()).add(key)
            else:
                lost.setdefault(went[0], set()).add((key, str(went[1])))
    told = [_in_words(family, lost[family]) for family in _FAMILIES if family in lost]
    ordered = sorted(others.items(), key=lambda item: (-len(item[1]), item[0]))
    told += [
        f"{visible(text)} ({counted(len(who), 'person', 'people')})"
        for text, who in ordered[:_MOST]
    ]
    if len(ordered) > _MOST:
        told.append(f"{len(ordered) - _MOST:,} other things, each told at its change")
    return told


def _in_words(family: str, gone: Collection[tuple[str, str]]) -> str:
    one, many = _FAMILIES[family]
    words = counted(len(gone), one, many)
    if family == "credit":
        return words
    names = Counter(visible(name) for _, name in gone)
    if len(names) > _MOST:
        return words
    told = (name if count == 1 else f"{count:,} × {name}" for name, count in names.most_common())
    return f"{words} ({', '.join(told)})"
