"""Stages: the stand-in for each kind of phone system that a plan can be rehearsed on.

A stage is a context that gives the `phone_system` options under which the stand-in is reached. Another
kind is one function and one line in STAGES.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from connectors.errors import RunError
from connectors.records import fold
from provisioner.aliases import Aliases, in_vendors_words
from provisioner.simulators import teams, zoom

_THREADS = 32


@dataclass(frozen=True, slots=True)
class Props:
    """What a stage is set with.

    `options`: the real phone system's, paths in them relative to `base`. `inventory`: its state as
    snapshot lines, None where the stage needs none or copies the real file. `folder` is the
    rehearsal's own. `rate_limits`: the stand-in keeps the vendor's limits. `aliases`: those under which
    an inventory that doesn't say so itself may show names.
    """

    options: Mapping[str, Any]
    base: Path
    inventory: Path | None
    folder: Path
    rate_limits: bool
    aliases: Aliases


@contextmanager
def _zoom(props: Props) -> Iterator[dict[str, Any]]:
    assert props.inventory is not None
    options = props.options
    limits = zoom.PRO if options.get("plan") == "pro" else zoom.BUSINESS_PLUS
    account = zoom.Options(
        account_id=None,
        client_id=None,
        client_secret=None,
        sso="provisioning",
        rates=limits if props.rate_limits else None,
    )
    app = zoom.create_app(options=account)
    try:
        with props.inventory.open(encoding="utf-8") as lines:
            zoom.load_snapshot(app, in_vendors_words(lines, props.aliases))
    except (OSError, ValueError) as error:
        raise RunError(
            f"the inventory can't be loaded into a simulated Zoom account: {error}",
            remedy="`provisioner inventory` writes what it takes",
        ) from None
    with zoom.running(app, threads=_THREADS) as url:
        own = {
            "account_id": "rehearsal",
            "client_id": "rehearsal",
            "client_secret": "rehearsal",
            "api_url": f"{url}/v2",
            "token_url": f"{url}/oauth/token",
        }
        rates = {} if props.rate_limits else {"plan": "unlimited"}
        yield {**options, **own, **rates}


@contextmanager
def _teams(props: Props) -> Iterator[dict[str, Any]]:
    assert props.inventory is not None
    options = props.options
    told = options.get("credits") or {}
    tenant = teams.Options(
        tenant=None,
        client_id=None,
        client_secret=None,
        mca=told.get("agreement") == "mca",
        operation_s=0,  # what a rehearsal would wait for would come all the same
        throttled=props.rate_limits,
    )
    app = teams.create_app(options=tenant)
    try:
        with props.inventory.open(encoding="utf-8") as lines:
            named = in_vendors_words(lines, props.aliases)
            teams.load_snapshot(app, _in_microsofts_words(named, options))
    except (OSError, ValueError) as error:
        raise RunError(
            f"the inventory can't be loaded into a simulated Microsoft tenant: {error}",
            remedy="`provisioner inventory` writes what it takes",
        ) from None
    with teams.running(app, threads=_THREADS) as url:
        own = {
            "tenant_id": "rehearsal",
            "client_id": "rehearsal",
            "client_secret": "rehearsal",
            "api_url": f"{url}/v1.0",
            "token_url": f"{url}/rehearsal/oauth2/v2.0/token",
            "key": "employeeId",  # where the simulated tenant keeps a line's key
        }
        rates = {} if props.rate_limits else {"limits": "unlimited"}
        yield {**options, **own, **rates}


def _in_microsofts_words(lines: Iterable[str], options: Mapping[str, Any]) -> Iterator[str]:
    """Yield snapshot lines with policies for config's templates and ids for its emergency locations.

    A first line that makes every policy of config's templates comes before, or stands in the catalog.
    """
    templates: dict[str, dict[str, str]] = {
        fold(name): dict(policies) for name, policies in (options.get("templates") or {}).items()
    }
    places = {fold(name): id_ for name, id_ in (options.get("locations") or {}).items()}
    policies = [f"{kind}:{name}" for each in templates.values() for kind, name in each.items()]
    for number, text in enumerate(lines):
        line = json.loads(text)
        if number == 0:
            catalog = dict(line.get("catalog") or {})
            named = [t for t in catalog.get("templates") or () if fold(str(t)) not in templates]
            yield json.dumps({"catalog": catalog | {"templates": [*named, *policies]}})
            if "catalog" in line:
                continue
        vendor = dict(line.get("vendor") or {})
        if (own := templates.get(fold(line.get("template") or ""))) is not None:
            vendor["policies"] = own
        if (place := places.get(fold(line.get("emergency_address") or ""))) is not None:
            line["emergency_address"] = None
            vendor["numbers"] = {each: {"location": place} for each in line.get("numbers") or ()}
        yield json.dumps(line | {"vendor": vendor})


@contextmanager
def _snapshot(props: Props) -> Iterator[dict[str, Any]]:
    real, copy = props.inventory or props.base / props.options["path"], props.folder / "phone.jsonl"
    try:
        shutil.copyfile(real, copy)
    except OSError as error:
        raise RunError(
            f"{real} can't be copied: {error.strerror or error}", remedy="see its folder"
        ) from None
    yield {**props.options, "path": str(copy.resolve())}


Stage = Callable[[Props], AbstractContextManager[dict[str, Any]]]
STAGES: dict[str, Stage] = {"zoom": _zoom, "teams": _teams, "snapshot": _snapshot}
"""By the kind of phone system."""

COPIED = frozenset({"snapshot"})
"""Kinds whose stage copies the real thing itself, so that no inventory is read for it."""


def stage_of(kind: str) -> Stage:
    """Return the stage for a kind of phone system; raise RunError where there is none."""
    stage = STAGES.get(kind)
    if stage is None:
        raise RunError(
            f"plans for a phone system of kind {kind!r} can't be rehearsed: it has no stand-in",
            remedy=f"those of {' and '.join(sorted(STAGES))} can",
        )
    return stage
