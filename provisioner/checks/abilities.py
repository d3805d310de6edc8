"""What a mapping gives and its phone system can't carry out, or can't without what nothing gives.

Planning holds such entitlements back, one by one; here they are named before anybody waits for them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from connectors.records import Abilities
from mappings import Mapping as Rules
from mappings.entitlements import DEFAULTS_RULE, PROFILE
from mappings.lint import without_prerequisite
from mappings.rules import Give
from mappings.where import Where
from provisioner.checks import Finding, warning

KIND_OF: Mapping[str, str] = {
    "license": "license.assign",
    "packages": "package.assign",
    "template": "template.apply",
    "site": "site.set",
    "extension_number": "extension.set",
    "number": "number.assign",
    "delegates": "delegate.add",
    "delegate_privileges": "delegation.set",
    "credits": "credit.assign",
    "softphone": "softphone.authorize",
    "emergency_address": "emergency.set",
}
"""The kind of change that gives an entitlement to whoever hasn't got it."""


def beyond_abilities(mapping: Rules, abilities: Abilities, kind: str) -> Iterator[Finding]:
    """Yield what a phone system of this `kind` can't carry out, by rule, persona and line."""
    able = abilities.kinds | abilities.manual.keys()
    seen: set[Where] = set()
    for who, give, around in _gives(mapping):
        for name, change in KIND_OF.items():
            places = give.places.get(name, (around,) if around else ())
            if change in able or not _gives_any(give, name) or not places or places[0] in seen:
                continue
            seen.add(places[0])
            said = f"{who} gives {name}, and {kind} can't do that ({change}): plans hold it back"
            yield warning(str(places[0]), said)
    if abilities.profile is not None:
        for name in PROFILE:
            if name in mapping.profile and name not in abilities.profile:
                where = mapping.parts.get("profile") or Where(mapping.file, 1, 1)
                yield warning(str(where), f"profile.{name}: {kind} has no place for it")


def lacking_a_prerequisite(mapping: Rules) -> Iterator[Finding]:
    """Yield the rules that give what rests on a license to people whom nothing gives one."""
    for each in without_prerequisite(mapping):
        yield warning(each.where, each.text)


def _gives(mapping: Rules) -> Iterator[tuple[str, Give, Where | None]]:
    """Yield whoever gives something, personas first: what is theirs stands in their lines."""
    for name, persona in mapping.personas.items():
        yield f"persona {name}", persona.give, persona.where
    for rule in mapping.rules:
        yield f"rule {rule.name}", rule.give, rule.where
    yield DEFAULTS_RULE, mapping.defaults, mapping.parts.get("defaults")


def _gives_any(give: Give, name: str) -> bool:
    value = give.single.get(name)
    return bool(give.many.get(name)) or (value is not None and value is not False)
