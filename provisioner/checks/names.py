"""Names that a sync uses, held against its phone system's catalog: a name with a slip gives nobody anything.

Looked at is what stands in files: rules, personas (used or not), defaults, aliases, pools. A text in
braces has its value from each person, and is judged when it is planned.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from connectors.records import Catalog, clean, fold
from mappings import Mapping
from mappings.text import AttributeText
from mappings.yaml_file import Located, did_you_mean
from mappings.yaml_nodes import Step
from provisioner.checks import Finding, problem, warning
from provisioner.config import PoolConfig, SyncConfig
from provisioner.pools import NumberPool

_FAMILIES = {
    "license": "licenses",
    "packages": "packages",
    "template": "templates",
    "site": "sites",
}
"""The catalog's family that an entitlement's names are of."""

Names = dict[str, dict[str, str] | None]


def names_in(catalog: Catalog) -> Names:
    """Return by family the names by their folded spelling; None where the vendor doesn't tell."""
    told = {
        "licenses": catalog.licenses,
        "packages": catalog.packages,
        "templates": None if catalog.templates is None else [name for name, _ in catalog.templates],
        "sites": catalog.sites,
    }
    return {
        family: None if names is None else {fold(name): name for name in names}
        for family, names in told.items()
    }


def unknown_names(mapping: Located, sync: SyncConfig, catalog: Catalog) -> Iterator[Finding]:
    """Yield what the mapping gives and there is not: names of the catalog, and pools of the config."""
    names = names_in(catalog)
    for at, given in _gives(mapping.data):
        for entitlement, family in _FAMILIES.items():
            for place, text in _texts((*at, entitlement), given.get(entitlement)):
                said = _said(family, text, names[family], sync.aliases.get(family, {}))
                if said:
                    yield problem(mapping.where(place), f"{_name(place)}: {said}")
        number = given.get("number")
        if isinstance(number, dict) and (pool := str(number.get("pool"))) not in sync.pools:
            place = (*at, "number", "pool")
            said = f"the config has no pool {pool!r}; {did_you_mean(pool, sync.pools)}"
            yield problem(mapping.where(place), f"{_name(place)}: {said}")


def unknown_in_lookups(mapping: Mapping, sync: SyncConfig, catalog: Catalog) -> Iterator[Finding]:
    """Yield what a lookup gives for an entitlement and the phone system doesn't have."""
    names = names_in(catalog)
    gives = [mapping.defaults, *(rule.give for rule in mapping.rules)]
    for entitlement, family in _FAMILIES.items():
        texts = {
            text
            for give in gives
            for text in (give.single.get(entitlement), *give.many.get(entitlement, ()))
            if isinstance(text, AttributeText)
        }
        for lookup in sorted({text.answered_by for text in texts} - {None}, key=str):
            table = mapping.lookups[str(lookup)]
            where = mapping.parts[f"lookups.{lookup}"]
            for value in dict.fromkeys((*table.values.values(), table.default)):
                aliases = sync.aliases.get(family, {})
                said = None if value is None else _said(family, value, names[family], aliases)
                if said:
                    yield problem(str(where), f"lookups.{lookup}: {said}")


def unknown_aliases(config: Located, sync: SyncConfig, catalog: Catalog) -> Iterator[Finding]:
    """Yield aliases of what the phone system doesn't have; `catalog` shows the short names already."""
    for family, names in names_in(catalog).items():
        for short, vendors in sync.aliases.get(family, {}).items():
            if names is not None and fold(short) not in names:
                at = ("syncs", sync.name, "aliases", family, short)
                said = f"the phone system has no {_one(family)} {vendors!r}"
                near = did_you_mean(vendors, names.values())
                yield problem(config.where(at), f"{_name(at)}: {said}; {near}")


def empty_pools(config: Located, sync: SyncConfig, catalog: Catalog) -> Iterator[Finding]:
    """Yield pools that nobody can be given a number from, and sites of pools that there are not."""
    sites = names_in(catalog)["sites"]
    for name, pool in sync.pools.items():
        at = ("syncs", sync.name, "pools", name)
        if pool.site and sites is not None and fold(pool.site) not in sites:
            said = f"the phone system has no site {pool.site!r}; {did_you_mean(pool.site, sites.values())}"
            yield problem(config.where((*at, "site")), f"{_name(at)}.site: {said}")
        elif pool.vendor and catalog.numbers is None:
            said = "this phone system doesn't tell its numbers: give the pool `ranges`"
            yield problem(config.where(at), f"{_name(at)}: {said}")
        elif next(iter(NumberPool(name, pool, catalog.numbers).free((), ())), None) is None:
            yield warning(config.where(at), f"{_name(at)}: {_why_empty(pool)}")


def _why_empty(pool: PoolConfig) -> str:
    if pool.vendor:
        where = f" at site {pool.site}" if pool.site else ""
        return f"the account has no unassigned number{where}: joiners will be blocked"
    return "none of its numbers is unassigned in the account: joiners will be blocked"


def _gives(data: Any) -> Iterator[tuple[tuple[Step, ...], dict[str, Any]]]:
    """Yield each place of a mapping that gives something, with what it gives."""
    yield ("defaults",), data.get("defaults") or {}
    for name, given in (data.get("personas") or {}).items():
        yield ("personas", name), given or {}
        yield from _takes(("personas", name, "take"), (given or {}).get("take"))
    for number, rule in enumerate(data.get("rules") or ()):
        yield ("rules", number, "give"), rule.get("give") or {}
        yield from _takes(("rules", number, "take"), rule.get("take"))
    for section in ("rooms", "common_areas"):
        for number, rule in enumerate(data.get(section) or ()):
            given = dict(rule.get("give") or {})
            given.pop("template", None)  # of another sort than the catalog's, which are persons'
            yield (section, number, "give"), given


def _takes(at: tuple[Step, ...], take: Any) -> Iterator[tuple[tuple[Step, ...], dict[str, Any]]]:
    """Yield each place where values are taken from lists."""
    if isinstance(take, dict):
        yield at, take
    for number, each in enumerate(take if isinstance(take, list) else ()):
        if isinstance(each, dict):
            yield (*at, number), each


def _texts(at: tuple[Step, ...], value: Any) -> Iterator[tuple[tuple[Step, ...], str]]:
    """Yield each name that is written out, with its place."""
    if isinstance(value, list):
        for number, each in enumerate(value):
            yield from _texts((*at, number), each)
    elif isinstance(value, str) and "{" not in value:
        yield at, clean(value)


def _said(
    family: str, text: str, names: dict[str, str] | None, aliases: dict[str, str]
) -> str | None:
    """Return what is wrong with a name; None if the phone system has it, or doesn't tell."""
    short = {fold(vendors): name for name, vendors in aliases.items()}.get(fold(text))
    if short is not None and fold(short) != fold(text):
        return f"{text!r} has the alias {short!r} here: write that"
    if names is None or fold(text) in names:
        return None
    return f"the phone system has no {_one(family)} {text!r}; {did_you_mean(text, names.values())}"


def _one(family: str) -> str:
    return family.removesuffix("s")


def _name(at: Sequence[Step]) -> str:
    return ".".join(map(str, at))
