"""Zoom's own part in what goes wrong: its bodies, its tokens, its users and its seats."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from provisioner.simulators.faults import Faulty, parse
from provisioner.simulators.zoom import ZoomFaults
from tests.oracle import Oracle
from tests.provisioner.simulators.zoom.zoom_client import MAIN, UNLIMITED, Zoom

CATALOG = {"catalog": {"licenses": {"zoom_phone": 4}, "packages": {UNLIMITED: 3}}}
DICE = Random(1)


def line(name: str, **members: Any) -> dict[str, Any]:
    mine = {"id": name, "kind": "person", "email": f"{name}@example.org", "license": "zoom_phone"}
    return mine | members


def account() -> Zoom:
    return Zoom(
        [CATALOG, line("eva", packages=[UNLIMITED]), line("jan"), line("max", license=None)]
    )


def faulty(zoom: Zoom, spec: str, *, sound: bool = False) -> Faulty:
    """Put faults before the account, from now on; time is the account's clock.

    `sound`: what comes of them is still as Zoom's file says.
    """
    faults = Faulty(
        zoom.app.wsgi_app, ZoomFaults(zoom.app), parse(spec), now=lambda: zoom.clock.now.timestamp()
    )
    shown = Oracle(faults, "zoom") if sound else faults
    zoom.app.wsgi_app = shown  # type: ignore[method-assign, assignment]
    return faults


@pytest.mark.parametrize(
    ("method", "path", "sort"),
    [
        ("POST", "/oauth/token", "token"),
        ("GET", "/v2/users", "list"),
        ("GET", "/v2/users/summary", "list"),
        ("GET", "/v2/phone/calling_plans", "list"),
        ("GET", "/v2/users/eva@example.org", "read"),
        ("GET", "/v2/phone/users/eva/settings", "read"),
        ("POST", "/v2/phone/users/batch", "write"),
        ("DELETE", "/v2/users/eva", "write"),
        ("GET", "/scim2/Users", "list"),
        ("PATCH", "/scim2/Users/eva", "write"),
        ("GET", "/_portal/log", None),
    ],
)
def test_requests_are_sorted_by_what_they_ask_for(method: str, path: str, sort: str | None) -> None:
    assert ZoomFaults(account().app).sort(method, path) == sort


def test_too_many_is_zooms_own_answer() -> None:
    zoom = account()
    faulty(zoom, "429-retry-after=100%:7s")

    reply = zoom.get("/users/eva")

    assert reply.error == (429, 429)
    assert "per-second" in reply.json["message"]
    assert (reply.headers["Retry-After"], reply.headers["X-RateLimit-Type"]) == ("7", "QPS")


def test_expired_tokens_are_refused_until_a_new_one_is_fetched() -> None:
    zoom = account()
    faults = faulty(zoom, "token-expiry=100%")
    assert zoom.get("/users/eva").error == (401, 124)

    faults.faults = parse("")
    assert zoom.get("/users/eva").error == (401, 124)
    zoom.token = zoom.new_token()
    assert zoom.get("/users/eva").status == 200


@pytest.mark.parametrize("path", ["/users/eva", "/phone/users/eva@example.org"])
def test_a_read_about_another_user_is_a_sound_one_of_somebody_who_is_there(path: str) -> None:
    zoom = account()
    faulty(zoom, "wrong-user=100%", sound=True)

    seen = {zoom.get(path).json["id"] for _ in range(10)}

    assert seen <= {"jan", "max"}
    assert seen == {"jan"} or path.startswith("/users")


def test_an_answer_to_a_new_user_and_to_a_batch_names_another() -> None:
    zoom = account()
    faulty(zoom, "wrong-user=100%", sound=True)
    info = {"email": "new@example.org", "type": 1}
    added = {"email": "max@example.org", "calling_plans": [], "extension_number": "4001"}
    added["site_name"] = MAIN

    made = zoom.post("/users", {"action": "custCreate", "user_info": info})
    batch = zoom.post("/phone/users/batch", {"users": [added]})

    assert (made.status, batch.status) == (201, 201)
    assert made.json["email"] != "new@example.org"
    assert batch.json[0]["email"] != "max@example.org"


def test_what_was_added_late_is_neither_in_lists_nor_in_reads() -> None:
    zoom = account()
    zoom.get("/phone/users/max")
    faulty(zoom, "late=100%:5s")
    assert zoom.get("/phone/users/max").status == 404
    zoom.patch("/users/max@example.org", {"feature": {"zoom_phone": True}})

    listed = [user["id"] for user in zoom.get("/phone/users").json["users"]]
    assert listed == ["eva", "jan"]
    assert zoom.get("/phone/users/max").status == 404

    zoom.clock.advance(seconds=6)
    assert len(zoom.get("/phone/users").json["users"]) == 3
    assert zoom.get("/phone/users/max").status == 200


def test_everybody_whom_a_write_touches_is_known_by_id_and_address() -> None:
    touched = ZoomFaults(account().app).touched

    assert set(touched("/v2/users/eva", None)) == {"eva", "eva@example.org"}
    assert set(touched("/v2/users", {"user_info": {"email": "new@x.org"}})) == {"new@x.org"}
    assert set(touched("/v2/phone/users/batch", {"users": [{"email": "MAX@example.org"}]})) == {
        "MAX@example.org", "max", "max@example.org",
    }  # fmt: skip
    assert "jan@example.org" in set(touched("/v2/phone/users/batch", {"user_ids": ["jan"]}))


def test_a_free_seat_is_taken_and_given_back_and_none_that_is_held() -> None:
    zoom = account()
    faults = ZoomFaults(zoom.app)
    back = [give for _ in range(10) if (give := faults.take_seat(DICE)) is not None]

    assert len(back) == 4, "two phone licenses and two plans were free"
    assert zoom.patch("/users/max", {"feature": {"zoom_phone": True}}).error == (404, 1102)
    plans = {"calling_plans": [{"type": 200}]}
    assert zoom.post("/phone/users/jan/calling_plans", plans).status == 400
    for give in back:
        give()
    assert zoom.patch("/users/max", {"feature": {"zoom_phone": True}}).status == 204
    assert zoom.post("/phone/users/jan/calling_plans", plans).status == 201


def test_pages_of_every_list_can_repeat_an_entry() -> None:
    zoom = account()
    faulty(zoom, "duplicate-page=100%")

    for path, items in (("/users", "users"), ("/phone/users", "users"), ("/phone/calling_plans", "calling_plans")):  # fmt: skip
        ids = [str(entry.get("id") or entry.get("type")) for entry in zoom.get(path).json[items]]
        assert len(ids) == len(set(ids)) + 1, path
