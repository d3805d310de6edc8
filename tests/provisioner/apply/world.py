"""A small world to apply plans in: a store, a clock, and a phone system in memory that can misbehave.

The phone system keeps a list of everything that took effect, so that a test can say that nothing was
done twice. What goes wrong is scripted, one `Trouble` for each change that it is asked to carry out.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any, Literal, TypeAlias

import msgspec
import pytest
from sqlalchemy import Engine, event

from connectors.errors import RunError, TransientError
from connectors.records import Abilities, Call, Catalog, Change, Outcome, PhoneUser, fold
from provisioner.apply import Allowance, Applied, apply_plan
from provisioner.apply.sending import Sender
from provisioner.config import load_config
from provisioner.plan.model import Base, Plan, Summary
from provisioner.store import decisions as decision_store
from provisioner.store import plans as plan_store
from provisioner.store.database import open_database, reading
from provisioner.store.tables import leases
from provisioner.wiring import Site, Stop

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
BASE = Base(directory="sha256:d", phone="sha256:p", mapping="sha256:m", memory="sha256:e")
CONFIG = """
version: 1
store: sqlite:///store.db
syncs:
  emea:
    directories: [{kind: csv, name: hr, path: people.csv}]
    mapping: mapping.yaml
    phone_system: {kind: snapshot, path: phone.jsonl}
