"""What a delegate's name meant at the last accepted read, and means now.

A delegator's own data may be as they were, and their delegate somebody else, or known by another mail
address: because the delegate's data changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from connectors.records import Person, fold
from provisioner.memory import Reason
from provisioner.plan.draft import Draft
from provisioner.plan.happenings import Parts
from provisioner.plan.protection import known_as

Meanings = Mapping[str, tuple[str | None, str | None]]
"""By folded name, the folded key of whom it meant, and of whom it means now; None where nobody."""


def by_delegate(
    draft: Draft,
    meanings: Meanings,
    old: Callable[[str], Parts],
    new: Callable[[str], Parts],
    directories: Sequence[str],
) -> Reason | None:
    """Return what happened to the delegate whom a draft is about, None if nothing did.

    `old` and `new` give what the directories said of a folded key, and say.
    """
    given = draft.case.entitlements
    if given is None or draft.kind not in ("delegate.add", "delegate.remove"):
        return None
    for name in given.many.get("delegates", {}):
        if fold(name) not in meanings:
            continue
        was, now = meanings[fold(name)]
        before = old(was) if was else []
        after = new(now or was or "")
        if not _is_about(draft, name, before, after, directories):
            continue
        found = next(_happened(name, (was, before), (now, after), directories), None)
        if found is not None:
            return Reason("directory", *found)
    return None


def _is_about(
    draft: Draft, name: str, before: Parts, after: Parts, directories: Sequence[str]
) -> bool:
    """Return whether a draft takes the delegate whom a name meant, or gives whom it means."""
    if draft.kind == "delegate.remove":
        return fold(str(draft.before)) == _mail(known_as(before, directories))
    return fold(str(draft.after)) in (_mail(known_as(after, directories)), fold(name))


def _mail(person: Person | None) -> str | None:
    return None if person is None or person.email is None else fold(person.email)


def _happened(
    name: str,
    before: tuple[str | None, Parts],
    after: tuple[str | None, Parts],
    directories: Sequence[str],
) -> Iterator[tuple[str, str]]:
    """Yield what happened in words, with the values and without."""
    (was, old), (now, new) = before, after
    first, last = known_as(old, directories), known_as(new, directories)
    if was is not None and now is not None and was != now and first and last:
        said = f"{name} means delegate {last.user}, and meant {first.user}"
        yield f"{said} ({_where(name, new)})", f"{said} ({_where(name, new)})"
    elif last is None and first is not None:
        said = f"delegate {first.user}: no longer in {', '.join(where for where, _ in old)}"
        yield said, said
    elif first is None and last is not None:
        said = f"delegate {last.user}: new by the name {name} ({_where(name, new)})"
        yield said, said
    elif last is not None:
        known = dict(old)
        for where, person in new:
            for what, value, earlier in _names_of(person, known.get(where)):
                title = f"delegate {last.user}: {what} changed"
                yield f"{title} from {earlier} to {value} ({where})", f"{title} ({where})"
        if now is None:
            said = f"delegate {last.user}: no longer called {name} ({_where(name, new)})"
            yield said, said


def _names_of(person: Person, before: Person | None) -> Iterator[tuple[str, str, str]]:
    """Yield what somebody is called by otherwise than before: what it is, what it is now, what it was."""
    if before is None:
        return
    for what, value, earlier in (
        ("mail", person.email, before.email),
        ("userName", person.resource.get("userName"), before.resource.get("userName")),
        ("id", person.resource.get("id"), before.resource.get("id")),
    ):
        if value != earlier:
            yield what, value or "none", earlier or "none"


def _where(name: str, parts: Parts) -> str:
    """Return the directories in which somebody bears a name."""
    bearing = [
        where
        for where, person in parts
        if fold(name)
        in map(fold, filter(None, (person.email, person.key, *map(str, _others(person)))))
    ]
    return ", ".join(bearing or [where for where, _ in parts])


def _others(person: Person) -> Iterator[str]:
    yield from filter(
        None, (person.resource.get("userName"), person.resource.get("id"), person.where)
    )
