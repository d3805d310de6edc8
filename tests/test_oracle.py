"""The vendor's file judges what really goes over the wire; silence would prove nothing, so it is counted."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
from flask import Flask, jsonify

from provisioner.simulators import zoom
from tests.judging.hook import SIMULATORS
from tests.oracle import NO_OPERATION, REPORTS, Oracle, Reports
from tests.processes import environment
from tests.scenarios import zoom_staff
from tests.scenarios.installation import PROGRAM, Installation
from tests.vendor_specs import FOLDER, WHY_SKIPPED, load

ROOT = Path(__file__).parents[1]
needs_file = pytest.mark.skipif(load("zoom") is None, reason=WHY_SKIPPED)

EXPECTED = {
    "GET /users",
    "GET /users/{userId}",
    "GET /phone/users",
    "GET /phone/users/{userId}",
    "GET /phone/users/{userId}/settings",
    "GET /phone/calling_plans",
    "GET /phone/sites",
    "GET /phone/setting_templates",
    "GET /phone/numbers",
    "POST /users",
    "PUT /phone/users/{userId}/calling_plans",
    "POST /phone/users/{userId}/settings/{settingType}",
}
"""Operations that a company of joiners, movers and leavers takes."""

BROKEN = """
import sys
from provisioner.simulators.zoom.errors import ZoomError
from provisioner.cli import main
ZoomError.body = lambda self: {"oops": self.code}
main(["simulate", "zoom", "--port", "0"])
"""
"""A simulator whose every refusal is none of Zoom's."""


@needs_file
def test_a_whole_month_of_a_company_is_as_zooms_file_says(tmp_path: Path) -> None:
    app = zoom.create_app(
        options=zoom.Options(
            account_id=None, client_id=None, client_secret=None, sso="provisioning", rates=None
        )
    )
    oracle: Any = app.wsgi_app
    lines = [zoom_staff.catalog(40), *(zoom_staff.line(n, 40) for n in range(1, 11))]
    zoom.load_snapshot(app, map(json.dumps, lines))
    with zoom.running(app) as url:
        here = Installation(tmp_path)
        zoom_staff.configure(here, url, 40)
        here.people(zoom_staff.movers_and_more(10, 6))
        here.carry_out()

    assert isinstance(oracle, Oracle)
    assert oracle.checked.keys() >= EXPECTED
    assert sum(oracle.checked.values()) > 60


def answering(body: object, status: int, faults: list[str]) -> Flask:
    """A service that answers everything alike; what the judge says of it is added to `faults`."""
    app = Flask(__name__)

    @app.route("/<path:_>", methods=["GET", "POST"])
    def everything(_: str) -> tuple[Any, int]:
        return jsonify(body), status

    app.wsgi_app = Oracle(app.wsgi_app, "zoom", faults.append)  # type: ignore[method-assign]
    return app


@needs_file
@pytest.mark.parametrize(
    ("path", "given", "body", "status"),
    [
        ("/v2/users", {}, {"users": [{"email": 7}]}, 200),
        ("/v2/users?colour=red", {}, {"users": []}, 200),
        ("/v2/telepathy", {}, {}, 200),
        ("/v2/users", {"method": "POST", "json": {"action": "conjure"}}, {}, 200),
        ("/v2/users", {"method": "POST", "data": "{"}, {}, 201),
        ("/v2/users", {}, {"error": "slow down"}, 429),
        ("/v2/users", {}, {"code": 500, "message": "Oops."}, 500),
        ("/scim2/Users", {}, {"Resources": 1}, 200),
    ],
    ids=str,
)
def test_what_is_not_as_the_file_says_is_told_whoever_asked(
    path: str, given: dict[str, Any], body: object, status: int
) -> None:
    faults: list[str] = []

    answering(body, status, faults).test_client().open(path, **given)

    assert len(faults) == 1
    assert f"-> {status}: " in faults[0] or NO_OPERATION in faults[0]


