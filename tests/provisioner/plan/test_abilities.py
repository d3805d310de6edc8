"""What a phone system, its config and its policies stand against: blocked, manual or waiting, with the reason."""

from __future__ import annotations

from typing import Any

from connectors.phone.zoom import abilities
from connectors.records import Abilities, Catalog, PhoneUser, Seats
from tests.provisioner.plan.office import Office, only, person, told, user

LICENSED = "rules: [{name: all, when: userName pr, give: {license: zoom_phone}}]"


def zoom(action: str = "ssoCreate", **more: Any) -> Abilities:
    return abilities(action, 15, job_titles=False, **more)


def office(**members: Any) -> Office:
    plain = Office(mapping=LICENSED, people=[person("eva")], abilities=zoom())
    return plain.but(**members)


def leaver(policy: str, actual: PhoneUser | None = None, **more: Any) -> Office:
    gone = actual or user("jan", license="zoom_phone", numbers=("+4989123",))
    return office(
        mapping=f"leavers: {{do: {policy}}}\n{LICENSED}",
        people=[],
        users=[gone],
        bound={gone.id: ("jan", 1.0)},
        abilities=zoom(**more),
    )


def test_trash_is_a_manual_step_with_the_portals_path_and_the_day_when_it_ends() -> None:
    step = only(leaver("trash").plan().changes, "user.trash")

    assert step.state == "manual"
    assert "Phone System Management > Users & Rooms > Users" in str(step.reason)
    assert "until 2026-12-23" in str(step.reason)
    assert "number +4989123 is released" in step.consequences


def test_whoever_is_in_the_trash_already_is_not_sent_there_again() -> None:
    there = user("jan", license=None)

    assert leaver("trash", there).plan().changes == ()


def test_whoever_leaves_before_accepting_is_named_because_the_trash_has_no_place_for_them() -> None:
    plan = leaver("trash", user("jan", status="pending")).plan()

    assert plan.changes == ()
    (said,) = [w for w in plan.warnings if "before they accepted" in w]
    assert said.endswith("withdraw it by hand: jan@example.org")


def test_nobody_is_deleted_before_config_says_what_that_means_at_zoom() -> None:
    plan = leaver("delete").plan()

    assert told(plan.changes) == []
    blocked = only(plan.blocked, "user.delete")
    assert "leave: disassociate" in str(blocked.reason)
    assert "leave: delete" in str(blocked.reason)


def test_deleting_says_whether_the_account_stays_with_them_or_goes_for_good() -> None:
    for leave, words in (("disassociate", "keep a free Zoom account"), ("delete", "for good")):
        change = only(leaver("delete", leave=leave).plan().changes, "user.delete")
        assert any(words in sentence for sentence in change.consequences)


def test_deactivation_says_that_every_license_goes() -> None:
    change = only(leaver("deactivate").plan().changes, "user.deactivate")

    assert "license zoom_phone is freed" in change.consequences
    assert any("strips every license" in sentence for sentence in change.consequences)


def test_reactivation_gives_everything_anew_in_one_plan_in_order() -> None:
    back = user("eva", status="inactive")
    rule = "license: zoom_phone, packages: [basic], number: '+4989123'"
    mapping = f"rules: [{{name: all, when: userName pr, give: {{{rule}}}}}]"

    plan = office(mapping=mapping, users=[back]).plan()

    assert [c.kind for c in plan.changes] == [
        "user.activate",
        "license.assign",
        "package.assign",
        "number.assign",
    ]
    assert [sorted(c.needs) for c in plan.changes] == [[], [1], [1, 2], [1, 2, 3]]


def test_an_account_outside_of_the_managed_domains_is_blocked_where_it_would_be_made() -> None:
    elsewhere = office(abilities=zoom("autoCreate", domains=["example.com"])).plan()
    here = office(abilities=zoom("autoCreate", domains=["Example.org"])).plan()
    invited = office(abilities=zoom("create", domains=["example.com"])).plan()

    assert "example.org is none of them" in str(only(elsewhere.blocked, "user.create").reason)
    assert only(here.changes, "user.create").state == "planned"
    assert only(invited.changes, "user.invite").state == "planned"


def test_what_waits_for_an_invitation_is_named_until_it_is_accepted() -> None:
    plan = office(abilities=zoom("create"), users=[user("eva", status="pending")]).plan()

    waiting = only(plan.waiting, "license.assign")
    assert "has not accepted the invitation yet" in str(waiting.reason)


def test_an_invitation_of_somebody_with_an_account_of_their_own_says_what_joining_means() -> None:
    mapping = f"existing_account: 'title eq \"Partner\"'\n{LICENSED}"
    partner = person("eva", title="Partner")
    plan = office(mapping=mapping, people=[partner, person("jan")], abilities=zoom("create")).plan()

    said = " ".join(only(plan.changes, "user.invite", "eva").consequences)
    for words in ("may lose", "refunds", "comes without a Zoom Workplace license", "tell them"):
        assert words in said
    assert len(only(plan.changes, "user.invite", "jan").consequences) == 1


def test_config_may_name_whoever_has_an_account_of_their_own() -> None:
    able = zoom("create", existing=["EVA@example.org"], account_type=2)

    change = only(office(abilities=able).plan().changes, "user.invite")

    assert any("license comes with this invitation" in each for each in change.consequences)


