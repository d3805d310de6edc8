"""The audit as an auditor meets it: what is on record, the proof of it, and files that prove themselves."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from provisioner.simulators import scim_service
from tests.scenarios.installation import (
    Installation,
    Ran,
    person,
    phone_user,
    phone_users,
    rule,
    shell,
    staff,
    zoom_account,
    zoom_log,
)

SECRET = "not-for-anyones-eyes"
TOKEN = "scim-s3cret-t0ken"


@pytest.fixture
def emea(tmp_path: Path) -> Installation:
    """Three people of whom one has no license yet; planned, approved and applied."""
    emea = Installation(tmp_path)
    emea.people(staff(3))
    emea.phone([*phone_users(2), phone_user(3, license=None, packages=[])])
    emea.carry_out()
    return emea


def audit(emea: Installation, what: str, *arguments: str) -> Ran:
    return emea.run(f"audit {what}", *arguments)


def entries(emea: Installation, *arguments: str) -> list[dict[str, Any]]:
    ran = audit(emea, "export", *arguments)
    assert ran.status == 0, ran.said
    return [json.loads(line) for line in ran.out.splitlines()]


def kinds(found: list[dict[str, Any]]) -> list[str]:
    return [entry["kind"] for entry in found]


def head_of(ran: Ran) -> str:
    assert ran.status == 0, ran.said
    (line,) = [line for line in ran.out.splitlines() if line.startswith("head: ")]
    return line.removeprefix("head: ")


def in_store(emea: Installation, *statements: str) -> None:
    """Do something to the store with a tool of one's own, triggers out of the way."""
    with closing(sqlite3.connect(emea.folder / "store.db")) as connection, connection:
        for verb in ("update", "delete"):
            connection.execute(f"DROP TRIGGER IF EXISTS audit_no_{verb}")
        for statement in statements:
            connection.execute(statement)


def test_the_way_of_a_plan_is_on_record_from_the_read_to_the_outcome(emea: Installation) -> None:
    found = entries(emea)

    assert kinds(found) == [
        "directory.read", "phone.read", "plan.made", "sync.adopted", "plan.approved",
        "run.started", "change.sent", "change.sent", "change.done", "change.done", "run.ended",
    ]  # fmt: skip
    by_kind = {entry["kind"]: entry for entry in found}
    assert by_kind["directory.read"]["detail"]["people"] == 3
    assert by_kind["phone.read"]["detail"]["users"] == 3
    made, approved = by_kind["plan.made"]["detail"], by_kind["plan.approved"]["detail"]
    assert made["summary"]["changes"] == {"license.assign": 1, "package.assign": 1}
    assert (approved["sha256"], approved["seqs"]) == (made["sha256"], "1-2")
    assert by_kind["run.ended"]["detail"]["status"] == 0
    assert {entry["plan"] for entry in found} == {None, "1"}


def test_an_untouched_record_is_proven_and_says_its_head(emea: Installation) -> None:
    ran = audit(emea, "verify")

    assert ran.out.startswith("unbroken: 11 entries, 1 to 11, from 20")
    assert len(head_of(ran)) == 64


def test_a_record_that_was_altered_is_broken_at_the_first_altered_entry(
    emea: Installation,
) -> None:
    in_store(emea, """UPDATE audit SET detail = '{"by":"somebody else"}' WHERE id IN (5, 7)""")

    ran = audit(emea, "verify")

    assert (ran.status, ran.out) == (1, "")
    assert "broken: entry 5 (" in ran.err
    assert "plan.approved, plan 1) is not as it was written after entry 4" in ran.err


def test_a_record_whose_end_was_cut_off_is_broken(emea: Installation) -> None:
    in_store(emea, "DELETE FROM audit WHERE id > 8")

    ran = audit(emea, "verify")

    assert ran.status == 1
    assert "the end is cut off: entries 9 to 11 are missing" in ran.err


def test_a_head_noted_down_proves_what_led_to_it(emea: Installation) -> None:
    head = head_of(audit(emea, "verify"))
    emea.plan()

    later = audit(emea, "verify", "--head", head)

    assert "the head given is entry 11; 3 entries since" in later.out
    assert later.status == 0
    wrong = audit(emea, "verify", "--head", "f" * 64)
    assert (wrong.status, wrong.err) == (1, f"broken: no entry has the hash {'f' * 64}\n")


