"""The desk: what operators see and do, by the functions of the command line, on a snapshot phone system."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection

from connectors.errors import RunError
from provisioner.apply import Allowance
from provisioner.commands.plans import site_of
from provisioner.console.desk import Desk, NoSuchSync
from provisioner.console.errands import Begun, Errands
from provisioner.scheduler import View
from provisioner.store import quarantine
from provisioner.store.change_pages import Wanted
from provisioner.store.plans import NoSuchPlan
from provisioner.store.runs import NoSuchRun
from provisioner.wiring import utc_now
from tests.provisioner.console.test_errands import until_over
from tests.scenarios.installation import Installation, phone_users, staff


@pytest.fixture
def emea(tmp_path: Path) -> Installation:
    """Four people of whom one has no phone yet, and one phone user who has left: one plan is made."""
    emea = Installation(tmp_path)
    emea.people(staff(4))
    emea.phone(phone_users(3))
    emea.plan()
    return emea


@pytest.fixture
def errands() -> Errands:
    return Errands()


@pytest.fixture
def desk(emea: Installation, errands: Errands) -> Desk:
    site = site_of(emea.folder / "config.yaml")
    return Desk(lambda: site, errands=errands)


def two_syncs(emea: Installation) -> None:
    """Put a second sync, apac, beside emea."""
    syncs = {"emea": emea.sync, "apac": emea.sync | {"manages": 'kind eq "common_area"'}}
    emea.yaml("config.yaml", {"version": 1, "store": "sqlite:///store.db", "syncs": syncs})


def audit(emea: Installation, kind: str) -> list[dict[str, Any]]:
    lines = emea.run("audit export").out.splitlines()
    return [entry for entry in map(json.loads, lines) if entry["kind"] == kind]


def test_a_sync_shows_what_waits_in_its_newest_plan(desk: Desk) -> None:
    (row,) = desk.syncs()

    assert (row.name, row.phone_system, row.schedule) == ("emea", "snapshot", None)
    assert [(d.name, d.kind, d.warming) for d in row.directories] == [("hr", "csv", False)]
    assert row.directories[0].read_at is not None
    assert row.adopted is None
    assert row.plan is not None
    assert (row.plan.id, row.plan.awaiting) == ("1", sum(row.plan.states.values()))


def test_what_the_policy_lets_through_waits_for_nobody_once_the_sync_is_adopted(
    emea: Installation, desk: Desk
) -> None:
    desk.decide("1", "approved", "eva")
    emea.people([*staff(4), *staff(6)[4:]])
    emea.plan()

    (row,) = desk.syncs()

    assert row.adopted is not None
    assert row.adopted.by == "eva"
    assert row.plan is not None
    assert (row.plan.id, row.plan.awaiting) == ("2", 0)
    assert row.plan.states["planned"] > 0


def test_a_plan_is_approved_applied_in_the_background_and_undone(
    emea: Installation, desk: Desk, errands: Errands
) -> None:
    (first,) = desk.decide("1", "approved", "eva")
    run = desk.apply("1", Allowance(), "eva")
    until_over(errands)

    assert first.endswith("approved by eva")
    assert desk.run(run).status == 0
    assert desk.run(run).command == "apply"
    assert emea.phone_users()["user4@example.org"]["license"] == "zoom_phone"
    assert {change.state for change in desk.plan("1").changes} == {"done"}
    (started,) = audit(emea, "run.started")[-1:]
    assert (started["run"], started["detail"]["by"]) == (run, "eva")

    inverse = desk.undo(run, "jan").result()

    assert desk.outline(inverse).head.scope == "undo"
    assert audit(emea, "plan.undoes")[0]["detail"]["by"] == "jan"


def test_a_rejected_plan_is_not_applied_and_the_asker_is_told(desk: Desk) -> None:
    desk.decide("1", "rejected", "eva")

    with pytest.raises(RunError, match="was rejected"):
        desk.apply("1", Allowance(), "eva")


def test_an_outline_counts_what_a_plan_holds_without_it(desk: Desk) -> None:
    outline = desk.outline("1")

    whole = desk.plan("1")
    assert outline.head.changes == ()
    assert outline.head.clusters == whole.clusters
    assert sum(group.changes for group in outline.groups) == len(whole.changes)
    assert outline.awaiting == len(whole.changes)
    assert not outline.adopted
    assert outline.newer is None


def test_changes_come_a_page_at_a_time(desk: Desk) -> None:
    whole = desk.plan("1").changes

    first = desk.changes("1", most=1)
    rest = desk.changes("1", after=first.after or 0)

    assert (*first.changes, *rest.changes) == whole
    assert rest.after is None
    kind = whole[0].kind
    assert {c.kind for c in desk.changes("1", Wanted(kind=kind)).changes} == {kind}


def test_runs_and_plans_are_paged_newest_first(emea: Installation, desk: Desk) -> None:
    for _ in range(3):
        emea.run("sync")

    plans, runs = desk.plans(most=2), desk.runs(most=2)
    older, rest = desk.plans(before=plans.next), desk.runs(before=runs.next)

    assert [p.id for p in (*plans.items, *older.items)] == ["4", "3", "2", "1"]
    assert older.next is None
    assert len({r.id for r in (*runs.items, *rest.items)}) == len(runs.items) + len(rest.items)
    started = [r.started_at for r in (*runs.items, *rest.items)]
    assert started == sorted(started, reverse=True)
    assert {r.plan for r in desk.runs(plan="2").items} == {"2"}


def test_listing_plans_again_counts_none_of_them_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.plans()

    def counted(connection: Connection, numbers: Collection[int]) -> Mapping[int, Any]:
        raise AssertionError(f"counted anew: {numbers}")

    monkeypatch.setattr(desk._shared.states, "_count", counted)
    assert [plan.id for plan in desk.plans().items] == ["1"]


def test_what_an_operator_may_not_see_is_not_there_for_them(
    emea: Installation, errands: Errands
) -> None:
    emea.run("sync")
    two_syncs(emea)
    site = site_of(emea.folder / "config.yaml")
    everybody = Desk(lambda: site, errands=errands)
    (run, *_) = everybody.runs().items
    theirs = everybody.seen_by(frozenset({"apac"}))

    assert [row.name for row in everybody.syncs()] == ["emea", "apac"]
    assert [row.name for row in theirs.syncs()] == ["apac"]
    assert theirs.plans().items == ()
    assert theirs.runs().items == ()
    assert theirs.manual().items == ()
    asked: tuple[Callable[[], object], ...] = (
        lambda: theirs.sync("emea"),
        lambda: theirs.plans("emea"),
        lambda: theirs.explain("emea", "user1@example.org"),
        lambda: theirs.find("emea", "user1"),
        lambda: theirs.start("emea", "eva"),
        lambda: theirs.quarantine("emea"),
        lambda: theirs.credits("emea"),
        lambda: theirs.tick_off("emea", "m-1", "eva"),
        lambda: theirs.release("emea", "eva"),
        lambda: theirs.ready("emea", "hr", "eva"),
    )
    for ask in asked:
        with pytest.raises(NoSuchSync):
            ask()
    asked = (
        lambda: theirs.plan("1"),
        lambda: theirs.outline("1"),
        lambda: theirs.changes("1"),
        lambda: theirs.decide("1", "approved", "eva"),
        lambda: theirs.apply("1", Allowance(), "eva"),
        lambda: theirs.plans(before="1"),
        lambda: theirs.runs(plan="1"),
    )
    for ask in asked:
        with pytest.raises(NoSuchPlan):
            ask()
    asked = (
        lambda: theirs.run(run.id),
        lambda: theirs.runs(before=run.id),
        lambda: theirs.undo(run.id, "eva"),
    )
    for ask in asked:
        with pytest.raises(NoSuchRun):
            ask()


def test_somebody_is_found_by_a_part_of_a_name_and_explained(desk: Desk) -> None:
    assert [(f.user, f.shown) for f in desk.find("emea", "SER 2")] == [
        ("user2@example.org", "User 2")
    ]
    assert len(desk.find("emea", "user", most=3)) == 3
    assert desk.find("emea", "nobody at all") == []

    about = desk.explain("emea", "user4@example.org", ("license", "zoom_phone"))

    assert about.why_not is not None
    assert about.why_not.given


class Clockwork:
    """Says that it was asked to start something."""

    def __init__(self) -> None:
        self.started: list[tuple[str, str]] = []

    def views(self) -> dict[str, View]:
        return {}

    def start(self, sync: str, by: str, begun: Begun) -> None:
        self.started.append((sync, by))
        begun("run-9")


def test_a_sync_is_started_by_whoever_runs_syncs(emea: Installation, desk: Desk) -> None:
    site, clockwork = site_of(emea.folder / "config.yaml"), Clockwork()

    assert Desk(lambda: site, clockwork).start("emea", "eva") == "run-9"
    assert clockwork.started == [("emea", "eva")]
    with pytest.raises(RunError, match="no daemon runs here"):
        desk.start("emea", "eva")


def test_the_desk_follows_a_config_that_was_read_again(emea: Installation) -> None:
    sites = [site_of(emea.folder / "config.yaml")]
    desk = Desk(lambda: sites[-1])
    two_syncs(emea)

    sites.append(replace(sites[0], config=site_of(emea.folder / "config.yaml").config))

    assert [row.name for row in desk.syncs()] == ["emea", "apac"]


def test_a_directory_that_is_not_pushed_is_not_declared_ready(desk: Desk) -> None:
    with pytest.raises(RunError, match="no pushed directory 'hr'"):
        desk.ready("emea", "hr", "eva")


def test_credits_are_nothing_where_config_says_nothing_of_them(desk: Desk) -> None:
    assert desk.credits("emea") is None


def test_who_is_parked_is_listed_and_let_go(desk: Desk) -> None:
    assert desk.release("emea", "eva") == ["nobody is in quarantine"]
    refused = [(desk.plan("1").changes[0], "no seat")]
    with desk._site().engine.begin() as connection:
        quarantine.park(connection, "emea", "r1", "1", refused, utc_now())
    slowed, parked = desk.quarantine()
    assert (slowed, [one.reason for one in parked.items]) == ([], ["no seat"])

    (told,) = desk.release("emea", "eva", [parked.items[0].user])

    assert told.endswith("is tried again by the next run")
    assert desk.quarantine()[1].items == ()


def test_a_run_that_is_not_there_is_told_so(desk: Desk) -> None:
    with pytest.raises(NoSuchRun, match="no run 'x'"):
        desk.run("x")
