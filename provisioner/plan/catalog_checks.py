"""Names that the phone system doesn't have, and numbers that somebody else has: blocked in the plan.

Carrying out such a change could only fail, and would take everything else of that person with it.
What the vendor doesn't tell (a family that is None in the catalog) is not judged. Licenses and
packages are counted as well, and judged where their seats are given (plan/seats.py).
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Collection, Iterable, Mapping

from connectors.records import Catalog, fold
from provisioner.plan.differences import Differences
from provisioner.plan.draft import Draft
from provisioner.plan.numbers import also, contested


def check_catalog(
    drafts: Iterable[Draft],
    catalog: Catalog,
    found: Differences,
    priority: Mapping[str | None, int],
) -> None:
    """Block every planned draft that asks for what the phone system hasn't got, or can't give twice.

    `found` tells who holds which extension and direct number; `priority`: the place of each rule, by
    name.
    """
    drafts = list(drafts)
    live = [d for d in drafts if d.state in ("planned", "manual") and isinstance(d.after, str)]
    _check_sites(live, catalog)
    _check_templates(live, catalog)
    _check_numbers(live, catalog, found.held_numbers)
    live.sort(key=lambda d: (priority.get(d.rule, len(priority)), d.key))
    _check_shapes(live, catalog)
    live = [d for d in live if d.state in ("planned", "manual")]
    _check_extensions([d for d in live if d.kind == "extension.set"], drafts, found)


def _check_sites(live: Iterable[Draft], catalog: Catalog) -> None:
    if catalog.sites is None:
        return
    there = set(map(fold, catalog.sites))
    for draft in live:
        if draft.kind == "site.set" and fold(str(draft.after)) not in there:
            draft.block(_no_such("site", draft.after, catalog.sites))


def _check_templates(live: Collection[Draft], catalog: Catalog) -> None:
    """A template serves one site, or every one; where no site is known, its name is enough."""
    if catalog.templates is None:
        return
    sites: dict[str, list[str | None]] = defaultdict(list)
    for name, at in catalog.templates:
        sites[fold(name)].append(at)
    moves = {id(d.case): str(d.after) for d in live if d.kind == "site.set"}
    for draft in live:
        actual = draft.case.actual
        if draft.kind != "template.apply" or (actual is not None and actual.kind != "person"):
            continue  # a place's templates are of another sort, and not in the catalog
        serves = sites.get(fold(str(draft.after)))
        site = moves.get(id(draft.case)) or (actual.site if actual else None)
        if serves is None:
            draft.block(_no_such("template", draft.after, [name for name, _ in catalog.templates]))
        elif site is not None and None not in serves and fold(site) not in _folded(serves):
            places = ", ".join(sorted({at for at in serves if at is not None}))
            draft.block(f"template {draft.after!r} serves {places}, not site {site!r}")


def _folded(names: Iterable[str | None]) -> set[str]:
    return {fold(name) for name in names if name is not None}


def _check_numbers(live: Iterable[Draft], catalog: Catalog, held: Collection[str]) -> None:
    """Numbers that somebody holds are judged where numbers are given (plan/numbers.py)."""
    if catalog.numbers is None:
        return
    unassigned = {number for number, _ in catalog.numbers}
    for draft in live:
        number = str(draft.after)
        if draft.kind != "number.assign" or number.startswith("pool:"):
            continue
        if number not in unassigned and number not in held:
            draft.block(f"the phone system has no number {number}: order it, or port it there")


def _check_shapes(live: Iterable[Draft], catalog: Catalog) -> None:
    """An extension number is digits; it begins with its site's code, and has the site's length after it."""
    shapes = {fold(site): (site, *shape) for site, shape in catalog.extensions.items()}
    live = list(live)
    moves = {id(d.case): str(d.after) for d in live if d.kind == "site.set"}
    for draft in live:
        actual = draft.case.actual
        at = moves.get(id(draft.case)) or (actual.site if actual else None)
        if draft.kind != "extension.set":
            continue
        number = str(draft.after)
        if not (number.isascii() and number.isdigit()):
            draft.block(f"extension number {number!r} is not made of digits alone")
        elif at is not None and fold(at) in shapes:
            site, code, length = shapes[fold(at)]
            shape = [f"begin with {code}"] if code else []
            shape += [] if length is None else [f"have {len(code) + length} digits"]
            fits = length is None or len(number) == len(code) + length
            if not (number.startswith(code) and number != code and fits):
                draft.block(
                    f"extension number {number} doesn't fit site {site}: its extension numbers"
                    f" {' and '.join(shape)}"
                )


def _check_extensions(claims: Iterable[Draft], drafts: Iterable[Draft], found: Differences) -> None:
    """Give each extension number to one person, and hand on what its holder gives up in this plan."""
    extensions = found.extensions

    def tell(rule: str) -> str:
        return found.rule_in_words(rule, "extension_number")

    names = {d.id: d.user for d in drafts if d.id is not None}
    waiting: dict[str, deque[Draft]] = defaultdict(deque)
    given: dict[str, Draft] = {}
    freed: deque[Draft] = deque()
    for draft in claims:
        number = str(draft.after)
        if number in given or extensions.get(number) not in (None, draft.id):
            waiting[number].append(draft)
        else:
            given[number] = draft
            freed.append(draft)
    freed.extend(d for d in drafts if _gives_up(d))
    while freed:
        source = freed.popleft()
        number = str(source.before)
        if source.id != extensions.get(number) or number in given or not waiting.get(number):
            continue
        given[number] = draft = waiting[number].popleft()
        draft.needs.append(source)
        freed.append(draft)
    for number, queue in waiting.items():
        for draft in queue:
            if number in given:
                draft.block(contested(f"extension number {number}", given[number], draft, tell))
            else:
                told = found.told(extensions[number], "extension_number", number)
                holder = names.get(told, told)
                draft.block(f"extension number {number} is held by {holder}{also(draft, tell)}")


def _gives_up(draft: Draft) -> bool:
    return draft.kind == "extension.set" and draft.after is None and draft.state == "planned"


def _no_such(family: str, name: object, there: Iterable[str], most: int = 20) -> str:
    names = sorted(set(there))
    shown = ", ".join(names[:most]) + (f" and {len(names) - most} more" if names[most:] else "")
    return f"the phone system has no {family} {name!r}; it has: {shown or 'none'}"
