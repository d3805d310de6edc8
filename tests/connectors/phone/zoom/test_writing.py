"""Changes carried out: what is sent, whom a refusal hits, and what is read back instead of guessed."""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest
import requests

from connectors.errors import RunError, TransientError
from connectors.records import Change, Outcome
from tests.connectors.phone.zoom.scripted_zoom import (
    Answer,
    ScriptedZoom,
    Sent,
    refusal,
    scripted_zoom,
)

US, PRO = "US/CA Unlimited Calling Plan", "Zoom Phone Pro"
OK: Answer = (204, None)
INVALID = refusal(400, 300, "Validation Failed.")
LOST = requests.ReadTimeout()

_seq = count(1)


def change(
    kind: str,
    who: str,
    after: Any = None,
    *,
    before: Any = None,
    id: str | None = "",
    needs: tuple[int, ...] = (),
) -> Change:
    """A change of `who`, whose Zoom id is `who` unless `id` says otherwise."""
    return Change(
        seq=next(_seq), kind=kind, user=f"{who}@example.org", key=who,
        id=who if id == "" else id, before=before, after=after, needs=needs,
    )  # fmt: skip


def states(outcomes: list[Outcome]) -> list[str]:
    return [outcome.state for outcome in outcomes]


def joins(who: str, extension: str = "4001") -> list[Change]:
    return [
        change("license.assign", who, "zoom_phone"),
        change("extension.set", who, extension),
        change("package.assign", who, PRO),
    ]


def accounts(zoom: ScriptedZoom, *names: str) -> None:
    """Have these account users, each found by id and by mail."""
    for name in names:
        found = {"id": name, "email": f"{name}@example.org", "type": 1, "status": "active"}
        for ref in (name, f"{name}@example.org"):
            zoom.on(f"GET /users/{ref}", (200, found))


def phone(name: str, **held: Any) -> Answer:
    return 200, {
        "id": name,
        "email": f"{name}@example.org",
        "extension_number": 4001,
        "status": "activate",
        "calling_plans": [],
        **held,
    }


def made(*names: str) -> Answer:
    return 201, [{"email": f"{name}@example.org", "id": name} for name in names]


# accounts


def test_an_invitation_gives_the_new_users_id_and_sends_the_names_along() -> None:
    with scripted_zoom(create={"type": 2}) as zoom:
        zoom.on("POST /users", (201, {"id": "new", "email": "eva@example.org", "type": 2}))
        zoom.on("PATCH /users/new", OK)

        outcomes = zoom.carry_out(
            change("user.invite", "eva", "eva@example.org", id=None),
            change(
                "profile.update",
                "eva",
                {"display_name": "Eva van Malá", "department": "R&D"},
                id=None,
            ),
        )

        assert (states(outcomes), outcomes[0].id) == (["done", "done"], "new")
        names = {"display_name": "Eva van Malá", "first_name": "Eva van", "last_name": "Malá"}
        info = {"email": "eva@example.org", "type": 2, **names}
        assert zoom.writes() == [
            ("POST /users", {"action": "create", "user_info": info}),
            ("PATCH /users/new", {"dept": "R&D"}),
        ]


def test_a_user_created_with_a_password_gets_one_that_nobody_can_guess() -> None:
    with scripted_zoom(create={"action": "autoCreate"}) as zoom:
        zoom.on("POST /users", (201, {"id": "new"}))

        zoom.carry_out(change("user.create", "a", "a@example.org", id=None))
        zoom.carry_out(change("user.create", "b", "b@example.org", id=None))

        first, second = (body["user_info"]["password"] for _, body in zoom.writes())
        assert first != second
        assert 20 <= len(first) <= 32


def test_an_account_that_somebody_else_made_meanwhile_is_stale_and_named() -> None:
    with scripted_zoom() as zoom:
        zoom.on("POST /users", refusal(409, 1005, 'Email "eva@example.org" has already been used.'))
        accounts(zoom, "eva")

        outcomes = zoom.carry_out(
            change("user.invite", "eva", "eva@example.org", id=None),
            change("profile.update", "eva", {"department": "R&D"}, id=None),
        )

        assert states(outcomes) == ["stale", "skipped"]
        assert outcomes[0].id is None
        assert "eva@example.org" in str(outcomes[0].reason)


