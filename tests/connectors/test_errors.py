"""How long an answer asks to wait: in seconds or until a date, and never for longer than a day."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from connectors.errors import LONGEST_PAUSE_S, pause_s

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("retry_after", "said_at", "seconds"),
    [
        ("7", "", 7),
        (" 7 ", "Mon, 23 Nov 2026 08:00:00 GMT", 7),
        ("0", "", 0),
        ("Mon, 23 Nov 2026 09:00:30 GMT", "", 30),
        ("Mon, 23 Nov 2026 09:00:30 GMT", "Mon, 23 Nov 2026 09:00:10 GMT", 20),
        ("Monday, 23-Nov-26 09:00:30 GMT", "", 30),
        ("Mon Nov 23 09:00:30 2026", "", 30),
        ("Mon, 23 Nov 2026 10:00:30 +0100", "", 30),
        ("Mon, 23 Nov 2026 08:59:00 GMT", "", 0),
        ("Mon, 23 Nov 2026 09:00:30 GMT", "not a date", 30),
    ],
)
def test_seconds_and_dates_of_all_three_forms_are_read(
    retry_after: str, said_at: str, seconds: float
) -> None:
    assert pause_s(retry_after, said_at, NOW) == seconds


@pytest.mark.parametrize("text", ["999999999999", "Fri, 31 Dec 9999 23:59:59 GMT", "86401"])
def test_nobody_is_believed_to_ask_for_more_than_a_day(text: str) -> None:
    assert pause_s(text, "", NOW) == LONGEST_PAUSE_S


@pytest.mark.parametrize(
    "text", ["", "soon", "-5", "1.5", "١٢", "Mon, 99 Nov 2026 09:00:00 GMT", "9" * 40 + " Nov 2026"]
)
def test_what_cannot_be_read_asks_for_nothing(text: str) -> None:
    assert pause_s(text, "", NOW) is None
