"""What a newcomer does first: the demo, the demo with an edited file, and the demo by hand."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.scenarios.installation import PROGRAM, shell, zoom_log, zoom_users

ROOT = Path(__file__).parents[2]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The sample company's files, where they may be edited."""
    shutil.copytree(
        ROOT / "config", tmp_path / "config", ignore=shutil.ignore_patterns("*.db*", ".*")
    )
    (tmp_path / "mappings").mkdir()
    shutil.copy(ROOT / "mappings" / "demo.yaml", tmp_path / "mappings")
    return tmp_path


def drop(copy: Path, key: str) -> None:
    """Take one person out of the personnel file."""
    path = copy / "config/demo/people.csv"
    lines = path.read_text(encoding="utf-8-sig").splitlines(keepends=True)
    kept = [line for line in lines if not line.startswith(f"{key};")]
    assert len(kept) == len(lines) - 1
    path.write_text("".join(kept), encoding="utf-8-sig")


@contextmanager
def simulator(copy: Path) -> Iterator[str]:
    """Run the simulator as the README says, at a free port, and point the config there."""
    command = [
        PROGRAM, "simulate", "zoom", "--port", "0", "--load", "config/demo/phone.jsonl",
        "--directory", "config/demo/branches.scim.jsonl", "--no-rate-limits",
    ]  # fmt: skip
    process = subprocess.Popen(command, cwd=copy, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        first = process.stdout.readline()
        url = re.search(r"http://127\.0\.0\.1:\d+", first)
        assert url is not None, first
        config = copy / "config/demo.yaml"
        config.write_text(config.read_text().replace("http://127.0.0.1:9000", url[0]))
        yield url[0]
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0, "the simulator stops when it is told to"


def test_the_demo_goes_the_whole_way_and_an_edited_csv_changes_its_plan(copy: Path) -> None:
    ran = shell(["demo", "--output", "out"], copy)

    assert ran.status == 0, ran.said
    assert "nothing is left to do" in ran.out
    assert "Traceback" not in ran.said
    plan = json.loads((copy / "out/plan.json").read_text(encoding="utf-8"))
    assert plan["format"] == "provisioner-plan/1"
    assert 200 <= plan["summary"]["people"] <= 300
    assert plan["summary"]["unchanged"] < plan["summary"]["people"]
    page = (copy / "out/report.html").read_text(encoding="utf-8")
    assert "</html>" in page
    assert str(plan["changes"][0]["user"]) in page
    assert {path.name for path in (copy / "config").iterdir()} == {"demo", "demo.yaml"}

    drop(copy, "E1001")
    assert shell(["demo", "--output", "out"], copy).status == 0, "a second demo starts afresh"
    edited = json.loads((copy / "out/plan.json").read_text(encoding="utf-8"))
    assert edited["id"] == plan["id"]
    assert edited["summary"]["people"] == plan["summary"]["people"] - 1


def test_the_demo_by_hand_works_beside_a_running_simulator(copy: Path) -> None:
    config = ["-c", "config/demo.yaml"]
    with simulator(copy) as url:
        first = shell(["plan", *config, "--format", "json"], copy)
        assert first.status == 0, first.said
        assert zoom_log(url) == [], "a dry run writes nothing"
        assert shell(["apply", *config, "1"], copy).status == 4
        assert zoom_log(url) == [], "and nothing is applied that nobody approved"

        assert shell(["approve", *config, "1"], copy).status == 0
        applied = shell(["apply", *config, "1"], copy)
        assert applied.status == 0, applied.said
        writes = zoom_log(url)
        assert len(writes) == first.plan["summary"]["api_calls"]
        assert shell(["apply", *config, "1"], copy).status == 0
        assert zoom_log(url) == writes

        drop(copy, "E1001")
        second = shell(["plan", *config, "--format", "json"], copy)
        assert second.status == 0, second.said
        assert [(c["kind"], c["user"]) for c in second.plan["changes"]] == [
            ("license.remove", "anna.rossi@example.org")
        ]
        assert zoom_users(url)["anna.rossi@example.org"]["license"] == "zoom_phone"
        inventory = shell(["inventory", *config], copy)
        assert '"anna.rossi@example.org"' in inventory.out


def test_the_demo_outside_the_projects_folder_says_where_to_run_it(tmp_path: Path) -> None:
    ran = shell(["demo"], tmp_path)

    assert ran.status == 1
    assert "config/demo.yaml" in ran.err
    assert list(tmp_path.iterdir()) == []