def test_an_address_of_another_zoom_account_fails_with_what_to_do() -> None:
    with scripted_zoom() as zoom:
        zoom.on("POST /users", refusal(409, 1005, 'Email "eva@example.org" has already been used.'))

        (outcome,) = zoom.carry_out(change("user.invite", "eva", "eva@example.org", id=None))

        assert outcome.state == "failed"
        assert "belongs to another Zoom account" in str(outcome.reason)


def test_an_invitation_without_an_answer_is_looked_up_and_not_sent_twice() -> None:
    with scripted_zoom() as zoom:
        zoom.on("POST /users", LOST)
        accounts(zoom, "eva")

        (outcome,) = zoom.carry_out(change("user.invite", "eva", "eva@example.org", id=None))

        assert (outcome.state, outcome.id) == ("done", "eva")
        assert [what for what, _ in zoom.writes()] == ["POST /users"]


def test_an_invitation_without_an_answer_that_shows_up_later_is_ours_when_sent_again() -> None:
    with scripted_zoom() as zoom:
        invite = change("user.invite", "eva", "eva@example.org", id=None)
        zoom.on(
            "POST /users",
            LOST,
            refusal(409, 1005, 'Email "eva@example.org" has already been used.'),
        )

        with pytest.raises(TransientError) as caught:
            zoom.carry_out(invite)
        accounts(zoom, "eva")
        (outcome,) = zoom.carry_out(invite)

        assert caught.value.in_doubt
        assert (outcome.state, outcome.id) == ("done", "eva")


def test_without_a_phone_license_left_the_account_is_made_and_only_the_license_fails() -> None:
    no_seat = refusal(404, 1102, "You cannot enable the **Zoom Phone** feature because …")
    with scripted_zoom(create={"action": "ssoCreate"}) as zoom:
        zoom.on("POST /users", no_seat, (201, {"id": "new"}))

        outcomes = zoom.carry_out(
            change("user.create", "eva", "eva@example.org", id=None),
            change("license.assign", "eva", "zoom_phone", id=None),
        )

        assert states(outcomes) == ["done", "failed"]
        assert "free or order one" in str(outcomes[1].reason)


def test_license_and_profile_go_in_one_patch_and_a_new_address_after_it() -> None:
    with scripted_zoom() as zoom:
        zoom.on("PATCH /users/eva", OK)
        zoom.on("GET /phone/users/eva", phone("eva"))
        zoom.on("PUT /users/eva/email", OK)

        outcomes = zoom.carry_out(
            change(
                "profile.update",
                "eva",
                {"job_title": "Clerk", "department": None, "email": "e@example.com"},
            ),
            change("license.assign", "eva", "zoom_phone"),
        )

        assert set(states(outcomes)) == {"done"}
        assert zoom.writes() == [
            (
                "PATCH /users/eva",
                {"job_title": "Clerk", "dept": "", "feature": {"zoom_phone": True}},
            ),
            ("PUT /users/eva/email", {"email": "e@example.com"}),
        ]


def test_an_attribute_that_zoom_has_not_got_fails_before_anything_is_sent() -> None:
    with scripted_zoom() as zoom:
        (outcome,) = zoom.carry_out(change("profile.update", "eva", {"usage_location": "DE"}))

        assert outcome.state == "failed"
        assert zoom.sent == []


def test_nobody_is_deleted_unless_config_says_how_people_leave() -> None:
    with scripted_zoom() as zoom:
        (outcome,) = zoom.carry_out(change("user.delete", "eva"))

        assert outcome.state == "failed"
        assert "leave: disassociate" in str(outcome.reason)
        assert zoom.sent == []


@pytest.mark.parametrize(("status", "action"), [("active", "delete"), ("pending", "disassociate")])
def test_a_pending_user_can_only_be_disassociated(status: str, action: str) -> None:
    with scripted_zoom(leave="delete") as zoom:
        zoom.on("GET /users/eva", (200, {"id": "eva", "type": 1, "status": status}))
        zoom.on("DELETE /users/eva", OK)

        assert states(zoom.carry_out(change("user.delete", "eva"))) == ["done"]
        assert zoom.writes() == [("DELETE /users/eva", {"action": action})]


