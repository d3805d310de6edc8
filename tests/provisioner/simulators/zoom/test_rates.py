"""Rate limits of the Zoom simulator."""

from __future__ import annotations

import pytest

from provisioner.simulators.zoom import BUSINESS_PLUS, PRO
from tests.provisioner.simulators.zoom.zoom_client import Reply, Zoom, person, phone_user

SECOND = "You have reached the maximum per-second rate limit for this API. Try again later."
DAY = (
    "You have reached the maximum daily rate limit for this API. Refer to the response header for "
    "details on when you can make another request."
)


def burst(zoom: Zoom, path: str, count: int) -> list[Reply]:
    return [zoom.get(path) for _ in range(count)]


@pytest.mark.parametrize(
    ("path", "limit"),
    [
        ("/phone/users/id-eva", 40),
        ("/phone/users", 20),
        ("/users/id-eva", 80),
        ("/users", 60),
        ("/accounts/me/plans/usage", 40),
    ],
)
def test_a_label_has_so_many_requests_in_a_second_and_then_429(path: str, limit: int) -> None:
    zoom = Zoom([phone_user("eva")], rates=BUSINESS_PLUS)

    answers = burst(zoom, path, limit + 1)
    zoom.clock.advance(seconds=1)

    assert [answer.status for answer in answers] == [200] * limit + [429]
    assert answers[-1].json == {"code": 429, "message": SECOND}
    assert "Retry-After" not in answers[-1].headers
    assert zoom.get(path).status == 200


def test_the_phone_interface_and_the_rest_are_counted_apart() -> None:
    zoom = Zoom([phone_user("eva")], rates=BUSINESS_PLUS)

    burst(zoom, "/phone/users", 21)

    assert zoom.get("/users").status == 200
    assert zoom.get("/phone/users/id-eva").status == 200


def test_a_daily_limit_names_the_next_midnight_in_a_header() -> None:
    zoom = Zoom(rates=BUSINESS_PLUS.scaled(1 / 20_000))

    answers = []
    for _ in range(4):
        answers.append(zoom.get("/accounts/me/plans/usage"))
        zoom.clock.advance(seconds=1)
    zoom.clock.advance(hours=15)

    assert [answer.status for answer in answers] == [200, 200, 200, 429]
    assert answers[-1].json == {"code": 429, "message": DAY}
    assert answers[-1].headers["Retry-After"] == "2026-11-24T00:00:00Z"
    assert zoom.clock().day == 24
    zoom.token = zoom.new_token()
    assert zoom.get("/accounts/me/plans/usage").status == 200


def test_invitations_have_a_daily_limit_of_their_own() -> None:
    zoom = Zoom(rates=PRO.scaled(1 / 750))

    def invite(name: str, action: str) -> int:
        zoom.clock.advance(seconds=1)
        info = {"email": f"{name}@example.org", "type": 1}
        return zoom.post("/users", {"action": action, "user_info": info}).status

    assert [invite(f"u{n}", "create") for n in range(3)] == [201, 201, 429]
    assert invite("v", "custCreate") == 201


def test_features_of_many_are_changed_once_in_ten_seconds() -> None:
    zoom = Zoom([person("eva")], rates=BUSINESS_PLUS)

    def change(value: str) -> int:
        body = {"feature_type": "user_type", "feature_value": value, "users": [{"id": "id-eva"}]}
        return zoom.post("/users/features", body).status

    assert (change("2"), change("1")) == (201, 429)
    zoom.clock.advance(seconds=10)
    assert change("1") == 201


def test_a_refused_request_changes_nothing() -> None:
    zoom = Zoom([person("eva")], rates=BUSINESS_PLUS.scaled(1 / 80))

    burst(zoom, "/users/id-eva", 1)
    refused = zoom.patch("/users/id-eva", {"dept": "Sales"})

    assert refused.status == 429
    assert zoom.log() == []
