"""Whatever stands in a request: the door answers it, and never by a fault of ours."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provisioner.console_config import ConsoleConfig
from provisioner.logs import configure_logs
from tests.provisioner.console.entered import Behind

BEGINNINGS = {
    "Host": "127.0.0.1",
    "Origin": "http://",
    "Sec-Fetch-Site": "same-origin",
    "Sec-Fetch-Mode": "navigate",
    "Authorization": "Bearer ",
    "Cookie": "provisioner_session_8081=",
    "X-Forwarded-For": "10.0.0.1",
    "X-Forwarded-Host": "localhost",
    "X-Forwarded-Port": "80",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Prefix": "/a",
    "X-Forwarded-User": "eva",
    "X-Request-Id": "a",
    "X-CSRF-Token": "0",
    "Accept-Language": "en",
}
"""What a header is, or may begin with, so that more than its first letter is looked at."""

PARTS = (
    *("127.0.0.1:8081", "localhost", "[::1]", "[", "]:8081", "://", "http", "https://evil.example"),
    *(
        "Bearer ",
        "prov_",
        "0" * 12,
        "_",
        "0" * 64,
        "Basic",
        "same-origin",
        "cross-site",
        "navigate",
    ),
    *("provisioner_session_8081=", "provisioner_visit_8081=", "provisioner_name_8081=%ff", "; "),
    *(",", " ", "\t", "/", "//", "\\", "..", "%00", "é", "\xff", "0", "99999", "eva", '"'),
)
TEXT = st.lists(st.sampled_from(PARTS), max_size=3).map("".join).map(str.strip)
HEADERS = st.fixed_dictionaries(
    {},
    optional={
        name: st.one_of(st.just(begins), TEXT.map(f"{begins}{{}}".format), TEXT)
        for name, begins in BEGINNINGS.items()
    },
)
PATHS = (
    "/",
    "/sign-in",
    "/sign-out",
    "/decide",
    "/name",
    "/metrics",
    "/api/v1/me",
    "/api/v1/decide",
)
CONFIGS = (
    ConsoleConfig(sign_in="none"),
    ConsoleConfig(sign_in="token"),
    ConsoleConfig(sign_in="proxy", user_header="X-Forwarded-User", proxies=("127.0.0.1",)),
)


@pytest.fixture(scope="module", params=CONFIGS, ids=lambda config: config.sign_in)
def behind(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Behind:
    folder: Path = tmp_path_factory.mktemp("any")
    configure_logs(io.StringIO())
    return Behind(folder, request.param, trusted_proxies=("127.0.0.1",))


@settings(max_examples=500)
@given(
    st.sampled_from(["GET", "POST"]),
    st.sampled_from(PATHS),
    TEXT,
    HEADERS,
    st.dictionaries(st.sampled_from(["csrf", "token", "next", "by"]), TEXT, max_size=3),
)
def test_no_request_is_a_fault_of_ours(
    behind: Behind,
    method: str,
    path: str,
    query: str,
    headers: dict[str, str],
    form: dict[str, str],
) -> None:
    data = form if method == "POST" else None
    given_headers = {"Host": "127.0.0.1:8081", **headers}

    answer = behind.client.open(
        path,
        method=method,
        query_string=query,
        headers=given_headers,
        data=data,
        environ_base={"REMOTE_ADDR": "127.0.0.1"},
    )

    assert answer.status_code < 500
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert not answer.headers.get("Location", "/").startswith(("//", "/\\", "http"))
