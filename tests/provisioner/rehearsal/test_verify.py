"""The end of a rehearsal is held against the plan: what isn't in place, and who else was touched."""

from __future__ import annotations

from typing import Any

from connectors.phone.snapshot import ABILITIES
from connectors.records import PhoneUser
from provisioner.rehearsal.verify import Verified, digests, verify
from tests.provisioner.store.made import a_plan, change

EVA = PhoneUser("p-eva", email="eva@example.org", license="phone")
JAN = PhoneUser("p-jan", email="jan@example.org", license="phone", packages=("basic",))


def verified(*after: PhoneUser, **members: Any) -> Verified:
    given: dict[str, Any] = {"state": "done"} | members
    plan = a_plan(change(1, "package.assign", who="eva", **given))
    return verify(plan, digests([EVA, JAN]), after, ABILITIES)


def with_basic(user: PhoneUser) -> PhoneUser:
    return PhoneUser(user.id, email=user.email, license="phone", packages=("basic",))


def test_a_change_that_is_in_place_and_nobody_else_touched_is_as_planned() -> None:
    assert verified(with_basic(EVA), JAN) == Verified()


def test_a_change_that_no_read_shows_is_a_difference() -> None:
    assert verified(EVA, JAN).differences == [
        "1 package.assign eva@example.org is done, and a read doesn't show it"
    ]


def test_whoever_else_is_changed_gone_or_new_is_named() -> None:
    changed = PhoneUser("p-jan", email="jan@example.org", license="phone")
    new = PhoneUser("p-zoe", email="zoe@example.org")

    assert verified(with_basic(EVA), changed, new).differences == [
        "jan@example.org (p-jan) is changed, and no change is theirs",
        "zoe@example.org (p-zoe) is there, and no change made them",
    ]
    assert verified(with_basic(EVA)).differences == ["p-jan is gone, and no change took them away"]


def test_what_was_held_may_not_have_been_touched() -> None:
    assert verified(with_basic(EVA), JAN, state="held").differences == [
        "eva@example.org (p-eva) is changed, and no change is theirs"
    ]


def test_what_only_the_vendor_has_is_no_difference() -> None:
    moved = PhoneUser("p-jan", email="jan@example.org", license="phone", packages=("basic",), vendor={"seen": 2})  # fmt: skip

    assert verified(with_basic(EVA), moved) == Verified()


def test_an_account_that_a_change_made_is_its_own() -> None:
    plan = a_plan(
        change(1, "user.create", who="zoe", id="p-zoe", state="done"),
        change(2, "license.assign", who="zoe", id=None, state="done", after="phone"),
    )
    zoe = PhoneUser("p-zoe", email="zoe@example.org", license="phone")

    assert verify(plan, digests([EVA]), [EVA, zoe], ABILITIES) == Verified()