def test_an_exported_file_proves_itself(emea: Installation) -> None:
    file = emea.folder / "audit.jsonl"
    assert audit(emea, "export", "--output", str(file)).status == 0

    ran = audit(emea, "verify", "--file", str(file))

    assert head_of(ran) == head_of(audit(emea, "verify"))
    lines = file.read_bytes().splitlines(keepends=True)
    for damaged, said in (
        ([*lines[:3], *lines[4:]], "entry 4 is missing; line 4: entry 5 "),
        ([lines[0].replace(b'"people":3', b'"people":4'), *lines[1:]], "line 1: entry 1 "),
        ([*lines[:-1], lines[-1][:-20]], "line 11 is no entry of an audit, or is cut off"),
    ):
        file.write_bytes(b"".join(damaged))
        ran = audit(emea, "verify", "--file", str(file))
        assert (ran.status, ran.out) == (1, "")
        assert f"broken: {said}" in ran.err


def test_an_extract_proves_its_entries_where_it_is_said_to_be_one(emea: Installation) -> None:
    file = emea.folder / "audit.jsonl"
    audit(emea, "export", "--user", "user3@example.org", "--output", str(file))

    whole = audit(emea, "verify", "--file", str(file))
    assert whole.status == 1
    assert "give --extract" in whole.err
    assert audit(emea, "verify", "--file", str(file), "--extract").status == 0


def test_an_export_is_bounded_by_days_and_moments(emea: Installation) -> None:
    today = datetime.now(UTC).date()
    tomorrow, yesterday = today + timedelta(days=1), today - timedelta(days=1)
    everything = entries(emea)

    assert entries(emea, "--since", str(yesterday), "--until", str(tomorrow)) == everything
    assert entries(emea, "--since", str(tomorrow)) == []
    assert entries(emea, "--until", str(yesterday)) == []
    after = entries(emea, "--since", everything[4]["at"])
    assert after == everything[3:]  # the adoption and the approval are of one moment
    assert entries(emea, "--until", everything[4]["at"]) == everything[:3]
    assert "--since takes a day like" in audit(emea, "export", "--since", "soon").err


def test_an_export_is_of_one_run_or_sync(emea: Installation) -> None:
    run = entries(emea)[-1]["run"]

    assert kinds(entries(emea, "--run", run)) == [
        "run.started", "change.sent", "change.sent", "change.done", "change.done", "run.ended",
    ]  # fmt: skip
    assert len(entries(emea, "--sync", "emea")) == 11
    assert "there is no sync 'apac'" in audit(emea, "export", "--sync", "apac").err


@pytest.mark.parametrize("name", ["user3@example.org", "User3@Example.ORG", "e003", "E003"])
def test_an_export_for_a_person_is_about_them_alone(emea: Installation, name: str) -> None:
    emea.people([*staff(3), person(4)])
    emea.carry_out()

    found = entries(emea, "--user", name)

    own = ["change.sent", "change.sent", "change.done", "change.done"]
    assert kinds(found) == ["plan.made", "plan.approved", *own]
    assert {entry["plan"] for entry in found} == {"1"}
    assert entries(emea, "--user", "nobody@example.org") == []


def test_a_refused_read_is_on_record_and_so_is_who_overruled_it(emea: Installation) -> None:
    emea.people(staff(1))
    emea.configure(limits={"people_min": 2})
    before = len(entries(emea))

    refused = emea.run("plan")
    (read, plan) = entries(emea)[before:]
    assert (refused.status, read["kind"], plan["kind"]) == (3, "directory.read", "plan.refused")
    assert (read["detail"]["accepted"], read["detail"]["people"]) == (False, 1)
    assert "1 people, fewer than people_min 2" in plan["detail"]["error"]

    emea.run("plan", "--accept-read", f"hr={read['detail']['sha256']}")
    again = entries(emea)[before + 2]
    assert again["detail"]["accepted"] is True
    assert again["detail"]["overruled_by"]


def test_what_a_limit_holds_is_on_record_with_the_figures(emea: Installation) -> None:
    emea.people([*staff(2), *staff(3, active="false")[2:]])
    emea.configure(limits={"removals": 0})

    emea.plan(status=3)

    (held,) = [entry for entry in entries(emea) if entry["kind"] == "limit.held"]
    assert held["plan"] == "2"
    assert "1 of 3 people" in held["detail"]["reason"]
    assert held["detail"]["changes"] >= 1


