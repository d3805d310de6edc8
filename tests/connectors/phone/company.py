"""The company of the promise tests: who works there, what can be done to them, how to look.

It is told in the snapshot's lines and in names that a Zoom account could have; a phone system that
knows other names gets its own `Names`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from connectors.records import Change, Outcome, PhoneSystem, PhoneUser, Value


@dataclass(frozen=True)
class Names:
    """What the vendor calls the things of the company."""

    license: str = "zoom_phone"
    package: str = "US/CA Unlimited Calling Plan"
    other: str = "US/CA Metered Calling Plan"
    site: str = "Munich"


Build = Callable[[Path, list[str]], AbstractContextManager[PhoneSystem]]
"""Gives a phone system that has what the snapshot's lines tell, in a folder of its own."""


@dataclass(frozen=True)
class House:
    """One kind of phone system under test."""

    build: Build
    names: Names = Names()
    settling: frozenset[str] = frozenset()  # kinds that it takes in, and makes effective later

    def given(self, kind: str) -> str:
        """The outcome of a change that gives something."""
        return "settling" if kind in self.settling else "done"


FIRST, SECOND, FREE, SPARE = (f"+1202555010{n}" for n in range(4))
SEATS = 40


def company(names: Names) -> list[dict[str, Any]]:
    """Everybody who works in these tests; `full` ones hold license and package."""
    full = {"license": names.license, "packages": [names.package]}
    people: dict[str, dict[str, Any]] = {
        "eva": full | {"numbers": [FIRST], "delegates": ["jan@example.org"]},
        "jan": full | {"numbers": [SECOND], "key": "k-jan"},
        "ada": full,
        "max": {"license": names.license},
        "new": {},
        "off": {"status": "inactive"},
    }
    people |= {f"busy{n:02}": full | {"delegates": ["ada@example.org"]} for n in range(15)}
    people["boss"] = full | {"delegates": [f"busy{n:02}@example.org" for n in range(15)]}
    return told(people)


def told(people: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """The snapshot's lines of people by their short names; who has a license has an extension."""
    lines = []
    for place, (name, members) in enumerate(people.items()):
        line = {"id": f"id-{name}", "key": f"k-{name}", "email": f"{name}@example.org"}
        line["display_name"] = f"{name.title()} Example"
        extension = {"extension_number": str(5000 + place)} if "license" in members else {}
        lines.append(line | extension | members)
    return lines


def catalog(names: Names, seats: int = SEATS) -> dict[str, Any]:
    """The account's catalog: one package is counted short by `seats`, the numbers are four."""
    return {
        "licenses": {names.license: 100},
        "packages": {names.package: seats, names.other: 100},
        "sites": [names.site],
        "numbers": [FIRST, SECOND, FREE, SPARE],
    }


Step = tuple[str, str, Value, Value]
"""A change in short: kind, whose, before, after."""


def steps(names: Names) -> list[Step]:
    """One change of every kind that can be read back, each possible in the company as it is."""
    return [
        ("license.assign", "new", None, names.license),
        ("license.remove", "eva", names.license, None),
        ("package.assign", "max", None, names.package),
        ("package.assign", "jan", names.package, names.other),
        ("package.remove", "jan", names.package, None),
        ("number.assign", "ada", None, FREE),
        ("number.assign", "jan", SECOND, FREE),
        ("number.release", "eva", FIRST, None),
        ("delegate.add", "jan", None, "eva@example.org"),
        ("delegate.remove", "eva", "jan@example.org", None),
        ("user.deactivate", "jan", "active", "inactive"),
        ("user.activate", "off", "inactive", "active"),
        ("profile.update", "jan", {"department": None}, {"department": "Sales"}),
    ]


@contextmanager
def one_seat(house: House, folder: Path) -> Iterator[PhoneSystem]:
    """A phone system whose only seat of a package is Jan's; Max has none."""
    names = house.names
    people: dict[str, dict[str, Any]] = {
        "jan": {"license": names.license, "packages": [names.package]},
        "max": {"license": names.license},
    }
    lines = [{"catalog": catalog(names, seats=1)}, *told(people)]
    with house.build(folder, [json.dumps(line) for line in lines]) as phone:
        yield phone


def everybody(phone: PhoneSystem) -> dict[str, PhoneUser]:
    """Read all, delegations included, by the name before the @."""
    users = {user.email or user.id: user for user in phone.read()}
    read = phone.read(delegators=[mail.lower() for mail in users])
    return {(user.email or user.id).partition("@")[0]: user for user in read}


def whole(phone: PhoneSystem, user: PhoneUser) -> PhoneUser:
    """Read one user fresh."""
    (fresh,) = phone.read_some([user])
    return fresh


def carried_out(phone: PhoneSystem, changes: list[Change]) -> list[Outcome]:
    """Carry changes out call by call, as apply does."""
    return [o for call in phone.calls(changes) for o in phone.carry_out(call.changes)]


def change(
    user: PhoneUser,
    kind: str,
    before: Value,
    after: Value,
    *,
    seq: int = 1,
    needs: tuple[int, ...] = (),
) -> Change:
    """A change of a user who is there."""
    return Change(
        seq=seq,
        kind=kind,
        user=user.user,
        key=user.key or user.id,
        id=user.id,
        before=before,
        after=after,
        needs=needs,
    )


def step(phone: PhoneSystem, names: Names, place: int) -> Change:
    """Return one of `steps` for the phone system; the test is skipped where it can't do that."""
    kind, who, before, after = steps(names)[place]
    if kind not in phone.abilities.kinds:
        pytest.skip(f"it has no {kind}")
    return change(everybody(phone)[who], kind, before, after)


def many(phone: PhoneSystem) -> list[Change]:
    """Return changes of several kinds and people in which later ones need earlier ones."""
    known = everybody(phone)
    (package,) = known["jan"].packages
    license = known["jan"].license
    changes = [
        change(known["eva"], "delegate.remove", "jan@example.org", None, seq=1),
        change(known["jan"], "number.release", SECOND, None, seq=2, needs=(1,)),
        change(known["jan"], "package.remove", package, None, seq=3, needs=(1, 2)),
        change(known["new"], "license.assign", None, license, seq=4),
        change(known["new"], "package.assign", None, package, seq=5, needs=(3, 4)),
        change(known["max"], "package.assign", None, package, seq=6),
        change(known["max"], "number.assign", None, SECOND, seq=7, needs=(2, 6)),
        change(known["new"], "number.assign", None, FREE, seq=8, needs=(5,)),
        change(known["max"], "delegate.add", None, "new@example.org", seq=9, needs=(5, 6)),
    ]
    return [c for c in changes if c.kind in phone.abilities.kinds]


def shows(user: PhoneUser, done: Change) -> bool:
    """Tell whether a user's read shows that a change was carried out."""
    held: dict[str, Callable[[], object]] = {
        "license": lambda: user.license,
        "package": lambda: user.packages,
        "number": lambda: user.numbers,
        "delegate": lambda: user.delegates or (),
    }
    kind, _, verb = done.kind.partition(".")
    if kind == "user":
        return user.status == {"activate": "active", "deactivate": "inactive"}[verb]
    if kind == "profile":
        assert isinstance(done.after, dict)
        return all(getattr(user, name) == value for name, value in done.after.items())
    now = held[kind]()
    if not isinstance(now, tuple):
        return now == done.after
    return done.before not in now and (done.after is None or done.after in now)