def test_who_is_gone_is_deleted_and_holds_no_license() -> None:
    with scripted_zoom(leave="disassociate") as zoom:
        assert states(zoom.carry_out(change("user.delete", "eva"))) == ["done"]
        assert states(zoom.carry_out(change("license.remove", "jan", before="zoom_phone"))) == [
            "done"
        ]


# the batch


def test_a_joiner_comes_into_phone_with_everything_in_one_request() -> None:
    with scripted_zoom() as zoom:
        accounts(zoom, "eva")
        zoom.listing(
            "/phone/sites", "sites", {"id": "s1", "name": "Munich"}, {"id": "s2", "name": "Brno"}
        )
        zoom.on("POST /phone/users/batch", made("eva"))

        outcomes = zoom.carry_out(
            *joins("eva"),
            change("site.set", "eva", "munich"),
            change("template.apply", "eva", "Office"),
            change("number.assign", "eva", "+49891"),
        )

        assert set(states(outcomes)) == {"done"}
        ((_, body),) = zoom.writes()
        assert body == {
            "users": [
                {
                    "email": "eva@example.org",
                    "calling_plans": ["Pro"],
                    "extension_number": "4001",
                    "site_name": "Munich",
                    "template_name": "Office",
                    "phone_numbers": ["+49891"],
                    "activation_status": "activate",
                }
            ]
        }


def test_the_batch_names_the_address_that_the_account_has_and_not_the_directorys() -> None:
    with scripted_zoom() as zoom:
        zoom.on("GET /users/eva", (200, {"id": "eva", "email": "old@example.org", "type": 1}))
        zoom.on("POST /phone/users/batch", (201, [{"email": "old@example.org", "id": "eva"}]))

        assert set(states(zoom.carry_out(*joins("eva")))) == {"done"}


def test_of_several_subscriptions_the_batch_names_the_one_with_seats_left() -> None:
    plan = {"type": 3000, "name": PRO, "subscribed": 5}
    with scripted_zoom() as zoom:
        accounts(zoom, "eva")
        zoom.on("POST /phone/users/batch", made("eva"))
        subscriptions = [
            {**plan, "assigned": 5, "available": 0, "billing_subscription_id": "FULL"},
            {**plan, "assigned": 1, "available": 4, "billing_subscription_id": "FREE"},
        ]
        zoom.on("GET /phone/calling_plans", (200, {"calling_plans": subscriptions}))

        zoom.carry_out(*joins("eva"))

        assert zoom.writes()[0][1]["users"][0]["calling_plans"] == ["Pro:FREE"]


def test_an_extension_number_goes_without_its_sites_code_where_the_account_uses_codes() -> None:
    with scripted_zoom() as zoom:
        accounts(zoom, "eva")
        zoom.listing("/phone/sites", "sites", {"id": "s1", "name": "Munich", "site_code": 12})
        zoom.on(
            "GET /phone/settings", (200, {"multiple_sites": {"enabled": True, "site_code": True}})
        )
        zoom.on("POST /phone/users/batch", made("eva"))

        zoom.carry_out(*joins("eva", "124001"), change("site.set", "eva", "Munich"))

        assert zoom.writes()[0][1]["users"][0]["extension_number"] == "4001"


def test_a_batch_that_is_refused_whole_hits_only_the_person_it_is_about() -> None:
    with scripted_zoom() as zoom:
        accounts(zoom, "a", "b", "c")

        def reply(sent: Sent) -> Answer:
            names = [user["email"][0] for user in sent.body["users"]]
            return INVALID if "b" in names else made(*names)

        zoom.on("POST /phone/users/batch", reply)
        outcomes = zoom.carry_out(*joins("a"), *joins("b"), *joins("c"))

        assert states(outcomes) == ["done"] * 3 + ["failed"] * 3 + ["done"] * 3
        assert "Validation Failed" in str(outcomes[3].reason)


def test_a_batch_that_serves_some_is_believed_for_those_and_the_others_are_sent_alone() -> None:
    with scripted_zoom() as zoom:
        accounts(zoom, "a", "b")
        zoom.on("POST /phone/users/batch", made("a"), INVALID)

        assert states(zoom.carry_out(*joins("a"), *joins("b"))) == ["done"] * 3 + ["failed"] * 3
        assert len(zoom.writes()) == 2


