"""What others wrote into directories is only shown: on every page of a plan, and in what it leads to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from provisioner.console.desk import Desk
from provisioner.console.rows import Outline
from provisioner.plan.model import Plan
from provisioner.report.figures import visible
from provisioner.store.reviews import Review
from provisioner.store.runs import PlanRow
from tests.provisioner.console.pages.visited import Visit, elements, links
from tests.provisioner.report.plans import NASTY, nasty_plan
from tests.scenarios.installation import Installation

AT = datetime(2026, 11, 23, 9, tzinfo=UTC)


@dataclass
class _Sync:
    next_start: datetime | None = None


class Hostile(Desk):
    """A desk with one plan, in which everything that somebody else writes is one text."""

    def __init__(self, visit: Visit, plan: Plan, text: str) -> None:
        super().__init__(visit.desk._site)
        self._plan, self._text = plan, text

    def seen_by(self, syncs: frozenset[str] | None) -> Desk:
        return self

    def plan(self, plan_id: str) -> Plan:
        return self._plan

    def awaiting(self, plan: Plan) -> frozenset[int]:
        return frozenset({1})

    def by_two(self, plan: Plan) -> frozenset[int]:
        return frozenset({1})

    def outline(self, plan_id: str) -> Outline:
        review = Review("approved", self._text, AT, None, (self._text,), 1)
        row = PlanRow("118", self._text, AT, "full", self._text, {}, (review,))
        return Outline(self._plan, row, (), 1, False, (self._text,), None)

    def sync(self, name: str) -> Any:
        return _Sync()


PAGES = [
    "/plans/118",
    "/plans/118/changes",
    "/plans/118/changes?person=1",
    "/plans/118/decide?decision=approved",
    "/plans/118/decide?decision=approved&only=cluster:c1",
    "/plans/118/decide?decision=rejected&ticked=yes&person=1",
    "/plans/118/apply",
]


@pytest.mark.parametrize("text", [text for text in NASTY if text])
@pytest.mark.parametrize("path", PAGES)
def test_a_hostile_text_is_shown_and_not_obeyed(tmp_path: Path, path: str, text: str) -> None:
    visit = Visit(Installation(tmp_path))
    plan = nasty_plan(text)
    desk = Hostile(visit, plan, text)
    visit = Visit(Installation(tmp_path), desk=desk)

    page = visit.get(path)

    assert [str(each.get("src"))[:8] for each in elements(page, "script")] == ["/assets/"]
    assert elements(page, "img") == []
    assert visible(page, keep="\n") == page
    assert all(link.startswith(("/", "#")) for link in links(page))


def test_a_link_about_somebody_carries_their_key_as_it_is(tmp_path: Path) -> None:
    text = "one\ntwo\x1b & <b>"
    visit = Visit(Installation(tmp_path))
    visit = Visit(Installation(tmp_path), desk=Hostile(visit, nasty_plan(text), text))

    page = visit.get("/plans/118/decide?decision=rejected&ticked=yes&person=1")

    (form,) = [e for e in elements(page, "form") if "/decide?" in str(e["action"])]
    assert parse_qs(urlsplit(str(form["action"])).query)["only"] == [f"user:{text}"]
