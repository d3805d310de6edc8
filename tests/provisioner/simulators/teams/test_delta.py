"""Delta queries: everything once, then changes, with the surprises that are documented."""

from __future__ import annotations

from typing import Any

import pytest

from tests.provisioner.simulators.teams.graph_client import (
    E3,
    PHONE,
    Graph,
    Reply,
    catalog,
    person,
)


def first(graph: Graph, **query: object) -> tuple[list[Any], str]:
    return whole(graph, graph.get("/users/delta", **query))


def whole(graph: Graph, page: Reply, **headers: str) -> tuple[list[Any], str]:
    found = page.value
    while "@odata.nextLink" in page.json:
        page = graph.follow(page.json["@odata.nextLink"], **headers)
        found += page.value
    return found, page.json["@odata.deltaLink"]


def since(graph: Graph, link: str, **headers: str) -> tuple[list[Any], str]:
    return whole(graph, graph.follow(link, **headers), **headers)


def test_everybody_comes_first_and_then_only_what_changed() -> None:
    graph = Graph([person(f"p{n}") for n in range(450)])

    people, link = first(graph, select="displayName,usageLocation")
    nothing, link = since(graph, link)
    graph.patch("/users/id-p7", {"usageLocation": "FR"})
    changed, link = since(graph, link)

    assert len({each["id"] for each in people}) == 450
    assert nothing == []
    assert changed == [{"id": "id-p7", "displayName": "P7", "usageLocation": "FR"}]
    assert since(graph, link)[0] == []


def test_one_user_comes_as_often_as_they_were_changed() -> None:
    graph = Graph([person("eva")])
    _, link = first(graph, select="displayName,assignedLicenses")

    graph.patch("/users/id-eva", {"displayName": "Eva M."})
    graph.assign("id-eva", PHONE)
    changed, _ = since(graph, link)

    assert [each["id"] for each in changed] == ["id-eva", "id-eva"]
    assert {each["displayName"] for each in changed} == {"Eva M."}


def test_what_was_not_selected_is_not_told() -> None:
    graph = Graph([person("eva")])
    _, link = first(graph, select="displayName")

    graph.patch("/users/id-eva", {"department": "Sales"})

    assert since(graph, link)[0] == []


def test_a_deleted_user_is_told_with_the_reason() -> None:
    graph = Graph([person("eva")])
    _, link = first(graph)

    graph.delete("/users/id-eva")
    softly, link = since(graph, link)
    graph.post("/directory/deletedItems/id-eva/restore", None)
    back, link = since(graph, link)
    graph.delete("/users/id-eva")
    graph.delete("/directory/deletedItems/id-eva")
    gone, _ = since(graph, link)

    assert softly == [{"id": "id-eva", "@removed": {"reason": "changed"}}]
    assert [each.get("displayName") for each in back] == ["Eva"]
    assert [each["@removed"]["reason"] for each in gone] == ["changed", "deleted"]


def test_what_changes_during_the_first_round_comes_again_after_it() -> None:
    graph = Graph([person(f"p{n}") for n in range(250)])
    page = graph.get("/users/delta", select="displayName")
    graph.patch("/users/id-p1", {"displayName": "Late"})

    _, link = whole(graph, page)

    assert [each["id"] for each in since(graph, link)[0]] == ["id-p1"]


def test_from_now_on_shows_nothing_of_before() -> None:
    graph = Graph([person("eva"), person("jan")])

    people, link = first(graph, deltatoken="latest")
    graph.patch("/users/id-jan", {"displayName": "Jan N."})

    assert people == []
    assert [each["id"] for each in since(graph, link)[0]] == ["id-jan"]


def test_only_changed_properties_where_that_is_preferred() -> None:
    graph = Graph([person("eva", department="Sales")])
    _, link = first(graph, select="displayName,department")

    graph.patch("/users/id-eva", {"displayName": "Eva M."})
    changed, _ = since(graph, link, Prefer="return=minimal")

    assert changed == [{"id": "id-eva", "displayName": "Eva M."}]


def test_a_token_of_eight_days_has_expired() -> None:
    graph = Graph([person("eva")])
    _, link = first(graph)

    graph.clock.advance(days=8)
    graph.token = graph.new_token()

    assert graph.follow(link).error == (400, "syncStateNotFound")


def test_after_a_reset_tokens_are_gone_and_it_is_said_where_to_start_anew() -> None:
    graph = Graph([person("eva")])
    _, link = first(graph)

    graph.portal("delta", {})
    graph.clock.advance(seconds=1)
    gone = graph.follow(link)
    people, link = whole(graph, graph.follow(gone.headers["Location"]))

    assert gone.error == (410, "resyncRequired")
    assert [each["id"] for each in people] == ["id-eva"]
    assert since(graph, link)[0] == []


