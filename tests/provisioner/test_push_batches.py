"""Which marks are taken when: beside a batch that takes long, after a pause, and never twice."""

from __future__ import annotations

from datetime import UTC, datetime

from provisioner.push_batches import LONG_S, SIDE_BY_SIDE, Batches
from provisioner.store.scim_dirty import Marks

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)


def marks(*numbers: int) -> Marks:
    """Marks of a user each: number 7 is of user u7, whose externalId is E7."""
    users = tuple(f"u{number}" for number in numbers)
    people = tuple((user, f"E{user[1:]}") for user in users)
    return Marks("emea", people, numbers, users, NOW, NOW)


class Clock:
    """A clock that goes on when it is told to."""

    def __init__(self) -> None:
        self.s = 0.0

    def __call__(self) -> float:
        return self.s


def test_another_batch_begins_when_the_one_under_way_has_taken_long() -> None:
    clock = Clock()
    batches = Batches(clock)
    first = batches.begin(marks(1))

    assert not batches.has_room()
    clock.s = LONG_S
    assert batches.has_room()
    batches.end(first, ())
    assert batches.has_room()


def test_there_are_never_more_batches_than_may_be_side_by_side() -> None:
    clock = Clock()
    batches = Batches(clock)
    for number in range(SIDE_BY_SIDE):
        assert batches.has_room()
        last = batches.begin(marks(number))
        clock.s += LONG_S

    assert not batches.has_room()
    batches.end(last, ())
    assert batches.has_room()


def test_marks_are_taken_until_their_batch_ends() -> None:
    batches = Batches(Clock())
    one, other = batches.begin(marks(1, 2)), batches.begin(marks(3))

    assert batches.taken() == {1, 2, 3}
    batches.end(one, ())
    assert batches.taken() == {3}
    batches.end(other, ())
    assert batches.taken() == frozenset()


def test_who_is_being_planned_for_is_known_by_every_name_until_the_plan_is_on_record() -> None:
    batches = Batches(Clock())
    batch = batches.begin(marks(1))

    assert batches.planned_for() == {"u1", "e1"}
    batches.planned(batch)
    assert batches.planned_for() == frozenset()
    assert batches.taken() == {1}


def test_what_rests_is_taken_again_after_its_pause() -> None:
    clock = Clock()
    batches = Batches(clock)
    batch = batches.begin(marks(1, 2))
    batches.rest(batch, {2}, 4.0, counts=True, behind=False)
    batches.end(batch, {2})

    assert batches.taken() == {2}
    assert batches.taken(resting=False) == frozenset()
    clock.s = 4.0
    assert batches.taken() == frozenset()


def test_what_rests_behind_other_batches_is_not_taken_before_they_end() -> None:
    clock = Clock()
    batches = Batches(clock)
    long, batch = batches.begin(marks(1)), batches.begin(marks(2))
    batches.rest(batch, {2}, 1.0, counts=True, behind=True)
    batches.end(batch, {2})
    clock.s = 10.0

    assert batches.taken() == {1, 2}
    batches.end(long, ())
    assert batches.taken() == frozenset()


def test_tries_are_counted_for_as_long_as_a_mark_is_left() -> None:
    batches = Batches(Clock())
    for tries in range(3):
        batch = batches.begin(marks(1, 2))
        assert batch.tries == tries
        batches.rest(batch, {2}, 0.0, counts=True, behind=False)
        batches.end(batch, {2})

    last = batches.begin(marks(2))
    assert last.tries == 3
    batches.end(last, ())
    assert batches.begin(marks(2)).tries == 0
