"""The history of runs and plans, in every format of a report."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from provisioner.report import FORMATS
from provisioner.report.history import write_history
from provisioner.store.reviews import Review
from provisioner.store.runs import PlanRow, RunRow
from tests.provisioner.report.plans import NASTY

AT = datetime(2026, 11, 23, 9, tzinfo=UTC)


def a_run(status: int | None = 0, sync: str = "emea") -> RunRow:
    ended = None if status is None else AT + timedelta(seconds=75)
    return RunRow("r1", sync, "118", "plan", AT, ended, status, {"changes": 3})


def a_row(sync: str = "emea") -> PlanRow:
    return PlanRow("118", sync, AT, "full", "eva", {"done": 2, "held": 1})


def history(format: str, runs: Sequence[RunRow] = (), plans: Sequence[PlanRow] = ()) -> str:
    out = io.StringIO(newline="")
    write_history(runs, plans, format, out)
    return out.getvalue()


@pytest.mark.parametrize(
    ("status", "words"),
    [(0, "done"), (1, "failed"), (3, "refused or held"), (5, "done in part"), (None, "running")],
)
def test_how_a_run_ended_is_said_in_words(status: int | None, words: str) -> None:
    assert history("text", [a_run(status)]).splitlines()[2].endswith(words)


def test_text_shows_when_a_run_started_and_how_long_it_took() -> None:
    line = history("text", [a_run()]).splitlines()[2]

    assert "2026-11-23T09:00:00Z  75 s" in line


def test_a_plan_is_shown_with_its_states_and_who_approved_it() -> None:
    assert "eva          2 done, 1 held" in history("text", [], [a_row()])


def reviewed(*reviews: Review, lacking: int = 0) -> PlanRow:
    return PlanRow("118", "emea", AT, "full", None, {"planned": 3}, reviews, lacking)


def review(decision: str, by: str, *only: str) -> Review:
    return Review(decision, by, AT, AT + timedelta(days=14), only, 3)


@pytest.mark.parametrize(
    ("plan", "said"),
    [
        (reviewed(), "nobody"),
        (reviewed(review("approved", "eva", "c1"), review("approved", "jan")), "eva (c1), jan"),
        (reviewed(review("approved", "eva"), lacking=2), "eva; 2 wait for a second"),
        (reviewed(review("approved", "eva"), review("rejected", "zoe")), "rejected by zoe"),
        (reviewed(review("rejected", "zoe"), review("approved", "zoe")), "zoe"),
        (reviewed(review("approved", "eva"), review("rejected", "zoe", "c2")), "eva, rejected by zoe (c2)"),
    ],
)  # fmt: skip
def test_a_plan_is_shown_with_all_who_reviewed_it(plan: PlanRow, said: str) -> None:
    assert f"full   {said} " in history("text", [], [plan])


def test_json_holds_each_review() -> None:
    document = json.loads(history("json", [], [reviewed(review("approved", "eva", "c1"))]))

    assert document["plans"][0]["reviews"] == [
        {
            "decision": "approved",
            "by": "eva",
            "at": "2026-11-23T09:00:00Z",
            "until": "2026-12-07T09:00:00Z",
            "only": ["c1"],
            "changes": 3,
        }
    ]


def test_json_holds_both_lists() -> None:
    document = json.loads(history("json", [a_run(None)], [a_row()]))

    assert (document["runs"][0]["ended_at"], document["runs"][0]["status"]) == (None, None)
    assert document["plans"][0]["states"] == {"done": 2, "held": 1}


def test_each_json_line_says_what_it_is() -> None:
    lines = history("jsonl", [a_run()], [a_row()]).splitlines()

    assert [json.loads(line)["what"] for line in lines] == ["run", "plan"]


def test_csv_has_one_header_for_both() -> None:
    header, *rows = csv.reader(io.StringIO(history("csv", [a_run()], [a_row()]), newline=""))

    assert [dict(zip(header, row, strict=True))["what"] for row in rows] == ["run", "plan"]


@pytest.mark.parametrize("format", FORMATS)
def test_an_empty_history_can_be_shown(format: str) -> None:
    assert history(format).endswith("\n") or format == "jsonl"


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("text", NASTY)
def test_no_nasty_text_reaches_a_terminal(format: str, text: str) -> None:
    out = history(format, [a_run(sync=text)], [a_row(sync=text)])

    out.encode()
    assert not set(out) & {"\x1b", "\x9b", "\u202e"}
    assert "<script>window" not in out or format in ("text", "json", "jsonl", "csv", "markdown")


def test_an_unknown_format_is_refused() -> None:
    with pytest.raises(ValueError, match="pdf"):
        history("pdf")
