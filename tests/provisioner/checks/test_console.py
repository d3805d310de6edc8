"""`check` of the console: who could decide there that nobody thought of is told, at its place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.scenarios.installation import Installation


@pytest.fixture
def emea(tmp_path: Path) -> Installation:
    return Installation(tmp_path)


def told(emea: Installation, **server: Any) -> str:
    """Check a config whose server is this; return the only warning, "" if there is none."""
    document = {"version": 1, "store": "sqlite:///store.db", "syncs": {"emea": emea.sync}}
    emea.yaml("config.yaml", document | {"server": server})
    ran = emea.run("check")
    warnings = [line for line in ran.out.splitlines() if line.startswith("warning: ")]
    assert len(warnings) <= 1, warnings
    return "".join(warnings)


PROXY = {"sign_in": "proxy", "user_header": "X-User"}


@pytest.mark.parametrize(
    "server",
    [
        {},
        {"console": {"hosts": ["console.example.org"], "sign_in": "token"}},
        {"admin_bind": "0.0.0.0:8081", "trusted_proxies": ["10.0.0.7"]},
        {"admin_bind": "0.0.0.0:8081", "console": {"hosts": ["console.example.org"]}},
        {"console": PROXY | {"proxies": ["10.0.0.7", "10.1.0.0/24", "2001:db8::/64"]}},
    ],
)
def test_a_console_that_few_reach_or_that_asks_who_comes_is_fine(
    emea: Installation, server: dict[str, Any]
) -> None:
    assert told(emea, **server) == ""


def test_a_console_with_a_name_at_which_nobody_signs_in_is_told(emea: Installation) -> None:
    said = told(emea, console={"hosts": ["console.example.org"]})

    written = (emea.folder / "config.yaml").read_text().splitlines()
    line = int(said.partition("config.yaml:")[2].partition(":")[0])
    assert written[line - 1].strip() == "- console.example.org"
    assert "whoever reaches it as console.example.org can decide" in said


def test_a_console_on_every_address_without_a_proxy_is_told(emea: Installation) -> None:
    said = told(emea, admin_bind="0.0.0.0:8081")

    assert "whoever reaches 0.0.0.0:8081 can read /metrics" in said


def test_proxies_that_are_a_whole_company_are_told(emea: Installation) -> None:
    said = told(emea, console=PROXY | {"proxies": ["10.0.0.7", "10.0.0.0/8"]})

    assert "whoever is in 10.0.0.0/8 can decide, under any name that they write into X-User" in said
