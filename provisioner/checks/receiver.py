"""The receiver's addresses: connectors at `/scim/v2` must not lose their sync when another is added."""

from __future__ import annotations

from collections.abc import Iterator

from mappings.yaml_file import Located
from provisioner.checks import Finding, warning
from provisioner.config import Config


def unclear_alias(config: Config, located: Located) -> Iterator[Finding]:
    """Yield a warning if several syncs are pushed to, and `/scim/v2` is of none of them."""
    pushed = [name for name, sync in config.syncs.items() if sync.pushed is not None]
    if len(pushed) > 1 and config.alias is None:
        yield warning(
            located.where_key(("syncs", pushed[0])),
            f"several syncs are pushed to ({', '.join(pushed)}), so nothing answers at /scim/v2: mark"
            " the one whose connectors use it with `default: true`; each answers at /scim/SYNC/v2",
        )
