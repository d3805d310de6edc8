"""Grouping changes into Zoom's calls: as few as the batch sizes allow, every need before what needs it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.errors import RunError
from connectors.phone.zoom.calls import group
from connectors.phone.zoom.capabilities import LICENSED_AGAIN
from connectors.records import Call, Change

PRO, US = "Zoom Phone Pro", "US/CA Unlimited Calling Plan"


class Plan:
    """Changes with the seqs that a plan gives them."""

    def __init__(self) -> None:
        self.changes: list[Change] = []

    def add(
        self,
        kind: str,
        who: str,
        after: Any = None,
        *,
        before: Any = None,
        needs: Sequence[int] = (),
    ) -> int:
        seq = len(self.changes) + 1
        self.changes.append(
            Change(
                seq=seq, kind=kind, user=who, key=who, id=who, before=before, after=after,
                needs=tuple(needs),
            )
        )  # fmt: skip
        return seq

    def joins_phone(self, who: str, number: int) -> int:
        """Add everything that one joiner gets; return the license's seq."""
        license_ = self.add("license.assign", who, "zoom_phone")
        extension = self.add("extension.set", who, str(4000 + number), needs=[license_])
        package = self.add("package.assign", who, PRO, needs=[license_])
        self.add("site.set", who, "Munich", needs=[license_])
        self.add("template.apply", who, "Office", needs=[license_])
        self.add("number.assign", who, f"+4989{number}", needs=[package, extension])
        return license_

    def calls(self) -> list[Call]:
        return group(self.changes)


def whats(calls: Sequence[Call]) -> list[str]:
    return [call.what for call in calls]


def seqs(call: Call) -> list[int]:
    return [change.seq for change in call.changes]


def test_twenty_five_joiners_with_all_they_get_take_three_calls() -> None:
    plan = Plan()
    for n in range(25):
        plan.joins_phone(f"p{n}", n)

    calls = plan.calls()

    assert whats(calls) == ["POST /phone/users/batch"] * 3
    assert [len({c.key for c in call.changes}) for call in calls] == [10, 10, 5]
    assert {call.label for call in calls} == {"phone.medium"}


def test_a_license_without_an_extension_number_is_switched_on_by_itself_with_the_profile() -> None:
    plan = Plan()
    plan.add("profile.update", "eva", {"display_name": "Eva Malá"})
    license_ = plan.add("license.assign", "eva", "zoom_phone")
    plan.add("package.assign", "eva", PRO, needs=[license_])
    plan.add("package.assign", "eva", US, needs=[license_])

    calls = plan.calls()

    assert [(c.what, seqs(c)) for c in calls] == [
        ("PATCH /users/{userId}", [1, 2]),
        ("POST /phone/users/{userId}/calling_plans", [3, 4]),
    ]


def test_a_package_whose_short_name_nobody_knows_follows_the_batch_in_a_call_of_its_own() -> None:
    plan = Plan()
    plan.joins_phone("eva", 1)
    plan.add("package.assign", "eva", "Brno Special", needs=[1])

    assert whats(plan.calls()) == [
        "POST /phone/users/batch",
        "POST /phone/users/{userId}/calling_plans",
    ]


def test_a_number_does_not_ride_ahead_of_the_package_that_it_needs() -> None:
    plan = Plan()
    license_ = plan.add("license.assign", "eva", "zoom_phone")
    plan.add("extension.set", "eva", "4001", needs=[license_])
    package = plan.add("package.assign", "eva", "Brno Special", needs=[license_])
    plan.add("number.assign", "eva", "+491", needs=[package])

    assert [(c.what, seqs(c)) for c in plan.calls()] == [
        ("POST /phone/users/batch", [1, 2]),
        ("POST /phone/users/{userId}/calling_plans", [3]),
        ("POST /phone/users/{userId}/phone_numbers", [4]),
    ]


def test_people_who_only_change_site_move_together_by_site() -> None:
    plan = Plan()
    for n in range(12):
        plan.add("site.set", f"p{n}", "Munich" if n % 2 else "munich", before="Brno")
    plan.add("site.set", "other", "Paris", before="Brno")

    calls = plan.calls()

    assert whats(calls) == ["PUT /phone/users/batch"] * 3
    assert sorted(len(call.changes) for call in calls) == [1, 2, 10]


def test_who_changes_site_template_and_extension_needs_one_patch() -> None:
    plan = Plan()
    plan.add("site.set", "eva", "Munich", before="Brno")
    plan.add("template.apply", "eva", "Office")
    plan.add("extension.set", "eva", "4077", before="4001")

    assert [(c.what, seqs(c)) for c in plan.calls()] == [("PATCH /phone/users/{userId}", [1, 2, 3])]


