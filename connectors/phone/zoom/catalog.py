"""What the account has to give, and the small lookups that writes need.

Names are what people write; Zoom's requests want ids and type numbers. What is looked up for that
is kept for a few minutes, asked for again when a name isn't among it, and dropped at every full
read. No operation of Zoom's tells how many phone licenses an account has bought: they are uncounted
here, and a shortage shows when Zoom refuses one (404 code 1102).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Any

import msgspec

from connectors.errors import PersonError, RunError
from connectors.phone.zoom.answers import ListRefused, Refused
from connectors.phone.zoom.auth import Api, segment
from connectors.phone.zoom.kept import Kept
from connectors.phone.zoom.lists import entries, understood
from connectors.phone.zoom.names import known_name, known_type
from connectors.records import Catalog, Seats, clean, fold

LICENSE = "zoom_phone"
"""What the phone license is called in records and plans."""

SITES_OFF = "Multiple Sites is off on this Zoom account, so there is no site to set"
_SORTS = {"user": "user", "commonArea": "common area"}
LICENSED = 2
"""The type of account that takes a seat of the account's base plan."""
KEPT_FOR = timedelta(minutes=5)


class CallingPlan(msgspec.Struct, frozen=True):
    """One subscription to a calling plan: `free` seats of `total`, under the account's own name.

    `subscription` and `billing_account` are ids that Zoom shows, and then wants back, only where
    the account has several subscriptions, or is in India.
    """

    kind: int
    name: str
    total: int
    used: int
    free: int
    subscription: str | None = None
    billing_account: str | None = None


class Site(msgspec.Struct, frozen=True):
    """A site: `code` is the prefix of its extension numbers, None where it has none."""

    id: str
    name: str
    code: str | None = None


