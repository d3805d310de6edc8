"""Answers that are full of everything an installation can have, each held against the OpenAPI document."""

from __future__ import annotations

import contextlib
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from provisioner.store import quarantine
from provisioner.store.database import open_database
from provisioner.wiring import utc_now
from tests.provisioner.console.api.served import Api, company, daemon, with_ports
from tests.provisioner.store.made import KINDS, change, database
from tests.scenarios.installation import (
    Installation,
    phone_users,
    rule,
    staff,
    zoom_account,
)

CATALOG = {"catalog": {"templates": ["Office", "Desk"], "sites": ["Main Site"]}}


def walked(api: Api, path: str, name: str) -> list[Any]:
    """Return a list by pages of one."""
    found: list[Any] = []
    cursor = None
    while True:
        page = api.get(path, limit=1, **({} if cursor is None else {"cursor": cursor}))
        found += page[name]
        cursor = page["next"]
        if cursor is None:
            return found


def test_manual_steps_are_walked_as_the_command_line_lists_them_and_ticked_off(
    tmp_path: Path,
) -> None:
    emea = Installation(tmp_path)
    users = phone_users(4, packages=["Zoom Phone Pro"], site="Main Site", template="Office")
    with zoom_account([CATALOG, *users]) as (_, phone_system):
        all_of_it = dict.fromkeys(("changes", "removals", "people_drop"), "100%")
        limits = all_of_it | {"group_drop": "100%", "column_drop": "100%"}
        emea.configure(phone_system=phone_system, limits=limits)
        emea.mapping(rules=[rule("all", license="zoom_phone")], leavers={"do": "trash"})
        emea.people(staff(4))
        emea.run("approve", emea.plan()["id"])
        emea.people(staff(2))
        emea.plan()
        with_ports(emea)
        with daemon(emea) as api:
            steps = walked(api, "/manual-steps", "steps")
            listed = json.loads(emea.run("manual list", "--format", "json").out)["steps"]
            (told,) = api.post(f"/syncs/emea/manual-steps/{steps[0]['id']}/done", note="by hand")[
                "told"
            ]
            noted = walked(api, "/manual-steps", "steps")[0]["noted"]

    assert [step["user"] for step in steps] == ["user3@example.org", "user4@example.org"]
    assert steps == listed
    assert told.startswith(steps[0]["id"])
    assert (noted["by"], noted["note"]) == ("eva", "by hand")


def test_who_is_in_quarantine_is_walked_and_let_go(tmp_path: Path) -> None:
    emea = company(tmp_path)
    now = utc_now()
    with daemon(emea) as api:
        engine = open_database(f"sqlite:///{emea.folder / 'store.db'}")
        with engine.begin() as connection:
            refused = [
                (change(n, who=who), "no seat is free") for n, who in ((1, "ada"), (2, "bo"))
            ]
            quarantine.park(connection, "emea", "run-1", "1", refused, now)
            quarantine.slow_down(connection, "emea", "run-1", "3 calls in a row failed", now)

        people = walked(api, "/quarantine", "people")
        row = api.get("/syncs/emea")
        (one,) = api.post("/syncs/emea/quarantine/release", users=["ADA@example.org"])["told"]
        left = api.get("/quarantine", sync="emea")
        rest = api.post("/syncs/emea/quarantine/release")["told"]
        after = api.get("/quarantine")

    assert [each["user"] for each in people] == ["ada@example.org", "bo@example.org"]
    assert row["quarantine"]["reason"] == "3 calls in a row failed"
    assert one == "ada@example.org (sync emea) is tried again by the next run"
    assert [each["user"] for each in left["people"]] == ["bo@example.org"]
    assert len(rest) == 2
    assert after == {"syncs": [], "people": [], "next": None}


def test_a_sync_in_quarantine_runs_when_somebody_starts_it(tmp_path: Path) -> None:
    emea = company(tmp_path, schedule={"cron": "0 0 29 2 *"})
    with daemon(emea) as api:
        engine = open_database(f"sqlite:///{emea.folder / 'store.db'}")
        with engine.begin() as connection:
            quarantine.slow_down(connection, "emea", "run-1", "they failed", utc_now())

        assert api.planned() == "1"


def test_the_statement_of_credits_is_the_command_lines(tmp_path: Path) -> None:
    credits = {
        "agreement": "other",
        "auto_recharge": {"on": True, "trigger": 50, "amount": 200},
    }
    emea = company(
        tmp_path, phone_system={"kind": "snapshot", "path": "phone.jsonl", "credits": credits}
    )
    emea.mapping(rules=[rule("callers", license="zoom_phone", credits=True)])
    emea.run("credits add", "--amount", "500", "--date", "2026-11-01")
    with daemon(emea) as api:
        api.planned()
        told = api.get("/syncs/emea/credits")

    assert {"credits": [told]} == json.loads(emea.run("credits", "--format", "json").out)
    assert told["purchases"] != []


