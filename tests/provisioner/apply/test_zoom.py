"""Plans applied to a simulated Zoom account over real HTTP, on a network that isn't kind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from tests.provisioner.apply.zoom_company import (
    Company,
    Request,
    answer,
    as_if_never,
    break_off,
    company,
)

PassOn = Callable[[], Iterable[bytes]]


@pytest.fixture
def zoom(tmp_path: Path) -> Iterable[Company]:
    """Eight people are there; the first leaves, the third moves, eleven join."""
    with company(tmp_path) as zoom:
        rows = zoom.staff(*range(2, 20))
        rows[1]["department"] = "Sales"
        zoom.here.people(rows)
        yield zoom


def whole(zoom: Company) -> None:
    """Hold the account against the plan: everybody as wished, and nothing done twice."""
    users = zoom.users()
    assert users["user1@example.org"]["license"] is None
    assert users["user3@example.org"]["packages"] == ["US/CA Unlimited Calling Plan"]
    assert {users[f"user{n}@example.org"]["template"] for n in range(9, 20)} == {"Office"}
    assert zoom.here.plan()["changes"] == []
    twice = {effect for effect, times in zoom.effects().items() if times > 1}
    assert not twice


def test_a_plan_takes_the_calls_that_it_said_and_a_second_run_none(zoom: Company) -> None:
    plan = zoom.here.plan()

    ran = zoom.here.run("apply", plan["id"])

    assert ran.status == 0, ran.said
    assert len(zoom.log()) == plan["summary"]["api_calls"]
    assert f"write calls: {len(zoom.log())} (" in ran.out
    whole(zoom)
    seen = len(zoom.network.seen)
    assert zoom.here.run("apply", plan["id"]).status == 0
    assert len(zoom.network.seen) == seen, "not a single request"


@pytest.mark.parametrize(
    "trouble", ["reset before", "reset after", "502 before", "502 after", "429"]
)
def test_every_third_write_goes_wrong_and_all_is_well(zoom: Company, trouble: str) -> None:
    plan, writes, wrong = zoom.here.plan(), 0, Counter[str]()

    def tamper(request: Request, pass_on: PassOn, start: Any) -> Iterable[bytes]:
        nonlocal writes
        writes += request.method != "GET"
        if request.method == "GET" or writes % 3 or wrong[request.path] == 2:
            return pass_on()
        wrong[request.path] += 1
        if trouble.endswith("after"):
            as_if_never(pass_on)
        if trouble == "429":
            return answer(start, "429 Too Many", {"code": 429, "message": "per-second rate limit"})
        if trouble.startswith("reset"):
            return break_off(start)
        return answer(start, "502 Bad Gateway")

    zoom.network.tamper = tamper
    ran = zoom.here.run("apply", plan["id"])
    zoom.network.tamper = None

    assert ran.status == 0, ran.said
    whole(zoom)


def test_a_vendor_that_answers_no_write_any_more_ends_the_run_and_the_next_one_goes_on(
    zoom: Company,
) -> None:
    plan, writes = zoom.here.plan(), 0

    def tamper(request: Request, pass_on: PassOn, start: Any) -> Iterable[bytes]:
        nonlocal writes
        writes += request.method != "GET"
        if writes > 5 and request.method != "GET":
            return answer(start, "503 Service Unavailable")
        return pass_on()

    zoom.network.tamper = tamper
    ran = zoom.here.run("apply", plan["id"])
    zoom.network.tamper = None

    assert ran.status == 1
    assert "3 calls in a row failed" in ran.err
    assert len(zoom.log()) == 5
    assert zoom.here.run("apply", plan["id"]).status == 0
    whole(zoom)


def test_credentials_that_are_withdrawn_on_the_way_end_the_run_at_once(zoom: Company) -> None:
    plan, writes = zoom.here.plan(), 0

    def tamper(request: Request, pass_on: PassOn, start: Any) -> Iterable[bytes]:
        nonlocal writes
        writes += request.method != "GET"
        if writes > 5:
            return answer(
                start, "401 Unauthorized", {"code": 124, "message": "Invalid access token."}
            )
        return pass_on()

    zoom.network.tamper = tamper
    ran = zoom.here.run("apply", plan["id"])
    zoom.network.tamper = None

    assert ran.status == 1
    assert ran.err.count("Invalid access token") == 1, "said once"
    shown = zoom.here.run("show", plan["id"], "--format", "json").plan
    assert "failed" not in {change["state"] for change in shown["changes"]}
    assert zoom.here.run("apply", plan["id"]).status == 0
    whole(zoom)


def test_who_is_edited_by_hand_between_plan_and_apply_is_left_alone_and_named(
    zoom: Company,
) -> None:
    plan = zoom.here.plan()
    zoom.portal("user", email="user3@example.org", packages=["International Calling Add-On"])
    zoom.portal("user", email="user1@example.org", numbers=["+498912340050"])

    ran = zoom.here.run("apply", plan["id"])

    assert ran.status == 5
    assert "user3@example.org: the phone system is not as the plan saw it" in ran.out
    assert "user1@example.org: the phone system is not as the plan saw it" in ran.out
    users = zoom.users()
    assert users["user3@example.org"]["packages"] == ["International Calling Add-On"]
    assert users["user1@example.org"]["numbers"] == ["+498912340050"]
    assert users["user19@example.org"]["license"] == "zoom_phone", "the others went ahead"
    zoom.here.carry_out()
    assert zoom.here.plan()["changes"] == []


def test_who_was_invited_by_hand_since_is_left_to_the_next_plan(zoom: Company) -> None:
    plan = zoom.here.plan()
    zoom.portal("user", id="by-hand", email="user12@example.org", key="E012")

    ran = zoom.here.run("apply", plan["id"])

    assert ran.status == 5
    assert "user12@example.org: somebody has made an account for them since the plan" in ran.out
    zoom.here.carry_out()
    whole(zoom)


def test_a_person_whom_zoom_refuses_is_named_and_the_others_go_on(zoom: Company) -> None:
    plan = zoom.here.plan()

    def tamper(request: Request, pass_on: PassOn, start: Any) -> Iterable[bytes]:
        if request.method == "PUT" and request.path.endswith("/calling_plans"):
            return answer(start, "400 Bad Request", {"code": 300, "message": "No seat."})
        return pass_on()

    zoom.network.tamper = tamper
    ran = zoom.here.run("apply", plan["id"])
    zoom.network.tamper = None

    assert ran.status == 5
    assert "package.assign user3@example.org: " in ran.out
    assert "No seat." in ran.out
    assert zoom.here.run("apply", plan["id"]).status == 0, "what failed is tried again"
    whole(zoom)


@pytest.mark.parametrize("options", [{"visible_after_reads": 3}, {"repeat_across_pages": True}])
def test_lists_that_show_late_or_twice_change_nothing(
    tmp_path: Path, options: dict[str, Any]
) -> None:
    with company(tmp_path, **options) as zoom:
        zoom.here.people(zoom.staff(*range(1, 20)))
        zoom.here.carry_out()
        for _ in range(4):
            zoom.here.run("sync")

        assert zoom.here.plan()["changes"] == []
        assert max(zoom.effects().values()) == 1


def test_somebody_whom_the_lists_do_not_show_yet_is_not_made_again(tmp_path: Path) -> None:
    with company(tmp_path, visible_after_s=3600) as zoom:
        zoom.here.people(zoom.staff(*range(1, 20)))
        zoom.here.carry_out()
        zoom.here.run("sync")

        assert max(zoom.effects().values()) == 1
