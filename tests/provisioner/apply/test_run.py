"""A run of apply: what goes, what waits, who is left alone, and how it ends."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from connectors.errors import RunError
from connectors.records import Outcome, PhoneUser
from provisioner.memory import Binding
from provisioner.store import people as people_store
from provisioner.store import runs as run_store
from provisioner.store.database import reading
from tests.provisioner.apply.world import (
    Phone,
    World,
    change,
    gives,
    joins,
    people_left,
    phone_with,
    takes,
)

Make = Callable[..., World]
REMOVALS = "212 of 640 people; if that is right: `provisioner apply PLAN --allow-removals 212`"
CHANGES = "400 of 640 people; if that is right: `provisioner apply PLAN --allow-changes 400`"


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    return lambda *names, **members: World(tmp_path, monkeypatch, phone_with(*names, **members))


def held(reason: str = REMOVALS) -> dict[str, Any]:
    return {"state": "held", "reason": reason}


# whole plans


def test_an_approved_plan_is_carried_out_whole(world: Make) -> None:
    here = world("eva", "jan")
    plan = here.record(gives(1, "eva"), takes(2, "jan"), *joins(3, "zoe", "basic", "gold"))

    result = here.apply(plan)

    assert (result.status, result.states) == (0, {"done": 6})
    assert here.states(plan) == ["done"] * 6
    assert here.phone.users["new-zoe"].packages == ("basic", "gold")
    assert here.phone.users["p-jan"].license is None


def test_a_plan_applied_again_asks_the_phone_system_nothing(world: Make) -> None:
    here = world("eva")
    plan = here.record(gives(1, "eva"))
    here.apply(plan)
    before = (here.phone.calls_made, here.phone.reads)

    result = here.apply(plan)

    assert (result.status, result.states) == (0, {})
    assert (here.phone.calls_made, here.phone.reads) == before


def test_a_new_account_is_bound_to_its_person(world: Make) -> None:
    here = world()
    here.apply(here.record(*joins(1, "zoe")))

    with reading(here.engine) as connection:
        assert list(people_store.bound(connection, "emea")) == [Binding("zoe", "new-zoe")]


def test_what_cannot_be_read_back_is_remembered(world: Make) -> None:
    here = world("eva")
    unreadable = frozenset({"template", "profile.job_title"})
    here.phone.abilities = msgspec.structs.replace(here.phone.abilities, unreadable=unreadable)
    profile = {"job_title": "CEO", "department": "Sales"}
    here.apply(
        here.record(
            change(1, "profile.update", "eva", dict.fromkeys(profile), profile),
            change(2, "template.apply", "eva", None, "Office"),
        )
    )

    with reading(here.engine) as connection:
        assert people_store.last_applied(connection, "emea") == {
            ("eva", "profile.job_title"): "CEO",
            ("eva", "template"): "Office",
        }


def test_a_run_is_on_record_with_its_figures(world: Make) -> None:
    here = world("eva", "jan")
    plan = here.record(gives(1, "eva"), gives(2, "jan"))
    result = here.apply(plan, "failed")

    with reading(here.engine) as connection:
        (row,) = run_store.listed(connection)
    assert (row.id, row.command, row.plan, row.status) == (result.run, "apply", plan, 5)
    assert row.summary["states"] == {"failed": 1, "done": 1}


# who fails


def test_a_person_who_fails_keeps_what_they_have_and_the_others_go_on(world: Make) -> None:
    here = world("eva", "jan")
    plan = here.record(gives(1, "eva"), gives(2, "jan"), change(3, "site.set", "eva", None, "Brno"))

    result = here.apply(plan, "failed")

    assert result.status == 5
    assert here.states(plan) == ["failed", "done", "skipped"]
    assert people_left(result) == ["eva"]
    assert here.reasons(plan)[2] == "change 1 of this person is failed"


def test_who_needs_what_failed_is_skipped_and_so_on(world: Make) -> None:
    here = world("eva", "jan", "zoe")
    plan = here.record(gives(1, "eva"), gives(2, "jan", needs=(1,)), gives(3, "zoe", needs=(2,)))

    result = here.apply(plan, "failed")

    assert here.states(plan) == ["failed", "skipped", "skipped"]
    assert here.reasons(plan)[1:] == [
        "needs change 1, which was not done",
        "needs change 2, which was not done",
    ]
    assert people_left(result) == ["eva", "jan", "zoe"]


def test_what_failed_is_tried_again_when_the_plan_is_applied_again(world: Make) -> None:
    here = world("eva", "jan")
    plan = here.record(gives(1, "eva"), gives(2, "eva", "gold"), gives(3, "jan"))
    here.apply(plan, "failed")

    result = here.apply(plan)

    assert result.status == 0
    assert here.states(plan) == ["done"] * 3
    assert len(here.phone.done) == 3


def test_what_failed_waits_in_the_newer_plan_and_not_in_the_old_one(world: Make) -> None:
    here = world("eva", "jan")
    old = here.record(gives(1, "eva"), gives(2, "jan"))
    here.apply(old, "failed", "failed")
    new = here.record(gives(1, "eva"))

    assert here.apply(new).status == 0
    result = here.apply(old)

    assert here.states(old) == ["done", "stale"]
    assert here.reasons(old)[0] == "it was so already"
    assert people_left(result) == ["jan"]
    assert len(here.phone.done) == 1


# who is not as the plan saw them


def test_who_was_edited_by_hand_since_is_left_alone_and_named(world: Make) -> None:
    here = world("eva", "jan", site="Brno")
    plan = here.record(
        *(change(n, "site.set", who, "Brno", "Munich") for n, who in ((1, "eva"), (2, "jan"))),
        gives(3, "eva"),
    )
    edited = here.phone.users["p-eva"]
    here.phone.users["p-eva"] = msgspec.structs.replace(edited, site="Madrid")

    result = here.apply(plan)

    assert result.status == 5
    assert here.states(plan) == ["stale", "done", "stale"]
    assert people_left(result) == ["eva"]
    assert here.phone.users["p-eva"].site == "Madrid"
    assert here.apply(plan).status == 0, "what is stale is over; a newer plan has it anew"
    assert here.phone.users["p-eva"].packages == ()


def test_what_somebody_has_done_already_is_done(world: Make) -> None:
    here = world("eva", packages=("basic",))
    plan = here.record(gives(1, "eva"), gives(2, "eva", "gold"))

    assert here.apply(plan).status == 0
    assert here.reasons(plan) == ["it was so already", None]
    assert [after for _, _, after in here.phone.done] == ["gold"]


def test_who_is_gone_since_is_left_alone_but_for_what_is_taken_from_them(world: Make) -> None:
    here = world("jan")
    plan = here.record(gives(1, "eva"), takes(2, "zoe"))

    here.apply(plan)

    assert here.states(plan) == ["stale", "done"]
    assert here.phone.done == []


def test_a_removal_that_would_take_more_than_was_said_is_left_alone(world: Make) -> None:
    here = world("eva", numbers=("+4989",))
    plan = here.record(takes(1, "eva"))

    here.apply(plan)

    assert here.states(plan) == ["stale"]
    assert here.phone.users["p-eva"].license == "zoom_phone"


def test_an_account_that_somebody_made_since_is_left_to_the_next_plan(world: Make) -> None:
    here = world()
    plan = here.record(*joins(1, "zoe", "basic"))
    here.phone.users["p-9"] = PhoneUser("p-9", email="ZOE@example.org")

    result = here.apply(plan)

    assert here.states(plan) == ["stale"] * 3
    assert "somebody has made an account" in result.left[0][2]
    with reading(here.engine) as connection:
        assert list(people_store.bound(connection, "emea")) == []


def test_a_person_of_two_keys_is_read_for_both(world: Make) -> None:
    here = world("eva", delegates=("jan@example.org",))
    ends = change(1, "delegate.remove", "eva", "jan@example.org", None, key="p-eva")
    plan = here.record(ends, gives(2, "eva"))

    here.apply(plan)

    assert here.states(plan) == ["done", "done"]
    assert here.phone.users["p-eva"].delegates == ()


def test_what_a_new_license_begins_with_is_no_reason_to_leave_somebody_alone(world: Make) -> None:
    here = world("eva", license=None)
    plan = here.record(
        change(1, "license.assign", "eva", None, "zoom_phone"),
        change(2, "site.set", "eva", None, "Munich", needs=(1,)),
        change(3, "extension.set", "eva", None, "4077", needs=(1,)),
    )
    here.apply(plan, "ok", "failed")
    began = here.phone.users["p-eva"]
    here.phone.users["p-eva"] = msgspec.structs.replace(began, site="Main", extension_number="800")

    assert here.apply(plan).status == 0
    assert here.phone.users["p-eva"].site == "Munich"
    assert here.phone.users["p-eva"].extension_number == "4077"


# approval and limits


def test_until_a_person_has_approved_a_full_plan_everything_waits(world: Make) -> None:
    here = world("eva", "jan")
    plan = here.record(gives(1, "eva"), takes(2, "jan"), approved=False)

    result = here.apply(plan)

    assert (result.status, result.unapproved) == (4, 2)
    assert here.phone.done == []


def test_a_first_plan_that_a_limit_holds_ends_with_3(world: Make) -> None:
    here = world("eva")
    plan = here.record(takes(1, "eva", **held()), approved=False)

    assert here.apply(plan, removals=9).status == 3
    assert here.phone.done == []


def test_without_approval_the_policy_lets_its_risks_through(world: Make) -> None:
    here = world("eva", "jan")
    plan = here.record(
        gives(1, "eva"), takes(2, "jan"), gives(3, "eva", "gold", needs=(2,)), approved=False
    )
    here.adopt()

    result = here.apply(plan)

    assert (result.status, result.unapproved) == (4, 2)
    assert here.states(plan) == ["done", "planned", "planned"]


def test_an_approval_that_expired_asks_again(world: Make) -> None:
    here = world("eva")
    plan = here.record(takes(1, "eva"))
    here.clock += timedelta(days=14)

    assert here.apply(plan).status == 4
    assert here.phone.done == []


def test_a_rejected_plan_is_refused(world: Make) -> None:
    here = world("eva")
    plan = here.record(gives(1, "eva"))
    here.decide(plan, "rejected")

    with pytest.raises(RunError, match="plan 1 was rejected on 2026-11-23 at 09:00 UTC"):
        here.apply(plan)

    assert here.phone.done == []


def test_what_was_rejected_in_another_plan_goes_in_none(world: Make) -> None:
    here = world("eva", "jan")
    one = here.record(gives(1, "eva"))
    two = here.record(gives(1, "eva"), gives(2, "jan"), gives(3, "jan", "gold", needs=(1,)))
    here.decide(one, "rejected")

    result = here.apply(two)

    assert (result.status, result.states) == (0, {"done": 1})
    assert [key for _, key, _ in here.phone.done] == ["JAN"]


@pytest.mark.parametrize(("most", "done"), [(1, 0), (2, 2), (9, 2)])
def test_held_removals_go_if_there_are_at_most_so_many_people(
    world: Make, most: int, done: int
) -> None:
    here = world("eva", "jan", "zoe")
    plan = here.record(
        takes(1, "eva", **held()),
        takes(2, "jan", **held()),
        gives(3, "zoe", **held("needs change 1, which is held"), needs=(1,)),
        gives(4, "zoe", "gold"),
    )

    result = here.apply(plan, removals=most)

    assert result.status == (0 if done else 3)
    assert here.states(plan).count("done") == (4 if done else 1)


def test_approving_alone_releases_nothing_that_is_held(world: Make) -> None:
    here = world("eva", "jan")
    plan = here.record(takes(1, "eva", **held()), gives(2, "jan", **held(CHANGES)))

    result = here.apply(plan, changes=1)

    assert (result.status, result.held) == (3, 1)
    assert here.states(plan) == ["held", "done"]


def test_what_was_held_is_held_again_after_a_run_that_did_not_get_to_it(world: Make) -> None:
    here = world("eva", "jan")
    plan = here.record(takes(1, "eva", **held()), takes(2, "jan", **held()))

    assert here.apply(plan, "refused", removals=2).status == 1
    assert here.states(plan) == ["held", "held"]
    assert here.reasons(plan)[0] == REMOVALS
    assert here.apply(plan).status == 3
    assert here.phone.done == []


def test_what_was_held_and_failed_needs_the_allowance_again(world: Make) -> None:
    here = world("eva", "jan")
    plan = here.record(takes(1, "eva", **held()), takes(2, "jan", **held()))
    here.apply(plan, "failed", "ok", removals=2)

    assert here.apply(plan).status == 3
    assert here.apply(plan, removals=1).status == 0


def test_an_absence_that_is_not_believed_is_released_by_nothing(world: Make) -> None:
    here = world("eva")
    plan = here.record(takes(1, "eva", **held("a row without a readable key may be this person")))

    assert here.apply(plan, removals=9, changes=9).status == 3


# newer plans


def test_what_a_newer_full_plan_no_longer_contains_is_left_out_and_named(world: Make) -> None:
    here = world("eva", "jan", "zoe")
    old = here.record(gives(1, "eva"), gives(2, "jan"), gives(3, "zoe", needs=(1,)))
    here.record(gives(1, "jan"), gives(2, "zoe"), approved=False)

    result = here.apply(old)

    assert result.status == 5
    assert here.states(old) == ["stale", "done", "skipped"]
    assert here.reasons(old)[2] == "needs change 1, which is stale"
    assert people_left(result) == ["eva", "zoe"]


# refusals: nothing is sent


def test_a_preview_is_refused(world: Make) -> None:
    here = world("eva")
    plan = here.record(gives(1, "eva"), scope="preview")

    with pytest.raises(RunError, match="only shows another mapping or another day"):
        here.apply(plan)


def test_a_plan_of_a_sync_that_the_config_lacks_is_refused(world: Make) -> None:
    here = world("eva")

    with pytest.raises(RunError, match="sync 'apac', which the config doesn't have"):
        here.apply(here.record(gives(1, "eva"), sync="apac"))


def test_an_unknown_plan_is_refused(world: Make) -> None:
    with pytest.raises(RunError, match="there is no plan '7'"):
        world().apply("7")


def test_a_clock_that_was_set_back_is_refused(world: Make) -> None:
    here = world("eva")
    plan = here.record(gives(1, "eva"))
    here.clock -= timedelta(hours=1)

    with pytest.raises(RunError, match="the store knows of 2026-11-23 09:00:00 already"):
        here.apply(plan)

    assert here.phone.done == []


def test_a_change_of_a_failed_run_that_is_no_longer_wanted_stays_undone(world: Make) -> None:
    here = world("eva")
    old = here.record(gives(1, "eva"))
    here.apply(old, "failed")
    new = here.record(gives(1, "eva", "gold"))

    here.apply(new)
    here.apply(old)

    assert here.phone.users["p-eva"].packages == ("gold",)
    assert here.states(old) == ["stale"]


def test_an_outcome_for_nobody_is_not_believed(
    world: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = world("eva")
    plan = here.record(gives(1, "eva"))

    def astray(self: Phone, changes: Any) -> Any:
        yield Outcome(99, "done")

    monkeypatch.setattr(Phone, "carry_out", astray)
    result = here.apply(plan)

    assert here.states(plan) == ["failed"]
    assert result.left[0][2] == "the phone system gave no outcome"
