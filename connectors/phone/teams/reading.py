"""Phone users as a tenant tells of them: directory users with their licenses, and Teams' view of them.

Three lists make one read: the directory's users (and the deleted ones, who can be restored), in full or
as what changed since the last read (delta.py); Teams' user configurations; the telephone numbers.
Teams' lists are read once for a read: Microsoft asks not to poll them. What the directory has assigned is held at once; Teams knows of a calling plan up to a
day later, and until then it is `settling`.
Source: Microsoft Graph, user, licenseAssignmentState, teamsUserConfiguration, numberAssignment.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from connectors.phone.teams import skus
from connectors.phone.teams.api import quoted, segment
from connectors.phone.teams.delta import UserList
from connectors.phone.teams.entries import (
    Entries,
    Entry,
    id_of,
    object_in,
    understood,
)
from connectors.phone.teams.obstacles import obstacles
from connectors.phone.teams.policies import Policy, Templates
from connectors.phone.teams.skus import CREDITS_SKU, Product
from connectors.phone.teams.tenant import (
    CALLING_PLAN,
    CONFERENCING,
    NUMBERS,
    Number,
    Tenant,
    e164,
    read_number,
)
from connectors.records import PhoneUser, clean, fold

CONFIGURATIONS = "/admin/teams/userConfigurations"
_CALLING_FEATURE, _PHONE_FEATURE = "callingplan", "phonesystem"


class Held(msgspec.Struct, frozen=True):
    """One product that a user holds: which of its service plans are off, and which groups give it.

    `direct`: it is assigned to the user, perhaps beside the groups.
    """

    product: Product
    disabled: frozenset[str] = frozenset()
    groups: tuple[str, ...] = ()
    direct: bool = True

    @property
    def plans(self) -> frozenset[str]:
        """The service plans that are on."""
        return self.product.plans - self.disabled


class Voice(msgspec.Struct, frozen=True, gc=False):
    """What Teams says of a user: features in small letters, numbers, policies by type.

    `policies`: name, whether it is assigned to the user themselves, and the type as Teams spells it.
    """

    features: frozenset[str] = frozenset()
    numbers: tuple[str, ...] = ()
    policies: Mapping[str, Policy] = {}
    resource: bool = False


NO_VOICE = Voice()


class Reader:
    """Reads phone users: all of them, or some afresh.

    `key`: the user's attribute that a mapping's `join` is matched with.
    """

    def __init__(
        self, users: UserList, entries: Entries, tenant: Tenant, templates: Templates, *, key: str
    ) -> None:
        self._users, self._entries = users, entries
        self._tenant, self._templates, self._key = tenant, templates, key
        self._api = entries.api

    def read(self) -> Iterator[PhoneUser]:
        """Yield every user once, then those who are deleted and can be restored; no guests."""
        voices = self._voices()
        numbers = self._numbers_by_holder(self._tenant.numbers().values())
        for entry, deleted in self._users.read():
            if deleted:
                yield _trashed(self._user(entry, NO_VOICE, ()))
            else:
                id = id_of(entry)
                yield self._user(entry, voices.get(id, NO_VOICE), numbers.get(id, ()))

    def read_some(self, users: Iterable[PhoneUser]) -> Iterator[PhoneUser]:
        """Yield a fresh read of each of these users who is still there, found by id, else by mail."""
        entries = list(self.accounts(users))
        with_phone = [e for e, deleted in entries if not deleted and self._held(e)]
        voices = self._fresh_voices([str(e["id"]) for e in with_phone])
        for entry, deleted in entries:
            voice, numbers = voices.get(id_of(entry), (NO_VOICE, ()))
            user = self._user(entry, voice, numbers)
            yield _trashed(user) if deleted else user

    def wrote(self, names: Iterable[str]) -> None:
        """Have the next reads look at users that were written to: ids, or userPrincipalNames."""
        self._users.wrote(names)

    def accounts(self, users: Iterable[PhoneUser]) -> Iterator[tuple[Entry, bool]]:
        """Yield the directory's entries of users, and whether they are deleted; each once."""
        return self._entries.accounts(users)

    def held(self, entry: Mapping[str, Any]) -> list[Held]:
        """Return the products that a directory user holds. Raises IncompleteRead for an odd shape."""
        with understood(entry):
            return self._held(entry)

    def _held(self, entry: Mapping[str, Any]) -> list[Held]:
        groups: dict[str, list[str]] = {}
        direct: set[str] = set()
        states = entry.get("licenseAssignmentStates") or ()
        for state in states:
            sku, group = fold(str(state["skuId"])), state.get("assignedByGroup")
            if not group:
                direct.add(sku)
            elif str(state.get("state") or "Active") != "Error":
                groups.setdefault(sku, []).append(str(group))
        found = []
        for license in entry.get("assignedLicenses") or ():
            sku = fold(str(license["skuId"]))
            off = frozenset(fold(str(p)) for p in license.get("disabledPlans") or ())
            by = tuple(sorted(groups.get(sku, ())))
            found.append(Held(self._tenant.product(sku), off, by, sku in direct or not by))
        return sorted(found, key=lambda held: held.product.name)

    def _user(self, entry: Mapping[str, Any], voice: Voice, numbers: Sequence[Number]) -> PhoneUser:
        with understood(entry):
            return self._phone_user(entry, voice, numbers)

    def _phone_user(
        self, entry: Mapping[str, Any], voice: Voice, numbers: Sequence[Number]
    ) -> PhoneUser:
        held, states = self._held(entry), entry.get("licenseAssignmentStates") or ()
        phone = self._phone(held)
        packages = sorted(h.product.name for h in held if h.product.is_calling_plan)
        shown = self._numbers(voice, numbers)
        place = next((n.location for n in numbers if n.number == shown[0]), None) if shown else None
        license = None if phone is None else self._tenant.license_name(phone.product)
        kinds = {h.product.kind for h in held} - {"person"}
        if voice.resource:
            kinds.add("common_area")
        key = entry.get(self._key)
        return PhoneUser(
            id=str(entry["id"]),
            key=clean(str(key)) if key else None,
            kind=min(kinds, default="person"),
            email=clean(str(entry.get("mail") or entry["userPrincipalName"])),
            status="active" if entry.get("accountEnabled") is not False or kinds else "inactive",
            display_name=_text(entry.get("displayName")),
            department=_text(entry.get("department")),
            job_title=_text(entry.get("jobTitle")),
            usage_location=_text(entry.get("usageLocation")),
            license=license,
            packages=tuple(packages),
            template=self._templates.named(voice.policies),
            numbers=shown,
            delegates=None,
            credits=any(h.product.id == CREDITS_SKU for h in held),
            emergency_address=self._tenant.location_name(place),
            counts_as=self._counts_as(held, license),
            seatless=self._tenant.license_names() if _is_off(held) and license is None else (),
            settling=_settling(license, packages, voice, shown),
            by_hand=self._by_hand(held, phone),
            vendor=self._vendor(entry, held, voice)
            | ({} if kinds else obstacles(states, held, self._tenant)),
        )

    def _phone(self, held: Sequence[Held]) -> Held | None:
        """Return what gives Teams Phone: of several products the one that is nothing else."""
        giving = [h for h in held if h.product.is_phone and not h.plans.isdisjoint(skus.PHONE)]
        main = self._tenant.phone_product()

        def order(each: Held) -> tuple[bool, bool, str]:
            product = each.product
            return main is None or product.id != main.id, product.is_suite, product.name

        return min(giving, key=order, default=None)

    def _counts_as(self, held: Sequence[Held], license: str | None) -> tuple[str, ...]:
        names: set[str] = set()
        if license is not None:
            names.update(self._tenant.license_names())
            names.discard(license)
        mixed = {p for h in held if not h.product.is_calling_plan for p in h.plans & skus.CALLING}
        if mixed:
            names.update(self._tenant.plan_names(mixed))
            names.add(CALLING_PLAN)
        if any(not h.plans.isdisjoint(skus.CONFERENCING) for h in held):
            names.add(CONFERENCING)
        return tuple(sorted(names))

    def _by_hand(self, held: Sequence[Held], phone: Held | None) -> dict[str, str]:
        """Return what only leaving a group takes away, with the step in words."""
        steps: dict[str, str] = {}
        for each in held:
            if not each.groups:
                continue
            if phone is not None and each.product.id == phone.product.id:
                steps["license"] = self._leave(each)
            elif each.product.is_calling_plan:
                steps[each.product.name] = self._leave(each)
                steps.setdefault("license", self._leave(each))  # it rests on the license
            elif each.product.id == CREDITS_SKU:
                steps["credits"] = self._leave(each)
        return steps

    def _leave(self, held: Held) -> str:
        groups = ", ".join(sorted(map(self._tenant.group, held.groups)))
        return (
            f"take {{user}} out of the group {groups} (Microsoft Entra admin center > Groups), which"
            f" gives {held.product.name}: what a group gives can't be taken from one person"
        )

    def _vendor(
        self, entry: Mapping[str, Any], held: Sequence[Held], voice: Voice
    ) -> dict[str, Any]:
        """Return what only Microsoft has: whatever a rehearsal needs to make the tenant again."""
        told: dict[str, Any] = {}
        if entry.get("mail") != entry.get("userPrincipalName"):
            told["user_principal_name"] = entry.get("userPrincipalName")
        if entry.get("onPremisesSyncEnabled"):
            told["on_premises"] = True
        licenses = [self._license(each) for each in held]
        states = entry.get("licenseAssignmentStates") or ()
        for state in (s for s in states if _is_error(s)):
            product = self._tenant.product(str(state["skuId"]))
            group = state.get("assignedByGroup")
            about = {"group": self._tenant.group(str(group))} if group else {}
            licenses.append({"sku": product.name, "error": str(state["error"])} | about)
        if licenses:
            told["licenses"] = licenses
        if own := {each.type: each.name for each in voice.policies.values() if each.direct}:
            told["policies"] = own
        return told

    def _license(self, held: Held) -> str | dict[str, Any]:
        told: dict[str, Any] = {"sku": held.product.name}
        if held.disabled:
            told["disabled_plans"] = sorted(held.disabled)
        if held.groups:
            told["group"] = self._tenant.group(held.groups[0])
        return told if len(told) > 1 else held.product.name

    def _numbers(self, voice: Voice, numbers: Sequence[Number]) -> tuple[str, ...]:
        listed = (n.number for n in numbers)
        return tuple(dict.fromkeys((*voice.numbers, *listed)))

    def _numbers_by_holder(self, numbers: Iterable[Number]) -> dict[str, list[Number]]:
        found: dict[str, list[Number]] = {}
        for number in numbers:
            if number.holder:
                found.setdefault(number.holder, []).append(number)
        return found

    def _voices(self) -> dict[str, Voice]:
        """Return what Teams says of everybody by id; those of whom it says the same share it."""
        found: dict[str, Voice] = {}
        same: dict[tuple[object, ...], Voice] = {}
        for entry in self._tenant.teams_list(CONFIGURATIONS):
            with understood(entry):
                voice = _voice(entry)
                told = (*voice.numbers, *sorted(voice.features), *sorted(voice.policies.items()))
                found[id_of(entry)] = same.setdefault((*told, voice.resource), voice)
        return found

    def _fresh_voices(self, ids: Sequence[str]) -> dict[str, tuple[Voice, list[Number]]]:
        """Return what Teams says of some users now, and the numbers that they hold."""
        paths = [
            path
            for id in ids
            for path in (
                f"{CONFIGURATIONS}/{segment(id)}",
                f"{NUMBERS}?$filter={segment(f'assignmentTargetId eq {quoted(id)}')}",
            )
        ]
        answers = self._entries.gets_of([id for id in ids for _ in range(2)], paths)
        found: dict[str, tuple[Voice, list[Number]]] = {}
        for n, id in enumerate(ids):
            told = object_in(answers[2 * n])
            listed = (object_in(answers[2 * n + 1]) or {}).get("value") or ()
            with understood({"id": id}):
                voice = NO_VOICE if told is None else _voice(told)
                numbers = [read_number(entry) for entry in listed]
            found[fold(id)] = voice, [number for number in numbers if number.holder == fold(id)]
        return found


