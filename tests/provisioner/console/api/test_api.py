"""The API over HTTP, against a real daemon with a snapshot phone system: what operators' programs do with it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from provisioner.apply import apply_plan
from provisioner.console import desk
from tests.provisioner.console.api.served import Api, company, daemon, with_ports
from tests.scenarios.installation import Installation, staff


@pytest.fixture
def emea(tmp_path: Path) -> Installation:
    return company(tmp_path)


@pytest.fixture
def api(emea: Installation) -> Iterator[Api]:
    with daemon(emea) as api:
        yield api


def errors(problem: dict[str, Any]) -> dict[str, str]:
    """Return what is wrong by where it stands."""
    return {each.get("pointer") or each["parameter"]: each["detail"] for each in problem["errors"]}


def audit(emea: Installation, kind: str) -> list[dict[str, Any]]:
    lines = emea.run("audit export").out.splitlines()
    return [entry for entry in map(json.loads, lines) if entry["kind"] == kind]


# Doing things


def test_a_plan_is_approved_and_then_it_is_applied(emea: Installation, api: Api) -> None:
    plan = api.planned()
    assert api.get(f"/plans/{plan}/outline")["awaiting"] == 3

    (told,) = api.post(f"/plans/{plan}/decisions", decision="approved")["told"]
    answer = api.ask("POST", f"/plans/{plan}/runs", json={"by": "eva"})

    assert told == f"plan {plan}: 3 changes approved by eva"
    assert answer.status_code == 202
    run = api.session.get(api.root + answer.headers["Location"], timeout=9).json()
    assert (run["id"], run["command"]) == (answer.json()["run"], "apply")
    assert api.ended(run["id"])["status"] == 0
    assert emea.phone_users()["user4@example.org"]["license"] == "zoom_phone"
    assert {c["state"] for c in api.get(f"/plans/{plan}/changes")["changes"]} == {"done"}


def test_the_store_says_who_did_it(emea: Installation, api: Api) -> None:
    plan = api.planned()
    api.post(f"/plans/{plan}/decisions", decision="approved", by="Eva Malá")
    run = api.post(f"/plans/{plan}/runs", 202, by="Jan Novák")["run"]
    api.ended(run)
    api.post(f"/runs/{run}/undo", 201, by="Ada")

    started = {e["run"]: e["detail"]["by"] for e in audit(emea, "run.started")}
    assert started[run] == "Jan Novák"
    assert set(started.values()) == {"eva", "Jan Novák"}
    assert [e["detail"]["by"] for e in audit(emea, "plan.approved")] == ["Eva Malá"]
    assert [e["detail"]["by"] for e in audit(emea, "plan.undoes")] == ["Ada"]


def test_a_rejected_plan_is_not_applied(emea: Installation, api: Api) -> None:
    plan = api.planned()

    api.post(f"/plans/{plan}/decisions", decision="rejected")

    problem = api.post(f"/plans/{plan}/runs", 409)
    assert "was rejected" in problem["detail"]
    assert "user4@example.org" not in emea.phone_users()


def test_part_of_a_plan_is_approved_with_what_it_needs(tmp_path: Path) -> None:
    emea = company(tmp_path, approval={"automatic": []})
    words = ["package.assign"]
    with daemon(emea) as api:
        plan = api.planned()
        decisions = f"/plans/{plan}/decisions"

        told = api.post(decisions, decision="approved", only=words)["told"]
        api.post(decisions, decision="approved", only=words, with_needs=True)

        (line,) = api.get("/plans")["plans"]
        assert api.get(f"/plans/{plan}/changes", state="planned")["changes"] == []
    assert any("can't go ahead yet" in line for line in told)
    assert [(r["only"], r["changes"]) for r in line["reviews"]] == [(words, 1), (words, 3)]


def test_two_people_approve_where_two_must(tmp_path: Path) -> None:
    emea = company(tmp_path, approval={"second": ["license.assign"]})
    with daemon(emea) as api:
        plan = api.planned()

        first = api.post(f"/plans/{plan}/decisions", decision="approved", by="eva")["told"]
        again = api.post(f"/plans/{plan}/decisions", decision="approved", by="EVA")["told"]
        outline = api.get(f"/plans/{plan}/outline")
        second = api.post(f"/plans/{plan}/decisions", decision="approved", by="jan")["told"]

    for told in (first, again):
        assert any("wait for a second approver, not eva" in line.lower() for line in told), told
    assert (outline["lacking_second"], outline["states"]) == (1, {"approved": 2, "planned": 1})
    assert second == [f"plan {plan}: 3 changes approved by jan"]


def test_whoever_is_no_approver_may_not_decide(tmp_path: Path) -> None:
    emea = company(tmp_path, approval={"approvers": ["jan"]})
    with daemon(emea) as api:
        plan = api.planned()

        problem = api.post(f"/plans/{plan}/decisions", 403, decision="approved", by="eva")

    assert "eva may not decide" in problem["detail"]


def test_what_a_limit_holds_goes_only_with_an_allowance(tmp_path: Path) -> None:
    emea = company(tmp_path, limits={"changes": "1%"})
    emea.people(staff(8))
    with_ports(emea)
    with daemon(emea) as api:
        plan = api.planned()
        api.post(f"/plans/{plan}/decisions", decision="approved")
        held = api.ended(api.post(f"/plans/{plan}/runs", 202)["run"])
        assert held["status"] == 3
        assert "user8@example.org" not in emea.phone_users()

        allowed = api.ended(api.post(f"/plans/{plan}/runs", 202, allow_changes=5)["run"])

    assert allowed["status"] == 0
    assert emea.phone_users()["user8@example.org"]["license"] == "zoom_phone"


def test_a_run_is_undone_by_a_plan_like_any_other(emea: Installation, api: Api) -> None:
    plan = api.planned()
    api.post(f"/plans/{plan}/decisions", decision="approved")
    run = api.post(f"/plans/{plan}/runs", 202)["run"]
    api.ended(run)

    answer = api.ask("POST", f"/runs/{run}/undo", json={"by": "eva"})
    inverse = answer.json()["plan"]

    assert answer.headers["Location"] == f"/api/v1/plans/{inverse}"
    assert api.get(f"/plans/{inverse}")["scope"] == "undo"
    api.post(f"/plans/{inverse}/decisions", decision="approved")
    assert api.ended(api.post(f"/plans/{inverse}/runs", 202)["run"])["status"] == 0
    assert "zoom_phone" not in str(emea.phone_users().get("user4@example.org"))


def test_a_sync_is_started_and_its_run_is_there_at_once(api: Api) -> None:
    answer = api.ask("POST", "/syncs/emea/runs", json={"by": "eva"})

    assert answer.status_code == 202
    assert answer.headers["Location"] == f"/api/v1/runs/{answer.json()['run']}"
    ended = api.ended(answer.json()["run"])
    assert (ended["command"], ended["status"]) == ("daemon", 4)
    row = api.get("/syncs/emea")
    assert (row["status"], row["plan"]["awaiting"], row["adopted"]) == (4, 3, None)


def test_the_end_of_the_daemon_waits_for_what_is_being_applied(
    emea: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    began, may_end = threading.Event(), threading.Event()
    real = apply_plan

    def slowly(*given: Any, **kwargs: Any) -> Any:
        begun = kwargs["began"]

        def told(run: str) -> None:
            begun(run)
            began.set()
            assert may_end.wait(20)

        return real(*given, **kwargs | {"began": told})

    monkeypatch.setattr(desk, "apply_plan", slowly)
    with daemon(emea) as api:
        plan = api.planned()
        api.post(f"/plans/{plan}/decisions", decision="approved")
        run = api.post(f"/plans/{plan}/runs", 202)["run"]
        assert began.wait(20)
        assert api.get(f"/runs/{run}")["ended_at"] is None
        threading.Timer(0.3, may_end.set).start()

    (ended,) = [
        r for r in json.loads(emea.run("runs", "--format", "json").out)["runs"] if r["id"] == run
    ]
    assert ended["ended_at"] is not None
    (waiting,) = [
        e
        for e in map(json.loads, api.log.getvalue().splitlines())
        if e["event"] == "daemon.waiting"
    ]
    assert waiting["syncs"] == [f"plan {plan}"]


# Being told no


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/plans/99", None),
        ("GET", "/plans/x", None),
        ("GET", "/plans/99/outline", None),
        ("GET", "/plans/99/changes", None),
        ("GET", "/plans?before=99", None),
        ("POST", "/plans/99/decisions", {"decision": "approved"}),
        ("POST", "/plans/99/runs", {}),
        ("GET", "/runs/nothing", None),
        ("GET", "/runs?before=nothing", None),
        ("POST", "/runs/nothing/undo", {}),
        ("GET", "/syncs/apac", None),
        ("GET", "/plans?sync=apac", None),
        ("GET", "/runs?sync=apac", None),
        ("GET", "/manual-steps?sync=apac", None),
        ("GET", "/quarantine?sync=apac", None),
        ("POST", "/syncs/apac/runs", {}),
        ("GET", "/syncs/apac/people?name=eva", None),
        ("GET", "/syncs/apac/people/eva", None),
        ("GET", "/syncs/emea/people/nobody?offline=true", None),
        ("GET", "/syncs/emea/credits", None),
        ("POST", "/syncs/emea/manual-steps/m-1/done", {}),
        ("POST", "/syncs/emea/quarantine/release", {"users": ["eva"]}),
        ("GET", "/nothing", None),
        ("GET", "/plans/%00", None),
        ("GET", "/syncs/emea/people/%00", None),
    ],
)
def test_what_is_not_there_is_404_in_problem_json(
    api: Api, method: str, path: str, body: dict[str, Any] | None
) -> None:
    given = None if body is None else {"by": "eva"} | body

    answer = api.session.request(method, f"{api.url}{path}", timeout=30, json=given)
    api.judge.judge(method, path.partition("?")[0], answer)

    assert answer.status_code == 404, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["status"] == 404


def test_a_bad_body_is_told_all_its_problems_at_once(api: Api) -> None:
    plan = api.planned()

    answer = api.ask(
        "POST",
        f"/plans/{plan}/decisions",
        json={"decision": "maybe", "only": ["c1", 7, ""], "with_needs": "yes", "a/b~c é": 1},
    )

    assert answer.status_code == 422
    assert set(errors(answer.json())) == {
        "#/decision",
        "#/only/1",
        "#/only/2",
        "#/with_needs",
        "#/a~1b~0c%20%C3%A9",
        "#/by",
    }
    assert api.get(f"/plans/{plan}/outline")["reviews"] == []


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({"allow_removals": -1}, {"#/allow_removals"}),
        ({"allow_removals": 1.5, "allow_changes": True}, {"#/allow_removals", "#/allow_changes"}),
        ({"allow_removals": "5"}, {"#/allow_removals"}),
        ({"allow": {"number.release": "5", "user.trash": -1}}, {"#/allow/number.release", "#/allow/user.trash"}),
        ({"by": ""}, {"#/by"}),
        ({"by": "e\0va"}, {"#/by"}),
        ({"by": None}, {"#/by"}),
    ],
)  # fmt: skip
def test_a_body_means_what_it_says(api: Api, body: dict[str, Any], wrong: set[str]) -> None:
    answer = api.ask("POST", "/plans/1/runs", json={"by": "eva"} | body)

    assert answer.status_code == 422
    assert set(errors(answer.json())) == wrong


@pytest.mark.parametrize(
    ("data", "kind", "status"),
    [
        (b"{", "application/json", 400),
        (b'{"by": "\xff"}', "application/json", 400),
        (b"[" * 100_000, "application/json", 400),
        (b"[]", "application/json", 422),
        (b'"eva"', "application/json", 422),
        (b'{"by": "eva"}', "text/plain", 415),
        (b"by=eva", "application/x-www-form-urlencoded", 415),
    ],
)
def test_a_body_that_is_no_json_is_told_so(api: Api, data: bytes, kind: str, status: int) -> None:
    answer = api.ask("POST", "/plans/1/decisions", data=data, headers={"Content-Type": kind})

    assert answer.status_code == status, answer.text


@pytest.mark.parametrize(
    ("path", "wrong"),
    [
        ("/plans/1/changes?limit=0&stat=held&risk=high", {"limit", "stat", "risk"}),
        ("/plans/1/changes?limit=9999", {"limit"}),
        ("/plans/1/changes?limit=ten", {"limit"}),
        ("/plans/1/changes?after=-1", {"after"}),
        ("/plans/1/changes?kind=a&kind=b", {"kind"}),
        ("/plans/1/changes?user=%00", {"user"}),
        ("/plans/1?x=1", {"x"}),
        ("/syncs/emea/people", {"name"}),
        ("/syncs/emea/people/user1?why_not=license", {"why_not"}),
        ("/syncs/emea/people/user1?why_not=colour=blue", {"why_not"}),
    ],
)
def test_a_query_is_told_what_is_wrong_with_it(api: Api, path: str, wrong: set[str]) -> None:
    answer = api.session.get(f"{api.url}{path}", timeout=9)
    api.judge.judge("GET", path.partition("?")[0], answer)

    assert answer.status_code == 400, answer.text
    assert set(errors(answer.json())) == wrong


@pytest.mark.parametrize("path", ["/manual-steps", "/quarantine"])
def test_a_cursor_that_no_list_gave_is_told_so(api: Api, path: str) -> None:
    answer = api.ask("GET", path, params={"cursor": "bm90aGluZw"})

    assert answer.status_code == 400
    assert "begin without one" in answer.json()["detail"]


def test_words_that_mean_nothing_in_a_plan_are_told_all_at_once_and_decide_nothing(
    api: Api,
) -> None:
    plan = api.planned()

    words = ["packag.assign", "user.create", "c99"]
    problem = api.post(f"/plans/{plan}/decisions", 422, decision="approved", only=words)

    said = [fault["detail"] for fault in problem["errors"]]
    assert said[0].endswith("did you mean package.assign?")
    assert ["'c99'" in each for each in said] == [False, True]
    assert {fault["pointer"] for fault in problem["errors"]} == {"#/only"}
    assert api.get(f"/plans/{plan}/outline")["reviews"] == []


# Asking


def test_a_plan_is_just_the_document_that_the_command_line_writes(
    emea: Installation, api: Api
) -> None:
    plan = api.planned()

    assert api.get(f"/plans/{plan}") == json.loads(emea.run("show", plan, "--format", "json").out)


def test_runs_and_plans_are_just_as_the_command_line_lists_them(
    emea: Installation, api: Api
) -> None:
    api.post(f"/plans/{api.planned()}/decisions", decision="approved")
    api.planned()

    listed = json.loads(emea.run("runs", "--format", "json").out)

    assert api.get("/runs")["runs"] == listed["runs"]
    assert api.get("/plans")["plans"] == listed["plans"]


def test_somebody_is_found_and_explained_as_the_command_line_does(
    emea: Installation, api: Api
) -> None:
    api.planned()

    (found,) = api.get("/syncs/emea/people", name="user 4")["people"]
    asked = {"why_not": "license=zoom_phone", "offline": "true"}
    about = api.get(f"/syncs/emea/people/{found['user']}", **asked)

    options = ("--why-not", "license=zoom_phone", "--offline", "--format", "json")
    told = json.loads(emea.run("explain", found["user"], *options).out)
    assert about | {"at": None} == told | {"at": None}
    assert about["why_not"]["given"]


def test_a_key_may_have_slashes(emea: Installation, api: Api) -> None:
    emea.people([*staff(4), *[row | {"externalId": "a/b"} for row in staff(5)[4:]]])
    api.planned()

    assert api.get("/syncs/emea/people/a%2Fb", offline="true")["key"] == "a/b"


def test_changes_are_walked_a_page_at_a_time_and_filtered(emea: Installation, api: Api) -> None:
    emea.people(staff(12))
    plan = api.planned()
    whole = api.get(f"/plans/{plan}")["changes"]
    walked: list[Any] = []
    after: int | None = 0
    while after is not None:
        page = api.get(f"/plans/{plan}/changes", limit=4, after=after)
        assert len(page["changes"]) <= 4
        walked += page["changes"]
        after = page["next"]

    assert walked == whole
    of_one = api.get(f"/plans/{plan}/changes", user="USER7@example.org")["changes"]
    assert [c["user"] for c in of_one] == ["user7@example.org"] * 3
    held = [c for c in whole if c["state"] == "held"]
    assert held, "the limit of 50 % holds some"
    assert api.get(f"/plans/{plan}/changes", state="held")["changes"] == held


def test_lists_go_on_where_they_ended(api: Api) -> None:
    plans = [api.planned() for _ in range(3)]

    first = api.get("/plans", limit=2)
    rest = api.get("/plans", limit=2, before=first["next"])
    runs = api.get("/runs", limit=1)
    older = api.get("/runs", before=runs["next"])

    assert [p["id"] for p in first["plans"] + rest["plans"]] == plans[::-1]
    assert rest["next"] is None
    assert runs["runs"][0]["id"] not in [run["id"] for run in older["runs"]]
    assert {run["plan"] for run in api.get("/runs", plan=plans[1])["runs"]} == {plans[1]}


def test_the_sync_of_another_is_not_there_for_whoever_may_not_see_it(tmp_path: Path) -> None:
    emea = company(tmp_path)
    other = emea.sync | {"manages": 'kind eq "common_area"'}
    with_ports(emea, apac=other, server={"console": {"sign_in": "token"}})
    made = ("token create", "--console", "--name")
    everybody = emea.run(*made, "eva").out.strip()
    some = emea.run(*made, "jan", "--sync", "apac").out.strip()
    reader = emea.run(*made, "ada", "--scope", "read").out.strip()
    with daemon(emea, everybody) as api:
        run = api.ask("POST", "/syncs/emea/runs").json()["run"]
        plan = api.ended(run)["plan"]
        theirs = api.of(some)

        assert [row["name"] for row in theirs.get("/syncs")["syncs"]] == ["apac"]
        assert theirs.get("/plans")["plans"] == []
        assert theirs.get("/runs")["runs"] == []
        for path in ("/syncs/emea", f"/plans/{plan}", f"/plans/{plan}/changes", f"/runs/{run}"):
            assert theirs.ask("GET", path).status_code == 404
        decided = {"json": {"decision": "approved"}}
        assert theirs.ask("POST", f"/plans/{plan}/decisions", **decided).status_code == 404
        assert theirs.ask("POST", "/syncs/emea/runs").status_code == 404
        looking = api.of(reader)
        assert looking.get("/plans")["plans"] != []
        assert looking.ask("POST", f"/plans/{plan}/decisions", **decided).status_code == 403
        assert api.of("wrong").ask("GET", "/plans").status_code == 401
        by_name = api.ask("POST", f"/plans/{plan}/decisions", json={"decision": "approved"})
        assert by_name.json()["told"] == [f"plan {plan}: 3 changes approved by eva"]


def test_the_public_listener_knows_nothing_of_the_api(emea: Installation, api: Api) -> None:
    bind = yaml.safe_load((emea.folder / "config.yaml").read_text())["server"]["bind"]
    for path in ("/api/v1/syncs", "/api/v1/openapi.json", "/", "/metrics"):
        assert requests.get(f"http://{bind}{path}", timeout=9).status_code == 404
