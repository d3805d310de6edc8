"""Progress: what the program is at, for whoever waits for it.

Bars on a terminal; in a pipe a plain line for each stage that lasts longer than two seconds, and
again every ten. Always on stderr, so that stdout holds the result and nothing else.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from typing import Protocol, TextIO, TypeVar

_T = TypeVar("_T")
_PATIENCE_S = 2.0
_AGAIN_S = 10.0
_EVERY = 256


class Progress(Protocol):
    """Somebody who is told what goes on: `stage` names it, `advance` counts what is done of it."""

    def stage(self, text: str, total: int | None = None) -> None: ...

    def advance(self, count: int = 1) -> None: ...

    def close(self) -> None: ...


class Silent:
    """Nobody waits: the daemon's, and the tests'."""

    def stage(self, text: str, total: int | None = None) -> None:
        """Say nothing."""

    def advance(self, count: int = 1) -> None:
        """Say nothing."""

    def close(self) -> None:
        """Say nothing."""


class Lines:
    """Plain lines for a pipe or a log file."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._text = ""
        self._total: int | None = None
        self._done = 0
        self._due = 0.0

    def stage(self, text: str, total: int | None = None) -> None:
        """Begin a stage; nothing is said of one that is over within two seconds."""
        self._text, self._total, self._done = text, total, 0
        self._due = time.monotonic() + _PATIENCE_S

    def advance(self, count: int = 1) -> None:
        """Count what is done, and say so when it's time."""
        self._done += count
        now = time.monotonic()
        if now >= self._due:
            of = f" of {self._total:,}" if self._total else ""
            self._out.write(f"{self._text}: {self._done:,}{of}\n")
            self._out.flush()
            self._due = now + _AGAIN_S

    def close(self) -> None:
        """Nothing is left open."""


class Bars:
    """Bars on a terminal, gone when the work is done."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, SpinnerColumn, TextColumn
        from rich.progress import Progress as RichProgress

        self._bars = RichProgress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        self._task: object = None
        self._bars.start()

    def stage(self, text: str, total: int | None = None) -> None:
        """Begin a stage with a bar of its own; the one before is done."""
        if self._task is not None:
            self._bars.remove_task(self._task)  # type: ignore[arg-type]
        self._task = self._bars.add_task(text, total=total)

    def advance(self, count: int = 1) -> None:
        """Move the bar."""
        if self._task is not None:
            self._bars.advance(self._task, count)  # type: ignore[arg-type]

    def close(self) -> None:
        """Take the bars off the screen."""
        self._bars.stop()


def for_stderr() -> Progress:
    """Return bars if somebody looks on, else plain lines."""
    return Bars() if sys.stderr.isatty() else Lines(sys.stderr)


def counted(items: Iterable[_T], progress: Progress) -> Iterator[_T]:
    """Yield the items, counting them as they go by."""
    since = 0
    for item in items:
        yield item
        since += 1
        if since == _EVERY:
            progress.advance(since)
            since = 0
    if since:
        progress.advance(since)
