"""A vendor's own OpenAPI file as the judge of whatever goes between anybody and a simulator.

It stands in the simulator itself, before whatever a test has go wrong on the way, so it sees what every
process sends and what the simulator answers. `tests/judging` puts it into every simulator that the suite
starts, in this process or another; what it finds goes to the file that REPORTS names, and tests/conftest.py
fails the test during which it came. Without VENDOR_SPECS it lets everything pass, and the suite's header
says so.
"""

from __future__ import annotations

import io
import json
import os
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

from tests.graph_watch import plain as plain_at_graph
from tests.graph_watch import wrong as wrong_at_graph
from tests.vendor_specs import Mismatch, load

REPORTS = "JUDGE_REPORTS"
"""The environment variable with the file to which judges in any process add lines of JSON."""

NO_OPERATION = "is no operation of"
"""Part of what is told of a call to something that the vendor's file doesn't have."""

_Start = Callable[..., Any]
_Application = Callable[[dict[str, Any], _Start], Iterable[bytes]]


def wrong_at_zoom(
    method: str, path: str, query: dict[str, str], body: Any, status: int, answer: Any
) -> list[str]:
    """Return what of one call isn't as Zoom's file says."""
    spec = load("zoom")
    assert spec is not None
    try:
        spec.check(method, path, query=query, body=body, status=status, answer=answer)
    except Mismatch as error:
        return [str(error)]
    return []


class _Vendor(NamedTuple):
    """How a vendor's calls are judged: those whose paths begin with `paths`.

    `plain` turns a path into one as the file writes it.
    """

    wrong: Callable[[str, str, dict[str, str], Any, int, Any], list[str]]
    plain: Callable[[str], str]
    paths: tuple[str, ...]


VENDORS = {
    "zoom": _Vendor(wrong_at_zoom, lambda path: path.removeprefix("/v2"), ("/v2/", "/scim2/")),
    "graph": _Vendor(wrong_at_graph, plain_at_graph, ("/v1.0/",)),
}


def put_down(line: dict[str, Any]) -> None:
    """Add a line to the suite's reports; raise RuntimeError where nobody would read it."""
    file = os.environ.get(REPORTS)
    if not file:
        raise RuntimeError(f"{REPORTS} names no file: what the judge finds would be lost")
    with Path(file).open("ab", buffering=0) as reports:  # one write a line: processes don't mix
        reports.write(json.dumps(line).encode() + b"\n")


def _tell(fault: str) -> None:
    put_down({"fault": fault})


class Reports:
    """What the judges of every process told, in the order of their telling."""

    def __init__(self, file: Path) -> None:
        self._file, self._read = file, 0

    def lines(self) -> list[dict[str, Any]]:
        """Return every line so far."""
        if not self._file.exists():
            return []
        return [json.loads(line) for line in self._file.read_bytes().splitlines()]

    def new_faults(self) -> list[str]:
        """Return the faults that were told since this was last asked."""
        if not self._file.exists():
            return []
        with self._file.open("rb") as reports:
            reports.seek(self._read)
            new = reports.read()
        self._read += len(new)
        return [line["fault"] for line in map(json.loads, new.splitlines()) if "fault" in line]


class Oracle:
    """Judges what is asked of a WSGI application and what it answers; `tell` gets each fault.

    `checked` counts calls by operation (`GET /users`).
    """

    def __init__(
        self, application: _Application, vendor: str, tell: Callable[[str], None] = _tell
    ) -> None:
        self.checked: Counter[str] = Counter()
        self._application, self._vendor = application, VENDORS[vendor]
        self._spec, self._tell = load(vendor), tell
        put_down({"judging": vendor, "pid": os.getpid(), "with": self._spec and "its file"})

    def __call__(self, environ: dict[str, Any], start_response: _Start) -> Iterable[bytes]:
        """Answer as the application does, and judge it."""
        path = environ.get("PATH_INFO", "").encode("latin-1").decode(errors="replace")
        if self._spec is None or not path.startswith(self._vendor.paths):
            return self._application(environ, start_response)
        length = int(environ.get("CONTENT_LENGTH") or 0)
        asked = environ["wsgi.input"].read(length) if length else b""
        environ["wsgi.input"] = io.BytesIO(asked)
        told: list[int] = []

        def start(status: str, *rest: Any) -> Any:
            told.append(int(status.split(" ", 1)[0]))
            return start_response(status, *rest)

        given = self._application(environ, start)
        try:
            answer = b"".join(given)
        finally:
            getattr(given, "close", lambda: None)()
        for fault in self._judge(environ, path, asked, told[-1], answer):
            self._tell(fault)
        return [answer]

    def _judge(
        self, environ: dict[str, Any], path: str, asked: bytes, status: int, answer: bytes
    ) -> list[str]:
        method, path = environ["REQUEST_METHOD"], self._vendor.plain(path)
        query = dict(parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True))
        try:
            # what was refused may have held anything
            body = json.loads(asked) if asked and status < 400 else None
            parsed = json.loads(answer) if answer else None
        except ValueError as error:
            return [f"{method} {path} -> {status}: {error}"]
        assert self._spec is not None
        found = self._vendor.wrong(method, path, query, body, status, parsed)
        if not found:
            self.checked[f"{method} {self._spec.operation(method, path)[0]}"] += 1
        return found