def test_a_refused_batch_that_served_somebody_all_the_same_is_not_sent_again_for_them() -> None:
    with scripted_zoom() as zoom:
        accounts(zoom, "a", "b")
        zoom.on("GET /phone/users/a", phone("a", calling_plans=[{"type": 3000}]))
        zoom.on("POST /phone/users/batch", INVALID, made("b"))

        assert set(states(zoom.carry_out(*joins("a"), *joins("b")))) == {"done"}
        assert [len(body["users"]) for _, body in zoom.writes()] == [2, 1]


def test_who_was_served_without_their_package_is_told_so() -> None:
    with scripted_zoom() as zoom:
        accounts(zoom, "a")
        zoom.on("GET /phone/users/a", phone("a"))
        zoom.on("POST /phone/users/batch", (201, []))

        outcomes = zoom.carry_out(*joins("a"))

        assert states(outcomes) == ["done", "done", "failed"]
        assert "without 'Zoom Phone Pro'" in str(outcomes[2].reason)


def test_a_batch_without_an_answer_is_read_back_and_only_the_rest_is_in_doubt() -> None:
    with scripted_zoom() as zoom:
        accounts(zoom, "a", "b")
        zoom.on("GET /phone/users/a", phone("a", calling_plans=[{"type": 3000}]))
        zoom.on("POST /phone/users/batch", LOST)
        told: list[Outcome] = []

        with pytest.raises(TransientError) as caught:
            told.extend(zoom.phone.carry_out([*joins("a"), *joins("b")]))

        assert caught.value.in_doubt
        assert states(told) == ["done"] * 3


def test_without_a_site_at_an_account_with_several_zoom_chooses_and_we_dont_guess() -> None:
    with scripted_zoom() as zoom:
        accounts(zoom, "eva")
        zoom.listing(
            "/phone/sites", "sites", {"id": "s1", "name": "Munich"}, {"id": "s2", "name": "Brno"}
        )
        zoom.on("PATCH /users/eva", OK)
        zoom.on("GET /phone/users/eva", phone("eva"))
        zoom.on("PATCH /phone/users/eva", OK)
        zoom.on("POST /phone/users/eva/calling_plans", (201, None))

        assert set(states(zoom.carry_out(*joins("eva")))) == {"done"}
        assert [what for what, _ in zoom.writes()] == [
            "PATCH /users/eva",
            "PATCH /phone/users/eva",
            "POST /phone/users/eva/calling_plans",
        ]


def test_an_unknown_site_fails_its_person_and_the_others_go_on() -> None:
    with scripted_zoom() as zoom:
        accounts(zoom, "a", "b")
        zoom.listing("/phone/sites", "sites", {"id": "s1", "name": "Munich"})
        zoom.on("POST /phone/users/batch", made("b"))

        outcomes = zoom.carry_out(*joins("a"), change("site.set", "a", "Atlantis"), *joins("b"))

        assert states(outcomes) == ["failed"] * 4 + ["done"] * 3


def test_people_who_cannot_move_together_move_alone() -> None:
    with scripted_zoom() as zoom:
        zoom.listing("/phone/sites", "sites", {"id": "s1", "name": "Munich"})

        def reply(sent: Sent) -> Answer:
            return (
                refusal(404, 1001, "User does not exist: b.")
                if "b" in sent.body["user_ids"]
                else OK
            )

        zoom.on("PUT /phone/users/batch", reply)
        outcomes = zoom.carry_out(*(change("site.set", who, "Munich") for who in "abc"))

        assert states(outcomes) == ["done", "failed", "done"]
        assert zoom.writes()[0][1] == {
            "batch_type": "move_site", "user_ids": ["a", "b", "c"], "site_id": "s1",
        }  # fmt: skip


# one phone user


def test_a_template_is_looked_up_at_the_site_that_the_same_request_moves_to() -> None:
    with scripted_zoom() as zoom:
        zoom.listing(
            "/phone/sites", "sites", {"id": "s1", "name": "Munich"}, {"id": "s2", "name": "Brno"}
        )
        zoom.on("GET /phone/setting_templates", _template_of_site)
        zoom.on("PATCH /phone/users/eva", OK)
        zoom.on("GET /phone/users/eva", phone("eva", site_id="s1"))

        zoom.carry_out(change("site.set", "eva", "Brno"), change("template.apply", "eva", "office"))
        zoom.carry_out(change("template.apply", "eva", "Office"))

        assert [body for _, body in zoom.writes()] == [
            {"site_id": "s2", "template_id": "office-of-s2"},
            {"template_id": "office-of-s1"},
        ]


