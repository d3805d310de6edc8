"""The inverse of each family of changes: what is due, what somebody changed since, what can't be."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.phone.snapshot import ABILITIES
from connectors.phone.zoom import abilities as zoom_abilities
from connectors.records import Abilities, PhoneUser
from provisioner.memory import Memory
from provisioner.plan.accounts import INVITATION
from provisioner.plan.draft import Draft
from provisioner.plan.effects import Done
from provisioner.plan.inverse import invert, judge_numbers
from provisioner.plan.taking_back import Inverse
from tests.provisioner.plan.grounds import ground
from tests.provisioner.plan.test_effects import done

ZOOM = zoom_abilities("ssoCreate", 15, job_titles=False)


def eva(**members: Any) -> PhoneUser:
    """Return eva's phone user, who has a license, and these members."""
    given: dict[str, Any] = {"email": "eva@example.org", "license": "phone"}
    return PhoneUser("p-eva", key="EVA", **given | members)


def back(
    actual: PhoneUser | None,
    *of: Done,
    abilities: Abilities = ABILITIES,
    memory: Memory | None = None,
) -> Inverse:
    """Take changes of eva's back, in the order they are given."""
    found = Inverse()
    invert(of, actual, "run-1", ground(abilities=abilities, memory=memory), found)
    return found


def drafted(found: Inverse) -> list[tuple[str, Any, Any]]:
    """Return the drafts that can be carried out, as (kind, before, after)."""
    return [(d.kind, d.before, d.after) for d, _ in found.drafts if d.state == "planned"]


def reasons(found: Inverse) -> list[str | None]:
    """Return why each conflict is one."""
    return [conflict.reason for conflict in found.conflicts]


@pytest.mark.parametrize(
    ("kind", "before", "after", "held", "expected"),
    [
        ("license.assign", "a", "b", {"license": "B"}, ("license.assign", "B", "a")),
        ("package.assign", None, "b", {"packages": ("b", "c")}, ("package.remove", "b", None)),
        ("package.assign", "a", "b", {"packages": ("b",)}, ("package.assign", "b", "a")),
        ("package.remove", "a", None, {}, ("package.assign", None, "a")),
        ("number.assign", None, "+491", {"numbers": ("+491",)}, ("number.release", "+491", None)),
        (
            *("number.assign", "+492", "+491", {"numbers": ("+491",)}),
            ("number.assign", "+491", "+492"),
        ),
        ("number.release", "+491", None, {}, ("number.assign", None, "+491")),
        ("site.set", "Brno", "Wien", {"site": "Wien"}, ("site.set", "Wien", "Brno")),
        ("site.set", None, "Wien", {"site": "Wien"}, ("site.set", "Wien", None)),
        ("extension.set", "7", "8", {"extension_number": "8"}, ("extension.set", "8", "7")),
        ("template.apply", "A", "B", {"template": "B"}, ("template.apply", "B", "A")),
        ("emergency.set", "A", "B", {"emergency_address": "B"}, ("emergency.set", "B", "A")),
        ("credit.assign", False, True, {"credits": True}, ("credit.remove", True, False)),
        ("credit.remove", True, False, {}, ("credit.assign", False, True)),
        ("delegate.add", None, "jan", {"delegates": ("Jan",)}, ("delegate.remove", "jan", None)),
        ("delegate.remove", "jan", None, {}, ("delegate.add", None, "jan")),
        (
            *("delegation.set", None, "B, C", {"delegate_privileges": ("C", "B")}),
            ("delegation.set", "B, C", None),
        ),
        ("user.deactivate", "eva", None, {"status": "inactive"}, ("user.activate", None, "eva")),
        ("user.trash", "eva", None, {"status": "trashed"}, ("user.restore", None, "eva")),
    ],
)
def test_each_kind_has_its_inverse(
    kind: str, before: Any, after: Any, held: dict[str, Any], expected: tuple[str, Any, Any]
) -> None:
    found = back(eva(**held), done(kind, before, after))

    mail = {"eva": "eva@example.org"}
    kind_of, was, wanted = expected
    assert drafted(found) == [(kind_of, mail.get(was, was), mail.get(wanted, wanted))]
    assert found.conflicts == []


