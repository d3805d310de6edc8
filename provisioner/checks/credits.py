"""Can the ledger of Communications Credits be put together from the files that config names?"""

from __future__ import annotations

from collections.abc import Iterator

from connectors.errors import InputError, RunError
from mappings.yaml_file import Located
from provisioner.checks import Finding, problem
from provisioner.config import Config
from provisioner.credits import read_files


def unreadable_ledgers(config: Config, located: Located) -> Iterator[Finding]:
    """Yield what is wrong with a sync's files of purchases and usage."""
    for name, sync in config.syncs.items():
        where = located.where(("syncs", name, "phone_system", "credits"))
        try:
            read_files(config, sync)
        except InputError as error:
            yield from map(Finding, error.problems)
        except RunError as error:
            yield problem(where, error.message)