def test_a_template_that_the_site_has_not_got_fails_with_what_to_do() -> None:
    with scripted_zoom() as zoom:
        zoom.on("GET /phone/users/eva", phone("eva"))

        (outcome,) = zoom.carry_out(change("template.apply", "eva", "Office"))

        assert outcome.state == "failed"
        assert "there is no user template called 'Office'" in str(outcome.reason)


def test_a_refused_package_that_is_held_already_is_done_and_the_others_are_sent_alone() -> None:
    with scripted_zoom() as zoom:
        zoom.on("POST /phone/users/eva/calling_plans", INVALID)
        zoom.on("GET /phone/users/eva", phone("eva", calling_plans=[{"type": 200}]))

        outcomes = zoom.carry_out(
            change("package.assign", "eva", US), change("package.assign", "eva", PRO)
        )

        assert states(outcomes) == ["done", "failed"]
        types = [[p["type"] for p in body["calling_plans"]] for _, body in zoom.writes()]
        assert types == [[200, 3000], [3000]]


def test_a_package_that_nobody_knows_is_not_guessed() -> None:
    with scripted_zoom() as zoom:
        (outcome,) = zoom.carry_out(change("package.assign", "eva", "Moon Calls"))

        assert "no calling plan called 'Moon Calls'" in str(outcome.reason)
        assert zoom.writes() == []


def test_a_swap_puts_the_new_type_in_the_old_ones_place() -> None:
    with scripted_zoom() as zoom:
        zoom.on("PUT /phone/users/eva/calling_plans", OK)

        zoom.carry_out(change("package.assign", "eva", PRO, before=US))

        assert zoom.writes() == [
            ("PUT /phone/users/eva/calling_plans", {"source_type": 200, "target_type": 3000})
        ]


@pytest.mark.parametrize(("held", "state"), [(3000, "done"), (100, "failed")])
def test_a_swap_that_was_made_already_is_done_and_any_other_refusal_fails(
    held: int, state: str
) -> None:
    with scripted_zoom() as zoom:
        zoom.on(
            "PUT /phone/users/eva/calling_plans",
            refusal(400, 404, "User did not subscribe to the source plan."),
        )
        zoom.on("GET /phone/users/eva", phone("eva", calling_plans=[{"type": held}]))

        assert states(zoom.carry_out(change("package.assign", "eva", PRO, before=US))) == [state]


def test_what_is_not_there_is_removed() -> None:
    with scripted_zoom() as zoom:
        zoom.on("DELETE /phone/users/eva/calling_plans/200", refusal(404, 404, "Not held."))
        zoom.on(
            "DELETE /phone/users/eva/phone_numbers/+49891",
            refusal(404, 400, "Invalid query parameter."),
        )

        outcomes = zoom.carry_out(
            change("number.release", "eva", before="+49891"),
            change("package.remove", "eva", before=US),
        )

        assert states(outcomes) == ["done", "done"]


def test_a_number_is_given_before_the_old_one_is_taken() -> None:
    with scripted_zoom() as zoom:
        zoom.on("POST /phone/users/eva/phone_numbers", (201, {"phone_numbers": []}))
        zoom.on("DELETE /phone/users/eva/phone_numbers/+491", OK)

        zoom.carry_out(change("number.assign", "eva", "+492", before="+491"))

        assert [what for what, _ in zoom.writes()] == [
            "POST /phone/users/eva/phone_numbers",
            "DELETE /phone/users/eva/phone_numbers/+491",
        ]


def test_a_number_that_somebody_else_took_leaves_the_old_one_where_it_is() -> None:
    with scripted_zoom() as zoom:
        zoom.on("POST /phone/users/eva/phone_numbers", INVALID)
        zoom.on("GET /phone/users/eva", phone("eva", phone_numbers=[{"id": "n", "number": "+491"}]))

        (outcome,) = zoom.carry_out(change("number.assign", "eva", "+492", before="+491"))

        assert outcome.state == "failed"
        assert len(zoom.writes()) == 1


