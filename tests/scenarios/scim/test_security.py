"""Tokens, addresses and rates of a receiver as its operator sets them, while it runs."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import pytest

from tests.provisioner.web.served import PUSHED, Pushed, Running, soon
from tests.scenarios.scim.provider import Provider


@pytest.fixture
def pushed(tmp_path: Path) -> Pushed:
    return Pushed(tmp_path)


def of(pushed: Pushed, token: str, sync: str | None = None) -> Provider:
    return Provider(f"{pushed.url}/scim/{sync}/v2" if sync else f"{pushed.url}/scim/v2", token)


def test_a_token_that_is_replaced_works_on_for_the_overlap_and_no_longer(pushed: Pushed) -> None:
    first = pushed.token()
    with pushed.running():
        second = pushed.emea.shell("token rotate", "entra", "--overlap", "1h").out.strip()
        assert of(pushed, first)("GET", "/Users").status == 200
        assert of(pushed, second)("GET", "/Users").status == 200

        third = pushed.emea.shell("token rotate", "entra", "--overlap", "0s").out.strip()
        assert of(pushed, third)("GET", "/Users").status == 200
        refused = of(pushed, second)("GET", "/Users")

    assert refused.error == (401, None)
    assert 'error="invalid_token"' in refused.headers["WWW-Authenticate"]


def with_syncs(pushed: Pushed, running: Running, *names: str, default: str | None) -> None:
    """Have the receiver serve these syncs, one of them marked as the default."""
    before = set(running.all_workers())
    sync = pushed.emea.sync | {"directories": [PUSHED]}
    syncs: dict[str, Any] = {
        name: sync | ({"default": True} if name == default else {}) for name in names
    }
    server = {"bind": pushed.bind, "admin_bind": pushed.admin, "workers": 2, "threads": 4}
    document = {"version": 1, "store": pushed.store, "server": server, "syncs": syncs}
    pushed.emea.yaml("config.yaml", document)
    running.process.send_signal(signal.SIGHUP)
    soon(lambda: len(now := set(running.workers())) == 2 and not now & before)


def test_the_alias_stays_that_of_the_default_when_another_sync_is_added(pushed: Pushed) -> None:
    with pushed.running() as running:
        emea = pushed.token()
        id = of(pushed, emea).user("eva")["id"]

        with_syncs(pushed, running, "apac", "emea", default="emea")
        apac = pushed.token("--sync", "apac")
        assert of(pushed, emea)("GET", "/Users").ids == [id]
        assert of(pushed, emea, "emea")("GET", "/Users").ids == [id]
        assert of(pushed, apac)("GET", "/Users").error == (404, None)
        assert of(pushed, apac, "emea")("GET", f"/Users/{id}").error == (404, None)
        assert of(pushed, apac, "apac")("GET", "/Users").ids == []
        of(pushed, apac, "apac").user("eva")

        with_syncs(pushed, running, "apac", "emea", default=None)
        assert of(pushed, emea)("GET", "/Users").error == (404, None)
        assert of(pushed, emea, "emea")("GET", "/Users").ids == [id]


def test_each_token_has_a_rate_of_its_own_and_is_told_when_to_come_back(pushed: Pushed) -> None:
    pushed.configure(limits={"rate": "5/m"})
    hasty, calm = (pushed.emea.shell("token create", "--name", name).out.strip() for name in "ab")
    with pushed.running():
        replies = [of(pushed, hasty)("GET", "/Users", query="count=0") for _ in range(3)]
        other = of(pushed, calm)("GET", "/Users", query="count=0")

    assert [reply.status for reply in replies][-1] == 429
    assert 1 <= int(replies[-1].headers["Retry-After"]) <= 60
    assert other.status == 200


def test_an_oauth_client_pushes_with_what_it_is_given(pushed: Pushed) -> None:
    """Microsoft Entra and Okta ask so: client id and secret in the form, or in the header."""
    secret = pushed.token("--oauth")
    with pushed.running():
        door = Provider(f"{pushed.url}/oauth", None)
        for form, header in (
            (f"&client_id=entra&client_secret={secret}", None),
            ("", ("entra", secret)),
        ):
            body = f"grant_type=client_credentials{form}".encode()
            answer = door.session.post(
                f"{door.url}/token",
                data=body,
                headers={"Content-Type": "application/x-www-form-urlencoded"},
                auth=header,
                timeout=30,
            )
            assert answer.status_code == 200, answer.text
            assert answer.headers["Cache-Control"] == "no-store"
            granted = answer.json()["access_token"]
            assert of(pushed, granted)("GET", "/Users").status == 200
        assert of(pushed, secret)("GET", "/Users").error == (401, None), "a secret is no token"


def test_nothing_of_operators_is_on_the_public_address(pushed: Pushed) -> None:
    token = pushed.token()
    with pushed.running("daemon"):
        for path in ("/metrics", "/api", "/api/plans", "/", "/plans", "/scim", "/console"):
            assert Provider(pushed.url, token)("GET", path).error == (404, None)