@pytest.mark.parametrize(
    ("kind", "before", "after", "held"),
    [
        ("license.assign", "a", "b", {"license": "c"}),
        ("package.assign", "a", "b", {"packages": ("c",)}),
        ("package.assign", "a", "b", {"packages": ("a", "b")}),
        ("number.assign", "+491", "+492", {"numbers": ()}),
        ("number.release", "+491", None, {"numbers": ("+493",)}),
        ("site.set", "Brno", "Wien", {"site": "Linz"}),
        ("delegation.set", None, "B", {"delegate_privileges": ("B", "C")}),
        ("package.assign", None, "b", {"packages": ("b",), "status": "inactive"}),
        ("package.assign", None, "b", {"packages": ("b",), "status": "trashed"}),
        ("delegate.add", None, "jan", {"delegates": None}),
        ("user.activate", None, "eva", {"status": "trashed"}),
        ("softphone.authorize", None, "PC-1", {"softphone": "PC-2"}),
    ],
)
def test_what_somebody_changed_since_is_a_conflict_and_stays(
    kind: str, before: Any, after: Any, held: dict[str, Any]
) -> None:
    found = back(eva(**held), done(kind, before, after))

    assert found.drafts == []
    (conflict,) = found.conflicts
    assert conflict.users == ("eva@example.org",)
    assert "change 1 of plan 7 left" in conflict.reason


@pytest.mark.parametrize(
    ("kind", "before", "after", "held"),
    [
        ("license.assign", "a", "b", {"license": "A"}),
        ("package.assign", None, "b", {}),
        ("package.assign", "a", "b", {"packages": ("a",)}),
        ("package.remove", "a", None, {"packages": ("a", "c")}),
        ("site.set", "Brno", "Wien", {"site": "Brno"}),
        ("user.deactivate", "eva", None, {"status": "active"}),
        ("delegate.remove", "jan", None, {"delegates": ("JAN",)}),
    ],
)
def test_what_is_as_before_already_needs_nothing(
    kind: str, before: Any, after: Any, held: dict[str, Any]
) -> None:
    found = back(eva(**held), done(kind, before, after))

    assert (found.drafts, found.conflicts) == ([], [])
    assert len(found.settled) == 1


def test_what_the_phone_system_does_not_show_yet_is_not_taken_for_undone() -> None:
    found = back(eva(), done("package.assign", None, "b", state="settling"))

    assert (found.drafts, found.settled) == ([], [])
    assert len(found.pending) == 1


def test_a_license_comes_back_with_what_it_took_along() -> None:
    took = ("calling package a is removed", "number +491 is released", "delegation to jan ends")

    found = back(
        eva(license=None), done("license.remove", "phone", None, consequences=took), abilities=ZOOM
    )

    assert drafted(found) == [
        ("license.assign", None, "phone"),
        ("package.assign", None, "a"),
        ("number.assign", None, "+491"),
        ("delegate.add", None, "jan"),
    ]
    assert {d.because for d, _ in found.drafts} == {"undoes change 1 of plan 7 (run run-1)"}
    assert any("begins with the phone system's own site" in note for note in found.notes)


def test_a_deactivated_user_is_activated_and_gets_everything_back() -> None:
    took = ("license phone is freed", "calling package a is removed")

    found = back(
        eva(license=None, status="inactive"),
        done("user.deactivate", "eva@example.org", None, consequences=took),
    )

    assert drafted(found) == [
        ("user.activate", None, "eva@example.org"),
        ("license.assign", None, "phone"),
        ("package.assign", None, "a"),
    ]


def test_a_license_that_is_another_now_keeps_all_that_went_with_the_old_one_away() -> None:
    took = ("calling package a is removed",)

    found = back(eva(license="other"), done("license.remove", "phone", None, consequences=took))

    assert found.drafts == []
    assert reasons(found) == [
        "change 1 of plan 7 left the license without phone, and it is other now: that stays as it is"
    ]


def test_a_number_that_was_replaced_keeps_nothing_else_from_coming_back() -> None:
    took = ("number +491 is released", "delegation to jan ends")

    found = back(
        eva(license=None, numbers=("+492",)),
        done("license.remove", "phone", None, consequences=took),
    )

    assert drafted(found) == [("license.assign", None, "phone"), ("delegate.add", None, "jan")]
    assert len(found.conflicts) == 1


def test_a_license_goes_with_all_that_the_run_gave_with_it() -> None:
    found = back(
        eva(packages=("a",), numbers=("+491",), delegates=("jan",)),
        done("license.assign", None, "phone", 1),
        done("package.assign", None, "a", 2),
        done("number.assign", None, "+491", 3),
        done("delegate.add", None, "jan", 4),
    )

    assert drafted(found) == [
        ("license.remove", "phone", None),
        ("delegate.remove", "jan", None),
    ]
    license = found.drafts[0][0]
    assert license.consequences == [
        "calling package a is removed",
        "number +491 is released",
        "delegation to jan ends",
    ]
    assert license.because == "undoes changes 1, 2 and 3 of plan 7 (run run-1)"
    assert license.risk == "destructive"


