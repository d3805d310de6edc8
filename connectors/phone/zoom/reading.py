"""Phone users as Zoom tells of them: the account's users, and what of them is in Zoom Phone.

Two lists make one phone user. `/users` has everybody of one status at a time, so there are three
sweeps; `/phone/users` has those with a Zoom Phone license. They are merged by id. Pending users
have no id in the list, only in a read of their own.

What Zoom tells only one user at a time stays unread, lest every read cost a request a person:
delegations are read for those who are asked for, job titles where config wants them. A template is
a one-time copy that nothing tells of later.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from typing import Any

import msgspec

from connectors.errors import TransientError
from connectors.phone.zoom.auth import Api, segment
from connectors.phone.zoom.catalog import LICENSE, Lookups, e164
from connectors.phone.zoom.lists import entries, once, understood
from connectors.phone.zoom.shapes import (
    Phone,
    account_identity,
    display_name_of,
    role_of,
    text_of,
    vendor_of,
)
from connectors.records import PhoneUser, clean, fold

STATUSES = ("pending", "inactive", "active")
"""The order of the sweeps. Who accepts an invitation, or is let in again, while we read is met
twice and given once; the other way round they would be missed, and look gone."""

PRIVILEGES = {
    1: "Place Calls",
    2: "Answer Calls",
    3: "Pick Up Hold Calls",
    4: "Manage VIP Contacts",
    5: "Opt In/Out",
    6: "Join and Merge Calls",
    7: "Set Business Hours",
    8: "Reply to SMS",
}
"""What a delegator lets every delegate do, by number, as the delegation setting calls it."""

LOOKS = 4
"""So many times settings are asked for that seem to be somebody else's."""
FEW = 20
"""So many users are read one by one without asking how long the lists are."""
PAGE_SIZES = ACCOUNTS_A_PAGE, PHONES_A_PAGE = 2000, 100


class Delegation(msgspec.Struct, frozen=True):
    """A delegator's assistants (work emails, names of common areas) and what they may do."""

    delegates: tuple[str, ...] | None = ()
    privileges: tuple[str, ...] = ()


NOBODY = Delegation()
UNREAD = Delegation(delegates=None)


def _mails(phones: Iterable[Phone]) -> dict[str, str]:
    """Return everybody's mail by their id, and by their extension's."""
    return {id: phone.email for phone in phones for id in (phone.id, phone.extension_id) if id}


