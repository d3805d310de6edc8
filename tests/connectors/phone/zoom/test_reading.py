"""Phone users put together from the account's list and the phone's."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.records import PhoneUser
from tests.connectors.phone.zoom.scripted_zoom import (
    Answer,
    ScriptedZoom,
    Sent,
    refusal,
    scripted_zoom,
)

US, PRO = "US/CA Unlimited Calling Plan", "Zoom Phone Pro"
SITES = ({"id": "s1", "name": "Munich", "site_code": 1}, {"id": "s2", "name": "Brno"})


def in_phone(id_: str, **more: Any) -> dict[str, Any]:
    """An entry of the phone's list."""
    return {
        "id": id_, "email": f"{id_}@example.org", "extension_id": f"ext-{id_}",
        "extension_number": 4077, "status": "activate", "calling_plans": [],
        "phone_numbers": [], **more,
    }  # fmt: skip


def one(zoom: ScriptedZoom, id_: str) -> PhoneUser:
    (found,) = [user for user in zoom.phone.read() if user.id == id_]
    return found


def test_a_user_with_a_phone_has_what_both_lists_tell() -> None:
    with scripted_zoom() as zoom:
        zoom.listing("/phone/sites", "sites", *SITES)
        zoom.on("GET /phone/calling_plans", (200, {"calling_plans": [{"type": 200, "name": US}]}))
        zoom.users(
            {
                "id": "eva", "employee_unique_id": "8c1f", "display_name": "Eva Mala\u0301",
                "dept": "Sales", "role_id": "2",
            }
        )  # fmt: skip
        zoom.listing(
            "/phone/users",
            "users",
            in_phone(
                "eva",
                calling_plans=[{"type": 200, "name": "whatever"}],
                phone_numbers=[{"id": "n1", "number": "49891"}, {"id": "n2", "number": "+49890"}],
                site={"id": "s1", "name": "Munich"},
            ),
        )

        eva = one(zoom, "eva")

        assert (eva.key, eva.display_name, eva.department) == ("8c1f", "Eva Malá", "Sales")
        assert (eva.license, eva.packages, eva.site) == ("zoom_phone", (US,), "Munich")
        assert (eva.extension_number, eva.numbers) == ("4077", ("+49890", "+49891"))
        assert (eva.status, eva.role, eva.template) == ("active", "member", None)


def test_a_user_without_a_phone_is_there_without_a_license_and_without_delegates() -> None:
    with scripted_zoom() as zoom:
        zoom.users({"id": "jan"})

        jan = one(zoom, "jan")

        assert (jan.license, jan.packages, jan.numbers, jan.delegates) == (None, (), (), ())


@pytest.mark.parametrize(
    ("role", "meant"), [("0", "owner"), ("1", "admin"), ("2", "member"), ("Rb9x", "admin")]
)
def test_a_role_of_the_companys_own_making_counts_as_admin(role: str, meant: str) -> None:
    with scripted_zoom() as zoom:
        zoom.users({"id": "eva", "role_id": role})

        assert one(zoom, "eva").role == meant


def test_a_pending_user_gets_the_id_from_a_read_of_their_own() -> None:
    with scripted_zoom() as zoom:
        zoom.users({"email": "new@example.org", "id": None} | {}, status="pending")
        pending = {"type": 1, "email": "new@example.org"}
        zoom.on("GET /users", _sweep(pending=[pending]))
        zoom.on("GET /users/new@example.org", (200, {**pending, "id": "p9", "status": "pending"}))

        (new,) = zoom.phone.read()

        assert (new.id, new.email, new.status) == ("p9", "new@example.org", "pending")


