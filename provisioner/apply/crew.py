"""Jobs done side by side by a few threads, each only after the jobs that it must follow.

With one pair of hands a job is done at once, by whoever adds it: then everything is in order.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection
from heapq import heappop, heappush

Job = Callable[[], None]


class Crew:
    """`hands` threads and the jobs they do. After the first error no job is begun any more.

    For use in a `with`: its end waits for what is under way, and ends the threads.
    """

    def __init__(self, hands: int) -> None:
        self._hands = hands
        self._changed = threading.Condition()
        self._jobs: dict[int, Job] = {}  # not finished yet
        self._follows: dict[int, set[int]] = {}  # for each of them, what it waits for
        self._followed_by: dict[int, list[int]] = {}
        self._ready: list[int] = []
        self._under_way = 0
        self._added = 0
        self._error: BaseException | None = None
        self._closed = False
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> Crew:
        return self

    def __exit__(self, *_: object) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    def add(self, job: Job, after: Collection[int] = ()) -> int:
        """Have a job done after those `after`, and return its number; raise what a job raised."""
        if self._hands == 1:
            job()
            self._added += 1
            return self._added
        with self._changed:
            self._raise()
            self._added += 1
            number = self._added
            self._jobs[number] = job
            waits_for = {each for each in after if each in self._jobs}
            self._follows[number] = waits_for
            for each in waits_for:
                self._followed_by.setdefault(each, []).append(number)
            if not waits_for:
                heappush(self._ready, number)
            self._changed.notify()
        if len(self._threads) < self._hands:
            thread = threading.Thread(target=self._work, name=f"crew {len(self._threads)}")
            self._threads.append(thread)
            thread.start()
        return number

    def wait(self, most_left: int = 0) -> None:
        """Return when at most so many jobs are left; raise what a job raised, when none is under way."""
        with self._changed:
            self._changed.wait_for(lambda: self._error or len(self._jobs) <= most_left)
            self._raise()

    def _raise(self) -> None:
        if self._error is not None:
            self._changed.wait_for(lambda: not self._under_way)
            raise self._error

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._closed or self._error or self._ready)
                if self._closed or self._error:
                    return
                number = heappop(self._ready)
                self._under_way += 1
            error: BaseException | None = None
            try:
                self._jobs[number]()
            except BaseException as raised:  # noqa: BLE001 - whoever waits for it raises it
                error = raised
            with self._changed:
                self._under_way -= 1
                self._error = self._error or error
                self._finish(number)
                self._changed.notify_all()

    def _finish(self, number: int) -> None:
        del self._jobs[number], self._follows[number]
        for later in self._followed_by.pop(number, ()):
            self._follows[later].discard(number)
            if not self._follows[later]:
                heappush(self._ready, later)
