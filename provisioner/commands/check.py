"""`provisioner check`: config, mappings, credentials and reachability; every problem at once.

Nothing is written, to no phone system and no store. Plain text on stdout: what each phone system has to
give, under the names that a mapping uses, then problems and warnings with their places. The exit
status is 1 if there is any problem; warnings alone end with 0.
"""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import click
from sqlalchemy import create_engine

from connectors.errors import InputError, ProvisionerError
from connectors.records import Catalog, Seats
from mappings import Mapping
from mappings.yaml_file import Located, load_yaml
from provisioner.checks import Finding, problem, warning
from provisioner.checks.abilities import beyond_abilities, lacking_a_prerequisite
from provisioner.checks.accounts import differing_shares, overlapping
from provisioner.checks.console import reachable_console
from provisioner.checks.credits import unreadable_ledgers
from provisioner.checks.files import mapping_of, problems_beside
from provisioner.checks.keys import changing_keys
from provisioner.checks.names import empty_pools, unknown_aliases, unknown_in_lookups, unknown_names
from provisioner.checks.receiver import unclear_alias
from provisioner.checks.store import unusable_store
from provisioner.config import Config, DirectoryConfig, SyncConfig, load_config
from provisioner.operation_log import log_told
from provisioner.progress import Progress, for_stderr
from provisioner.store.rate_board import find_board
from provisioner.wiring import Site, Stop, utc_now, wire_directory, wire_phone

_SIDE_BY_SIDE = 8
_WIDTH = 100


@dataclass
class Section:
    """What was found out about one sync: `lines` to show, and the findings."""

    title: str
    lines: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)


def run_check(config: Path) -> int:
    """Check everything, print what was found, and return the exit status."""
    try:
        loaded = load_config(config)
    except InputError as error:
        return _tell([], [*map(Finding, error.problems), *map(Finding, problems_beside(config))])
    located = load_yaml(config)
    sections = _checked(loaded, located)
    findings = [
        *unusable_store(located.where(("store",)), loaded.store),
        *(finding for section in sections for finding in section.findings),
        *overlapping(loaded, located),
        *differing_shares(loaded, located),
        *unclear_alias(loaded, located),
        *reachable_console(loaded, located),
        *unreadable_ledgers(loaded, located),
    ]
    return _tell(sections, findings)


def _checked(config: Config, located: Located) -> list[Section]:
    """Check the syncs side by side: one that doesn't answer keeps nobody waiting for the others."""
    stop = Stop()
    # connectors never touch the store; what it is like is looked at without opening it for good
    board = find_board(config.store)  # a run may be under way, and have taken places
    site = Site(config, create_engine("sqlite://"), stop, utc_now, board=board)
    progress = for_stderr()
    progress.stage("checking", sum(len(s.directories) + 1 for s in config.syncs.values()))
    try:
        with ThreadPoolExecutor(_SIDE_BY_SIDE) as pool:
            checks = [
                pool.submit(_sync, site, sync, located, progress) for sync in config.syncs.values()
            ]
            try:
                return [check.result() for check in checks]
            except KeyboardInterrupt:
                stop.set()  # cuts the waits short; the pool ends when its calls do
                raise
    finally:
        progress.close()


def _sync(site: Site, sync: SyncConfig, located: Located, progress: Progress) -> Section:
    section = Section(f"sync {sync.name}")
    mapping, problems = mapping_of(sync.mapping, sync.people)
    section.findings += map(Finding, problems)
    section.findings += () if mapping is None else lacking_a_prerequisite(mapping)
    for number, directory in enumerate(sync.directories):
        where = located.where(("syncs", sync.name, "directories", number))
        section.findings += _directory(site, sync, directory, mapping, where, section)
        progress.advance()
    section.findings += _phone_system(site, sync, mapping, located, section)
    progress.advance()
    if sync.schedule is None:
        section.lines.append("no schedule: the daemon doesn't run it")
    return section


def _directory(
    site: Site,
    sync: SyncConfig,
    config: DirectoryConfig,
    mapping: Mapping | None,
    where: str,
    section: Section,
) -> Iterator[Finding]:
    join = mapping.join.text if mapping is not None and mapping.join is not None else ""
    try:
        directory = wire_directory(site, sync, config, join)
        directory.check()
        section.lines.append(f"directory {config.name} ({config.kind}): can be read")
        yield from changing_keys(where, sync, config, directory)
    except ProvisionerError as error:
        yield from _failed(where, f"directory {config.name}", error)


