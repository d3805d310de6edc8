"""Phone users of the Zoom simulator: listed, filtered, moved, renumbered, given templates."""

from __future__ import annotations

from tests.provisioner.simulators.zoom.zoom_client import (
    METERED,
    UNLIMITED,
    Zoom,
    catalog,
    person,
    phone_user,
)

SITES = catalog(sites=["Munich", "Brno"], templates=[["Office", "Munich"], ["Any", None]])


def names(zoom: Zoom, **query: object) -> list[str]:
    return [user["name"] for user in zoom.get("/phone/users", **query).json["users"]]


def test_a_phone_user_has_three_ids_and_names_its_plans_as_the_catalog_does() -> None:
    zoom = Zoom([phone_user("eva", extension_number="4077", numbers=["+4989123"])])

    [entry] = zoom.get("/phone/users").json["users"]

    assert len({entry["id"], entry["phone_user_id"], entry["extension_id"]}) == 3
    assert entry["extension_number"] == 4077
    assert entry["calling_plans"] == [{"name": UNLIMITED, "type": 200}]
    assert [n["number"] for n in entry["phone_numbers"]] == ["+4989123"]
    assert entry["site"]["name"] == "Main Site"


def test_account_users_without_a_phone_are_no_phone_users() -> None:
    zoom = Zoom([person("eva")])

    assert names(zoom) == []
    assert zoom.get("/phone/users/id-eva").error == (404, 1001)


def test_phone_users_are_filtered_by_site_plan_department_and_keyword() -> None:
    zoom = Zoom(
        [
            SITES,
            phone_user("eva", site="Munich", department="Sales", extension_number="4077"),
            phone_user("jan", site="Brno", packages=[METERED], numbers=["+420555"]),
        ]
    )

    assert names(zoom, site_id=zoom.site_id("Brno")) == ["Jan"]
    assert names(zoom, calling_type=200) == ["Eva"]
    assert names(zoom, department="Sales") == ["Eva"]
    assert names(zoom, keyword="EVA") == names(zoom, keyword="4077") == ["Eva"]
    assert names(zoom, keyword="420555") == ["Jan"]
    assert zoom.get("/phone/users", keyword="e").error == (400, 400)


def test_the_pending_are_those_with_a_bundle_but_no_phone() -> None:
    zoom = Zoom([person("eva", vendor={"zoom_one_type": 64}), person("jan")])

    assert names(zoom, status="pending") == ["Eva"]
    zoom.put("/phone/users/batch", {"batch_type": "assign_pending_user", "user_ids": ["id-eva"]})

    assert names(zoom, status="pending") == []
    assert names(zoom) == ["Eva"]


def test_a_user_is_moved_to_a_site_that_exists() -> None:
    zoom = Zoom([SITES, phone_user("eva", site="Munich")])

    assert zoom.patch("/phone/users/id-eva", {"site_id": zoom.site_id("Brno")}).status == 204
    assert zoom.get("/phone/users/id-eva").json["site_id"] == zoom.site_id("Brno")
    assert zoom.patch("/phone/users/id-eva", {"site_id": "nowhere"}).error == (404, 404)


def test_a_template_is_looked_up_in_the_site_of_the_same_call() -> None:
    zoom = Zoom([SITES, phone_user("eva", site="Brno")])
    office, munich = zoom.template_id("Office", "Munich"), zoom.site_id("Munich")

    wrong_site = zoom.patch("/phone/users/id-eva", {"template_id": office})
    right_site = zoom.patch("/phone/users/id-eva", {"template_id": office, "site_id": munich})

    assert wrong_site.error == (404, 404)
    assert wrong_site.json["message"] == "Template is invalid"
    assert right_site.status == 204
    assert zoom.line("eva@example.org")["template"] == "Office"


def test_a_template_overrides_the_policy_of_the_same_call_and_is_not_read_back() -> None:
    zoom = Zoom([SITES, phone_user("eva", site="Munich")])
    office = zoom.template_id("Office", "Munich")

    zoom.patch("/phone/users/id-eva", {"template_id": office, "policy": {"delegation": False}})
    user = zoom.get("/phone/users/id-eva").json

    assert user["policy"] == {"delegation": True}
    assert not [name for name in user if "template" in name]


def test_a_policy_is_changed_member_by_member() -> None:
    zoom = Zoom([phone_user("eva")])

    zoom.patch("/phone/users/id-eva", {"policy": {"delegation": False}})
    zoom.patch("/phone/users/id-eva", {"policy": {"international_calling": True}})

    policy = zoom.get("/phone/users/id-eva").json["policy"]
    assert policy == {"delegation": False, "international_calling": True}


def test_an_extension_number_belongs_to_one_phone() -> None:
    zoom = Zoom([phone_user("eva", extension_number="4077"), phone_user("jan")])

    taken = zoom.patch("/phone/users/id-jan", {"extension_number": "4077"})
    assert (taken.error, taken.fields) == ((400, 300), ["extension_number"])
    assert zoom.patch("/phone/users/id-jan", {"extension_number": "12a"}).error == (400, 300)
    assert zoom.patch("/phone/users/id-jan", {"extension_number": 4078}).error == (400, 300)
    assert zoom.patch("/phone/users/id-jan", {"extension_number": "4078"}).status == 204


def test_a_new_phone_user_gets_the_next_free_extension() -> None:
    zoom = Zoom([phone_user("eva", extension_number="12345"), person("jan")])

    zoom.patch("/users/id-jan", {"feature": {"zoom_phone": True}})

    assert zoom.get("/phone/users/id-jan").json["extension_number"] == 12346


def test_without_multiple_sites_no_site_is_shown_or_taken() -> None:
    zoom = Zoom([phone_user("eva")], multiple_sites=False)

    assert "site" not in zoom.get("/phone/users").json["users"][0]
    assert "site_id" not in zoom.get("/phone/users/id-eva").json
    assert zoom.patch("/phone/users/id-eva", {"site_id": "any"}).error == (400, 300)
    assert zoom.get("/phone/sites").error == (400, 300)
    assert zoom.get("/phone/setting_templates", site_id="any").error == (400, 300)


def test_every_phone_call_is_forbidden_where_the_account_has_no_zoom_phone() -> None:
    zoom = Zoom([phone_user("eva")], phone_enabled=False)

    assert zoom.get("/phone/users").error == (403, 2031)
    assert zoom.get("/users").status == 200
