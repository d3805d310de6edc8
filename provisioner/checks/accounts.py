"""Two syncs on one account must not manage the same phone users: each would undo the other's work.

Whether two filters can both match somebody can't be told in general. It is decided so:

- they are disjoint if every way to match one demands another value of a single-valued attribute than
  every way to match the other (`site eq "Munich"` and `site eq "Brno"`): fine;
- else, if they are the same, or one of the syncs has no `manages`: a problem;
- else it can't be told: a warning that names both.

Without `manages` a sync manages persons. An account is the same if the kind, the addresses and the
members that name it (`account_id`, `path` …) are, whatever credentials reach it.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, product
from typing import Any

from connectors.records import fold
from connectors.scim_filter import PHONE_USER, And, Compare, Node, Or, parse_filter
from mappings.yaml_file import Located
from provisioner.checks import Finding, problem, warning
from provisioner.config import Config, PhoneConfig, SyncConfig
from provisioner.secret import Secret

PERSONS = 'kind eq "person"'
"""What a sync manages that doesn't say."""

_NAMES_IT = ("account_id", "tenant_id", "company_id", "path")
_ADDRESSES = ("api_url", "url")
_MOST_WAYS = 200

Way = dict[str, str]
"""One way to match a filter: by attribute the value that it demands; other tests are left out."""


def overlapping(config: Config, located: Located) -> Iterator[Finding]:
    """Yield what two syncs of the config may both write to."""
    for one, other in _on_one_account(config):
        first, second = one.manages or PERSONS, other.manages or PERSONS
        if disjoint(_tree(first), _tree(second)):
            continue
        at = ("syncs", other.name, "manages")
        both = f"syncs.{one.name} and syncs.{other.name} are on one account"
        if one.manages is None or other.manages is None or _tree(first) == _tree(second):
            said = f"{both} and manage the same phone users ({_shown(one)}; {_shown(other)})"
            remedy = "give each a `manages` that leaves out the other's"
            yield problem(located.where(at), f"{said}: {remedy}")
        else:
            said = f"{both}; whether their `manages` overlap can't be told"
            yield warning(located.where(at), f"{said} ({_shown(one)}; {_shown(other)})")


def differing_shares(config: Config, located: Located) -> Iterator[Finding]:
    """Yield where two syncs on one account leave different shares of its rate limits to other apps."""
    for one, other in _on_one_account(config):
        shares = [one.phone_system.share, other.phone_system.share]
        if shares[0] != shares[1]:
            at = ("syncs", other.name, "phone_system")
            yield warning(
                located.where(at),
                f"syncs.{one.name} and syncs.{other.name} are on one account, and their `share` of its"
                f" rate limits differs ({shares[0]:.0%}, {shares[1]:.0%}): write the same for both",
            )


def _on_one_account(config: Config) -> Iterator[tuple[SyncConfig, SyncConfig]]:
    for one, other in combinations(config.syncs.values(), 2):
        if account(one.phone_system, config) == account(other.phone_system, config):
            yield one, other


def account(phone: PhoneConfig, config: Config) -> tuple[Any, ...]:
    """Return what two syncs have in common if they are on the same account."""
    options = phone.options
    named = [name for name in _NAMES_IT if options.get(name)]
    if not named:
        named = sorted(name for name, value in options.items() if not isinstance(value, Secret))
    known = {name: str(options[name]) for name in named}
    if "path" in known:
        known["path"] = str((config.base / known["path"]).resolve())
    addresses = [str(options.get(name, "")).rstrip("/").lower() for name in _ADDRESSES]
    return (
        phone.kind,
        *sorted((n, v if n == "path" else fold(v)) for n, v in known.items()),
        *addresses,
    )


def disjoint(one: Node, other: Node) -> bool:
    """Return whether it is certain that nobody matches both filters."""
    return all(
        any(second.get(name, value) != value for name, value in first.items())
        for first, second in product(_ways(one), _ways(other))
    )


def _ways(node: Node) -> list[Way]:
    """Return the ways to match; one without demands where it can't be told, or where there are too many."""
    ways: list[Way] = [{}]
    if isinstance(node, Or):
        ways = [way for part in node.parts for way in _ways(part)]
    elif isinstance(node, And):
        for part in node.parts:
            ways = [m for a, b in product(ways, _ways(part)) if (m := _merged(a, b)) is not None]
            if len(ways) > _MOST_WAYS:
                return [{}]
    elif isinstance(node, Compare) and node.op == "eq" and not node.path.definition.multi_valued:
        value = node.value
        exact = node.path.definition.case_exact
        ways = [{node.path.text: str(value) if exact else fold(str(value))}]
    return ways if len(ways) <= _MOST_WAYS else [{}]


def _merged(one: Way, other: Way) -> Way | None:
    """Return the demands of both; None if they contradict each other."""
    if any(one.get(name, value) != value for name, value in other.items()):
        return None
    return one | other


def _tree(manages: str) -> Node:
    return parse_filter(manages, PHONE_USER).tree


def _shown(sync: SyncConfig) -> str:
    return f"{sync.name}: {sync.manages or 'all persons'}"
