"""Striking secrets out of texts that travel: the log and the audit."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from provisioner.secret import Secret

if TYPE_CHECKING:
    from provisioner.config import Config

HIDDEN = "***"

_SHORTEST = 6
"""Letters of a secret that is struck out of texts: a shorter one would strike out half the words."""


def secrets_of(config: Config) -> Iterator[str]:
    """Yield every secret that a config holds: credentials, and the store's password."""
    try:
        password = make_url(config.store).password
    except ArgumentError:
        password = None  # open_database will say what is wrong with it
    yield from (str(secret) for secret in (config.store, password) if isinstance(secret, Secret))
    if password:
        yield str(password)
    for sync in config.syncs.values():
        yield from _secrets_in(sync.phone_system.options)
        for directory in sync.directories:
            yield from _secrets_in(directory.options)


def _secrets_in(value: object) -> Iterator[str]:
    if isinstance(value, Secret):
        yield from {str(value), value.strip()}
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _secrets_in(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _secrets_in(each)


def hider(secrets: Iterable[str]) -> Callable[[str], str]:
    """Return what strikes these secrets out of a text.

    >>> hider(["hunter2hunter2"])("GET /hooks/hunter2hunter2/users")
    'GET /hooks/***/users'
    """
    known = sorted({s for s in map(str, secrets) if len(s) >= _SHORTEST}, key=len, reverse=True)
    if not known:
        return lambda text: text
    pattern = re.compile("|".join(map(re.escape, known)))
    return lambda text: pattern.sub(HIDDEN, text)