def test_numbers_without_an_answer_are_read_back() -> None:
    with scripted_zoom() as zoom:
        zoom.on("POST /phone/users/eva/phone_numbers", LOST)
        zoom.on("GET /phone/users/eva", phone("eva", phone_numbers=[{"id": "n", "number": "+492"}]))

        assert states(zoom.carry_out(change("number.assign", "eva", "+492"))) == ["done"]
        assert len(zoom.writes()) == 1


# delegates


def test_a_delegate_is_added_and_removed_by_extension_id() -> None:
    with scripted_zoom() as zoom:
        zoom.on("GET /phone/users/jan@example.org", phone("jan", extension_id="ext-jan"))
        zoom.on("POST /phone/users/eva/settings/delegation", (201, {}))
        zoom.on("DELETE /phone/users/eva/settings/delegation", OK)

        zoom.carry_out(change("delegate.add", "eva", "jan@example.org"))
        zoom.carry_out(change("delegate.remove", "eva", before="jan@example.org"))

        assert [sent for _, sent in zoom.writes()] == [
            {"delegation_assistant_extension_id": "ext-jan"},
            {"assistant_extension_id": "ext-jan"},
        ]
        assert zoom.whats().count("GET /phone/users/jan@example.org") == 1


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        ({"delegation": {"assistants": [{"extension_id": "ext-jan"}]}}, "done"),
        ({"delegation": {"assistants": [{"extension_id": "ext-pat"}]}}, "settling"),
        ({"delegation": {"assistants": []}}, "settling"),
        ({"delegation": {"assistants": [{"display_name": "Jan"}]}}, "done"),
        ({"delegation": {}}, "done"),
    ],
)
def test_a_delegate_whom_the_answer_leaves_out_has_yet_to_accept_it(
    answer: Any, state: str
) -> None:
    with scripted_zoom() as zoom:
        zoom.on("GET /phone/users/jan@example.org", phone("jan", extension_id="ext-jan"))
        zoom.on("POST /phone/users/eva/settings/delegation", (201, answer))

        assert states(zoom.carry_out(change("delegate.add", "eva", "jan@example.org"))) == [state]


def test_a_common_area_is_a_delegate_by_its_name() -> None:
    with scripted_zoom() as zoom:
        area = {"id": "c1", "display_name": "Lobby"}
        zoom.on("GET /phone/common_areas", (200, {"common_areas": [area]}))
        zoom.on("POST /phone/users/eva/settings/delegation", (201, {}))

        zoom.carry_out(change("delegate.add", "eva", "lobby"))

        assert zoom.writes()[0][1] == {"delegation_assistant_extension_id": "c1"}


@pytest.mark.parametrize(("there", "state"), [(True, "done"), (False, "failed")])
def test_a_refused_delegate_who_is_there_already_is_done(there: bool, state: str) -> None:
    with scripted_zoom() as zoom:
        accounts(zoom, "jan")
        zoom.on("GET /phone/users/jan@example.org", phone("jan", extension_id="ext-jan"))
        zoom.on("GET /phone/users/eva", phone("eva"))
        zoom.on("POST /phone/users/eva/settings/delegation", refusal(400, 300, "Already added."))
        assistants = [{"id": "jan", "extension_id": "ext-jan", "extension_type": "user"}]
        settings = {"delegation": {"assistants": assistants if there else []}}
        zoom.on("GET /phone/users/eva/settings", (200, settings))

        assert states(zoom.carry_out(change("delegate.add", "eva", "jan@example.org"))) == [state]


def test_a_delegate_without_a_phone_fails_and_one_who_left_phone_is_removed() -> None:
    with scripted_zoom() as zoom:
        added = zoom.carry_out(change("delegate.add", "eva", "jan@example.org"))
        removed = zoom.carry_out(change("delegate.remove", "eva", before="jan@example.org"))

        assert (states(added), states(removed)) == (["failed"], ["done"])
        assert "not in Zoom Phone" in str(added[0].reason)


