"""Several walks by index of the same lists at once, through two receivers of one store, while others write.

Whoever is there, and matches, from a walk's first page to its last is met by that walk. A walk that is the
only one of its list, with none given up of late, meets nobody twice.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    multiple,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import Engine

from connectors.records import ENTERPRISE
from provisioner.scim import users
from provisioner.scim.cursors import Cursors
from provisioner.scim.kinds import Kind
from provisioner.scim.query import Page, Query, Window, page
from provisioner.scim.tenant import Tenant
from provisioner.scim.walks import REMEMBERED_S, Walks, open_walks
from provisioner.store.direct import Direct
from tests.provisioner.scim.conftest import REGISTRY
from tests.provisioner.scim.pushing import BASE, Clock, operation, patch_user, push_user

USERS = Kind.users(REGISTRY.user)
DEPARTMENT = f"{ENTERPRISE}:department"
MATCHING = ["active eq true", f'{DEPARTMENT} eq "Sales"']
QUERIES = [
    Query.parse(USERS, None),
    Query.parse(USERS, MATCHING[0]),
    Query.parse(USERS, MATCHING[1]),
    Query.parse(USERS, None, "userName", descending=True),
    Query.parse(USERS, MATCHING[0], "displayName"),
    Query.parse(USERS, MATCHING[1], "title", descending=True),
]
SIZE = 2


@dataclass(frozen=True)
class Receiver:
    """One receiver: connections of its own to the store, and to what walks are kept in."""

    tenant: Tenant
    walks: Walks

    def page(self, query: Query, start: int) -> Page:
        client, cursors = self.walks.of("entra", self.tenant.sync), Cursors(self.tenant.store)
        return self.tenant.store.read(
            lambda session: page(
                session, self.tenant.sync, query, Window(SIZE, start), cursors, BASE,
                related=False, walks=client,
            )
        )  # fmt: skip


@dataclass(eq=False)
class Walker:
    """A client on its way. `staying`: who was there and matched from its first page on."""

    staying: set[str]
    alone: bool
    asked_at: int
    start: int = 1
    met: list[str] = field(default_factory=list)


class Walking(RuleBasedStateMachine):
    """What clients and identity providers may do; `stores` are those of two receivers."""

    stores: tuple[Direct, Direct]
    engine: Engine
    syncs = itertools.count()

    people = Bundle("people")
    walkers = Bundle("walkers")

    def __init__(self) -> None:
        super().__init__()
        self.now, self.names = 1_800_000_000, itertools.count()
        self.sync = f"together{next(self.syncs)}"
        self.receivers = [self.receiver(store) for store in self.stores]
        self.tenant = self.receivers[0].tenant
        self.matching = dict[str, bool]()
        self.walking = list[Walker]()
        self.littered_until = 0

    def receiver(self, store: Direct) -> Receiver:
        walks = open_walks(self.engine, lambda: self.now)
        assert walks is not None
        return Receiver(Tenant(self.sync, REGISTRY, store, Clock()), walks)

    def teardown(self) -> None:
        for receiver in self.receivers:
            receiver.walks.close()

    @initialize(target=people, query=st.sampled_from(QUERIES), count=st.integers(4, 12))
    def begin(self, query: Query, count: int) -> object:
        self.query = query
        return multiple(*(self.push(True) for _ in range(count)))

    @rule(target=people, matches=st.booleans())
    def push(self, matches: bool) -> str:
        n = next(self.names)
        id = push_user(
            self.tenant, f"u{n * 7919 % 1000:03}-{n}", active=matches,
            **({"displayName": f"D{n % 3}", "title": f"t{n % 4}"} if n % 5 else {}),
            **{ENTERPRISE: {"department": "Sales" if matches else "Legal"}},
        ).id  # fmt: skip
        self.matching[id] = matches or self.query.filter is None
        return id

    @rule(id=consumes(people))
    def delete(self, id: str) -> None:
        users.delete(self.tenant, id)
        del self.matching[id]
        self.gone(id)

    @rule(id=people, matches=st.booleans())
    def change(self, id: str, matches: bool) -> None:
        patch_user(
            self.tenant,
            id,
            operation("replace", "active", matches),
            operation("replace", DEPARTMENT, "Sales" if matches else "Legal"),
        )
        self.matching[id] = matches or self.query.filter is None
        if not self.matching[id]:
            self.gone(id)

    def gone(self, id: str) -> None:
        for walker in self.walking:
            walker.staying.discard(id)

    @rule(seconds=st.sampled_from([1, 60, REMEMBERED_S // 2, REMEMBERED_S - 1]))
    def wait(self, seconds: int) -> None:
        self.now += seconds
        for walker in list(self.walking):
            if self.now - walker.asked_at >= REMEMBERED_S:  # it was given up
                self.walking.remove(walker)
                self.littered_until = self.now + REMEMBERED_S

    @rule(target=walkers, receiver=st.booleans())
    def first_page(self, receiver: bool) -> object:
        for other in self.walking:
            other.alone = False
        staying = {id for id, matches in self.matching.items() if matches}
        alone = not self.walking and self.now >= self.littered_until
        walker = Walker(staying, alone, self.now)
        self.walking.append(walker)
        return walker if self.ask(walker, receiver) else multiple()

    @rule(target=walkers, walker=consumes(walkers), receiver=st.booleans())
    def next_page(self, walker: Walker, receiver: bool) -> object:
        going_on = walker in self.walking and self.ask(walker, receiver)
        return walker if going_on else multiple()

    def ask(self, walker: Walker, receiver: bool) -> bool:
        """Read a page as clients do: by itemsPerPage, until totalResults; return whether more are to come."""
        found = self.receivers[receiver].page(self.query, walker.start)
        walker.asked_at = self.now
        walker.met += [row.id for row in found.rows]
        walker.start += len(found.rows)
        assert len(found.rows) <= SIZE
        assert found.rows or walker.start > found.total
        if walker.start <= found.total:
            return True
        assert walker.staying <= set(walker.met)
        assert not walker.alone or len(walker.met) == len(set(walker.met))
        self.walking.remove(walker)
        return False


@pytest.fixture
def machine(engine: Engine, store: Direct) -> Iterator[type[Walking]]:
    other = Direct(engine)
    yield type("Machine", (Walking,), {"stores": (store, other), "engine": engine})
    other.close()


def test_who_stays_is_met_by_every_walk_of_several_at_once(machine: type[Walking]) -> None:
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=40,
            stateful_step_count=60,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
