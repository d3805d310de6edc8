"""The connector against a mock server of Zoom's own file: nobody's whom we know.

It answers with the file's examples, and refuses what the file doesn't allow. What examples can't know is
put right on the way: lists promise pages that nobody has, and everybody who is asked for is the same user.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import count
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
import requests
from requests.adapters import BaseAdapter

from connectors.phone import zoom
from connectors.phone.zoom import ZoomPhone
from connectors.records import Change, Outcome
from provisioner.http import new_session
from tests.connectors.phone.prism import Calls, mock, needs_prism, outside

TOKEN_URL = "https://token.test/oauth/token"
PLAN, SITE, TEMPLATE = (
    "US/CA Metered Calling Plan",
    "ApiTA_Site_2020_07_12_00_41_57_141",
    "user_template",
)
"""Names that the file's examples have."""
EXTENSION = 4077
"""Everybody's, wherever it is shown."""
NEW = "new@example.org"
"""Nobody, though the mock has an example of everybody."""

pytestmark = needs_prism


class Tokens(BaseAdapter):
    """Gives an access token to whoever asks: the file has no operation for that."""

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        response = requests.Response()
        response.status_code, response.request, response.url = 200, request, str(request.url)
        response._content = json.dumps({"access_token": "t", "expires_in": 3600}).encode()
        return response

    def close(self) -> None:
        """Nothing is open."""


class Mocked(Calls):
    """The connector, and every request that it sent to the mock."""

    def __init__(self, url: str, **config: Any) -> None:
        super().__init__("zoom")
        session = new_session()
        session.mount("https://token.test", Tokens())
        session.hooks["response"].append(self._noted)

        given = {"account_id": "a", "client_id": "c", "client_secret": "s"}
        loaded = zoom.Config().load(given | {"api_url": url, "token_url": TOKEN_URL, **config})
        self.phone: ZoomPhone = zoom.connect(loaded, outside(session))

    def _noted(self, response: requests.Response, **_: Any) -> None:
        request = response.request
        path = urlsplit(request.url or "").path
        if path == urlsplit(TOKEN_URL).path:
            return
        template = self.note(str(request.method), path, response)
        if request.method == "GET" and response.ok:
            asked = unquote(path.rpartition("/")[2])
            if asked == NEW:
                response.status_code, told = 404, {"code": 1001, "message": "User does not exist."}
            else:
                told = _put_right(response.json(), template, asked)
            response._content = json.dumps(told).encode()

    def carry_out(self, *changes: Change) -> list[Outcome]:
        """Carry the changes out to the end."""
        return list(self.phone.carry_out(changes))


def _put_right(answer: Any, template: str, asked: str) -> Any:
    """Return a list's page as the only one, and a user as the one who was asked for."""
    if "next_page_token" in answer:
        lists = [value for value in answer.values() if isinstance(value, list)]
        for entry in (entry for each in lists for entry in each if "extension_number" in entry):
            entry["extension_number"] = EXTENSION
        return answer | {"next_page_token": "", "total_records": len(lists[0]) if lists else 0}
    if template.endswith("/{userId}"):
        answer = answer | {"email" if "@" in asked else "id": asked}
    if "extension_number" in answer:
        answer = answer | {"extension_number": EXTENSION}
    return answer


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """The address of the mock, ready."""
    with mock("zoom") as address:
        yield address


_seq = count(1)


def change(kind: str, after: Any = None, before: Any = None, **members: Any) -> Change:
    given = {"user": "eva@example.org", "key": "eva", "id": "eva-id"} | members
    return Change(seq=next(_seq), kind=kind, before=before, after=after, **given)


def test_the_mock_refuses_what_the_file_does_not_allow(url: str) -> None:
    mocked = Mocked(url)
    wrong = {"calling_plans": [{"type": "a word"}]}

    answer = requests.post(
        f"{url}/phone/users/x/calling_plans",
        json=wrong,
        headers={"Authorization": "Bearer t"},
        timeout=10,
    )

    assert (answer.status_code, "sl-violations" in answer.headers) == (400, True)
    assert mocked.calls == []


def test_everything_that_is_read_is_understood(url: str) -> None:
    mocked = Mocked(url, job_titles=True)

    catalog = mocked.phone.catalog()
    users = list(mocked.phone.read())
    again = list(mocked.phone.read_some(users[:2]))
    mocked.phone.check()

    assert mocked.refused() == []
    assert catalog.packages is not None
    assert PLAN in catalog.packages
    assert catalog.sites == (SITE,)
    assert users
    assert again
    assert mocked.operations() >= {
        "GET /users",
        "GET /users/{userId}",
        "GET /phone/users",
        "GET /phone/users/{userId}",
        "GET /phone/rooms",
        "GET /phone/common_areas",
        "GET /phone/calling_plans",
        "GET /phone/sites",
        "GET /phone/setting_templates",
        "GET /phone/numbers",
        "GET /phone/settings",
    }


WRITES = [
    ("user.invite", {"after": NEW, "id": None}, "POST /users"),
    ("user.activate", {}, "PUT /users/{userId}/status"),
    ("user.deactivate", {}, "PUT /users/{userId}/status"),
    ("user.delete", {}, "DELETE /users/{userId}"),
    ("profile.update", {"after": {"display_name": "Eva", "department": "Sales"}}, "PATCH /users/{userId}"),
    ("profile.update", {"after": {"email": "e@example.org"}}, "PUT /users/{userId}/email"),
    ("license.remove", {"before": "zoom_phone"}, "PATCH /users/{userId}"),
    ("package.assign", {"after": PLAN}, "POST /phone/users/{userId}/calling_plans"),
    ("package.assign", {"before": "Beta", "after": PLAN}, "PUT /phone/users/{userId}/calling_plans"),
    ("package.remove", {"before": PLAN}, "DELETE /phone/users/{userId}/calling_plans/{planType}"),
    ("template.apply", {"after": TEMPLATE}, "PATCH /phone/users/{userId}"),
    ("site.set", {"after": SITE}, "PUT /phone/users/batch"),
    ("extension.set", {"after": "4077"}, "PATCH /phone/users/{userId}"),
    ("number.assign", {"after": "+12058945456"}, "POST /phone/users/{userId}/phone_numbers"),
    ("number.release", {"before": "+12058945456"}, "DELETE /phone/users/{userId}/phone_numbers/{phoneNumberId}"),
    ("delegate.add", {"after": "jan@example.org"}, "POST /phone/users/{userId}/settings/{settingType}"),
    ("delegate.remove", {"before": "jan@example.org"}, "DELETE /phone/users/{userId}/settings/{settingType}"),
    ("delegation.set", {"after": "Place Calls, Answer Calls"}, "PATCH /phone/users/{userId}/settings/{settingType}"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "members", "operation"), WRITES, ids=lambda v: str(v)[:40])
def test_every_kind_of_change_is_a_request_that_the_file_allows(
    url: str, kind: str, members: dict[str, Any], operation: str
) -> None:
    mocked = Mocked(url, leave="disassociate")

    outcomes = mocked.carry_out(change(kind, **members))

    assert mocked.refused() == []
    assert operation in mocked.operations(), (outcomes, mocked.operations())