def test_who_accepts_while_we_read_is_met_twice_and_given_once() -> None:
    with scripted_zoom() as zoom:
        account = {"type": 1, "email": "new@example.org"}
        zoom.on("GET /users", _sweep(pending=[account], active=[{**account, "id": "p9"}]))
        zoom.on("GET /users/new@example.org", (200, {**account, "id": "p9"}))

        assert [user.id for user in zoom.phone.read()] == ["p9"]
        sweeps = [s.query["status"] for s in zoom.sent if s.what == "GET /users"]
        assert sweeps == ["pending", "inactive", "active"]


def test_an_assistant_without_an_id_is_told_by_their_extension() -> None:
    nameless = {"extension_id": "ext-jan", "extension_type": "user", "extension_number": 4002}
    with scripted_zoom() as zoom:
        zoom.users({"id": "eva"}, {"id": "jan"})
        jan = in_phone("jan") | {"extension_id": "ext-jan", "email": "jan@example.org"}
        zoom.listing("/phone/users", "users", in_phone("eva"), jan)
        settings = {"delegation": {"assistants": [nameless], "privileges": [1]}}
        zoom.on("GET /phone/users/eva/settings", (200, settings))
        zoom.on("GET /users/eva", (200, {"id": "eva", "email": "eva@example.org", "type": 1}))
        zoom.on("GET /phone/users/eva", (200, {"id": "eva", "calling_plans": []}))

        listed = {user.id: user for user in zoom.phone.read(delegators=["eva"])}
        (alone,) = zoom.phone.read_some([PhoneUser(id="eva")])

        assert listed["eva"].delegates == alone.delegates == ("jan@example.org",)
        assert zoom.sent[-1].query["keyword"] == "4002"


def test_a_phone_user_whom_every_sweep_missed_is_looked_up_and_not_lost() -> None:
    with scripted_zoom() as zoom:
        zoom.listing("/phone/users", "users", in_phone("eva"), in_phone("gone"))
        account = {"id": "eva", "email": "eva@example.org", "type": 1, "status": "inactive"}
        zoom.on("GET /users/eva", (200, account))

        assert [(user.id, user.status) for user in zoom.phone.read()] == [("eva", "inactive")]


def test_delegates_are_read_only_of_those_who_are_asked_for_and_unknown_is_not_none() -> None:
    with scripted_zoom() as zoom:
        zoom.users({"id": "eva"}, {"id": "jan"}, {"id": "pat"})
        zoom.listing("/phone/users", "users", in_phone("eva"), in_phone("jan"))
        zoom.on("GET /phone/users/eva/settings", (200, _delegation("jan", area="Lobby")))

        found = {user.id: user for user in zoom.phone.read(delegators=["eva@example.org", "pat"])}

        assert found["eva"].delegates == ("jan@example.org", "Lobby")
        assert found["eva"].delegate_privileges == ("Answer Calls", "Place Calls")
        assert found["jan"].delegates is None
        assert found["pat"].delegates == ()
        assert zoom.whats().count("GET /phone/users/eva/settings") == 1


def test_a_plan_that_nobody_names_still_has_one_name_in_lists_and_single_reads() -> None:
    with scripted_zoom() as zoom:
        zoom.users({"id": "eva"})
        zoom.listing("/phone/users", "users", in_phone("eva", calling_plans=[{"type": 31000}]))
        zoom.on("GET /users/eva", (200, {"id": "eva", "email": "eva@example.org", "type": 1}))
        zoom.on("GET /phone/users/eva", (200, {"id": "eva", "calling_plans": [{"type": 31000}]}))
        zoom.on("GET /phone/users/eva/settings", (200, {}))

        assert one(zoom, "eva").packages == ("plan 31000",)
        assert next(zoom.phone.read_some([PhoneUser(id="eva")])).packages == ("plan 31000",)