def test_a_plan_with_prices_pools_forecast_and_matches_is_as_the_document_says(
    tmp_path: Path,
) -> None:
    emea = company(
        tmp_path,
        prices={"currency": "EUR", "license": {"zoom_phone": 10}, "packages": {"basic": "4.50"}},
        pools={"munich": {"ranges": ["+4989123400-+4989123401"]}},
        limits=dict.fromkeys(("people_drop", "group_drop", "column_drop"), "100%"),
    )
    emea.phone(
        phone_users(3),
        licenses={"zoom_phone": 5},
        packages={"basic": 3},
        numbers=["+4989123400", "+4989123401"],
    )
    emea.people(staff(6))
    emea.mapping(
        rules=[
            rule("all", license="zoom_phone", packages=["basic"], number={"pool": "munich"}),
        ],
        leavers={"do": "remove_license", "after": "7d"},
    )
    with daemon(emea) as api:
        plan = api.planned()
        whole, outline = api.get(f"/plans/{plan}"), api.get(f"/plans/{plan}/outline")
        emea.people(staff(2))
        later = api.get(f"/plans/{api.planned()}/outline")
        preview = emea.plan("--as-of", str((utc_now() + timedelta(days=30)).date()))
        api.get(f"/plans/{preview['id']}")
        api.get(f"/plans/{preview['id']}/outline")

    assert outline["summary"]["cost"]["currency"] == "EUR"
    assert whole["blocked"] != []
    assert whole["adoption"]["matched"] == outline["adoption"]["matched"]
    assert sum(group["changes"] for group in outline["groups"]) == len(whole["changes"])
    assert later["newer"] is None


def test_a_comparison_of_mappings_is_as_the_document_says(tmp_path: Path) -> None:
    emea = company(tmp_path)
    emea.mapping("other.yaml", rules=[rule("all", license="zoom_phone")])
    with daemon(emea) as api:
        plan = emea.plan("--mapping", str(tmp_path / "other.yaml"))
        outline = api.get(f"/plans/{plan['id']}/outline")
        problem = api.post(f"/plans/{plan['id']}/runs", 409)

    assert outline["comparison"]["people"] == 4
    assert "only shows another mapping" in problem["detail"]


def test_explanations_of_all_sorts_are_as_the_document_says(tmp_path: Path) -> None:
    emea = company(tmp_path)
    emea.phone([*phone_users(3), {"id": "p9", "kind": "person", "email": "stray@example.org"}])
    with daemon(emea) as api:
        plan = api.planned()
        api.post(f"/plans/{plan}/decisions", decision="approved")
        api.ended(api.post(f"/plans/{plan}/runs", 202)["run"])
        emea.people(staff(3))
        api.planned()
        standings = [
            api.get(f"/syncs/emea/people/{name}", why_not="packages=other")["standing"]
            for name in ("user1@example.org", "user4@example.org", "stray@example.org")
        ]
        problem = api.ask("GET", "/syncs/emea/people/nobody").json()

    assert standings == ["in_scope", "gone", "unmanaged"]
    assert "nobody in sync emea is called 'nobody'" in problem["detail"]


@pytest.mark.parametrize("kind", KINDS)
def test_lists_and_filters_are_alike_on_either_database(tmp_path: Path, kind: str) -> None:
    emea = company(tmp_path)
    with database(kind, tmp_path) as url:
        with_ports(emea, store=url)
        with daemon(emea) as api:
            plans = [api.planned() for _ in range(3)]
            api.post(f"/plans/{plans[2]}/decisions", decision="approved", only=["user.create"])
            with contextlib.closing(open_database(url).connect()) as connection:
                refused = [(change(n, who=f"p{n}"), "no seat") for n in range(1, 4)]
                quarantine.park(connection, "emea", "run-1", plans[0], refused, utc_now())
                connection.commit()
            runs, cursor = list[str](), None
            while cursor is not None or not runs:
                page = api.get("/runs", limit=2, **({} if cursor is None else {"before": cursor}))
                runs += [run["id"] for run in page["runs"]]
                cursor = page["next"]
            older = api.get("/plans", before=plans[1])["plans"]
            wanted = [
                {"state": "approved"},
                {"state": "planned", "risk": "safe"},
                {"cluster": "c1", "kind": "license.assign"},
                {"user": "USER4@example.org"},
                {"user": "e004", "state": "rejected"},
            ]
            path = f"/plans/{plans[2]}/changes"
            found = [[c["kind"] for c in api.get(path, **each)["changes"]] for each in wanted]
            groups = api.get(f"/plans/{plans[2]}/outline")["groups"]
            people = walked(api, "/quarantine", "people")
            row = api.get("/syncs/emea")

    assert sorted(runs, reverse=True) == sorted({*runs}, reverse=True)
    assert len(runs) == 6
    assert [plan["id"] for plan in older] == [plans[0]]
    assert [len(kinds) for kinds in found] == [1, 2, 1, 3, 0]
    assert sum(group["changes"] for group in groups) == 3
    assert [one["user"] for one in people] == [f"p{n}@example.org" for n in range(1, 4)]
    assert row["plan"]["states"] == {"approved": 1, "planned": 2}
