"""One receiver, a real process on a store of either kind; each test has a sync in it to itself."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from provisioner.store import tokens as token_store
from provisioner.store.database import open_database
from provisioner.store.tokens import Scope
from provisioner.wiring import utc_now
from tests.provisioner.store.made import KINDS, database
from tests.provisioner.web.served import PUSHED, Pushed, Running
from tests.scenarios.scim.provider import Provider

SYNCS = [f"s{n}" for n in range(500)]


class Door(Pushed):
    """A receiver that many syncs are pushed to; none of them is the default."""

    def configure(self, **server: Any) -> None:
        given = {"bind": self.bind, "admin_bind": self.admin, "workers": 2, "threads": 4} | server
        sync = self.emea.sync | {"directories": [PUSHED]}
        document = {"version": 1, "store": self.store, "server": given}
        self.emea.yaml("config.yaml", document | {"syncs": dict.fromkeys(SYNCS, sync)})

    def token_of(self, sync: str, scope: Scope = "write") -> str:
        """Make a token for a sync, quicker than the command line does."""
        engine = open_database(self.url_of_store)
        with engine.begin() as connection:
            made = token_store.create(
                connection, "provider", sync=sync, scope=scope, now=utc_now(), expires_at=None
            )
        engine.dispose()
        return made

    @property
    def url_of_store(self) -> str:
        """Where the store is, whoever asks."""
        path = self.store.partition("sqlite:///")[2]
        return f"sqlite:///{self.folder / path}" if path else self.store


@pytest.fixture(scope="session", params=KINDS)
def door(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Door, Running, Iterator[str]]]:
    folder: Path = tmp_path_factory.mktemp("door")
    with database(request.param, folder) as url:
        made = Door(folder, url if request.param == "postgresql" else "sqlite:///store.db")
        with made.running() as running:
            yield made, running, itertools.chain(SYNCS)


@pytest.fixture
def provider(door: tuple[Door, Running, Iterator[str]]) -> Provider:
    """A client with a token, of a sync that nobody else has asked for."""
    made, running, syncs = door
    sync = next(syncs)
    return Provider(f"{running.url}/scim/{sync}/v2", made.token_of(sync))
