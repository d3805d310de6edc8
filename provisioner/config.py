"""Config: what one installation is made of, read once at start and checked whole.

An operator gets every problem at once, with file, line and column, and the nearest name that would
have been right. Paths are relative to the config's own folder; secrets never show.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from itertools import combinations
from pathlib import Path
from typing import Any

from marshmallow import Schema, ValidationError, fields

from connectors import scim_schema
from connectors.errors import InputError, Problem
from connectors.records import fold
from mappings.yaml_file import Located, judge_of, read_yaml, schema_problems
from mappings.yaml_nodes import Step, place
from provisioner import config_fields
from provisioner.config_schema import ConfigSchema, messages_of
from provisioner.freeze import Window
from provisioner.limits import Limits
from provisioner.people_schema import people_schema
from provisioner.prices import Prices, prices_of
from provisioner.secret import Secret, SecretSource, is_reference
from provisioner.server_config import Server, server_of

__all__ = ["Config", "Secret", "Server", "SyncConfig", "load_config"]


@dataclass(frozen=True, slots=True)
class DirectoryConfig:
    """One directory of a sync; `options` is what the kind's own `Config` schema loaded."""

    kind: str
    name: str
    options: dict[str, Any]


PUSHED = "pushed"
"""The kind of directory that our own receiver fills (DESIGN section 5)."""


@dataclass(frozen=True, slots=True)
class PhoneConfig:
    """The phone system of a sync; `options` is what the kind's own `Config` schema loaded.

    `share`: how much of the vendor's rate limits is ours (0 to 1); the rest is left to other apps.
    """

    kind: str
    options: dict[str, Any]
    share: float = config_fields.SHARE


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a sync runs: `every_s` seconds, or by `cron` (weekdays by name). One of them is None."""

    every_s: float | None
    cron: str | None


@dataclass(frozen=True, slots=True)
class Approval:
    """Who has to approve what.

    `automatic`: risks and kinds of change that are applied without a person. `expires`: how long a
    person's approval holds. `approvers`: the only ones who may decide, None for anybody. `second`:
    risks and kinds that take two different people's approval, whatever is automatic.
    """

    automatic: frozenset[str] = frozenset({"safe", "service"})
    expires: timedelta = timedelta(days=14)
    approvers: tuple[str, ...] | None = None
    second: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class PoolConfig:
    """Direct numbers to give: `ranges` of E.164 numbers, both ends included, and single `numbers`, or
    the vendor's own.

    `reserved` are never given; a released number rests for `cooling` first. `vendor`: whatever the
    account has unassigned, at `site` if it is set.
    """

    ranges: tuple[tuple[str, str], ...] = ()
    reserved: frozenset[str] = frozenset()
    cooling: timedelta = timedelta(0)
    vendor: bool = False
    site: str | None = None
    numbers: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class SyncConfig:
    """One sync. `directories` in order of precedence; `mapping` is the file's path.

    `protected` (over people) and `manages` (over phone users) are the texts of valid filters.
    `aliases`: by family (licenses, packages, templates, sites) short name → vendor's name.
    `default`: the receiver's `/scim/v2` is of this sync. `forecast`: for how long plans look ahead, 0
    for not at all. `prices`: what seats cost a month, None where nobody said.
    """

    name: str
    directories: tuple[DirectoryConfig, ...]
    mapping: Path
    phone_system: PhoneConfig
    schedule: Schedule | None
    approval: Approval
    limits: Limits
    freeze: tuple[Window, ...]
    protected: str | None
    pools: dict[str, PoolConfig]
    aliases: dict[str, dict[str, str]]
    manages: str | None
    default: bool = False
    forecast: timedelta = timedelta(days=90)
    prices: Prices | None = None

    @property
    def pushed(self) -> str | None:
        """The name of the directory that our own receiver fills; None if the sync has none."""
        return next((d.name for d in self.directories if d.kind == PUSHED), None)

    @property
    def people(self) -> scim_schema.Schema:
        """What a person may have: a User's attributes, and those that the directories add."""
        return people_schema(d.options for d in self.directories)


