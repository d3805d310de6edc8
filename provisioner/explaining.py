"""Explaining one person: what the store remembers of them, what the phone system has, and what the mapping says.

Nobody else is read for it: what directories say comes from their last accepted read, what was pushed
from the receiver's store, and of the phone system their one user is asked for. Only somebody whom the
store doesn't know is looked for in the directories themselves.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import reduce
from itertools import chain

import msgspec
from sqlalchemy import Connection

from connectors.errors import ProvisionerError, RunError
from connectors.records import Change, Person, PhoneUser, Value, fold
from mappings.load import PLACES
from mappings.whereabouts import Whereabouts
from provisioner.audit.calls import collecting
from provisioner.joining import People, join
from provisioner.memory import Binding
from provisioner.plan.calendar import Calendar, Days, standing_on
from provisioner.plan.document import instant
from provisioner.plan.explain import Explainer
from provisioner.plan.explain_now import Facts, filled_in
from provisioner.plan.explanation import Explanation, Read, Standing, WhyNot
from provisioner.plan.happenings import Parts
from provisioner.plan.model import Plan
from provisioner.plan.places import as_person, is_touchable, place_case
from provisioner.plan.why_not import why_not
from provisioner.planning import grace_s, uses_of, warming_of
from provisioner.progress import Progress, Silent
from provisioner.reads import Reading, Uses
from provisioner.scim.pushed import Pushed
from provisioner.store import entries as entry_store
from provisioner.store import finding, history, quarantine
from provisioner.store import people as people_store
from provisioner.store.database import reading as store_reading
from provisioner.wiring import MOMENT_S, Site, Stop, Stopped, Wired, wire

_NAMED = 20


@dataclass(frozen=True, slots=True)
class Question:
    """Who is asked about: `user` by mail, userName, key or phone user's id; `why_not`: (entitlement, value).

    `offline`: without asking the phone system.
    """

    user: str
    why_not: tuple[str, str] | None = None
    offline: bool = False


class _Hasty(Stop):
    """Waits for nothing but a request's place in a rate: who asks about one person doesn't wait for a retry."""

    def sleep(self, seconds: float) -> None:
        """Wait a moment; raises Stopped for longer."""
        if seconds > MOMENT_S:
            raise Stopped("it doesn't answer now")
        super().sleep(seconds)


@dataclass(slots=True)
class _Known:
    """One person, as they were found: `parts` as of their `reads`; `gone`: they are last known so."""

    key: str
    parts: Parts
    reads: tuple[Read, ...]
    gone: bool = False
    notes: tuple[str, ...] = ()


def explain(
    site: Site, name: str, question: Question, progress: Progress | None = None
) -> Explanation:
    """Return why one person of a sync has what they have.

    Raises RunError, with the nearest known names, if nobody is called so, and with all of them if
    several people are.
    """
    site, calls = collecting(replace(site, stop=_Hasty()), sync=name)
    try:
        return _Asked(site, name, question, progress or Silent()).answer()
    finally:
        calls.flush()


class _Asked:
    """One question about one person of one sync."""

    def __init__(self, site: Site, name: str, question: Question, progress: Progress) -> None:
        self._site, self._question, self._progress = site, question, progress
        self._sync = site.config.syncs[name]
        self._wired: Wired = wire(site, self._sync)
        self._now = site.now()
        self._uses = uses_of(self._wired)
        self._people: People | None = (
            None  # whoever the directories have, where they were read for this
        )
        self._unread = ""
        self._spelled: set[str] = (
            set()
        )  # keys as the receiver spells them, of people new to the store

    def answer(self) -> Explanation:
        """Return the explanation. Raises RunError."""
        known = self._find()
        if known is None:
            return self._of_nobody()
        with store_reading(self._site.engine) as connection:
            plan = history.newest_plan_of(connection, self._sync.name, known.key)
            past = history.past_of(connection, self._sync.name, known.key)
            found = people_store.bound_some(connection, self._sync.name, [known.key])
            applied = people_store.last_applied(connection, self._sync.name, [known.key])
            state = self._standing(connection, known, next(iter(found), None), plan)
        where = Whereabouts(self._sync.mapping)
        explainer = Explainer(self._wired.mapping, where, self._uses, known.parts)
        binding = next(iter(found), None)
        user, phone = self._phone_user(explainer.person, binding, plan)
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
        self, explainer: Explainer, facts: Facts, known: _Known, binding: Binding | None
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
        return None if asked is None else why_not(explainer, *asked)

    def _claims(self, plan: str, kind: str) -> list[Change]:
        with store_reading(self._site.engine) as connection:
            return history.claims(connection, plan, kind)

    # Who it is

    def _find(self) -> _Known | None:
        """Return who is meant; None if it may only be a phone user of nobody's."""
        asked, sync = self._question.user, self._sync.name
        with store_reading(self._site.engine) as connection:
            found = finding.called(connection, sync, asked)
            if not found and (key := finding.bound_as(connection, sync, asked)):
                found = {key: asked}
        pushed = self._pushed()
        if not found and pushed is not None:
            new = list(pushed.named({asked}))
            found = {fold(person.key): person.user for person in new}
            self._spelled = {person.key for person in new}
        if not found:
            return self._read_for_them()
        return self._remembered(self._only(found), pushed)

    def _only(self, found: dict[str, str]) -> str:
        if len(found) == 1:
            return next(iter(found))
        raise self._several((key, user) for key, user in found.items())

    def _several(self, found: Iterable[tuple[str, str]]) -> RunError:
        named = sorted(f"{user} (key {key})" for key, user in found)
        rest = f" and {len(named) - _NAMED} more" if len(named) > _NAMED else ""
        return RunError(
            f"several people are called {self._question.user!r}: {', '.join(named[:_NAMED])}{rest}",
            remedy="give the key of the one that you mean",
        )

    def _pushed(self) -> Pushed | None:
        return next((d for d in self._wired.directories if isinstance(d, Pushed)), None)

    def _remembered(self, key: str, pushed: Pushed | None) -> _Known | None:
        """Return what each directory said of a folded key, and the pushed one says now."""
        sync, order = self._sync.name, [d.name for d in self._wired.directories]
        with store_reading(self._site.engine) as connection:
            there = entry_store.known_entries(connection, sync, [key]).get(key, [])
            last = entry_store.known_entries(connection, sync, [key], gone=True).get(key, [])
            times = history.last_reads(connection, sync)
        now = dict(there)
        if pushed is not None:
            spelled = {person.key for _, person in last} | self._spelled
            marked = [(each, each) for each in spelled]
            fresh = [p for p in pushed.read_some(marked) if fold(p.key) == key]
            now.pop(pushed.name, None)
            now |= {pushed.name: fresh[0]} if fresh else {}
        parts = now or dict(last)
        if not parts:
            return None
        reads = tuple(
            Read(
                directory=name,
                as_of=self._now if pushed and name == pushed.name else times.get(name),
                has_them=name in now,
                afresh=bool(pushed and name == pushed.name),
            )
            for name in order
        )
        ordered = [(name, parts[name]) for name in order if name in parts]
        return _Known(key, ordered, reads, gone=not now) if ordered else None

    def _read_for_them(self) -> _Known | None:
        """Look for somebody in the directories themselves; None if nobody there is called so."""
        readings = [Reading(d, self._uses, self._progress) for d in self._wired.directories]
        people, asked = People(readings), fold(self._question.user)
        try:
            found = {key: n for key, person, n in people if finding.is_called(person, asked)}
        except ProvisionerError as error:
            self._unread = f" (the directories can't be read now: {error.message})"
            return None
        self._people = people
        if not found:
            return None
        if len(found) > 1:
            raise self._several((key, people.at(number).user) for key, number in found.items())
        key, number = next(iter(found.items()))
        parts = people.parts(key, number)
        reads = tuple(
            Read(
                directory=reading.name,
                as_of=self._now,
                has_them=any(name == reading.name for name, _ in parts),
                afresh=True,
            )
            for reading in readings
        )
        note = "no accepted read has them yet, so the directories were read for this"
        return _Known(key, parts, reads, notes=(note,))

    def _of_nobody(self) -> Explanation:
        """Explain a phone user of nobody in the directories. Raises RunError if there is none, either."""
        asked = self._question.user
        stubs = [PhoneUser(asked, delegates=None), PhoneUser("", email=asked, delegates=None)]
        user: PhoneUser | None = None
        if not self._question.offline:
            try:
                user = next(iter(self._wired.phone.read_some(stubs)), None)
            except ProvisionerError as error:
                self._progress.stage(f"the phone system can't be asked: {error.message}")
        if user is None:
            raise self._unknown()
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
        known = _Known(fold(user.key or user.id), [], ())
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

    def _unknown(self) -> RunError:
        asked = self._question.user
        with store_reading(self._site.engine) as connection:
            names = chain(finding.known_names(connection, self._sync.name), self._names_read())
            near = finding.nearest(asked, names)
        said = f"; did you mean {' or '.join(near)}" if near else ""
        return RunError(
            f"nobody in sync {self._sync.name} is called {asked!r}{self._unread}{said}",
            remedy="give a work mail address, a userName, a key or a phone user's id",
        )

    def _names_read(self) -> Iterator[str]:
        """Yield the names of those whom the directories have, if they were read for this."""
        people = self._people
        for number in people.number.values() if people is not None else ():
            assert people is not None
            yield from finding.names_of(people.at(number))

    # How they stand

    def _phone_user(
        self, person: Person, binding: Binding | None, plan: Plan | None
    ) -> tuple[PhoneUser | None, str]:
        """Return their phone user as it is now, and in words from when what is told of it is."""
        otherwise = (
            "never read"
            if plan is None
            else f"as plan {plan.id} of {instant(plan.created_at)} knew it"
        )
        if self._question.offline:
            return None, f"not asked; {otherwise}"
        delegates = () if "delegates" in self._wired.mapping.managed else None
        stub = PhoneUser("", key=person.key, email=person.email, delegates=delegates)
        if binding is not None:
            stub = PhoneUser(binding.phone_id, delegates=delegates)
        try:
            users = list(self._wired.phone.read_some([stub]))
        except ProvisionerError as error:
            return None, f"can't be asked ({error.message}); {otherwise}"
        if binding is None and users:
            with store_reading(self._site.engine) as connection:
                ids = [user.id for user in users]
                owners = people_store.bound_to(connection, self._sync.name, ids)
            users = [user for user in users if user.id not in owners]
        if not users:
            return None, "read now: they have no phone user there"
        return users[0], "read now"

    def _standing(
        self, connection: Connection, known: _Known, binding: Binding | None, plan: Plan | None
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
