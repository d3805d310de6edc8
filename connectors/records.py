"""The values that everybody shares: people, phone users, changes, and what the outside offers.

A directory yields `Person`s, a phone system yields `PhoneUser`s, a plan is made of `Change`s, and
carrying one out gives `Outcome`s. They hold data and nothing else; all are immutable by agreement.
Text in them is in Unicode NFC without surrounding blanks (`clean`); keys, mail addresses and the
vendors' names are compared through `fold`.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

import msgspec

if TYPE_CHECKING:
    import requests  # a directory of files needs no HTTP

ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
"""Schema URN of the enterprise extension (RFC 7643 section 4.3)."""
ACTIVATED = "activated"  # `after` of a `user.activate` about a license (`vendor.to_activate`)

Value: TypeAlias = str | bool | dict[str, str | None] | None
"""A change's before or after: a name, an E.164 number, a mail address, a boolean, None, or, for
`profile.update`, an object of the attributes that change."""


def clean(text: str) -> str:
    """Return `text` as it is compared and stored: Unicode NFC, no surrounding blanks.

    >>> clean(" Eva Mala\\u0301 ")
    'Eva Malá'
    """
    text = text.strip()
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def fold(text: str) -> str:
    """Return what keys, mail addresses and names are compared by: clean, and without case.

    >>> fold("STRASSE@Example.org") == fold("straße@example.ORG")
    True
    """
    text = text.strip()
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())


class Person(msgspec.Struct, frozen=True, gc=False):
    """A human, as one directory (or several, joined) knows them.

    `key`: the directory's immutable id, opaque text as the directory spells it, never empty.
    `resource`: a SCIM User resource (RFC 7643) in canonical attribute names: `userName`,
    `externalId`, `name.givenName`, `displayName`, `emails` (objects of value, type, primary),
    `addresses`, `title`, `active` (a boolean, absent where the directory doesn't say), the
    enterprise extension under its URN, `groups` (objects of value and display: direct and, where
    the directory follows nesting, inherited memberships, these with `type` "indirect" and, where the
    directory tells, in `via` the `value` of the group through which) and whatever `columns` adds at top level.
    Absent attributes have no member; none is null or "".
    `where`: the place it was read from (`people.csv:17`, `ou=…`, a resource's id), for messages.
    """

    key: str
    resource: dict[str, Any]
    where: str = ""

    @property
    def email(self) -> str | None:
        """The work mail address, else the primary one, else the first."""
        emails = self.resource.get("emails")
        if not emails:
            return None
        for email in emails:
            kind = email.get("type")
            if kind == "work" or (kind is not None and str(kind).lower() == "work"):
                return str(email["value"])
        chosen = next((email for email in emails if email.get("primary")), emails[0])
        return str(chosen["value"])

    @property
    def user(self) -> str:
        """How reports and commands name the person: the work email, else the userName, else the key."""
        return self.email or self.resource.get("userName") or self.key


class Flaw(msgspec.Struct, frozen=True):
    """One row or entry of a directory that can't be used; the rest of the read goes on.

    `key` is set where the row's key could be read: that person is reported and left alone. Where it
    is None somebody is missing from the read, and nothing may follow from anybody's absence.
    `where` is `file:line`, a dn or a resource's id.
    """

    where: str
    key: str | None
    reason: str
    remedy: str


class PhoneUser(msgspec.Struct, frozen=True, gc=False):
    """One user of the phone system, in the shape of a snapshot's line (DESIGN section 5).

    `id` is the vendor's immutable id; `key` the value that a mapping's `join` is matched with the first time.
    Absent members mean none. `delegates` holds work emails (a common area's name) of those who answer for this
    one, or None where the vendor was not asked: unknown is not different. `counts_as`: names of licenses and
    packages that what they hold counts as, without a seat of those (a suite that has a phone license within),
    and other names that rules ask for (audio_conferencing). `seatless`: licenses that need no seat here, being
    switched off within a suite that they hold. `settling`: the license or packages that they hold and that
    aren't effective yet. `by_hand`: what only a person can take from them, by "license", "credits" or a
    package's name, with the step in words; `{user}` is filled in. `vendor` keeps what only that vendor has: in
    `blocks` the changes that it refuses for this user (`license.assign`, or `license.assign=NAME`, folded), with
    the reasons; in `failed` likewise, in sentences, what was to give them that; in `to_activate` why their
    license is no good yet.
    """

    id: str
    key: str | None = None
    kind: str = "person"  # person, room, common_area
    email: str | None = None
    status: str = "active"  # active, inactive, pending, trashed
    display_name: str | None = None
    department: str | None = None
    job_title: str | None = None
    license: str | None = None
    packages: tuple[str, ...] = ()
    template: str | None = None
    site: str | None = None
    extension_number: str | None = None
    numbers: tuple[str, ...] = ()
    delegates: tuple[str, ...] | None = ()
    delegate_privileges: tuple[str, ...] = ()
    credits: bool = False
    softphone: str | None = None
    emergency_address: str | None = None
    usage_location: str | None = None
    role: str = "member"  # member, admin, owner
    counts_as: tuple[str, ...] = ()
    seatless: tuple[str, ...] = ()
    settling: tuple[str, ...] = ()
    by_hand: dict[str, str] = {}
    vendor: dict[str, Any] = {}

    @property
    def user(self) -> str:
        """How reports name this phone user when no person of ours is bound to it."""
        name = self.display_name if self.kind != "person" else None
        return self.email or self.key or name or self.id


Risk = Literal["safe", "service", "destructive"]
State = Literal[
    "planned",
    "held",
    "manual",
    "approved",
    "rejected",
    "sent",
    "settling",
    "done",
    "failed",
    "stale",
    "skipped",
]
Cause = Literal["directory", "mapping", "drift", "undo", "first_run"]


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One difference to carry out for one phone user (the plan JSON's change, DESIGN section 7).

    `kind` is `object.verb` (DESIGN section 4). `key` is the person's key, for unmanaged users the phone user's;
    `id` the vendor's id, None until an account exists. `needs` are the `seq`s that must be done first.
    `consequences` are sentences: what else this takes with it. `reason` is set for what is held, blocked,
    waiting, failed or stale. `user_kind` is the phone user's kind: person, room or common_area.
    """

    seq: int = 0
    kind: str
    user: str
    key: str
    id: str | None = None
    before: Value = None
    after: Value = None
    rule: str | None = None
    cluster: str = ""
    cause: Cause = "directory"
    because: str = ""
    risk: Risk = "safe"
    needs: tuple[int, ...] = ()
    consequences: tuple[str, ...] = ()
    state: State = "planned"
    reason: str | None = None
    user_kind: str = "person"


class Outcome(msgspec.Struct, frozen=True):
    """What became of one change when it was carried out.

    `state`: done; settling (accepted, effective later); failed (with the reason; that person's
    remaining changes are left); stale (what the vendor has is not what the plan saw); planned (not
    possible yet: it waits as it did before, with what needs it, and a later run tries it again).
    `id` is the vendor's id where the change made an account.
    """

    seq: int
    state: State
    reason: str | None = None
    id: str | None = None


class Call(msgspec.Struct, frozen=True):
    """One request to the vendor, and the changes that it carries out together.

    `label` is the vendor's rate label; `what` names the operation for reports and the journal
    (`POST /phone/users/batch`); `requests` how many HTTP requests it takes (polls not counted);
    `behind` an operation of which all calls before this one must be over.
    """

    what: str
    label: str
    changes: tuple[Change, ...]
    requests: int = 1
    behind: str = ""


class Seats(msgspec.Struct, frozen=True):
    """A counted pool: `total` seats (None: not counted), `used` as the vendor says (None: count holders).

    `counted_with`: the family's name of which this is only another one; "" where it has its own seats.
    """

    total: int | None = None
    used: int | None = None
    counted_with: str = ""


class Catalog(msgspec.Struct, frozen=True):
    """What a phone system has to give, under the vendor's own names.

    None for a family means that the vendor doesn't tell: every name is allowed and nothing runs short. `templates`
    are (name, site) pairs, site None where it serves every site. `numbers` are the account's direct numbers that
    nobody holds, E.164, with their site where they have one; None, too, where not wanted. `accounts`: seats of which
    every new account takes one, None where none is, or isn't told. `notes`: sentences for every plan on what isn't told.
    `without`: entitlements that this account has no place for, each with the reason in words. `extensions`: by site
    the digits that its extension numbers begin with, and how many follow (None: not told), where the vendor tells.
    `credits`: the seats of the communication-credit license.
    """

    licenses: dict[str, Seats] | None = None
    packages: dict[str, Seats] | None = None
    credits: Seats | None = None
    templates: tuple[tuple[str, str | None], ...] | None = None
    sites: tuple[str, ...] | None = None
    numbers: tuple[tuple[str, str | None], ...] | None = None
    accounts: Seats | None = None
    notes: tuple[str, ...] = ()
    without: dict[str, str] = {}
    extensions: dict[str, tuple[str, int | None]] = {}


class Abilities(msgspec.Struct, frozen=True, kw_only=True):
    """What a phone system can do, so that the plan asks for nothing else.

    `kinds`: kinds of change it carries out. `manual`: kinds that only a person can do there, with the steps in words;
    `{user}`, `{before}`, `{after}` and `{until}` (the day when what is soft-deleted today, and kept `retention_days`,
    is lost) are filled in. What is in neither is blocked; `refuses` says why where config stands in the way. `says`:
    a sentence for a kind's consequences, on what can't be read. `joiner`: the kind that makes an account.
    `unreadable`: entitlements that can't be read back, so that our store remembers them as last applied. `pending`:
    kinds that work for a user who has not accepted the invitation yet. `license_takes`, `last_package_takes`,
    `deactivation_takes`: what goes with the license, with the last package, and with deactivation (license, packages,
    numbers, delegates, credits); `trash_takes`: what goes into the trash while the account stays. `needs_email`: an
    account can only be made for somebody with a mail address; `domains`: folded, those in which one can be made, None
    for any. `existing`: folded mails of people who have a paid account of their own with the vendor; `joining`: what
    an invitation means to them, in sentences. `places`: by kind of phone user who is no person (room, common_area),
    what it can do for one. `resend_after`: an invitation is sent again so long after the last one, `resend_max`
    times; None: never. `delegation_sweep`: how many people's delegations a full plan reads beyond those that matter
    to it, where each takes a call. `delegation_needs_package`: both sides need a package, too;
    `number_needs_package`: so does a direct number. `looks_closer`: entitlements for which only a read of one user
    tells whether the vendor lets them have any. `profile`: the profile attributes that it has a place for; None for
    all. `keeps`: entitlements that can be changed there but not taken away (a user always has a site).
    `restore_brings`: what an account brings back from deletion (license, packages, credits), whether a seat is free
    for it or not. `needless`: kinds that this account needs none of, with the reason: what asks for them is satisfied
    without; of those in `needless_warns` the plan warns. `credit_bases`: what somebody must have for a credit
    license, one of these counting as good as a package; None where anybody may have it. `shortage`: what to do where
    a family (license, package, credits) has no seat. `located`: kinds of change that it refuses to somebody without a
    usage location; `location`: the one that config has for these, None where it has none. `script` gives, for manual
    changes, a script with which a person does them, "" where it does none of them; None where a person can't be
    helped so. `side_by_side`: how many calls about different people it takes at the same moment; `carry_out` and
    `read_some` are then called from so many threads.
    """

    kinds: frozenset[str]
    manual: dict[str, str] = {}
    joiner: str = "user.create"
    unreadable: frozenset[str] = frozenset()
    pending: frozenset[str] = frozenset()
    max_delegates: int | None = None
    max_delegators: int | None = None
    needs_email: bool = False
    license_takes: frozenset[str] = frozenset()
    last_package_takes: frozenset[str] = frozenset()
    deactivation_takes: frozenset[str] = frozenset()
    keeps: frozenset[str] = frozenset()
    refuses: dict[str, str] = {}
    says: dict[str, str] = {}
    retention_days: int = 30
    trash_takes: frozenset[str] = frozenset()
    domains: frozenset[str] | None = None
    existing: frozenset[str] = frozenset()
    resend_after: timedelta | None = None
    resend_max: int = 0
    delegation_sweep: int = 0
    delegation_needs_package: bool = False
    number_needs_package: bool = False
    looks_closer: frozenset[str] = frozenset()
    places: dict[str, frozenset[str]] = {}
    joining: tuple[str, ...] = ()
    profile: frozenset[str] | None = None
    restore_brings: frozenset[str] = frozenset()
    needless: dict[str, str] = {}
    needless_warns: frozenset[str] = frozenset()
    credit_bases: frozenset[str] | None = None
    shortage: dict[str, str] = {}
    located: frozenset[str] = frozenset()
    location: str | None = None
    script: Callable[[Iterable[Change]], str] | None = None
    side_by_side: int = 1


class Rate(msgspec.Struct, frozen=True):
    """How many requests of one label an account may make, as the vendor says it.

    `per_second` is used as an even pace (it may be below one); `per_minute` holds over any sixty seconds,
    within which a few requests leave at once; one of the two is set at least. `per_day` holds over any 24
    hours, where that is capped. `pace_with` and `day_with` name the label whose places of the second and
    minute, or of the day, this one uses up too, "" where it has its own: both then have the same figures.
    `penalty_s`: for how long a label must not be used after a 429 that names no time; None where the vendor
    knows no such penalty, and a short pause will do. `reads`: its requests only read, whatever their method.
    """

    per_second: float | None = None
    per_day: int | None = None
    per_minute: int | None = None
    pace_with: str = ""
    day_with: str = ""
    penalty_s: float | None = None
    reads: bool = False


class Http(Protocol):
    """What carries a connector's requests; rate limits, retries, timeouts and the record of calls are behind it.

    `label` names the rate bucket; an answer of 429 pauses it for everybody on the account. `check`
    gets every answer and raises the connector's own named error for one that is no success. A
    TransientError of a GET is tried again within a bound,
    honouring Retry-After; of any other method only when it is not `in_doubt`. A connection that
    breaks, and a timeout, are TransientErrors too (in doubt unless nothing was sent).
    """

    def __call__(
        self,
        method: str,
        url: str,
        *,
        label: str = "",
        check: Callable[[requests.Response], None],
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
        json: Any = None,
        data: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
    ) -> requests.Response: ...


class Outside(msgspec.Struct, frozen=True):
    """What a connector is handed from above.

    `base`: the folder that relative paths in its config are relative to. `http(account, rates)`
    gives the carrier of requests whose limits are shared by everything on that account. `now`
    tells the time (aware, UTC); `sleep` waits, and ends early by raising when the program stops.
    `kept`: what connectors keep as long as the program runs, an access token say, under names of
    their own that hold no secret.
    """

    base: Path
    http: Callable[[str, Mapping[str, Rate]], Http]
    now: Callable[[], datetime]
    sleep: Callable[[float], None]
    kept: dict[str, Any] = {}


class Directory(Protocol):
    """Where people come from: the promise every file in `connectors/directory/` keeps.

    `name` is what config calls it. `read` yields each person once, or a Flaw for a row that can't
    be used, in the source's order and in constant memory; it raises IncompleteRead when the source
    ends early or contradicts itself. Two rows with one key are both yielded: whoever joins
    the directories reports the conflict.
    """

    name: str

    def read(self) -> Iterator[Person | Flaw]: ...

    def check(self) -> None:
        """Raise a RunError unless the source can be reached with what config says."""


class PhoneSystem(Protocol):
    """A phone system: the promise every folder or file in `connectors/phone/` keeps.

    The plan and apply know nothing else of it; names in what it gives and takes are its own.
    """

    abilities: Abilities

    def catalog(self, *, numbers: bool = True) -> Catalog: ...

    def read(self, delegators: Iterable[str] = ()) -> Iterator[PhoneUser]:
        """Yield every phone user once; raise IncompleteRead if the vendor ends short.

        `delegators` are the ids or folded mail addresses of those whose delegations matter, for
        vendors where reading them costs a call each; others may come with `delegates` None.
        """

    def read_some(self, users: Iterable[PhoneUser]) -> Iterator[PhoneUser]:
        """Yield a fresh read of each of these users (found by id, else by mail); who is gone isn't yielded.

        Uses list pages where that takes fewer calls. Of somebody whose `delegates` are None here they
        aren't asked for, and may be None in the answer too, where reading them costs a call.
        """

    def calls(self, changes: Iterable[Change]) -> list[Call]:
        """Group changes into the fewest calls, in an order in which every need is met before it is needed.

        Pure, and the same for the same changes: a plan's `api_calls` and apply both come from here.
        """

    def carry_out(self, changes: Iterable[Change]) -> Iterator[Outcome]:
        """Carry the changes out, yielding an Outcome for each as its call returns.

        A PersonError becomes a failed outcome. Raises TransientError where the call must be made
        again, RunError where no call can succeed.
        """

    def check(self) -> None:
        """Raise a RunError unless credentials work and the account has the feature."""
