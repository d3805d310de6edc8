"""Proxies: what they say is believed of those that config names, and of nobody else."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from werkzeug import Request, Response
from werkzeug.test import Client

from provisioner.web.proxies import TrustedProxies


def seen(
    headers: dict[str, str],
    peer: str = "10.0.0.1",
    path: str = "/scim/v2/Users",
    trusted: Any = ("10.0.0.0/8",),
) -> dict[str, str]:
    """Return what an application sees of a request that a peer sends."""

    def app(environ: Any, start: Any) -> Iterable[bytes]:
        request = Request(environ)
        found = {"url": request.url, "remote": request.remote_addr or ""}
        return Response("\n".join(f"{k}={v}" for k, v in found.items()))(environ, start)

    client = Client(TrustedProxies(app, trusted))
    text = client.get(
        path, base_url="http://inside:8080", headers=headers, environ_base={"REMOTE_ADDR": peer}
    ).text
    return dict(line.split("=", 1) for line in text.splitlines())


FORWARDED = {
    "X-Forwarded-For": "203.0.113.9",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "scim.example.org",
}


def test_a_trusted_proxy_says_who_asks_and_where() -> None:
    assert seen(FORWARDED) == {
        "url": "https://scim.example.org/scim/v2/Users",
        "remote": "203.0.113.9",
    }


@pytest.mark.parametrize("peer", ["203.0.113.9", "11.0.0.1", "::1", ""])
def test_nobody_else_does(peer: str) -> None:
    assert seen(FORWARDED, peer) == {"url": "http://inside:8080/scim/v2/Users", "remote": peer}


def test_an_ipv4_peer_of_an_ipv6_socket_is_known_by_its_ipv4_address() -> None:
    assert seen(FORWARDED, "::ffff:10.0.0.1")["remote"] == "203.0.113.9"


@pytest.mark.parametrize(
    ("chain", "client"),
    [
        ("6.6.6.6, 203.0.113.9", "203.0.113.9"),
        ("6.6.6.6, 203.0.113.9, 10.0.0.7", "203.0.113.9"),
        ("10.0.0.8, 10.0.0.7", "10.0.0.8"),
        ("203.0.113.9, nonsense", "10.0.0.1"),
        ("nonsense, 10.0.0.7", "10.0.0.7"),
        ("", "10.0.0.1"),
    ],
)
def test_what_stands_before_the_last_stranger_anybody_may_have_written(
    chain: str, client: str
) -> None:
    assert seen({"X-Forwarded-For": chain})["remote"] == client


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("X-Forwarded-Host", "a b"),
        ("X-Forwarded-Host", "evil.org/path"),
        ("X-Forwarded-Host", "user@evil.org"),
        ("X-Forwarded-Proto", "javascript"),
        ("X-Forwarded-Prefix", "//evil.org"),
        ("X-Forwarded-Prefix", "/a/../b c"),
    ],
)
def test_what_is_no_address_is_left_out(header: str, value: str) -> None:
    assert seen({header: value})["url"] == "http://inside:8080/scim/v2/Users"


def test_the_nearest_proxys_word_counts() -> None:
    headers = {"X-Forwarded-Host": "far.org, near.org", "X-Forwarded-Proto": "http, https"}

    assert seen(headers)["url"] == "https://near.org/scim/v2/Users"


def test_a_port_of_its_own_is_part_of_the_address() -> None:
    assert seen(FORWARDED | {"X-Forwarded-Port": "8443"})["url"].startswith(
        "https://scim.example.org:8443/"
    )


@pytest.mark.parametrize(
    ("headers", "url"),
    [
        ({"X-Forwarded-Port": "443"}, "https://scim.example.org/scim/v2/Users"),
        ({"X-Forwarded-Host": "[::1]:443"}, "https://[::1]/scim/v2/Users"),
        ({"X-Forwarded-Port": "80"}, "https://scim.example.org:80/scim/v2/Users"),
        (
            {"X-Forwarded-Port": "80", "X-Forwarded-Proto": "http"},
            "http://scim.example.org/scim/v2/Users",
        ),
    ],
)
def test_the_usual_port_that_balancers_name_is_no_part_of_it(
    headers: dict[str, str], url: str
) -> None:
    """RFC 3986 section 6.2.3; AWS, "HTTP headers and Application Load Balancers" (X-Forwarded-Port)."""
    assert seen(FORWARDED | headers)["url"] == url


@pytest.mark.parametrize("path", ["/scim/v2/Users", "/phones/scim/v2/Users"])
def test_a_prefix_is_ours_whether_the_proxy_took_it_off_or_not(path: str) -> None:
    url = seen({"X-Forwarded-Prefix": "/phones"}, path=path)["url"]

    assert url == "http://inside:8080/phones/scim/v2/Users"


def test_a_path_that_only_begins_like_the_prefix_is_kept() -> None:
    url = seen({"X-Forwarded-Prefix": "/p"}, path="/pets")["url"]

    assert url == "http://inside:8080/p/pets"