class Lookups:
    """Names to ids, and back, through small reads that are kept for a few minutes."""

    def __init__(self, api: Api, subscriptions: Mapping[str, str] = MappingProxyType({})) -> None:
        self._api = api
        self._subscriptions = {fold(plan): id for plan, id in subscriptions.items()}
        self._kept = Kept(api.now, KEPT_FOR)
        self._emails: dict[str, str] = {}

    def email(self, user_id: str) -> str | None:
        """Return the mail address of a user who was read a moment ago, by id."""
        return self._emails.get(user_id)

    def remember_email(self, user_id: str, email: str | None) -> None:
        """Keep the mail address of a user who is about to be changed, None to forget it."""
        if email:
            self._emails[user_id] = email
        else:
            self._emails.pop(user_id, None)

    def kept(self, name: str, look: Callable[[], bool]) -> bool:
        """Return what `look` finds, kept for a while under a name."""
        return self._kept.get(name, look)

    def forget(self, prefix: str = "") -> None:
        """Drop what is kept, or what is kept under names with this prefix."""
        self._kept.forget(prefix)

    def plans(self) -> tuple[CallingPlan, ...]:
        """Return the account's subscriptions to calling plans."""
        return self._kept.get("plans", lambda: tuple(_plans(self._api)))

    def plan_name(self, kind: int | None, shown: str | None = None) -> str:
        """Return the one name of a plan's type: the account's, else the documented, else `shown`."""
        for plan in self.plans():
            if plan.kind == kind:
                return plan.name
        known = None if kind is None else known_name(kind)
        return known or (clean(shown) if shown else f"plan {kind}")

    def plan(self, name: str) -> CallingPlan:
        """Return the subscription to give a plan from.

        Of several it is the one that config names, else the one with the most free seats. Raises
        PersonError where neither the account nor Zoom's documentation knows the name, and where the
        account hasn't got the subscription.
        """
        found = self._kept.search(
            "plans", lambda: [p for p in self.plans() if fold(p.name) == fold(name)]
        )
        if found:
            return self._chosen(name, found)
        kind = known_type(name) or _type_in(name)
        if kind is None:
            held = ", ".join(sorted({plan.name for plan in self.plans()})) or "none"
            raise PersonError(
                f"this Zoom account has no calling plan called {name!r}",
                remedy=f"its calling plans are: {held}",
            )
        return CallingPlan(kind, name, 0, 0, 0)

    def given_from(self, plan: CallingPlan) -> bool:
        """Return whether config lets a plan be given from this subscription to it."""
        return self._subscriptions.get(fold(plan.name)) in (None, plan.subscription) or (
            plan.subscription is None  # an account with one subscription tells no id of it
        )

    def strange_subscriptions(self) -> Iterator[str]:
        """Yield a sentence for each plan of the account's whose subscription in config it hasn't got."""
        for name in sorted({plan.name for plan in self.plans()}):
            held = [plan for plan in self.plans() if plan.name == name]
            if not any(map(self.given_from, held)):
                yield (
                    f"this Zoom account has no subscription {self._subscriptions[fold(name)]} to {name},"
                    " so none of its seats are counted: correct `subscriptions` in config"
                )

    def _chosen(self, name: str, found: list[CallingPlan]) -> CallingPlan:
        chosen = [plan for plan in found if self.given_from(plan)]
        if not chosen:
            raise PersonError(
                f"this Zoom account has no subscription {self._subscriptions[fold(name)]} to {name}",
                remedy="correct `subscriptions` in config: `provisioner check` lists them",
            )
        return max(chosen, key=lambda plan: plan.free)

    def several_subscriptions(self, kind: int) -> bool:
        """Return whether the account has a plan's type more than once, so that one must be named."""
        return sum(plan.kind == kind for plan in self.plans()) > 1

    def sites(self) -> tuple[Site, ...] | None:
        """Return the account's sites, None where Multiple Sites is off (asked once, then kept)."""
        return self._kept.get("sites", lambda: _sites(self._api))

    def site(self, name: str) -> Site:
        """Return a site by its name. Raises PersonError where there is none of that name."""
        found = self._kept.search(
            "sites", lambda: [s for s in self.sites() or () if fold(s.name) == fold(name)]
        )
        if not found:
            raise PersonError(
                f"this Zoom account has no site called {name!r}",
                remedy="create it in the Zoom web portal, or correct the mapping",
            )
        return found[0]

    def site_name(self, site_id: str | None, shown: str | None = None) -> str | None:
        """Return a site's name by its id, None where sites are off or the id is none."""
        sites = self.sites()
        if sites is None or not site_id:
            return None
        return next((site.name for site in sites if site.id == site_id), shown)

    def template_id(self, name: str, site: Site | None, sort: str = "user") -> str:
        """Return the id of the template of that name at a site, None where there are no sites.

        `sort` is Zoom's type of it: user, commonArea.

        Raises PersonError where there is none.
        """
        place = site.id if site else ""
        found = self._kept.search(
            f"templates:{place}", lambda: self._templates(place, fold(name), sort)
        )
        if found:
            return found[0]
        where = f"site {site.name!r}" if site else "this Zoom account"
        raise PersonError(
            f"there is no {_SORTS.get(sort, sort)} template called {name!r} at {where}",
            remedy="templates belong to one site: create it there, or correct the mapping",
        )

    def _templates(self, site_id: str, folded: str, sort: str) -> list[str]:
        kept = self._kept.get(f"templates:{site_id}", lambda: tuple(_templates(self._api, site_id)))
        return [id for id, name, of in kept if fold(name) == folded and of == sort]

    def uses_site_codes(self) -> bool:
        """Return whether extension numbers begin with their site's code on this account."""
        return self._kept.get("site codes", lambda: _uses_site_codes(self._api))

    def extension_length(self, site: Site) -> int | None:
        """Return how many digits a site's extension numbers have after its code, None if not told."""
        path = f"/phone/sites/{segment(site.id)}"
        answer = self._api.find(path, label="phone.light") or {}
        with understood(f"site {site.name}"):
            length = (answer.get("short_extension") or {}).get("length")
            return None if length is None else int(length)

    def common_area(self, name: str) -> str | None:
        """Return the extension id of a common area by its name, None where there is none."""
        found = self._kept.search("common areas", lambda: self._common_areas(fold(name)))
        return found[0] if found else None

    def _common_areas(self, folded: str) -> list[str]:
        kept = self._kept.get("common areas", lambda: tuple(_common_areas(self._api)))
        return [area for area, name in kept if fold(name) == folded]

    def phone_user(self, user: str) -> dict[str, Any] | None:
        """Return the phone side of a user by id or mail, fresh; None for who is not in phone."""
        return self._api.find(f"/phone/users/{segment(user)}", label="phone.light", about=user)

    def extension_id(self, user: str) -> str | None:
        """Return the extension id of a phone user by mail or id, None for who is not in phone."""
        name = f"extension:{fold(user)}"
        found = self._kept.get(name, lambda: (self.phone_user(user) or {}).get("extension_id"))
        if found is None:
            self.forget(name)  # they may get a phone at any moment
        return found


