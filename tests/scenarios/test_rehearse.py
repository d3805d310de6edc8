"""Rehearsals: what an apply would do is tried on a copy, and nothing real is written to."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from sqlalchemy import text
from werkzeug.test import Client

from provisioner.commands.simulate import Simulated, application
from provisioner.store.database import open_database
from provisioner.store.rate_board import open_board
from tests.ports import free_port
from tests.provisioner.apply.zoom_company import US
from tests.scenarios import zoom_staff
from tests.scenarios.installation import (
    Installation,
    Ran,
    phone_users,
    rule,
    staff,
    zoom_account,
    zoom_log,
    zoom_users,
)

PEOPLE, JOINERS, POOL = 8, 4, 30
UNTOUCHED = ("bindings", "applied", "decisions", "plans", "changes", "runs", "leases")


@pytest.fixture
def here(tmp_path: Path) -> Installation:
    return Installation(tmp_path)


@pytest.fixture
def account(here: Installation) -> Iterator[str]:
    """The company on a Zoom account that an adopted sync is about to move a month on."""
    lines = [zoom_staff.line(number, POOL) for number in range(1, PEOPLE + 1)]
    with zoom_account([zoom_staff.catalog(POOL), *lines]) as (url, _):
        zoom_staff.configure(here, url, POOL)
        here.people([zoom_staff.row(number) for number in range(1, PEOPLE + 1)])
        first = here.plan()
        assert here.run("approve", first["id"]).status == 0
        here.people(zoom_staff.movers_and_more(PEOPLE, JOINERS))
        yield url


def rehearsed(ran: Ran) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(ran.out)
    return document


def rows(here: Installation) -> dict[str, list[Any]]:
    """Everything in the store that a rehearsal must leave as it is."""
    engine = open_database(f"sqlite:///{here.folder / 'store.db'}")
    with engine.begin() as connection:
        return {
            name: [tuple(row) for row in connection.execute(text(f"SELECT * FROM {name}"))]
            for name in UNTOUCHED
        }


def test_a_rehearsal_ends_as_the_apply_does_and_the_real_account_gets_no_write(
    here: Installation, account: str
) -> None:
    plan = here.plan()
    store, users = rows(here), zoom_users(account)

    tried = here.run("rehearse", plan["id"], "--format", "json")

    found = rehearsed(tried)
    assert (tried.status, found["differences"]) == (0, []), tried.said
    assert found["states"] == {"done": len(plan["changes"])}
    assert found["writes"] == plan["summary"]["api_calls"] > 10
    assert found["estimate"]["seconds"] > 0
    assert (zoom_log(account), zoom_users(account), rows(here)) == ([], users, store)

    assert here.run("apply", plan["id"]).status == 0
    assert len(zoom_log(account)) == found["writes"]


def test_the_real_account_loses_no_place_of_its_limits_to_a_rehearsal(
    here: Installation, account: str
) -> None:
    plan = here.plan()

    here.run("rehearse", plan["id"])

    engine = open_database(f"sqlite:///{here.folder / 'store.db'}")
    board = open_board(engine)
    assert board is not None
    assert board.read("zoom a")
    assert not board.read("zoom rehearsal")


def test_the_text_says_what_would_be_how_many_requests_and_how_long(
    here: Installation, account: str
) -> None:
    plan = here.plan()

    said = here.run("rehearse", plan["id"]).out

    first, *rest = said.splitlines()
    assert (
        first == f"plan {plan['id']} rehearsed on a copy of 8 phone users; nothing real was changed"
    )
    assert f"would be: {len(plan['changes'])} done" in rest[0]
    assert "at the vendor's limits: " in said
    assert "the end state is what these changes say, and nobody else's changed" in said


def test_what_is_rejected_stays_out_of_it(here: Installation, account: str) -> None:
    plan = here.plan()
    leaver = "user1@example.org"
    assert here.run("reject", plan["id"], "--only", leaver).status == 0

    found = rehearsed(here.run("rehearse", plan["id"], "--format", "json"))

    rejected = {c["seq"] for c in plan["changes"] if c["user"] == leaver}
    assert rejected
    assert {c["seq"] for c in found["changes"] if c["state"] != "done"} >= rejected


def test_what_a_limit_holds_is_held_and_may_be_let_through_in_the_rehearsal_alone(
    here: Installation, account: str
) -> None:
    here.configure(limits={"removals": 0, "changes": "100%", "people_drop": "100%", "group_drop": "100%", "column_drop": "100%"})  # fmt: skip
    plan = here.plan(status=3)

    held = here.run("rehearse", plan["id"])
    let = here.run("rehearse", plan["id"], "--allow-removals", "5")

    assert (held.status, "are held by a limit" in held.out) == (3, True), held.said
    assert let.status == 0, let.said
    assert here.run("apply", plan["id"]).status == 3


def test_a_plan_that_nobody_has_approved_is_rehearsed_as_if_everything_were(
    here: Installation, account: str
) -> None:
    here.configure(approval={"automatic": [], "second": ["destructive"]})
    plan = here.plan()

    found = rehearsed(here.run("rehearse", plan["id"], "--format", "json"))

    assert (found["states"], found["left"]) == ({"done": len(plan["changes"])}, [])
    assert zoom_log(account) == []
    assert here.run("apply", plan["id"]).status == 4


def test_what_can_not_be_done_is_named_as_apply_names_it(
    here: Installation, account: str, tmp_path: Path
) -> None:
    plan = here.plan()
    gone = tmp_path / "inventory.jsonl"
    lines = here.run("inventory").out.splitlines()
    gone.write_text("\n".join(x for x in lines if "user3@example.org" not in x), encoding="utf-8")

    ran = here.run("rehearse", plan["id"], "--inventory", str(gone))

    assert (ran.status, "user3@example.org" in ran.out) == (5, True), ran.said


def test_a_snapshot_is_rehearsed_on_a_copy_of_its_file(here: Installation) -> None:
    here.configure(limits={"removals": "100%", "changes": "100%", "people_drop": "100%", "group_drop": "100%", "column_drop": "100%"})  # fmt: skip
    here.phone(phone_users(3))
    here.people(staff(4))
    before = (here.folder / "phone.jsonl").read_bytes()
    plan = here.plan()

    ran = here.run("rehearse", plan["id"], "--format", "json")

    assert (ran.status, rehearsed(ran)["states"]) == (0, {"done": len(plan["changes"])}), ran.said
    assert (here.folder / "phone.jsonl").read_bytes() == before
    assert here.run("apply", plan["id"]).status == 4  # nobody has approved anything


def test_manual_steps_are_counted_and_left_to_a_person(here: Installation, account: str) -> None:
    here.mapping(leavers={"do": "trash"}, rules=[rule("all", license="zoom_phone")])
    plan = here.plan()

    found = rehearsed(here.run("rehearse", plan["id"], "--format", "json"))

    assert (found["manual"], found["status"]) == (1, 0)


def test_a_rejected_plan_and_words_that_are_no_plan_are_refused(
    here: Installation, account: str
) -> None:
    plan = here.plan()
    here.run("reject", plan["id"])

    rejected = here.run("rehearse", plan["id"])
    unknown = here.run("rehearse", "999")

    assert (rejected.status, "was rejected" in rejected.err) == (1, True), rejected.said
    assert (unknown.status, "there is no plan '999'" in unknown.err) == (1, True)


def test_an_account_that_does_not_answer_fails_the_rehearsal(
    here: Installation, account: str
) -> None:
    plan = here.plan()
    here.sync["phone_system"]["token_url"] = f"http://127.0.0.1:{free_port()}/oauth/token"
    here.configure()

    ran = here.run("rehearse", plan["id"])

    assert ran.status == 1, ran.said


def test_a_rehearsal_is_on_record(here: Installation, account: str) -> None:
    plan = here.plan()
    here.run("rehearse", plan["id"])

    exported = [json.loads(line) for line in here.run("audit export").out.splitlines()]

    (entry,) = [e for e in exported if e["kind"] == "plan.rehearsed"]
    assert (entry["plan"], entry["detail"]["status"]) == (plan["id"], 0)
    assert here.run("audit verify").status == 0


def test_at_the_vendors_limits_it_takes_its_time_and_ends_as_well(
    here: Installation, account: str
) -> None:
    plan = here.plan()

    ran = here.shell("rehearse", plan["id"], "--rate-limits")

    assert (ran.status, f"{len(plan['changes'])} done" in ran.out) == (0, True), ran.said
    assert zoom_log(account) == []


def test_an_inventory_makes_the_same_account_again_places_and_all(
    here: Installation, account: str, tmp_path: Path
) -> None:
    plan = {"packages": [US], "site": "Munich", "extension_number": "7001"}
    places = [
        {"id": "lobby", "kind": "common_area", "display_name": "Lobby", **plan},
        {"id": "blue", "kind": "room", "display_name": "Blue", **plan, "extension_number": "7002"},
    ]
    people = [zoom_staff.line(number, POOL) for number in range(1, 4)]
    with zoom_account([zoom_staff.catalog(POOL), *people, *places]) as (_, phone_system):
        here.configure(phone_system=phone_system)
        first = here.run("inventory", "--delegations")
    lines = [json.loads(line) for line in first.out.splitlines()]
    with zoom_account(lines) as (_, phone_system):
        here.configure(phone_system=phone_system)
        second = here.run("inventory", "--delegations")

    def told(text: str) -> list[dict[str, Any]]:
        users = [json.loads(line) for line in text.splitlines()[1:]]
        return [{k: v for k, v in user.items() if k != "vendor"} for user in users]

    assert {line["kind"] for line in told(first.out)} == {"person", "room", "common_area"}
    assert told(second.out) == told(first.out)
    assert second.out.splitlines()[0] == first.out.splitlines()[0]


def test_an_inventory_under_aliases_makes_the_same_account_again(
    here: Installation, account: str, tmp_path: Path
) -> None:
    here.configure(aliases={"packages": {"home": US}, "sites": {"muc": "Munich"}})
    told = tmp_path / "inventory.jsonl"
    assert here.run("inventory", "--output", str(told)).status == 0
    assert '"home"' in told.read_text()

    state = Client(application(Simulated("zoom", load=told))).get("/_portal/state").text

    again, real = (
        lines_of(state),
        lines_of(requests.get(f"{account}/_portal/state", timeout=10).text),
    )
    assert again[1:] == real[1:]
    for family in ("packages", "sites"):
        assert again[0]["catalog"][family] == real[0]["catalog"][family]


def lines_of(text: str) -> list[dict[str, Any]]:
    """Return a state's lines, without what an inventory isn't told: ids of the vendor's, and who answers."""
    untold = ("vendor", "template", "delegates")
    lines = map(json.loads, text.splitlines())
    return [{k: v for k, v in line.items() if k not in untold} for line in lines]
