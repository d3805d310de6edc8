"""Overriding a limit once: what a held change's reason tells an operator to write, and what they wrote.

A limit is called by what it is about: `removals`, `changes`, or a kind of change. A reason ends with
the exact command that lets the change through; apply takes it at its word.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

REMOVALS, CHANGES = "removals", "changes"

_FLAGS = {REMOVALS: "--allow-removals ", CHANGES: "--allow-changes "}
_AFTER = "; if that is right: `provisioner apply PLAN "
_OPTION = re.compile(r"--allow(?:-(removals|changes) | ([a-z.]+)=)\d+")


def with_override(sentence: str, allowed: Mapping[str, int]) -> str:
    """Return why a change is held, with the command that lets it through; `allowed` by limit.

    >>> with_override("9 of 20 people", {"removals": 9, "number.release": 5})
    '9 of 20 people; if that is right: `provisioner apply PLAN --allow-removals 9 --allow number.release=5`'
    """
    options = [
        f"{_FLAGS.get(limit, f'--allow {limit}=')}{count}" for limit, count in allowed.items()
    ]
    return f"{sentence}{_AFTER}{' '.join(options)}`"


def limits_in(reason: str) -> frozenset[str]:
    """Return the limits that must be overridden for a change that is held for this reason.

    >>> sorted(limits_in(with_override("9 of 20 people", {"removals": 9, "number.release": 5})))
    ['number.release', 'removals']
    >>> limits_in("needs change 3, which is held")
    frozenset()
    """
    _, found, command = reason.rpartition(_AFTER)
    options = _OPTION.finditer(command) if found else ()
    return frozenset(match[1] or match[2] for match in options)
