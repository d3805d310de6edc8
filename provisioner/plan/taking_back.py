"""Taking back what was done to one person: what is said of each effect, and the drafts that come of it.

An effect is due where the phone system still has what the changes left. Where it has what was there
before, nothing is left to do; anything else somebody chose since, and that stays.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from connectors.records import PhoneUser, Risk, Value, fold
from provisioner.plan.differences import Case
from provisioner.plan.draft import Draft, Ground
from provisioner.plan.effects import Done, Effect, alike, effects
from provisioner.plan.model import Conflict
from provisioner.plan.services import has_phone, taken, what_went

_THINGS = {
    "package": "the calling packages",
    "number": "the direct numbers",
    "delegate": "the delegates",
    "extension": "the extension number",
    "delegation": "the delegates' privileges",
    "emergency": "the emergency address",
    "credit": "the communication-credit license",
}


@dataclass(slots=True)
class Inverse:
    """What taking back comes to, for everybody: drafts, each with the effects that it inverts.

    `settled`: effects that are as before already. `pending`: those that the phone system accepted
    and doesn't show yet. `notes`: sentences about what can't be taken back.
    """

    drafts: list[tuple[Draft, tuple[Effect, ...]]] = field(default_factory=list)
    conflicts: list[Conflict] = field(default_factory=list)
    settled: list[Effect] = field(default_factory=list)
    pending: list[Effect] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def note(self, sentence: str) -> None:
        """Add a sentence, once."""
        if sentence not in self.notes:
            self.notes.append(sentence)


def which(done: Iterable[Done]) -> str:
    """Return how changes of one run are called: `change 12 of plan 7`, `changes 3, 12 and 14 of plan 7`."""
    done = list(done)
    *first, last = sorted({each.change.seq for each in done})
    if not first:
        return f"change {last} of plan {done[0].plan}"
    return f"changes {', '.join(map(str, first))} and {last} of plan {done[0].plan}"


class TakingBack:
    """One person's effects on their way to drafts.

    `goes`: what goes along with a license or an account that is taken back (`everything` with the
    account itself). `licensed`: whether they hold a phone license when it is done. `unable`: why
    nothing can be done for them now, None if it can.
    """

    def __init__(
        self,
        done: Sequence[Done],
        actual: PhoneUser | None,
        run: str,
        ground: Ground,
        found: Inverse,
    ) -> None:
        self.done, self.ground, self.found, self._run = done, ground, found, run
        self.first = done[0].change
        self.case = Case(fold(self.first.key), "in_scope", actual=actual)
        self.effects = effects(done)
        self.drafts: list[Draft] = []
        self.goes: frozenset[str] = frozenset()
        self.licensed = actual is not None and has_phone(actual)
        self.unable: str | None = None
        self._left: set[tuple[str, int]] = set()  # changes that stay, because of a conflict

    def of(self, *families: str) -> Iterator[Effect]:
        """Yield the effects of these families that are no part of what a conflict leaves alone."""
        for effect in self.effects:
            if effect.family in families and self._left.isdisjoint(map(_place, effect.of)):
                yield effect

    def is_due(self, effect: Effect, held: Value) -> bool:
        """Return whether the one thing that is held is what the changes left."""
        if alike(held, effect.before):
            self.settle(effect)
        elif not alike(held, effect.after):
            self.conflict(effect, f"it is {_said(held)} now")
        else:
            return True
        return False

    def is_due_among(self, effect: Effect, held: Collection[str]) -> bool:
        """Return whether among the several things that are held is what the changes left."""
        names = set(map(fold, held))
        old = effect.before is not None and fold(str(effect.before)) in names
        new = effect.after is not None and fold(str(effect.after)) in names
        if (old or effect.before is None) and not new:
            self.settle(effect)
        elif old or not (new or effect.after is None):
            self.conflict(effect, f"they are {', '.join(sorted(held)) or 'none'} now")
        else:
            return True
        return False

    def settle(self, effect: Effect) -> None:
        """Note that an effect is no more, or not yet there to see."""
        waits = any(done.change.state == "settling" for done in effect.of)
        (self.found.pending if waits else self.found.settled).append(effect)

    def conflict(self, effect: Effect, now: str) -> None:
        """Leave alone what a change is named for, with all that it took along; else this alone.

        `now` says what is so.
        """
        self._left.update(_place(done) for done in effect.of if _is_named_for(done, effect))
        thing, left = _THINGS.get(effect.family, f"the {effect.family}"), _said(effect.after)
        if effect.after is None and effect.before is not None:
            left = f"without {_said(effect.before)}"
        actual = self.case.actual
        self.found.conflicts.append(
            Conflict(
                keys=(self.first.key,),
                users=(self.first.user,),
                where=() if actual is None else (actual.id,),
                reason=f"{which(effect.of)} left {thing} {left}, and {now}: that stays as it is",
            )
        )

    def draft(
        self,
        kind: str,
        effect: Effect,
        before: Value,
        after: Value,
        risk: Risk,
        consequences: Iterable[str] = (),
        *others: Effect,
    ) -> Draft | None:
        """Add the draft that inverts an effect (and `others`).

        None, and a conflict, where nothing can be done for this person now.
        """
        if self.unable is not None:
            self.conflict(effect, self.unable)
            return None
        inverted = [done for each in (effect, *others) for done in each.of]
        actual, newest = self.case.actual, effect.of[-1]
        draft = Draft(
            *(kind, self.case, before, after, newest.change.rule, risk, list(consequences)),
            cause="undo",
            because=f"undoes {which(inverted)} (run {self._run})",
            title=f"undoes: {newest.title or newest.change.because}",
            user=self.first.user,
            key=self.first.key,
            id=actual.id if actual else self.first.id,
        )
        self.drafts.append(draft)
        self.found.drafts.append((draft, (effect, *others)))
        return draft

    def give(self, kind: str, effect: Effect, before: Value, risk: Risk) -> None:
        """Draft what gives back something that needs a phone license."""
        draft = self.draft(kind, effect, before, effect.before, risk)
        if draft is not None and not self.licensed:
            draft.block(f"{self.first.user} has no phone license, without which it can't be given")

    def not_ours(self, actual: PhoneUser, takes: Collection[str]) -> str:
        """Return in words what the user holds of these that the changes didn't give; "" if nothing."""
        ours = [(e.family, e.after) for e in self.effects]
        held = filter(None, map(what_went, taken(actual, takes)))
        return ", ".join(
            f"{family} {name}" if isinstance(name, str) else "communication credits"
            for family, name in held
            if not any(family == each and alike(name, after) for each, after in ours)
        )


def _is_named_for(done: Done, effect: Effect) -> bool:
    family = done.change.kind.partition(".")[0]
    return effect.family == ("account" if family == "user" else family)


def _place(done: Done) -> tuple[str, int]:
    return done.plan, done.change.seq


def _said(value: Value) -> str:
    if isinstance(value, bool):
        return "given" if value else "none"
    return "none" if value is None else str(value)