def _trashed(user: PhoneUser) -> PhoneUser:
    """Return somebody as deleted: what they will hold is seen when they are back."""
    vendor = {k: v for k, v in user.vendor.items() if k not in ("blocks", "failed")}
    return msgspec.structs.replace(user, status="trashed", settling=(), vendor=vendor)


def _voice(entry: Mapping[str, Any]) -> Voice:
    numbers = sorted(
        entry.get("telephoneNumbers") or (),
        key=lambda n: n.get("assignmentCategory") not in (None, "primary"),
    )
    policies: dict[str, Policy] = {}
    for each in entry.get("effectivePolicyAssignments") or ():
        policy = each.get("policyAssignment") or {}
        if policy.get("displayName"):
            direct = fold(str(policy.get("assignmentType") or "direct")) == "direct"
            kind = str(each["policyType"])
            policies[fold(kind)] = Policy(str(policy["displayName"]), direct, kind)
    features = (fold(str(f)).replace(" ", "") for f in entry.get("featureTypes") or ())
    return Voice(
        frozenset(features),
        tuple(dict.fromkeys(e164(str(n["telephoneNumber"])) for n in numbers)),
        policies,
        fold(str(entry.get("accountType") or "")) == "resourceaccount",
    )


def _settling(
    license: str | None, packages: Sequence[str], voice: Voice, numbers: Sequence[str]
) -> tuple[str, ...]:
    """Return what is held and Teams doesn't know of yet; who has a number has settled."""
    if numbers or license is None:
        return ()
    if packages:
        return () if _CALLING_FEATURE in voice.features else tuple(packages)
    return () if _PHONE_FEATURE in voice.features else (license,)


def _is_off(held: Iterable[Held]) -> bool:
    """Return whether somebody has Teams Phone within a suite of their own, switched off."""
    return any(h.product.is_suite and h.disabled & skus.PHONE and not h.groups for h in held)


def _is_error(state: Mapping[str, Any]) -> bool:
    return fold(str(state.get("error") or "None")) != "none"


def _text(value: Any) -> str | None:
    return clean(str(value)) or None if value else None