@dataclass(frozen=True, slots=True)
class Config:
    """A config file's content. `store` is an SQLAlchemy URL, a SQLite file's path made absolute."""

    path: Path
    store: str
    server: Server
    syncs: dict[str, SyncConfig]

    def approval_of(self, sync: str) -> Approval:
        """Return who has to approve what in a sync; the defaults for one that is no longer there."""
        known = self.syncs.get(sync)
        return Approval() if known is None else known.approval

    @property
    def alias(self) -> str | None:
        """The sync that `/scim/v2` is of: the one marked so, else the only one that is pushed to."""
        pushed = [sync for sync in self.syncs.values() if sync.pushed is not None]
        chosen = [sync.name for sync in pushed if sync.default or len(pushed) == 1]
        return chosen[0] if chosen else None

    @property
    def base(self) -> Path:
        """The folder that relative paths in it are relative to."""
        return self.path.parent

    @property
    def pushed(self) -> list[str]:
        """The syncs that are pushed to, in the order of the file."""
        return [sync.name for sync in self.syncs.values() if sync.pushed is not None]


_UNREAD = Secret("a secret that is not read here")


def load_config(
    path: Path, environ: Mapping[str, str] = os.environ, *, outside: bool = True
) -> Config:
    """Read and check a config file, with the secrets that it refers to.

    Without `outside`, those of phone systems and directories stay unread: whoever asks none of them
    need not be trusted with their secrets, so they need not be there. Only where one must have a form
    (a URL) it is read all the same. Raises InputError with every problem, in the order of the file.
    """
    located = read_yaml(path)
    problems = list(located.problems)
    unread: set[str] | None = None if outside else set()
    data = _resolve(located, SecretSource(environ, path.parent), problems, unread)
    unresolved = {p.where for p in problems[len(located.problems) :]}
    schema = ConfigSchema()
    try:
        loaded = schema.load(data)
    except ValidationError as e:
        found = schema_problems(messages_of(e), located, schema)
        if unread and any(p.where in unread for p in found):
            return load_config(path, environ)
        problems += [p for p in found if p.where not in unresolved]
        loaded = None
    problems += _cross_problems(data, path.parent, located)
    if problems or loaded is None:
        raise InputError(sorted(set(problems), key=place))
    return _config(path, loaded)


def _resolve(
    located: Located, source: SecretSource, problems: list[Problem], unread: set[str] | None
) -> Any:
    """Return the file's data with every reference to a secret replaced by the secret.

    A reference stands where the schema wants a scalar; elsewhere `file` and `env` are mere names.
    `unread`, if given, takes the places of those outside that were left alone.
    """

    def walk(value: Any, judge: object, at: tuple[Step, ...]) -> Any:
        scalar = judge is not None and not isinstance(judge, (fields.Dict, fields.Nested, Schema))
        if scalar and is_reference(value):
            if unread is not None and at[2:3] in (("phone_system",), ("directories",)):
                unread.add(located.where(at))
                return _UNREAD
            try:
                return source.read(value)
            except ValueError as e:
                problems.append(Problem(located.where(at), f"{_name(at)}: {e}"))
                return value
        if isinstance(value, list):
            return [walk(v, judge_of(judge, i, value), (*at, i)) for i, v in enumerate(value)]
        if isinstance(value, dict):
            return {k: walk(v, judge_of(judge, k, value), (*at, k)) for k, v in value.items()}
        return value

    return walk(located.data, ConfigSchema(), ())


def _name(at: tuple[Step, ...]) -> str:
    return ".".join(map(str, at))


def _cross_problems(data: Any, base: Path, located: Located) -> Iterator[Problem]:
    """Yield what no member shows by itself: names used twice, pools that overlap, files not there."""
    syncs = data.get("syncs") if isinstance(data, dict) else None
    if not isinstance(syncs, dict):
        return
    for at, text in _twice((("syncs", name), name) for name in syncs):
        yield Problem(located.where_key(at), f"{_name(at)}: {text}")
    for name, sync in syncs.items():
        if isinstance(sync, dict):
            for path, text in _sync_problems(sync, base):
                at = ("syncs", name, *path)
                yield Problem(located.where(at), f"{_name(at)}: {text}")
    for at, text in _default_problems(syncs):
        yield Problem(located.where(at), f"{_name(at)}: {text}")
    for at, text in _issuer_problems(data.get("server"), syncs, base):
        yield Problem(located.where(at), f"{_name(at)}: {text}")


