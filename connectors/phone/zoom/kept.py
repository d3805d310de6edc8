"""What was looked up and is kept for a while: asked for once, however many threads want it.

Who wants what another thread is asking for waits for that answer. What was forgotten while it was
being asked for isn't kept: it may be older than the reason to forget it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from copy import copy
from datetime import datetime, timedelta
from typing import Any, TypeVar

import msgspec

from connectors.errors import ProvisionerError

T = TypeVar("T")


class _Answer(msgspec.Struct, frozen=True, eq=False):
    """What was asked for at a moment; there at once, or when the thread that asks has it."""

    asked_at: datetime
    value: Future[Any]


class Kept:
    """Answers by name, each kept for `lasts`. `now` tells the time."""

    def __init__(self, now: Callable[[], datetime], lasts: timedelta) -> None:
        self._now = now
        self._lasts = lasts
        self._lock = threading.Lock()
        self._answers: dict[str, _Answer] = {}

    def get(self, name: str, fetch: Callable[[], T]) -> T:
        """Return what is kept under a name, else what `fetch` returns; raise what that raises."""
        with self._lock:
            now = self._now()
            answer = self._answers.get(name)
            ours = answer is None or now - answer.asked_at >= self._lasts
            if answer is None or ours:
                answer = self._answers[name] = _Answer(now, Future())
        if ours:
            return self._ask(name, answer, fetch)
        try:
            value: T = answer.value.result()
        except ProvisionerError as error:
            raise copy(error) from None  # an error tells what it came after, in one thread
        return value

    def search(self, name: str, look: Callable[[], list[T]]) -> list[T]:
        """Look for something in what is kept under a name, and once more after asking anew.

        It may have been created since. Whoever looked in vain in an older answer than the present one
        asks no more.
        """
        before = self._answers.get(name)
        found = look()
        if not found and before is not None:
            with self._lock:
                if self._answers.get(name) is before:
                    del self._answers[name]
            found = look()
        return found

    def forget(self, prefix: str = "") -> None:
        """Forget everything, or what is kept under names with this prefix."""
        with self._lock:
            for name in [name for name in self._answers if name.startswith(prefix)]:
                del self._answers[name]

    def _ask(self, name: str, answer: _Answer, fetch: Callable[[], T]) -> T:
        try:
            value = fetch()
        except BaseException as error:
            with self._lock:
                if self._answers.get(name) is answer:
                    del self._answers[name]
            answer.value.set_exception(error)
            raise
        answer.value.set_result(value)
        return value
