"""The daemon's log: one event a line on stderr, JSON for machines, words for a terminal.

An event's name is stable (`sync.applied`) and its members are what somebody filters by: `sync`,
`plan`, `run`, counts, `duration_s`; times are UTC. What other libraries log takes the same way. A
log travels further than anything else we write, so nothing secret gets in: secrets of the config are
struck out wherever they turn up, an unexpected error is told by its kind and place without its
message (which may quote people's data), and of calls to vendors there is only method, path, status
and duration. PROVISIONER_LOG_LEVEL=debug shows those calls, too.
"""

from __future__ import annotations

import logging
import os
import re
import sys
import traceback
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, TextIO

import structlog
from sqlalchemy.exc import DBAPIError

from connectors.errors import ProvisionerError, RunError
from provisioner.hiding import HIDDEN, hider
from provisioner.secret import Secret, names_a_secret

if TYPE_CHECKING:
    from structlog.typing import Processor

    from provisioner.http import CallRecord

LEVEL = "PROVISIONER_LOG_LEVEL"
"""The environment variable that says from which level on events are written; default: info."""

_LEVELS = ("debug", "info", "warning", "error")
_FIRST = ("timestamp", "level", "event", "sync", "run", "plan")
_LOUD = ("apscheduler", "urllib3", "sqlalchemy", "alembic")
"""Libraries heard only when something is broken: we tell of jobs ourselves, and urllib3 would tell
of addresses with their queries."""

_BEARER = re.compile(r"\b(Bearer|Basic) +[\w.~+/=-]{6,}")
_TOKEN = re.compile(r"\b(prov_[0-9a-f]{12}_)[0-9a-f]{64}\b")
"""A token of our own (store/tokens.py): its prefix may be told."""

_ADDRESSEE = re.compile(r"[^/@%]+(?:%(?!40)[0-9A-Fa-f]{2}[^/@%]*)*(?=@|%40)")


def configure_logs(
    out: TextIO | None = None,
    *,
    secrets: Iterable[str] = (),
    environ: Mapping[str, str] = os.environ,
) -> None:
    """Send everything that is logged from now on to `out` (default: stderr).

    `secrets` are struck out of it (hiding.py's `secrets_of`). Raises RunError for a level that isn't one.
    """
    out = sys.stderr if out is None else out
    level = environ.get(LEVEL, "info").lower()
    if level not in _LEVELS:
        raise RunError(f"{LEVEL} is {level!r}", remedy=f"set it to one of: {', '.join(_LEVELS)}")
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _tell_error,
                _Hider(secrets),
                _renderer(out),
            ],
        )
    )
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    logging.getLogger("provisioner").setLevel(level.upper())
    for name in _LOUD:
        logging.getLogger(name).setLevel(logging.ERROR)


def logger() -> Any:
    """Return the log of this program; `.bind(sync=…)` gives one whose events all say so."""
    return structlog.stdlib.get_logger("provisioner")


def log_call(call: CallRecord) -> None:
    """Write down one request to a vendor, without saying whom its path names (`***@example.org`)."""
    logger().debug(
        "vendor.call",
        account=call.account,
        label=call.label,
        method=call.method,
        path=_ADDRESSEE.sub(HIDDEN, call.path),
        status=call.status,
        duration_s=round(call.duration_s, 3),
    )


def _renderer(out: TextIO) -> Processor:
    if out.isatty():
        return structlog.dev.ConsoleRenderer()
    return structlog.processors.JSONRenderer(default=_plain)


def _plain(value: object) -> str:
    """Return what an odd value is written as: never its content, which nobody has looked at."""
    return value.isoformat() if isinstance(value, datetime) else f"({type(value).__name__})"


def _tell_error(_: object, __: str, event: Any) -> Any:
    """Put an error's kind and place in the event; its message only where we know who wrote it."""
    given = event.pop("exc_info", None)
    event.pop("stack_info", None)
    error = sys.exc_info()[1] if given is True else given[1] if isinstance(given, tuple) else given
    if isinstance(error, BaseException):
        event["error"] = told(error)
        event["traceback"] = list(_places(error))
    return event


def told(error: BaseException) -> str:
    """Return what can be said of an error: ours whole, the system's and the database's by their cause.

    >>> told(KeyError("eva@example.org"))
    'KeyError'
    >>> told(OSError(28, "No space left on device", "/data/eva.csv"))
    'OSError: No space left on device'
    """
    name = type(error).__name__
    if isinstance(error, ProvisionerError):
        return f"{name}: {error.message}"
    if isinstance(error, OSError) and error.strerror:
        return f"{name}: {error.strerror}"
    if isinstance(error, DBAPIError):
        # the first line is the cause, what follows may quote a row
        return f"{name}: {str(error.orig).partition(chr(10))[0]}"
    return name


def _places(error: BaseException) -> Iterator[str]:
    """Yield where an error came from, the innermost call last, after what caused it."""
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if cause is not None:
        yield from _places(cause)
        yield f"{told(cause)}; then"
    for frame in traceback.extract_tb(error.__traceback__):
        yield f"{frame.filename}:{frame.lineno} {frame.name}"


class _Hider:
    """Strikes secrets out of an event, whatever member they are in and however deep."""

    def __init__(self, secrets: Iterable[str]) -> None:
        self._strike_out = hider(secrets)

    def __call__(self, _: object, __: str, event: Any) -> Any:
        hidden = self._hidden(event)
        return {name: hidden.pop(name) for name in _FIRST if name in hidden} | hidden

    def _hidden(self, value: Any) -> Any:
        if isinstance(value, Secret):
            return HIDDEN
        if isinstance(value, str):
            text = _TOKEN.sub(rf"\1{HIDDEN}", self._strike_out(value))
            return _BEARER.sub(rf"\1 {HIDDEN}", text)
        if isinstance(value, Mapping):
            return {
                self._hidden(str(name)): HIDDEN if names_a_secret(str(name)) else self._hidden(each)
                for name, each in value.items()
            }
        if isinstance(value, list | tuple):
            return [self._hidden(each) for each in value]
        return value
