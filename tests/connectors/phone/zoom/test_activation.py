"""Whoever has a phone can call, whether the account activates its users by itself or not."""

from __future__ import annotations

import pytest
import requests

from connectors.errors import TransientError
from connectors.records import ACTIVATED
from tests.connectors.phone.zoom.scripted_zoom import refusal, scripted_zoom
from tests.connectors.phone.zoom.test_against_simulator import World, world
from tests.connectors.phone.zoom.test_against_simulator import person as line
from tests.connectors.phone.zoom.test_writing import OK, change, phone, states

ACTIVATE = "PUT /phone/users/batch"


def asleep(w: World) -> set[str]:
    return {id for id, user in w.people().items() if "to_activate" in user.vendor}


def test_whoever_is_given_a_license_can_call_where_the_account_activates_nobody() -> None:
    with world(line("eva"), line("jan"), auto_activate=False) as w:
        joiner = change("license.assign", "eva", "zoom_phone")
        numbered = [
            change("license.assign", "jan", "zoom_phone"),
            change("extension.set", "jan", "4001"),
            change("site.set", "jan", "Munich"),
        ]

        assert set(states(w.carry_out(joiner, *numbered))) == {"done"}

        assert asleep(w) == set()


def test_of_an_account_that_activates_by_itself_one_user_is_looked_at_and_nobody_activated() -> (
    None
):
    with scripted_zoom() as zoom:
        for who in "abc":
            zoom.on(f"PATCH /users/{who}", OK)
            zoom.on(f"GET /phone/users/{who}", phone(who))

        zoom.carry_out(*[change("license.assign", who, "zoom_phone") for who in "abc"])

        assert zoom.whats() == [
            *("PATCH /users/a", "GET /phone/users/a", "PATCH /users/b", "PATCH /users/c"),
        ]


def test_whoever_does_not_show_yet_is_activated_all_the_same() -> None:
    with scripted_zoom() as zoom:
        zoom.on("PATCH /users/a", OK)
        zoom.on(ACTIVATE, OK)

        assert states(zoom.carry_out(change("license.assign", "a", "zoom_phone"))) == ["done"]
        assert [what for what, _ in zoom.writes()] == ["PATCH /users/a", ACTIVATE]


def test_a_refused_activation_takes_no_license_back_and_is_told() -> None:
    with scripted_zoom() as zoom:
        zoom.on("PATCH /users/a", OK)
        zoom.on("GET /phone/users/a", phone("a", status="deactivate"))
        zoom.on(ACTIVATE, refusal(400, 400, "Current batch type does not support."))

        (outcome,) = zoom.carry_out(change("license.assign", "a", "zoom_phone"))

        assert outcome.state == "done"
        assert "can't call before they are activated" in (outcome.reason or "")


def test_an_account_that_shall_not_activate_is_left_alone() -> None:
    with scripted_zoom(activate=False) as zoom:
        zoom.on("PATCH /users/a", OK)
        zoom.users({"id": "a"})
        listed = {"id": "a", "status": "deactivate", "activation_status": "ready to activate"}
        zoom.listing("/phone/users", "users", listed)

        zoom.carry_out(change("license.assign", "a", "zoom_phone"))
        (user,) = zoom.phone.read()

        assert [what for what, _ in zoom.writes()] == ["PATCH /users/a"]
        assert user.vendor["activation_status"] == "ready to activate"
        assert "to_activate" not in user.vendor


def test_people_who_wait_are_activated_ten_a_call() -> None:
    with scripted_zoom() as zoom:
        zoom.on(ACTIVATE, OK)
        waiting = [
            change("user.activate", f"u{n}", ACTIVATED, before="ready to activate")
            for n in range(12)
        ]

        assert set(states(zoom.carry_out(*waiting))) == {"done"}

        assert [len(body["user_ids"]) for _, body in zoom.writes()] == [10, 2]
        assert {(b["batch_type"], b["activation_status"]) for _, b in zoom.writes()} == {
            ("activate", "activate")
        }


@pytest.mark.parametrize("told", [{"activation_status": "ready to activate"}, {}])
def test_lists_and_single_reads_both_tell_who_waits(told: dict[str, str]) -> None:
    with scripted_zoom() as zoom:
        zoom.users({"id": "a"})
        zoom.listing("/phone/users", "users", {"id": "a", "status": "deactivate", **told})

        (user,) = zoom.phone.read()

        assert user.vendor["to_activate"] == "ready to activate"


def test_a_license_whose_activation_got_lost_waits_to_be_activated() -> None:
    with scripted_zoom() as zoom:
        zoom.on("PATCH /users/a", OK)
        zoom.on("GET /phone/users/a", phone("a", status="deactivate"))
        zoom.on(ACTIVATE, requests.ReadTimeout())

        with pytest.raises(TransientError) as lost:
            zoom.carry_out(change("license.assign", "a", "zoom_phone"))

        assert lost.value.in_doubt, "it is not done before they can call"
