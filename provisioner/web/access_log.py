"""The access log: a line of JSON for each request, written aside.

A line says who asked for what kind of thing, and how that went: method, route, status, duration,
client, sync, request id. Never a token, a filter's value, an id or a body. Lines go out through a thread
of their own, in batches: a reader of the log that has fallen asleep, or a full disk, costs lines, which are
counted, and never a request.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from typing import Any

import msgspec

MOST = 20_000
"""Lines that wait; more are dropped."""

_TOGETHER_S = 0.05
_AGAIN_S = 1.0
"""When what couldn't be written is tried again: a disk that is full will have room, a reader may come back."""
_WHOLE = 4096
"""Bytes that a pipe takes without mixing in another process's (PIPE_BUF on Linux)."""


class AccessLog:
    """Writes events to a file descriptor, from a thread that begins with the first."""

    def __init__(self, descriptor: int = 2) -> None:
        self._descriptor = descriptor
        self._lines: deque[bytes] = deque()
        self._dropped = 0
        self._some = threading.Event()
        self._left = memoryview(b"")
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()

    def write(self, event: dict[str, Any]) -> None:
        """Have an event written; JSON's own types only."""
        if len(self._lines) >= MOST:
            self._dropped += 1
            return
        self._lines.append(msgspec.json.encode(event) + b"\n")
        if not self._some.is_set():
            if self._thread is None:
                self._start()
            self._some.set()

    def close(self, within_s: float) -> None:
        """Write what waits, as far as somebody reads it in that time."""
        self._closing.set()
        self._some.set()
        if self._thread is not None:
            self._thread.join(within_s)

    def _start(self) -> None:
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="access log", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        closing = False
        while not closing:
            self._some.wait()
            closing = self._closing.wait(_TOGETHER_S)
            self._some.clear()
            try:
                self._flush()
            except OSError:
                self._closing.wait(_AGAIN_S)
                self._some.set()

    def _flush(self) -> None:
        if self._dropped:
            count, self._dropped = self._dropped, 0
            self._lines.append(
                msgspec.json.encode(
                    {"level": "warning", "event": "http.log_dropped", "lines": count}
                )
                + b"\n"
            )
        while self._left or self._lines:
            if not self._left:
                batch = bytearray(self._lines.popleft())
                while self._lines and len(batch) + len(self._lines[0]) <= _WHOLE:
                    batch += self._lines.popleft()
                self._left = memoryview(batch)
            self._left = self._left[os.write(self._descriptor, self._left) :]