def test_a_license_stays_if_something_of_another_origin_hangs_on_it() -> None:
    found = back(eva(numbers=("+491",)), done("license.assign", None, "phone"))

    assert found.drafts == []
    assert "number +491 hangs on it by now" in str(reasons(found)[0])


def test_the_last_package_stays_if_a_number_of_another_origin_hangs_on_it() -> None:
    found = back(eva(packages=("a",), numbers=("+491",)), done("package.assign", None, "a"))
    of_two = back(eva(packages=("a", "b"), numbers=("+491",)), done("package.assign", None, "a"))

    assert (found.drafts, len(found.conflicts)) == ([], 1)
    assert drafted(of_two) == [("package.remove", "a", None)]


def test_an_account_that_the_run_made_is_deleted_as_the_last_thing() -> None:
    found = back(
        eva(packages=("a",), delegates=("jan",), site="Brno"),
        done("user.create", None, "eva@example.org", 1),
        done("license.assign", None, "phone", 2),
        done("package.assign", None, "a", 3),
        done("site.set", None, "Brno", 4),
        done("profile.update", None, {"display_name": "Eva"}, 5),
        done("delegate.add", None, "jan", 6),
    )

    assert drafted(found) == [
        ("user.delete", "eva@example.org", None),
        ("delegate.remove", "jan", None),
    ]
    account, delegation = (draft for draft, _ in found.drafts)
    assert account.needs == [delegation]
    assert account.because == "undoes changes 1, 2, 3, 4 and 5 of plan 7 (run run-1)"


def test_an_account_that_got_more_since_stays() -> None:
    found = back(
        eva(packages=("a",)),
        done("user.create", None, "eva@example.org", 1),
        done("license.assign", None, "phone", 2),
    )

    assert found.drafts == []
    assert len(found.conflicts) == 2, "the account, and the license on which the package hangs"


def test_an_account_of_the_same_mail_that_another_made_stays() -> None:
    other = PhoneUser("p-other", key="EVA", email="eva@example.org")

    found = back(other, done("user.create", None, "eva@example.org"))

    assert (found.drafts, len(found.conflicts)) == ([], 1)


def test_who_was_invited_is_removed_and_the_mail_is_said_to_be_out() -> None:
    invited = done("user.invite", None, "eva@example.org", consequences=(INVITATION,))

    found = back(eva(license=None, status="pending"), invited)

    assert drafted(found) == [("user.delete", "eva@example.org", None)]
    assert found.notes == [
        "change 1 of plan 7: the mail to eva@example.org was sent, and can't be taken back"
    ]


def test_who_was_deleted_for_good_is_named_as_not_restorable() -> None:
    took = ("license phone is freed",)

    found = back(None, done("user.delete", "eva@example.org", None, consequences=took))

    (draft,) = (draft for draft, _ in found.drafts)
    assert (draft.kind, draft.state) == ("user.restore", "blocked")
    assert "deleted for good" in str(draft.reason)


def test_who_is_no_longer_in_the_trash_is_named_as_not_restorable() -> None:
    found = back(None, done("user.trash", "eva@example.org", None))

    (draft,) = (draft for draft, _ in found.drafts)
    assert (draft.kind, draft.state) == ("user.restore", "blocked")
    assert "no longer in the trash" in str(draft.reason)


def test_zooms_trash_cannot_be_looked_into_and_is_restored_by_hand() -> None:
    took = ("license phone is freed", "calling package a is removed")

    found = back(
        eva(license=None),
        done("user.trash", "eva@example.org", None, consequences=took),
        abilities=ZOOM,
    )

    assert drafted(found) == [("user.restore", None, "eva@example.org")]
    assert any("look at their packages and numbers" in note for note in found.notes)


def test_somebody_who_is_gone_altogether_is_a_conflict() -> None:
    found = back(None, done("package.remove", "a", None), done("site.set", "Brno", "Wien", 2))

    assert found.drafts == []
    assert len(found.conflicts) == 2
    assert back(None, done("user.create", None, "eva@example.org")).settled


def test_profile_attributes_go_back_one_by_one() -> None:
    found = back(
        eva(department="IT", display_name="Eva by hand"),
        done(
            "profile.update",
            {"department": "Sales", "display_name": "Eva"},
            {"department": "IT", "display_name": "Eva M"},
        ),
    )

    assert drafted(found) == [("profile.update", {"department": "IT"}, {"department": "Sales"})]
    assert len(found.conflicts) == 1


def test_what_cannot_be_read_back_is_as_it_was_last_applied() -> None:
    applied = {("eva", "template"): "B"}

    due = back(
        eva(),
        done("template.apply", "A", "B"),
        abilities=ZOOM,
        memory=Memory(adopted=True, applied=dict(applied)),
    )
    unknown = back(eva(), done("template.apply", "A", "B"), abilities=ZOOM)

    assert drafted(due) == [("template.apply", "B", "A")]
    assert (unknown.drafts, len(unknown.conflicts)) == ([], 1)


