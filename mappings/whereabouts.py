"""Where a mapping says something: the file, line and column of a rule, of a persona, and of what they give."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mappings.entitlements import DEFAULTS_RULE, PROFILE_RULE
from mappings.yaml_file import Located, load_yaml
from mappings.yaml_nodes import Step

At = tuple[Step, ...]


class Whereabouts:
    """The places of one mapping file's rules, or of those in another `section` of it.

    Raises InputError for a file that can't be read.
    """

    def __init__(self, path: Path, section: str = "rules") -> None:
        self._located: Located = load_yaml(path)
        rules = self._located.get((section,))
        self._rules: dict[str, At] = {
            rule["name"]: (section, number)
            for number, rule in enumerate(rules if isinstance(rules, list) else ())
            if isinstance(rule, dict) and isinstance(rule.get("name"), str)
        }

    def rule(self, name: str) -> str:
        """Return `file:line:column` of a rule, of `defaults` or of `profile`."""
        return self._located.where(self._of(name))

    def gives(self, name: str, entitlement: str, value: object = None) -> tuple[str, str | None]:
        """Return where a rule gives or takes an entitlement, and the persona that says so, if one does.

        Of a list where that `value` stands, if it stands there as it is.
        """
        other: tuple[str, str | None] | None = None
        for at, persona in self._sources(name):
            step = (*at, entitlement.removeprefix("profile."))
            found = self._located.get(step)
            if isinstance(found, list):
                same = [n for n, each in enumerate(found) if each == value]
                if same or value is None:
                    return self._located.where((*step, *same[:1])), persona
                other = other or (self._located.where_key(step), persona)
                continue
            if found is not None:
                return self._located.where_key(step), persona
            if _takes(self._located.get((*_around(at), "take")), entitlement):
                return self._located.where_key((*_around(at), "take")), persona
        return other or (self.rule(name), None)

    def _sources(self, name: str) -> Iterator[tuple[At, str | None]]:
        """Yield what a rule gives from, the nearest first: itself, its persona, and what that extends."""
        at = self._of(name)
        if name in (DEFAULTS_RULE, PROFILE_RULE):
            yield at, None
            return
        yield (*at, "give"), None
        persona = self._located.get((*at, "persona"))
        seen: set[str] = set()
        while isinstance(persona, str) and persona not in seen:
            seen.add(persona)
            yield ("personas", persona), persona
            persona = self._located.get(("personas", persona, "extends"))

    def _of(self, name: str) -> At:
        return (name,) if name in (DEFAULTS_RULE, PROFILE_RULE) else self._rules.get(name, ())


def _around(at: At) -> At:
    """Return where the `take` beside what is given stands: a rule's beside its `give`, a persona's in it."""
    return at[:-1] if at[-1:] == ("give",) else at


def _takes(take: Any, entitlement: str) -> bool:
    if isinstance(take, list):
        return any(_takes(each, entitlement) for each in take)
    return entitlement in take if isinstance(take, dict) else take == entitlement
