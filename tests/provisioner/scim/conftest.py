"""A receiver's store of either kind, shared by many tests: each test has a sync of its own in it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from provisioner.scim.schemas import Registry
from provisioner.scim.tenant import Tenant
from provisioner.store.database import open_database
from provisioner.store.direct import Direct
from tests.provisioner.scim.http_client import Provider, application
from tests.provisioner.scim.pushing import Clock
from tests.provisioner.store.made import KINDS, database

REGISTRY = Registry.make()
_numbers = itertools.count()


@pytest.fixture(scope="session", params=KINDS)
def engine(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Engine]:
    with database(request.param, tmp_path_factory.mktemp("receiver")) as url:
        engine = open_database(url)
        yield engine
        engine.dispose()


@pytest.fixture(scope="session")
def store(engine: Engine) -> Iterator[Direct]:
    direct = Direct(engine)
    yield direct
    direct.close()


@pytest.fixture
def sync() -> str:
    """A sync that nobody else uses."""
    return f"sync{next(_numbers)}"


@pytest.fixture
def push(store: Direct, sync: str) -> Provider:
    """A client that is let in to that sync, at the short address."""
    return Provider(application(store, sync, default=sync).test_client())


@pytest.fixture
def tenant(store: Direct, sync: str) -> Tenant:
    return Tenant(sync, REGISTRY, store, Clock())


@pytest.fixture
def other(store: Direct) -> Tenant:
    """Another sync in the same store."""
    return Tenant(f"sync{next(_numbers)}", REGISTRY, store, Clock())