def read_catalog(
    api: Api, lookups: Lookups, *, account_type: int = 1, numbers: bool = True
) -> Catalog:
    """Return what the account has to give: plans with their seats, templates, sites, free `numbers`.

    Seats for accounts are asked for where new ones take one (`account_type` 2, licensed).

    Raises IncompleteRead for a list that is cut off, ReadRefused for one short of its own total.
    """
    sites = lookups.sites()
    accounts, notes = _account_seats(api) if account_type == LICENSED else (None, ())
    names = {site.id: site.name for site in sites or ()}
    with understood("the numbers"):
        free = tuple(
            (e164(number["number"]), names.get(str((number.get("site") or {}).get("id"))))
            for number in (_free_numbers(api) if numbers else ())
        )
    return Catalog(
        licenses={LICENSE: Seats()},
        packages=_seats(lookups),
        templates=tuple(_all_templates(api, sites)),
        sites=tuple(site.name for site in sites) if sites is not None else None,
        numbers=free if numbers else None,
        accounts=accounts,
        notes=(*notes, *lookups.strange_subscriptions()),
        without={} if sites is not None else {"site": SITES_OFF},
        extensions=dict(_extensions(lookups, sites or ())),
    )


def _extensions(
    lookups: Lookups, sites: Iterable[Site]
) -> Iterator[tuple[str, tuple[str, int | None]]]:
    """Yield what the extension numbers of each site look like, where they begin with its code."""
    sites = [site for site in sites if site.code]
    for site in sites if sites and lookups.uses_site_codes() else ():
        yield site.name, (site.code or "", lookups.extension_length(site))


def _account_seats(api: Api) -> tuple[Seats | None, tuple[str, ...]]:
    """Return the seats of the account's base plan, invitations counted; or why they can't be told.

    The right to read it is one of billing, which an app may lack: then nobody is kept from joining.
    """
    path = "/accounts/me/plans/usage"
    try:
        answer = api.get(path, label="users.heavy")
    except (Refused, RunError) as error:
        return None, (f"seats for new accounts aren't counted: {error.message}",)
    with understood("the plan's usage"):
        base = (answer or {}).get("plan_base") or {}
        if base.get("hosts") is None:
            return None, ("seats for new accounts aren't counted: Zoom tells of no base plan",)
        return Seats(
            int(base["hosts"]), int(base.get("usage") or 0) + int(base.get("pending") or 0)
        ), ()


def _type_in(name: str) -> int | None:
    """Return the type in a name that we made ourselves, for a plan that nobody names (`plan 123`)."""
    word, _, number = name.partition(" ")
    return int(number) if word == "plan" and number.isdigit() else None


def e164(number: object) -> str:
    """Return a number with its plus, which some of Zoom's lists leave out.

    >>> e164("14232058798"), e164("+14232058798")
    ('+14232058798', '+14232058798')
    """
    text = str(number).strip()
    return f"+{text}" if text.isdigit() else text


