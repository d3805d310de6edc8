"""What each change does to a snapshot: Zoom's rules, refusals, and what is stale."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.records import PhoneUser, Value
from tests.connectors.phone.snapshot.written import (
    FULL,
    Write,
    carry_out,
    change,
    read,
    refused,
    user,
    written,
)


@pytest.fixture
def write(tmp_path: Path) -> Write:
    return partial(written, tmp_path)


@pytest.mark.parametrize(
    ("holds", "one", "reason"),
    [
        ({}, ("package.assign", None, "P"), "a package needs a license first"),
        ({"license": "L"}, ("number.assign", None, "+492"), "a license and a package first"),
        ({}, ("credit.assign", None, True), "communication credits need a license first"),
        ({}, ("license.assign", None, "Nope"), "the account has no license 'Nope'"),
        ({}, ("license.assign", None, "Rare"), "no seat of 'Rare' is free: 1 of 1 are used"),
        (FULL, ("package.assign", None, "Q"), "no seat of 'Q' is free: 1 of 1 are used"),
        (FULL, ("package.assign", "P", "Q"), "no seat of 'Q' is free"),
        (FULL, ("number.assign", None, "+499"), "the account has no number +499"),
        (FULL, ("number.assign", None, "+491"), "the number +491 is held by other@example.org"),
        (FULL, ("extension.set", None, "100"), "the extension number 100 is other@example.org's"),
        (FULL, ("site.set", None, "Rome"), "the account has no site 'Rome'"),
        (FULL, ("template.apply", None, "Nope"), "the account has no template 'Nope'"),
        (FULL, ("template.apply", None, "Desk"), "the template 'Desk' is of site 'Brno'"),
        (FULL, ("delegate.add", None, "eva@example.org"), "that is they"),
        (FULL, ("delegate.add", None, "no@example.org"), "unknown"),
        ({"license": "L"}, ("delegate.add", None, "other@example.org"), "a license and a package"),
        (FULL, ("delegate.add", None, "bare@example.org"), "bare@example.org has not both"),
        (FULL, ("user.invite", None, None), "a snapshot doesn't know user.invite"),
        (FULL, ("profile.update", {}, {"shoe": "42"}), "a profile has no 'shoe'"),
        (
            FULL,
            ("profile.update", {"email": "eva@example.org"}, {"email": "BARE@example.org"}),
            "belongs to phone user bare",
        ),
        (FULL | {"status": "inactive"}, ("credit.assign", None, True), "activate them first"),
        (FULL | {"status": "trashed"}, ("license.remove", "L", None), "restore them first"),
        ({"status": "pending"}, ("license.assign", None, "L"), "not accepted the invitation"),
        ({"status": "pending"}, ("user.activate", None, None), "not accepted the invitation"),
        ({"role": "owner"}, ("user.trash", None, None), "the account's owner"),
        ({"role": "owner"}, ("user.delete", None, None), "the account's owner"),
        ({"role": "admin"}, ("user.deactivate", None, None), "the account's admin"),
    ],
)
def test_what_breaks_a_rule_is_refused_with_the_reason(
    write: Write, holds: dict[str, Any], one: tuple[str, Value, Value], reason: str
) -> None:
    catalog = {
        "licenses": {"L": 100, "Rare": 1},
        "packages": {"P": 100, "Q": 1},
        "templates": ["Office", ["Desk", "Brno"]],
        "sites": ["Brno", "Munich"],
        "numbers": ["+491", "+492"],
    }
    other = user("other", license="Rare", packages=["Q"], numbers=["+491"], extension_number="100")
    phone = write({"catalog": catalog}, user("eva", **holds), other, user("bare"))

    assert reason in refused(phone, change("eva", *one))


def test_a_delegate_of_fifteen_takes_no_sixteenth_delegator(write: Write) -> None:
    bosses = [user(f"b{n}", **FULL, delegates=["jan@example.org"]) for n in range(15)]
    phone = write(*bosses, user("jan", **FULL), user("eva", **FULL))

    reason = refused(phone, change("eva", "delegate.add", None, "jan@example.org"))

    assert reason == "jan@example.org has 15 delegators, the most there may be"


def test_a_common_area_can_be_a_delegate_by_its_name(write: Write) -> None:
    area = {"id": "c1", "kind": "common_area", "display_name": "Reception", **FULL}
    phone = write(area, user("eva", **FULL))

    (outcome,) = carry_out(phone, change("eva", "delegate.add", None, "reception"))

    assert outcome.state == "done"
    assert read(phone)["eva"].delegates == ("Reception",)


def test_names_are_given_as_the_account_spells_them(write: Write) -> None:
    phone = write({"catalog": {"licenses": {"Zoom Phone": 5}}}, user("eva"))

    carry_out(phone, change("eva", "license.assign", None, "ZOOM phone"))

    assert read(phone)["eva"].license == "Zoom Phone"


def test_removing_the_license_takes_all_that_hangs_on_it(write: Write) -> None:
    phone = write(
        user(
            "eva", **FULL, numbers=["+491"], delegates=["jan@example.org"], credits=True, site="B"
        ),
        user("jan", **FULL, delegates=["ada@example.org", "EVA@example.org"]),
        user("ada", **FULL),
    )

    carry_out(phone, change("eva", "license.remove", "L"))

    now = read(phone)
    assert now["eva"] == PhoneUser(id="eva", key="k-eva", email="eva@example.org", site="B")
    assert now["jan"].delegates == ("ada@example.org",)


def test_deactivation_strips_the_licenses_and_activation_brings_none_back(write: Write) -> None:
    phone = write(user("eva", **FULL, numbers=["+491"]))

    carry_out(phone, change("eva", "user.deactivate"))
    inactive = read(phone)["eva"]
    carry_out(phone, change("eva", "user.activate"))

    assert (inactive.status, inactive.license, inactive.numbers) == ("inactive", None, ())
    assert (read(phone)["eva"].status, read(phone)["eva"].packages) == ("active", ())


def test_only_the_last_package_takes_the_numbers(write: Write) -> None:
    phone = write(user("eva", license="L", packages=["P", "Q"], numbers=["+491"]))

    carry_out(phone, change("eva", "package.remove", "P"))
    one_left = read(phone)["eva"]
    carry_out(phone, change("eva", "package.remove", "q"))

    assert (one_left.packages, one_left.numbers) == (("Q",), ("+491",))
    assert (read(phone)["eva"].packages, read(phone)["eva"].numbers) == ((), ())


def test_who_is_in_the_trash_keeps_what_they_had_while_others_may_take_it(write: Write) -> None:
    catalog = {"licenses": {"L": 1}, "packages": {"P": 1}, "numbers": ["+491"]}
    phone = write({"catalog": catalog}, user("eva", **FULL, numbers=["+491"]), user("jan"))
    carry_out(phone, change("eva", "user.trash"))

    taken = carry_out(
        phone,
        change("jan", "license.assign", None, "L", seq=1),
        change("jan", "package.assign", None, "P", seq=2, needs=(1,)),
        change("jan", "number.assign", None, "+491", seq=3, needs=(2,)),
    )

    eva = read(phone)["eva"]
    assert [o.state for o in taken] == ["done"] * 3
    assert (eva.status, eva.license, eva.numbers) == ("trashed", "L", ("+491",))
    assert "no seat of 'L' is free" in refused(phone, change("eva", "user.restore"))


def test_who_is_restored_has_all_back_but_a_number_given_away(write: Write) -> None:
    phone = write(
        user("eva", **FULL, numbers=["+491", "+492"], status="trashed"),
        user("jan", **FULL, numbers=["+491"]),
    )

    carry_out(phone, change("eva", "user.restore"))

    eva = read(phone)["eva"]
    assert (eva.status, eva.license, eva.packages, eva.numbers) == (
        "active",
        "L",
        ("P",),
        ("+492",),
    )


def test_who_is_deleted_is_gone_from_the_file_and_from_delegators(write: Write) -> None:
    phone = write(user("eva", **FULL), user("jan", **FULL, delegates=["eva@example.org"]))

    carry_out(phone, change("eva", "user.delete"))

    assert list(read(phone)) == ["jan"]
    assert read(phone)["jan"].delegates == ()


def test_a_new_mail_address_goes_on_in_the_lists_of_delegators(write: Write) -> None:
    phone = write(user("eva", **FULL), user("jan", **FULL, delegates=["eva@example.org"]))
    before: Value = {"email": "eva@example.org"}
    after: Value = {"email": "eva.mala@example.org"}

    carry_out(phone, change("eva", "profile.update", before, after))

    assert read(phone)["eva"].email == "eva.mala@example.org"
    assert read(phone)["jan"].delegates == ("eva.mala@example.org",)


def test_privileges_are_set_for_the_delegator(write: Write) -> None:
    phone = write(user("eva", **FULL))

    carry_out(phone, change("eva", "delegation.set", None, "answer, place"))

    assert read(phone)["eva"].delegate_privileges == ("answer", "place")


@pytest.mark.parametrize(
    ("kind", "member", "before", "after"),
    [
        ("template.apply", "template", None, "Office"),
        ("site.set", "site", "Brno", "Munich"),
        ("extension.set", "extension_number", None, "0123"),
        ("emergency.set", "emergency_address", None, "Main St 1"),
        ("softphone.authorize", "softphone", None, "pc-17"),
        ("softphone.deauthorize", "softphone", "pc-17", None),
        ("credit.assign", "credits", False, True),
        ("credit.remove", "credits", True, False),
    ],
)
def test_what_a_user_has_one_of_is_set(
    write: Write, kind: str, member: str, before: Value, after: Value
) -> None:
    phone = write(user("eva", **FULL, **({} if before is None else {member: before})))

    (outcome,) = carry_out(phone, change("eva", kind, before, after))

    assert outcome.state == "done"
    assert getattr(read(phone)["eva"], member) == after


@pytest.mark.parametrize(
    "one",
    [
        ("license.assign", None, "M"),
        ("license.remove", "M", None),
        ("package.assign", "Q", "R"),
        ("number.assign", "+495", "+496"),
        ("site.set", "Rome", "Brno"),
        ("template.apply", None, "Desk"),
        ("profile.update", {"department": "IT"}, {"department": "HR"}),
        ("delegation.set", "answer", "place"),
    ],
)
def test_what_is_not_as_the_plan_saw_it_is_stale(
    write: Write, one: tuple[str, Value, Value]
) -> None:
    held = {"numbers": ["+491"], "site": "Munich", "template": "Office", "department": "Sales"}
    phone = write(user("eva", **FULL, **held, delegate_privileges=["pick up"]))
    before = phone.path.read_bytes()

    (outcome,) = carry_out(phone, change("eva", *one))

    assert outcome.state == "stale"
    assert outcome.reason
    assert phone.path.read_bytes() == before


def test_a_change_of_somebody_who_is_gone_is_stale_but_for_their_deletion(write: Write) -> None:
    phone = write(user("jan"))

    assign, delete = carry_out(
        phone, change("eva", "license.assign", None, "L"), change("ada", "user.delete")
    )

    assert (assign.state, assign.reason) == ("stale", "there is no such phone user any more")
    assert delete.state == "done"


NAMES = ["eva", "jan", "ada"]
ANY_CHANGE = st.tuples(
    st.sampled_from(NAMES),
    st.one_of(
        st.tuples(st.just("license.assign"), st.sampled_from([None, "L"]), st.sampled_from("LM")),
        st.tuples(st.just("license.remove"), st.sampled_from("LM"), st.none()),
        st.tuples(st.just("package.assign"), st.sampled_from([None, "P"]), st.sampled_from("PQ")),
        st.tuples(st.just("package.remove"), st.sampled_from("PQ"), st.none()),
        st.tuples(st.just("number.assign"), st.sampled_from([None, "1"]), st.sampled_from("12")),
        st.tuples(
            st.just("delegate.add"), st.none(), st.sampled_from([f"{n}@example.org" for n in NAMES])
        ),
        st.tuples(
            st.sampled_from(
                ["user.trash", "user.restore", "user.deactivate", "user.activate", "user.delete"]
            ),
            st.none(),
            st.none(),
        ),
    ),
)


@settings(deadline=None)
@given(wishes=st.lists(ANY_CHANGE, max_size=25))
def test_whatever_is_asked_for_the_rules_hold_in_the_end(
    tmp_path_factory: pytest.TempPathFactory, wishes: list[tuple[str, tuple[str, Value, Value]]]
) -> None:
    folder = tmp_path_factory.getbasetemp()
    catalog = {"licenses": {"L": 2, "M": 1}, "packages": {"P": 2, "Q": 1}, "numbers": ["1", "2"]}
    phone = written(folder, {"catalog": catalog}, *(user(name) for name in NAMES))
    for seq, (name, one) in enumerate(wishes, 1):
        carry_out(phone, change(name, *one, seq=seq))

    users = [u for u in phone.read() if u.status != "trashed"]

    held = [n for u in users for n in u.numbers]
    told = phone.catalog()
    seats = [*(told.licenses or {}).values(), *(told.packages or {}).values()]
    assert len(held) == len(set(held))
    assert all(s.used is not None and s.total is not None and s.used <= s.total for s in seats)
    for u in users:
        assert u.license or not (u.packages or u.delegates or u.credits)
        assert u.packages or not u.numbers
        assert u.status == "active" or not u.license
        assert f"{u.id}@example.org" not in (u.delegates or ())