"""

Trouble: TypeAlias = Literal[
    "ok",  # carried out
    "failed",  # refused, for this person
    "stale",  # refused: not as the plan saw it
    "busy",  # a 429: nothing happened
    "lost before",  # the connection broke, nothing happened
    "lost after",  # the connection broke, and it took effect
    "forgotten",  # it took effect, and no outcome is told
    "settling",  # accepted, shown in the next run
    "not yet",  # not possible yet, nothing happened
    "refused",  # the credentials are no good any more
    "killed before",  # our process dies, nothing happened
    "killed after",  # our process dies, and it took effect
]


class Killed(BaseException):
    """The process is gone: nothing of it runs any more, not even what tidies up."""


ABILITIES = Abilities(
    kinds=frozenset(
        {
            "user.create", "user.deactivate", "user.delete", "profile.update", "license.assign",
            "license.remove", "package.assign", "package.remove", "number.assign", "number.release",
            "site.set", "extension.set", "template.apply", "delegate.add", "delegate.remove",
        }
    ),
    license_takes=frozenset({"packages", "numbers"}),
    last_package_takes=frozenset({"numbers"}),
    deactivation_takes=frozenset({"license", "packages", "numbers"}),
)  # fmt: skip


@dataclass
class Phone:
    """A phone system in memory. `hides`: for so many reads nothing shows that was added."""

    users: dict[str, PhoneUser] = field(default_factory=dict)
    abilities: Abilities = field(default_factory=lambda: ABILITIES)
    script: Iterator[Trouble] = field(default_factory=lambda: iter(()))
    a_call: int = 1
    hides: int = 0
    done: list[tuple[str, str, object]] = field(default_factory=list)
    calls_made: int = 0
    reads: int = 0
    dead: bool = False
    hidden: dict[str, PhoneUser | None] = field(default_factory=dict)
    settling: list[Change] = field(default_factory=list)
    hides_now: int = 0

    def catalog(self, *, numbers: bool = True) -> Catalog:
        return Catalog()

    def check(self) -> None:
        return

    def read(self, delegators: Iterable[str] = ()) -> Iterator[PhoneUser]:
        return iter(list(self.users.values()))

    def read_some(self, users: Iterable[PhoneUser]) -> Iterator[PhoneUser]:
        self._die_if_dead()
        self.reads += 1
        shown = self.users
        if self.hides_now > 0:
            self.hides_now -= 1
            old = {id: user for id, user in self.hidden.items() if user is not None}
            shown = {id: u for id, u in self.users.items() if id not in self.hidden} | old
        else:
            self.hidden.clear()
        for stub in list(users):
            found = shown.get(stub.id) or next(
                (
                    u
                    for u in shown.values()
                    if stub.email and fold(u.email or "") == fold(stub.email)
                ),
                None,
            )
            if found is not None:
                yield found

    def calls(self, changes: Iterable[Change]) -> list[Call]:
        """Group neighbours of the same kind, `a_call` at most."""
        found: list[Call] = []
        for kind, same in groupby(sorted(changes, key=lambda c: c.seq), key=lambda c: c.kind):
            listed = list(same)
            found += [
                # each change is a request of its own, whatever call it goes with
                Call(kind, "light", tuple(some), requests=len(some))
                for n in range(0, len(listed), self.a_call)
                if (some := listed[n : n + self.a_call])
            ]
        return found

    def carry_out(self, changes: Iterable[Change]) -> Iterator[Outcome]:
        self._die_if_dead()
        self.calls_made += 1
        for change in changes:
            trouble = next(self.script, "ok")
            before, after = trouble.endswith("before"), trouble.endswith("after")
            if trouble in ("ok", "forgotten") or after:
                self._effect(change)
            if trouble in ("killed before", "killed after"):
                self.dead = True
                raise Killed
            if before or after:
                raise TransientError("the connection broke off", in_doubt=True)
            if trouble == "busy":
                raise TransientError("too many requests")
            if trouble == "refused":
                raise RunError("the credentials were refused")
            if trouble == "settling":
                self.settling.append(change)
                yield Outcome(change.seq, "settling")
            elif trouble == "not yet":
                yield Outcome(change.seq, "planned", "scripted: not possible yet")
            elif trouble in ("failed", "stale"):
                yield Outcome(change.seq, trouble, f"scripted: {trouble}")  # type: ignore[arg-type]
            elif trouble == "ok":
                yield Outcome(change.seq, "done", id=self._id(change) if _makes(change) else None)

    def settle(self) -> None:
        """Let what was accepted take effect."""
        for change in self.settling:
            self._effect(change)
        self.settling.clear()

    def _die_if_dead(self) -> None:
        if self.dead:
            raise Killed

    def _id(self, change: Change) -> str:
        return change.id or f"new-{fold(change.key)}"

    def _effect(self, change: Change) -> None:
        self.done.append((change.kind, change.key, change.after or change.before))
        id = self._id(change)
        was = self.users.get(id)
        self.hidden.setdefault(id, was)
        self.hides_now = self.hides
        user = was or PhoneUser(id, key=change.key, email=change.user)
        family, _, verb = change.kind.partition(".")
        if family == "license":
            user = msgspec.structs.replace(user, license=change.after)
        elif family in ("package", "number", "delegate"):
            name = {"package": "packages", "number": "numbers", "delegate": "delegates"}[family]
            held: set[str] = {*(getattr(user, name) or ())} - {str(change.before)}
            held |= {str(change.after)} if change.after else set()
            user = msgspec.structs.replace(user, **{name: tuple(sorted(held))})
        elif family in ("site", "extension", "template"):
            name = {"extension": "extension_number"}.get(family, family)
            user = msgspec.structs.replace(user, **{name: change.after})
        elif family == "profile":
            assert isinstance(change.after, dict)
            user = msgspec.structs.replace(user, **change.after)
        elif verb == "deactivate":
            user = msgspec.structs.replace(user, status="inactive", license=None, packages=())
        if verb == "delete":
            del self.users[id]
        else:
            self.users[id] = user


def _makes(change: Change) -> bool:
    return change.kind == "user.create"


class Hurried(Stop):
    """Whoever would wait goes on at once, unless a stop was asked for; says how long it would have been."""

    def __init__(self) -> None:
        super().__init__()
        self.waits: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        super().sleep(0)


class World:
    """A store, a clock, and a phone system; `apply` runs what `provisioner apply` runs."""

    def __init__(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch, phone: Phone, store: str = ""
    ) -> None:
        (folder / "config.yaml").write_text(CONFIG, encoding="utf-8")
        for name in ("mapping.yaml", "people.csv", "phone.jsonl"):
            (folder / name).touch()
        config = load_config(folder / "config.yaml")
        self.phone, self.clock, self.stop = phone, NOW, Hurried()
        self.engine: Engine = open_database(store or config.store)
        self.site = Site(config, self.engine, self.stop, lambda: self.clock)
        monkeypatch.setattr("provisioner.apply.run.wire_phone", lambda site, sync: self.phone)
        monkeypatch.setattr("provisioner.apply.run.Sender", partial(Sender, jitter=max))
        event.listen(self.engine, "begin", lambda _: self.phone._die_if_dead())

    def record(self, *changes: Change, approved: bool = True, **members: Any) -> str:
        """Record a plan; `approved`: adopt its sync, and approve all of it. Returns the id."""
        given: dict[str, Any] = {
            "id": "", "sync": "emea", "created_at": self.clock, "as_of": self.clock, "base": BASE,
            "summary": Summary(people=10, unchanged=0, changes={}), "changes": changes,
        }  # fmt: skip
        with self.engine.begin() as connection:
            plan = plan_store.record(connection, Plan(**(given | members)))
        if approved:
            self.decide(plan.id, "approved")
        return plan.id

    def adopt(self) -> None:
        """Let the sync's policy decide from now on."""
        with self.engine.begin() as connection:
            decision_store.adopt(connection, "emea", "eva", self.clock)

    def decide(self, plan: str, decision: Any) -> None:
        """Decide about a whole plan."""
        self.adopt()
        with self.engine.begin() as connection:
            loaded = plan_store.load(connection, plan)
            expires = timedelta(days=14)
            decision_store.decide(connection, loaded, decision, "eva", self.clock, expires)

    def apply(self, plan: str, *script: Trouble, parked: bool = True, **allowance: Any) -> Applied:
        """Apply a plan; `script` is what goes wrong with its changes, one after the other.

        Not `parked`: as runs do that nobody asked for.
        """
        self.phone.script = iter(script)
        return apply_plan(self.site, plan, Allowance(**allowance, parked=parked))

    def die(self, plan: str, *script: Trouble) -> None:
        """Apply a plan in a process that is killed on the way; the next one begins anew."""
        try:
            with pytest.raises(Killed):
                self.apply(plan, *script)
        finally:
            self.revive()

    def revive(self) -> None:
        """Let the machine be on again: the dead process's claim is seen to be one."""
        self.phone.dead = False
        with self.engine.begin() as connection:
            connection.execute(leases.delete())

    def states(self, plan: str) -> list[str]:
        """Return the state of each change, by seq."""
        with reading(self.engine) as connection:
            return [change.state for change in plan_store.load(connection, plan).changes]

    def reasons(self, plan: str) -> list[str | None]:
        """Return the reason of each change's state, by seq."""
        with reading(self.engine) as connection:
            return [change.reason for change in plan_store.load(connection, plan).changes]


