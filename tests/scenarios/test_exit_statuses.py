"""Exit statuses and the command line itself, as a script or a scheduler sees them: real processes."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.scenarios.installation import (
    PROGRAM,
    Installation,
    person,
    phone_user,
    phone_users,
    shell,
    staff,
)


@pytest.fixture
def emea(tmp_path: Path) -> Installation:
    """Twenty people who are all as they should be, adopted."""
    emea = Installation(tmp_path)
    emea.people(staff(20))
    emea.phone(phone_users(20))
    emea.carry_out()
    return emea


@pytest.fixture
def new(tmp_path: Path) -> Installation:
    """Two people with nothing to do but to adopt them, one of them a joiner."""
    new = Installation(tmp_path)
    new.people(staff(2))
    new.phone(phone_users(1))
    return new


def test_a_plan_with_nothing_to_do_ends_with_0_even_in_detail(emea: Installation) -> None:
    ran = emea.shell("plan", "--detailed-exitcode")

    assert ran.status == 0, ran.said


def test_a_plan_with_changes_ends_with_0_and_in_detail_with_2(emea: Installation) -> None:
    emea.people(staff(21))

    assert emea.shell("plan").status == 0
    assert emea.shell("plan", "--detailed-exitcode").status == 2


def test_a_first_plan_is_no_4_of_its_own(new: Installation) -> None:
    assert new.shell("plan").status == 0


def test_a_first_plan_shows_who_was_matched_to_whom_and_who_is_left_over(
    new: Installation,
) -> None:
    new.phone([phone_user(1), phone_user(9, key="X9")])

    ran = new.shell("plan")

    before, _, _ = ran.out.partition("license.assign   ")
    assert "user1@example.org = phone user p1" in before
    assert "user2@example.org" in before
    assert "user9@example.org" in before


def test_applying_a_first_plan_ends_with_4_until_it_is_approved(new: Installation) -> None:
    plan = new.plan()

    waits = new.shell("apply", plan["id"])
    assert waits.status == 4, waits.said
    assert list(new.phone_users()) == ["user1@example.org"], "nothing was done"

    assert new.shell("approve", plan["id"], "--by", "Eva").status == 0
    done = new.shell("apply", plan["id"])
    assert done.status == 0, done.said
    assert new.shell("apply", plan["id"]).status == 0
    assert new.shell("plan", "--detailed-exitcode").status == 0


def test_a_first_sync_ends_with_4_and_does_nothing(new: Installation) -> None:
    ran = new.shell("sync")

    assert ran.status == 4, ran.said
    assert list(new.phone_users()) == ["user1@example.org"]


def test_every_plan_waits_until_a_full_one_is_approved_by_a_person(new: Installation) -> None:
    first = new.plan()
    only = new.plan("--user", "user2@example.org")
    assert new.run("approve", only["id"]).status == 0

    assert new.run("apply", only["id"]).status == 4, "a plan for one person adopts nothing"
    assert new.run("apply", first["id"]).status == 4
    assert new.run("sync").status == 4
    assert "user2@example.org" not in new.phone_users()


def test_a_sync_carries_out_what_the_policy_lets_through(emea: Installation) -> None:
    emea.people(staff(21))

    ran = emea.shell("sync")

    assert ran.status == 0, ran.said
    assert emea.phone_users()["user21@example.org"]["license"] == "zoom_phone"


def test_a_sync_with_a_leaver_ends_with_4(emea: Installation) -> None:
    emea.people(staff(19))

    ran = emea.shell("sync")

    assert ran.status == 4, ran.said
    assert emea.phone_users()["user20@example.org"]["license"] == "zoom_phone"


def test_a_rejected_plan_carries_nothing_out_and_is_not_asked_for_again(
    emea: Installation,
) -> None:
    emea.people(staff(21))
    plan = emea.plan()

    assert emea.shell("reject", plan["id"]).status == 0
    assert emea.shell("apply", plan["id"]).status in (0, 1)
    assert "user21@example.org" not in emea.phone_users()
    again = emea.plan()
    assert {change["state"] for change in again["changes"]} == {"rejected"}
    assert emea.run("sync").status == 0
    assert "user21@example.org" not in emea.phone_users()


def test_held_changes_end_with_3_in_plan_and_in_apply(emea: Installation) -> None:
    emea.people(staff(18) + [person(n, active="false") for n in (19, 20)])
    emea.plan()
    emea.people(staff(14) + [person(n, active="false") for n in range(15, 21)])

    ran = emea.shell("plan", "--format", "json")

    assert ran.status == 3, ran.err
    assert ran.plan["summary"]["held"] > 0, "the plan is written all the same"
    emea.run("approve", ran.plan["id"])
    assert emea.shell("apply", ran.plan["id"]).status == 3


def test_a_refused_read_ends_with_3_and_writes_no_plan(emea: Installation) -> None:
    emea.people(staff(10))

    ran = emea.shell("plan", "--format", "json", "--output", "plan.json")

    assert ran.status == 3
    assert "10" in ran.err
    assert "20" in ran.err
    assert ran.out == ""
    assert not (emea.folder / "plan.json").exists()


def test_a_directory_that_is_not_there_ends_with_1(emea: Installation) -> None:
    (emea.folder / "people.csv").unlink()

    ran = emea.shell("plan")

    assert ran.status == 1
    assert "people.csv" in ran.err
    assert "Traceback" not in ran.said


def test_a_phone_system_that_is_not_there_ends_with_1(emea: Installation) -> None:
    (emea.folder / "phone.jsonl").unlink()

    ran = emea.shell("plan")

    assert ran.status == 1
    assert "phone.jsonl" in ran.err
    assert "Traceback" not in ran.said


def test_an_empty_phone_system_where_somebody_was_bound_is_refused(emea: Installation) -> None:
    emea.phone([])

    ran = emea.shell("plan")

    assert ran.status == 3, ran.said
    assert "20" in ran.err


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param([], id="no command"),
        pytest.param(["frobnicate"], id="no such command"),
        pytest.param(["plan"], id="no config"),
        pytest.param(["plan", "-c", "nowhere.yaml"], id="no such config"),
        pytest.param(["plan", "-c", "config.yaml", "--frobnicate"], id="no such option"),
        pytest.param(["plan", "-c", "config.yaml", "--format", "yaml"], id="no such format"),
        pytest.param(["plan", "-c", "config.yaml", "--sync", "apac"], id="no such sync"),
        pytest.param(["plan", "-c", "config.yaml", "--as-of", "soon"], id="no date"),
        pytest.param(["plan", "-c", "config.yaml", "--accept-read", "hr"], id="no hash"),
        pytest.param(["plan", "-c", "config.yaml", "--accept-read", "xx=00"], id="no directory"),
        pytest.param(["plan", "-c", "config.yaml", "--mapping", "nowhere.yaml"], id="no mapping"),
        pytest.param(["plan", "-c", "config.yaml", "--output", "no/such/f"], id="no folder"),
        pytest.param(["plan", "-c", "config.yaml", "--user", "nobody@x.org"], id="no such user"),
        pytest.param(["apply", "-c", "config.yaml"], id="no plan given"),
        pytest.param(["apply", "-c", "config.yaml", "99"], id="no such plan"),
        pytest.param(["apply", "-c", "config.yaml", "1", "--allow-removals", "x"], id="no number"),
        pytest.param(["apply", "-c", "config.yaml", "1", "--allow-removals", "-1"], id="negative"),
        pytest.param(["approve", "-c", "config.yaml", "99"], id="approve no such plan"),
        pytest.param(["show", "-c", "config.yaml", "99"], id="show no such plan"),
        pytest.param(["simulate", "abacus"], id="no such system"),
        pytest.param(["simulate", "zoom", "--port", "99999"], id="no such port"),
    ],
)
def test_usage_errors_end_with_1_and_say_what_was_wrong(
    new: Installation, arguments: list[str]
) -> None:
    ran = shell(arguments, new.folder)

    assert ran.status == 1, ran.said
    assert ran.said.strip()
    assert "Traceback" not in ran.said


def test_the_config_may_come_from_the_environment(new: Installation, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    config = str(new.folder / "config.yaml")

    ran = shell(["plan", "--format", "json"], elsewhere, {"PROVISIONER_CONFIG": config})

    assert ran.status == 0, ran.err
    assert ran.plan["summary"]["people"] == 2
    assert (new.folder / "store.db").exists(), "paths are relative to the file that names them"
    assert list(elsewhere.iterdir()) == []


def test_a_plan_may_be_given_by_its_written_file(new: Installation) -> None:
    assert new.shell("plan", "--format", "json", "--output", "plan.json").status == 0

    assert new.shell("approve", "plan.json").status == 0
    ran = new.shell("apply", "plan.json")

    assert ran.status == 0, ran.said
    assert "user2@example.org" in new.phone_users()


def test_an_edited_plan_file_is_not_carried_out(new: Installation) -> None:
    new.shell("plan", "--format", "json", "--output", "plan.json")
    path = new.folder / "plan.json"
    path.write_text(path.read_text().replace('"after": "basic"', '"after": "gold"'))

    assert new.shell("approve", "plan.json").status == 1
    ran = new.shell("apply", "plan.json")

    assert ran.status == 1
    assert "plan.json" in ran.err
    assert "Traceback" not in ran.said


@pytest.mark.parametrize("content", ["", "{", "[]", "null", '{"format": "other/1"}', "\udcff"])
def test_a_file_that_is_no_plan_is_refused_in_plain_words(new: Installation, content: str) -> None:
    new.write("plan.json", content.encode("utf-8", "surrogateescape"))

    ran = new.run("apply", str(new.folder / "plan.json"))

    assert ran.status == 1
    assert "plan.json" in ran.err


def test_output_in_a_file_leaves_nothing_on_stdout(new: Installation) -> None:
    ran = new.shell("plan", "--format", "jsonl", "--output", "plan.jsonl")

    assert ran.status == 0
    assert ran.out == ""
    lines = (new.folder / "plan.jsonl").read_text(encoding="utf-8").splitlines()
    assert json.loads(lines[0])["format"] == "provisioner-plan/1"


def test_output_to_a_pipe_or_device_is_written_and_leaves_it_what_it_is(
    new: Installation,
) -> None:
    pipe = new.folder / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        ran = new.shell("plan", "--format", "json", "--output", "pipe")
        told = os.read(reader, 60_000)
    finally:
        os.close(reader)

    assert ran.status == 0, ran.said
    assert pipe.is_fifo()
    assert json.loads(told)["format"] == "provisioner-plan/1"


@pytest.mark.parametrize("output", [".", "..", "folder"])
def test_output_that_is_a_folder_is_refused_in_plain_words(new: Installation, output: str) -> None:
    (new.folder / "folder").mkdir()

    ran = new.shell("plan", "--output", output)

    assert ran.status == 1
    assert "Traceback" not in ran.said


@pytest.mark.parametrize("form", ["text", "json", "csv"])
def test_a_terminal_of_another_encoding_breaks_no_report(new: Installation, form: str) -> None:
    new.mapping(profile={"display_name": "{displayName}"})
    new.people([person(1, displayName="Žofie Malá")])

    ran = new.shell("plan", "--format", form, PYTHONIOENCODING="iso-8859-1:strict")

    assert ran.status == 0, ran.err[-300:]
    assert "Traceback" not in ran.said


def test_a_person_who_fails_is_named_and_the_others_go_on(new: Installation) -> None:
    new.carry_out()
    new.people(staff(4))
    plan = new.plan()
    new.phone(new.phone_users().values(), packages={"basic": 3})  # there are fewer seats now

    ran = new.shell("apply", plan["id"])

    assert ran.status == 5, ran.said
    assert "user4@example.org" in ran.out
    assert new.phone_users()["user3@example.org"]["packages"] == ["basic"]


def test_a_reader_who_goes_away_is_no_error(emea: Installation) -> None:
    emea.people(staff(24))
    done = subprocess.run(
        f"{PROGRAM} plan -c config.yaml --format json | head -c 10",
        shell=True,
        cwd=emea.folder,
        capture_output=True,
        text=True,
        check=False,
    )

    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