def test_a_joiner_waits_for_the_leavers_seat_and_still_shares_a_call_with_those_who_dont() -> None:
    plan = Plan()
    released = plan.add("package.remove", "jan", before=PRO)
    plan.joins_phone("free", 1)
    license_ = plan.add("license.assign", "eva", "zoom_phone")
    plan.add("extension.set", "eva", "4002", needs=[license_])
    plan.add("package.assign", "eva", PRO, needs=[license_, released])

    assert whats(plan.calls()) == [
        "DELETE /phone/users/{userId}/calling_plans/{planType}",
        "POST /phone/users/batch",
    ]


def test_a_new_account_carries_its_profile_and_says_how_many_requests_that_takes() -> None:
    plan = Plan()
    plan.add("user.invite", "eva", "eva@example.org")
    plan.add("profile.update", "eva", {"display_name": "Eva", "job_title": "Clerk"}, needs=[1])
    plan.add("user.invite", "jan", "jan@example.org")
    plan.add("profile.update", "jan", {"display_name": "Jan"}, needs=[3])

    assert [(c.what, c.label, c.requests) for c in plan.calls()] == [
        ("POST /users", "users.create", 2),
        ("POST /users", "users.create", 1),
    ]


def test_a_user_created_active_gets_the_license_in_the_same_request() -> None:
    plan = Plan()
    plan.add("user.create", "eva", "eva@example.org")
    plan.add("license.assign", "eva", "zoom_phone", needs=[1])
    plan.add("user.create", "jan", "jan@example.org")
    license_ = plan.add("license.assign", "jan", "zoom_phone", needs=[3])
    plan.add("extension.set", "jan", "4001", needs=[license_])

    assert [(c.what, c.label, seqs(c)) for c in plan.calls()] == [
        ("POST /users", "users.light", [1, 2]),
        ("POST /users", "users.light", [3]),
        ("POST /phone/users/batch", "phone.medium", [4, 5]),
    ]


def test_a_mail_address_has_an_operation_of_its_own() -> None:
    plan = Plan()
    plan.add("profile.update", "eva", {"email": "eva@example.com"})
    plan.add("profile.update", "jan", {"email": "jan@example.com", "department": "Sales"})

    assert [(c.what, c.requests) for c in plan.calls()] == [
        ("PUT /users/{userId}/email", 1),
        ("PATCH /users/{userId}", 2),
    ]


def test_an_account_let_in_again_takes_a_request_more_where_it_gets_a_license_with_that() -> None:
    changes = [
        Change(seq=n, kind="user.activate", user=who, key=who, id=who, consequences=said)
        for n, (who, said) in enumerate({"eva": (LICENSED_AGAIN,), "jan": ()}.items(), start=1)
    ]

    assert [(c.what, c.requests, seqs(c)) for c in group(changes)] == [
        ("PUT /users/{userId}/status", 2, [1]),
        ("PUT /users/{userId}/status", 1, [2]),
    ]


def test_a_swap_of_packages_is_one_call_and_a_swap_of_numbers_two_requests() -> None:
    plan = Plan()
    plan.add("package.assign", "eva", PRO, before=US)
    plan.add("number.assign", "eva", "+491", before="+492")
    plan.add("number.assign", "eva", "+493")

    assert [(c.what, c.requests, seqs(c)) for c in plan.calls()] == [
        ("PUT /phone/users/{userId}/calling_plans", 1, [1]),
        ("POST /phone/users/{userId}/phone_numbers", 2, [2]),
        ("POST /phone/users/{userId}/phone_numbers", 1, [3]),
    ]


def test_at_most_ten_numbers_go_in_one_call() -> None:
    plan = Plan()
    for n in range(11):
        plan.add("number.assign", "eva", f"+49{n}")

    assert [len(call.changes) for call in plan.calls()] == [10, 1]


def test_every_delegate_takes_a_call() -> None:
    plan = Plan()
    for n in range(3):
        plan.add("delegate.add", "eva", f"d{n}@example.org")

    assert whats(plan.calls()) == ["POST /phone/users/{userId}/settings/delegation"] * 3


def test_manual_steps_take_no_call() -> None:
    plan = Plan()
    plan.add("user.trash", "eva")

    assert plan.calls() == []


def test_a_kind_that_zoom_cannot_do_is_an_error_and_never_dropped() -> None:
    plan = Plan()
    plan.add("softphone.authorize", "eva", "PC-7")

    with pytest.raises(RunError, match=r"no call for softphone.authorize"):
        plan.calls()


def test_two_joiners_who_wait_for_each_others_numbers_are_taken_apart_instead_of_being_stuck() -> (
    None
):
    plan = Plan()
    first = plan.joins_phone("eva", 1)
    released = plan.add("number.release", "jan", before="+4911", needs=[first])
    plan.add("number.assign", "eva", "+4911", needs=[released])

    calls = plan.calls()

    order = [seq for call in calls for seq in seqs(call)]
    assert order.index(released) < order.index(len(plan.changes))
    assert sorted(order) == [change.seq for change in plan.changes]