def test_an_attribute_whose_past_nobody_knows_stays_and_is_named() -> None:
    found = back(
        eva(),
        done("profile.update", {"job_title": None}, {"job_title": "Clerk"}),
        abilities=ZOOM,
        memory=Memory(adopted=True, applied={("eva", "profile.job_title"): "Clerk"}),
    )

    assert found.drafts == []
    assert found.notes == [
        "change 1 of plan 7: what the job_title was before isn't known; it stays"
    ]


def test_what_can_only_be_changed_there_is_blocked_if_there_was_none_before() -> None:
    found = back(eva(site="Wien"), done("site.set", None, "Wien"), abilities=ZOOM)

    (draft,) = (draft for draft, _ in found.drafts)
    assert (draft.kind, draft.state) == ("site.set", "blocked")


def test_what_hangs_on_a_license_that_goes_is_not_set_back_first() -> None:
    found = back(
        eva(site="Wien"),
        done("license.assign", None, "phone", 1),
        done("site.set", None, "Wien", 2),
        abilities=ZOOM,
    )

    assert drafted(found) == [("license.remove", "phone", None)]


def test_nothing_is_given_back_to_somebody_without_a_license() -> None:
    found = back(eva(license=None), done("package.remove", "a", None))

    (draft,) = (draft for draft, _ in found.drafts)
    assert draft.state == "blocked"
    assert "has no phone license" in str(draft.reason)


def test_a_softphone_that_was_moved_goes_back() -> None:
    found = back(
        eva(softphone="PC-2"),
        done("softphone.deauthorize", "PC-1", None, 1),
        done("softphone.authorize", None, "PC-2", 2),
    )

    assert drafted(found) == [
        ("softphone.deauthorize", "PC-2", None),
        ("softphone.authorize", None, "PC-1"),
    ]


def test_who_was_restored_goes_back_to_the_trash() -> None:
    found = back(eva(packages=("a",)), done("user.restore", None, "eva@example.org"))

    assert drafted(found) == [("user.trash", "eva@example.org", None)]


def test_who_was_activated_is_deactivated_unless_they_got_more_since() -> None:
    fresh = back(eva(license=None), done("user.activate", None, "eva@example.org"))
    more = back(eva(), done("user.activate", None, "eva@example.org"))

    assert drafted(fresh) == [("user.deactivate", "eva@example.org", None)]
    assert (more.drafts, len(more.conflicts)) == ([], 1)


def test_a_draft_says_what_it_undoes_and_keeps_the_rule_that_asked() -> None:
    (draft,) = drafts(back(eva(packages=("a", "b")), done("package.assign", None, "a", rule="r")))

    assert (draft.cause, draft.rule) == ("undo", "r")
    assert draft.because == "undoes change 1 of plan 7 (run run-1)"
    assert (draft.user, draft.key, draft.id) == ("eva@example.org", "EVA", "p-eva")


def drafts(found: Inverse) -> list[Draft]:
    """Return the drafts alone."""
    return [draft for draft, _ in found.drafts]


def test_a_number_that_somebody_else_has_by_now_is_named_with_them() -> None:
    claims = drafts(back(eva(), done("number.release", "+491", None)))

    judge_numbers(claims, {"+491": PhoneUser("p-jan", email="jan@example.org")}, {})

    assert (claims[0].state, claims[0].reason) == (
        "blocked",
        "number +491 is jan@example.org's by now",
    )


def test_a_number_that_rests_for_somebody_elses_sake_waits() -> None:
    claims = drafts(back(eva(), done("number.release", "+491", None)))

    judge_numbers(claims, {}, {"+491": "number +491 rests until tomorrow"})

    assert (claims[0].state, claims[0].reason) == ("waiting", "number +491 rests until tomorrow")


def test_a_number_that_its_holder_gives_back_in_the_same_undo_is_free() -> None:
    jan = PhoneUser("p-jan", key="JAN", email="jan@example.org", numbers=("+491",), license="x")
    found = back(eva(), done("number.release", "+491", None))
    theirs: dict[str, Any] = {"user": "jan@example.org", "key": "JAN", "id": "p-jan"}
    invert(
        [done("number.assign", None, "+491", 2, **theirs)],
        jan,
        "run-1",
        ground(abilities=ABILITIES),
        found,
    )

    judge_numbers(drafts(found), {"+491": jan}, {})

    assert [draft.state for draft in drafts(found)] == ["planned", "planned"]
