"""`provisioner simulate` as a process of its own: faults that are asked for happen, and are told."""

from __future__ import annotations

import json
import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests

from provisioner.simulators.faults import KINDS
from tests.scenarios.installation import PROGRAM, shell


@contextmanager
def simulator(*arguments: str, system: str = "zoom") -> Iterator[str]:
    process = subprocess.Popen(
        [PROGRAM, "simulate", system, "--port", "0", *arguments],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        first = process.stdout.readline()
        found = re.search(r"http://127\.0\.0\.1:\d+", first)
        assert found is not None, first
        yield found[0]
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0, "the simulator stops when it is told to"


def statuses(url: str) -> list[int]:
    def ask() -> int:
        return requests.get(f"{url}/v2/users", timeout=10).status_code

    return [ask() for _ in range(20)]


def test_the_same_seed_makes_the_same_requests_go_wrong() -> None:
    runs = []
    for seed in ("1", "1", "2"):
        with simulator("--faults", "429=20%,503=20%", "--seed", seed) as url:
            runs.append(statuses(url))
            told = requests.get(f"{url}/_portal/faults", timeout=10).text.splitlines()
            faulty = [n for n, status in enumerate(runs[-1], start=1) if status in (429, 503)]
            assert [json.loads(line)["number"] for line in told] == faulty

    assert runs[0] == runs[1] != runs[2]
    assert set(runs[0]) == {401, 429, 503}, "whoever shows no token is turned away by Zoom itself"


def test_a_fault_that_does_not_exist_is_refused_with_the_one_that_was_meant(tmp_path: Path) -> None:
    ran = shell(["simulate", "zoom", "--faults", "reset-befor=3%"], tmp_path)

    assert ran.status == 1
    assert "did you mean 'reset-before'?" in ran.err
    assert "--faults list" in ran.err


def test_every_fault_is_told_with_what_it_does(tmp_path: Path) -> None:
    ran = shell(["simulate", "zoom", "--faults", "list"], tmp_path)

    assert ran.status == 0
    for name, kind in KINDS.items():
        assert re.search(rf"^{name} +[0-9.]+%  {re.escape(kind.does)}", ran.out, re.MULTILINE), name


def test_a_simulated_microsoft_tenant_gives_tokens_users_and_its_log(tmp_path: Path) -> None:
    people = tmp_path / "people.jsonl"
    line = {"id": "p1", "email": "eva@example.org", "license": "teams_phone", "credits": True}
    people.write_text(json.dumps(line) + "\n", encoding="utf-8")
    asked = {
        "grant_type": "client_credentials",
        "client_id": "any",
        "client_secret": "any",
        "scope": "https://graph.microsoft.com/.default",
    }

    with simulator("--load", str(people), "--agreement", "mca", system="teams") as url:
        token = requests.post(f"{url}/contoso/oauth2/v2.0/token", data=asked, timeout=10).json()
        headers = {"Authorization": f"Bearer {token['access_token']}"}
        users = requests.get(f"{url}/v1.0/users", headers=headers, timeout=10).json()["value"]
        changed = requests.patch(
            f"{url}/v1.0/users/p1", json={"usageLocation": "DE"}, headers=headers, timeout=10
        )
        log = requests.get(f"{url}/_portal/log", timeout=10).text.splitlines()

    assert [user["mail"] for user in users] == ["eva@example.org"]
    assert changed.status_code == 204
    assert [(json.loads(each)["method"], json.loads(each)["path"]) for each in log] == [
        ("PATCH", "/users/p1")
    ]