def test_a_plan_that_only_shows_something_leaves_its_reads_on_record(emea: Installation) -> None:
    before = len(entries(emea))
    emea.mapping("other.yaml", leavers=None)

    emea.run("plan", "--mapping", str(emea.folder / "other.yaml"))

    read, phone, plan = entries(emea)[before:]
    assert (read["kind"], phone["kind"]) == ("directory.read", "phone.read")
    assert plan["detail"]["scope"] == "preview"


def test_a_rejection_is_on_record(emea: Installation) -> None:
    emea.people(staff(4))
    plan = emea.plan()

    emea.run("reject", plan["id"], "--by", "eva")

    last = entries(emea)[-1]
    assert (last["kind"], last["plan"], last["detail"]["by"]) == (
        "plan.rejected",
        plan["id"],
        "eva",
    )


def test_a_file_needs_no_config(emea: Installation) -> None:
    file = emea.folder / "audit.jsonl"
    audit(emea, "export", "--output", str(file))

    assert shell(["audit", "verify", "--file", str(file)], emea.folder).status == 0
    nothing = shell(["audit", "verify"], emea.folder)
    assert (nothing.status, "give -c CONFIG, or --file" in nothing.err) == (1, True)
    assert "--extract goes with --file" in audit(emea, "verify", "--extract").err
    gone = audit(emea, "verify", "--file", str(emea.folder / "gone.jsonl"))
    assert (gone.status, "can't be read: No such file" in gone.err) == (1, True)


def test_whom_the_receiver_lets_in_is_on_record_without_the_token(tmp_path: Path) -> None:
    emea = Installation(tmp_path)
    emea.configure(directories=[{"kind": "pushed", "name": "entra"}])
    token = emea.run("token create", "--name", "okta").out.strip()
    second = emea.run("token rotate", "okta").out.strip()
    assert emea.run("token revoke", "okta").status == 0
    assert emea.run("directory ready", "--by", "eva").status == 0

    *tokens, ready = entries(emea)

    prefixes = [text[: len("prov_") + 12] for text in (token, second)]
    found = [(entry["kind"], entry["detail"]["prefix"]) for entry in tokens]
    assert found[:2] == [("token.created", prefix) for prefix in prefixes]
    assert {prefix for kind, prefix in found if kind == "token.revoked"} == set(prefixes)
    assert ready["detail"] == {"directory": "entra", "by": "eva"}
    store = b"".join(path.read_bytes() for path in emea.folder.glob("store.db*"))
    assert prefixes[0].encode() in store
    assert token.encode() not in store
    assert second.encode() not in store


@pytest.fixture
def abroad(tmp_path: Path) -> Iterator[Installation]:
    """A sync from a SCIM service to Zoom, both over HTTP and with secrets; planned."""
    abroad = Installation(tmp_path)
    users = [
        {
            "id": f"E00{n}",
            "externalId": f"E00{n}",
            "userName": f"user{n}",
            "active": True,
            "emails": [{"value": f"user{n}@example.org", "type": "work"}],
        }
        for n in (1, 2)
    ]
    everybody = rule("all", license="zoom_phone")
    abroad.mapping(scope=None, rules=[everybody])
    app = scim_service.create_app({"Users": users, "Groups": []}, TOKEN)
    with scim_service.serve(app) as scim, zoom_account(phone_users(1, packages=[])) as (_, phone):
        directory = {
            "kind": "scim_endpoint",
            "name": "hr",
            "url": f"{scim}/scim/v2",
            "token": {"file": "token"},
        }
        abroad.write("token", TOKEN)
        abroad.write("secret", SECRET)
        phone["client_secret"] = {"file": "secret"}
        abroad.configure(directories=[directory], phone_system=phone)
        abroad.plan()
        yield abroad


def vendor_of(abroad: Installation) -> str:
    """Return where the simulated vendor serves its log."""
    return str(abroad.sync["phone_system"]["api_url"]).removesuffix("/v2")


