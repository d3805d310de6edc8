"""Several calls under way at once, and two runs on one sync: one person is one run's at a time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from connectors.records import Call, Change, Outcome, fold
from provisioner.apply import Allowance, apply_plan
from provisioner.apply.ahead import _OTHERS_S, OTHERS, Seen
from provisioner.apply.claim import LASTS
from provisioner.store import decisions as decision_store
from provisioner.store import locks as lock_store
from provisioner.store import plans as plan_store
from provisioner.store import runs as run_store
from provisioner.store.database import open_database
from tests.provisioner.apply.world import (
    ABILITIES,
    NOW,
    Made,
    Phone,
    World,
    change,
    copied,
    gives,
    joins,
    phone_with,
)

Hook = Callable[[Change], None]


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "store.db"
    open_database(f"sqlite:///{path}").dispose()
    return path


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, template: Path) -> Made:
    def make(*names: str, hands: int = 1) -> World:
        copied(template, tmp_path)
        phone = phone_with(*names)
        phone.abilities = msgspec.structs.replace(ABILITIES, side_by_side=hands)
        return World(tmp_path, monkeypatch, phone)

    return make


def before_each(monkeypatch: pytest.MonkeyPatch, hook: Hook) -> None:
    """Call the hook with each change that is about to be carried out."""
    carry_out = Phone.carry_out

    def hooked(self: Phone, changes: Iterable[Change]) -> Iterator[Outcome]:
        listed = list(changes)
        for each in listed:
            hook(each)
        yield from carry_out(self, listed)

    monkeypatch.setattr(Phone, "carry_out", hooked)


def test_calls_about_different_people_are_under_way_at_once(
    world: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = world("eva", "jan", "zoe", hands=3)
    together = threading.Barrier(3, timeout=30)
    before_each(monkeypatch, lambda _: (together.wait(), None)[1])
    plan = here.record(*(gives(n, who) for n, who in enumerate(("eva", "jan", "zoe"), 1)))

    assert here.apply(plan).status == 0
    assert here.states(plan) == ["done"] * 3


def test_one_persons_changes_go_in_order_and_after_what_they_need(
    world: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"p{n}" for n in range(12)]
    here = world(*names, hands=4)
    changes = [
        *(gives(n, who) for n, who in enumerate(names, 1)),
        *joins(20, "new", "basic"),
        *(change(30 + n, "delegate.add", who, None, "new@example.org", needs=(21, n + 1)) for n, who in enumerate(names)),
    ]  # fmt: skip
    plan = here.record(*changes)
    begun: list[int] = []
    lock = threading.Lock()

    def note(each: Change) -> None:
        with lock:
            begun.append(each.seq)

    before_each(monkeypatch, note)
    assert here.apply(plan).status == 0

    place = {seq: n for n, seq in enumerate(begun)}
    assert sorted(begun) == [c.seq for c in changes], "each once"
    assert all(place[need] < place[c.seq] for c in changes for need in c.needs)


def test_what_stands_behind_an_operation_leaves_when_all_of_it_is_over(
    world: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"p{n}" for n in range(8)]
    here = world(*names, hands=4)
    profiles = [
        change(n, "profile.update", who, {"department": None}, {"department": "Sales"})
        for n, who in enumerate(names, 1)
    ]
    plan = here.record(*profiles, *(gives(20 + n, who) for n, who in enumerate(names)))
    grouped, overtaken, begun = Phone.calls, list[int](), threading.Event()

    def behind(self: Phone, changes: Iterable[Change]) -> list[Call]:
        profiles = "profile.update"
        return [
            msgspec.structs.replace(call, behind="" if call.what == profiles else profiles)
            for call in grouped(self, changes)
        ]

    def note(each: Change) -> None:
        if each.kind != "profile.update":
            begun.set()
        elif each.seq == len(names) and begun.wait(0.3):  # the last one takes its time
            overtaken.append(each.seq)

    monkeypatch.setattr(Phone, "calls", behind)
    before_each(monkeypatch, note)

    assert here.apply(plan).status == 0
    assert (begun.is_set(), overtaken) == (True, [])


def test_who_takes_a_seat_waits_for_whoever_gives_one_up_also_where_seats_are_not_counted(
    world: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = world("eva", "jan", "zoe", hands=4)
    eva = here.phone.users["p-eva"]
    here.phone.users["p-eva"] = msgspec.structs.replace(eva, packages=("basic",))
    plan = here.record(
        change(1, "package.remove", "eva", "basic", None), gives(2, "jan"), gives(3, "zoe")
    )
    begun, overtaken = threading.Event(), list[int]()

    def note(each: Change) -> None:
        if each.kind != "package.remove":
            begun.set()
        elif begun.wait(0.3):  # it takes its time
            overtaken.append(each.seq)

    before_each(monkeypatch, note)

    assert here.apply(plan).status == 0
    assert here.states(plan) == ["done"] * 3
    assert overtaken == []


def test_whoever_fails_side_by_side_is_left_and_all_others_go_on(
    world: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"p{n}" for n in range(30)]
    here = world(*names, hands=8)
    plan = here.record(*(gives(n, who) for n, who in enumerate(names, 1)))

    def refuse(self: Phone, changes: Iterable[Change]) -> Iterator[Outcome]:
        for each in changes:
            yield Outcome(each.seq, "failed" if each.seq % 3 == 0 else "done", "no seat")

    monkeypatch.setattr(Phone, "carry_out", refuse)
    result = here.apply(plan)

    assert result.status == 5
    assert here.states(plan) == ["failed" if n % 3 == 0 else "done" for n in range(1, 31)]
    assert result.states == {"done": 20, "failed": 10}


# two runs


def pushed(here: World, *changes: Change) -> str:
    """Record an approved plan for some people, as a push makes it."""
    plan = here.record(*changes, approved=False, scope="push")
    with here.engine.begin() as connection:
        loaded = plan_store.load(connection, plan)
        decision_store.decide(
            connection,
            loaded,
            "approved",
            "eva",
            NOW,
            here.site.config.syncs["emea"].approval.expires,
        )
    return plan


def test_a_push_overtakes_a_long_apply(world: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    here = world("eva", "jan")
    long = here.record(gives(1, "eva"), gives(2, "eva", "gold"))
    push: list[Any] = []

    def overtake(each: Change) -> None:
        if each.seq == 2 and not push:
            push.append(None)
            push[0] = apply_plan(here.site, pushed(here, gives(1, "jan", "silver")), Allowance())

    before_each(monkeypatch, overtake)

    assert here.apply(long).status == 0
    assert push[0].status == 0
    assert {fold(u.key or ""): u.packages for u in here.phone.users.values()} == {
        "eva": ("basic", "gold"),
        "jan": ("silver",),
    }


def test_whom_a_push_changed_meanwhile_is_read_again_and_an_older_wish_is_dropped(
    world: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("provisioner.apply.ahead.FIRST", 1)
    monkeypatch.setattr("provisioner.apply.ahead.MOST", 1)
    here = world("eva", "jan")
    long = here.record(gives(1, "jan"), gives(2, "eva"), gives(3, "jan", "gold"))
    push: list[Any] = []

    def overtake(each: Change) -> None:
        if each.seq == 2 and not push:
            push.append(None)
            plan = pushed(here, change(1, "package.assign", "jan", "basic", "silver"))
            push[0] = apply_plan(here.site, plan, Allowance())

    before_each(monkeypatch, overtake)
    result = here.apply(long)

    assert push[0].status == 0
    assert here.states(long) == ["done", "done", "stale"]
    assert [(c.seq, state) for c, state, _ in result.left] == [(3, "stale")]
    assert here.phone.users["p-jan"].packages == ("silver",)


def test_whom_another_run_has_all_along_is_left_alone_and_named(world: Made) -> None:
    here = world("eva", "jan")
    plan = here.record(gives(1, "eva"), gives(2, "jan"))
    with here.engine.begin() as connection:
        run_store.take_lease(connection, "plan:7", "another machine", NOW, LASTS)
        lock_store.take(connection, "emea", ["jan"], "another machine", [])

    result = here.apply(plan)

    assert result.status == 5
    assert here.states(plan) == ["done", "skipped"]
    assert [reason for _, _, reason in result.left] == [OTHERS]


def held_by_another(here: World, name: str) -> None:
    """Let another living run have somebody."""
    with here.engine.begin() as connection:
        run_store.take_lease(connection, "plan:7", "another machine", NOW, LASTS)
        lock_store.take(connection, "emea", [name], "another machine", [])


def while_waiting(
    monkeypatch: pytest.MonkeyPatch,
    here: World,
    then: Callable[[], None],
    when: Callable[[], bool] = lambda: True,
) -> None:
    """Do something once, a while after something is so while a run waits for whom another run has."""
    waits = list[float]()

    def wait(seconds: float) -> None:
        if seconds == _OTHERS_S and (waits or when()):
            waits.append(seconds)
            if len(waits) == 20:
                then()
        time.sleep(0.005)  # calls that are under way go on meanwhile

    monkeypatch.setattr(here.site.stop, "sleep", wait)


def test_who_waits_for_somebody_holds_nobody_else_of_that_step(
    world: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = world("eva", "jan")
    long, push = here.record(gives(1, "eva"), gives(2, "jan")), list[Any]()
    held_by_another(here, "jan")

    def overtake() -> None:
        plan = pushed(here, gives(9, "eva", "silver"))
        push.append(apply_plan(here.site, plan, Allowance()))

    while_waiting(monkeypatch, here, overtake)
    result = here.apply(long)

    assert push[0].status == 0
    assert [(c.user, reason) for c, _, reason in result.left if reason == OTHERS] == [
        ("jan@example.org", OTHERS)
    ]
    assert here.phone.users["p-eva"].packages == ("silver",)


def test_who_waits_for_somebody_holds_nobody_whose_calls_are_over(
    world: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("provisioner.apply.ahead.FIRST", 1)
    here = world("eva", "jan")
    long, push = here.record(gives(1, "eva"), gives(2, "jan")), list[Any]()
    held_by_another(here, "jan")

    def overtake() -> None:
        plan = pushed(here, change(1, "package.assign", "eva", "basic", "silver"))
        push.append(apply_plan(here.site, plan, Allowance()))

    while_waiting(monkeypatch, here, overtake, lambda: here.states(long)[0] == "done")
    here.apply(long)

    assert here.states(long)[0] == "done"
    assert push[0].status == 0
    assert here.phone.users["p-eva"].packages == ("silver",)


def test_a_plan_that_is_rejected_while_it_is_applied_goes_no_further(
    world: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("provisioner.apply.ahead.FIRST", 1)
    here = world("eva", "jan")
    plan = here.record(gives(1, "eva"), gives(2, "jan"))
    before_each(monkeypatch, lambda _: here.decide(plan, "rejected"))

    result = here.apply(plan)

    assert "was rejected while it was applied" in str(result.stopped_by)
    assert here.phone.calls_made == 1


def test_what_a_living_run_has_sent_is_not_in_doubt(
    world: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("provisioner.apply.ahead._TRIES", 1)
    here = world("eva")
    long = here.record(gives(1, "eva"))
    push: list[Any] = []

    def overtake(each: Change) -> None:
        if each.seq == 1 and not push:
            before = here.phone.reads
            push.append(None)
            push[0] = apply_plan(here.site, pushed(here, gives(9, "eva", "silver")), Allowance())
            assert here.phone.reads == before, "nothing is read back"

    before_each(monkeypatch, overtake)

    assert here.apply(long).status == 0
    assert [reason for _, _, reason in push[0].left] == [OTHERS]
    assert here.phone.users["p-eva"].packages == ("basic",)


def test_whom_the_plans_maker_has_just_read_is_not_read_again(world: Made) -> None:
    here = world("eva", "jan")
    plan = pushed_after_adoption(here, gives(1, "eva"), gives(2, "jan"))
    seen = Seen({"eva": 0, "jan": 0}, NOW + LASTS)

    assert apply_plan(here.site, plan, Allowance(), seen=seen).status == 0
    assert here.phone.reads == 0


@pytest.mark.parametrize(
    "seen",
    [Seen({"eva": 0}, NOW - LASTS), Seen({}, NOW + LASTS), Seen({"eva": 1}, NOW + LASTS)],
    ids=["read too long ago", "somebody had them then", "somebody has had them since"],
)
def test_a_read_that_is_not_fresh_is_made_again(world: Made, seen: Seen) -> None:
    here = world("eva")
    here.phone.users["p-eva"] = msgspec.structs.replace(
        here.phone.users["p-eva"], packages=("basic",)
    )
    plan = pushed_after_adoption(here, gives(1, "eva"))

    assert apply_plan(here.site, plan, Allowance(), seen=seen).status == 0
    assert here.reasons(plan) == ["it was so already"]
    assert here.phone.done == []


def pushed_after_adoption(here: World, *changes: Change) -> str:
    here.adopt()
    return pushed(here, *changes)