@pytest.mark.parametrize(("wanted", "title"), [(True, "Clerk"), (False, None)])
def test_job_titles_are_read_one_user_at_a_time_and_only_where_config_wants_them(
    wanted: bool, title: str | None
) -> None:
    with scripted_zoom(job_titles=wanted) as zoom:
        account = {"id": "eva", "email": "eva@example.org", "type": 1, "job_title": "Clerk"}
        zoom.users({"id": "eva"})
        zoom.on("GET /users/eva", (200, account))

        assert one(zoom, "eva").job_title == title
        assert next(zoom.phone.read_some([PhoneUser(id="eva")])).job_title == title
        assert ("profile.job_title" in zoom.phone.abilities.unreadable) is not wanted


def test_whom_the_lists_do_not_show_yet_is_looked_up_in_a_fresh_read_of_many() -> None:
    names = [f"u{n:03}" for n in range(60)]
    with scripted_zoom() as zoom:
        zoom.users(*({"id": name} for name in names))
        zoom.on("GET /users/fresh", (200, {"id": "fresh", "email": "f@example.org", "type": 1}))
        wanted = [PhoneUser(id=name) for name in [*names, "fresh", "gone"]]

        assert [user.id for user in zoom.phone.read_some(wanted)] == [*names, "fresh"]


def test_who_has_no_id_yet_is_found_by_mail_and_never_by_an_empty_path() -> None:
    with scripted_zoom() as zoom:
        account = {"id": "e1", "email": "eva@example.org", "type": 1}
        zoom.on("GET /users/eva@example.org", (200, account))

        found = list(
            zoom.phone.read_some([PhoneUser(id="", email="eva@example.org"), PhoneUser(id="")])
        )

        assert [user.id for user in found] == ["e1"]
        assert "GET /users/" not in zoom.whats()


def test_rooms_and_common_areas_come_as_what_they_are() -> None:
    with scripted_zoom() as zoom:
        zoom.listing("/phone/rooms", "rooms", {"id": "r1", "name": "Board", "extension_number": 1})
        area = {"id": "c1", "display_name": "Lobby", "extension_number": 2}
        zoom.on("GET /phone/common_areas", (200, {"common_areas": [area]}))

        assert [(u.kind, u.id, u.display_name) for u in zoom.phone.read()] == [
            ("room", "r1", "Board"),
            ("common_area", "c1", "Lobby"),
        ]


def test_a_fresh_read_of_a_few_takes_single_requests_and_leaves_out_who_is_gone() -> None:
    with scripted_zoom() as zoom:
        zoom.on("GET /users/eva", (200, {"id": "eva", "email": "eva@example.org", "type": 1}))
        zoom.on("GET /phone/users/eva", (200, {"id": "eva", "calling_plans": []}))
        zoom.on("GET /phone/users/eva/settings", (200, _delegation("jan")))
        zoom.on("GET /users/jan", (200, {"id": "jan", "email": "jan@example.org", "type": 1}))

        (eva,) = zoom.phone.read_some([PhoneUser(id="eva"), PhoneUser(id="gone")])

        assert (eva.license, eva.delegates) == ("zoom_phone", ("jan@example.org",))
        assert "GET /users" not in zoom.whats()


def test_who_has_a_new_id_is_found_by_mail() -> None:
    with scripted_zoom() as zoom:
        zoom.on(
            "GET /users/eva@example.org", (200, {"id": "e2", "email": "eva@example.org", "type": 1})
        )

        (eva,) = zoom.phone.read_some([PhoneUser(id="e1", email="eva@example.org")])

        assert eva.id == "e2"


def test_an_expired_invitation_is_nobody() -> None:
    with scripted_zoom() as zoom:
        expired = refusal(
            400, 1120, "A valid invitation to join the Zoom account was not found for this user."
        )
        zoom.on("GET /users/eva", expired)

        assert list(zoom.phone.read_some([PhoneUser(id="eva")])) == []


def test_a_fresh_read_of_many_takes_the_lists_where_they_are_shorter() -> None:
    names = [f"u{n:03}" for n in range(150)]
    with scripted_zoom() as zoom:
        zoom.users(*({"id": name} for name in names))
        list(zoom.phone.read())
        before = len(zoom.sent)

        found = list(zoom.phone.read_some(PhoneUser(id=name) for name in names[:100]))

        assert [user.id for user in found] == names[:100]
        assert len(zoom.sent) - before < 10


