"""Zoom's operation log: what is asked for, how much of it, and what is made of what comes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectors.errors import ProvisionerError
from connectors.operations import Operation, OperationLog
from tests.connectors.phone.zoom.scripted_zoom import (
    Answer,
    ScriptedZoom,
    Sent,
    refusal,
    scripted_zoom,
)

LOG = "GET /phone/reports/operationlogs"
SINCE = datetime(2026, 11, 21, 8, 30, 15, 700_000, tzinfo=UTC)
IT = "it@example.org"


def entry(time: str, detail: str = "Edit User eva@example.org", **members: str) -> dict[str, str]:
    return {
        "action": "UPDATE", "category_type": "User", "operation_detail": detail, "operator": IT,
        "time": time, **members,
    }  # fmt: skip


def page(*entries: Any, token: str = "") -> Answer:
    return 200, {
        "operation_logs": list(entries), "next_page_token": token, "page_size": 300,
        "from": "2026-11-21", "to": "2026-11-23",
    }  # fmt: skip


def read(zoom: ScriptedZoom, since: datetime = SINCE) -> list[Operation]:
    return list(zoom.phone.operations(since))


def test_it_is_asked_by_days_with_the_largest_pages() -> None:
    with scripted_zoom() as zoom:
        zoom.on(LOG, page())

        assert read(zoom) == []
        assert [sent.query for sent in zoom.sent] == [
            {"from": "2026-11-21", "to": "2026-11-23", "page_size": "300"}
        ]


def test_a_month_is_the_most_that_is_asked_for() -> None:
    with scripted_zoom() as zoom:
        zoom.on(LOG, page(entry("2026-10-20T08:00:00Z"), entry("2026-10-25T08:00:00Z")))

        found = read(zoom, SINCE - timedelta(days=90))

        assert zoom.sent[0].query["from"] == "2026-10-24"
        assert [operation.at.day for operation in found] == [25]


def test_entries_of_before_are_left_out_to_the_second() -> None:
    with scripted_zoom() as zoom:
        times = ("2026-11-21T08:30:16Z", "2026-11-21T08:30:15Z", "2026-11-21T08:30:14Z")
        zoom.on(LOG, page(*map(entry, times)))

        assert [operation.at.second for operation in read(zoom)] == [16, 15]


def test_pages_are_followed_until_one_ends_before_that_moment() -> None:
    with scripted_zoom() as zoom:
        zoom.on(
            LOG,
            page(entry("2026-11-23T08:00:00Z"), entry("2026-11-22T08:00:00Z"), token="a"),
            page(entry("2026-11-21T09:00:00Z"), entry("2026-11-21T08:00:00Z"), token="b"),
        )

        assert len(read(zoom)) == 3
        assert [sent.query.get("next_page_token") for sent in zoom.sent] == [None, "a"]


def test_a_log_that_begins_with_the_oldest_is_read_on() -> None:
    with scripted_zoom() as zoom:
        zoom.on(
            LOG,
            page(entry("2026-11-21T07:00:00Z"), entry("2026-11-21T08:00:00Z"), token="a"),
            page(entry("2026-11-22T08:00:00Z")),
        )

        assert [operation.at.day for operation in read(zoom)] == [22]


def test_ten_pages_are_the_most_that_is_read() -> None:
    def endless(sent: Sent) -> Answer:
        return page(entry("2026-11-23T08:00:00Z"), token=f"t{len(zoom.sent)}")

    with scripted_zoom() as zoom:
        zoom.on(LOG, endless)

        assert len(read(zoom)) == 10
        assert len(zoom.sent) == 10


@pytest.mark.parametrize(
    ("category", "detail", "about"),
    [
        ("Calling Plan", "Assign Pro to Ext. 4077", {"number", "package"}),
        ("Phone Number", "Add BYOC +86 182 5188 5564", {"number"}),
        ("Extension", "Edit Ext. 4077", {"extension"}),
        ("User", "Edit User eva@example.org  - Site: from A to B", {"site"}),
        ("Delegation", "Add Eva(eva@example.org) to Jan", {"delegate", "delegation"}),
        ("extension_template", "Apply Office to Ext. 4077", {"template"}),
        ("Voicemail", "Delete the voicemail template of eva@example.org", set()),
        ("Device", "Add Device testDevice", set()),
        ("User", "Edit User eva@example.org  - Change Type: from Basic to Licensed", None),
        ("Something new", "Edit eva@example.org", None),
    ],
)
def test_category_and_words_tell_what_an_entry_is_about(
    category: str, detail: str, about: set[str] | None
) -> None:
    with scripted_zoom() as zoom:
        zoom.on(LOG, page(entry("2026-11-23T08:00:00Z", detail, category_type=category)))

        (found,) = read(zoom)

        assert found.about == (None if about is None else frozenset(about))


def test_a_license_that_goes_takes_what_hangs_on_it() -> None:
    with scripted_zoom() as zoom:
        detail = "Remove Zoom Phone license From Eva(eva@example.org)"
        zoom.on(LOG, page(entry("2026-11-23T08:00:00Z", detail)))

        (found,) = read(zoom)

        assert found.about is not None
        assert found.about >= {"license", "package", "number", "site", "delegate"}


def test_what_cannot_be_used_is_passed_over() -> None:
    whole = entry("2026-11-23 08:00:00", "Edit\nUser\u202e  eva@example.org\u0000")
    with scripted_zoom() as zoom:
        zoom.on(
            LOG,
            page(
                entry("yesterday"),
                entry("2026-11-23T08:00:00Z", operator=""),
                entry("2026-11-23T08:00:00Z", ""),
                entry("2026-11-23T08:00:00Z", "x" * 2001),
                {},
                whole,
            ),
        )

        assert [(o.detail, o.at) for o in read(zoom)] == [
            ("Edit User eva@example.org", datetime(2026, 11, 23, 8, tzinfo=UTC))
        ]


def test_what_our_own_app_did_is_left_out_where_config_names_it() -> None:
    entries = [entry("2026-11-23T08:00:00Z", operator=who) for who in ("App@example.org", IT)]
    with scripted_zoom(operator="app@example.org") as zoom:
        zoom.on(LOG, page(*entries))

        assert [operation.operator for operation in read(zoom)] == [IT]


@pytest.mark.parametrize(
    "answer",
    [
        refusal(400, 4711, "Invalid access token, does not contain scopes:[x]."),
        refusal(403, 403, "No permission."),
        refusal(404, 124, "Account does not exist: acme."),
        refusal(404, 2300, "This API endpoint is not recognized."),
        (503, None),
    ],
)
def test_a_log_that_cannot_be_read_is_an_error_of_ours(answer: Answer) -> None:
    with scripted_zoom() as zoom:
        zoom.on(LOG, answer)

        with pytest.raises(ProvisionerError):
            read(zoom)


def test_it_is_zooms_unless_config_wants_none_of_it() -> None:
    with scripted_zoom() as zoom, scripted_zoom(operation_log=False) as none:
        assert isinstance(zoom.phone, OperationLog)
        assert (zoom.phone.log, none.phone.log) == ("Zoom", None)
