"""The operation logs of the Zoom simulator: who did what, whoever it was, a month at most."""

from __future__ import annotations

from typing import Any

import pytest

from tests.provisioner.simulators.zoom.zoom_client import (
    MAIN,
    METERED,
    UNLIMITED,
    Zoom,
    catalog,
    person,
    phone_user,
)

LOGS = "/phone/reports/operationlogs"
IT = "it@example.org"


def account(**options: Any) -> Zoom:
    """An account of three, whose owner is Ida."""
    seats = catalog(
        sites=[MAIN, "Brno"],
        templates=[["Office", MAIN]],
        numbers=["+498912340", "+498912341", "+498912342"],
    )
    eva = phone_user("eva", display_name="Eva Malá", extension_number="4077", template="Office")
    lobby = {"id": "lobby", "kind": "common_area", "display_name": "Lobby", "site": MAIN}
    return Zoom(
        [seats, eva | {"numbers": ["+498912342"]}, phone_user("jan"), person("ida", role="owner"), lobby],
        **options,
    )  # fmt: skip


def logged(zoom: Zoom, **query: object) -> list[tuple[str, str]]:
    """Return who did what, the oldest first."""
    entries = zoom.get(LOGS, **query).json["operation_logs"]
    return [(e["operator"], e["operation_detail"]) for e in reversed(entries)]


def later(zoom: Zoom, **by: float) -> None:
    """Let time go by; the old token doesn't outlive it."""
    zoom.clock.advance(**by)
    zoom.token = zoom.new_token()


def test_a_hand_edit_is_logged_piece_by_piece_under_whoever_made_it() -> None:
    zoom = account()

    zoom.portal(
        "user", email="eva@example.org", operator=IT, packages=[METERED], site="Brno",
        numbers=["+498912340"], extension_number="4099", delegates=["jan@example.org"],
    )  # fmt: skip

    assert logged(zoom) == [
        (IT, "Edit Extension Eva Malá(eva@example.org)  - Extension Number: from 4077 to 4099"),
        (IT, f"Remove Calling Plan {UNLIMITED} From Eva Malá(eva@example.org)"),
        (IT, f"Assign calling plan {METERED} to Ext. 4099"),
        (IT, "Unbind Phone Number +498912342 From Eva Malá"),
        (IT, "Assign Phone Number +498 91 2340 to Eva Malá(eva@example.org)"),
        (IT, f"Edit User eva@example.org  - Site: from {MAIN} to Brno"),
        (IT, "Add Assistant Jan(jan@example.org) to Eva Malá(eva@example.org)"),
    ]


def test_a_write_through_the_interface_is_the_owners() -> None:
    zoom = account()

    zoom.post("/phone/users/id-jan/calling_plans", {"calling_plans": [{"type": 3000}]})
    zoom.delete("/users/id-jan", action="delete")
    zoom.patch("/phone/common_areas/lobby", {"site_id": zoom.site_id("Brno")})

    owner = "ida@example.org"
    assert logged(zoom)[1:] == [
        (owner, "Remove Zoom Phone license From Jan(jan@example.org)"),
        (owner, f"Edit User Lobby  - Site: from {MAIN} to Brno"),
    ]
    assert logged(zoom)[0][1].startswith("Assign calling plan Zoom Phone Pro to Ext. ")


def test_nobody_named_is_an_administrator_and_a_refused_write_nobodys() -> None:
    zoom = account()

    zoom.portal("trash", email="jan@example.org")
    zoom.post("/phone/users/id-eva/calling_plans", {"calling_plans": [{"type": 1}]})

    says = "Remove Zoom Phone license From Jan(jan@example.org)"
    assert logged(zoom) == [("administrator@example.com", says)]


def test_what_changes_nobodys_phone_is_no_operation_on_the_phone_system() -> None:
    zoom = account()

    zoom.patch("/users/id-eva", {"dept": "Sales"})
    zoom.portal("user", email="eva@example.org", department="Marketing")

    assert logged(zoom) == []