@needs_file
def test_a_call_as_the_file_says_is_counted_and_nothing_is_told() -> None:
    faults: list[str] = []
    app = answering({"code": 429, "message": "Too many."}, 429, faults)

    app.test_client().get("/v2/users/eva@example.org")

    assert faults == []
    assert app.wsgi_app.checked == {"GET /users/{userId}": 1}  # type: ignore[attr-defined]


def test_what_is_no_operation_of_the_vendors_passes_untouched() -> None:
    def portal(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        start_response("200 OK", [])
        return [environ["PATH_INFO"].encode()]

    oracle = Oracle(portal, "zoom")

    assert list(oracle({"PATH_INFO": "/_portal/log"}, lambda *_: None)) == [b"/_portal/log"]
    assert not oracle.checked


@contextmanager
def simulating(reports: Path, *command: str) -> Iterator[str]:
    """Start a simulator whose judge tells a file of its own; gives its address."""
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env=environment({REPORTS: str(reports)})
    ) as process:
        try:
            assert process.stdout is not None
            (url,) = re.findall(r"http://127\.0\.0\.1:\d+", process.stdout.readline())
            yield url
        finally:
            process.kill()


@pytest.mark.parametrize(("system", "vendor"), [("zoom", "zoom"), ("teams", "graph")])
def test_a_simulator_in_a_process_of_its_own_has_the_same_judge(
    tmp_path: Path, system: str, vendor: str
) -> None:
    reports = tmp_path / "reports.jsonl"

    with simulating(reports, PROGRAM, "simulate", system, "--port", "0"):
        pass

    (told,) = Reports(reports).lines()
    assert told["judging"] == vendor
    assert told["with"] == (FOLDER and "its file")


@needs_file
def test_a_wrong_answer_in_a_process_of_its_own_is_told_though_the_process_is_killed(
    tmp_path: Path,
) -> None:
    reports = Reports(tmp_path / "reports.jsonl")

    with simulating(tmp_path / "reports.jsonl", sys.executable, "-c", BROKEN) as url:
        assert requests.get(f"{url}/v2/users", timeout=10).status_code == 401

    (fault,) = reports.new_faults()
    assert fault.startswith("GET /users -> 401: ")
    assert reports.new_faults() == []


def test_a_judge_whom_nobody_would_hear_refuses_to_sit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(REPORTS)

    with pytest.raises(RuntimeError, match="would be lost"):
        zoom.create_app()


# nobody can start a simulator that isn't judged: there is one door, and every process knows it


def calls(path: Path) -> Iterator[tuple[str, ast.Call]]:
    """Yield every call in a file with the last part of what is called."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
            yield node.func.id if isinstance(node.func, ast.Name) else node.func.attr, node


def test_a_simulated_vendor_comes_into_the_world_by_one_door_only() -> None:
    folder = ROOT / "provisioner" / "simulators"
    made = [
        (path.relative_to(folder).as_posix(), function.name)
        for path in sorted(folder.rglob("*.py"))
        for function in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(function, ast.FunctionDef)
        and any(
            isinstance(node, ast.Call) and ast.unparse(node.func) == "Flask"
            for node in ast.walk(function)
        )
    ]

    packages = [name.removeprefix("provisioner.simulators.") for name in SIMULATORS]
    doors = [(f"{name}/__init__.py", "create_app") for name in packages]
    # the SCIM service is nobody's in particular: no vendor's file tells of it
    assert sorted(made) == sorted([*doors, ("scim_service.py", "create_app")])


@pytest.mark.parametrize("path", sorted((ROOT / "tests").rglob("*.py")), ids=lambda p: p.name)
def test_a_process_that_a_test_starts_knows_the_judge(path: Path) -> None:
    for name, call in calls(path):
        if name not in ("Popen", "run", "check_output", "check_call", "call"):
            continue
        for given in call.keywords:
            if given.arg == "env":
                assert ast.unparse(given.value).startswith("environment("), ast.unparse(call)[:200]
        words = [node.value for node in ast.walk(call) if isinstance(node, ast.Constant)]
        assert not {"-I", "-E", "-S"} & set(words), "such a Python leaves the judge out"
