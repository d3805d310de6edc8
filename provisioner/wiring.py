"""Putting the pieces of one sync together: config in, connected directories and phone system out."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from collections.abc import Mapping as MappingOf
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from sqlalchemy import Engine

from connectors import phone as phones
from connectors.errors import ProvisionerError
from connectors.records import Directory, Http, Outside, PhoneSystem, Rate
from connectors.scim_filter import PHONE_USER, Filter, parse_filter
from mappings import Mapping, load_mapping
from provisioner import directories
from provisioner.aliases import with_aliases
from provisioner.config import PUSHED, Config, DirectoryConfig, SyncConfig
from provisioner.store.database import open_database

if TYPE_CHECKING:
    from provisioner.http import CallRecord
    from provisioner.rates import Board


MOMENT_S = 1.0
"""So long a stop may wait for a request's place in a rate."""


class Stopped(ProvisionerError):
    """The program was asked to stop; what is unfinished is picked up by the next run."""


class Stop:
    """A request to stop that everything long-lived looks at: it cuts every wait short."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def set(self) -> None:
        """Ask for the stop."""
        self._event.set()

    def asked(self) -> bool:
        """Return whether the stop was asked for."""
        return self._event.is_set()

    def sleep(self, seconds: float) -> None:
        """Wait; raises Stopped at once when the stop is asked for."""
        if self._event.wait(seconds):
            raise Stopped("stopped while waiting")

    def pause(self, seconds: float) -> None:
        """Wait as `sleep` does, but a moment in any case: a call of several requests shall end whole."""
        if seconds <= MOMENT_S:
            time.sleep(seconds)
        else:
            self.sleep(seconds)


@dataclass(frozen=True, slots=True)
class Site:
    """One running installation: its config, its store, and what connectors are handed.

    `record` is told of every request that leaves. `board`: where rate limits are shared, None for the
    store's own.
    """

    config: Config
    engine: Engine
    stop: Stop
    now: Callable[[], datetime]
    record: Callable[[CallRecord], None] | None = None
    board: Board | None = None
    _shared: list[object] = field(default_factory=list)
    _kept: dict[str, object] = field(default_factory=dict)
    _sharing: threading.Lock = field(default_factory=threading.Lock)

    @property
    def outside(self) -> Outside:
        """What a connector is handed from above."""
        return self.outside_with(1.0)

    def outside_with(self, share: float) -> Outside:
        """Return what a connector is handed that may use this share of its vendor's rate limits."""
        http = partial(self._http, share)
        return Outside(self.config.base, http, self.now, self.stop.sleep, self._kept)

    def _http(self, share: float, account: str, rates: MappingOf[str, Rate]) -> Http:
        """Return the carrier of an account's requests: one pool of connections, one set of limits."""
        from provisioner.http import make_http, new_session
        from provisioner.rates import Limiter, shared
        from provisioner.store.rate_board import open_board

        with self._sharing:  # the daemon connects several syncs at the same moment
            if not self._shared:
                board = self.board or open_board(self.engine)
                self._shared.extend((new_session(), Limiter(board=board)))
        session, limiter = self._shared
        assert isinstance(limiter, Limiter)
        return make_http(
            self.record,
            limiter,
            self.stop.pause,
            account=account,
            rates={label: shared(rate, share) for label, rate in rates.items()},
            session=session,  # type: ignore[arg-type]
        )


def utc_now() -> datetime:
    """Return the present moment, in UTC."""
    return datetime.now(UTC)


def open_site(
    config: Config,
    *,
    stop: Stop | None = None,
    now: Callable[[], datetime] = utc_now,
    record: Callable[[CallRecord], None] | None = None,
) -> Site:
    """Open the store and make ready what connectors need. Raises RunError if the store can't be opened."""
    stop = stop or Stop()
    return Site(config, open_database(config.store), stop, now, record)


@dataclass(frozen=True, slots=True)
class Wired:
    """One sync, connected: what planning and applying need of it."""

    sync: SyncConfig
    mapping: Mapping
    directories: tuple[Directory, ...]
    phone: PhoneSystem
    protected: Filter | None
    manages: Filter | None


def wire(site: Site, sync: SyncConfig, mapping: Mapping | None = None) -> Wired:
    """Connect a sync's directories and phone system; nothing is sent yet.

    Raises InputError for a mapping that can't be used.
    """
    if mapping is None:
        mapping = load_mapping(sync.mapping, sync.people, sync.pools)
    join = "" if mapping.join is None else mapping.join.text
    schema = sync.people
    return Wired(
        sync=sync,
        mapping=mapping,
        directories=tuple(wire_directory(site, sync, d, join) for d in sync.directories),
        phone=wire_phone(site, sync),
        protected=None if sync.protected is None else parse_filter(sync.protected, schema),
        manages=None if sync.manages is None else parse_filter(sync.manages, PHONE_USER),
    )


def wire_directory(site: Site, sync: SyncConfig, config: DirectoryConfig, join: str) -> Directory:
    """Connect one of a sync's directories; `join` is the mapping's, "" for none."""
    if config.kind == PUSHED:
        from provisioner.scim.pushed import Pushed
        from provisioner.store.direct import Direct

        store = site._kept.setdefault("direct", Direct(site.engine))
        assert isinstance(store, Direct)
        return Pushed(config.name, sync.name, store, config.options)
    directory: Directory = directories.module(config.kind).connect(
        config.name, config.options, site.outside, join
    )
    return directory


def wire_phone(site: Site, sync: SyncConfig) -> PhoneSystem:
    """Connect a sync's phone system alone, under its aliases."""
    module = phones.module(sync.phone_system.kind)
    outside = site.outside_with(sync.phone_system.share)
    phone: PhoneSystem = module.connect(sync.phone_system.options, outside)
    return with_aliases(phone, sync.aliases)
