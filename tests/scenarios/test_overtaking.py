"""A push that takes long is overtaken by later ones: but for the people, seats, numbers and limits they share."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import requests

from provisioner.apply import apply_plan
from provisioner.apply.claim import Claim
from provisioner.planning import draw_up
from provisioner.pushes import Pushes
from provisioner.store import locks
from provisioner.wiring import Stopped
from tests.provisioner.scim.pushing import add, operation, patch_group, patch_user, remove
from tests.provisioner.web.served import Pushed as Served
from tests.provisioner.web.served import soon
from tests.scenarios.crashes import simulated
from tests.scenarios.installation import (
    Installation,
    phone_users,
    rule,
    states,
    zoom_log,
    zoom_users,
)
from tests.scenarios.test_pushes import GRACE, Pushed
from tests.scenarios.test_receiver import Provider

EVERYTHING = {"automatic": ["safe", "service", "destructive"]}


class Held:
    """The first apply from now on: it waits until it may go on."""

    def __init__(self, apply: Callable[..., Any]) -> None:
        self._apply, self._first = apply, threading.Lock()
        self.reached, self.may_go = threading.Event(), threading.Event()

    def __call__(self, *given: Any, **more: Any) -> Any:
        if self._first.acquire(blocking=False):
            self.reached.set()
            assert self.may_go.wait(60)
        return self._apply(*given, **more)


@pytest.fixture
def pushed(tmp_path: Path) -> Pushed:
    return Pushed(Installation(tmp_path))


@contextmanager
def under_way(pushed: Pushed, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pushes]:
    """Carry out what is marked, held when its plan is recorded and nothing sent; it ends after the block."""
    held = Held(apply_plan)
    monkeypatch.setattr("provisioner.pushes.apply_plan", held)
    worker = Pushes(pushed.site, pushed.site.config.syncs["emea"])
    thread = threading.Thread(target=worker.look)
    thread.start()
    try:
        assert held.reached.wait(60)
        yield worker
    finally:
        held.may_go.set()
        thread.join(60)


def test_a_later_push_is_carried_out_while_an_earlier_one_is_held(
    pushed: Pushed, monkeypatch: pytest.MonkeyPatch
) -> None:
    pushed.begin(1)
    patch_group(pushed.tenant, pushed.group, add(*(pushed.user(n) for n in range(10, 15))))

    with under_way(pushed, monkeypatch) as worker:
        patch_group(pushed.tenant, pushed.group, add(pushed.user(9)))
        assert worker.look()
        assert pushed.here.phone_users()["user9@example.org"]["packages"] == ["basic"]
        assert "user10@example.org" not in pushed.here.phone_users()

    assert pushed.here.phone_users()["user10@example.org"]["packages"] == ["basic"]
    assert pushed.left() == 0
    assert pushed.here.plan()["changes"] == []


def test_what_is_under_way_is_not_taken_again(
    pushed: Pushed, monkeypatch: pytest.MonkeyPatch
) -> None:
    pushed.begin(1)
    patch_group(pushed.tenant, pushed.group, add(pushed.user(9)))

    with under_way(pushed, monkeypatch) as worker:
        assert not worker.look()

    assert len(pushed.plans()) == 1


def test_limits_count_what_another_push_is_carrying_out(
    pushed: Pushed, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = pushed.begin(20)
    pushed.configure(limits={"removals": "20%", "changes": "100%"}, approval=EVERYTHING)
    for id in ids[:4]:
        patch_user(pushed.tenant, id, operation("replace", "active", False))

    with under_way(pushed, monkeypatch) as worker:
        patch_user(pushed.tenant, ids[4], operation("replace", "active", False))
        assert worker.look()

    held = pushed.plans()[-1]["changes"]
    assert {change["state"] for change in held} == {"held"}
    assert "5 of 20 people" in held[0]["reason"]
    gone = [u for u in pushed.here.phone_users().values() if u.get("license") is None]
    assert len(gone) == 4


@pytest.mark.parametrize("asked_anew", [False, True])
def test_seats_and_numbers_that_a_push_under_way_has_claimed_are_given_to_nobody_else(
    pushed: Pushed, monkeypatch: pytest.MonkeyPatch, asked_anew: bool
) -> None:
    numbers = [f"+4989123400{n}" for n in range(4)]
    pushed.here.phone(
        [], licenses={"zoom_phone": 3}, packages={"basic": 9}, templates=[], sites=[], numbers=numbers
    )  # fmt: skip
    pool = {"munich": {"ranges": ["+49891234000-+49891234003"]}}
    pushed.configure(pools=pool)
    pushed.here.mapping(
        **GRACE, rules=[rule("all", license="zoom_phone", packages=["basic"], number={"pool": "munich"})]
    )  # fmt: skip
    pushed.begin(1)
    patch_group(pushed.tenant, pushed.group, add(pushed.user(8)))

    with under_way(pushed, monkeypatch) as worker:
        if asked_anew:
            (pushed.here.folder / "mapping.yaml").touch()
        patch_group(pushed.tenant, pushed.group, add(pushed.user(9)))
        assert worker.look()
        patch_group(pushed.tenant, pushed.group, add(pushed.user(10)))
        assert worker.look()

    held = pushed.here.phone_users()
    mine = [held[f"user{n}@example.org"]["numbers"] for n in (1, 8, 9)]
    assert mine == [[numbers[0]], [numbers[1]], [numbers[2]]]
    blocked = [one for one in pushed.plans()[-1]["blocked"] if one["kind"] == "license.assign"]
    assert [one["user"] for one in blocked] == ["user10@example.org"]


def test_what_a_later_push_says_of_a_person_holds_whatever_the_earlier_one_still_had_to_do(
    pushed: Pushed, monkeypatch: pytest.MonkeyPatch
) -> None:
    pushed.begin(1)
    both = [pushed.user(8), pushed.user(9)]
    patch_group(pushed.tenant, pushed.group, add(*both))

    with under_way(pushed, monkeypatch) as worker:
        patch_group(pushed.tenant, pushed.group, remove(both[1]))
        assert worker.look()

    pushed.carry_out()
    assert pushed.here.phone_users()["user8@example.org"]["license"] == "zoom_phone"
    assert "user9@example.org" not in pushed.here.phone_users()
    first = next(p for p in pushed.plans() if p["changes"])
    assert {s for (_, user), s in states(first).items() if user == "user9@example.org"} == {"stale"}
    assert pushed.left() == 0


def locked(claim: Claim, pushed: Pushed, *keys: str) -> None:
    """Have another run hold these people."""
    with pushed.site.engine.begin() as connection:
        claim.take(connection)
        locks.take(connection, "emea", keys, claim.holder, [claim.holder])


def test_somebody_whom_another_run_has_is_planned_for_when_it_lets_go_and_others_at_once(
    pushed: Pushed,
) -> None:
    pushed.begin(1)
    patch_group(pushed.tenant, pushed.group, add(pushed.user(8), pushed.user(9)))
    claim = Claim(pushed.site.engine, "sync:emea", pushed.site.now)
    locked(claim, pushed, "e008")

    pushes = Pushes(pushed.site, pushed.site.config.syncs["emea"])
    assert pushes.look()

    assert "user8@example.org" not in pushed.here.phone_users()
    assert "user9@example.org" in pushed.here.phone_users()
    assert not any("user8@example.org" in str(plan["changes"]) for plan in pushed.plans())
    with pushed.site.engine.begin() as connection:
        claim.give_back(connection)
    pushed.carry_out()
    assert pushed.here.phone_users()["user8@example.org"]["packages"] == ["basic"]
    assert pushed.left() == 0


def test_somebody_whom_another_run_takes_while_a_push_is_planned_is_planned_for_again(
    pushed: Pushed, monkeypatch: pytest.MonkeyPatch
) -> None:
    (eva,) = pushed.begin(1)
    claim = Claim(pushed.site.engine, "sync:emea", pushed.site.now)

    def meanwhile(*given: Any) -> Any:
        locked(claim, pushed, "e001")
        return draw_up(*given)

    monkeypatch.setattr("provisioner.push_planning.draw_up", meanwhile)
    patch_user(pushed.tenant, eva, operation("replace", "nickName", "Eva"))
    worker = Pushes(pushed.site, pushed.site.config.syncs["emea"])
    assert worker.look()

    assert pushed.left() == 1
    monkeypatch.undo()
    with pushed.site.engine.begin() as connection:
        claim.give_back(connection)
    assert worker.look()
    assert pushed.left() == 0


def test_a_delegate_whose_phone_is_under_way_is_found_when_that_is_over(
    pushed: Pushed, monkeypatch: pytest.MonkeyPatch
) -> None:
    pushed.here.mapping(
        **GRACE,
        rules=[rule("all", license="zoom_phone", packages=["basic"], delegates=["{nickName}"])],
    )
    (eva,) = pushed.begin(1)
    patch_group(pushed.tenant, pushed.group, add(pushed.user(9)))

    with under_way(pushed, monkeypatch) as worker:
        patch_user(pushed.tenant, eva, operation("replace", "nickName", "E009"))
        assert worker.look()
        assert not pushed.here.phone_users()["user1@example.org"].get("delegates")
        assert pushed.left() > 1

    worker.look()
    held = pushed.here.phone_users()["user1@example.org"]
    assert held["delegates"] == ["user9@example.org"]
    assert pushed.left() == 0


def until_stopped(worker: Pushes) -> None:
    with suppress(Stopped):
        worker.run()


def test_a_stop_waits_for_what_is_under_way_and_the_next_start_carries_out_the_rest(
    pushed: Pushed, monkeypatch: pytest.MonkeyPatch
) -> None:
    pushed.begin(1)
    patch_group(pushed.tenant, pushed.group, add(pushed.user(8)))
    held = Held(apply_plan)
    monkeypatch.setattr("provisioner.pushes.apply_plan", held)
    worker = Pushes(pushed.site, pushed.site.config.syncs["emea"])
    thread = threading.Thread(target=until_stopped, args=[worker])
    thread.start()
    assert held.reached.wait(60)
    patch_group(pushed.tenant, pushed.group, add(pushed.user(9)))
    soon(lambda: "user9@example.org" in pushed.here.phone_users())

    pushed.site.stop.set()
    thread.join(0.5)
    assert thread.is_alive()
    held.may_go.set()
    thread.join(60)

    assert not thread.is_alive()
    assert "user8@example.org" not in pushed.here.phone_users()
    assert pushed.left() > 0
    pushed.configure()  # another start
    pushed.carry_out()
    assert pushed.here.phone_users()["user8@example.org"]["packages"] == ["basic"]
    assert pushed.left() == 0


def post(url: str, action: str, **body: Any) -> None:
    requests.post(f"{url}/_portal/{action}", json=body, timeout=30).raise_for_status()


def is_held(url: str) -> bool:
    return requests.get(f"{url}/_portal/held?wait_s=0.1", timeout=30).status_code == 200


def system(url: str) -> dict[str, Any]:
    return {
        "kind": "zoom",
        "account_id": "a",
        "client_id": "c",
        "client_secret": "not-for-anyones-eyes",
        "api_url": f"{url}/v2",
        "token_url": f"{url}/oauth/token",
        "create": {"action": "ssoCreate"},
        "plan": "unlimited",
    }


@contextmanager
def working(worker: Pushes, pushed: Pushed) -> Iterator[None]:
    """Run the worker as the daemon does, and tell it to stop in the end."""
    thread = threading.Thread(target=until_stopped, args=[worker])
    thread.start()
    try:
        yield
    finally:
        pushed.site.stop.set()
        thread.join(60)
    assert not thread.is_alive()


@contextmanager
def over_http(tmp_path: Path) -> Iterator[tuple[Installation, str, Pushed]]:
    """Serve a simulated Zoom account of three people who are pushed; give the installation, its address, and them."""
    here = Installation(tmp_path)
    here.phone(phone_users(3))
    with simulated(tmp_path, "--no-rate-limits") as url:
        here.configure(phone_system=system(url))
        pushed = Pushed(here)
        pushed.configure(approval=EVERYTHING)
        pushed.begin(3)
        yield here, url, pushed


def about(url: str, mail: str) -> list[int]:
    """Return the places in the simulator's log of the writes about somebody."""
    id = zoom_users(url)[mail]["id"]
    return [n for n, write in enumerate(zoom_log(url)) if {mail, id} & set(said(write))]


