"""What comes back wrong, or not at all: nothing is lost, and nothing is done twice."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import event

from connectors.errors import RunError, TransientError
from connectors.records import Call, Change
from provisioner.apply.sending import LONGEST_S, TRIES
from provisioner.store.database import StoreError
from provisioner.store.tables import leases
from provisioner.wiring import Stopped
from tests.provisioner.apply.world import (
    Phone,
    Trouble,
    World,
    change,
    gives,
    joins,
    people_left,
    phone_with,
)
from tests.provisioner.store.made import KINDS, database

Make = Callable[..., World]


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    return lambda *names, **members: World(tmp_path, monkeypatch, phone_with(*names, **members))


def given(here: World) -> list[object]:
    """What took effect, in order."""
    return [after for _, _, after in here.phone.done]


# tries


def test_a_busy_vendor_is_asked_again(world: Make) -> None:
    here = world("eva")
    plan = here.record(gives(1, "eva"))

    assert here.apply(plan, "busy", "busy", "busy").status == 0
    assert here.stop.waits == [0.5, 1.0, 2.0]


def test_a_vendor_that_stays_busy_fails_the_person_and_the_next_one_goes_on(world: Make) -> None:
    here = world("eva", "jan")
    plan = here.record(gives(1, "eva"), gives(2, "jan"))

    busy: list[Trouble] = ["busy"] * TRIES
    result = here.apply(plan, *busy)

    assert result.status == 5
    assert here.states(plan) == ["failed", "done"]
    assert here.reasons(plan)[0] == "too many requests"


def test_a_vendor_that_is_down_ends_the_run(world: Make) -> None:
    here = world(*(f"p{n}" for n in range(9)))
    plan = here.record(*(gives(n, f"p{n - 1}") for n in range(1, 10)))

    down: list[Trouble] = ["busy"] * 99
    result = here.apply(plan, *down)

    assert result.status == 1
    assert "3 calls in a row failed" in str(result.stopped_by)
    assert here.states(plan) == ["failed"] * 3 + ["approved"] * 6
    assert here.apply(plan).status == 0


def test_a_vendor_that_asks_for_too_long_a_pause_ends_the_run(
    world: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = world("eva")
    plan = here.record(gives(1, "eva"))

    def busy(self: Phone, changes: Any) -> Any:
        raise TransientError("come back tomorrow", retry_after_s=LONGEST_S + 1)

    monkeypatch.setattr(Phone, "carry_out", busy)
    result = here.apply(plan)

    assert result.status == 1
    assert here.states(plan) == ["approved"]
    assert here.stop.waits == []


# lost answers


def test_a_lost_answer_is_read_back_and_what_took_effect_is_not_sent_again(world: Make) -> None:
    here = world("eva")
    plan = here.record(gives(1, "eva"))

    assert here.apply(plan, "lost after").status == 0
    assert here.reasons(plan) == ["read back after a lost answer"]
    assert given(here) == ["basic"]


def test_what_did_not_take_effect_is_sent_again(world: Make) -> None:
    here = world("eva")
    plan = here.record(gives(1, "eva"))

    assert here.apply(plan, "lost before").status == 0
    assert given(here) == ["basic"]


def test_what_shows_late_is_waited_for_before_it_is_sent_again(world: Make) -> None:
    here = world()
    here.phone.hides = 3
    plan = here.record(*joins(1, "zoe"))

    assert here.apply(plan, "lost after").status == 0
    assert here.stop.waits == [0.5, 0.5, 1.0, 2.0]
    assert given(here) == ["zoe@example.org", "zoom_phone"]


def test_the_rest_of_a_call_is_sent_again_without_what_took_effect(world: Make) -> None:
    here = world("eva", "jan", "zoe")
    here.phone.a_call = 3
    plan = here.record(gives(1, "eva"), gives(2, "jan"), gives(3, "zoe"))

    assert here.apply(plan, "ok", "lost after").status == 0
    assert here.phone.done == [("package.assign", k, "basic") for k in ("EVA", "JAN", "ZOE")]


def test_who_is_in_neither_state_is_left_for_a_person_and_never_counts_as_done(
    world: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = world("eva", "jan", site="Brno")
    plan = here.record(change(1, "site.set", "eva", "Brno", "Munich"), gives(2, "jan", needs=(1,)))
    effect = Phone._effect

    def elsewhere(self: Phone, change: Change) -> None:
        effect(self, msgspec.structs.replace(change, after="Madrid"))

    monkeypatch.setattr(Phone, "_effect", elsewhere)
    result = here.apply(plan, "lost after")

    assert result.status == 5
    assert here.states(plan) == ["stale", "skipped"]
    assert people_left(result) == ["eva", "jan"]
    assert result.states == {"stale": 1, "skipped": 1}


def test_an_outcome_that_was_not_told_is_read_back(world: Make) -> None:
    here = world("eva", "jan")
    here.phone.a_call = 2
    plan = here.record(gives(1, "eva"), gives(2, "jan"))

    assert here.apply(plan, "forgotten").status == 0
    assert given(here) == ["basic", "basic"]


def test_an_account_whose_answer_was_lost_gets_the_rest_by_its_id(world: Make) -> None:
    here = world()
    plan = here.record(*joins(1, "zoe", "basic"))

    assert here.apply(plan, "lost after").status == 0
    assert here.phone.users.keys() == {"new-zoe"}
    assert here.phone.users["new-zoe"].packages == ("basic",)


# the run must end


def test_refused_credentials_end_the_run_and_leave_nothing_in_doubt(world: Make) -> None:
    here = world("eva", "jan")
    plan = here.record(gives(1, "eva"), gives(2, "jan"))

    result = here.apply(plan, "refused")

    assert result.status == 1
    assert "the credentials were refused" in str(result.stopped_by)
    assert here.states(plan) == ["approved", "approved"]
    assert here.phone.calls_made == 1, "it was asked once"


def test_a_call_of_several_requests_that_broke_off_stays_in_doubt(
    world: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = world("eva")
    plan = here.record(gives(1, "eva"))
    calls = Phone.calls

    def several(self: Phone, changes: Any) -> list[Call]:
        return [msgspec.structs.replace(call, requests=2) for call in calls(self, changes)]

    monkeypatch.setattr(Phone, "calls", several)
    assert here.apply(plan, "refused").status == 1
    assert here.states(plan) == ["sent"]
    assert here.apply(plan).status == 0
    assert given(here) == ["basic"]


def test_a_refusal_while_a_lost_answer_was_read_back_stays_in_doubt(
    world: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = world("eva")
    plan = here.record(gives(1, "eva"))
    carry_out = Phone.carry_out

    def broken(self: Phone, changes: Any) -> Any:
        try:
            yield from carry_out(self, changes)
        except TransientError:
            raise RunError("the credentials were refused") from None

    monkeypatch.setattr(Phone, "carry_out", broken)
    assert here.apply(plan, "lost after").status == 1
    assert here.states(plan) == ["sent"]
    monkeypatch.setattr(Phone, "carry_out", carry_out)
    assert here.apply(plan).status == 0
    assert given(here) == ["basic"]


def test_a_stop_ends_the_run_between_two_calls(
    world: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = world("eva", "jan")
    plan = here.record(gives(1, "eva"), gives(2, "jan"))
    effect = Phone._effect

    def stopping(self: Phone, change: Change) -> None:
        effect(self, change)
        here.stop.set()

    monkeypatch.setattr(Phone, "_effect", stopping)
    result = here.apply(plan)

    assert result.status == 1
    assert isinstance(result.stopped_by, Stopped)
    assert here.states(plan) == ["done", "approved"]


# killed


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("killed", ["killed before", "killed after"])
def test_after_a_kill_the_next_run_goes_on_where_it_was_on_either_database(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, killed: Any, kind: str
) -> None:
    with database(kind, tmp_path) as url:
        here = World(tmp_path, monkeypatch, phone_with("eva", "jan"), url)
        _goes_on(here, killed)
        here.engine.dispose()


def _goes_on(here: World, killed: Any) -> None:
    plan = here.record(gives(1, "eva"), gives(2, "jan"), *joins(3, "zoe", "basic"))
    here.die(plan, "ok", killed)
    assert here.states(plan)[:3] == ["done", "sent", "approved"]

    result = here.apply(plan)

    assert result.status == 0
    assert here.states(plan) == ["done"] * 5
    assert len(here.phone.done) == 5


def test_a_kill_during_recovery_loses_nothing_either(world: Make) -> None:
    here = world("eva")
    plan = here.record(gives(1, "eva"))
    here.die(plan, "killed after")
    here.phone.dead = False
    reads = Phone.read_some

    def dies(self: Phone, users: Any) -> Any:
        self.dead = True
        return reads(self, users)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Phone, "read_some", dies)
        here.die(plan)

    assert here.states(plan) == ["sent"]
    assert here.apply(plan).status == 0
    assert given(here) == ["basic"]


def test_what_was_sent_long_ago_is_not_waited_for(world: Make) -> None:
    here = world("eva")
    plan = here.record(gives(1, "eva"))
    here.die(plan, "killed before")
    here.clock += timedelta(hours=1)

    assert here.apply(plan).status == 0
    assert here.stop.waits == []


def test_what_a_superseded_plan_left_in_doubt_is_found_out_by_the_next_run(world: Make) -> None:
    here = world("eva", "jan")
    old = here.record(gives(1, "eva"), gives(2, "jan"))
    here.die(old, "killed after")
    here.die(old, "killed before")
    assert here.states(old) == ["done", "sent"]
    new = here.record(gives(1, "jan", "gold"))

    assert here.apply(new).status == 0

    assert here.states(old) == ["done", "approved"]
    assert given(here) == ["basic", "gold"], "what newer plans don't want isn't sent again"


def test_a_template_that_cannot_be_read_is_judged_by_what_it_was_sent_with(world: Make) -> None:
    here = world("eva")
    here.phone.abilities = msgspec.structs.replace(
        here.phone.abilities, unreadable=frozenset({"template"})
    )
    together = [
        change(1, "template.apply", "eva", None, "Office"),
        change(2, "site.set", "eva", None, "Munich"),
    ]
    plan = here.record(*together)
    carry_out, calls = Phone.carry_out, Phone.calls

    def at_once(self: Phone, changes: Any) -> Any:
        for each in changes:
            self._effect(each)
        raise TransientError("the connection broke off", in_doubt=True)
        yield

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Phone, "carry_out", at_once)
        patch.setattr(Phone, "calls", lambda self, c: [Call("PATCH", "light", tuple(together))])
        assert here.apply(plan).status == 0
    assert (Phone.carry_out, Phone.calls) == (carry_out, calls)
    assert given(here) == ["Office", "Munich"]


def test_a_number_that_was_given_but_not_yet_taken_back_is_swapped_on(world: Make) -> None:
    here = world("eva", numbers=("+1",))
    plan = here.record(change(1, "number.assign", "eva", "+1", "+2"))
    here.die(plan, "killed before")
    half = here.phone.users["p-eva"]
    here.phone.users["p-eva"] = msgspec.structs.replace(half, numbers=("+1", "+2"))

    assert here.apply(plan).status == 0
    assert here.phone.users["p-eva"].numbers == ("+2",)


def test_an_account_made_by_a_killed_run_that_does_not_show_yet_is_neither_stale_nor_made_again(
    world: Make,
) -> None:
    here = world()
    plan = here.record(*joins(1, "zoe", "basic"))
    here.die(plan, "ok", "killed before")
    here.phone.hides_now = 99

    result = here.apply(plan)

    assert result.status == 5
    assert here.states(plan) == ["done", "sent", "approved"]
    assert "doesn't show yet" in result.left[0][2]
    here.phone.hides_now = 0
    assert here.apply(plan).status == 0
    assert given(here) == ["zoe@example.org", "zoom_phone", "basic"]


# settling


def test_what_settles_is_read_again_and_not_sent_again(world: Make) -> None:
    here = world("eva")
    plan = here.record(gives(1, "eva"), gives(2, "eva", "gold", needs=(1,)))

    first = here.apply(plan, "settling")
    again = here.apply(plan)

    assert (first.status, first.states) == (0, {"settling": 1})
    assert (again.status, again.states) == (0, {"settling": 1})
    here.phone.settle()
    assert here.apply(plan).status == 0
    assert here.states(plan) == ["done", "done"]
    assert given(here) == ["basic", "gold"]


def test_what_is_held_but_not_effective_yet_goes_on_settling(world: Make) -> None:
    here = world("eva")
    plan = here.record(gives(1, "eva"))
    here.apply(plan, "settling")
    here.phone.settle()
    held = here.phone.users["p-eva"]
    here.phone.users["p-eva"] = msgspec.structs.replace(held, settling=("Basic",))

    early = here.apply(plan)
    here.phone.users["p-eva"] = held
    late = here.apply(plan)

    assert (early.status, early.states) == (0, {"settling": 1})
    assert (late.status, late.states["done"]) == (0, 1)
    assert here.phone.calls_made == 1


def test_what_is_not_possible_yet_waits_and_a_later_run_tries_it_again(world: Make) -> None:
    here = world("eva", "jan")
    plan = here.record(gives(1, "eva"), gives(2, "eva", "gold", needs=(1,)), gives(3, "jan"))
    before = here.states(plan)

    first = here.apply(plan, "not yet")
    between = here.states(plan)
    second = here.apply(plan)

    assert (first.status, first.states, first.left) == (0, {"done": 1}, [])
    assert [(change.seq, why) for change, why in first.waiting] == [
        (1, "scripted: not possible yet")
    ]
    assert between == [before[0], before[1], "done"]
    assert second.states == {"done": 2}
    assert given(here) == ["basic", "basic", "gold"]


def test_what_settles_for_an_older_plan_is_not_sent_for_a_newer_one(world: Make) -> None:
    here = world("eva")
    here.apply(here.record(gives(1, "eva")), "settling")
    new = here.record(gives(1, "eva"))

    assert here.apply(new).status == 0
    assert here.phone.calls_made == 1
    here.phone.settle()
    assert here.apply(new).status == 0
    assert given(here) == ["basic"]


# the store


def test_a_store_that_fails_before_a_call_sends_nothing(world: Make) -> None:
    here = world("eva")
    plan = here.record(gives(1, "eva"))
    _fail_at(here, "UPDATE changes", 1)

    result = here.apply(plan)

    assert isinstance(result.stopped_by, StoreError)
    assert here.phone.calls_made == 0
    assert here.apply(plan).status == 0


def test_a_store_that_fails_after_a_call_is_caught_up_with(world: Make) -> None:
    here = world("eva", "jan")
    plan = here.record(gives(1, "eva"), gives(2, "jan"))
    _fail_at(here, "UPDATE changes", 2)

    result = here.apply(plan)

    assert result.status == 1
    assert here.states(plan) == ["sent", "approved"]
    assert here.apply(plan).status == 0
    assert given(here) == ["basic", "basic"]


def test_a_run_that_lost_its_claim_sends_nothing_more(
    world: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = world("eva", "jan")
    plan = here.record(gives(1, "eva"), gives(2, "jan"))
    effect = Phone._effect

    def slept(self: Phone, change: Change) -> None:
        effect(self, change)
        with here.engine.begin() as connection:
            connection.execute(leases.update().values(holder="another one"))

    monkeypatch.setattr(Phone, "_effect", slept)
    result = here.apply(plan)

    assert "lost its claim to sync:emea" in str(result.stopped_by)
    assert here.states(plan) == ["done", "approved"]


def _fail_at(here: World, statement: str, time: int) -> None:
    """Let the disk be full when a statement of this kind is executed for the so-manieth time."""
    seen = 0

    @event.listens_for(here.engine, "before_cursor_execute")
    def fail(_c: Any, _cursor: Any, text: str, *_: Any) -> None:
        nonlocal seen
        seen += text.startswith(statement)
        if seen == time and text.startswith(statement):
            raise StoreError("the store failed: database or disk is full")
