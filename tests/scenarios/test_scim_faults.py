"""A SCIM service over HTTP that lies, breaks off, or is busy: half of it is never planned from."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from provisioner.simulators import scim_service
from provisioner.simulators.scim_service import Faults, Style
from tests.scenarios.installation import Installation, Ran, kinds, phone_users

logging.getLogger("waitress").setLevel(logging.CRITICAL)  # it complains of answers cut on purpose

TOKEN = "t0ken-of-the-scenario"
USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"


def user(number: int, **members: Any) -> dict[str, Any]:
    resource = {
        "schemas": [USER, ENTERPRISE],
        "id": f"id-{number}",
        "externalId": f"E{number:03}",
        "userName": f"user{number}",
        "active": True,
        "emails": [{"value": f"user{number}@example.org", "type": "work", "primary": True}],
        ENTERPRISE: {"department": "Sales"},
    }
    return resource | members


def phone_group(count: int) -> dict[str, Any]:
    members = [{"value": f"id-{n}", "type": "User"} for n in range(1, count + 1)]
    return {"schemas": [GROUP], "id": "g1", "displayName": "Phone", "members": members}


@contextmanager
def service(
    count: int,
    *,
    style: Style | None = None,
    faults: Faults | None = None,
    groups: int | None = None,
) -> Iterator[tuple[str, list[str]]]:
    """Serve that many users, all of the group Phone; give the base URL and what was asked."""
    resources = {
        "Users": [user(n) for n in range(1, count + 1)],
        "Groups": [phone_group(count if groups is None else groups)],
    }
    app = scim_service.create_app(
        resources, TOKEN, style=style or Style(max_page=10), faults=faults or Faults()
    )
    with scim_service.serve(app) as base:
        yield f"{base}/scim/v2", app.extensions["requests"]


@pytest.fixture
def emea(tmp_path: Path) -> Installation:
    """Forty people from a SCIM service who are all as they should be, adopted."""
    emea = Installation(tmp_path)
    emea.phone(phone_users(40))
    with service(40) as (url, _):
        point(emea, url)
        assert emea.carry_out()["changes"] == []
    return emea


def point(emea: Installation, url: str, **options: Any) -> None:
    directory = {
        "kind": "scim_endpoint", "name": "hr", "url": url, "token": {"env": "SCIM_TOKEN"},
        "page_size": 10, **options,
    }  # fmt: skip
    emea.configure(directories=[directory])


def planned(emea: Installation, count: int, *, groups: int | None = None, **faults: Any) -> Ran:
    with service(count, faults=Faults(**faults), groups=groups) as (url, _):
        point(emea, url)
        return emea.run("plan", "--format", "json")


@pytest.fixture(autouse=True)
def _token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCIM_TOKEN", TOKEN)


@pytest.mark.parametrize("pages", ["index", "cursor"])
def test_a_service_is_read_page_by_page_whatever_it_pages_by(
    emea: Installation, pages: str
) -> None:
    style = Style(pages=(pages,), max_page=7)
    with service(41, style=style) as (url, asked):
        point(emea, url)
        plan = emea.plan()

    assert {who for _, who in kinds(plan)} == {"user41@example.org"}
    lists = [request for request in asked if request.startswith("GET /scim/v2/Users?")]
    assert len(lists) <= 7, "six pages, and perhaps a look beyond the end"
    assert ("cursor" in lists[0]) == (pages == "cursor")


def test_config_may_say_how_to_page(emea: Installation) -> None:
    with service(40) as (url, asked):
        point(emea, url, pages="cursor")
        assert emea.plan()["changes"] == []

    assert any("cursor" in request for request in asked)


def test_a_service_that_promises_more_than_it_gives_is_refused_with_figures(
    emea: Installation,
) -> None:
    ran = planned(emea, 40, total_off=5)

    assert (ran.status, ran.out) == (3, ""), ran.said
    assert "40" in ran.err
    assert "45" in ran.err


def test_a_service_that_gives_more_than_it_promised_is_refused(emea: Installation) -> None:
    ran = planned(emea, 40, total_off=-5)

    assert (ran.status, ran.out) == (3, ""), ran.said


def test_a_service_whose_total_changes_on_the_way_plans_nothing(emea: Installation) -> None:
    ran = planned(emea, 40, total_from_page=3)

    assert ran.status in (1, 3), ran.said
    assert ran.out == ""


def test_success_with_an_empty_list_is_refused(emea: Installation) -> None:
    ran = planned(emea, 0)

    assert (ran.status, ran.out) == (3, ""), ran.said
    assert "40" in ran.err


def test_empty_pages_with_a_total_are_refused(emea: Installation) -> None:
    ran = planned(emea, 40, empty=True)

    assert (ran.status, ran.out) == (3, ""), ran.said


def test_a_service_that_shows_one_page_for_all_is_never_believed(emea: Installation) -> None:
    ran = planned(emea, 40, total_is_page=True)

    assert (ran.status, ran.out) == (3, ""), ran.said


def test_a_connection_that_drops_on_page_3_is_tried_again(emea: Installation) -> None:
    ran = planned(emea, 41, drop_page=3, drop_times=2)

    assert ran.status == 0, ran.said
    assert {who for _, who in kinds(ran.plan)} == {"user41@example.org"}


def test_a_connection_that_always_drops_on_page_3_ends_with_1(emea: Installation) -> None:
    ran = planned(emea, 40, drop_page=3)

    assert (ran.status, ran.out) == (1, ""), ran.said
    assert "hr" in ran.err
    assert "Traceback" not in ran.said


def test_a_busy_service_is_asked_again_after_as_long_as_it_says(emea: Installation) -> None:
    ran = planned(emea, 40, busy=2, retry_after="17")

    assert ran.status == 0, ran.said
    assert ran.plan["changes"] == []
    assert sum(17 <= seconds < 20 for seconds in ran.waits) == 2, ran.waits


def test_a_service_that_stays_busy_ends_with_1(emea: Installation) -> None:
    ran = planned(emea, 40, busy=1000)

    assert (ran.status, ran.out) == (1, ""), ran.said


def test_a_service_that_asks_for_an_absurd_pause_is_not_waited_for_all_day(
    emea: Installation,
) -> None:
    ran = planned(emea, 40, busy=2, retry_after="86400")

    assert sum(ran.waits) < 3600
    assert ran.status in (0, 1)


@pytest.mark.parametrize(
    "fault", [{"html": True}, {"denied": frozenset({"Users"})}, {"absent": frozenset({"Users"})}]
)
def test_an_answer_that_is_no_list_ends_with_1(emea: Installation, fault: dict[str, Any]) -> None:
    ran = planned(emea, 40, **fault)

    assert (ran.status, ran.out) == (1, ""), ran.said


def test_a_wrong_token_ends_with_1_and_is_not_printed(
    emea: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCIM_TOKEN", "wr0ng-and-secret")

    ran = planned(emea, 40)

    assert ran.status == 1
    assert "wr0ng-and-secret" not in ran.said
    assert TOKEN not in ran.said


def test_a_service_that_is_not_there_ends_with_1(emea: Installation) -> None:
    with service(1) as (url, _):
        gone = url
    point(emea, gone)

    ran = emea.run("plan")

    assert (ran.status, ran.out) == (1, "")
    assert "Traceback" not in ran.said


def test_pages_that_repeat_an_entry_count_each_person_once(emea: Installation) -> None:
    ran = planned(emea, 40, repeat=True)

    if ran.status == 0:
        assert ran.plan["changes"] == []
        assert ran.plan["conflicts"] == []
    else:
        assert ran.status in (1, 3)


def test_a_group_whose_members_are_gone_is_refused(emea: Installation) -> None:
    ran = planned(emea, 40, groups=0)

    assert (ran.status, ran.out) == (3, ""), ran.said
    assert "'Phone'" in ran.err


def test_a_service_that_shows_no_groups_any_more_is_refused(emea: Installation) -> None:
    with service(
        40, style=Style(user_groups="none"), faults=Faults(denied=frozenset({"Groups"}))
    ) as (
        url,
        _,
    ):
        point(emea, url)
        ran = emea.run("plan", "--format", "json")

    assert ran.status in (1, 3), ran.said
    assert ran.out == ""


@pytest.mark.parametrize("style", [Style(user_groups="ids"), Style(user_groups="none")])
def test_memberships_are_found_wherever_the_service_tells_them(
    emea: Installation, style: Style
) -> None:
    with service(40, style=style) as (url, _):
        point(emea, url)
        assert emea.plan()["changes"] == []
