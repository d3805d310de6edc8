"""Snapshot lines into the simulated account and out of it."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provisioner.simulators.zoom import Options, SnapshotError, create_app, load_snapshot
from tests.provisioner.simulators.zoom.zoom_client import (
    UNLIMITED,
    Zoom,
    catalog,
    person,
    phone_user,
)

NAMES = st.text("abčdž éß-", min_size=1, max_size=12).map(str.strip).filter(bool)
WORDS = st.one_of(st.none(), NAMES)


@st.composite
def accounts(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Lines of a small account in which nothing clashes."""
    count = draw(st.integers(1, 6))
    lines: list[dict[str, Any]] = []
    for n in range(count):
        line: dict[str, Any] = {
            "id": f"p{n}",
            "key": draw(WORDS),
            "email": f"u{n}@example.org",
            "status": draw(st.sampled_from(["active", "inactive", "pending"])),
            "display_name": draw(NAMES),
            "department": draw(WORDS),
            "job_title": draw(WORDS),
            "role": draw(st.sampled_from(["member", "admin", "owner"])),
            "credits": draw(st.booleans()),
        }
        if line["status"] == "active" and draw(st.booleans()):
            line |= {
                "license": draw(st.sampled_from(["zoom_phone", "ZP_BASIC"])),
                "packages": draw(st.lists(st.sampled_from([UNLIMITED, "Brno Plan"]), unique=True)),
                "template": draw(WORDS),
                "site": draw(NAMES),
                "extension_number": str(4000 + n),
                "numbers": [f"+49{n}{i}" for i in range(draw(st.integers(0, 3)))],
                "delegate_privileges": draw(
                    st.sampled_from([["Answer Calls"], ["Place Calls", "Reply to SMS"]])
                ),
            }
        lines.append(line)
    phones = [line for line in lines if "license" in line]
    for line in phones:
        others = [other["email"] for other in phones if other is not line]
        line["delegates"] = draw(st.lists(st.sampled_from(others), unique=True)) if others else []
    return lines


@settings(max_examples=60, deadline=None)
@given(accounts())
def test_an_account_gives_back_what_was_loaded(lines: list[dict[str, Any]]) -> None:
    state = Zoom(lines).state()[1:]

    for given_line, got in zip(lines, state, strict=True):
        for member, value in given_line.items():
            if member == "packages":
                assert sorted(got[member]) == sorted(value)
            else:
                assert got[member] == value, member


@settings(max_examples=30, deadline=None)
@given(accounts())
def test_a_state_loaded_again_is_the_same_state(lines: list[dict[str, Any]]) -> None:
    state = Zoom(lines).state()

    assert Zoom(state).state() == state


def test_a_catalog_counts_the_pools() -> None:
    first = catalog(
        licenses={"zoom_phone": 7},
        packages={UNLIMITED: 5},
        templates=["Any", ["Office", "Munich"]],
        sites=["Munich"],
        numbers=["+4989", ["+4990", "Munich"]],
    )

    eva = phone_user("eva", site="Munich", packages=[], numbers=["+4990"])

    state = Zoom([first, eva]).state()

    assert state[0]["catalog"] == first["catalog"] | {
        "templates": [["Any", None], ["Office", "Munich"]],
        "numbers": [["+4989", None], ["+4990", "Munich"]],
    }


def test_a_plan_outside_the_table_always_gets_the_same_type() -> None:
    line = phone_user("eva", packages=["Brno Calling Plan"])

    types = {
        plan["type"]
        for zoom in (Zoom([line]), Zoom([phone_user("jan"), line]))
        for plan in zoom.get("/phone/calling_plans").json["calling_plans"]
        if plan["name"] == "Brno Calling Plan"
    }

    assert len(types) == 1
    assert types.pop() > 1_000_000


def test_a_delegate_whom_nobody_is_gets_named() -> None:
    zoom = Zoom(
        [phone_user("eva", delegates=["ghost@example.org", "jan@example.org"]), phone_user("jan")]
    )

    assert zoom.loaded == (2, (("id-eva", "ghost@example.org"),))
    assert zoom.line("eva@example.org")["delegates"] == ["jan@example.org"]


def test_a_phone_user_without_an_extension_number_gets_one() -> None:
    zoom = Zoom([phone_user("eva"), phone_user("jan", extension_number="20000")])

    assert zoom.line("eva@example.org")["extension_number"] == "20001"


def test_a_person_without_a_mail_address_stays_without_one_in_the_state() -> None:
    zoom = Zoom([{"id": "p1", "display_name": "Eva"}])

    assert zoom.get("/users").json["users"][0]["email"].endswith(".invalid")
    assert zoom.state()[1]["email"] is None


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        (['{"id": "p1"'], "line 1"),
        (['{"name": "p1"}'], "line 1"),
        (['{"id": "p1", "kind": "robot"}'], "line 1"),
        (
            ['{"id": "p1"}', "", '{"id": "p1", "email": "e@x.org"}'],
            "line 3: another line has this id",
        ),
        (
            ['{"id": "p1", "email": "E@x.org"}', '{"id": "p2", "email": "e@x.org"}'],
            "line 2: another user has this mail address",
        ),
        (
            [
                '{"id": "p1", "license": "zoom_phone", "extension_number": "4077"}',
                '{"id": "p2", "license": "zoom_phone", "extension_number": "4077"}',
            ],
            "line 2: another phone has this extension number",
        ),
        (
            [
                '{"id": "p1", "license": "zoom_phone", "numbers": ["+1"]}',
                '{"id": "p2", "license": "zoom_phone", "numbers": ["+1"]}',
            ],
            "line 2: another phone has the number +1",
        ),
        (['{"id": "p1", "license": "x", "extension_number": "12a"}'], "line 1: the extension"),
        (['{"id": "p1", "license": "x", "delegate_privileges": ["sing"]}'], "line 1: no such"),
    ],
)
def test_a_line_that_no_account_can_hold_is_named_and_nothing_is_loaded(
    lines: list[str], reason: str
) -> None:
    app = create_app(options=Options(rates=None))

    with pytest.raises(SnapshotError, match=re.escape(reason)):
        load_snapshot(app, lines)

    assert len(app.test_client().get("/_portal/state").text.splitlines()) == 1


def test_a_trashed_user_is_loaded_into_the_trash() -> None:
    zoom = Zoom([person("eva", status="trashed")])

    assert zoom.get("/phone/users").json["users"] == []
    assert zoom.get("/phone/users/id-eva").error == (404, 1001)
    assert zoom.line("eva@example.org")["status"] == "trashed"


def test_an_account_in_a_file_is_there_again_after_a_restart(tmp_path: Any) -> None:
    load_snapshot(create_app(tmp_path / "zoom.db"), [json.dumps(phone_user("eva"))])

    again = create_app(tmp_path / "zoom.db").test_client().get("/_portal/state").text

    assert '"id":"id-eva"' in again
