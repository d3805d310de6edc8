"""Stages: the stand-in for each kind of phone system that a plan can be rehearsed on.

A stage is a context that gives the `phone_system` options under which the stand-in is reached. Another
kind is one function and one line in STAGES.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from connectors.errors import RunError
from provisioner.simulators import zoom

_THREADS = 32


@dataclass(frozen=True, slots=True)
class Props:
    """What a stage is set with.

    `options`: the real phone system's, paths in them relative to `base`. `inventory`: its state as
    snapshot lines, None where the stage needs none or copies the real file. `folder` is the
    rehearsal's own. `rate_limits`: the stand-in keeps the vendor's limits.
    """

    options: Mapping[str, Any]
    base: Path
    inventory: Path | None
    folder: Path
    rate_limits: bool


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
            zoom.load_snapshot(app, lines)
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
STAGES: dict[str, Stage] = {"zoom": _zoom, "snapshot": _snapshot}
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
