"""What every phone system promises (connectors.records.PhoneSystem), as tests to inherit.

A phone system joins by one entry in test_promises.py: how to build it from a snapshot's lines.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.records import Change, PhoneSystem, PhoneUser
from tests.connectors.phone.company import (
    FIRST,
    FREE,
    SEATS,
    SECOND,
    SPARE,
    House,
    Names,
    carried_out,
    catalog,
    change,
    company,
    everybody,
    many,
    one_seat,
    shows,
    step,
    steps,
    whole,
)

LABELS = [f"{kind}-{who}" for kind, who, _, _ in steps(Names())]


class Promises:
    """The tests. Whoever inherits gives the fixture `house`."""

    @pytest.fixture
    def names(self, house: House) -> Names:
        return house.names

    @pytest.fixture
    def phone(self, house: House, tmp_path: Path) -> Iterator[PhoneSystem]:
        lines = [{"catalog": catalog(house.names)}, *company(house.names)]
        with house.build(tmp_path, [json.dumps(line) for line in lines]) as phone:
            yield phone

    # Reading

    def test_what_is_configured_well_passes_the_check(self, phone: PhoneSystem) -> None:
        phone.check()

    def test_a_read_gives_every_user_once(self, phone: PhoneSystem, names: Names) -> None:
        mails = sorted(user.email or "" for user in phone.read())

        assert mails == sorted(line["email"] for line in company(names))

    def test_two_reads_give_the_same_users(self, phone: PhoneSystem) -> None:
        assert everybody(phone) == everybody(phone)

    def test_a_read_tells_what_each_user_holds(self, phone: PhoneSystem, names: Names) -> None:
        eva = everybody(phone)["eva"]

        assert (eva.license, eva.packages, eva.numbers) == (
            names.license,
            (names.package,),
            (FIRST,),
        )
        unknown = "delegates" in phone.abilities.unreadable
        assert eva.delegates == (None if unknown else ("jan@example.org",))

    def test_a_fresh_read_gives_exactly_those_who_are_still_there(self, phone: PhoneSystem) -> None:
        known = everybody(phone)
        gone = PhoneUser(id="id-gone", email="gone@example.org")

        fresh = {user.id: user for user in phone.read_some([known["eva"], gone, known["off"]])}

        assert fresh == {user.id: user for user in (known["eva"], known["off"])}

    def test_a_fresh_read_of_nobody_gives_nobody(self, phone: PhoneSystem) -> None:
        assert list(phone.read_some([])) == []

    @pytest.mark.parametrize("id", ["", "id-nobodys"])
    def test_a_fresh_read_finds_by_mail_whose_id_is_not_known(
        self, phone: PhoneSystem, id: str
    ) -> None:
        known = everybody(phone)
        sought = [PhoneUser(id=id, email=mail) for mail in ("JAN@example.org", "max@example.org")]

        found = {user.id: user for user in phone.read_some([*sought, known["off"]])}

        assert found == {known[name].id: known[name] for name in ("jan", "max", "off")}

    def test_the_catalog_counts_the_holders(self, phone: PhoneSystem, names: Names) -> None:
        packages = phone.catalog().packages
        assert packages is not None

        seats = packages[names.package]

        holders = sum(names.package in user.packages for user in phone.read())
        assert seats.total == SEATS
        assert seats.used in (None, holders)

    def test_numbers_that_somebody_holds_are_not_free(self, phone: PhoneSystem) -> None:
        numbers = phone.catalog().numbers or ()

        assert sorted(number for number, _ in numbers) == [FREE, SPARE]

    # Grouping

    def test_grouping_loses_no_change_and_invents_none(self, phone: PhoneSystem) -> None:
        changes = many(phone)

        grouped = [c for call in phone.calls(changes) for c in call.changes]

        assert sorted(grouped, key=lambda c: c.seq) == changes

    def test_the_same_changes_are_always_grouped_alike(self, phone: PhoneSystem) -> None:
        changes = many(phone)

        assert phone.calls(changes) == phone.calls(tuple(changes))

    def test_every_need_is_met_before_it_is_needed(self, phone: PhoneSystem) -> None:
        seen, going = set[int](), {change.seq for change in many(phone)}
        for call in phone.calls(many(phone)):
            for done in call.changes:
                assert seen >= set(done.needs) & going
                seen.add(done.seq)

    def test_a_calls_changes_grouped_again_are_that_call(self, phone: PhoneSystem) -> None:
        for call in phone.calls(many(phone)):
            assert phone.calls(call.changes) == [call]

    def test_nothing_to_do_takes_no_call(self, phone: PhoneSystem) -> None:
        assert phone.calls([]) == []
        assert list(phone.carry_out([])) == []

    def test_grouping_changes_nothing_at_the_vendor(self, phone: PhoneSystem) -> None:
        before = everybody(phone)

        phone.calls(many(phone))

        assert everybody(phone) == before

    # Carrying out

    @pytest.mark.parametrize("place", range(len(LABELS)), ids=LABELS)
    def test_the_next_read_shows_what_was_carried_out(
        self, house: House, phone: PhoneSystem, names: Names, place: int
    ) -> None:
        change = step(phone, names, place)

        outcomes = list(phone.carry_out([change]))

        given = house.given(change.kind) if change.before is None else "done"
        assert [(o.seq, o.state) for o in outcomes] == [(change.seq, given)], outcomes
        assert shows(everybody(phone)[steps(names)[place][1]], change)

    @pytest.mark.parametrize("place", range(len(LABELS)), ids=LABELS)
    def test_a_change_carried_out_again_does_nothing_twice(
        self, house: House, phone: PhoneSystem, names: Names, place: int
    ) -> None:
        change = step(phone, names, place)
        list(phone.carry_out([change]))
        once = everybody(phone)

        again = list(phone.carry_out([change]))

        assert [o.state for o in again] in (["done"], ["stale"], [house.given(change.kind)]), again
        assert everybody(phone) == once

    @pytest.mark.parametrize("place", range(len(LABELS)), ids=LABELS)
    def test_a_change_touches_nobody_who_has_nothing_to_do_with_it(
        self, phone: PhoneSystem, names: Names, place: int
    ) -> None:
        before = everybody(phone)

        list(phone.carry_out([step(phone, names, place)]))

        after = everybody(phone)
        for name in ("max", "off", "new", "boss", "busy01"):
            if name != steps(names)[place][1]:
                assert after[name] == before[name]

    def test_a_swap_of_what_is_no_longer_held_is_not_done(
        self, phone: PhoneSystem, names: Names
    ) -> None:
        jan = everybody(phone)["jan"]
        swap = change(jan, "package.assign", "Some Plan That Was Taken Meanwhile", names.other)

        (outcome,) = phone.carry_out([swap])

        assert outcome.state in ("stale", "failed")
        assert whole(phone, jan) == jan

    def test_one_persons_failure_leaves_the_others_to_go_on(
        self, phone: PhoneSystem, names: Names
    ) -> None:
        known = everybody(phone)
        changes = [
            change(known["ada"], "number.assign", None, "+12025550199", seq=1),
            change(known["ada"], "delegate.add", None, "jan@example.org", seq=2, needs=(1,)),
            change(known["jan"], "number.release", SECOND, None, seq=3),
        ]

        changes = [c for c in changes if c.kind in phone.abilities.kinds]

        outcomes = {o.seq: o for o in carried_out(phone, changes)}

        assert outcomes[1].state == "failed"
        assert outcomes[1].reason
        assert outcomes[3].state == "done"
        assert everybody(phone)["jan"].numbers == ()
        assert whole(phone, known["ada"]).numbers == ()

    def test_every_change_has_one_outcome(self, phone: PhoneSystem) -> None:
        changes = many(phone)

        outcomes = list(phone.carry_out([c for call in phone.calls(changes) for c in call.changes]))

        assert sorted(o.seq for o in outcomes) == [c.seq for c in changes]

    def test_a_delegate_too_many_is_refused_for_that_person(self, phone: PhoneSystem) -> None:
        if "delegate.add" not in phone.abilities.kinds:
            pytest.skip("only a person can add delegates there")
        boss = everybody(phone)["boss"]
        assert phone.abilities.max_delegates == 15

        (outcome,) = phone.carry_out([change(boss, "delegate.add", None, "jan@example.org")])

        assert (outcome.state, bool(outcome.reason)) == ("failed", True)
        assert len(whole(phone, boss).delegates or ()) == 15

    def test_an_inactive_user_is_given_no_license(self, phone: PhoneSystem, names: Names) -> None:
        off = everybody(phone)["off"]

        (outcome,) = phone.carry_out([change(off, "license.assign", None, names.license)])

        assert outcome.state == "failed"
        assert whole(phone, off) == off

    def test_without_a_free_seat_a_package_is_refused(self, house: House, tmp_path: Path) -> None:
        names = house.names
        with one_seat(house, tmp_path) as phone:
            max_ = everybody(phone)["max"]

            (outcome,) = phone.carry_out([change(max_, "package.assign", None, names.package)])

            assert outcome.state == "failed"
            assert whole(phone, max_).packages == ()

    def test_a_leavers_seat_serves_a_joiner_of_the_same_run(
        self, house: House, tmp_path: Path
    ) -> None:
        names = house.names
        with one_seat(house, tmp_path) as phone:
            known = everybody(phone)
            claim = change(known["max"], "package.assign", None, names.package, seq=2, needs=(1,))
            release = change(known["jan"], "package.remove", names.package, None, seq=1)

            outcomes = carried_out(phone, [release, claim])

            assert [o.state for o in outcomes] == ["done", house.given("package.assign")]
            assert whole(phone, known["max"]).packages == (names.package,)

    def test_the_license_takes_with_it_what_it_says_it_takes(
        self, phone: PhoneSystem, names: Names
    ) -> None:
        eva = everybody(phone)["eva"]

        list(phone.carry_out([change(eva, "license.remove", names.license, None)]))

        (after,) = phone.read_some([eva])
        taken = {"packages": after.packages, "numbers": after.numbers, "delegates": after.delegates}
        assert after.license is None
        assert [n for n in phone.abilities.license_takes if taken.get(n)] == []

    def test_who_leaves_the_phone_system_answers_for_nobody(
        self, phone: PhoneSystem, names: Names
    ) -> None:
        known = everybody(phone)

        list(phone.carry_out([change(known["jan"], "license.remove", names.license, None)]))

        assert not whole(phone, known["eva"]).delegates

    def test_the_last_package_takes_the_numbers_if_it_says_so(
        self, phone: PhoneSystem, names: Names
    ) -> None:
        jan = everybody(phone)["jan"]

        list(phone.carry_out([change(jan, "package.remove", names.package, None)]))

        takes = "numbers" in phone.abilities.last_package_takes
        assert whole(phone, jan).numbers == (() if takes else (SECOND,))

    def test_a_joiner_has_an_account_from_then_on(self, phone: PhoneSystem) -> None:
        joiner = Change(
            seq=1,
            kind=phone.abilities.joiner,
            user="eve@example.org",
            key="k-eve",
            after={"display_name": "Eve Example", "email": "eve@example.org"},
        )

        (outcome,) = carried_out(phone, [joiner])

        (eve,) = phone.read_some([PhoneUser(id=outcome.id or "", email="eve@example.org")])
        assert outcome.state == "done"
        assert (eve.id, eve.email) == (outcome.id, "eve@example.org")

    def test_a_joiner_made_twice_is_one_user(self, phone: PhoneSystem) -> None:
        joiner = Change(
            seq=1,
            kind=phone.abilities.joiner,
            user="eve@example.org",
            key="k-eve",
            after={"display_name": "Eve Example", "email": "eve@example.org"},
        )

        first, second = (*carried_out(phone, [joiner]), *carried_out(phone, [joiner]))

        assert second.state in ("done", "stale", "failed")
        assert second.id in (None, first.id)
        assert sum(user.email == "eve@example.org" for user in phone.read()) == 1