def test_privileges_are_set_by_number_and_an_unknown_one_is_refused_with_those_there_are() -> None:
    with scripted_zoom() as zoom:
        zoom.on("PATCH /phone/users/eva/settings/delegation", OK)

        done = zoom.carry_out(change("delegation.set", "eva", "Answer Calls, place calls"))
        refused = zoom.carry_out(change("delegation.set", "jan", "Fly"))

        assert states(done) == ["done"]
        assert zoom.writes()[0][1] == {"delegation": {"privileges": [1, 2]}}
        assert "Set Business Hours" in str(refused[0].reason)


# runs


def test_whoever_fails_is_left_for_the_rest_of_the_run_and_so_is_what_needs_it() -> None:
    with scripted_zoom() as zoom:
        zoom.on("DELETE /phone/users/jan/phone_numbers/+491", INVALID)
        zoom.on("POST /phone/users/pat/calling_plans", (201, None))
        release = change("number.release", "jan", before="+491")

        outcomes = zoom.carry_out(
            release,
            change("package.remove", "jan", before=US),
            change("package.assign", "eva", PRO, needs=(release.seq,)),
            change("number.assign", "eva", "+491", needs=(release.seq,)),
            change("package.assign", "pat", PRO),
        )

        by_seq = {outcome.seq - release.seq: outcome.state for outcome in outcomes}
        assert by_seq == {0: "failed", 1: "skipped", 2: "skipped", 3: "skipped", 4: "done"}
        assert all(outcome.reason for outcome in outcomes if outcome.state != "done")


def test_somebody_just_added_who_does_not_show_yet_is_tried_again_and_anybody_else_fails() -> None:
    with scripted_zoom() as zoom:
        zoom.on("PATCH /users/new", OK)
        zoom.carry_out(change("license.assign", "new", "zoom_phone"))

        with pytest.raises(TransientError, match=r"doesn't show new@example\.org yet"):
            zoom.carry_out(change("extension.set", "new", "4001"))
        assert states(zoom.carry_out(change("extension.set", "old", "4002"))) == ["failed"]

        zoom.pass_time(minutes=6)
        assert states(zoom.carry_out(change("extension.set", "new", "4001"))) == ["failed"]


def test_a_joiner_whose_new_account_does_not_show_yet_is_moved_and_licensed_when_it_does() -> None:
    nobody = refusal(404, 1001, "User does not exist: new.")
    with scripted_zoom(create={"action": "ssoCreate"}) as zoom:
        zoom.listing("/phone/sites", "sites", {"id": "s1", "name": "Munich"})
        zoom.on("POST /users", (201, {"id": "new", "email": "new@example.org", "type": 1}))
        zoom.carry_out(change("user.create", "new", "new@example.org", id=None))
        zoom.on("PUT /phone/users/batch", nobody)

        with pytest.raises(TransientError, match="doesn't show"):
            zoom.carry_out(change("site.set", "new", "Munich"), change("site.set", "pat", "Munich"))

        zoom.on("POST /phone/users/batch", INVALID, made("new"))
        with pytest.raises(TransientError, match="doesn't show"):
            zoom.carry_out(*joins("new"))
        assert states(zoom.carry_out(*joins("new"))) == ["done"] * 3


def test_what_no_call_can_get_past_stops_the_run() -> None:
    with scripted_zoom() as zoom:
        zoom.on(
            "PATCH /users/eva",
            refusal(403, 2031, "Zoom Phone has not been enabled for this account."),
        )

        with pytest.raises(RunError, match="not been enabled"):
            zoom.carry_out(change("license.assign", "eva", "zoom_phone"))


def test_outcomes_are_told_before_the_next_call_is_made() -> None:
    with scripted_zoom() as zoom:
        zoom.on("PATCH /users/a", OK)
        zoom.on("PATCH /users/b", OK)
        zoom.on("GET /phone/users/a", phone("a"))
        outcomes = zoom.phone.carry_out(
            [change("license.assign", who, "zoom_phone") for who in "ab"]
        )

        next(outcomes)

        assert [what for what, _ in zoom.writes()] == ["PATCH /users/a"]


def _template_of_site(sent: Sent) -> Answer:
    template = {"id": f"office-of-{sent.query['site_id']}", "name": "Office", "type": "user"}
    return 200, {"templates": [template], "total_records": 1}