def test_lists_that_change_under_a_fresh_read_hide_nobody() -> None:
    names = [f"u{n:03}" for n in range(60)]
    with scripted_zoom() as zoom:
        zoom.users(*({"id": name} for name in names))
        shown = [in_phone(name) for name in names if name != "u007"]
        zoom.on("GET /phone/users", (200, {"users": shown, "total_records": 60}))
        account = {"id": "u007", "email": "u007@example.org", "type": 1}
        zoom.on("GET /users/u007", (200, account))
        zoom.on("GET /phone/users/u007", (200, in_phone("u007")))

        found = {
            u.id: u for u in zoom.phone.read_some(PhoneUser(id=n, delegates=None) for n in names)
        }

        assert found.keys() == set(names)
        assert found["u007"].license == "zoom_phone"


def test_the_catalog_counts_packages_and_names_what_there_is() -> None:
    with scripted_zoom() as zoom:
        plan = {"type": 3000, "name": PRO, "subscribed": 10, "assigned": 4, "available": 6}
        again = {
            **plan,
            "subscribed": 5,
            "assigned": 5,
            "available": 0,
            "billing_subscription_id": "B",
        }
        zoom.on("GET /phone/calling_plans", (200, {"calling_plans": [plan, again]}))
        zoom.listing("/phone/sites", "sites", *SITES)
        zoom.on("GET /phone/setting_templates", _templates)
        zoom.listing(
            "/phone/numbers",
            "phone_numbers",
            {"id": "n1", "number": "49891", "site": {"id": "s1", "name": "Munich"}},
            {"id": "n2", "number": "+49892", "status": "pending"},
        )

        catalog = zoom.phone.catalog()

        assert catalog.packages is not None
        assert (catalog.packages[PRO].total, catalog.packages[PRO].used) == (15, 9)
        assert catalog.sites == ("Munich", "Brno")
        assert catalog.templates == (("Office", "Munich"),)
        assert catalog.numbers == (("+49891", "Munich"),)
        assert catalog.licenses is not None
        assert catalog.licenses["zoom_phone"].total is None


def test_an_account_without_multiple_sites_is_asked_once_and_has_none() -> None:
    with scripted_zoom() as zoom:
        zoom.on(
            "GET /phone/sites",
            refusal(400, 300, "Multiple Sites option has been disabled. Enable it and try again."),
        )
        zoom.listing(
            "/phone/setting_templates", "templates", {"id": "t", "name": "Office", "type": "user"}
        )

        catalog = zoom.phone.catalog()

        assert (catalog.sites, catalog.templates) == (None, (("Office", None),))
        assert zoom.whats().count("GET /phone/sites") == 1


def _sweep(**by_status: list[dict[str, Any]]) -> Any:
    def answer(sent: Sent) -> Answer:
        found = by_status.get(sent.query["status"], [])
        return 200, {"users": found, "total_records": len(found)}

    return answer


def _templates(sent: Sent) -> Answer:
    named = {"s1": [("t1", "Office", "user"), ("t2", "Queue", "group")]}.get(
        sent.query["site_id"], []
    )
    templates = [{"id": id_, "name": name, "type": kind} for id_, name, kind in named]
    return 200, {"templates": templates, "total_records": len(templates)}


def _delegation(user: str, area: str | None = None) -> dict[str, Any]:
    assistants = [{"id": user, "extension_id": f"ext-{user}", "extension_type": "user"}]
    if area:
        assistants.append(
            {"id": "c1", "extension_id": "c1", "extension_type": "commonArea", "display_name": area}
        )
    return {"delegation": {"assistants": assistants, "privileges": [1, 2]}}
