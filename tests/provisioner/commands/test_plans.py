"""The life of a plan at the command line: what is meant by PLAN, and how it is told."""

from __future__ import annotations

import io
import json
import os
import stat
import sys
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from connectors.errors import RunError
from connectors.records import Change
from provisioner.apply import Applied
from provisioner.commands.plans import opened, plan_id, site_of, told
from provisioner.commands.stopping import stopping
from provisioner.store import plans as plan_store
from provisioner.wiring import Site, Stop
from tests.provisioner.store.made import a_plan, change
from tests.scenarios.installation import Installation, person, phone_users, staff


@pytest.fixture
def emea(tmp_path: Path) -> Installation:
    """Two people of whom one has no phone yet; nothing is planned."""
    emea = Installation(tmp_path)
    emea.people(staff(2))
    emea.phone(phone_users(1))
    return emea


@pytest.fixture
def site(emea: Installation) -> Site:
    return site_of(emea.folder / "config.yaml")


def record(site: Site, *changes: Change, **members: Any) -> str:
    with site.engine.begin() as connection:
        return plan_store.record(connection, a_plan(*changes, **members)).id


# which plan is meant


def test_a_plan_is_meant_by_its_id_even_where_a_file_has_that_name(
    emea: Installation, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    record(site, change(1))
    emea.write("1", "a shopping list")
    monkeypatch.chdir(emea.folder)

    assert plan_id(site, "1") == "1"


@pytest.mark.parametrize("form", ["json", "jsonl"])
def test_a_plan_is_meant_by_its_file_in_either_form(emea: Installation, form: str) -> None:
    path = emea.folder / f"plan.{form}"
    emea.run("plan", "--format", form, "--output", str(path))

    assert emea.run("approve", str(path)).status == 0
    assert emea.run("apply", str(path)).status == 0
    assert emea.run("apply", str(path)).status == 0, "what became of it since doesn't matter"
    shown = emea.run("show", "1", "--format", form)
    emea.write("shown.json", shown.out)
    assert emea.run("apply", str(emea.folder / "shown.json")).status == 0


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "plan.json"),
        (b"{", "plan.json"),
        (b"\xff\xfe", "plan.json can't be read: it is no text in UTF-8"),
        (b"[" * 100_000, "plan.json"),
        (b'{"format": "provisioner-plan/2", "id": "1"}', "no plan of the format provisioner-plan/1"),
        (b'{"format": "provisioner-plan/1"}', "plan.json"),
        (b"<html>", "plan.json"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_plan_is_refused_by_its_name(
    emea: Installation, content: bytes, said: str
) -> None:
    path = emea.write("plan.json", content)

    ran = emea.run("apply", str(path))

    assert ran.status == 1
    assert said in ran.err
    assert "Traceback" not in ran.said


@pytest.mark.parametrize("cut", [1, 40, 400])
@pytest.mark.parametrize("form", ["json", "jsonl"])
def test_a_plan_file_that_was_cut_off_is_refused(emea: Installation, form: str, cut: int) -> None:
    whole = emea.run("plan", "--format", form).out.rstrip()
    path = emea.write("plan.json", whole[:-cut])

    for command in ("approve", "apply", "show"):
        ran = emea.run(command, str(path))
        assert ran.status == 1
        assert "plan.json" in ran.err
    assert emea.phone_users().keys() == {"user1@example.org"}


def test_a_plan_file_that_was_edited_is_refused(emea: Installation) -> None:
    document = emea.plan()
    document["changes"][0]["risk"] = "destructive"
    path = emea.write("plan.json", json.dumps(document))

    ran = emea.run("apply", str(path))

    assert ran.status == 1
    assert "it was edited or cut off, or is another store's" in ran.err


@pytest.mark.parametrize("given", ["7", "nowhere.json", "x" * 300, "a/b/c", "-1", "\0"])
def test_what_is_neither_an_id_nor_a_file_is_told_so(site: Site, given: str) -> None:
    with pytest.raises(RunError, match=r"no plan|can't be read"):
        plan_id(site, given)


def test_a_folder_is_no_plan_file(site: Site, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="can't be read: Is a directory"):
        plan_id(site, str(tmp_path))


# how a run is told


def test_everybody_who_was_left_is_named_on_a_line_of_their_own() -> None:
    result = Applied("7", states=Counter(done=2, failed=30, skipped=30))
    for n in range(30):
        who = f"p{n}"
        result.left.append((change(n, who=who), "failed", "no seat is free"))
        result.left.append((change(n + 100, who=who), "skipped", f"change {n} is failed"))

    lines = list(told(result))

    assert lines[0] == "plan 7 applied: 2 done, 30 failed, 30 skipped"
    assert len(lines) == 31
    assert lines[4] == (
        "  failed: 3 package.assign p3@example.org: no seat is free (and with it, of the same person: 103)"
    )


def test_what_is_held_or_waits_is_told_with_the_next_command() -> None:
    result = Applied("7", held=2, unapproved=3, calls=Counter({"users.light": 4}), reads=9)

    assert list(told(result)) == [
        "plan 7 applied: nothing to do",
        "  write calls: 4 (4 users.light); fresh reads: 9",
        "  2 changes are held by a limit; `provisioner show 7` says why",
        "  3 changes wait for approval: `provisioner approve 7`, then apply again",
    ]


@pytest.mark.parametrize(
    ("members", "status"),
    [
        ({}, 0),
        ({"unapproved": 1}, 4),
        ({"left": [1], "unapproved": 1}, 5),
        ({"held": 1, "left": [1], "unapproved": 1}, 3),
        ({"stopped_by": RunError("x"), "held": 1, "left": [1], "unapproved": 1}, 1),
    ],
)
def test_the_exit_status_is_the_first_that_applies(members: dict[str, Any], status: int) -> None:
    assert Applied("7", **members).status == status


def test_a_reader_who_goes_away_changes_no_exit_status(
    emea: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Gone(io.StringIO):
        def write(self, text: str, /) -> int:
            raise BrokenPipeError

    emea.plan()
    monkeypatch.setattr("provisioner.commands.plans._stdout", lambda form: Gone())

    assert emea.run("apply", "1").status == 4


# sync and plan


def test_a_sync_plans_and_carries_out_what_the_policy_lets_through(emea: Installation) -> None:
    emea.carry_out()
    emea.people([person(2), person(3)])

    ran = emea.run("sync")

    assert ran.status == 4, ran.said
    assert "user3@example.org" in emea.phone_users()
    assert emea.phone_users()["user1@example.org"]["license"] == "zoom_phone", "it waits"


def test_only_what_is_due_counts_in_detail(emea: Installation) -> None:
    emea.carry_out()
    emea.people([*staff(2), person(3)])
    assert emea.run("plan", "--detailed-exitcode").status == 2
    emea.run("reject", "2")

    assert emea.run("plan", "--detailed-exitcode").status == 0


def test_an_accepted_read_of_no_directory_is_a_mistake(emea: Installation) -> None:
    ran = emea.run("plan", "--accept-read", "hrr=00")

    assert ran.status == 1
    assert "there is no directory 'hrr'" in ran.err
    assert "the sync has: hr" in ran.err


# where it is written


def test_a_file_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    path.write_text("the old one")

    with suppress(KeyError), opened(path) as out:
        out.write("half of")
        raise KeyError

    assert path.read_text() == "the old one"
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_to_a_file_stays_a_link(tmp_path: Path) -> None:
    link = tmp_path / "latest.json"
    link.symlink_to("plan.json")

    with opened(link) as out:
        out.write("new")

    assert link.is_symlink()
    assert (tmp_path / "plan.json").read_text() == "new"


def test_a_device_is_written_to_and_stays_one(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)

    with opened(pipe) as out:
        out.write("through")

    assert os.read(reader, 100) == b"through"
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    os.close(reader)


@pytest.mark.parametrize("name", [".", "..", "folder", "no/such/folder/plan.json", "x" * 300])
def test_what_cannot_be_written_is_told_in_plain_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    (tmp_path / "folder").mkdir()
    monkeypatch.chdir(tmp_path)

    with pytest.raises(RunError, match="can't be written"), opened(Path(name)):
        pass


@pytest.mark.parametrize(("form", "expected"), [("json", "ž".encode()), ("text", b"\\u017e")])
def test_what_programs_read_is_utf_8_and_no_letter_breaks_off_the_rest(
    monkeypatch: pytest.MonkeyPatch, form: str, expected: bytes
) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, "iso-8859-1", errors="strict"))

    with opened(None, form) as out:
        out.write("ž")

    assert raw.getvalue() == expected


# stopping


def test_without_a_signal_nothing_is_stopped() -> None:
    stop = Stop()
    for _ in range(3):
        with stopping(stop):
            pass

    assert not stop.asked()
