"""Manual steps: what only a person can do is listed until it is done, and ticked off where no read tells."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from connectors.phone import zoom
from tests.scenarios.installation import (
    Installation,
    kinds,
    person,
    phone_user,
    phone_users,
    rule,
    staff,
    states,
    zoom_account,
)

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
CATALOG = {"catalog": {"templates": ["Office", "Desk"], "sites": ["Main Site"]}}


@pytest.fixture
def here(tmp_path: Path) -> Installation:
    return Installation(tmp_path)


@pytest.fixture
def account(here: Installation) -> Iterator[str]:
    """A Zoom account of four phone users, of whom the fourth has left: into the trash."""
    users = phone_users(4, packages=["Zoom Phone Pro"], site="Main Site", template="Office")
    with zoom_account([CATALOG, *users]) as (url, phone_system):
        everything = {"changes": "100%", "removals": "100%", "people_drop": "100%"}
        here.configure(
            phone_system=phone_system,
            limits=everything | {"group_drop": "100%", "column_drop": "100%"},
            approval={"automatic": ["safe", "service", "destructive"]},
        )
        here.mapping(rules=[rule("all", license="zoom_phone")], leavers={"do": "trash"})
        here.people(staff(4))
        plan = here.plan(at=NOW - timedelta(days=1))
        assert here.run("approve", plan["id"], at=NOW - timedelta(days=1)).status == 0
        yield url


def listed(here: Installation, *arguments: str) -> list[dict[str, Any]]:
    ran = here.run("manual list", "--format", "json", *arguments)
    assert ran.status == 0, ran.said
    steps: list[dict[str, Any]] = json.loads(ran.out)["steps"]
    return steps


def entries(here: Installation, kind: str) -> list[dict[str, Any]]:
    exported = here.run("audit export").out.splitlines()
    return [entry for entry in map(json.loads, exported) if entry["kind"] == kind]


def somebody_removes(account: str, user: str) -> None:
    """Take a user out of the account, as an administrator would by hand."""
    granted = requests.post(
        f"{account}/oauth/token",
        params={"grant_type": "account_credentials", "account_id": "a"},
        auth=("c", "s"),
        timeout=10,
    ).json()
    headers = {"Authorization": f"Bearer {granted['access_token']}"}
    gone = requests.delete(f"{account}/v2/users/{user}", headers=headers, timeout=10)
    assert gone.status_code == 204, gone.text


def test_a_step_keeps_its_id_and_its_date_until_the_phone_system_shows_that_it_is_done(
    here: Installation, account: str
) -> None:
    here.people(staff(3))
    first = here.plan(at=NOW)
    (step,) = listed(here)
    assert (step["kind"], step["user"], step["plan"]) == (
        "user.trash", "user4@example.org", first["id"],
    )  # fmt: skip
    assert (step["since"], step["verified_by"]) == ("2026-11-23T09:00:00Z", "read")
    assert "Move to Trash" in step["steps"]

    ran = here.run("manual done", step["id"], "--by", "ada", "--note", "did it", at=NOW)
    assert (ran.status, "the next plan shows" in ran.out) == (0, True), ran.said
    second = here.plan(at=NOW + timedelta(hours=1))
    (again,) = listed(here)
    assert (again["id"], again["since"]) == (step["id"], step["since"])
    assert (again["plan"], again["noted"]["by"]) == (second["id"], "ada")

    somebody_removes(account, "p4")
    here.plan(at=NOW + timedelta(hours=2))

    assert listed(here) == []
    assert [e["detail"]["note"] for e in entries(here, "manual.noted")] == ["did it"]
    assert [e["detail"]["noted_by"] for e in entries(here, "manual.over")] == ["ada"]
    assert here.run("audit verify").status == 0


@pytest.mark.parametrize("form", ["text", "markdown", "html"])
def test_the_list_tells_who_what_how_and_since_when_in_every_format(
    here: Installation, account: str, form: str
) -> None:
    here.people(staff(3))
    here.plan(at=NOW)
    (step,) = listed(here)

    told = here.run("manual list", "--format", form).out

    for words in ("user.trash", "user4@example.org", step["id"], "2026", "Trash"):
        assert words in told
    assert "characters)" not in told  # nothing of the steps is cut off
    assert {"text": "verifies it", "markdown": "- [ ] ", "html": "checkbox"}[form] in told


def test_whoever_is_in_the_trash_needs_no_step_any_more(here: Installation, account: str) -> None:
    here.people(staff(3))
    here.plan(at=NOW)
    assert [step["kind"] for step in listed(here)] == ["user.trash"]

    trashed = {"email": "user4@example.org"}
    assert requests.post(f"{account}/_portal/trash", json=trashed, timeout=10).ok
    here.plan(at=NOW + timedelta(hours=1))

    assert listed(here) == []


def test_a_step_that_nobody_needs_any_more_is_over(here: Installation, account: str) -> None:
    here.people(staff(3))
    here.plan(at=NOW)
    here.people(staff(4))
    here.plan(at=NOW + timedelta(hours=1))

    assert listed(here) == []


def test_a_plan_for_some_people_ends_nobody_elses_step(here: Installation, account: str) -> None:
    here.people(staff(3))
    here.plan(at=NOW)

    here.plan("--user", "user1@example.org", at=NOW + timedelta(hours=1))

    assert [step["user"] for step in listed(here)] == ["user4@example.org"]


def test_a_preview_shows_its_steps_to_nobody(here: Installation, account: str) -> None:
    here.people(staff(3))

    here.plan("--as-of", "2027-11-23", at=NOW)

    assert listed(here) == []


def test_what_no_read_shows_is_done_when_somebody_says_so_and_is_not_planned_again(
    here: Installation, account: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(zoom.MANUAL, "template.apply", "Give {user} the template {after}.")
    office = rule("all", license="zoom_phone", template="Office")
    here.mapping(rules=[office])
    here.plan(at=NOW)  # what can't be read counts as it is wished
    assert listed(here) == []
    desk = rule("desk", 'userName eq "user1"', template="Desk")
    here.mapping(rules=[desk, office])
    plan = here.plan(at=NOW + timedelta(hours=1))
    (step,) = listed(here)
    assert (step["before"], step["after"], step["verified_by"]) == ("Office", "Desk", "tick")

    ran = here.run("manual done", plan["id"], at=NOW + timedelta(hours=2))

    assert (ran.status, ran.out) == (0, f"{step['id']} template.apply user1@example.org: done\n")
    shown = json.loads(here.run("show", plan["id"], "--format", "json").out)
    assert states(shown) == {("template.apply", "user1@example.org"): "done"}
    assert (listed(here), kinds(here.plan(at=NOW + timedelta(hours=3)))) == ([], [])
    here.mapping(rules=[office])
    assert [c["before"] for c in here.plan(at=NOW + timedelta(hours=4))["changes"]] == ["Desk"]
    (entry,) = entries(here, "manual.done")
    assert (entry["plan"], entry["seq"]) == (plan["id"], 1)


def test_words_that_mean_no_step_are_refused_and_nothing_is_recorded(
    here: Installation, account: str
) -> None:
    here.people(staff(3))
    plan = here.plan(at=NOW)
    (step,) = listed(here)

    wrong = here.run("manual done", step["id"], step["id"][:-1] + "x", at=NOW)
    nobody = here.run("manual done", step["id"], "--by", "  ", at=NOW)
    other = here.run("manual done", "1", at=NOW)

    assert (wrong.status, f"did you mean {step['id']}?" in wrong.err) == (1, True), wrong.said
    assert (nobody.status, "nobody's name" in nobody.err) == (1, True)
    assert (other.status, "plan 1 holds no open manual step" in other.err) == (1, True)
    assert (plan["id"], listed(here)[0]["noted"]) == ("2", None)


def test_a_sync_whose_config_is_gone_is_named_in_the_remedy(
    here: Installation, account: str
) -> None:
    ran = here.run("manual list", "--sync", "apac")

    assert (ran.status, "there is no sync 'apac'" in ran.err) == (1, True)


def test_without_manual_steps_there_is_nothing_to_list(here: Installation) -> None:
    here.phone([phone_user(1)])
    here.people([person(1)])
    here.plan()

    assert here.run("manual list").out == "Manual steps: none\n"
