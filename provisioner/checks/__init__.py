"""What `provisioner check` looks for beyond what loading a config and its mappings finds by itself.

`files`: config and mappings together. `names`: what a sync gives, and its phone system doesn't have. `accounts`: syncs that would write to the
same phone users. `keys`: people told apart by something that changes. `store`: can it be opened? `credits`: can their ledgers be read? `receiver`: which sync its short address is of.
`console`: who can decide there.
Each yields Findings, all there are.
"""

from __future__ import annotations

from dataclasses import dataclass

from connectors.errors import Problem


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was found: a problem, or (`warning`) what is allowed and probably not meant."""

    problem: Problem
    warning: bool = False

    def __str__(self) -> str:
        return str(self.problem)


def problem(where: str, text: str) -> Finding:
    """Return a problem at a place (`file:line:column`)."""
    return Finding(Problem(where, text))


def warning(where: str, text: str) -> Finding:
    """Return a warning at a place (`file:line:column`)."""
    return Finding(Problem(where, text), warning=True)
