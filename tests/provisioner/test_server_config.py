"""The server part of config: processes, limits and issuers are understood, or refused at their place."""

from __future__ import annotations

import pytest

from provisioner.server_config import Intake, JwtConfig
from tests.provisioner.configs import LEAST, Load, load, problems

__all__ = ["load"]

SERVER = """\
server:
  bind: 127.0.0.1:9080
  workers: 3
  threads: 5
  limits: {body: 2MB, depth: 20, filter: 500, bulk_operations: 10, patch_operations: 20, page: 50, rate: 600/m}
  jwt:
    issuer: https://login.example.org/
    audience: api://scim
    jwks_url: https://login.example.org/keys
    scope_claim: roles
    write: SCIM.Write
"""
PUSHED = LEAST.replace("kind: csv, name: hr, path: people.csv", "kind: pushed, name: entra")


def test_a_servers_processes_limits_and_issuers_are_understood(load: Load) -> None:
    server = load(PUSHED + SERVER).server

    assert (server.workers, server.threads) == (3, 5)
    assert server.limits == Intake(2_000_000, 20, 500, 10, 20, 50, 10.0)
    assert server.jwt == (
        JwtConfig(
            issuer="https://login.example.org/",
            audience=("api://scim",),
            jwks_url="https://login.example.org/keys",
            scope_claim="roles",
            write="SCIM.Write",
        ),
    )


def test_a_server_takes_any_number_of_requests_unless_it_is_told_not_to(load: Load) -> None:
    server = load(LEAST).server

    assert server.limits.rate is None
    assert server.workers >= 2
    assert server.jwt == ()


@pytest.mark.parametrize(
    ("server", "said"),
    [
        ("workers: 0", "server.workers: Must be greater"),
        ("limits: {body: huge}", "server.limits.body: 'huge' is no size: write 512KB or 10MB"),
        ("limits: {body: 10}", "10 is out of bounds"),
        ("limits: {rate: 0/s}", "'0/s' is no rate: write 50/s"),
        ("limits: {pages: 5}", "limits.pages: isn't known here; did you mean 'page'?"),
        ("jwt: {issuer: i}", "server.jwt.audience: is missing"),
        ("jwt: {issuer: i, audience: a}", "server.jwt: write either `jwks_url` or `jwks`"),
        ("jwt: {issuer: i, audience: a, jwks: c.yaml, jwks_ulr: u}", "did you mean 'jwks_url'?"),
        ("jwt: {issuer: i, audience: a, jwks: k}", "server.jwt.jwks: there is no file k"),
        ("jwt: {issuer: i, audience: a, jwks_url: 'http://x'}", "'http://x' is no https://"),
        ("jwt: [{issuer: i, audience: 5, jwks: c.yaml}]", "jwt.0.audience: must be a list"),
        (
            "jwt: {issuer: i, audience: a, jwks: c.yaml, algorithms: [none]}",
            "server.jwt.algorithms.0: must be one of: RS256",
        ),
        (
            "jwt: {issuer: i, audience: a, jwks: c.yaml, algorithms: [HS256]}",
            "server.jwt.algorithms.0: must be one of: RS256",
        ),
        (
            "jwt: {issuer: i, audience: a, jwks: c.yaml, read: r}",
            "server.jwt.read: goes with `scope_claim` only",
        ),
        (
            "jwt: [{issuer: i, audience: [a, b], jwks: c.yaml}, {issuer: i, audience: b, jwks: c.yaml}]",
            "server.jwt.1: another takes this issuer's tokens for 'b' already",
        ),
        (
            "jwt: {issuer: i, audience: a, jwks: c.yaml, sync: apac}",
            "server.jwt.sync: there is no sync 'apac' with a `pushed` directory",
        ),
    ],
)
def test_a_server_that_is_written_wrong_is_refused_at_its_place(
    load: Load, server: str, said: str
) -> None:
    (found,) = problems(load, f"{PUSHED}server:\n  {server}\n")

    assert said in found
    assert found.startswith("c.yaml:8:")


def test_an_issuer_for_nobodys_receiver_is_refused(load: Load) -> None:
    (found,) = problems(load, f"{LEAST}server:\n  jwt: {{issuer: i, audience: a, jwks: c.yaml}}\n")

    assert "it isn't clear whose receiver these tokens open" in found
