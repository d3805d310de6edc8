"""Answers of before: what was read of somebody, shown again for a while after they were changed.

A vendor reads from copies that lag behind: whoever asks for somebody twice, and changes them in
between, may be shown twice the same. What nobody had asked for before is shown as it is.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable

from .wire import Reply

KEPT = 20_000
"""So many answers are remembered, those asked for last."""


class Late:
    """The answers to reads by address, and whose are out of date; `now` gives seconds."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._answers: OrderedDict[str, tuple[frozenset[str], Reply]] = OrderedDict()
        self._until: dict[str, float] = {}

    def hide(self, names: Iterable[str], seconds: float) -> None:
        """Show these (by the names in paths) for so many seconds as they were shown last."""
        with self._lock:
            now = self._now()
            self._until = {name: until for name, until in self._until.items() if until > now}
            self._until.update({name.casefold(): now + seconds for name in names})

    def shown(self, path: str, query: str) -> Reply | None:
        """Return the answer of before where this read is about somebody who is hidden."""
        with self._lock:
            names, answer = self._answers.get(f"{path}?{query}", (frozenset[str](), None))
            hidden = (self._until.get(name, 0) for name in names)
            return answer if any(until > self._now() for until in hidden) else None

    def remember(self, path: str, query: str, answer: Reply) -> None:
        """Remember what a read was answered."""
        names = frozenset(path.casefold().split("/"))
        with self._lock:
            self._answers[f"{path}?{query}"] = names, answer
            self._answers.move_to_end(f"{path}?{query}")
            if len(self._answers) > KEPT:
                self._answers.popitem(last=False)