class Reader:
    """Reads phone users: all of them from the lists, or one by itself."""

    def __init__(
        self,
        api: Api,
        lookups: Lookups,
        *,
        job_titles: bool = False,
        hands: int = 1,
        activates: bool = False,
    ) -> None:
        self._api = api
        self._hands = hands  # requests under way at once
        self._lookups = lookups
        self._job_titles = job_titles
        self._activates = activates
        self._sizes: tuple[int, int] | None = None  # account users, phone users: at the last read
        self._sizing = threading.Lock()

    def read(self, delegators: Iterable[str] = ()) -> Iterator[PhoneUser]:
        """Yield every phone user once: persons, then rooms and common areas.

        Raises IncompleteRead or ReadRefused (lists.entries); nothing of such a read can be used.
        """
        yield from self._persons(delegators)
        yield from self._places()

    def read_some(self, users: Iterable[PhoneUser]) -> Iterator[PhoneUser]:
        """Yield a fresh read of each of these users who is still there, delegates and all.

        One by one, by id, else by mail; or from the lists where those take fewer requests. Lists show
        additions late, so whom they don't show is looked up.
        """
        wanted = list(users)
        persons = [user for user in wanted if user.kind == "person"]
        # whose id isn't known is nobody yet, whom no list shows
        known = [] if self._job_titles else [user for user in persons if user.id]
        if 2 * len(known) > self._list_requests(len(known)):
            new = [user for user in persons if not user.id]
            found = chain(self._read_listed(known), self._read_each(new))
        else:
            found = chain(self._read_each(persons))
        for user in filter(None, found):
            self._lookups.remember_email(user.id, user.email)
            yield user
        for kind in ("room", "common_area"):
            places = {user.id for user in wanted if user.kind == kind}
            if places:
                yield from (place for place in self._places(kind) if place.id in places)

    def _read_each(self, persons: list[PhoneUser]) -> Iterator[PhoneUser | None]:
        """Yield one person's fresh read after the other's; several are under way at once."""
        if len(persons) < 2:
            yield from map(self._read_one, persons)
            return
        pool = ThreadPoolExecutor(min(self._hands, len(persons)))
        try:
            yield from pool.map(self._read_one, persons)
        finally:
            pool.shutdown(cancel_futures=True)

    def _read_listed(self, persons: list[PhoneUser]) -> Iterator[PhoneUser | None]:
        """Yield fresh reads from the lists; whoever isn't in both of them is read one by one.

        An account that is written to meanwhile, by ourselves perhaps, has lists that don't add up:
        then nothing follows from not being in them.
        """
        listed, whole = once(
            self._api, "/phone/users", "users", label="phone.medium", size=PHONES_A_PAGE
        )
        phones = {phone.id: phone for phone in map(self.phone, listed)}
        accounts: dict[str, dict[str, Any]] = {}
        for status in STATUSES:
            found, _ = once(
                self._api,
                "/users",
                "users",
                label="users.medium",
                size=ACCOUNTS_A_PAGE,
                params={"status": status},
            )
            accounts |= {str(entry["id"]): {"status": status, **entry} for entry in found}
        emails = _mails(phones.values())
        rest: list[PhoneUser] = []
        for user in persons:
            account, phone = accounts.get(user.id), phones.get(user.id)
            if account is None or (phone is None and not whole):
                rest.append(user)
            elif phone is None:
                yield self._person(account, None, NOBODY)
            elif user.delegates is None:
                yield self._person(account, phone, UNREAD)
            else:  # whose delegations matter is looked at whole: lists don't tell policies
                yield self._whole(account, delegations=True, emails=emails)
        yield from self._read_each(rest)

    def _list_requests(self, wanted: int) -> int:
        """Return how many requests the lists of persons take; asks for sizes where it's worth it."""
        with self._sizing:  # asked for once, however many threads want it
            if self._sizes is None:
                if wanted <= FEW:
                    return 2 * FEW
                self._sizes = (
                    self._total("/users", "users.medium"),
                    self._total("/phone/users", "phone.medium"),
                )
            sizes = self._sizes
        requests = (-(-n // size) for n, size in zip(sizes, PAGE_SIZES, strict=True))
        return len(STATUSES) + sum(requests)

    def _total(self, path: str, label: str) -> int:
        page = self._api.get(path, label=label, params={"page_size": "1"})
        total = page.get("total_records") if isinstance(page, dict) else None
        return total if isinstance(total, int) else 0

    def _persons(self, delegators: Iterable[str]) -> Iterator[PhoneUser]:
        wanted = frozenset(delegators)
        phones = {phone.id: phone for phone in self._phone_side()}
        emails = _mails(phones.values()) if wanted else {}
        met, in_phone = set[str](), len(phones)
        for status in STATUSES:
            for account in self._accounts(status):
                if account["id"] not in met:
                    met.add(account["id"])
                    phone = phones.pop(account["id"], None)
                    yield self._person(account, phone, self._wanted(account, phone, wanted, emails))
        for phone in phones.values():
            yield from self._left_over(phone, wanted, emails)
        self._sizes = (len(met), in_phone)

    def _read_one(self, user: PhoneUser) -> PhoneUser | None:
        """Return a fresh read of one person, delegates and all; None for who is gone."""
        account = self.account(user.id) if user.id else None
        if account is None and user.email and fold(user.email) != fold(user.id):
            account = self.account(user.email)
        return (
            None
            if account is None
            else self._whole(account, delegations=user.delegates is not None)
        )

    def account(self, user: str) -> dict[str, Any] | None:
        """Return the account user of an id or a mail address, None if there is none."""
        found = self._api.find(f"/users/{segment(user)}", label="users.light", about=user)
        if found is not None and not found.get("id"):
            found["id"] = str(found.get("email") or user)
        return found

    def delegation(
        self, user: str, extension: str | None, emails: Mapping[str, str] | None = None
    ) -> Delegation:
        """Return a phone user's delegation, by id or mail; `extension` is their number.

        One request, and one more for each assistant whose mail isn't among `emails` (by either id).
        """
        settings = self._settings(user, extension)
        with understood(f"the delegation of {user}"):
            given = (settings or {}).get("delegation") or {}
            names = [self._assistant(a, emails or {}) for a in given.get("assistants") or ()]
            granted = [PRIVILEGES.get(p, str(p)) for p in given.get("privileges") or ()]
        return Delegation(tuple(sorted(filter(None, names), key=fold)), tuple(sorted(granted)))

    def _settings(self, user: str, extension: str | None) -> dict[str, Any] | None:
        """Return a phone user's settings, None for who is not in phone.

        Nothing but the extension number in them tells whose they are. One that isn't the user's is
        another user's answer, unless theirs was changed a moment ago.
        """
        for _ in range(LOOKS):
            path = f"/phone/users/{segment(user)}/settings"
            settings = self._api.find(path, label="phone.light")
            shown = None if settings is None else text_of(settings.get("extension_number"))
            if shown is None or extension is None or shown == extension:
                return settings
            found = self._lookups.phone_user(user)
            extension = None if found is None else text_of(found.get("extension_number"))
            if shown == extension:
                return settings
        raise TransientError(f"the settings of {user} were answered about another user")

    def _assistant(self, assistant: dict[str, Any], emails: Mapping[str, str]) -> str | None:
        """Return how records name an assistant; None for a user who has left the account since."""
        extension, user = text_of(assistant.get("extension_id")), text_of(assistant.get("id"))
        if assistant.get("extension_type") == "commonArea":
            return clean(str(assistant.get("display_name") or assistant["extension_id"]))
        known = emails.get(user or "") or emails.get(extension or "")
        if known:
            return known
        if user is None:  # an assistant needs no id by Zoom's specification
            number = {"keyword": str(assistant["extension_number"])}
            found = self._listed("/phone/users", "users", number)
            return next(
                (self.phone(u).email for u in found if u["extension_id"] == extension), None
            )
        account = self.account(user)
        return None if account is None else clean(str(account["email"]))

    def _wanted(
        self,
        account: dict[str, Any],
        phone: Phone | None,
        wanted: frozenset[str],
        emails: Mapping[str, str],
    ) -> Delegation:
        """Return the delegation where it was asked for; who has no phone has none."""
        if phone is None:
            return NOBODY
        if account["id"] in wanted or fold(str(account.get("email") or "")) in wanted:
            return self.delegation(account["id"], phone.extension_number, emails)
        return UNREAD

    def _left_over(
        self, phone: Phone, wanted: frozenset[str], emails: Mapping[str, str]
    ) -> Iterator[PhoneUser]:
        """Yield a user who is in phone but was in none of the sweeps.

        They changed status while we read, or left; or they have yet to accept an invitation into
        this account, and only the phone list knows them.
        """
        account = self.account(phone.id)
        if account is None and phone.activation == "not ready":
            account = {"id": phone.id, "email": phone.email, "status": "pending"}
            account["display_name"] = phone.name
        if account is not None:
            yield self._person(account, phone, self._wanted(account, phone, wanted, emails))

    def _whole(
        self,
        account: dict[str, Any],
        *,
        delegations: bool,
        emails: Mapping[str, str] | None = None,
    ) -> PhoneUser:
        found = self._lookups.phone_user(account["id"])
        if found is None:
            return self._person(account, None, NOBODY)
        phone = self.phone(found)
        delegation = (
            self.delegation(account["id"], phone.extension_number, emails)
            if delegations
            else UNREAD
        )
        return self._person(account, phone, delegation)

    def _accounts(self, status: str) -> Iterator[dict[str, Any]]:
        """Yield the account users of one status, each with an id.

        A pending user's id isn't in the list (users.id in Zoom's specification): it takes a read of
        their own, and where that has none either, the mail address stands for it.
        """
        for entry in self._account_list(status):
            if entry.get("id") and not self._job_titles:
                yield {"status": status, **entry}
                continue
            found = self.account(str(entry.get("id") or entry["email"]))
            if found is not None:  # else they are gone, or the invitation was withdrawn
                title = found.get("job_title")
                yield {**entry, "status": status, "id": found["id"], "job_title": title}

    def _account_list(self, status: str) -> Iterator[dict[str, Any]]:
        return entries(
            self._api,
            "/users",
            "users",
            label="users.medium",
            size=ACCOUNTS_A_PAGE,
            params={"status": status},
            identity=account_identity,
        )

    def _phone_side(self) -> Iterator[Phone]:
        for entry in self._listed("/phone/users", "users"):
            yield self.phone(entry)

    def _places(self, only: str | None = None) -> Iterator[PhoneUser]:
        """Yield the rooms and the common areas, or one of both kinds."""
        for path, items, kind in (
            ("/phone/rooms", "rooms", "room"),
            ("/phone/common_areas", "common_areas", "common_area"),
        ):
            if only in (None, kind):
                yield from (self._place(entry, kind) for entry in self._listed(path, items))

    def _listed(
        self, path: str, items: str, params: Mapping[str, str] | None = None
    ) -> Iterator[dict[str, Any]]:
        size = PHONES_A_PAGE
        return entries(self._api, path, items, label="phone.medium", size=size, params=params)

    def phone(self, entry: dict[str, Any]) -> Phone:
        """Return the phone side from an entry of a list, or from a read of one."""
        with understood(f"phone user {entry.get('id')}"):
            return self._parsed(entry)

    def _parsed(self, entry: dict[str, Any]) -> Phone:
        site = entry.get("site") or {}
        plans = {self._plan_name(plan) for plan in entry.get("calling_plans") or ()}
        return Phone(
            id=str(entry["id"]),
            email=clean(str(entry.get("email") or "")),
            name=clean(str(entry.get("name") or entry.get("display_name") or "")),
            extension_id=text_of(entry.get("extension_id")),
            extension_number=text_of(entry.get("extension_number")),
            packages=tuple(sorted(plans)),
            numbers=tuple(sorted(e164(n["number"]) for n in entry.get("phone_numbers") or ())),
            site=self._lookups.site_name(
                text_of(site.get("id") or entry.get("site_id")), text_of(site.get("name"))
            ),
            status=str(entry.get("status") or "activate"),
            activation=text_of(entry.get("activation_status")),
            may_delegate=(entry.get("policy") or {}).get("delegation") is not False,
        )

    def _plan_name(self, plan: dict[str, Any]) -> str:
        kind = plan.get("type")
        return self._lookups.plan_name(None if kind is None else int(kind), plan.get("name"))

    def _person(
        self, account: dict[str, Any], phone: Phone | None, delegation: Delegation
    ) -> PhoneUser:
        return PhoneUser(
            id=str(account["id"]),
            key=text_of(account.get("employee_unique_id")),
            email=text_of(account.get("email")),
            status=str(account.get("status") or "active"),
            display_name=display_name_of(account),
            department=text_of(account.get("dept")),
            job_title=text_of(account.get("job_title")) if self._job_titles else None,
            license=None if phone is None else LICENSE,
            packages=phone.packages if phone else (),
            site=phone.site if phone else None,
            extension_number=phone.extension_number if phone else None,
            numbers=phone.numbers if phone else (),
            delegates=delegation.delegates,
            delegate_privileges=delegation.privileges,
            role=role_of(account),
            vendor=vendor_of(account, phone, activates=self._activates),
        )

    def _place(self, entry: dict[str, Any], kind: str) -> PhoneUser:
        """Return a room or a common area as a phone user."""
        phone = self.phone(entry)
        return PhoneUser(
            id=phone.id,
            kind=kind,
            display_name=phone.name or None,
            packages=phone.packages,
            site=phone.site,
            extension_number=phone.extension_number,
            numbers=phone.numbers,
        )
