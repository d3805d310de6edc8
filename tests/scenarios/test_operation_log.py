"""Drift in a Zoom account: a plan tells by whom, where the operation log does, and asks no other time."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from provisioner.simulators import zoom
from tests.scenarios.installation import Installation, rule, staff, zoom_account
from tests.scenarios.test_zoom_accounts import CATALOG, PRO, had, portal

IT = "it@example.org"
LOG = "/v2/phone/reports/operationlogs"


@contextmanager
def office(
    folder: Path, config: Mapping[str, Any] = {}, at: datetime | None = None, **options: Any
) -> Iterator[tuple[Installation, str]]:
    """Four people as they should be, after an approved plan; gives the simulator's address too."""
    owner = {"id": "owner", "email": "owner@example.org", "role": "owner"}
    with zoom_account([CATALOG, owner, *(had(n) for n in range(1, 5))], **options) as (url, system):
        here = Installation(folder)
        here.configure(
            phone_system=system | dict(config),
            limits={"changes": "100%", "removals": "100%"},
            approval={"automatic": ["safe", "service", "destructive"]},
        )
        here.mapping(rules=[rule("all", license="zoom_phone", packages=[PRO], site="Munich")])
        here.people(staff(4))
        here.carry_out(at=at)
        yield here, url


def asked(here: Installation) -> int:
    """Return how many times the log was asked for."""
    ran = here.run("audit export")
    assert ran.status == 0, ran.said
    return ran.out.count(LOG)


def drift(plan: dict[str, Any]) -> dict[str, str]:
    assert {change["cause"] for change in plan["changes"]} <= {"drift"}
    return {f"{c['kind']} {c['user'].partition('@')[0]}": c["because"] for c in plan["changes"]}


def test_a_hand_edit_names_its_operator_in_plan_explanation_and_every_plan_after(
    tmp_path: Path,
) -> None:
    with office(tmp_path) as (here, url):
        for number in (1, 2):
            portal(url, "user", email=f"user{number}@example.org", packages=[], operator=IT)
        portal(url, "user", email="user3@example.org", site="Brno", operator="night@example.org")

        plan, again = here.plan(), here.plan()

        said = drift(plan)
        assert said["package.assign user1"].startswith(
            f"the phone system changed: package is none, and was {PRO}; by it@example.org on "
        )
        assert "by night@example.org on" in said["site.set user3"]
        titles = {c["title"].partition(" on ")[0]: c["people"] for c in plan["clusters"]}
        assert titles == {
            "changed in Zoom by it@example.org": 2,
            "changed in Zoom by night@example.org": 1,
        }
        assert (again["changes"], again["clusters"]) == (plan["changes"], plan["clusters"])
        explained = here.run("explain", "user1@example.org")
        assert "by it@example.org on" in explained.out, explained.said
        assert asked(here) == 1


def test_a_plan_without_drift_asks_nothing(tmp_path: Path) -> None:
    with office(tmp_path) as (here, _):
        people = staff(4)
        people[0]["active"] = "false"
        here.people(people)

        assert {c["cause"] for c in here.plan()["changes"]} == {"directory"}
        assert asked(here) == 0


def test_our_own_writes_are_blamed_on_nobody_and_whoever_undoes_them_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [datetime(2026, 11, 23, 9, tzinfo=UTC)]
    monkeypatch.setattr(zoom, "create_app", partial(zoom.create_app, clock=lambda: clock[0]))

    def later(**time: float) -> datetime:
        clock[0] += timedelta(**time)
        return clock[0]

    with office(tmp_path, at=clock[0]) as (here, url):
        later(hours=1)
        portal(url, "user", email="user1@example.org", packages=[], site="Brno", operator=IT)
        mended = here.carry_out(at=later(hours=1))  # the owner's name is in the log for it
        later(seconds=5)
        portal(url, "user", email="user1@example.org", packages=[], operator="other@example.org")
        again = here.plan(at=later(hours=1))

        by_it = [
            said for said in drift(mended).values() if f"by {IT} on 23 November 10:00 UTC" in said
        ]
        assert len(by_it) == len(mended["changes"]) == 2
        (said,) = drift(again).values()
        assert "; by other@example.org on 23 November 11:00 UTC (" in said


@pytest.mark.parametrize(
    ("config", "options"),
    [
        ({}, {"operation_logs": False}),
        ({"operation_log": False}, {}),
        ({"operator": IT}, {}),
    ],
)
def test_where_the_log_tells_nothing_the_plan_says_no_more_and_ends_the_same(
    config: dict[str, Any], options: dict[str, Any], tmp_path: Path
) -> None:
    with office(tmp_path, config, **options) as (here, url):
        portal(url, "user", email="user1@example.org", packages=[], operator=IT)

        plan = here.plan()

        says = f"the phone system moved by itself: package is none, and was {PRO}"
        assert drift(plan) == {"package.assign user1": says}
        assert not [warning for warning in plan["warnings"] if "log" in warning]


def answering(status: int) -> Callable[..., Flask]:
    """Return what makes a simulator that answers whoever asks for its log with this status."""
    made = zoom.create_app

    def make(*given: Any, **named: Any) -> Flask:
        app = made(*given, **named)
        served = app.wsgi_app

        def on_the_way(environ: dict[str, Any], start: Any) -> Any:
            if environ["PATH_INFO"] != LOG:
                return served(environ, start)
            start(f"{status} No", [("Content-Type", "application/json")])
            return [json.dumps({"code": status, "message": "no"}).encode()]

        app.wsgi_app = on_the_way  # type: ignore[method-assign, assignment]
        return app

    return make


@pytest.mark.parametrize("status", [403, 404, 429, 502])
def test_whatever_the_log_answers_the_plan_ends_the_same(
    status: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(zoom, "create_app", answering(status))
    with office(tmp_path) as (here, url):
        portal(url, "user", email="user1@example.org", packages=[], operator=IT)

        said = drift(here.plan())["package.assign user1"]

        assert said == f"the phone system moved by itself: package is none, and was {PRO}"
        assert asked(here) > 0


def test_check_tells_whether_the_log_can_be_read(tmp_path: Path) -> None:
    said = []
    for allowed in (True, False):
        with office(tmp_path / str(allowed), operation_logs=allowed) as (here, _):
            ran = here.run("check")
            assert ran.status == 0, ran.said
            said += [line.strip() for line in ran.out.splitlines() if "operation log:" in line]

    assert said[0] == "operation log: can be read"
    assert said[1].startswith(
        "operation log: can't be read, so plans tell of nobody who changed it:"
    )
    assert "phone:read:operation_logs:admin" in said[1]
