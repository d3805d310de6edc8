"""Who is let in, and as whom: without signing in, by a token, by a session, by a proxy's word."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from werkzeug.test import TestResponse

from provisioner.console.attempts import FREE
from provisioner.console_config import ConsoleConfig
from provisioner.store.tokens import BELIEVED_S
from tests.provisioner.console.entered import Behind, bearer

HOUR = timedelta(hours=1)
TOKEN = ConsoleConfig(sign_in="token")
PROXY = ConsoleConfig(sign_in="proxy", user_header="X-Forwarded-User", proxies=("10.0.0.0/24",))
STRANGE = f"prov_{'0' * 12}_{'0' * 64}"


@pytest.fixture
def nobody(tmp_path: Path) -> Behind:
    return Behind(tmp_path)


@pytest.fixture
def token(tmp_path: Path) -> Behind:
    return Behind(tmp_path, TOKEN)


@pytest.fixture
def proxy(tmp_path: Path) -> Behind:
    return Behind(tmp_path, PROXY)


def of_proxy(behind: Behind, name: str, peer: str = "10.0.0.7", **headers: str) -> TestResponse:
    return behind.get(peer=peer, headers={"X-Forwarded-User": name, **headers})


def test_where_nobody_signs_in_everybody_decides_by_a_name_that_they_give(nobody: Behind) -> None:
    assert nobody.get().json == {"name": None, "may_decide": True, "syncs": None}
    assert nobody.post(json={"by": " eva "}).json == {"by": "eva"}


@pytest.mark.parametrize("by", [None, "", "  ", "e\nva", "x" * 201])
def test_nobody_decides_without_a_name(nobody: Behind, by: str | None) -> None:
    assert nobody.post(json={"by": by}).status_code == 400


def test_a_console_that_others_reach_asks_for_a_token_whatever_config_says(tmp_path: Path) -> None:
    behind = Behind(tmp_path, ConsoleConfig(sign_in="none"), admin_bind="0.0.0.0:8081")

    assert behind.get().status_code == 401
    assert behind.get(headers=bearer(behind.token())).status_code == 200


def test_a_token_says_who_asks_and_no_other_name_can_be_given(token: Behind) -> None:
    eva = bearer(token.token("eva"))

    assert token.get(headers=eva).json == {"name": "eva", "may_decide": True, "syncs": None}
    assert token.post(json={}, headers=eva).json == {"by": "eva"}
    assert token.post(json={"by": "eva"}, headers=eva).json == {"by": "eva"}
    assert token.post(json={"by": "jan"}, headers=eva).status_code == 400


def test_a_token_to_read_decides_nothing(token: Behind) -> None:
    looks = bearer(token.token(scope="read"))

    assert token.get(headers=looks).json == {"name": "eva", "may_decide": False, "syncs": None}
    assert token.post(json={}, headers=looks).status_code == 403


def test_other_syncs_than_a_tokens_do_not_exist_for_it(token: Behind) -> None:
    eva = bearer(token.token(sync="apac,emea"))

    found = [token.get(f"/api/v1/syncs/{sync}", headers=eva) for sync in ("apac", "emea", "hq")]

    assert [answer.status_code for answer in found] == [200, 200, 404]
    nowhere = token.get("/api/v1/nowhere", headers=eva)
    assert found[2].json == nowhere.json


@pytest.mark.parametrize("kind", ["bearer", "client", "access", "session"])
def test_no_other_kind_of_token_opens_the_console(token: Behind, kind: str) -> None:
    stranger = token.get(headers=bearer(STRANGE))

    answer = token.get(headers=bearer(token.token(sync="emea", kind=kind)))

    assert (answer.status_code, answer.json) == (401, stranger.json)


def test_a_wrong_token_opens_nothing_where_nobody_need_show_one(nobody: Behind) -> None:
    assert nobody.get(headers=bearer(nobody.token(sync="emea", kind="bearer"))).status_code == 401
    assert nobody.get(headers=bearer(nobody.token(scope="read"))).json == {
        "name": "eva",
        "may_decide": False,
        "syncs": None,
    }


@pytest.mark.parametrize("given", ["Basic ZXZhOngy", "Bearer", "Bearer eyJ.e30.sig", ""])
def test_what_a_proxy_before_us_was_shown_is_no_affair_of_ours(nobody: Behind, given: str) -> None:
    assert nobody.get(headers={"Authorization": given}).status_code == 200


def test_a_token_that_has_ended_opens_nothing(token: Behind) -> None:
    over, revoked = token.token(expires_at=token.now + HOUR), token.token()
    assert token.get(headers=bearer(revoked)).status_code == 200
    token.revoke(revoked)
    token.lapse(HOUR)

    for text in (over, revoked):
        assert token.get(headers=bearer(text)).status_code == 401


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Basic ZXZhOngy"}, bearer("x")])
def test_who_shows_no_token_is_asked_for_one(token: Behind, headers: dict[str, str]) -> None:
    answer = token.get(headers=headers)

    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert answer.content_type == "application/problem+json"


def test_who_tries_tokens_waits_and_who_has_one_does_not(token: Behind) -> None:
    eva, wrong = token.token(), bearer(STRANGE)
    token.get(headers=bearer(eva))
    tried = [token.get(headers=wrong, peer="192.0.2.1").status_code for _ in range(FREE + 1)]
    late = token.get(headers=bearer(token.token("jan")), peer="192.0.2.1")

    assert tried == [401] * FREE + [429]
    assert (late.status_code, late.headers["Retry-After"]) == (429, "1")
    assert token.get(headers=bearer(eva), peer="192.0.2.1").status_code == 200
    assert token.get(headers=wrong, peer="192.0.2.2").status_code == 401
    token.seconds += 1
    assert token.get(headers=bearer(token.token("jan")), peer="192.0.2.1").status_code == 200


def test_a_proxys_word_is_taken_for_who_asks(proxy: Behind) -> None:
    assert of_proxy(proxy, "eva@example.org").json == {
        "name": "eva@example.org",
        "may_decide": True,
        "syncs": None,
    }
    assert of_proxy(proxy, "Mal\u00e1".encode().decode("latin-1")).json["name"] == "Mal\u00e1"  # type: ignore[index]


@pytest.mark.parametrize("name", ["", " ", "mallory, eva", "mallory,eva", "x" * 201])
def test_a_proxy_that_names_nobody_or_several_lets_nobody_in(proxy: Behind, name: str) -> None:
    assert of_proxy(proxy, name).status_code == 401


@pytest.mark.parametrize("peer", ["10.0.1.7", "127.0.0.1", "::1", ""])
def test_nobody_elses_word_is_taken_for_who_asks(proxy: Behind, peer: str) -> None:
    forged = {"X-Forwarded-For": "10.0.0.7", "X-Real-Ip": "10.0.0.7"}

    assert of_proxy(proxy, "eva", peer=peer, **forged).status_code == 401


def test_a_proxy_may_say_for_whom_it_asks_and_is_believed_itself(proxy: Behind) -> None:
    answer = of_proxy(proxy, "eva", **{"X-Forwarded-For": "203.0.113.9"})

    assert answer.status_code == 200


def test_a_program_may_show_its_token_where_a_proxy_signs_people_in(proxy: Behind) -> None:
    script = bearer(proxy.token("script"))

    assert proxy.get(headers=script).json["name"] == "script"  # type: ignore[index]
    assert of_proxy(proxy, "eva", Authorization="Bearer eyJ.e30.sig").status_code == 200
    assert of_proxy(proxy, "eva", Authorization=f"Bearer {STRANGE}").status_code == 401


def test_a_token_is_believed_for_a_moment_and_no_longer(token: Behind) -> None:
    text = token.token()
    token.get(headers=bearer(text))
    token.revoke(text)
    token.seconds -= BELIEVED_S / 2

    assert token.get(headers=bearer(text)).status_code == 200
    token.seconds += BELIEVED_S / 2
    assert token.get(headers=bearer(text)).status_code == 401