def test_new_accounts_beyond_the_seats_are_blocked_the_lowest_rule_first() -> None:
    mapping = """rules:
- {name: bosses, when: 'title pr', give: {license: zoom_phone}}
- {name: all, when: userName pr, give: {license: zoom_phone}}
"""
    people = [person("amy"), person("bob"), person("zoe", title="Boss")]
    seats = Catalog(accounts=Seats(10, 8), notes=("a note",))

    plan = office(mapping=mapping, people=people, catalog=seats, abilities=zoom("create")).plan()

    assert {c.key for c in plan.changes if c.kind == "user.invite"} == {"zoe", "amy"}
    assert "8 of 10 are used" in str(only(plan.blocked, "user.invite").reason)
    assert "a note" in plan.warnings


def test_a_policy_that_is_off_for_a_user_blocks_the_delegation_with_that_reason() -> None:
    mapping = "rules: [{name: all, when: userName pr, give: {delegates: [jan]}}]"
    blocks = {"delegate.add": "call delegation is off for them"}
    eva = user("eva", license="zoom_phone", vendor={"blocks": blocks})
    jan = user("jan", license="zoom_phone")

    plan = office(mapping=mapping, people=[person("eva"), person("jan")], users=[eva, jan]).plan()

    reason = only(plan.blocked, "delegate.add").reason
    assert reason == "call delegation is off for them (rule all, mapping.yaml:2)"


def test_where_an_account_has_no_sites_none_is_set_and_a_warning_says_why() -> None:
    mapping = "rules: [{name: all, when: userName pr, give: {license: zoom_phone, site: Munich}}]"
    off = Catalog(without={"site": "Multiple Sites is off"})

    plan = office(mapping=mapping, catalog=off, users=[user("eva", license="zoom_phone")]).plan()

    assert plan.changes == ()
    assert "the mapping's site is set for nobody: Multiple Sites is off" in plan.warnings


def test_an_extension_number_has_its_sites_code_and_length() -> None:
    catalog = Catalog(sites=("Munich",), extensions={"Munich": ("81", 4)})

    def plan_for(number: str) -> Any:
        rule = f"license: zoom_phone, site: Munich, extension_number: '{number}'"
        mapping = f"rules: [{{name: all, when: userName pr, give: {{{rule}}}}}]"
        return office(mapping=mapping, catalog=catalog, users=[user("eva")]).plan()

    assert only(plan_for("814077").changes, "extension.set").after == "814077"
    for wrong in ("4077", "824077", "81407"):
        reason = only(plan_for(wrong).blocked, "extension.set").reason
        assert "begin with 81 and have 6 digits" in str(reason)


def test_one_license_can_be_refused_to_somebody_and_another_one_not() -> None:
    told_of = {"blocks": {"license.assign=zoom_phone": "they have nothing that it rests on"}}
    eva = user("eva", vendor=told_of)

    refused = office(users=[eva]).plan()
    other = office(users=[eva], mapping=LICENSED.replace("zoom_phone", "Suite")).plan()

    assert only(refused.blocked, "license.assign").reason == (
        "they have nothing that it rests on (rule all, mapping.yaml:2)"
    )
    assert only(other.changes, "license.assign").after == "Suite"


def test_what_was_to_come_from_elsewhere_and_failed_is_told_with_the_change_and_the_people() -> (
    None
):
    failed = {"failed": {"license.assign=zoom_phone": "the group G failed: no seat"}}
    people = [person(key) for key in ("eva", "jan")]
    users = [user(key, vendor=failed) for key in ("eva", "jan")]

    plan = office(people=people, users=users).plan()

    assert {c.consequences for c in plan.changes} == {
        ("given directly, as what was to give it didn't: the group G failed: no seat",)
    }
    assert plan.warnings == ("eva@example.org, jan@example.org: the group G failed: no seat",)


def test_what_failed_elsewhere_is_not_told_of_who_has_it_or_is_to_have_none() -> None:
    failed = {"failed": {"license.assign=zoom_phone": "the group G failed: no seat"}}
    has_it = user("eva", license="zoom_phone", vendor=failed)

    assert office(users=[has_it]).plan().warnings == ()
    assert office(people=[], users=[user("jan", vendor=failed)]).plan().warnings == ()


def test_an_extension_number_has_its_sites_code_though_nobody_tells_the_length() -> None:
    catalog = Catalog(sites=("Munich",), extensions={"Munich": ("81", None)})

    def plan_for(number: str) -> Any:
        rule = "license: zoom_phone, site: Munich, extension_number: '{title}'"
        mapping = f"rules: [{{name: all, when: userName pr, give: {{{rule}}}}}]"
        people = [person("eva", title=number)]
        return office(mapping=mapping, catalog=catalog, people=people, users=[user("eva")]).plan()

    assert only(plan_for("8177").changes, "extension.set").after == "8177"
    for wrong, words in (
        ("4077", "begin with 81 ("),
        ("81", "begin with 81 ("),
        ("81-77", "is not made of digits alone"),
        ("٨١٧٧", "is not made of digits alone"),
    ):
        assert words in str(only(plan_for(wrong).blocked, "extension.set").reason)


def test_what_is_said_of_an_account_let_in_again_is_not_said_of_a_phone_put_to_use() -> None:
    able = abilities("create", 15, job_titles=False, account_type=2)
    mapping = "rules: [{name: all, when: userName pr, give: {license: zoom_phone}}]"
    off = user("eva", status="inactive")
    waits = user("eva", license="zoom_phone", vendor={"to_activate": "ready to activate"})

    said = [
        only(office(mapping=mapping, abilities=able, users=[each]).plan().changes, "user.activate")
        for each in (off, waits)
    ]

    assert [c.consequences for c in said] == [
        ("they are given a Zoom Workplace license again (create.type: 2)",),
        (),
    ]