def said(value: Any) -> Iterator[str]:
    """Yield every word of a log line; of a path, every part."""
    if isinstance(value, dict):
        for each in value.values():
            yield from said(each)
    elif isinstance(value, list):
        for each in value:
            yield from said(each)
    elif isinstance(value, str):
        yield from value.split("/")


def test_over_http_one_person_is_done_while_the_write_of_another_push_hangs(tmp_path: Path) -> None:
    with over_http(tmp_path) as (here, url, pushed):
        many = {n: pushed.user(n) for n in range(10, 40)}
        pushed.carry_out()
        patch_group(pushed.tenant, pushed.group, add(*many.values()))
        post(url, "hold", at="arrival", writes=12)
        worker = Pushes(pushed.site, pushed.site.config.syncs["emea"])
        with working(worker, pushed):
            soon(lambda: is_held(url))
            patch_group(pushed.tenant, pushed.group, add(pushed.user(99)))
            soon(lambda: zoom_users(url).get("user99@example.org", {}).get("packages"))
            assert is_held(url)
            post(url, "release")
            soon(lambda: pushed.left() == 0)

        small = about(url, "user99@example.org")
        big = [place for n in many for place in about(url, f"user{n}@example.org")]
        assert len(small) == 2
        assert small[-1] < max(big)
        assert all(zoom_users(url)[f"user{n}@example.org"]["packages"] for n in many)
        assert here.plan()["changes"] == []


