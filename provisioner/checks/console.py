"""The operators' console: who reaches it, can they decide there?"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from mappings.yaml_file import Located
from provisioner.checks import Finding, warning
from provisioner.config import Config
from provisioner.console_config import is_loopback

_NARROW = {4: 24, 6: 64}
"""How long a network's prefix must be, by IP version, for its hosts to be somebody's proxies."""


def reachable_console(config: Config, located: Located) -> Iterator[Finding]:
    """Yield where whoever reaches the console may be more people than was thought of."""
    server, console = config.server, config.server.console
    if console.sign_in == "none" and console.hosts:
        names = ", ".join(console.hosts)
        yield warning(
            located.where(("server", "console", "hosts")),
            f"nobody signs in at the console, so whoever reaches it as {names} can decide, under any"
            " name: write `sign_in: token`, or `proxy`",
        )
    if console.sign_in == "token" and not (
        is_loopback(server.admin_bind) or console.hosts or server.trusted_proxies
    ):
        yield warning(
            located.where(("server", "admin_bind")),
            f"whoever reaches {server.admin_bind} can read /metrics, and tokens are sent to it in clear:"
            " keep it on loopback, or behind a proxy that speaks TLS (and name that in"
            " `trusted_proxies`)",
        )
    for i, text in enumerate(console.proxies):
        network = ipaddress.ip_network(text, strict=False)
        if network.prefixlen < _NARROW[network.version]:
            yield warning(
                located.where(("server", "console", "proxies", i)),
                f"whoever is in {text} can decide, under any name that they write into"
                f" {console.user_header}: name the proxy's own address",
            )
