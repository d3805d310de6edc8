"""Answers that went astray: what is about another user, or told twice, is never believed."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.errors import IncompleteRead, TransientError
from connectors.records import PhoneUser
from tests.connectors.phone.zoom.scripted_zoom import Answer, ScriptedZoom, scripted_zoom
from tests.connectors.phone.zoom.test_writing import PRO, accounts, change, joins, phone, states

EVA = {"id": "eva", "email": "eva@example.org", "type": 1, "status": "active"}
JAN = {"id": "jan", "email": "jan@example.org", "type": 1, "status": "active"}


def read_one(zoom: ScriptedZoom, user: PhoneUser) -> list[PhoneUser]:
    return list(zoom.phone.read_some([user]))


@pytest.mark.parametrize("stub", [PhoneUser("eva"), PhoneUser("", email="eva@example.org")])
def test_a_read_of_another_user_is_asked_for_again(stub: PhoneUser) -> None:
    with scripted_zoom() as zoom:
        for name in ("eva", "eva@example.org"):
            zoom.on(f"GET /users/{name}", (200, JAN), (200, JAN), (200, EVA))
        zoom.on("GET /phone/users/eva", phone("jan", extension_number=4002), phone("eva"))

        (user,) = read_one(zoom, stub)

        assert (user.id, user.email, user.license) == ("eva", "eva@example.org", "zoom_phone")


def test_a_read_that_is_always_about_another_user_is_no_read() -> None:
    with scripted_zoom() as zoom:
        zoom.on("GET /users/eva", (200, JAN))

        with pytest.raises(IncompleteRead, match="another user"):
            read_one(zoom, PhoneUser("eva"))


def settings(extension: int, *assistants: str) -> Answer:
    listed = [{"id": a, "extension_id": f"ext-{a}", "extension_type": "user"} for a in assistants]
    return 200, {"extension_number": extension, "delegation": {"assistants": listed}}


def test_settings_with_another_users_extension_number_are_asked_for_again() -> None:
    with scripted_zoom() as zoom:
        accounts(zoom, "eva", "jan")
        zoom.on("GET /phone/users/eva", phone("eva", extension_number=4001))
        zoom.on("GET /phone/users/eva/settings", settings(4002, "jan"), settings(4001))

        (user,) = read_one(zoom, PhoneUser("eva"))

        assert user.delegates == ()


def test_settings_of_somebody_whose_number_was_just_changed_are_believed() -> None:
    with scripted_zoom() as zoom:
        accounts(zoom, "eva", "jan")
        numbers = [phone("eva", extension_number=number) for number in (4001, 4009)]
        zoom.on("GET /phone/users/eva", *numbers)
        zoom.on("GET /phone/users/eva/settings", settings(4009, "jan"))

        (user,) = read_one(zoom, PhoneUser("eva"))

        assert user.delegates == ("jan@example.org",)


def test_settings_that_are_always_another_users_are_no_read() -> None:
    with scripted_zoom() as zoom:
        accounts(zoom, "eva")
        zoom.on("GET /phone/users/eva", phone("eva", extension_number=4001))
        zoom.on("GET /phone/users/eva/settings", settings(4002))

        with pytest.raises(IncompleteRead, match="settings of eva"):
            read_one(zoom, PhoneUser("eva"))


@pytest.mark.parametrize(
    "answer", [{"id": "jan", "email": "jan@example.org", "type": 1}, {"id": "jan", "type": 1}]
)
def test_a_new_account_gets_its_id_from_an_answer_about_itself_alone(answer: Any) -> None:
    with scripted_zoom(create={"action": "ssoCreate"}) as zoom:
        zoom.on("POST /users", (201, answer))
        zoom.on("GET /users/eva@example.org", (200, EVA))

        (outcome,) = zoom.carry_out(change("user.create", "eva", "eva@example.org", id=None))

        assert (outcome.state, outcome.id) == ("done", "eva")


def test_a_new_account_that_cannot_be_looked_up_afterwards_stays_in_doubt() -> None:
    with scripted_zoom(create={"action": "ssoCreate"}) as zoom:
        zoom.on("POST /users", (201, {"id": "jan", "email": "jan@example.org", "type": 1}))
        zoom.on("GET /users/eva@example.org", (429, {"code": 429, "message": "Later."}))

        with pytest.raises(TransientError) as caught:
            zoom.carry_out(change("user.create", "eva", "eva@example.org", id=None))

        assert caught.value.in_doubt


def test_a_batch_that_names_somebody_else_is_read_back() -> None:
    with scripted_zoom() as zoom:
        accounts(zoom, "eva")
        zoom.on("POST /phone/users/batch", (201, [{"id": "jan", "email": "jan@example.org"}]))
        plans = [{"type": 3000, "name": PRO}]
        found = phone("eva", extension_number=4001, calling_plans=plans)
        zoom.on("GET /phone/users/eva", found)

        assert states(zoom.carry_out(*joins("eva"))) == ["done", "done", "done"]
        assert zoom.whats().count("POST /phone/users/batch") == 1


def test_a_plan_that_is_told_twice_has_its_seats_once() -> None:
    with scripted_zoom() as zoom:
        plan = {"type": 3000, "name": PRO, "subscribed": 5, "assigned": 2, "available": 3}
        bought = {**plan, "billing_subscription_id": "s2"}
        zoom.on("GET /phone/calling_plans", (200, {"calling_plans": [plan, plan, bought, bought]}))

        seats = (zoom.phone.catalog().packages or {})[PRO]

        assert (seats.total, seats.used) == (10, 4)