def test_over_http_somebody_whose_write_hangs_is_as_the_later_push_has_them_in_the_end(
    tmp_path: Path,
) -> None:
    with over_http(tmp_path) as (here, url, pushed):
        many = {n: pushed.user(n) for n in range(10, 14)}
        pushed.carry_out()
        patch_group(pushed.tenant, pushed.group, add(*many.values()))
        post(url, "hold", at="commit", writes=3)
        worker = Pushes(pushed.site, pushed.site.config.syncs["emea"])
        with working(worker, pushed):
            soon(lambda: is_held(url))
            patch_group(pushed.tenant, pushed.group, remove(*many.values()))
            patch_group(pushed.tenant, pushed.group, add(pushed.user(99)))
            soon(lambda: zoom_users(url).get("user99@example.org", {}).get("packages"))
            post(url, "release")
            soon(lambda: pushed.left() == 0)

        licensed = {mail for mail, user in zoom_users(url).items() if user.get("license")}
        assert licensed == {f"user{n}@example.org" for n in (1, 2, 3, 99)}
        assert here.plan()["changes"] == []


@pytest.mark.parametrize("point", ["arrival", "commit"])
def test_a_daemon_that_is_killed_in_the_middle_of_two_pushes_carries_out_both_once(
    tmp_path: Path, point: str
) -> None:
    served = Served(tmp_path)
    here = served.emea
    here.phone(phone_users(1))
    here.mapping(**GRACE)
    with simulated(tmp_path, "--no-rate-limits") as url:
        here.sync |= {
            "phone_system": system(url),
            "limits": {"removals": "100%", "changes": "100%"},
        }
        served.configure()
        provider = Provider(served.url, served.token())
        with served.running("daemon") as daemon:
            group = provider("POST", "/Groups", {"displayName": "Phone"}, 201)["id"]
            first = joins(provider, 1)
            provider.patch(f"/Groups/{group}", "add", "members", [{"value": first}], 204)
            plan = here.shell("plan", "--format", "json").plan
            for command in (("approve", plan["id"]), ("directory ready",)):
                assert here.shell(*command).status == 0
            many = [joins(provider, n) for n in range(10, 30)]
            soon(lambda: len(daemon.told("push.carried_out")) > 0)
            post(url, "hold", at=point, writes=9)
            members = [{"value": id} for id in many]
            provider.patch(f"/Groups/{group}", "add", "members", members, 204)
            soon(lambda: is_held(url))
            last = [{"value": joins(provider, 99)}]
            provider.patch(f"/Groups/{group}", "add", "members", last, 204)
            soon(lambda: "user99@example.org" in zoom_users(url))
            daemon.process.kill()
            daemon.process.wait()
        post(url, "release")
        with served.running("daemon"):
            wanted = {f"user{n}@example.org" for n in (1, *range(10, 30), 99)}
            soon(lambda: wanted == {m for m, u in zoom_users(url).items() if u.get("packages")})

        writes = Counter((write["method"], write["path"]) for write in zoom_log(url))
        made = writes.pop(("POST", "/users"))
        assert made == len(wanted) - 1
        assert len(writes) == made
        assert set(writes.values()) == {1}
        assert here.shell("audit verify").status == 0


def joins(provider: Provider, number: int) -> str:
    """Push somebody, who isn't in a group yet; return the id."""
    name, sales = f"user{number}", {"department": "Sales"}
    return provider.user(
        name,
        externalId=f"E{number:03}",
        displayName=f"User {number}",
        active=True,
        emails=[{"value": f"{name}@example.org", "type": "work"}],
        **{"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": sales},
    )
