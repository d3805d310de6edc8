"""The connector against a mock server of Graph's own file: nobody's whom we know.

It answers with values made from the file's schemas, and refuses what the file doesn't allow. What made-up
values can't know is put right on the way: a list's next page is nowhere, products are ones that exist, a
batch's requests are asked one by one, and an order for a number ends.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
import requests

from connectors.phone import teams
from connectors.phone.teams import TeamsPhone
from connectors.records import Change, Outcome
from provisioner.http import new_session
from tests.connectors.phone.prism import Calls, mock, needs_prism, outside
from tests.graph_watch import plain

PHONE_SKU, DOMESTIC_SKU, CREDITS_SKU, E5_SKU = (
    "e43b5b99-8dfb-405f-9987-dc307f34bcbd",
    "0dab259f-bf13-4952-b7f8-7db8f131b28d",
    "47794cd0-f0e5-45c5-9033-2eb6b5fc84e0",
    "06ebc4ee-1bb5-47dd-8120-11324bc54e06",
)
DOMESTIC = "Skype for Business PSTN Domestic Calling"
NUMBERS = "/admin/teams/telephoneNumberManagement"
AUTHORIZATION = {"Authorization": "Bearer t"}

pytestmark = needs_prism


class Mocked(Calls):
    """The connector, and every request that it sent to the mock; `held`: what everybody holds."""

    def __init__(self, url: str, *held: str) -> None:
        super().__init__("graph")
        self._url, self._held = url, held
        session = new_session()
        session.hooks["response"].append(self._noted)

        given = {
            "tenant_id": "t",
            "client_id": "c",
            "client_secret": "s",
            "api_url": url,
            "token_url": f"{url}/t/oauth2/v2.0/token",
            "usage_location": "DE",
            "accounts": True,
            "limits": "unlimited",
        }
        self.phone: TeamsPhone = teams.connect(teams.Config().load(given), outside(session))

    def _noted(self, response: requests.Response, **_: Any) -> None:
        request = response.request
        path = urlsplit(request.url or "").path
        if path == "/$batch":
            self._batch(response)
            return
        self.note(str(request.method), plain(unquote(path)), response)
        if path.endswith(("/assignNumber", "/unassignNumber")):
            response.headers["Location"] = f"{self._url}{NUMBERS}/operations/o1"
        if response.content:
            with suppress(ValueError):
                told = self._put_right(unquote(path), response.json())
                response._content = json.dumps(told).encode()

    def _batch(self, response: requests.Response) -> None:
        """Ask a batch's requests one by one, as the mock can't know which answer is whose."""
        self.note("POST", "/$batch", response)
        answers = []
        for item in json.loads(response.request.body or "{}")["requests"]:
            told = requests.request(
                item["method"],
                self._url + item["url"],
                json=item.get("body"),
                headers=AUTHORIZATION,
                timeout=10,
            )
            path = unquote(urlsplit(item["url"]).path)
            self.note(item["method"], plain(path), told)
            answer: dict[str, Any] = {"id": item["id"], "status": told.status_code}
            if told.content:
                answer["body"] = self._put_right(path, told.json())
            if path == "/users" and item["method"] == "GET":
                answer["body"]["value"] = []  # nobody has the mail address that is asked for
            if "assignmentTargetId" in item["url"]:
                for number in answer["body"]["value"]:
                    number["assignmentTargetId"] = "u1"  # whom the filter asks for
            answers.append(answer)
        response.status_code = 200
        response._content = json.dumps({"responses": answers}).encode()

    def _put_right(self, path: str, answer: Any) -> Any:
        if not isinstance(answer, dict):
            return answer
        answer.pop("@odata.nextLink", None)
        value = answer.get("value")
        entries: list[dict[str, Any]] = value if isinstance(value, list) else [answer]
        for entry in entries:
            self._put_entry_right(path, entry)
        if path == "/subscribedSkus":
            first = entries[0] | {"appliesTo": "User", "capabilityStatus": "Enabled"}
            skus = (PHONE_SKU, DOMESTIC_SKU, CREDITS_SKU)
            answer["value"] = [first | {"skuId": sku} for sku in skus]
        if "/operations/" in path:
            operation = answer.get("value", answer)
            operation["status"] = "succeeded"
        return answer

    def _put_entry_right(self, path: str, entry: dict[str, Any]) -> None:
        if path.startswith(("/users", "/directory")):
            entry["id"] = "u1"
            entry["assignedLicenses"] = [{"skuId": sku, "disabledPlans": []} for sku in self._held]
            entry["licenseAssignmentStates"] = []
            entry["usageLocation"] = "DE"
        if path.startswith("/admin/teams/userConfigurations"):
            entry["id"] = "u1"  # a mock doesn't know who was asked for
        if path.startswith(f"{NUMBERS}/numberAssignments"):
            entry |= {"telephoneNumber": "+12065550100", "assignmentStatus": "unassigned"}
            entry["capabilities"] = ["userAssignment"]

    def carry_out(self, *changes: Change) -> list[Outcome]:
        """Carry the changes out to the end."""
        return list(self.phone.carry_out(changes))


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """The address of the mock, ready."""
    with mock("graph") as address:
        yield address


def change(kind: str, after: Any = None, before: Any = None) -> Change:
    return Change(
        seq=1, kind=kind, before=before, after=after, user="eva@example.org", key="eva", id="u1"
    )


def test_the_mock_refuses_what_the_file_does_not_allow(url: str) -> None:
    answer = requests.post(
        f"{url}/users/u1/assignLicense",
        json={"addLicenses": "a word"},
        headers=AUTHORIZATION,
        timeout=10,
    )

    assert answer.status_code in (400, 422)
    assert "sl-violations" in answer.headers


def test_everything_that_is_read_is_understood(url: str) -> None:
    mocked = Mocked(url, PHONE_SKU)

    catalog = mocked.phone.catalog()
    users = list(mocked.phone.read())
    again = list(mocked.phone.read_some(users[:1]))
    mocked.phone.check()

    assert mocked.refused() == []
    assert catalog.packages is not None
    assert DOMESTIC in catalog.packages
    assert [user.license for user in users] == ["teams_phone"]
    assert again
    assert mocked.operations() >= {
        "GET /users",
        "GET /users/{user-id}",
        "GET /subscribedSkus",
        "GET /directory/deletedItems/microsoft.graph.user",
        "GET /admin/teams/userConfigurations",
        "GET /admin/teams/telephoneNumberManagement/numberAssignments",
    }


LICENSE = "POST /users/{user-id}/assignLicense"
WRITES = [
    ("license.assign", None, "teams_phone", (), LICENSE),
    ("license.remove", "teams_phone", None, (PHONE_SKU,), LICENSE),
    ("license.remove", "Microsoft 365 E5", None, (E5_SKU,), LICENSE),
    ("package.assign", None, DOMESTIC, (PHONE_SKU,), LICENSE),
    ("package.remove", DOMESTIC, None, (PHONE_SKU, DOMESTIC_SKU), LICENSE),
    ("credit.assign", False, True, (PHONE_SKU,), LICENSE),
    ("profile.update", None, {"department": "Sales", "usage_location": "FR"}, (), "PATCH /users/{user-id}"),
    ("template.apply", None, "Office", (PHONE_SKU,), "POST /admin/teams/policy/userAssignments/assign"),
    ("number.assign", None, "+12065550100", (PHONE_SKU,), f"POST {NUMBERS}/numberAssignments/assignNumber"),
    ("user.create", None, "eva@example.org", (), "POST /users"),
    ("user.deactivate", None, None, (), "PATCH /users/{user-id}"),
    ("user.trash", None, None, (), "DELETE /users/{user-id}"),
    ("user.delete", None, None, (), "DELETE /directory/deletedItems/{directoryObject-id}"),
    ("user.restore", None, None, (), "POST /directory/deletedItems/{directoryObject-id}/restore"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "before", "after", "held", "operation"), WRITES, ids=lambda v: str(v)[:40]
)
def test_every_kind_of_change_is_a_request_that_the_file_allows(
    url: str, kind: str, before: Any, after: Any, held: tuple[str, ...], operation: str
) -> None:
    mocked = Mocked(url, *held)

    outcomes = mocked.carry_out(change(kind, after, before))

    assert mocked.refused() == []
    assert [o.state for o in outcomes] in (["done"], ["settling"]), outcomes
    assert operation in mocked.operations(), (outcomes, mocked.operations())