def _common_areas(api: Api) -> Iterator[tuple[str, str]]:
    """Yield (id, name) of the common areas."""
    listed = entries(api, "/phone/common_areas", "common_areas", label="phone.medium", size=100)
    for area in listed:
        yield str(area["id"]), str(area.get("display_name") or "")


def _seats(lookups: Lookups) -> dict[str, Seats]:
    """Return the seats of each plan, over the subscriptions that it may be given from."""
    total: dict[str, int] = defaultdict(int)
    used: dict[str, int] = defaultdict(int)
    for plan in lookups.plans():
        counted = lookups.given_from(plan)
        total[plan.name] += plan.total if counted else 0
        used[plan.name] += plan.used if counted else 0
    return {name: Seats(total[name], used[name]) for name in total}


def _plans(api: Api) -> Iterator[CallingPlan]:
    """Yield each subscription once; where there are several to one plan Zoom tells their ids."""
    answer = api.get("/phone/calling_plans", label="phone.medium")
    with understood("the calling plans"):
        listed = map(_plan, (answer or {}).get("calling_plans") or ())
        yield from {(p.kind, p.subscription, p.billing_account): p for p in listed}.values()


def _plan(plan: dict[str, Any]) -> CallingPlan:
    total, used = int(plan.get("subscribed") or 0), int(plan.get("assigned") or 0)
    free = int(plan.get("available", total - used))
    kind = int(plan["type"])
    name = clean(str(plan.get("name") or "")) or known_name(kind) or f"plan {kind}"
    return CallingPlan(
        kind=kind,
        name=name,
        total=total,
        used=max(used, total - free),
        free=free,
        subscription=plan.get("billing_subscription_id") or None,
        billing_account=plan.get("billing_account_id") or None,
    )


def _sites(api: Api) -> tuple[Site, ...] | None:
    try:
        found = list(entries(api, "/phone/sites", "sites", label="phone.medium", size=300))
    except ListRefused as error:
        if _sites_are_off(error):
            return None
        raise
    with understood("the sites"):
        return tuple(Site(str(s["id"]), clean(str(s["name"])), _site_code(s)) for s in found)


def _site_code(site: dict[str, Any]) -> str | None:
    code = site.get("site_code")
    return str(code) if code not in (None, "") else None


def _sites_are_off(error: ListRefused) -> bool:
    """Return whether Zoom refused because Multiple Sites is off (code 300, like everything)."""
    return "multiple site" in error.refused.message.lower()


def _uses_site_codes(api: Api) -> bool:
    """Return the account's setting; where Zoom doesn't show it, numbers are taken to be complete."""
    try:
        answer = api.get("/phone/settings", label="phone.light")
    except Refused:
        return False
    return bool(((answer or {}).get("multiple_sites") or {}).get("site_code"))


def _all_templates(api: Api, sites: tuple[Site, ...] | None) -> Iterator[tuple[str, str | None]]:
    """Yield user templates with their site, which must be named wherever there are sites."""
    if sites is None:
        yield from ((name, None) for _, name, sort in _templates(api, "") if sort == "user")
    for site in sites or ():
        found = _templates(api, site.id)
        yield from ((name, site.name) for _, name, sort in found if sort == "user")


def _templates(api: Api, site_id: str) -> Iterator[tuple[str, str, str]]:
    """Yield (id, name, type) of the templates of a site, of the whole account where it is ""."""
    params = {"site_id": site_id} if site_id else {}
    listed = entries(
        api, "/phone/setting_templates", "templates", label="phone.light", size=300, params=params
    )
    with understood("the templates"):
        for template in listed:
            sort = str(template.get("type") or "user")
            yield str(template["id"]), clean(str(template["name"])), sort


def _free_numbers(api: Api) -> Iterator[dict[str, Any]]:
    """Yield the account's direct numbers that nobody holds and that are ready to be assigned."""
    listed = entries(
        api,
        "/phone/numbers",
        "phone_numbers",
        label="phone.medium",
        size=100,
        params={"type": "unassigned"},
    )
    for number in listed:
        if number.get("status", "available") == "available" and not number.get("assignee"):
            yield number