_At = tuple[Step, ...]


def _sync_problems(sync: dict[str, Any], base: Path) -> Iterator[tuple[_At, str]]:
    directories = sync.get("directories")
    listed = directories if isinstance(directories, list) else []
    entries = [d if isinstance(d, dict) else {} for d in listed]
    yield from _twice(
        (("directories", i, "name"), d["name"])
        for i, d in enumerate(entries)
        if isinstance(d.get("name"), str)
    )
    pushed = [i for i, d in enumerate(entries) if d.get("kind") == "pushed"]
    for i in pushed[1:]:
        yield ("directories", i, "kind"), "a sync has one `pushed` directory at most"
    mapping = sync.get("mapping")
    if isinstance(mapping, str) and mapping and not (base / mapping).is_file():
        yield ("mapping",), f"there is no file {base / mapping}"
    pools = sync.get("pools")
    yield from _overlaps(pools if isinstance(pools, dict) else {})
    aliases = sync.get("aliases")
    for family, names in (aliases if isinstance(aliases, dict) else {}).items():
        if isinstance(names, dict):
            yield from _twice((("aliases", family, n), v) for n, v in names.items())
            yield from _twice((("aliases", family, n), n) for n in names)


def _default_problems(syncs: dict[str, Any]) -> Iterator[tuple[_At, str]]:
    """Yield where `default` says what can't be."""
    marked = [n for n, s in syncs.items() if isinstance(s, dict) and s.get("default") is True]
    for name in marked:
        if not _is_pushed(syncs[name]):
            yield ("syncs", name, "default"), "goes with a `pushed` directory only"
    for name in marked[1:]:
        yield ("syncs", name, "default"), f"{marked[0]} is the default already"


def _issuer_problems(server: Any, syncs: dict[str, Any], base: Path) -> Iterator[tuple[_At, str]]:
    """Yield which issuers' JWTs would open nothing, or nobody knows what, and keys that aren't there."""
    issuers = server.get("jwt") if isinstance(server, dict) else None
    pushed = [name for name, sync in syncs.items() if _is_pushed(sync)]
    several = isinstance(issuers, list)
    seen: dict[tuple[str, str], int] = {}
    for i, issuer in enumerate(issuers if isinstance(issuers, list) else [issuers]):
        if not isinstance(issuer, dict):
            continue
        at: _At = ("server", "jwt", i) if several else ("server", "jwt")
        sync, keys = issuer.get("sync"), issuer.get("jwks")
        if sync is None and len(pushed) != 1:
            yield at, "give `sync`: it isn't clear whose receiver these tokens open"
        if isinstance(sync, str) and sync not in pushed:
            yield (*at, "sync"), f"there is no sync {sync!r} with a `pushed` directory"
        if isinstance(keys, str) and keys and not (base / keys).is_file():
            yield (*at, "jwks"), f"there is no file {base / keys}"
        meant = issuer.get("audience")
        for audience in meant if isinstance(meant, list) else [meant]:
            if seen.setdefault((str(issuer.get("issuer")), str(audience)), i) != i:
                yield at, f"another takes this issuer's tokens for {audience!r} already"


def _is_pushed(sync: Any) -> bool:
    directories = sync.get("directories") if isinstance(sync, dict) else None
    listed = directories if isinstance(directories, list) else []
    return any(isinstance(d, dict) and d.get("kind") == "pushed" for d in listed)


def _twice(names: Iterable[tuple[_At, Any]]) -> Iterator[tuple[_At, str]]:
    """Yield each place whose name an earlier place has already, without case."""
    seen: dict[str, _At] = {}
    for at, name in names:
        first = seen.setdefault(fold(str(name)), at)
        if first is not at:
            yield at, f"{name!r} is the same as {_name(first)}"


