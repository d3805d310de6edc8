"""The `server.console` part of config: how operators sign in, and under which names they reach it.

server:
  console:
    sign_in: token                       # or none, on loopback only; or proxy
    hosts: [console.example.org]
    user_header: X-Forwarded-User        # with sign_in: proxy, as are the next
    proxies: [10.0.0.7]
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import Any, Literal

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from provisioner import config_fields
from provisioner.config_fields import Read

SignIn = Literal["none", "token", "proxy"]
SIGN_IN: tuple[SignIn, ...] = ("none", "token", "proxy")


@dataclass(frozen=True, slots=True)
class ConsoleConfig:
    """How the console is reached. `hosts` are names in lower case, beside addresses and localhost.

    `user_header` is where the proxies at `proxies` (addresses or networks) write who asks; both are
    empty but where `sign_in` is proxy.
    """

    sign_in: SignIn = "none"
    hosts: tuple[str, ...] = ()
    user_header: str | None = None
    proxies: tuple[str, ...] = ()


class ConsoleSchema(Schema):
    """See ConsoleConfig."""

    sign_in = fields.String(
        load_default=None,
        validate=validate.OneOf(SIGN_IN, error=f"must be one of: {', '.join(SIGN_IN)}"),
    )
    hosts = fields.List(Read(config_fields.host_name), load_default=list)
    user_header = Read(config_fields.header_name, load_default=None)
    proxies = fields.List(Read(config_fields.network), load_default=list)

    @validates_schema(skip_on_field_errors=True)
    def _consistent(self, data: dict[str, Any], **_: Any) -> None:
        if data["sign_in"] == "proxy":
            if data["user_header"] is None:
                raise ValidationError("name the header in which the proxy says who asks", "sign_in")
            if not data["proxies"]:
                raise ValidationError("give `proxies`: whose header is believed", "sign_in")
        for name in ("user_header", "proxies"):
            if data[name] and data["sign_in"] != "proxy":
                raise ValidationError("goes with `sign_in: proxy` only", name)
        for i, network in enumerate(data["proxies"]):
            if ipaddress.ip_network(network, strict=False).prefixlen == 0:
                raise ValidationError({"proxies": {i: ["everybody is no proxy: name its address"]}})


def is_loopback(bind: str) -> bool:
    """Return whether only this machine reaches `HOST:PORT`.

    >>> is_loopback("[::1]:8081"), is_loopback("0.0.0.0:8081")
    (True, False)
    """
    host = bind.rpartition(":")[0].strip("[]")
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host.lower() == "localhost"
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback


def sign_in_at(bind: str, chosen: SignIn | None) -> SignIn:
    """Return how operators sign in at an address: as it was chosen; nobody has to, who is on the machine.

    A choice of none elsewhere, which config refuses, is a token all the same.
    """
    if chosen in (None, "none"):
        return "none" if is_loopback(bind) else "token"
    return chosen


def console_of(loaded: dict[str, Any], admin_bind: str) -> ConsoleConfig:
    """Return what ConsoleSchema loaded, for a console that listens at `admin_bind`."""
    return ConsoleConfig(
        sign_in=sign_in_at(admin_bind, loaded["sign_in"]),
        hosts=tuple(loaded["hosts"]),
        user_header=loaded["user_header"],
        proxies=tuple(loaded["proxies"]),
    )