def calls_in(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [entry["detail"] for entry in found if entry["kind"] == "call"]


def test_every_call_of_a_plan_is_on_record(abroad: Installation) -> None:
    calls = calls_in(entries(abroad))

    asked = {(call["method"], call["path"]) for call in calls}
    assert ("POST", "/oauth/token") in asked
    assert ("GET", "/scim/v2/Users") in asked
    assert ("GET", "/v2/phone/users") in asked
    assert all(call["status"] == 200 and call["times"] for call in calls)


def test_every_write_is_on_record_between_what_it_was_for_and_what_became_of_it(
    abroad: Installation,
) -> None:
    before = len(entries(abroad))
    for command in ("approve", "apply"):
        assert abroad.run(command, "1").status == 0

    found = entries(abroad)[before:]
    writes = [
        (call["method"], call["path"])
        for call in calls_in(found)
        for _ in call["times"]
        if call["method"] != "GET" and call["label"] != "oauth"
    ]
    assert Counter(writes) == Counter(
        (write["method"], f"/v2{write['path'].partition('?')[0]}")
        for write in zoom_log(vendor_of(abroad))
    )
    sent = [n for n, entry in enumerate(found) if entry["kind"] == "change.sent"]
    done = [n for n, entry in enumerate(found) if entry["kind"] == "change.done"]
    assert len(sent) == len(done) == 2
    for number, write in enumerate(found):
        if write["kind"] == "call" and write["detail"]["method"] != "GET":
            assert any(n < number for n in sent) or write["detail"]["label"] == "oauth"
            assert any(n > number for n in done)
    assert found[-1]["kind"] == "run.ended"
    run = {entry["run"] for entry in found if entry["kind"] in ("call", "change.sent", "run.ended")}
    assert len(run) == 1


def test_a_change_on_record_says_what_and_whom_and_not_what_it_sets(abroad: Installation) -> None:
    for command in ("approve", "apply"):
        assert abroad.run(command, "1").status == 0

    done = [entry for entry in entries(abroad) if entry["kind"] == "change.done"]

    assert {(e["detail"]["change"], e["detail"]["user"]) for e in done} == {
        ("user.create", "user2@example.org"),
        ("license.assign", "user2@example.org"),
    }
    assert all(set(e["detail"]) <= {"change", "user", "id", "reason"} for e in done)


def test_what_was_asked_of_the_vendor_about_a_person_is_theirs(abroad: Installation) -> None:
    for command in ("approve", "apply"):
        assert abroad.run(command, "1").status == 0

    theirs = entries(abroad, "--user", "user2@example.org")

    assert {"change.sent", "change.done", "call", "plan.approved"} <= set(kinds(theirs))
    assert "user1" not in json.dumps([e for e in theirs if e["kind"] != "plan.made"])


def test_an_inventory_is_on_record(abroad: Installation) -> None:
    before = len(entries(abroad))

    abroad.run("inventory")

    found = entries(abroad)[before:]
    assert found[-1]["kind"] == "inventory.written"
    assert found[-1]["detail"]["users"] == 1
    assert ("GET", "/v2/phone/users") in {(c["method"], c["path"]) for c in calls_in(found)}


def test_what_an_operator_let_through_is_on_record(emea: Installation) -> None:
    emea.people([*staff(2), *staff(3, active="false")[2:]])
    emea.configure(limits={"removals": 0})
    emea.plan(status=3)

    assert emea.run("apply", "2", "--allow-removals", "1").status == 0

    started = [entry["detail"] for entry in entries(emea) if entry["kind"] == "run.started"]
    assert "allow_removals" not in started[0]
    assert started[1]["allow_removals"] == 1


def test_why_a_run_was_stopped_is_on_record(emea: Installation) -> None:
    emea.people([*staff(3), person(4)])
    plan = emea.plan()["id"]
    assert emea.run("approve", plan).status == 0
    (emea.folder / "phone.jsonl").unlink()

    assert emea.run("apply", plan).status == 1

    ended = entries(emea)[-1]
    assert (ended["kind"], ended["detail"]["status"]) == ("run.ended", 1)
    assert "phone.jsonl" in ended["detail"]["summary"]["error"]


def test_no_secret_is_anywhere_in_the_store(abroad: Installation) -> None:
    for command in ("approve", "apply"):
        assert abroad.run(command, "1").status == 0
    abroad.write("token", f"{TOKEN}-that-is-wrong")
    assert abroad.run("plan").status == 1

    failed = entries(abroad)[-1]
    assert (failed["kind"], failed["sync"]) == ("plan.failed", "emea")
    store = b"".join(path.read_bytes() for path in abroad.folder.glob("store.db*"))
    assert b"/v2/phone/users" in store
    for secret in (SECRET, TOKEN, "Bearer", "Basic "):
        assert secret.encode() not in store