def _overlaps(pools: dict[str, Any]) -> Iterator[tuple[_At, str]]:
    ranges = sorted(_ranges(pools), key=lambda r: (len(r[1][0]), r[1]))
    widest = ranges[:1]
    for other, (low, high) in ranges[1:]:
        at, (first, last) = widest[0]
        if len(first) == len(low) and low <= last:
            yield other, f"overlaps {first}-{last} of {_name(at)}"
        if len(first) != len(low) or high > last:
            widest = [(other, (low, high))]
    vendors = [
        (("pools", name, "vendor"), pool.get("site"))
        for name, pool in pools.items()
        if isinstance(pool, dict) and pool.get("vendor") is True
    ]
    for (at, site), (other, second) in combinations(vendors, 2):
        if site is None or second is None or fold(str(site)) == fold(str(second)):
            yield other, f"takes the same numbers as {_name(at)}"


def _ranges(pools: dict[str, Any]) -> Iterator[tuple[_At, tuple[str, str]]]:
    for name, pool in pools.items():
        for member in ("ranges", "numbers"):
            written = pool.get(member) if isinstance(pool, dict) else None
            for i, text in enumerate(written if isinstance(written, list) else ()):
                with suppress(ValueError):  # a bad range is the schema's to report
                    yield ("pools", name, member, i), config_fields.numbers(text)


def _config(path: Path, loaded: dict[str, Any]) -> Config:
    return Config(
        path=path,
        store=_store(loaded["store"], path.parent),
        server=server_of(loaded["server"], path.parent),
        syncs={name: _sync(name, sync, path.parent) for name, sync in loaded["syncs"].items()},
    )


def _sync(name: str, sync: dict[str, Any], base: Path) -> SyncConfig:
    approval = sync["approval"]
    return SyncConfig(
        name=name,
        directories=tuple(DirectoryConfig(**d) for d in sync["directories"]),
        mapping=_beside(base, sync["mapping"]),
        phone_system=PhoneConfig(**sync["phone_system"]),
        schedule=sync["schedule"] and _schedule(sync["schedule"]),
        approval=Approval(
            automatic=frozenset(approval["automatic"]),
            expires=approval["expires"],
            approvers=None if approval["approvers"] is None else tuple(approval["approvers"]),
            second=frozenset(approval["second"]),
        ),
        limits=sync["limits"],
        freeze=tuple(sync["freeze"]),
        protected=sync["protected"],
        pools={n: _pool(p) for n, p in sync["pools"].items()},
        aliases=sync["aliases"],
        manages=sync["manages"],
        default=sync["default"],
        forecast=sync["forecast"],
        prices=sync["prices"] and prices_of(sync["prices"], sync["aliases"]),
    )


def _schedule(schedule: dict[str, Any]) -> Schedule:
    every: timedelta | None = schedule.get("every")
    return Schedule(None if every is None else every.total_seconds(), schedule.get("cron"))


def _pool(pool: dict[str, Any]) -> PoolConfig:
    return PoolConfig(
        ranges=tuple(pool["ranges"]),
        reserved=frozenset(pool["reserved"]),
        cooling=pool["cooling"],
        vendor=pool["vendor"],
        site=pool["site"],
        numbers=frozenset(pool["numbers"]),
    )


def _beside(base: Path, name: str) -> Path:
    """Return a file that is named relative to a folder, without `..` unless a link makes that another one."""
    path = base / name
    short = Path(os.path.normpath(path))
    return short if path.exists() and short.exists() and short.samefile(path) else path


def _store(url: str, base: Path) -> str:
    """Return the store's URL, a SQLite file's path made absolute; with a password it is a Secret."""
    scheme, _, rest = url.partition("://")
    if scheme.startswith("sqlite"):
        file, question, options = rest.removeprefix("/").partition("?")
        if file and not file.startswith((":memory:", "file:")):
            file = os.path.abspath(base / file)
        return f"{scheme}:///{file}{question}{options}" if file else url
    url = url.replace("postgresql://", "postgresql+psycopg://", 1)
    return Secret(url) if "@" in url else url