def _phone_system(
    site: Site, sync: SyncConfig, mapping: Mapping | None, located: Located, section: Section
) -> Iterator[Finding]:
    where = located.where(("syncs", sync.name, "phone_system"))
    kind = sync.phone_system.kind
    try:
        phone = wire_phone(site, sync)
        phone.check()
        catalog = phone.catalog()
    except ProvisionerError as error:
        yield from _failed(where, f"phone system {kind}", error)
        return
    section.lines.append(f"phone system {kind}: answers")
    section.lines += _listed(catalog)
    section.lines += log_told(site, sync)
    if mapping is not None:
        yield from unknown_names(load_yaml(sync.mapping), sync, catalog)
        yield from unknown_in_lookups(mapping, sync, catalog)
        yield from beyond_abilities(mapping, phone.abilities, kind)
    yield from (warning(where, note) for note in catalog.notes)
    if mapping is not None and mapping.places and sync.manages is None:
        kinds = " or ".join(f'kind eq "{kind}"' for kind in ("person", *sorted(mapping.places)))
        said = "rooms and common areas are touched only where `manages` names them"
        yield warning(where, f"the mapping's rules for them do nothing: {said}: '{kinds}'")
    yield from unknown_aliases(located, sync, catalog)
    yield from empty_pools(located, sync, catalog)


def _failed(where: str, what: str, error: ProvisionerError) -> Iterator[Finding]:
    if isinstance(error, InputError) and error.problems:
        yield from map(Finding, error.problems)
        return
    yield problem(where, f"{what}: " + "; ".join(filter(None, (error.message, error.remedy))))


def _listed(catalog: Catalog) -> Iterator[str]:
    """Yield the catalog's names as lines, a family each."""
    if catalog == Catalog():
        yield "  it doesn't tell what it has to give: every name is allowed"
        return
    told: dict[str, list[str] | None] = {
        "licenses": _counted(catalog.licenses),
        "packages": _counted(catalog.packages),
        "templates": _placed(catalog.templates),
        "sites": None if catalog.sites is None else sorted(catalog.sites),
        "unassigned numbers": _numbers(catalog.numbers),
    }
    if catalog.credits is not None:
        told["seats for credits"] = [_seats("communication credits", catalog.credits)]
    if catalog.accounts is not None:
        told["seats for accounts"] = [_seats("licensed", catalog.accounts)]
    if catalog.extensions:
        told["extension numbers"] = [
            f"{site} ({code} and {'more' if length is None else length} digits)"
            for site, (code, length) in sorted(catalog.extensions.items())
        ]
    for family, names in told.items():
        absent = catalog.without.get(family.removesuffix("s"), "not told: any is allowed")
        text = absent if names is None else ", ".join(names) or "none"
        yield from textwrap.wrap(
            f"  {family}: {text}", _WIDTH, subsequent_indent="    ", break_long_words=False
        )


def _counted(family: dict[str, Seats] | None) -> list[str] | None:
    return None if family is None else [_seats(name, family[name]) for name in sorted(family)]


def _seats(name: str, seats: Seats) -> str:
    if seats.total is None:
        return f"{name} (not counted)"
    used = "" if seats.used is None else f"{seats.used:,} of "
    return f"{name} ({used}{seats.total:,}{' used' if used else ''})"


def _placed(names: Iterable[tuple[str, str | None]] | None) -> list[str] | None:
    if names is None:
        return None
    return [f"{name} ({site})" if site else name for name, site in sorted(names, key=str)]


def _numbers(numbers: Iterable[tuple[str, str | None]] | None) -> list[str] | None:
    if numbers is None:
        return None
    at = Counter(site for _, site in numbers)
    return [f"{n:,} at {s}" if s else f"{n:,}" for s, n in sorted(at.items(), key=str)]


def _tell(sections: Iterable[Section], findings: Iterable[Finding]) -> int:
    """Print everything, and return the exit status."""
    found = list(dict.fromkeys(findings))  # two syncs may share a mapping, and its problems
    problems = [str(finding) for finding in found if not finding.warning]
    warnings = [str(finding) for finding in found if finding.warning]
    for section in sections:
        click.echo(section.title)
        for line in section.lines:
            click.echo(f"  {line}")
    for title, texts in (("problem", problems), ("warning", warnings)):
        for text in texts:
            click.echo(f"{title}: {text}")
    click.echo(f"{_count(len(problems), 'problem')}, {_count(len(warnings), 'warning')}")
    return 1 if problems else 0


def _count(count: int, what: str) -> str:
    return f"{count or 'no'} {what}{'' if count == 1 else 's'}"
