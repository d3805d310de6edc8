"""The `server` part of config: where the receiver listens, whom it believes, how much it takes.

server:
  bind: 127.0.0.1:8080
  admin_bind: 127.0.0.1:8081
  base_url: https://scim.example.org
  trusted_proxies: [10.0.0.0/8]
  workers: 4
  threads: 8
  limits: {body: 10MB, depth: 32, filter: 8192, bulk_operations: 1000, patch_operations: 10000,
           page: 1000, rate: 50/s}
  jwt: {issuer: https://login.example.org/, audience: api://scim, jwks_url: https://…}
  console: {sign_in: token, hosts: [console.example.org]}
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from marshmallow import Schema, ValidationError, fields, post_load, validate, validates_schema

from provisioner import config_fields
from provisioner.config_fields import OneOrMore, Read
from provisioner.console_config import ConsoleConfig, ConsoleSchema, console_of, is_loopback

ALGORITHMS = (
    *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"),
)
"""What a JWT may be signed with: pairs of keys only, so that nobody's public key signs anything."""


@dataclass(frozen=True, slots=True)
class Intake:
    """How much one request, or one client, may ask for.

    `body` is in bytes, `depth` in nested JSON values, `filter` in characters, `page` in resources;
    `rate` is requests a second for each client, None for as many as come.
    """

    body: int = 10_000_000
    depth: int = 32
    filter: int = 8192
    bulk_operations: int = 1000
    patch_operations: int = 10_000
    page: int = 1000
    rate: float | None = None


@dataclass(frozen=True, slots=True)
class JwtConfig:
    """Another issuer whose JWTs open the receiver of `sync` (None: of the only one there is).

    The keys are at `jwks_url`, or in the file `jwks`. Where `scope_claim` is None every token
    writes; else `read` and `write` are the values of that claim which let it.
    """

    issuer: str
    audience: tuple[str, ...]
    jwks_url: str | None = None
    jwks: Path | None = None
    scope_claim: str | None = None
    read: str = "read"
    write: str = "write"
    algorithms: tuple[str, ...] = ALGORITHMS
    sync: str | None = None


@dataclass(frozen=True, slots=True)
class Server:
    """Where the daemon listens (`HOST:PORT`; an IPv6 host in brackets) and how others reach it.

    `base_url` is the receiver's own without a final slash, or None; `trusted_proxies` are the
    addresses or networks whose forwarding headers are believed. `workers` processes of `threads`
    threads each serve `bind`.
    """

    bind: str = "127.0.0.1:8080"
    admin_bind: str = "127.0.0.1:8081"
    base_url: str | None = None
    trusted_proxies: tuple[str, ...] = ()
    workers: int = 2
    threads: int = 8
    limits: Intake = Intake()
    jwt: tuple[JwtConfig, ...] = ()
    console: ConsoleConfig = field(default_factory=ConsoleConfig)


def default_workers() -> int:
    """Return a process for each processor that we may use: at least two, so that one may die."""
    ours = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return max(2, min(4, ours or 2))


class IntakeSchema(Schema):
    """See Intake."""

    body = Read(config_fields.size)
    depth = fields.Integer(strict=True, validate=validate.Range(min=8, max=200))
    filter = fields.Integer(strict=True, validate=validate.Range(min=64, max=65_536))
    bulk_operations = fields.Integer(strict=True, validate=validate.Range(min=1))
    patch_operations = fields.Integer(strict=True, validate=validate.Range(min=1))
    page = fields.Integer(strict=True, validate=validate.Range(min=1, max=10_000))
    rate = Read(config_fields.rate)

    @post_load
    def _value(self, data: dict[str, Any], **_: Any) -> Intake:
        return Intake(**data)


class JwtSchema(Schema):
    """See JwtConfig."""

    issuer = fields.String(required=True, validate=validate.Length(min=1))
    audience = OneOrMore(fields.String(validate=validate.Length(min=1)), required=True)
    jwks_url = Read(config_fields.keys_url)
    jwks = fields.String(validate=validate.Length(min=1))
    scope_claim = fields.String(validate=validate.Length(min=1))
    read = fields.String(validate=validate.Length(min=1))
    write = fields.String(validate=validate.Length(min=1))
    algorithms = fields.List(
        fields.String(
            validate=validate.OneOf(ALGORITHMS, error=f"must be one of: {', '.join(ALGORITHMS)}")
        ),
        validate=validate.Length(min=1, error="name at least one"),
    )
    sync = Read(config_fields.name)

    @validates_schema(skip_on_field_errors=True)
    def _consistent(self, data: dict[str, Any], **_: Any) -> None:
        if ("jwks_url" in data) == ("jwks" in data):
            raise ValidationError("write either `jwks_url` or `jwks`, a file")
        for name in ("read", "write"):
            if name in data and "scope_claim" not in data:
                raise ValidationError("goes with `scope_claim` only", name)


class ServerSchema(Schema):
    """Where the daemon listens: `bind` for SCIM and health, `admin_bind` for the operators."""

    bind = Read(config_fields.bind, load_default="127.0.0.1:8080")
    admin_bind = Read(config_fields.bind, load_default="127.0.0.1:8081")
    base_url = Read(config_fields.base_url, load_default=None)
    trusted_proxies = fields.List(Read(config_fields.network), load_default=list)
    workers = fields.Integer(
        strict=True, validate=validate.Range(min=1, max=64), load_default=default_workers
    )
    threads = fields.Integer(strict=True, validate=validate.Range(min=1, max=256), load_default=8)
    limits = fields.Nested(IntakeSchema, load_default=Intake())
    jwt = OneOrMore(fields.Nested(JwtSchema), load_default=list)
    console = fields.Nested(ConsoleSchema, load_default=lambda: ConsoleSchema().load({}))

    @validates_schema(skip_on_field_errors=True)
    def _differ(self, data: dict[str, Any], **_: Any) -> None:
        if data["bind"] == data["admin_bind"] and not data["bind"].endswith(":0"):
            raise ValidationError("is the same as `bind`", "admin_bind")
        if data["console"]["sign_in"] == "none" and not is_loopback(data["admin_bind"]):
            why = "none is for a loopback `admin_bind` only: here anybody could decide; write token"
            raise ValidationError({"console": {"sign_in": [why]}})


def server_of(loaded: dict[str, Any], base: Path) -> Server:
    """Return what ServerSchema loaded, with paths relative to the config's folder `base`."""
    members = dict(loaded)
    members["trusted_proxies"] = tuple(members["trusted_proxies"])
    members["jwt"] = tuple(_jwt(dict(each), base) for each in members["jwt"])
    members["console"] = console_of(members["console"], members["admin_bind"])
    return Server(**members)


def _jwt(members: dict[str, Any], base: Path) -> JwtConfig:
    for name in ("audience", "algorithms"):
        if name in members:
            members[name] = tuple(members[name])
    if "jwks" in members:
        members["jwks"] = base / members["jwks"]
    return JwtConfig(**members)
