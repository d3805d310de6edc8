"""Identity providers at the receiver's door: real processes, real HTTP, and what is on record afterwards."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests

from connectors.directory.scim_endpoint import Config, connect
from connectors.records import Outside, Person
from provisioner.http import make_http
from provisioner.rates import Limiter
from tests.provisioner.store.made import KINDS, database
from tests.provisioner.web.served import PATIENCE_S, Pushed

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks into /proc")

PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"


class Provider:
    """A provider's connector: one kept connection, one token."""

    def __init__(self, url: str, token: str) -> None:
        self.url = f"{url}/scim/v2"
        self.session = requests.Session()
        self.session.headers["Authorization"] = f"Bearer {token}"

    def __call__(self, method: str, path: str, body: Any = None, status: int = 200) -> Any:
        answer = self.session.request(method, self.url + path, json=body, timeout=PATIENCE_S)
        assert answer.status_code == status, answer.text
        return answer.json() if answer.content else None

    def user(self, name: str, **more: Any) -> str:
        return str(self("POST", "/Users", {"userName": name, **more}, 201)["id"])

    def patch(self, path: str, op: str, at: str | None, value: Any, status: int) -> Any:
        operation = {"op": op, "path": at, "value": value}
        told = {name: each for name, each in operation.items() if each is not None}
        return self("PATCH", path, {"schemas": [PATCH], "Operations": [told]}, status)

    def found(self, kind: str, filter: str) -> list[Any]:
        answer = self.session.get(
            f"{self.url}/{kind}", params={"filter": filter}, timeout=PATIENCE_S
        )
        assert answer.status_code == 200, answer.text
        resources: list[Any] = answer.json()["Resources"]
        return resources


@pytest.fixture(params=KINDS)
def pushed(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Pushed]:
    with database(request.param, tmp_path) as url:
        store = url if request.param == "postgresql" else "sqlite:///store.db"
        yield Pushed(tmp_path, store, workers=3)


def test_entras_way_from_a_joiner_to_a_leaver(pushed: Pushed) -> None:
    with pushed.running() as running:
        entra = Provider(running.url, pushed.token())
        assert entra.found("Users", 'externalId eq "e1"') == []
        eva = entra.user("eva@example.org", externalId="e1", active=True)
        group = entra("POST", "/Groups", {"displayName": "Phone Users", "members": []}, 201)["id"]
        entra.patch(f"/Groups/{group}", "Add", "members", [{"value": eva}], 204)
        (found,) = entra.found("Groups", f'id eq "{group}" and members eq "{eva}"')
        assert found["displayName"] == "Phone Users"
        assert entra("GET", f"/Users/{eva}")["groups"][0]["display"] == "Phone Users"

        renamed = entra.patch(f"/Users/{eva}", "Replace", "userName", "eva.nova@example.org", 200)
        assert renamed["id"] == eva
        assert [u["id"] for u in entra.found("Users", 'userName eq "EVA.NOVA@example.org"')] == [
            eva
        ]

        left = entra.patch(f"/Users/{eva}", "Replace", "active", "False", 200)
        assert left["active"] is False
        entra("DELETE", f"/Users/{eva}", status=204)
        entra("DELETE", f"/Users/{eva}", status=404)
        assert entra("GET", f"/Groups/{group}")["members"] == []


