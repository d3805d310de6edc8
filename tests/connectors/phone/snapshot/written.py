"""Snapshots written for a test, and short ways to change and look at them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

from connectors.phone.snapshot import Snapshot
from connectors.records import Change, Outcome, PhoneUser, Value

FULL: dict[str, Any] = {"license": "L", "packages": ["P"]}


Write: TypeAlias = Callable[..., Snapshot]


def written(folder: Path, *told: dict[str, Any] | bytes) -> Snapshot:
    """Write a snapshot: each argument is a line, bytes as they are, else as JSON."""
    path = folder / "s.jsonl"
    path.write_bytes(
        b"".join(
            t if isinstance(t, bytes) else json.dumps(t, ensure_ascii=False).encode() + b"\n"
            for t in told
        )
    )
    return Snapshot(path)


def user(name: str, **members: Any) -> dict[str, Any]:
    return {"id": name, "key": f"k-{name}", "email": f"{name}@example.org", **members}


def change(
    name: str, kind: str, before: Value = None, after: Value = None, seq: int = 1, **more: Any
) -> Change:
    known = {"id": name, "user": f"{name}@example.org", "key": f"k-{name}", **more}
    return Change(seq=seq, kind=kind, before=before, after=after, **known)


def carry_out(phone: Snapshot, *changes: Change) -> list[Outcome]:
    return list(phone.carry_out(changes))


def read(phone: Snapshot) -> dict[str, PhoneUser]:
    return {user.id: user for user in phone.read()}


def refused(phone: Snapshot, one: Change) -> str:
    """Carry out a change that must be refused, changing nothing; return the reason."""
    before = phone.path.read_bytes()
    (outcome,) = phone.carry_out([one])
    assert outcome.state == "failed"
    assert phone.path.read_bytes() == before
    return outcome.reason or ""
