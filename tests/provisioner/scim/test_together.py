"""Users and groups sorted as one list."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.scim.kinds import StoredRow
from provisioner.scim.scan import Scan
from provisioner.store.direct import Direct
from tests.provisioner.scim.http_client import SEARCH, Provider, application


@pytest.fixture
def push(store: Direct, sync: str) -> Provider:
    """A client of users called b, D, none and twin, and groups called a, C, twin."""
    push = Provider(application(store, sync, default=sync).test_client())
    b, *_ = [push.user(f"u{name}", displayName=name) for name in ("b", "D", "", "Twin")]
    for name in ("C", "a", "twin"):
        push.group(name, b["id"])
    return push


def names(answer: Any) -> list[str]:
    return [each.get("displayName", "-") for each in answer.body["Resources"]]


def searched(push: Provider, **asked: Any) -> Any:
    answer = push("POST", "/.search", {"schemas": [SEARCH], "sortBy": "displayName"} | asked)
    assert answer.status == 200, answer.text
    assert answer.body["itemsPerPage"] == len(answer.body["Resources"])
    return answer


SORTED = ["a", "b", "C", "D", "Twin", "twin", "-"]


def test_both_types_are_one_list(push: Provider) -> None:
    """RFC 7644 section 3.4.2.3; of equal ones users come first, whoever has no value last."""
    assert names(searched(push)) == SORTED
    assert names(push.get("/?sortBy=displayName")) == SORTED
    descending = searched(push, sortOrder="descending")
    assert names(descending) == ["-", "Twin", "twin", "D", "C", "b", "a"]
    kinds = [each["meta"]["resourceType"] for each in descending.body["Resources"]]
    assert kinds == ["User", "User", "Group", "User", "Group", "User", "Group"]


@pytest.mark.parametrize("order", ["ascending", "descending"])
@pytest.mark.parametrize("by", ["displayName", "userName", "meta.created", "members.display", "id"])
def test_pages_and_cursors_meet_everybody_once(push: Provider, by: str, order: str) -> None:
    asked = {"sortBy": by, "sortOrder": order}
    whole = [each["id"] for each in searched(push, **asked).body["Resources"]]
    assert len(set(whole)) == 7

    pages = [searched(push, **asked, startIndex=n, count=3) for n in (1, 4, 7)]
    assert [page.body["startIndex"] for page in pages] == [1, 4, 7]
    assert [id for page in pages for id in page.ids] == whole
    walked, cursor = list[str](), ""
    while cursor is not None:
        page = searched(push, **asked, cursor=cursor, count=2)
        assert page.body["totalResults"] == 7
        walked, cursor = walked + page.ids, page.body.get("nextCursor")
    assert walked == whole


def test_a_walk_goes_on_whatever_comes_and_goes(push: Provider) -> None:
    begun = searched(push, cursor="", count=3)
    assert names(begun) == ["a", "b", "C"]
    push("DELETE", f"/Groups/{begun.ids[2]}")
    push.group("Aa")
    push.user("late", displayName="E")

    none = searched(push, cursor=begun.body["nextCursor"], count=0)
    assert (names(none), none.body["totalResults"]) == ([], 8)
    rest = searched(push, cursor=none.body["nextCursor"], count=9)
    assert (names(rest), rest.body.get("nextCursor")) == (["D", "E", "Twin", "twin", "-"], None)
    total = searched(push, cursor="", count=0)
    assert names(searched(push, cursor=total.body["nextCursor"], count=2)) == ["a", "Aa"]


def test_whoever_is_deleted_while_a_page_is_read_leaves_no_gap(
    push: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    leaving = [f"/Groups/{id}" for id in searched(push, count=1).ids]
    load = Scan.rows

    def delete(scan: Scan, seqs: list[int]) -> list[StoredRow]:
        while leaving:
            push("DELETE", leaving.pop())
        return load(scan, seqs)

    monkeypatch.setattr(Scan, "rows", delete)
    begun = searched(push, cursor="", count=2)

    assert (names(begun), begun.body["totalResults"]) == (["b", "C"], 6)
    assert names(searched(push, cursor=begun.body["nextCursor"], count=9)) == SORTED[3:]


def test_filters_and_attributes_hold_for_both(push: Provider) -> None:
    found = searched(
        push, filter='displayName sw "t" or displayName eq "A"', attributes=["displayName"]
    )

    assert names(found) == ["a", "Twin", "twin"]
    assert all(each.keys() == {"schemas", "id", "displayName"} for each in found.body["Resources"])
    (group, *_) = searched(push, filter='displayName eq "a"').body["Resources"]
    assert [each["display"] for each in group["members"]] == ["b"]
    (user,) = searched(push, filter='displayName eq "b"').body["Resources"]
    assert user["meta"]["version"] == push.get(f"/Users/{user['id']}").headers["ETag"]
    assert len(user["groups"]) == 3


def test_a_cursor_is_good_for_its_own_sorting_alone(push: Provider) -> None:
    cursor = searched(push, cursor="", count=2).body["nextCursor"]

    for other in (
        f"/?sortBy=userName&cursor={cursor}",
        f"/?sortBy=displayName&sortOrder=descending&cursor={cursor}",
        f"/?cursor=U{cursor}",
        f"/Users?sortBy=displayName&cursor={cursor}",
    ):
        assert push.get(other).error == (400, "invalidCursor")
    assert push.get("/?sortBy=nope").error == (400, "invalidValue")