def phone_with(*names: str, **members: Any) -> Phone:
    """Return a phone system whose users have a license and these members."""
    given = {"license": "zoom_phone", **members}
    users = (PhoneUser(f"p-{n}", key=n.upper(), email=f"{n}@example.org", **given) for n in names)
    return Phone({user.id: user for user in users})


def change(seq: int, kind: str, who: str, before: Any, after: Any, **members: Any) -> Change:
    """Return a planned change of somebody who is there; `id=None` for somebody who isn't yet."""
    fixed = {"user": f"{who}@example.org", "key": who.upper(), "id": f"p-{who}"}
    return Change(seq=seq, kind=kind, before=before, after=after, **(fixed | members))


def gives(seq: int, who: str, package: str = "basic", **members: Any) -> Change:
    """Return the change that gives somebody a package."""
    return change(seq, "package.assign", who, None, package, **members)


def takes(seq: int, who: str, **members: Any) -> Change:
    """Return the change that takes somebody's license."""
    fixed: dict[str, Any] = {"risk": "destructive", **members}
    fixed.setdefault("consequences", ("license zoom_phone is freed",))
    return change(seq, "license.remove", who, "zoom_phone", None, **fixed)


def joins(first: int, who: str, *packages: str) -> list[Change]:
    """Return an account, a license and packages for somebody new."""
    new: dict[str, Any] = {"id": None}
    account = change(first, "user.create", who, None, f"{who}@example.org", **new)
    license = change(first + 1, "license.assign", who, None, "zoom_phone", needs=(first,), **new)
    rest = [
        gives(first + 2 + n, who, package, needs=(first, first + 1), **new)
        for n, package in enumerate(packages)
    ]
    return [account, license, *rest]


Made: TypeAlias = Callable[..., World]


def copied(template: Path, folder: Path) -> None:
    """Put a fresh copy of an empty store in a folder: making one takes longer."""
    shutil.copy(template, folder / "store.db")


def people_left(result: Applied) -> Sequence[str]:
    """Return whom a run left alone, in order."""
    return list(dict.fromkeys(change.key.lower() for change, _, _ in result.left))
