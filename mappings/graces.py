"""Graces: how long after leaving each thing is taken, where a mapping gives each its own.

What takes other things along bounds their grace: a license's removal takes packages and numbers, the
last package's removal the numbers, and a delegation rests on both sides' packages. A thing that
should outlive what takes it is a problem; one without a grace of its own goes with what takes it, and
the account, where it goes too, with the license.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

TAKER = {
    "license": "account",
    "packages": "license",
    "number": "packages",
    "delegates": "packages",
    "credits": "license",
}
"""By each thing, what takes it along."""
GRACES = (*TAKER, "account")


def problems_of(do: object, after: Mapping[str, timedelta]) -> Iterator[tuple[str | None, str]]:
    """Yield what is wrong with graces one by one: (the thing, or None for all of them, what)."""
    last = last_of(do)
    if last == "license" and "account" in after:
        yield (
            "account",
            "remove_license leaves the account alone: only the other things have a grace",
        )
    if do != "report" and not after.keys() & {last, "license"}:
        yield (
            None,
            f"say when the {last} goes too ({last}: 14d): everything else goes with it at the latest",
        )
        return
    for thing in TAKER:
        taker = TAKER[thing]
        while taker not in after and taker in TAKER:
            taker = TAKER[taker]
        if thing in after and taker in after and after[thing] > after[taker] and thing != last:
            yield (
                thing,
                (
                    f"the {taker} goes after {_said(after[taker])} and takes this along: it can't stay for"
                    f" {_said(after[thing])}"
                ),
            )


def last_of(do: object) -> str:
    """Return what goes last of a leaver's things."""
    return "license" if do == "remove_license" else "account"


def stages(do: object, after: Mapping[str, timedelta]) -> dict[str, timedelta]:
    """Return the grace of everything, of what has none of its own too."""
    license = after.get("license", timedelta(0))
    found = {"account": after.get("account", timedelta(0) if do == "report" else license)}
    for thing, taker in TAKER.items():
        found[thing] = after.get(thing, found[taker])
    return found


def leavers_of(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a mapping says of leavers in the words of rules.Leavers."""
    do, after = content["do"], content["after"]
    if not isinstance(after, dict):
        return {"do": do, "after": after}
    each = stages(do, after)
    return {"do": do, "after": each[last_of(do)], "stages": each}


def _said(span: timedelta) -> str:
    """Return a time span as mappings write it."""
    seconds = int(span.total_seconds())
    for unit, size in (("d", 86_400), ("h", 3_600)):
        if seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds // 60}m"
