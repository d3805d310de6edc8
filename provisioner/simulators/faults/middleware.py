"""Faults in front of a simulated vendor: what the network and a vendor's bad day do to each request.

The vendor's own application stays as it is; it learns only, from the environ, that additions shall show
in lists late. Beside its operations there is, under /_portal, what portal.py describes.
"""

from __future__ import annotations

import io
import json
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from .gate import Gate
from .late import Late
from .portal import Portal
from .spec import Fault, Faults, Sort
from .vendor import Vendor
from .wire import Application, Environ, Reply, Start, ask, break_off, half_of, reply_of

LATE_S = "simulator.late_s"
"""In the environ of a write: for how many seconds what it adds stays out of lists."""

PORTAL = "/_portal/"
NONE = Faults()


@dataclass(frozen=True, slots=True)
class _Request:
    environ: Environ
    number: int
    sort: Sort
    method: str
    path: str

    @property
    def writes(self) -> bool:
        return self.sort == "write"

    @property
    def query(self) -> str:
        return str(self.environ.get("QUERY_STRING", ""))


class Faulty:
    """A vendor's WSGI application with faults before and behind it.

    `faults` may be replaced while it runs. `sleep` waits out what takes time; `now` gives seconds
    that never go back. `met` are the faults that happened so far, in order, out of so many `requests`.
    """

    def __init__(
        self,
        app: Application,
        vendor: Vendor,
        faults: Faults = NONE,
        *,
        sleep: Callable[[float], None] = time.sleep,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.faults, self.gate, self.requests = faults, Gate(), 0
        self.met: list[dict[str, Any]] = []
        self._app, self._vendor, self._sleep, self._now = app, vendor, sleep, now
        self._portal = Portal(self)
        self._late = Late(now)
        self._lock = threading.Lock()
        self._seats: list[tuple[float, Callable[[], None]]] = []  # when they come back, and how

    def __call__(self, environ: Environ, start: Start) -> Iterable[bytes]:
        method, path = environ["REQUEST_METHOD"], environ.get("PATH_INFO", "")
        sort = self._vendor.sort(method, path)
        if sort is None:
            own = self._portal.answer(environ) if path.startswith(PORTAL) else None
            return self._app(environ, start) if own is None else reply_of(own).send(start)
        with self._lock:
            self.requests += 1
            request = _Request(environ, self.requests, sort, method, path)
        self._give_seats_back()
        self._come_to("arrival", request)
        return self._answered(request, self.faults.roll(request.number, sort), start)

    def _answered(self, request: _Request, fault: Fault | None, start: Start) -> Iterator[bytes]:
        """Yield the answer, and pass the last point when all of it is on the wire."""
        writers: list[Callable[[bytes], None]] = []

        def begin(*head: Any) -> Callable[[bytes], None]:
            writers.append(start(*head))
            return writers[0]

        yield from self._suffer(request, fault, begin)
        writers[0](b"")  # an answer without a body would wait for our end
        self._come_to("answer", request)

    def _suffer(self, request: _Request, fault: Fault | None, start: Start) -> Iterable[bytes]:
        """Answer the request as the fault has it; as the vendor has it where it can't be had here."""
        if fault is not None:
            kind = fault.kind
            if kind in ("late", "duplicate-page", "wrong-user"):
                return self._bend(request, fault).send(start)
            if kind == "seats-vanish":
                self._take_seat(request, fault)
                return self._handle(request).send(start)
            self._note(request, fault)
            if kind in ("429", "429-retry-after", "reset-before"):
                return self._turn_away(request, fault, start)
            if kind != "token-expiry":
                return self._lose(request, fault, start)
            self._vendor.expire_tokens()
        return self._handle(request).send(start)

    def _turn_away(self, request: _Request, fault: Fault, start: Start) -> list[bytes]:
        """Refuse it, or drop it: nothing has happened."""
        if fault.kind == "reset-before":
            break_off(request.environ)
        later = fault.seconds if fault.kind == "429-retry-after" else None
        return reply_of(self._vendor.too_many(later)).send(start)

    def _lose(self, request: _Request, fault: Fault, start: Start) -> Iterable[bytes]:
        """Spoil the answer to what was handled, or, where nothing tells which, perhaps was not."""
        undone = (
            fault.kind not in ("reset-after", "slow", "truncated") and fault.dice.random() < 0.5
        )
        reply = None if undone else self._handle(request)
        if fault.kind in ("timeout", "slow"):
            self._sleep(fault.seconds)
        if fault.kind.isdigit():
            return reply_of(self._vendor.broken(int(fault.kind))).send(start)
        if reply is None or fault.kind in ("reset-after", "timeout"):
            break_off(request.environ)
        if fault.kind == "slow":
            return reply.send(start)
        if not reply.body:
            break_off(request.environ, reset=False)
        if fault.dice.random() < 0.5:
            return half_of(reply, request.environ, start)
        return reply.with_body(reply.body[: len(reply.body) // 2]).send(start)

    def _bend(self, request: _Request, fault: Fault) -> Reply:
        """Return an answer that looks sound: too early, or with too much, or about another user."""
        if fault.kind == "late":
            return self._hide(request, fault)
        if fault.kind == "wrong-user" and not request.writes:
            other = self._vendor.another(request.path, fault.dice)
            if other is None:
                return self._handle(request)
            self._note(request, fault)
            return ask(self._app, {**request.environ, "PATH_INFO": other})
        reply = self._handle(request)
        body = _parsed(reply) if reply.accepted else None
        if fault.kind == "duplicate-page":
            entries = None if body is None else self._vendor.entries(body)
            if not entries:
                return reply
            entries.insert(fault.dice.randrange(len(entries) + 1), fault.dice.choice(entries))
        else:
            body = self._vendor.misnamed(body, fault.dice)
            if body is None:
                return reply
        self._note(request, fault)
        return reply.with_body(json.dumps(body).encode())

    def _hide(self, request: _Request, fault: Fault) -> Reply:
        """Handle a write, and keep what it did from reads for a while."""
        asked = _body_of(request.environ)
        names = set(self._vendor.touched(request.path, asked))
        request.environ[LATE_S] = fault.seconds
        reply = self._handle(request)
        if reply.accepted:
            self._late.hide(names, fault.seconds)
            self._note(request, fault)
        return reply

    def _handle(self, request: _Request) -> Reply:
        """Have the vendor handle it; what a read shows may be what it showed before."""
        reads, reply = request.sort == "read", None
        if reads:
            reply = self._late.shown(request.path, request.query)
        if reply is None:
            reply = ask(self._app, request.environ)
            if reads:
                self._late.remember(request.path, request.query, reply)
        if reply.accepted:
            self._come_to("commit", request)
        return reply

    def _come_to(self, at: Any, request: _Request) -> None:
        counted: Any = "writes" if request.writes else "reads"
        self.gate.come_to(at, counted, request.number, request.method, request.path)

    def _note(self, request: _Request, fault: Fault) -> None:
        about = {"number": request.number, "method": request.method, "path": request.path}
        self.met.append(about | {"fault": fault.kind})

    def _take_seat(self, request: _Request, fault: Fault) -> None:
        give_back = self._vendor.take_seat(fault.dice)
        if give_back is None:
            return
        self._note(request, fault)
        if fault.seconds:
            with self._lock:
                self._seats.append((self._now() + fault.seconds, give_back))

    def _give_seats_back(self) -> None:
        with self._lock:
            due = [give for at, give in self._seats if at <= self._now()]
            self._seats = [(at, give) for at, give in self._seats if at > self._now()]
        for give in due:
            give()


def _parsed(reply: Reply) -> Any:
    try:
        return json.loads(reply.body)
    except ValueError:
        return None


def _body_of(environ: Environ) -> Any:
    """Return a request's JSON body, None where it has none; it can be read again."""
    content = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    environ["wsgi.input"] = io.BytesIO(content)
    try:
        return json.loads(content)
    except ValueError:
        return None