def test_what_a_group_gives_to_who_has_it_anyway_is_not_tracked() -> None:
    graph = Graph([catalog(licenses={"Microsoft 365 E3": 9}), person("eva"), person("jan")])
    _, link = first(graph, select="assignedLicenses,licenseAssignmentStates")

    eva = {"name": "Staff", "add": ["eva@example.org"], "licenses": ["Microsoft 365 E3"]}
    graph.portal("group", eva)
    graph.clock.advance(seconds=6)
    held = graph.get("/users/id-eva", select="licenseAssignmentStates").json
    nothing, link = since(graph, link)
    graph.assign("id-eva", remove=[E3])
    still, link = since(graph, link)
    graph.portal("group", {"name": "Staff", "remove": ["eva@example.org"]})
    graph.clock.advance(seconds=6)
    changed, _ = since(graph, link)

    assert len(held["licenseAssignmentStates"]) == 2
    assert nothing == still == []
    assert [(each["id"], each["assignedLicenses"]) for each in changed] == [("id-eva", [])]


def test_changes_may_show_late_and_none_is_lost() -> None:
    graph = Graph([person("eva"), person("jan")], delta_late_s=60)
    _, link = first(graph, deltatoken="latest", select="displayName")

    graph.patch("/users/id-eva", {"displayName": "Eva M."})
    graph.clock.advance(seconds=59)
    too_early, link = since(graph, link)
    graph.patch("/users/id-jan", {"displayName": "Jan N."})
    graph.clock.advance(seconds=1)
    some, link = since(graph, link)
    graph.clock.advance(seconds=60)
    rest, _ = since(graph, link)

    assert too_early == []
    assert [each["id"] for each in some] == ["id-eva"]
    assert [each["id"] for each in rest] == ["id-jan"]


def test_what_was_not_shown_in_time_may_be_told_by_the_same_link_alone() -> None:
    graph = Graph([person("eva")], delta_late_s=60, delta_forgets=True)
    _, first_link = first(graph, deltatoken="latest", select="displayName")
    graph.patch("/users/id-eva", {"displayName": "Eva M."})

    too_early, link = since(graph, first_link)
    graph.clock.advance(seconds=60)

    assert too_early == since(graph, link)[0] == []
    assert [each["id"] for each in since(graph, first_link)[0]] == ["id-eva"]


def test_changes_may_be_told_again() -> None:
    graph = Graph([person("eva"), person("jan")], delta_replays=1)
    _, link = first(graph, deltatoken="latest", select="displayName")

    graph.patch("/users/id-eva", {"displayName": "Eva M."})
    graph.patch("/users/id-jan", {"displayName": "Jan N."})
    both, link = since(graph, link)
    again, _ = since(graph, link)

    assert [each["id"] for each in both] == ["id-eva", "id-jan"]
    assert [each["id"] for each in again] == ["id-jan"]


def test_a_restored_user_may_go_untold_where_nothing_that_was_selected_changed() -> None:
    graph = Graph([person("eva", vendor={"licenses": []})], delta_tells_restored=False)
    _, link = first(graph, deltatoken="latest", select="displayName,assignedLicenses")

    graph.delete("/users/id-eva")
    _, link = since(graph, link)
    graph.post("/directory/deletedItems/id-eva/restore", None)

    assert since(graph, link)[0] == []


def test_objects_are_filtered_by_id_only_and_fifty_at_most() -> None:
    graph = Graph([person("eva"), person("jan")])

    some, link = first(graph, filter="id eq 'id-eva'")
    graph.patch("/users/id-jan", {"displayName": "J"})
    graph.patch("/users/id-eva", {"displayName": "E"})

    assert [each["id"] for each in some] == ["id-eva"]
    assert [each["id"] for each in since(graph, link)[0]] == ["id-eva"]
    assert graph.get("/users/delta", filter="department eq 'Sales'").status == 400
    many = " or ".join(f"id eq 'id-{n}'" for n in range(51))
    assert graph.get("/users/delta", filter=many).status == 400


@pytest.mark.parametrize("name", ["top", "expand", "orderby"])
def test_what_delta_does_not_support_is_refused(name: str) -> None:
    assert Graph().get("/users/delta", **{name: "1"}).status == 400


def test_made_up_tokens_are_refused() -> None:
    assert Graph().get("/users/delta", deltatoken="x").status == 400


def test_memberships_come_as_changes_of_the_group() -> None:
    graph = Graph([person("eva"), person("jan")])
    id_ = graph.portal("group", {"name": "Callers", "add": ["eva@example.org"]})["id"]
    page = graph.get("/groups/delta", select="displayName,members")
    (group,), link = whole(graph, page)

    graph.portal("group", {"name": "Callers", "add": ["jan@example.org"]})
    graph.delete(f"/groups/{id_}/members/id-eva/$ref")
    changes, _ = since(graph, link)

    assert [each["id"] for each in group["members@delta"]] == ["id-eva"]
    told = [
        (each["id"], each.get("@removed", {}).get("reason"))
        for change in changes
        for each in change.get("members@delta", ())
    ]
    assert told == [("id-jan", None), ("id-eva", "deleted")]
