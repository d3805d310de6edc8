"""How operators sign in: what config lets them, and what it refuses at its place."""

from __future__ import annotations

import pytest

from provisioner.console_config import ConsoleConfig, is_loopback
from tests.provisioner.configs import LEAST, Load, load, problems

__all__ = ["load"]


def console(load: Load, server: str) -> ConsoleConfig:
    return load(f"{LEAST}server: {server}\n").server.console


@pytest.mark.parametrize(
    ("admin_bind", "sign_in"),
    [
        ("127.0.0.1:8081", "none"),
        ("127.1.2.3:8081", "none"),
        ("localhost:8081", "none"),
        ("'[::1]:8081'", "none"),
        ("'[::ffff:127.0.0.1]:8081'", "none"),
        ("0.0.0.0:8081", "token"),
        ("'[::]:8081'", "token"),
        ("10.0.0.5:8081", "token"),
        ("console.example.org:8081", "token"),
    ],
)
def test_nobody_signs_in_who_is_on_the_machine_and_everybody_else_does(
    load: Load, admin_bind: str, sign_in: str
) -> None:
    assert console(load, f"{{admin_bind: {admin_bind}}}").sign_in == sign_in


def test_a_console_behind_a_proxy_is_understood(load: Load) -> None:
    found = console(
        load,
        "{admin_bind: 0.0.0.0:8081, console: {sign_in: proxy, user_header: X-Forwarded-User,"
        " proxies: [10.0.0.7, 10.1.0.0/16], hosts: [Console.Example.org.]}}",
    )

    assert found == ConsoleConfig(
        sign_in="proxy",
        hosts=("console.example.org",),
        user_header="X-Forwarded-User",
        proxies=("10.0.0.7", "10.1.0.0/16"),
    )


@pytest.mark.parametrize(
    ("console", "said"),
    [
        ("{sign_in: password}", "console.sign_in: must be one of: none, token, proxy"),
        ("{hosts: ['console.example.org:8081']}", "hosts.0: 'console.example.org:8081' is no host"),
        ("{hosts: ['https://x']}", "hosts.0: 'https://x' is no host name"),
        ("{sign_in: proxy, proxies: [10.0.0.7]}", "sign_in: name the header"),
        ("{sign_in: proxy, user_header: X-User}", "sign_in: give `proxies`"),
        ("{sign_in: proxy, user_header: X_User, proxies: [10.0.0.7]}", "'X_User' is no name"),
        (
            "{sign_in: proxy, user_header: X-User, proxies: [10.0.0.7, 0.0.0.0/0]}",
            "server.console.proxies.1: everybody is no proxy",
        ),
        ("{user_header: X-User}", "console.user_header: goes with `sign_in: proxy` only"),
        ("{proxies: [10.0.0.7]}", "console.proxies: goes with `sign_in: proxy` only"),
        ("{sing_in: token}", "did you mean 'sign_in'?"),
    ],
)
def test_a_console_that_is_written_wrong_is_refused_at_its_place(
    load: Load, console: str, said: str
) -> None:
    (found,) = problems(load, f"{LEAST}server:\n  console: {console}\n")

    assert said in found
    assert found.startswith("c.yaml:8:")


def test_a_console_that_anybody_could_decide_at_is_refused_at_its_place(load: Load) -> None:
    server = "server:\n  admin_bind: 0.0.0.0:8081\n  console:\n    sign_in: none\n"

    (found,) = problems(load, LEAST + server)

    assert found.startswith("c.yaml:10:")
    assert "none is for a loopback `admin_bind` only" in found


def test_an_address_that_cannot_be_told_is_not_this_machine() -> None:
    assert not is_loopback("localhost.example.org:8081")
