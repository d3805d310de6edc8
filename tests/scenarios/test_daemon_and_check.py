"""What runs for years, and what is asked before it does: `daemon` and `check`, as processes."""

from __future__ import annotations

import json
import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.ports import free_port
from tests.scenarios.installation import (
    PROGRAM,
    Installation,
    phone_users,
    staff,
    zoom_account,
)
from tests.scenarios.test_mistakes import BAD_CONFIG, BAD_MAPPING, where

SECRET = "s3cr3t-0f-the-acc0unt"


@pytest.fixture
def emea(tmp_path: Path) -> Installation:
    emea = Installation(tmp_path)
    emea.people(staff(3))
    emea.phone(phone_users(2))
    return emea


def scheduled(emea: Installation) -> str:
    """Give the sync a schedule and the daemon ports of its own; return where it serves."""
    bind, admin = (f"127.0.0.1:{free_port()}" for _ in range(2))
    sync = emea.sync | {"schedule": {"every": "1h"}}
    server = {"bind": bind, "admin_bind": admin}
    document = {"version": 1, "store": "sqlite:///store.db", "server": server}
    emea.yaml("config.yaml", document | {"syncs": {"emea": sync}})
    return f"http://{bind}"


@contextmanager
def daemon(emea: Installation) -> Iterator[subprocess.Popen[str]]:
    command = [PROGRAM, "daemon", "-c", "config.yaml"]
    with subprocess.Popen(
        command, cwd=emea.folder, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        try:
            yield process
        finally:
            process.kill()


def until(process: subprocess.Popen[str], event: str) -> list[dict[str, Any]]:
    """Return the log's lines up to an event."""
    lines: list[dict[str, Any]] = []
    stream = process.stderr
    assert stream is not None
    for line in stream:
        lines.append(json.loads(line))
        if lines[-1]["event"] == event:
            return lines
    raise AssertionError(f"the daemon ended before {event}: {lines}")


def test_a_daemon_syncs_serves_its_health_and_stops_when_told_to(emea: Installation) -> None:
    emea.people(staff(2))
    emea.carry_out()
    emea.people(staff(3))
    url = scheduled(emea)

    with daemon(emea) as process:
        told = until(process, "sync.applied")
        health = [requests.get(f"{url}/{page}", timeout=9) for page in ("healthz", "readyz")]
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0

    assert [answer.status_code for answer in health] == [200, 200]
    assert "user3@example.org" in emea.phone_users()
    assert told[-1]["status"] == 0
    assert emea.run("plan", "--detailed-exitcode").status == 0
    assert "daemon" in emea.run("runs").out


def test_the_head_of_the_audit_that_a_daemon_logs_is_proven_while_it_runs(
    emea: Installation,
) -> None:
    scheduled(emea)

    with daemon(emea) as process:
        head = until(process, "audit.head")[-1]
        ran = emea.shell("audit verify", "--head", head["hash"])

    assert ran.status == 0, ran.said
    assert f"the head given is entry {head['entries']}; 0 entries since" in ran.out
    runs = {entry["run"] for entry in map(json.loads, emea.run("audit export").out.splitlines())}
    assert head["run"] in runs


def test_a_daemon_waits_for_the_first_approval_like_everybody(emea: Installation) -> None:
    scheduled(emea)

    with daemon(emea) as process:
        told = until(process, "sync.applied")
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0

    assert told[-1]["status"] == 4
    assert "user3@example.org" not in emea.phone_users()


def test_a_daemon_outlives_a_directory_that_cannot_be_read(emea: Installation) -> None:
    (emea.folder / "people.csv").unlink()
    url = scheduled(emea)

    with daemon(emea) as process:
        stream = process.stderr
        assert stream is not None
        told = next(line for line in stream if "people.csv" in line)
        alive = requests.get(f"{url}/healthz", timeout=9).status_code
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0

    assert json.loads(told)["level"] in ("error", "warning")
    assert alive == 200


def test_a_daemon_whose_config_is_no_good_does_not_start(emea: Installation) -> None:
    emea.write("config.yaml", BAD_CONFIG)

    with daemon(emea) as process:
        _, err = process.communicate(timeout=20)

    assert process.returncode == 1
    assert where(err, "config.yaml") >= {6, 7, 9}
    assert "Traceback" not in err


def test_a_daemon_tells_what_is_wrong_with_a_mapping(emea: Installation) -> None:
    scheduled(emea)
    emea.write("mapping.yaml", BAD_MAPPING)

    with daemon(emea) as process:
        stream = process.stderr
        assert stream is not None
        told = next(line for line in stream if "mapping.yaml" in line)

    assert where(told, "mapping.yaml") >= {3, 4, 8}
    assert "Traceback" not in told


def test_check_of_what_works_ends_with_0_and_writes_nothing(emea: Installation) -> None:
    before = {path.name: path.read_bytes() for path in emea.folder.iterdir()}

    ran = emea.shell("check")

    assert ran.status == 0, ran.said
    after = {p.name: p.read_bytes() for p in emea.folder.iterdir() if "store" not in p.name}
    assert after == before


def test_check_lists_the_names_that_the_phone_system_knows(emea: Installation) -> None:
    emea.phone(phone_users(2), licenses={"zoom_phone": 9}, packages={"gold": 5, "basic": 7})

    ran = emea.shell("check")

    assert ran.status == 0, ran.said
    assert "gold" in ran.out


def test_check_tells_the_problems_of_config_and_mapping_at_once(emea: Installation) -> None:
    emea.write("mapping.yaml", BAD_MAPPING)
    (emea.folder / "people.csv").unlink()

    ran = emea.shell("check")

    assert ran.status == 1
    assert where(ran.said, "mapping.yaml") >= {2, 3, 4, 5, 8, 9, 11, 12, 13}
    assert "people.csv" in ran.said


@pytest.mark.parametrize(
    "give",
    [
        {"packages": ["nosuchpackage"]},
        {"site": "nosuchsite"},
        {"template": "nosuchtemplate"},
        {"license": "nosuchlicense"},
        {"number": {"pool": "nosuchpool"}},
    ],
)
def test_check_tells_of_names_that_the_phone_system_does_not_know(
    emea: Installation, give: dict[str, Any]
) -> None:
    emea.mapping(rules=[{"name": "r", "when": "userName pr", "give": give}])
    emea.phone(
        phone_users(2), licenses={"zoom_phone": 9}, packages={"basic": 7}, sites=["Munich"],
        templates=["Office"],
    )  # fmt: skip

    ran = emea.shell("check")

    assert "Traceback" not in ran.said
    assert re.search(r"nosuch\w+", ran.said), ran.said


def test_check_says_which_credentials_are_wrong_and_shows_none(emea: Installation) -> None:
    with zoom_account([], client_id="c", client_secret="right") as (_, phone_system):
        emea.configure(phone_system=phone_system | {"client_secret": SECRET})
        ran = emea.shell("check")

    assert ran.status == 1
    assert "zoom" in ran.said.lower()
    assert SECRET not in ran.said
