"""What a script for manual steps printed, handed back: which steps it did, and which it didn't.

Each line is a step, its parts between tabs: `done`, `missing` or `failed`; the kind of change; the user;
what is added, set or taken; what the system said. Anything else on other lines is passed over.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from connectors.errors import RunError
from connectors.records import Change, fold
from provisioner.report.figures import visible
from provisioner.store.manual import Step

STATES = ("done", "missing", "failed")
_Known = tuple[str, str, str]
"""Kind, folded user, folded value."""


@dataclass(slots=True)
class HandedBack:
    """The steps that a script did, and those that it didn't, with what was said."""

    done: set[_Known] = field(default_factory=set)
    others: dict[_Known, str] = field(default_factory=dict)

    def done_of(self, steps: Iterable[Step]) -> Iterator[Step]:
        """Yield the open steps that the script says it did."""
        yield from (step for step in steps if _known(step.change) in self.done - self.others.keys())

    def left(self) -> Iterator[str]:
        """Yield a sentence for each step that wasn't done."""
        for (kind, user, value), said in sorted(self.others.items()):
            yield f"{kind} {visible(user)} {visible(value)}: {visible(said)}"


def read_output(path: Path) -> HandedBack:
    """Return what a script's output tells. Raises RunError where it tells of no step."""
    data = path.read_bytes()
    wide = data[:2] in (b"\xff\xfe", b"\xfe\xff")  # what Windows PowerShell's > writes
    text = data.decode("utf-16" if wide else "utf-8-sig", errors="replace")
    found = HandedBack()
    for line in text.splitlines():
        parts = line.split("\t")
        if len(parts) < 4 or parts[0] not in STATES:
            continue
        known = parts[1], fold(parts[2]), fold(parts[3])
        if parts[0] == "done":
            found.done.add(known)
        else:
            found.others[known] = f"{parts[0]}: {' '.join(parts[4:])}".rstrip(": ")
    if not found.done and not found.others:
        raise RunError(
            f"{path} tells of no step: it is not what the script printed",
            remedy="run the script with its output in a file, and give that",
        )
    return found


def _known(change: Change) -> _Known:
    value = change.before if change.after is None else change.after
    return change.kind, fold(change.user), fold(str(value or ""))
