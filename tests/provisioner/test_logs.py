"""The log: a JSON document a line, and never a secret or a person in it."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.errors import RunError
from provisioner.config import load_config
from provisioner.hiding import secrets_of
from provisioner.http import CallRecord
from provisioner.logs import LEVEL, configure_logs, log_call, logger
from provisioner.secret import Secret

SECRET = "s3cr3t-0f-the-acc0unt"


@pytest.fixture(autouse=True)
def own_logging() -> Iterator[None]:
    root = logging.getLogger()
    before = root.handlers[:], root.level
    yield
    structlog.reset_defaults()
    root.handlers[:], root.level = before


def logging_to(**environ: str) -> io.StringIO:
    out = io.StringIO()
    configure_logs(out, secrets=[SECRET], environ=environ)
    return out


def events(out: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_an_event_is_one_line_of_json_whatever_is_in_it() -> None:
    out = logging_to()

    logger().info("sync.planned", sync="emea", people=3, error="one\ntwo\u2028three")

    (event,) = events(out)
    assert list(event)[:4] == ["timestamp", "level", "event", "sync"]
    assert event["error"] == "one\ntwo\u2028three"
    assert event["timestamp"].endswith("Z")


@pytest.mark.parametrize(
    "said",
    [
        SECRET,
        f"https://x?token={SECRET}&y",
        {"deep": [{"er": (SECRET,)}]},
        {SECRET: 1},
        Secret("ab1"),
        {"client_secret": "anything", "access_token": ["x1y2"]},
        "Authorization: Bearer x1y2abcdef",
        "a token prov_0123456789ab_" + "beef" * 16,
        "Basic YWxhZGRpbjp4MXky",
    ],
)
def test_secrets_are_struck_out_wherever_they_turn_up(said: Any) -> None:
    out = logging_to()

    logger().warning("odd", said=said)

    for secret in (SECRET, "ab1", "anything", "x1y2", "YWxh", "beef"):
        assert secret not in out.getvalue()
    assert "***" in out.getvalue()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(before=st.text(), after=st.text())
def test_a_secret_is_struck_out_of_any_text(before: str, after: str) -> None:
    out = logging_to()

    logger().info("odd", said=before + SECRET + after)

    assert SECRET not in json.dumps(events(out))


def test_an_unexpected_error_is_told_by_its_kind_and_place_without_its_message() -> None:
    out = logging_to()

    try:
        dict[str, int]()["eva@example.org"]
    except KeyError as error:
        logger().error("sync.crashed", exc_info=error)

    (event,) = events(out)
    assert event["error"] == "KeyError"
    assert any(__name__.rpartition(".")[2] in place for place in event["traceback"])
    assert "eva" not in out.getvalue()


def test_a_vendors_call_is_told_without_the_person_whom_its_path_names() -> None:
    out = logging_to(**{LEVEL: "debug"})

    for path in ("/v2/users/eva@example.org/settings", "/v2/users/eva%40example.org"):
        log_call(CallRecord("zoom a", "light", "GET", path, 200, 0.12345))

    assert "eva" not in out.getvalue()
    first, _ = events(out)
    assert first["path"] == "/v2/users/***@example.org/settings"
    assert first["duration_s"] == 0.123


def test_vendors_calls_are_silent_unless_asked_for() -> None:
    out = logging_to()

    log_call(CallRecord("zoom a", "light", "GET", "/v2/users", 200, 0.1))

    assert out.getvalue() == ""


def test_what_libraries_log_is_json_too_and_has_no_secrets() -> None:
    out = logging_to()
    library = logging.getLogger("waitress")
    # whatever else ran in this process may have quietened it
    library.disabled, library.propagate = False, True
    library.setLevel(logging.NOTSET)

    library.warning("queue depth %s at %s", 5, SECRET)

    (event,) = events(out)
    assert (event["event"], event["level"]) == ("queue depth 5 at ***", "warning")


def test_a_level_that_is_none_is_refused_with_the_levels_there_are() -> None:
    with pytest.raises(RunError, match="loud") as caught:
        logging_to(**{LEVEL: "loud"})

    assert "debug, info, warning, error" in caught.value.remedy


def test_every_secret_of_a_config_is_known_to_the_log(tmp_path: Path) -> None:
    (tmp_path / "mapping.yaml").write_text("version: 1\n")
    (tmp_path / "config.yaml").write_text(
        """\
version: 1
store: postgresql+psycopg://u:st0re-pass@localhost/x
syncs:
  emea:
    directories:
      - {kind: scim_endpoint, name: idp, url: https://idp.example/scim/v2, token: {env: SCIM}}
    mapping: mapping.yaml
    phone_system:
      {kind: zoom, account_id: a, client_id: c, client_secret: {env: ZOOM}, create: {action: ssoCreate}}
"""
    )
    config = load_config(tmp_path / "config.yaml", {"SCIM": "scim-t0ken", "ZOOM": SECRET})

    assert {"st0re-pass", "scim-t0ken", SECRET} <= set(secrets_of(config))
