"""Explaining one person: what the store remembers of them, what the phone system has, and what the mapping says.

Nobody else is read for it: what directories say comes from their last accepted read, what was pushed
from the receiver's store, and of the phone system their one user is asked for. Only somebody whom the
store doesn't know is looked for in the directories themselves.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import reduce

import msgspec
from sqlalchemy import Connection

from connectors.errors import ProvisionerError, RunError
from connectors.records import Change, Person, PhoneUser, Value, fold
from mappings.load import PLACES
from mappings.whereabouts import Whereabouts
from provisioner.audit.calls import collecting
from provisioner.joining import join
from provisioner.memory import Binding
from provisioner.plan.calendar import Calendar, Days, standing_on
from provisioner.plan.called import folded_name
from provisioner.plan.document import instant
from provisioner.plan.explain import Explainer
from provisioner.plan.explain_now import Facts, filled_in
from provisioner.plan.explanation import Explanation, Standing, WhyNot
from provisioner.plan.model import Plan
from provisioner.plan.name_index import checksum
from provisioner.plan.places import as_person, is_touchable, place_case
from provisioner.plan.why_not import entitlement_called, why_not
from provisioner.planning import grace_s, uses_of, warming_of
from provisioner.pools import NumberPool
from provisioner.progress import Progress, Silent
from provisioner.reads import Uses
from provisioner.store import history, quarantine
from provisioner.store import people as people_store
from provisioner.store.database import reading as store_reading
from provisioner.store.entry_names import called
from provisioner.whom import Known, Whom
from provisioner.wiring import MOMENT_S, Site, Stop, Stopped, Wired, wire, wire_phone


@dataclass(frozen=True, slots=True)
class Question:
    """Who is asked about: `user` by any of their names (whom.py); `why_not`: (entitlement, value).

    `offline`: without asking the phone system.
    """

    user: str
    why_not: tuple[str, str] | None = None
    offline: bool = False


def asked_about(text: str) -> tuple[str, str]:
    """Return what `--why-not` asks about, (entitlement, value). Raises RunError.

    >>> asked_about("package=US/CA Unlimited")
    ('packages', 'US/CA Unlimited')
    """
    name, equals, value = text.partition("=")
    if not (equals and name.strip() and value.strip()):
        raise RunError(
            f"--why-not takes ENTITLEMENT=VALUE, not {text!r}",
            remedy="as in --why-not license=zoom_phone",
        )
    try:
        return entitlement_called(name.strip()), value.strip()
    except ValueError as error:
        raise RunError(f"--why-not: {error}", remedy="as in --why-not license=zoom_phone") from None


class _Hasty(Stop):
    """Waits for nothing but a request's place in a rate: who asks about one person doesn't wait for a retry."""

    def sleep(self, seconds: float) -> None:
        """Wait a moment; raises Stopped for longer."""
        if seconds > MOMENT_S:
            raise Stopped("it doesn't answer now")
        super().sleep(seconds)


def explain(
    site: Site, name: str, question: Question, progress: Progress | None = None
) -> Explanation:
    """Return why one person of a sync has what they have.

    Raises RunError, with the nearest known names, if nobody is called so, and with all of them if
    several people are.
    """
    hasty, calls = collecting(replace(site, stop=_Hasty()), sync=name)
    patient = replace(hasty, stop=site.stop)
    try:
        return _Asked(hasty, patient, name, question, progress or Silent()).answer()
    finally:
        calls.flush()


class _Asked:
    """One question about one person of one sync; a `patient` site waits for what takes many requests."""

    def __init__(
        self, site: Site, patient: Site, name: str, question: Question, progress: Progress
    ) -> None:
        self._site, self._question = site, question
        self._sync = site.config.syncs[name]
        self._wired: Wired = wire(site, self._sync)
        self._now = site.now()
        self._uses = uses_of(self._wired)
        phone = None if question.offline else lambda: wire_phone(patient, self._sync)
        self._whom = Whom(site, self._wired, question.user, progress, phone)

    def answer(self) -> Explanation:
        """Return the explanation. Raises RunError."""
        known = self._whom.find()
        if isinstance(known, PhoneUser):
            return self._of_nobody(known)
        with store_reading(self._site.engine) as connection:
            plan = history.newest_plan_of(connection, self._sync.name, known.key)
            past = history.past_of(connection, self._sync.name, known.key)
            found = people_store.bound_some(connection, self._sync.name, [known.key])
            applied = people_store.last_applied(connection, self._sync.name, [known.key])
            state = self._standing(connection, known, next(iter(found), None), plan)
        where = Whereabouts(self._sync.mapping)
        explainer = Explainer(self._wired.mapping, where, self._uses, known.parts)
        binding = next(iter(found), None)
        bound = known.phone_id if binding is None else binding.phone_id
        user, phone = self._phone_user(explainer.person, bound, plan)
        calendar = Calendar.of_mapping(self._wired.mapping, self._now)
        days = None if calendar is None else calendar.of(explainer.person.resource)
        standing = standing_on(days, explainer.standing)
        standing = "gone" if known.gone else standing
        facts = self._facts(explainer, standing, user, plan, past, applied)
        told = self._told(explainer, facts, known, binding)
        pending = user is not None and user.status == "pending"
        return msgspec.structs.replace(
            told,
            reads=known.reads,
            phone=phone,
            state=msgspec.structs.replace(state, pending=pending),
            why_not=self._why_not(explainer),
            notes=(*known.notes, *_said(days)),
        )

    def _facts(
        self,
        explainer: Explainer,
        standing: str,
        user: PhoneUser | None,
        plan: Plan | None,
        past: Sequence[history.Past],
        applied: Mapping[tuple[str, str], Value],
    ) -> Facts:
        abilities = self._wired.phone.abilities
        return Facts(
            explainer=explainer,
            standing=standing,
            user=user,
            read_at=None if user is None else self._now,
            unreadable={
                what: value for (_, what), value in applied.items() if what in abilities.unreadable
            },
            plan=plan,
            past=past,
            claims=self._claims,
            pools=self._sync.pools,
            needless=abilities.needless,
        )

    def _told(
        self, explainer: Explainer, facts: Facts, known: Known, binding: Binding | None
    ) -> Explanation:
        user = facts.user
        bound = binding.phone_id if binding else None
        about = Explanation(
            sync=self._sync.name,
            user=explainer.person.user,
            key=explainer.person.key,
            id=bound if user is None else user.id,
            at=self._now,
            standing=facts.standing,
            scope=None if known.gone else explainer.scope(),
            mapping=str(self._sync.mapping),
            attributes=explainer.attributes(),
            groups=explainer.groups(),
            entitlements=explainer.entitlements(),
            without=() if known.gone else explainer.without(),
        )
        return filled_in(about, facts)

    def _why_not(self, explainer: Explainer) -> WhyNot | None:
        asked = self._question.why_not
        if asked is None:
            return None
        means = {"number": self._is_of_pool, "delegates": self._is_whom}.get(asked[0])
        return why_not(explainer, *asked) if means is None else why_not(explainer, *asked, means)

    def _is_of_pool(self, given: str, number: str) -> bool:
        """Tell whether a pool, as plans write it, has a number."""
        pool = self._sync.pools.get(given.removeprefix("pool:"))
        return pool is not None and NumberPool(given, pool, None).has(number)

    def _is_whom(self, given: str, name: str) -> bool:
        """Tell whether two names are one person's, as of the last accepted read."""
        names = [folded_name(given), folded_name(name)]
        with store_reading(self._site.engine) as connection:
            found = called(connection, self._sync.name, names)
        one, other = ({checksum(each), *(key for _, key in found[each])} for each in names)
        return not one.isdisjoint(other)

    def _claims(self, plan: str, kind: str) -> list[Change]:
        with store_reading(self._site.engine) as connection:
            return history.claims(connection, plan, kind)

    def _of_nobody(self, user: PhoneUser) -> Explanation:
        """Explain a phone user of nobody in the directories."""
        if (touched := is_touchable(user, self._wired.manages)) and place_case(
            self._wired.mapping, user
        ):
            return self._of_place(user)
        held = {"license": user.license, "packages": user.packages, "numbers": user.numbers}
        has = "; ".join(
            f"{n} {v if isinstance(v, str) else ', '.join(v)}" for n, v in held.items() if v
        )
        what = "a phone user" if user.kind == "person" else f"a {user.kind.replace('_', ' ')}"
        decides = f"`unmanaged: {self._wired.mapping.unmanaged}` decides"
        if user.kind != "person":
            decides = "no rule names it" if touched else "the sync's `manages` doesn't name it"
        note = f"{what} of nobody in the directories; {decides}; they have {has or 'nothing'}"
        return Explanation(
            sync=self._sync.name,
            user=user.user,
            key=user.key or user.id,
            id=user.id,
            at=self._now,
            standing="unmanaged",
            mapping=str(self._sync.mapping),
            phone="read now",
            notes=(note,),
        )

    def _of_place(self, user: PhoneUser) -> Explanation:
        """Explain a room or common area that a rule of its kind names."""
        mapping = self._wired.mapping.places[user.kind]
        section = next(name for name, kind in PLACES.items() if kind == user.kind)
        where, uses = (
            Whereabouts(self._sync.mapping, section),
            Uses(tuple(mapping.uses_paths), None),
        )
        explainer = Explainer(mapping, where, uses, [("phone system", as_person(user))])
        known = Known(fold(user.key or user.id), [], ())
        with store_reading(self._site.engine) as connection:
            plan = history.newest_plan_of(connection, self._sync.name, known.key)
            past = history.past_of(connection, self._sync.name, known.key)
            applied = people_store.last_applied(connection, self._sync.name, [known.key])
        facts = self._facts(explainer, "place", user, plan, past, applied)
        told = self._told(explainer, facts, known, None)
        return msgspec.structs.replace(
            told,
            user=user.user,
            scope=None,
            without=(),
            phone="read now",
            why_not=self._why_not(explainer),
        )

    # How they stand

    def _phone_user(
        self, person: Person, bound: str | None, plan: Plan | None
    ) -> tuple[PhoneUser | None, str]:
        """Return their phone user (of the id `bound`, if that is known) as it is now, and from when that is."""
        otherwise = (
            "never read"
            if plan is None
            else f"as plan {plan.id} of {instant(plan.created_at)} knew it"
        )
        if self._question.offline:
            return None, f"not asked; {otherwise}"
        delegates = () if "delegates" in self._wired.mapping.managed else None
        stub = PhoneUser("", key=person.key, email=person.email, delegates=delegates)
        if bound is not None:
            stub = PhoneUser(bound, delegates=delegates)
        try:
            users = list(self._wired.phone.read_some([stub]))
        except ProvisionerError as error:
            return None, f"can't be asked ({error.message}); {otherwise}"
        if bound is None and users:
            with store_reading(self._site.engine) as connection:
                ids = [user.id for user in users]
                owners = people_store.bound_to(connection, self._sync.name, ids)
            users = [user for user in users if user.id not in owners]
        if not users:
            return None, "read now: they have no phone user there"
        return users[0], "read now"

    def _standing(
        self, connection: Connection, known: Known, binding: Binding | None, plan: Plan | None
    ) -> Standing:
        sync, now = self._sync.name, self._now
        parked = {p.key: p for p in quarantine.parked_people(connection, [sync], now)}.get(
            known.key
        )
        slowed = next(iter(quarantine.quarantined(connection, [sync], now)), None)
        person = reduce(join, [each for _, each in known.parts])
        protected = self._wired.protected
        alone = [c for c in plan.conflicts if known.key in map(fold, c.keys)] if plan else []
        return Standing(
            protected=protected is not None and protected.matches(person.resource),
            leaver=self._leaver(binding, known.parts),
            parked=parked and f"left alone until {instant(parked.until)}: {parked.reason}",
            sync_parked=slowed and f"the sync waits until {instant(slowed.until)}: {slowed.reason}",
            conflicts=tuple(alone),
            warming=warming_of(connection, self._wired),
        )

    def _leaver(self, binding: Binding | None, parts: Sequence[tuple[str, Person]]) -> str | None:
        if binding is None or binding.gone_since is None:
            return None
        leavers = self._wired.mapping.leavers
        after = leavers.after
        if after is None:
            after = timedelta(seconds=grace_s(self._sync, parts))
        until: datetime = binding.gone_since + after
        ended = "ended" if until <= self._now else "ends"
        since = instant(binding.gone_since)
        return f"left: seen so first at {since}; leavers.do {leavers.do}; the grace {ended} {instant(until)}"


def _said(days: Days | None) -> list[str]:
    told = days and days.in_words()
    return [told] if told else []
