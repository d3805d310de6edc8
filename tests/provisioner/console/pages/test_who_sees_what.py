"""Operators who may only look, or see one sync only: what they can't have isn't on any page."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.provisioner.console.pages.visited import HOST, Visit, elements, words
from tests.scenarios.installation import Installation, phone_users, staff

PAGES = [
    "/", "/plans", "/plans/1", "/plans/1/changes", "/plans/1/decide?decision=approved", "/plans/1/apply",
    "/runs", "/people?text=user", "/manual", "/quarantine", "/syncs/emea",
]  # fmt: skip


@pytest.fixture
def emea(tmp_path: Path) -> Installation:
    """Two syncs, each with a plan: 1 of emea, 2 of apac."""
    emea = Installation(tmp_path)
    emea.people(staff(4))
    emea.phone(phone_users(3))
    syncs = {"emea": emea.sync, "apac": emea.sync | {"manages": 'kind eq "common_area"'}}
    server = {"console": {"sign_in": "token"}}
    document = {"version": 1, "store": "sqlite:///store.db", "server": server, "syncs": syncs}
    emea.yaml("config.yaml", document)
    for sync in syncs:
        emea.run("plan", "--sync", sync)
    return emea


def shown_to(emea: Installation, *options: str) -> Visit:
    """Return the console as the bearer of a token with these options sees it."""
    ran = emea.run("token create --console --name eva", *options)
    assert ran.status == 0, ran.said
    visit = Visit(emea)
    visit.client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {ran.out.strip()}"
    return visit


@pytest.mark.parametrize("path", PAGES)
def test_whoever_may_only_look_has_no_form_that_changes_anything(
    emea: Installation, path: str
) -> None:
    page = shown_to(emea, "--scope", "read").get(path)

    assert [form for form in elements(page, "form") if form.get("method") == "post"] == []
    assert "ticked" not in page


@pytest.mark.parametrize("path", PAGES)
def test_whoever_decides_gives_no_name_beside_their_own(emea: Installation, path: str) -> None:
    page = shown_to(emea).get(path)

    assert [each for each in elements(page, "input") if each.get("name") == "by"] == []


def test_of_another_sync_nothing_is_on_any_page(emea: Installation) -> None:
    visit = shown_to(emea, "--sync", "emea")

    for path in PAGES:
        assert "apac" not in words(visit.get(path)), path
    for path in (
        "/plans/2",
        "/plans/2/changes",
        "/plans/2/report",
        "/syncs/apac",
        "/plans?sync=apac",
    ):
        answer = visit.client.get(path, headers=HOST)
        assert answer.status_code == 404, path
