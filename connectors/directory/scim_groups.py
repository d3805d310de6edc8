"""Who is in which groups, as a SCIM service tells it: from its Users' side or from its Groups'.

Both give a `Membership`: a function from a canonical User resource to its `groups`, objects of
value and display, inherited ones with `type: indirect` (and, where the Groups tell, in `via` the value of the
group that is their member, in `also_via` those of others). `User.groups` holds nested memberships too
(RFC 7643 section 4.1.2), so the map that is made from `Group.members` follows nesting as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeAlias
from urllib.parse import quote

from connectors.directory.scim_pages import Declined, Resource, Service, member, text_of
from connectors.records import clean

Groups: TypeAlias = list[dict[str, Any]]
Membership: TypeAlias = Callable[[Resource], Groups]


def from_users(service: Service, *, nested: bool) -> Membership:
    """Take `User.groups`; a group given by its id alone gets its name from the Groups endpoint.

    That is asked when the first such group is met. A name that can't be found is the id. Without
    `nested`, memberships of type indirect are left out.
    """
    names: dict[str, str] | None = None

    def name(value: str) -> str:
        nonlocal names
        if names is None:
            names = _names(service)
        return names.get(value, value)

    def membership(user: Resource) -> Groups:
        groups: Groups = []
        for group in user.get("groups", ()):
            direct = group.get("type", "").lower() != "indirect"
            if nested or direct:
                display = group.get("display") or name(group["value"])
                held = {"value": group.get("value", display), "display": display}
                groups.append(held if direct else held | {"type": "indirect"})
        return groups

    return membership


def from_groups(service: Service, *, nested: bool, required: bool) -> Membership:
    """Read every Group and take `Group.members`.

    A service without a Groups endpoint has no groups, unless they are `required`: then Declined is
    raised. Where the list shows nobody in any group, each group is asked for by itself, since some
    services leave members out of lists.
    """
    table = _Table(nested)
    try:
        for _, group in service.resources("Groups"):
            table.add(group)
    except Declined as error:
        if required or not error.not_offered:
            raise
    if not table.has_members:
        ids, table = table.ids, _Table(nested)
        for each in ids:
            table.add(service.get(f"Groups/{quote(each, safe='')}"))
    return table.groups_of


def of_nobody(user: Resource) -> Groups:
    """Nobody is in any group."""
    del user
    return []


def united(first: Membership, second: Membership) -> Membership:
    """Take both sides' word: each group once, by its value."""

    def membership(user: Resource) -> Groups:
        one, other = first(user), second(user)
        if not one or not other:
            return one or other
        known = {group["value"] for group in one}
        return [*one, *(group for group in other if group["value"] not in known)]

    return membership


def _names(service: Service) -> dict[str, str]:
    try:
        groups = (
            _named(g) for _, g in service.resources("Groups", {"excludedAttributes": "members"})
        )
        return {group["value"]: group["display"] for group in groups if group}
    except Declined as error:
        if error.not_offered:
            return {}
        raise


def _named(group: Resource) -> dict[str, str] | None:
    """Return a Group as a User's `groups` shows it; None for one with neither id nor name."""
    value = text_of(member(group, "id"))
    display = text_of(member(group, "displayName"))
    if not (value or display):
        return None
    return {"value": clean(value or display or ""), "display": clean(display or value or "")}


class _Table:
    """Groups by number, and each member's groups as a tuple of numbers.

    The same few tuples serve everybody, so that a member costs little more than their id.
    """

    def __init__(self, nested: bool) -> None:
        self.ids: list[str] = []
        self._nested = nested
        self._groups: Groups = []
        self._of_user: dict[str, tuple[int, ...]] = {}
        self._of_group: dict[str, tuple[int, ...]] = {}
        self._shared: dict[tuple[int, ...], tuple[int, ...]] = {}
        self._resolved: dict[tuple[int, ...], Groups] = {(): []}

    @property
    def has_members(self) -> bool:
        return bool(self._of_user or self._of_group)

    def add(self, resource: Resource) -> None:
        """Take note of a Group and its members; one with neither id nor name can't be used."""
        group = _named(resource)
        if group is None:
            return
        number = len(self._groups)
        self._groups.append(group)
        if key := text_of(member(resource, "id")):
            self.ids.append(key)
        for value, is_group in _members(resource):
            where = self._of_group if is_group else self._of_user
            known = where.get(value, ())
            if number not in known:
                joined = (*known, number)
                where[value] = self._shared.setdefault(joined, joined)

    def groups_of(self, user: Resource) -> Groups:
        direct = self._of_user.get(user["id"], ())
        if direct not in self._resolved:
            numbers = self._with_outer(direct) if self._nested else {each: [] for each in direct}
            self._resolved[direct] = [self._shown(*each) for each in sorted(numbers.items())]
        return self._resolved[direct]

    def _with_outer(self, numbers: Iterable[int]) -> dict[int, list[int]]:
        """Add the groups that these belong to, and those in turn, each with its members; circles end."""
        found: dict[int, list[int]] = {number: [] for number in numbers}
        direct, waiting = set(found), list(found)
        for number in waiting:  # it grows meanwhile
            for outer in self._of_group.get(self._groups[number]["value"], ()):
                if outer not in found:
                    found[outer] = []
                    waiting.append(outer)
                if outer not in direct:
                    found[outer].append(number)
        return found

    def _shown(self, number: int, inner: list[int]) -> dict[str, Any]:
        group = self._groups[number]
        if not inner:
            return group
        via, *others = [self._groups[each]["value"] for each in inner]
        shown = group | {"type": "indirect", "via": via}
        return shown | {"also_via": others} if others else shown


def _members(group: Resource) -> Iterator[tuple[str, bool]]:
    """Yield (id, whether it is a group) of each direct member.

    Only `type` or `$ref` makes a group of it: services exist whose users and groups share ids.
    """
    members = member(group, "members") or ()
    for each in members if isinstance(members, list) else [members]:
        one: dict[str, Any] = each if isinstance(each, dict) else {"value": each}
        ref = str(member(one, "$ref") or "")
        value = text_of(member(one, "value")) or ref.rstrip("/").rpartition("/")[2]
        kind = str(member(one, "type") or "").lower()
        if value:
            yield clean(value), kind == "group" or (not kind and "/groups/" in ref.lower())
