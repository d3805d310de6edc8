"""The door as a whole: what every answer carries, what no answer tells, and who may pass by it."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from provisioner.console_config import ConsoleConfig
from provisioner.logs import configure_logs
from tests.provisioner.console.entered import Behind, bearer

TOKEN = ConsoleConfig(sign_in="token")
SCRAPER = {"User-Agent": "Prometheus/3.1.0", "Accept": "text/plain"}
BROWSER = {"User-Agent": "Mozilla/5.0", "Accept-Language": "en"}


@pytest.fixture
def nobody(tmp_path: Path) -> Behind:
    return Behind(tmp_path)


@pytest.fixture
def token(tmp_path: Path) -> Behind:
    return Behind(tmp_path, TOKEN)


@pytest.mark.parametrize("path", ["/", "/api/v1/me", "/nowhere", "/broken", "/metrics", "/sign-in"])
def test_every_answer_is_kept_by_nobody_and_framed_by_nobody(nobody: Behind, path: str) -> None:
    configure_logs(io.StringIO())
    headers = nobody.get(path).headers

    policy = headers["Content-Security-Policy"].split("; ")
    assert {"default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'"} <= set(policy)
    assert not any("unsafe" in part or "*" in part for part in policy)
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["X-Request-Id"]


@pytest.mark.parametrize("path", ["/broken", "/api/v1/broken"])
def test_a_fault_of_ours_is_an_id_and_the_log_has_the_rest(nobody: Behind, path: str) -> None:
    log = io.StringIO()
    configure_logs(log)

    answer = nobody.get(path, headers={"X-Request-Id": "abc-1"})

    assert answer.status_code == 500
    assert "abc-1" in answer.text
    assert "ZeroDivision" not in answer.text
    assert "secret" not in answer.text
    (crash,) = [json.loads(x) for x in log.getvalue().splitlines() if "console.crashed" in x]
    assert crash["request_id"] == "abc-1"


@pytest.mark.parametrize("path", ["/decide", "/api/v1/decide"])
def test_a_body_that_is_too_large_is_refused(nobody: Behind, path: str) -> None:
    answer = nobody.post(path, data=b"x" * 1_000_001, content_type="application/json")

    assert answer.status_code in (413, 403)
    assert nobody.post("/decide", data={"csrf": "x" * 1_000_001}).status_code == 413


def test_an_error_is_a_problem_document_to_programs_and_a_page_to_people(nobody: Behind) -> None:
    to_programs, to_people = nobody.get("/api/v1/nowhere"), nobody.get("/nowhere")

    assert to_programs.content_type == "application/problem+json"
    assert to_programs.json == {
        "type": "about:blank",
        "title": "Not Found",
        "status": 404,
        "detail": "there is nothing at this address",
    }
    assert (to_people.status_code, to_people.mimetype) == (404, "text/html")


def test_a_method_that_is_not_there_is_told_with_those_that_are(nobody: Behind) -> None:
    answer = nobody.get("/api/v1/decide")

    assert answer.status_code == 405
    assert "POST" in answer.headers["Allow"]


def test_a_store_that_fails_is_told_as_that(token: Behind) -> None:
    configure_logs(io.StringIO())
    with token.site.engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE tokens")

    answer = token.get(headers=bearer(f"prov_{'0' * 12}_{'0' * 64}"))

    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert "tokens" not in answer.text


def test_strangers_learn_nothing_of_what_there_is(token: Behind) -> None:
    answers = [token.get(f"/api/v1/{path}") for path in ("me", "nowhere", "syncs/emea")]
    changes = [token.post(path, json={}) for path in ("/api/v1/decide", "/api/v1/nowhere")]

    assert {a.status_code for a in answers + changes} == {401}
    assert len({a.text for a in answers + changes}) == 1


def test_what_the_sign_in_page_looks_like_is_open_to_all(token: Behind) -> None:
    assert token.get("/style.css").text == "p {}"


def test_a_form_of_a_session_that_ended_is_refused_and_not_lost_on_the_way(token: Behind) -> None:
    answer = token.post("/decide", data={"csrf": "x"})

    assert (answer.status_code, answer.mimetype) == (401, "text/html")


def test_a_scraper_needs_no_token_and_asks_under_any_name(token: Behind) -> None:
    answer = token.get("/metrics", host="provisioner.monitoring.svc:8081", headers=SCRAPER)

    assert (answer.status_code, answer.text) == (200, "up 1")


def test_a_bent_name_shows_no_figures_to_a_page(token: Behind) -> None:
    assert token.get("/metrics", host="evil.example", headers=BROWSER).status_code == 421
    assert token.get("/metrics", headers=BROWSER).status_code == 200


def test_names_in_config_are_ours(tmp_path: Path) -> None:
    behind = Behind(
        tmp_path,
        replace(TOKEN, hosts=("console.example.org",)),
        admin_bind="inside.example.org:8081",
    )

    found = [behind.get("/sign-in", host=f"{name}.example.org") for name in ("console", "inside")]
    assert [answer.status_code for answer in found] == [200, 200]
    assert behind.get("/sign-in", host="example.org").status_code == 421


def test_a_forwarded_name_does_not_stand_in_for_the_one_that_was_used(tmp_path: Path) -> None:
    behind = Behind(tmp_path, trusted_proxies=("10.0.0.0/8",))
    forged = {"X-Forwarded-Host": "localhost"}

    assert behind.get(host="evil.example", peer="10.0.0.5", headers=forged).status_code == 421
    assert behind.get(peer="10.0.0.5", headers=forged).status_code == 200


def test_what_config_says_anew_holds_from_the_next_request_on(nobody: Behind) -> None:
    config = nobody.site.config
    server = replace(config.server, console=TOKEN)

    assert nobody.get().status_code == 200
    nobody.site = replace(nobody.site, config=replace(config, server=server))

    assert nobody.get().status_code == 401


def test_a_new_address_in_config_opens_nothing_before_the_restart_that_it_wants(
    tmp_path: Path,
) -> None:
    behind = Behind(tmp_path, TOKEN, admin_bind="0.0.0.0:8081")
    config = behind.site.config
    server = replace(config.server, admin_bind="127.0.0.1:8081", console=ConsoleConfig("none"))

    behind.site = replace(behind.site, config=replace(config, server=server))

    assert behind.get().status_code == 401


def test_each_request_is_a_line_in_the_log_without_its_token(token: Behind) -> None:
    log = io.StringIO()
    configure_logs(log)
    text = token.token("eva")

    token.get("/api/v1/syncs/emea?user=jan", headers=bearer(text))
    token.get("/metrics")

    (line,) = [json.loads(x) for x in log.getvalue().splitlines()]
    line.pop("duration_s")
    assert {name: line[name] for name in ("event", "method", "route", "status", "operator")} == {
        "event": "console.request",
        "method": "GET",
        "route": "/api/v1/syncs/<sync>",
        "status": 200,
        "operator": "eva",
    }
    assert text not in log.getvalue()
    assert "jan" not in log.getvalue()


def test_a_session_costs_the_store_a_question_a_second(token: Behind) -> None:
    token.sign_in(token.token())
    asked: list[Any] = []
    event.listen(token.site.engine, "before_cursor_execute", lambda *args: asked.append(args[2]))

    for _ in range(5):
        token.get()

    assert len([statement for statement in asked if "FROM tokens" in statement]) == 1
