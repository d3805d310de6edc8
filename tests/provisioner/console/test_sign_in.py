"""Sessions: what a token is exchanged for, where it leads, and everything that ends one."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select
from werkzeug.test import TestResponse

from provisioner.console.attempts import FREE
from provisioner.console_config import ConsoleConfig
from provisioner.store import tokens as token_store
from provisioner.store.database import reading
from provisioner.store.tables import audit, tokens
from tests.provisioner.console.entered import Behind, bearer

HOUR = timedelta(hours=1)


@pytest.fixture
def token(tmp_path: Path) -> Behind:
    return Behind(tmp_path, ConsoleConfig(sign_in="token", hosts=("console.example.org",)))


def who(behind: Behind) -> str | None:
    """Return the name under which the browser asks, None if it is asked to sign in."""
    answer = behind.get()
    return None if answer.status_code == 401 else str((answer.json or {})["name"])


def cookie(answer: TestResponse, name: str) -> str:
    """Return the Set-Cookie of a cookie whose name begins so."""
    (found,) = [c for c in answer.headers.getlist("Set-Cookie") if c.startswith(name)]
    return found


def test_a_page_leads_to_the_sign_in_and_from_there_back(token: Behind) -> None:
    away = token.get("/plans/é%20x?cluster=c1&page=2")
    assert (away.status_code, away.headers["Location"]) == (
        303,
        "/sign-in?next=%2Fplans%2F%25C3%25A9%2520x%3Fcluster%3Dc1%26page%3D2",
    )

    form = token.get(away.headers["Location"]).text
    assert 'name="next" value="/plans/%C3%A9%20x?cluster=c1&amp;page=2"' in form
    back = token.sign_in(token.token(), "/plans/%C3%A9%20x?cluster=c1&page=2")

    assert (back.status_code, back.headers["Location"]) == (
        303,
        "/plans/%C3%A9%20x?cluster=c1&page=2",
    )
    assert who(token) == "eva"


@pytest.mark.parametrize(
    "elsewhere",
    ["https://evil.example/", "//evil.example", "/\\evil.example", "/\t/evil.example", "x", ""],
)
def test_nobody_is_sent_elsewhere(token: Behind, elsewhere: str) -> None:
    assert token.sign_in(token.token(), elsewhere).headers["Location"] == "/"


def test_a_session_is_as_good_as_its_token_and_no_better(token: Behind) -> None:
    token.sign_in(token.token(scope="read", sync="emea"))

    assert token.get().json == {"name": "eva", "may_decide": False, "syncs": ["emea"]}
    assert token.post("/decide", data={"csrf": token.form()}).status_code == 403


def test_a_session_is_no_bearer_token(token: Behind) -> None:
    session = cookie(token.sign_in(token.token()), "provisioner_session")
    text = session.partition("=")[2].partition(";")[0]
    token.client.delete_cookie("provisioner_session_8081", domain="127.0.0.1")

    assert token.get(headers=bearer(text)).status_code == 401


def test_a_token_is_no_session(token: Behind) -> None:
    token.client.set_cookie("provisioner_session_8081", token.token(), domain="127.0.0.1")

    assert token.get().status_code == 401


def test_no_script_and_no_other_site_gets_the_session(token: Behind) -> None:
    session = cookie(token.sign_in(token.token()), "provisioner_session_8081=")

    assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= set(session.split("; "))
    assert "Domain" not in session


def test_a_session_that_began_over_https_is_never_sent_without_it(token: Behind) -> None:
    origin = {"Origin": "https://console.example.org"}
    answer = token.sign_in(token.token(), host="console.example.org", headers=origin)

    assert "Secure" in cookie(answer, "__Host-provisioner_session=").split("; ")


def test_a_session_ends_after_twelve_hours(token: Behind) -> None:
    token.sign_in(token.token())

    token.lapse(12 * HOUR - timedelta(seconds=1))
    assert who(token) == "eva"
    token.lapse(timedelta(seconds=1))
    assert who(token) is None


def test_a_session_ends_with_its_token(token: Behind) -> None:
    token.sign_in(token.token(expires_at=token.now + HOUR))
    token.lapse(HOUR)
    assert who(token) is None

    text = token.token()
    token.sign_in(text)
    assert who(token) == "eva"
    token.revoke(text)
    assert who(token) is None


def test_whose_session_has_ended_is_told_and_signs_in_again(token: Behind) -> None:
    token.sign_in(token.token())
    token.lapse(12 * HOUR)
    assert "your session has ended" in token.post("/decide", data={"csrf": "x"}).text
    assert token.get("/").headers["Location"] == "/sign-in"

    token.sign_in(token.token("jan"))

    assert who(token) == "jan"


def test_signing_out_ends_the_session_at_once_and_everywhere(token: Behind) -> None:
    token.sign_in(token.token())
    session = token.client.get_cookie("provisioner_session_8081", domain="127.0.0.1")
    assert session is not None
    assert who(token) == "eva"

    answer = token.post("/sign-out", data={"csrf": token.form()})

    assert (answer.status_code, answer.headers["Location"]) == (303, "/sign-in")
    assert who(token) is None
    token.client.set_cookie("provisioner_session_8081", session.value, domain="127.0.0.1")
    assert who(token) is None


def test_who_may_only_look_can_sign_out(token: Behind) -> None:
    token.sign_in(token.token(scope="read"))

    assert token.post("/sign-out", data={"csrf": token.form()}).status_code == 303


def test_another_sites_form_signs_nobody_in_and_nobody_out(token: Behind) -> None:
    text = token.token()
    token.get("/sign-in")
    assert token.post("/sign-in", data={"token": text}).status_code == 403

    token.sign_in(text)
    assert token.post("/sign-out").status_code == 403
    assert who(token) == "eva"


def test_a_wrong_token_is_told_in_the_form_and_each_further_one_waits(token: Behind) -> None:
    answers = [token.sign_in(f"prov_{'0' * 12}_{'0' * 64}") for _ in range(FREE + 1)]

    assert [a.status_code for a in answers] == [401] * FREE + [429]
    assert answers[-1].headers["Retry-After"] == "1"
    assert 'role="alert"' in answers[0].text
    assert "Set-Cookie" not in answers[0].headers
    assert "0" * 64 not in answers[0].text


def test_a_receivers_token_signs_nobody_in(token: Behind) -> None:
    assert token.sign_in(token.token(sync="emea", kind="bearer")).status_code == 401


def test_a_token_may_come_with_blanks_around_it(token: Behind) -> None:
    assert token.sign_in(f" {token.token()}\n").status_code == 303


def test_who_signed_in_is_on_record_and_no_secret_is(token: Behind) -> None:
    text = token.token()
    token.sign_in(text)

    with reading(token.site.engine) as connection:
        *_, entry = connection.execute(select(audit.c.kind, audit.c.detail)).all()
        rows = [str(row) for row in connection.execute(select(tokens))]

    assert entry.kind == "console.signed_in"
    assert '"name":"eva"' in entry.detail
    session = token.client.get_cookie("provisioner_session_8081", domain="127.0.0.1")
    assert session is not None
    assert not any(secret in row for row in rows for secret in (text, session.value))


def test_a_sessions_use_is_its_tokens(token: Behind) -> None:
    text = token.token()
    token.sign_in(text)
    token.lapse(HOUR)
    token.get()
    token.door.admission.book.close()

    with reading(token.site.engine) as connection:
        found = token_store.find(connection, text)
    assert found is not None
    assert found.last_used_at == token.now


def test_where_nobody_signs_in_the_form_leads_on(tmp_path: Path) -> None:
    behind = Behind(tmp_path)

    assert behind.get("/sign-in?next=/plans").headers["Location"] == "/plans"
    assert behind.post("/sign-in").headers["Location"] == "/"


def test_a_link_from_elsewhere_finds_the_session_that_there_is(token: Behind) -> None:
    followed = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    token.sign_in(token.token())
    token.client.delete_cookie("provisioner_session_8081", domain="127.0.0.1")  # SameSite=Strict

    answer = token.get("/plans?a=1&b=2", headers=followed)
    again = token.get("/plans?a=1&b=2", headers=followed | {"Sec-Fetch-Site": "same-origin"})

    assert answer.status_code == 200
    assert 'content="0; url=/plans?a=1&amp;b=2"' in answer.text
    assert again.headers["Location"].startswith("/sign-in?next=")


def test_behind_a_proxy_that_is_believed_the_session_is_for_the_address_that_browsers_see(
    tmp_path: Path,
) -> None:
    behind = Behind(
        tmp_path,
        ConsoleConfig(sign_in="token", hosts=("console.example.org",)),
        trusted_proxies=("10.0.0.7",),
    )
    forwarded = {
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Host": "console.example.org",
        "X-Forwarded-Prefix": "/phones",
    }

    page = behind.get("/plans", peer="10.0.0.7", headers=forwarded)
    form = behind.get("/sign-in", peer="10.0.0.7", headers=forwarded)

    assert page.headers["Location"] == "/phones/sign-in?next=%2Fplans"
    assert 'action="/phones/sign-in"' in form.text
    assert "Secure" in cookie(form, "__Host-provisioner_visit=")
