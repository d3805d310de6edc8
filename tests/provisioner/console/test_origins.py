"""Where requests come from: other sites' pages reach nothing, neither as themselves nor under our name."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.provisioner.console.entered import Behind


@pytest.fixture
def behind(tmp_path: Path) -> Behind:
    return Behind(tmp_path)


@pytest.mark.parametrize(
    "host", ["127.0.0.1:8081", "localhost:8081", "LOCALHOST.", "[::1]:9", "10.0.0.5", "a.localhost"]
)
def test_an_address_and_localhost_are_always_ours(behind: Behind, host: str) -> None:
    assert behind.get(host=host).status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example:8081", "localhost.evil.example", "2130706433"]
)
def test_a_name_that_was_bent_to_our_address_is_not_ours(behind: Behind, host: str) -> None:
    answer = behind.get(host=host)

    assert answer.status_code == 421
    assert answer.content_type == "application/problem+json"


@pytest.mark.parametrize("host", ["", "a b", "user@localhost", "localhost:port"])
def test_what_is_no_host_is_refused(behind: Behind, host: str) -> None:
    assert behind.get(host=host).status_code == 400


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site", "Origin": "http://127.0.0.1:8081"},
        {"Origin": "http://evil.example"},
        {"Origin": "http://127.0.0.1:9999"},
        {"Origin": "null"},
        {"Origin": "http://[127.0.0.1:8081"},
        {"Origin": ""},
    ],
)
def test_another_sites_page_changes_nothing(behind: Behind, headers: dict[str, str]) -> None:
    answer = behind.post(json={"by": "eva"}, headers=headers)

    assert answer.status_code == 403
    assert "another site's page" in answer.text


@pytest.mark.parametrize(
    "headers", [{}, {"Sec-Fetch-Site": "same-origin"}, {"Origin": "http://127.0.0.1:8081"}]
)
def test_a_program_and_our_own_page_may_ask_for_a_change(
    behind: Behind, headers: dict[str, str]
) -> None:
    assert behind.post(json={"by": "eva"}, headers=headers).json == {"by": "eva"}


def test_a_form_cannot_speak_to_the_api(behind: Behind) -> None:
    assert behind.post(data={"by": "eva"}).status_code == 415