def test_a_write_that_changes_nothing_anybody_holds_is_logged_by_its_object() -> None:
    zoom = account()

    zoom.delete(f"/phone/sites/{zoom.site_id('Brno')}", transfer_site_id=zoom.site_id(MAIN))
    zoom.post(
        "/phone/setting_templates", {"name": "Desk", "type": "user", "site_id": zoom.site_id(MAIN)}
    )

    zoom.post("/phone/call_queues", {"name": "Hotline", "site_id": zoom.site_id(MAIN)})

    found = zoom.get(LOGS).json["operation_logs"]
    assert found[0]["operation_detail"] == "Add Call Queue Hotline"
    assert [(e["action"], e["category_type"]) for e in found] == [
        ("ADD", "Call Queue"),
        ("ADD", "Extension Template"),
        ("DELETE", "Multiple Sites"),
    ]


def test_without_days_it_is_the_last_24_hours() -> None:
    zoom = account()
    zoom.portal("user", email="eva@example.org", site="Brno")
    later(zoom, hours=23)
    zoom.portal("user", email="eva@example.org", site=MAIN)
    assert len(logged(zoom)) == 2

    later(zoom, hours=2)

    assert len(logged(zoom)) == 1
    assert len(logged(zoom, **{"from": "2026-11-23", "to": "2026-11-23"})) == 1
    assert len(logged(zoom, **{"from": "2026-11-23", "to": "2026-11-24"})) == 2


def test_of_a_long_time_it_is_the_last_month_and_the_answer_says_so() -> None:
    zoom = account()
    zoom.portal("user", email="eva@example.org", site="Brno")
    later(zoom, days=40)

    answer = zoom.get(LOGS, **{"from": "2026-11-01", "to": "2027-01-02"}).json

    assert (answer["from"], answer["to"], answer["operation_logs"]) == (
        "2026-12-02",
        "2027-01-02",
        [],
    )


def test_pages_lead_on_to_the_oldest_and_keep_to_their_days() -> None:
    zoom = account()
    for number in range(5):
        zoom.portal("user", email="eva@example.org", extension_number=str(5000 + number))
    days = {"from": "2026-11-01", "to": "2026-11-23"}
    details: list[str] = []
    token = ""
    while True:
        page = zoom.get(LOGS, page_size=2, next_page_token=token, **days).json
        details += [entry["operation_detail"][-4:] for entry in page["operation_logs"]]
        assert page["total_records"] == 5
        token = page["next_page_token"]
        if not token:
            break
        other = zoom.get(LOGS, page_size=2, next_page_token=token)
        assert other.error == (400, 400)

    assert details == ["5004", "5003", "5002", "5001", "5000"]


def test_one_category_can_be_asked_for_by_zooms_own_word() -> None:
    zoom = account()
    zoom.portal("user", email="eva@example.org", site="Brno", numbers=[])

    assert logged(zoom, category_type="phone_number") == [
        ("administrator@example.com", "Unbind Phone Number +498912342 From Eva Malá")
    ]
    assert zoom.get(LOGS, category_type="telepathy").fields == ["category_type"]


@pytest.mark.parametrize(
    ("query", "wrong"),
    [
        ({"from": "2026-11-01"}, ["to"]),
        ({"from": "2026-11-02", "to": "2026-11-01"}, ["from"]),
        ({"from": "1.11.2026", "to": "soon"}, ["from", "to"]),
        ({"page_size": 301}, ["page_size"]),
    ],
)
def test_days_and_sizes_that_zoom_does_not_take_are_refused(
    query: dict[str, object], wrong: list[str]
) -> None:
    answer = account().get(LOGS, **query)

    assert (answer.error, answer.fields) == ((400, 300), wrong)


def test_an_app_without_the_scope_is_told_which_one_it_lacks() -> None:
    answer = account(operation_logs=False).get(LOGS)

    assert answer.error == (400, 4711)
    assert "phone:read:operation_logs:admin" in answer.json["message"]