def test_many_at_once_lose_no_member_and_no_name(pushed: Pushed) -> None:
    with pushed.running() as running:
        token = pushed.token()
        first = Provider(running.url, token)
        group = first("POST", "/Groups", {"displayName": "Everybody"}, 201)["id"]
        made: list[str] = []
        taken: list[int] = []

        def work(number: int) -> None:
            provider = Provider(running.url, token)
            for n in range(10):
                id = provider.user(f"u{number}-{n}")
                made.append(id)
                provider.patch(f"/Groups/{group}", "add", "members", [{"value": id}], 204)
                body = {"userName": f"Common-{n}"}
                answer = provider.session.post(
                    f"{provider.url}/Users", json=body, timeout=PATIENCE_S
                )
                taken.append(answer.status_code)

        threads = [threading.Thread(target=work, args=[n]) for n in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        members = {each["value"] for each in first("GET", f"/Groups/{group}")["members"]}
        assert members == set(made)
        assert len(made) == 60
        assert sorted(taken) == [201] * 10 + [409] * 50
        assert first("GET", "/Users?count=0")["totalResults"] == 70


def test_what_was_acknowledged_is_there_after_everything_is_killed(pushed: Pushed) -> None:
    token, made = pushed.token(), list[str]()
    with pushed.running() as running:

        def work(number: int) -> None:
            provider = Provider(running.url, token)
            with_mail = {"emails": [{"value": f"{number}@example.org"}]}
            try:
                for n in range(10_000):
                    made.append(provider.user(f"u{number}-{n}", **with_mail))
            except requests.RequestException:
                return

        threads = [threading.Thread(target=work, args=[n]) for n in range(4)]
        for thread in threads:
            thread.start()
        while len(made) < 150:
            threads[0].join(0.01)
        for pid in [running.process.pid, *running.below()]:
            os.kill(pid, signal.SIGKILL)
        for thread in threads:
            thread.join()

    with pushed.running() as running:
        provider = Provider(running.url, token)
        total = provider("GET", "/Users?count=0")["totalResults"]
        there, cursor = set[str](), ""
        while cursor is not None:
            page = provider("GET", f"/Users?count=500&cursor={cursor}&attributes=id")
            there |= {each["id"] for each in page["Resources"]}
            cursor = page.get("nextCursor")

    assert set(made) <= there
    assert len(there) == total <= len(made) + 4, "at most one for each that got no answer"


@pytest.mark.parametrize("pages", ["index", "cursor"])
def test_our_own_connector_reads_what_was_pushed(
    tmp_path: Path, pages: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    pushed = Pushed(tmp_path)
    with pushed.running() as running:
        token = pushed.token()
        provider = Provider(running.url, token)
        ids = [provider.user(f"u{n}", externalId=f"e{n}") for n in range(25)]
        members = [{"value": id} for id in ids[::2]]
        provider("POST", "/Groups", {"displayName": "Even", "members": members}, 201)
        outside = Outside(
            tmp_path,
            lambda account, rates: make_http(
                None, Limiter(), lambda seconds: None, account=account, rates=rates
            ),
            lambda: datetime.now(UTC),
            lambda seconds: None,
        )
        options = {"url": provider.url, "token": token, "pages": pages, "page_size": 4}
        directory = connect("pushed", Config().load(options), outside, None)

        people = [each for each in directory.read() if isinstance(each, Person)]

    assert [person.key for person in people] == [f"e{n}" for n in range(25)]
    assert [bool(person.resource.get("groups")) for person in people] == [
        n % 2 == 0 for n in range(25)
    ]


def test_a_proxys_word_is_taken_where_config_trusts_it(tmp_path: Path) -> None:
    pushed = Pushed(tmp_path, trusted_proxies=["127.0.0.1"])
    with pushed.running() as running:
        provider = Provider(running.url, pushed.token())
        for name, value in (("Proto", "https"), ("Host", "scim.example.org"), ("Prefix", "/idm")):
            provider.session.headers[f"X-Forwarded-{name}"] = value
        body = provider("POST", "/Users", {"userName": "eva"}, 201)

    assert body["meta"]["location"] == f"https://scim.example.org/idm/scim/v2/Users/{body['id']}"


def test_a_receiver_alone_needs_no_secret_of_the_phone_system(tmp_path: Path) -> None:
    pushed = Pushed(tmp_path)
    secret = {"env": "NOT_SET_WHERE_THE_RECEIVER_RUNS"}
    zoom = {"kind": "zoom", "account_id": "a", "client_id": "c", "client_secret": secret}
    pushed.emea.sync["phone_system"] = zoom
    pushed.configure()

    with pushed.running() as running:
        provider = Provider(running.url, pushed.token())
        assert provider.user("eva")
    assert "NOT_SET" in pushed.emea.shell("check").said


def test_nobody_without_a_token_for_it_learns_of_a_sync(tmp_path: Path) -> None:
    pushed = Pushed(tmp_path)
    with pushed.running() as running:
        token = pushed.token("--scope", "read")

        def asked(path: str, method: str = "GET", with_token: bool = True) -> requests.Response:
            headers = {"Authorization": f"Bearer {token}"} if with_token else {}
            url = f"{running.url}{path}"
            return requests.request(method, url, headers=headers, timeout=PATIENCE_S)

        assert asked("/scim/emea/v2/Users").status_code == 200
        assert asked("/scim/emea/v2/Users", "POST").status_code == 403
        unknown = asked("/scim/apac/v2/Users")
        assert (unknown.status_code, unknown.json()["status"]) == (404, "404")
        for path in ("/scim/emea/v2/Users", "/scim/apac/v2/Users", "/scim/v2/Schemas"):
            refused = asked(path, with_token=False)
            assert refused.status_code == 401
            assert refused.headers["WWW-Authenticate"].startswith("Bearer")
            assert refused.headers["Content-Type"] == "application/scim+json"
        for path in ("/scim/emea/v2", "/scim/apac/v2", "/scim/v2"):
            assert asked(f"{path}/ServiceProviderConfig", with_token=False).status_code == 200
        assert asked("/scim/v2/Nowhere").json()["status"] == "404"
        assert asked("/scim/v2/Users", "PUT").json()["status"] == "405"
