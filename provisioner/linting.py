"""Linting a mapping with what its sync knows: groups and attributes that directories have, names of the
phone system's catalog, and figures of the last accepted reads.

A directory or a phone system that can't be reached takes nothing from the rest: it is said, and what
it would have told is not judged.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path as File

from sqlalchemy import Engine, create_engine, inspect
from sqlalchemy.exc import SQLAlchemyError

from connectors.errors import InputError, ProvisionerError
from connectors.records import Directory, Flaw, fold
from connectors.scim_filter import Compare, Filter, Path, Present
from mappings import Mapping, load_mapping
from mappings.lint import lint
from mappings.yaml_file import did_you_mean, load_yaml
from mappings.yaml_nodes import place
from provisioner.checks import Finding, problem, warning
from provisioner.checks.abilities import beyond_abilities
from provisioner.checks.names import unknown_in_lookups, unknown_names
from provisioner.commands.mapping import Tried, united, with_hint
from provisioner.config import PUSHED, Config, SyncConfig
from provisioner.store.people import measures
from provisioner.store.tables import reads
from provisioner.tally import presence
from provisioner.wiring import Site, Stop, utc_now, wire_directory, wire_phone

_MOST_GROUPS = 200_000
"""Names of groups that are kept to find the nearest in; a directory with more is not guessed about."""


@dataclass
class Known:
    """What a sync's directories have: people, members by group's name, people by attribute's path.

    `whole`: every directory was read, so that what is not here is nowhere.
    """

    people: int = 0
    groups: Counter[str] = field(default_factory=Counter)
    columns: Counter[str] = field(default_factory=Counter)
    whole: bool = True


def lint_all(several: Sequence[Tried], config: Config | None) -> list[Finding]:
    """Return everything found in these mappings, each finding once.

    Raises InputError with all that is wrong in mappings that can't be used.
    """
    findings: list[Finding] = []
    broken: list[InputError] = []
    engine = _store(config)
    for one in several:
        try:
            pools = one.sync.pools if one.sync else None
            mapping = load_mapping(one.path, one.attributes, pools)
        except InputError as error:
            broken.append(with_hint(error, one))
            continue
        findings += [
            (warning if each.warning else problem)(each.where, each.text) for each in lint(mapping)
        ]
        if one.sync is not None and config is not None:
            site = Site(config, engine or create_engine("sqlite://"), Stop(), utc_now)
            findings += _of_directories(site, one.sync, mapping, stored=engine is not None)
            findings += _of_phone_system(site, one, mapping)
    if broken:
        raise united(broken)
    return sorted(dict.fromkeys(findings), key=_order)


def _order(finding: Finding) -> tuple[str, tuple[int, ...]]:
    return finding.problem.where.partition(":")[0], place(finding.problem)


def _store(config: Config | None) -> Engine | None:
    """Return the store if there is one already; nothing is made."""
    if config is None:
        return None
    engine = create_engine(config.store)
    path = engine.url.database if engine.dialect.name == "sqlite" else None
    try:
        if path is not None and (path == ":memory:" or not File(path).is_file()):
            return None
        return engine if inspect(engine).has_table(reads.name) else None
    except SQLAlchemyError:  # `check` tells of a store that can't be opened
        return None


def _of_directories(
    site: Site, sync: SyncConfig, mapping: Mapping, *, stored: bool
) -> Iterator[Finding]:
    known = Known()
    join = mapping.join.text if mapping.join else ""
    paths = sorted(mapping.uses_paths, key=lambda path: path.text)
    for directory in sync.directories:
        if directory.kind == PUSHED and not stored:
            known.whole = False
            said = f"directory {directory.name}: nothing was pushed to it yet"
            yield warning(str(site.config.path), said)
            continue
        try:
            _count(wire_directory(site, sync, directory, join), paths, known)
        except ProvisionerError as error:
            known.whole = False
            said = f"directory {directory.name} can't be read, so groups are not judged: {error.message}"
            yield warning(str(site.config.path), said)
    if known.whole and known.people:
        last = _last_figures(site, sync) if stored else Known()
        yield from _unknown_groups(mapping, known, last)
        yield from _empty_attributes(mapping, paths, known, last)


def _count(directory: Directory, paths: Sequence[Path], known: Known) -> None:
    present = [(path.text, presence(path)) for path in paths if path.attribute != "groups"]
    for person in directory.read():
        if isinstance(person, Flaw):
            continue
        known.people += 1
        resource = person.resource
        for group in resource.get("groups") or ():
            for name in {group.get("display"), group.get("value")} - {None}:
                if len(known.groups) < _MOST_GROUPS or name in known.groups:
                    known.groups[str(name)] += 1
        for text, there in present:
            if there(resource):
                known.columns[text] += 1


def _last_figures(site: Site, sync: SyncConfig) -> Known:
    """Return the figures of the last accepted reads, all directories together."""
    known = Known()
    with site.engine.connect() as connection:
        for directory in sync.directories:
            found, _ = measures(connection, sync.name, directory.name, site.now())
            for measure in found[:1]:
                known.people += measure.figures.people
                known.groups.update(measure.figures.groups)
                known.columns.update(measure.figures.columns)
    return known


def _unknown_groups(mapping: Mapping, known: Known, last: Known) -> Iterator[Finding]:
    """Yield the groups that a filter compares with and nobody is in, each where it is first named."""
    there = {fold(name) for name in known.groups}
    before = {fold(name): count for name, count in last.groups.items()}
    filters = [(f"rule {rule.name}", rule.when, rule.where) for rule in mapping.rules]
    if mapping.scope is not None:
        filters.insert(0, ("scope", mapping.scope, mapping.parts.get("scope")))
    leave = None if mapping.leave is None else mapping.leave.when
    filters += [
        (name, each, mapping.parts.get(name))
        for name, each in (("leave", leave), ("existing_account", mapping.existing_account))
        if each is not None
    ]
    said: set[str] = set()
    for who, each, where in filters:
        for name in chain.from_iterable(map(_groups, each.tests)):
            if fold(name) in there | said:
                continue
            said.add(fold(name))
            near = did_you_mean(name, known.groups) if known.groups else "nobody is in any group"
            near = near if near.startswith("did") else f"none of {len(known.groups):,} is like it"
            members = before.get(fold(name), 0)
            had = f"{members:,} member{'' if members == 1 else 's'}"
            was = f"; at the last accepted read it had {had}" if members else ""
            yield problem(str(where), f"{who}: no directory has a group {name!r}; {near}{was}")


def _groups(test: Compare | Present) -> Iterator[str]:
    """Yield the groups that a test names, in brackets too."""
    path = test.path
    if path.uri is not None or path.attribute != "groups":
        return
    named = path.sub in (None, "display", "value")
    if isinstance(test, Compare) and test.op == "eq" and named and isinstance(test.value, str):
        yield test.value
    for part in () if path.part is None else Filter(path.part).tests:
        chosen = part.path.attribute in ("display", "value")
        if isinstance(part, Compare) and part.op == "eq" and chosen and isinstance(part.value, str):
            yield part.value


def _empty_attributes(
    mapping: Mapping, paths: Sequence[Path], known: Known, last: Known
) -> Iterator[Finding]:
    """Yield the attributes that the mapping reads and nobody in any directory has."""
    for path in paths:
        if path.attribute == "groups" or known.columns[path.text]:
            continue
        before = last.columns[path.text]
        was = f"; at the last accepted read {before:,} had" if before else ""
        said = f"{path.text} is read here, and none of {known.people:,} people has it{was}"
        where = next(
            (rule.where for rule in mapping.rules if path in rule.paths),
            mapping.parts.get("scope"),
        )
        yield warning(str(where), said)


def _of_phone_system(site: Site, one: Tried, mapping: Mapping) -> Iterator[Finding]:
    assert one.sync is not None
    sync = one.sync
    try:
        phone = wire_phone(site, sync)
        catalog = phone.catalog()
    except ProvisionerError as error:
        said = f"phone system {sync.phone_system.kind} can't be asked, so names are not judged: {error.message}"
        yield warning(str(site.config.path), said)
        return
    yield from unknown_names(load_yaml(one.path), sync, catalog)
    yield from unknown_in_lookups(mapping, sync, catalog)
    yield from beyond_abilities(mapping, phone.abilities, sync.phone_system.kind)