def test_changes_that_need_each_other_are_refused() -> None:
    a = Change(seq=1, kind="number.release", user="a", key="a", id="a", before="+1", needs=(2,))
    b = Change(seq=2, kind="number.release", user="b", key="b", id="b", before="+2", needs=(1,))

    with pytest.raises(RunError, match="in a circle"):
        group([a, b])


KINDS: dict[str, tuple[list[Any], list[Any]]] = {
    "license.assign": ([None], ["zoom_phone"]),
    "license.remove": (["zoom_phone"], [None]),
    "extension.set": ([None, "1"], ["4001", "4002"]),
    "site.set": ([None, "Brno"], ["Munich", "Paris"]),
    "template.apply": ([None], ["Office"]),
    "package.assign": ([None, US], [PRO, "Brno Special"]),
    "package.remove": ([US], [None]),
    "number.assign": ([None, "+1"], ["+2", "+3"]),
    "number.release": (["+1"], [None]),
    "delegate.add": ([None], ["x@example.org"]),
    "profile.update": (
        [None],
        [{"display_name": "X"}, {"email": "y@example.org"}, {"department": "D"}],
    ),
    "user.create": ([None], ["x@example.org"]),
    "user.invite": ([None], ["x@example.org"]),
}


@st.composite
def plans(draw: st.DrawFn) -> list[Change]:
    """Changes of up to 14 people in any order, each needing some earlier ones."""
    changes: list[Change] = []
    for seq in range(1, draw(st.integers(1, 40)) + 1):
        kind = draw(st.sampled_from(sorted(KINDS)))
        who = f"p{draw(st.integers(0, 13))}"
        before, after = (draw(st.sampled_from(values)) for values in KINDS[kind])
        needs = draw(st.sets(st.integers(1, seq - 1), max_size=2)) if seq > 1 else set()
        once = kind.startswith("user.") and any(
            c.key == who and c.kind.startswith("user.") for c in changes
        )
        if not once:
            changes.append(
                Change(
                    seq=seq, kind=kind, user=who, key=who, id=who, before=before, after=after,
                    needs=tuple(sorted(needs & {c.seq for c in changes})),
                )
            )  # fmt: skip
    return changes


@settings(max_examples=300, deadline=None)
@given(plans(), st.randoms(use_true_random=False))
def test_any_plan_is_carried_whole_in_an_order_that_meets_every_need(
    changes: list[Change], random: Any
) -> None:
    calls = group(changes)

    order = [change.seq for call in calls for change in call.changes]
    assert sorted(order) == [change.seq for change in changes]
    call_of = {seq: n for n, call in enumerate(calls) for seq in seqs(call)}
    for change in changes:
        assert all(call_of[need] <= call_of[change.seq] for need in change.needs)
    for call in calls:
        assert len({c.key for c in call.changes}) <= 10
        assert group(call.changes) == [call], "a call's own changes give that one call again"
    shuffled = list(changes)
    random.shuffle(shuffled)
    assert group(shuffled) == calls, "the order in which changes are given doesn't matter"


def test_one_persons_calls_stand_together_so_that_every_rate_is_used_all_the_time() -> None:
    plan, people = Plan(), [f"u{n}" for n in range(4)]
    created = {who: plan.add("user.create", who, f"{who}@example.org") for who in people}
    for who in people:
        plan.add("package.assign", who, US, needs=[created[who]])

    calls = plan.calls()

    assert [call.changes[0].user for call in calls] == [who for who in people for _ in "12"]
    assert len({call.label for call in calls}) == 2


def test_a_full_call_goes_before_the_rest_of_its_kind_is_there() -> None:
    plan = Plan()
    for number in range(25):
        plan.joins_phone(f"u{number}", number)

    sizes = [len({c.key for c in call.changes}) for call in plan.calls()]

    assert sizes == [10, 10, 5]


def test_a_delegators_new_delegations_go_one_right_after_the_other() -> None:
    plan = Plan()
    late = plan.add("license.assign", "zoe", "zoom_phone")
    plan.add("delegate.add", "eva", "jan@example.org")
    plan.add("delegate.add", "eva", "zoe@example.org", needs=[late])
    plan.add("delegation.set", "eva", "Place Calls")
    plan.add("delegate.add", "ida", "jan@example.org")

    whose = [(c.kind, c.key) for call in plan.calls() for c in call.changes]

    first = whose.index(("delegate.add", "eva"))
    assert whose.index(("license.assign", "zoe")) < first
    assert [key for _, key in whose[first : first + 3]] == ["eva"] * 3
