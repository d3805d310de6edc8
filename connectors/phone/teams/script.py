"""Call delegation as a PowerShell script: what an app may not do, an administrator runs.

The script can be run again and again: it looks what is there, and changes what differs. It only shows
what it would do until it is run with `-WhatIf:$false`. What it did it writes as lines of state, kind,
delegator and value with tabs between, which `provisioner manual done --output-of` takes back.
Source: Microsoft Teams PowerShell, New-, Set-, Remove-CsUserCallingDelegate, Get-CsUserCallingSettings.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib.resources import files

from connectors.records import Change, fold

MOST = 25
PERMISSIONS = ("MakeCalls", "ReceiveCalls", "ManageSettings", "PickUpHeldCalls", "JoinActiveCalls")
"""What a delegator may let a delegate do, as the cmdlets call it."""
USUAL = ("MakeCalls", "ReceiveCalls")
"""What a delegate may do where nothing says: as Teams itself has it."""
KINDS = frozenset({"delegate.add", "delegate.remove", "delegation.set"})


def script(changes: Iterable[Change]) -> str:
    """Return the script that does these manual changes; "" where none of them is a delegation."""
    lines = []
    listed = sorted((c for c in changes if c.kind in KINDS), key=lambda c: (fold(c.user), c.seq))
    granted = {c.key: permissions(c.after) for c in listed if c.kind == "delegation.set"}
    for change in listed:
        user = user_of(change)
        rights = ", ".join(map(literal, granted.get(change.key, ())))
        if change.kind == "delegate.add":
            lines.append(f"Add-Delegate {user} {literal(str(change.after))} @({rights})")
        elif change.kind == "delegate.remove":
            lines.append(f"Remove-Delegate {user} {literal(str(change.before))}")
    for change in listed:
        if change.kind == "delegation.set":
            rights = ", ".join(map(literal, granted[change.key]))
            value = literal(str(change.after or ""))
            if names := ", ".join(unknown(change.after)):
                said = literal(f"Teams has no privilege called {names}")
                lines.append(
                    f"Write-Step 'failed' '{change.kind}' {user_of(change)} {value} {said}"
                )
                continue
            lines.append(f"Set-Delegates {user_of(change)} {value} @({rights})")
    if not lines:
        return ""
    text = files(__package__ or "").joinpath("delegation.ps1").read_text("utf-8")
    return text.replace("25 # MOST", str(MOST)).replace("# STEPS", "\n".join(lines))


def user_of(change: Change) -> str:
    """Return the delegator as a PowerShell literal."""
    return literal(change.user)


def permissions(value: object) -> tuple[str, ...]:
    """Return what a delegator grants, as the cmdlets spell it; the usual where nothing is said.

    >>> permissions("makecalls, joinActiveCalls")
    ('MakeCalls', 'JoinActiveCalls')
    """
    names = {fold(name) for name in str(value or "").split(",") if name.strip()}
    return tuple(p for p in PERMISSIONS if fold(p) in names) or USUAL


def unknown(value: object) -> list[str]:
    """Return the names among permissions that Teams doesn't have."""
    known = set(map(fold, PERMISSIONS))
    names = (name.strip() for name in str(value or "").split(","))
    return sorted(name for name in names if name and fold(name) not in known)


def literal(text: str) -> str:
    """Return text as a PowerShell literal, in which nothing is replaced.

    >>> literal("o'hara@example.org")
    "'o''hara@example.org'"
    """
    for quote in b"'\\u2018\\u2019\\u201a\\u201b".decode("unicode_escape"):
        text = text.replace(quote, quote * 2)
    return f"'{''.join(c for c in text if c.isprintable())}'"
