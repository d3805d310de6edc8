"""Reads of what changed show what full reads show, whatever delta queries keep back, repeat or mix up."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from connectors.errors import IncompleteRead
from connectors.phone.teams import TeamsPhone
from connectors.phone.teams.memory import Memory
from connectors.records import PhoneUser
from tests.connectors.phone.teams.simulated_graph import SimulatedGraph, carried_out, users

E3, E5 = "Microsoft 365 E3", "Microsoft 365 E5"
E5_SKU = "06ebc4ee-1bb5-47dd-8120-11324bc54e06"
DOMESTIC = "Skype for Business PSTN Domestic Calling"
LISTS = ["/users", "/directory/deletedItems/microsoft.graph.user"]
STAFF = ("ada", "eva", "jan", "max")


def person(id: str, **members: Any) -> dict[str, Any]:
    return {"id": id, "email": f"{id}@example.org", "usage_location": "DE"} | members


def company(*more: dict[str, Any], **options: Any) -> SimulatedGraph:
    """Return a tenant with four people, of whom Eva can call."""
    catalog = {
        "licenses": {"teams_phone": 10, E3: 50, E5: 50},
        "packages": {DOMESTIC: 10},
        "numbers": ["+4989100", "+4989101"],
    }
    people = [person(id) for id in STAFF if id != "eva"]
    eva = person("eva", license="teams_phone", packages=[DOMESTIC], numbers=["+4989100"])
    return SimulatedGraph([{"catalog": catalog}, eva, *people, *more], **options)


def listed(graph: SimulatedGraph) -> bool:
    """Return whether everybody was listed since this was asked last."""
    asked, graph.asked[:] = list(graph.asked), []
    return LISTS[0] in asked


def caught_up(graph: SimulatedGraph, phone: TeamsPhone) -> dict[str, PhoneUser]:
    """Read what changed, and find it to be what a full read shows."""
    listed(graph)
    found = users(phone)
    assert not listed(graph), "the read was a full one"
    assert found == graph.in_full()
    return found


def test_a_second_read_asks_only_for_what_changed() -> None:
    graph = company()
    phone = graph.phone()
    before = users(phone)
    graph.portal("user", email="jan@example.org", department="Sales")
    listed(graph)

    after = users(phone)

    asked = [path for path in graph.asked if not path.startswith("/admin")]
    assert asked == ["/users/delta", "/groups/delta", LISTS[1], "/$batch", "/subscribedSkus"]
    assert after["jan"].department == "Sales"
    assert {id for id in after if after[id] != before[id]} == {"jan"}


def test_a_connector_made_anew_in_the_same_process_goes_on_where_the_last_one_was() -> None:
    graph, kept = company(), dict[str, Any]()
    users(graph.phone(kept))
    graph.portal("user", email="jan@example.org", department="Sales")

    assert caught_up(graph, graph.phone(kept))["jan"].department == "Sales"
    assert listed(graph)  # by the process that has read nothing before


def test_reads_side_by_side_all_show_what_is_there() -> None:
    graph, kept = company(), dict[str, Any]()
    users(graph.phone(kept))

    for n in range(5):
        graph.portal("user", id="jan", department=f"Sales {n}")
        graph.portal("user", id=f"new{n}", email=f"new{n}@example.org")
        with ThreadPoolExecutor(6) as threads:
            found = list(threads.map(lambda _: users(graph.phone(kept)), range(6)))
        assert found == [graph.in_full()] * 6
    caught_up(graph, graph.phone(kept))


def test_joiners_and_leavers_come_and_go() -> None:
    graph = company()
    phone = graph.phone()
    users(phone)

    graph.portal("user", email="new@example.org", id="new")
    graph.portal("delete", email="jan@example.org")
    found = caught_up(graph, phone)
    assert (found["new"].status, found["jan"].status) == ("active", "trashed")

    carried_out(phone, "user.restore", "jan")
    assert caught_up(graph, phone)["jan"].status == "active"
    carried_out(phone, "user.delete", "jan")
    assert "jan" not in caught_up(graph, phone)


def test_whoever_becomes_a_guest_is_no_phone_user_any_more() -> None:
    graph = company(person("gus", vendor={"licenses": []}))
    phone = graph.phone()
    users(phone)

    for kind, there in (("Guest", False), ("Member", True)):
        graph.call("PATCH", "/users/gus", {"userType": kind})
        assert ("gus" in caught_up(graph, phone)) is there


def test_a_groups_licenses_are_seen_when_they_reach_its_members() -> None:
    graph = company()
    graph.portal("group", name="Callers", licenses=[E5])
    phone = graph.phone()
    users(phone)

    graph.portal("group", name="Callers", add=["max@example.org"])
    users(phone)
    graph.pass_by(seconds=10)

    found = users(phone)
    assert found["max"].license == E5
    assert found == graph.in_full()


def test_a_group_that_gives_what_somebody_has_anyway_is_seen_though_no_delta_query_tells() -> None:
    graph = company(person("ben", vendor={"licenses": [{"sku": E5, "group": "Callers"}]}))
    graph.portal("user", id="max", vendor={"licenses": [E5]})
    phone = graph.phone()
    users(phone)

    for way, by_hand in (("add", True), ("remove", False)):
        graph.portal("group", name="Callers", **{way: ["max@example.org"]})
        caught_up(graph, phone)
        graph.pass_by(minutes=90)  # beyond the hour that users are looked at for
        assert bool(caught_up(graph, phone)["max"].by_hand) is by_hand


def test_while_a_group_gives_what_its_members_do_not_have_yet_reads_are_full() -> None:
    graph = company(person("ben", vendor={"licenses": [{"sku": E3, "group": "Callers"}]}))
    graph.portal("user", id="max", vendor={"licenses": [E5]})
    graph.portal("group", name="Callers", add=["max@example.org"])
    graph.pass_by(seconds=10)
    phone = graph.phone()
    users(phone)
    listed(graph)

    graph.portal("group", name="Callers", licenses=[E3, E5])
    users(phone)
    assert listed(graph)

    graph.pass_by(seconds=10)
    assert users(phone)["max"].by_hand
    assert listed(graph)
    assert caught_up(graph, phone)["max"].by_hand


def test_what_this_process_wrote_is_seen_before_a_delta_query_tells_of_it() -> None:
    graph = company(delta_late_s=600)
    phone = graph.phone()
    users(phone)

    carried_out(phone, "license.assign", "max", None, "teams_phone")
    carried_out(phone, "user.trash", "jan")
    (made,) = carried_out(phone, "user.create", "", None, {"email": "new@example.org"})

    found = caught_up(graph, phone)
    assert found["max"].license == "teams_phone"
    assert found["jan"].status == "trashed"
    assert made.id in found


@pytest.mark.parametrize("minutes", [6, 50, 90])
def test_what_shows_late_is_seen_however_often_was_asked_meanwhile(minutes: float) -> None:
    graph = company(delta_late_s=900, delta_forgets=True)
    phone = graph.phone()
    users(phone)
    graph.pass_by(hours=3)
    graph.portal("user", email="jan@example.org", department="Sales")

    for _ in range(4):
        users(phone)
        graph.pass_by(minutes=minutes)

    assert caught_up(graph, phone)["jan"].department == "Sales"


def test_what_was_seen_long_ago_is_asked_for_no_more() -> None:
    graph = company()
    phone = graph.phone()
    users(phone)
    graph.portal("user", email="jan@example.org", department="Sales")
    carried_out(phone, "profile.update", "max", None, {"department": "Sales"})

    for asked in (True, True, False, False):
        caught_up(graph, phone)
        users(phone)
        graph.asked[:] = []
        users(phone)
        assert ("/$batch" in graph.asked) is asked
        graph.pass_by(minutes=50)


def test_who_was_deleted_is_seen_in_the_list_of_deleted_users_before_a_delta_query_tells() -> None:
    graph = company(delta_late_s=600)
    phone = graph.phone()
    users(phone)

    graph.portal("delete", email="jan@example.org")

    assert caught_up(graph, phone)["jan"].status == "trashed"


def test_who_is_deleted_between_two_requests_is_trashed_and_nobody_else_is_listed() -> None:
    graph = company()
    phone = graph.phone()
    users(phone)
    graph.portal("user", email="jan@example.org", department="Sales")
    graph.portal("delete", email="jan@example.org")
    graph.troubles["/deletedItems"] = [(200, {"value": []})]

    assert caught_up(graph, phone)["jan"].status == "trashed"


def test_who_is_restored_between_two_requests_is_there_once() -> None:
    graph = company()
    phone = graph.phone()
    users(phone)
    listing = {"id": "jan", "userPrincipalName": "jan@example.org", "mail": "jan@example.org"}
    graph.troubles["/deletedItems"] = [(200, {"value": [listing]})]

    found = list(phone.read())

    assert sorted(user.id for user in found) == sorted(STAFF)
    assert {user.status for user in found} == {"active"}


def test_a_restored_user_is_seen_though_no_delta_query_tells_of_them() -> None:
    graph = company(delta_tells_restored=False)
    phone = graph.phone()
    users(phone)
    graph.portal("delete", email="max@example.org")
    caught_up(graph, phone)
    graph.pass_by(hours=2)
    caught_up(graph, phone)

    graph.call("POST", "/directory/deletedItems/max/restore")

    assert caught_up(graph, phone)["max"].status == "active"


def test_a_license_that_no_delta_query_tells_of_is_missed_where_the_tenant_counts_its_seat() -> (
    None
):
    untracked = ("assignedLicenses", "licenseAssignmentStates")
    graph = company(delta_untracked=untracked)
    phone = graph.phone()
    users(phone)

    for products in ([E5], []):
        licenses = [{"skuId": E5_SKU, "disabledPlans": []}] if products else []
        body = {"addLicenses": licenses, "removeLicenses": [] if products else [E5_SKU]}
        assert graph.call("POST", "/users/max/assignLicense", body) == 200
        listed(graph)
        assert users(phone)["max"].license == (E5 if products else None)
        assert listed(graph)
        caught_up(graph, phone)


def test_seats_that_have_nothing_to_do_with_phones_are_nobodys_matter() -> None:
    graph = company(person("gus", vendor={"licenses": [E3]}))
    phone = graph.phone()
    users(phone)

    graph.call("PATCH", "/users/gus", {"userType": "Guest"})

    assert "gus" not in caught_up(graph, phone)


def test_nobody_is_gone_of_whom_graph_does_not_say_so() -> None:
    graph = company()
    phone = graph.phone()
    users(phone)
    graph.portal("user", email="jan@example.org", department="Sales")
    missing = {"error": {"code": "Request_ResourceNotFound", "message": "not there"}}
    answers = [{"id": "0", "status": 404, "headers": {}, "body": missing}]
    graph.troubles["$batch"] = [(200, {"responses": answers})]
    listed(graph)

    assert set(users(phone)) == set(STAFF)
    assert listed(graph)


@pytest.mark.parametrize("by", [{"hours": 24}, {"days": 8}, {"hours": -1}])
def test_a_full_read_comes_again_after_a_day_or_when_the_clock_went_back(by: Any) -> None:
    graph = company()
    phone = graph.phone()
    users(phone)
    graph.pass_by(**by)
    listed(graph)

    assert set(users(phone)) == set(STAFF)
    assert listed(graph)


def test_nobody_is_remembered_where_every_read_is_full() -> None:
    graph, kept = company(), dict[str, Any]()
    users(graph.phone(kept, full_read="0h"))

    (memory,) = (value for value in kept.values() if isinstance(value, Memory))
    assert memory.known is None


def test_how_often_reads_are_full_is_told_by_config() -> None:
    graph = company()
    always, weekly = graph.phone(full_read="0h"), graph.phone(full_read="7d")
    for phone in (always, weekly):
        users(phone)
    graph.pass_by(days=6)

    listed(graph)
    users(always)
    assert listed(graph)
    assert not any("delta" in path for path in graph.asked)
    users(weekly)
    assert not listed(graph)


GONE = (410, {"error": {"code": "resyncRequired", "message": "Resync required."}})
EXPIRED = (400, {"error": {"code": "syncStateNotFound", "message": "expired"}})
BROKEN = (503, {"error": {"code": "ServiceNotAvailable", "message": "no"}})
CIRCLE = (200, {"value": [], "@odata.nextLink": "https://graph.test/v1.0/users/delta?$skiptoken=x"})


@pytest.mark.parametrize("path", ["/users/delta", "/groups/delta"])
@pytest.mark.parametrize(
    "answer",
    [
        GONE,
        EXPIRED,
        BROKEN,
        (200, {"value": []}),
        (200, {"value": [{"displayName": "without an id"}], "@odata.deltaLink": "x"}),
        (200, {"values": []}),
        (200, {"value": [], "@odata.nextLink": "https://elsewhere.test/v1.0/users/delta?x=y"}),
        CIRCLE,
    ],
    ids=["gone", "expired", "broken", "no link", "no id", "no values", "elsewhere", "circle"],
)
def test_a_link_without_a_good_answer_makes_a_full_read_and_the_next_one_asks_again(
    path: str, answer: tuple[int, Any]
) -> None:
    graph = company()
    phone = graph.phone()
    users(phone)
    graph.portal("user", email="jan@example.org", department="Sales")
    graph.troubles[path + "?$deltatoken="] = [answer] * 6
    graph.troubles["$skiptoken=x"] = [CIRCLE]
    listed(graph)

    assert users(phone)["jan"].department == "Sales"
    assert listed(graph)
    graph.troubles.clear()
    graph.portal("user", email="max@example.org", department="Sales")
    users(phone)
    assert caught_up(graph, phone)["max"].department == "Sales"


def test_after_a_reset_of_the_tenant_it_is_read_in_full_once() -> None:
    graph = company()
    phone = graph.phone()
    users(phone)
    graph.portal("delta")
    graph.pass_by(seconds=1)
    listed(graph)

    users(phone)
    assert listed(graph)
    caught_up(graph, phone)


def test_a_tenant_that_gives_no_link_is_read_in_full_each_time() -> None:
    graph = company()
    phone = graph.phone()
    graph.troubles["/groups/delta"] = [(403, {"error": {"code": "Forbidden", "message": "no"}})] * 9
    for _ in range(2):
        listed(graph)
        assert set(users(phone)) == set(STAFF)
        assert listed(graph)


def test_a_read_that_ends_early_is_none_and_changes_nothing_that_is_remembered() -> None:
    graph = company()
    phone = graph.phone()
    users(phone)
    graph.pass_by(days=2)
    graph.troubles["/deletedItems"] = [BROKEN] * 6
    with pytest.raises(IncompleteRead):
        users(phone)
    half = phone.read()
    next(half)
    half.close()  # type: ignore[attr-defined]

    listed(graph)
    assert set(users(phone)) == set(STAFF)
    assert listed(graph)


def test_where_much_changed_everybody_is_listed_instead_of_read_one_by_one() -> None:
    graph = company(*(person(f"p{n}") for n in range(250)))
    phone = graph.phone()
    users(phone)
    for n in range(201):
        graph.portal("user", id=f"p{n}", department="Sales")
    listed(graph)

    found = users(phone)

    assert sum(user.department == "Sales" for user in found.values()) == 201
    assert listed(graph)


def test_where_much_was_written_everybody_is_listed_too() -> None:
    graph = company()
    phone = graph.phone()
    users(phone)
    phone._desk.reader.wrote(f"id-{n}" for n in range(201))
    listed(graph)

    users(phone)

    assert listed(graph)


@pytest.mark.parametrize("full_read", ["0h", "24h"])
def test_whom_a_process_wrote_to_is_not_remembered_for_ever(full_read: str) -> None:
    graph, kept = company(), dict[str, Any]()
    phone = graph.phone(kept, full_read=full_read)
    users(phone)
    carried_out(phone, "profile.update", "jan", {"department": None}, {"department": "Sales"})
    graph.pass_by(days=2)  # the next read is a full one
    users(phone)

    assert [each.written for each in kept.values() if isinstance(each, Memory)] == [{}]
