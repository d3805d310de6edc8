"""Declaring a pushed directory ready: identity providers send people first, and memberships for hours."""

from __future__ import annotations

from connectors.errors import RunError
from provisioner import who
from provisioner.store.database import reading
from provisioner.store.warming import declare_ready, warming
from provisioner.wiring import Site


def declare(site: Site, name: str, by: str | None) -> str:
    """Note that the pushed directory of a sync is complete, and return it in words.

    Raises RunError if the sync has none.
    """
    directory = site.config.syncs[name].pushed
    if directory is None:
        having = ", ".join(site.config.pushed)
        raise RunError(
            f"sync {name} has no pushed directory",
            remedy=f"those that have one: {having or 'none'}",
        )
    with reading(site.engine) as connection:
        cold = warming(connection, name, [directory])
    if not cold:
        return f"directory {directory} of sync {name} is ready already"
    with site.engine.begin() as connection:
        declare_ready(connection, name, directory, who.named(by), site.now())
    return (
        f"directory {directory} of sync {name} is ready: the next plan takes away what nobody has"
        " a right to any more; leavers' grace begins with it"
    )
