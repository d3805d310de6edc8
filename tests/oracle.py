"""A vendor's own OpenAPI file as the judge of whatever goes between our program and a simulator.

It stands in the service, before the simulator's answers leave, so it sees what every process sends.
Where VENDOR_SPECS isn't set it lets everything pass, and `checked` stays empty.

    with judged(app) as oracle, running(app) as url: ...
    # ends with an AssertionError that names every request and answer that isn't as the file says
"""

from __future__ import annotations

import io
import json
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qsl

from flask import Flask

from tests.vendor_specs import Mismatch, load

PREFIX = "/v2"
TOO_MANY, BROKEN = 429, 500
_NAMED = 5

_Start = Callable[..., Any]
_Application = Callable[[dict[str, Any], _Start], Iterable[bytes]]


class Oracle:
    """Judges what is asked of a WSGI application and what it answers.

    `checked` counts calls by operation (`GET /users`), `mismatches` says what was wrong. Refusals for
    too many requests and gateways' errors aren't in the file, and are let pass uncounted.
    """

    def __init__(self, application: _Application, vendor: str = "zoom") -> None:
        self.checked: Counter[str] = Counter()
        self.mismatches: list[str] = []
        self._application, self._spec = application, load(vendor)
        self._lock = threading.Lock()

    def __call__(self, environ: dict[str, Any], start_response: _Start) -> Iterable[bytes]:
        """Answer as the application does, and judge it."""
        path = environ.get("PATH_INFO", "")
        if self._spec is None or not path.startswith(f"{PREFIX}/"):
            return self._application(environ, start_response)
        length = int(environ.get("CONTENT_LENGTH") or 0)
        asked = environ["wsgi.input"].read(length) if length else b""
        environ["wsgi.input"] = io.BytesIO(asked)
        told: list[int] = []

        def start(status: str, *rest: Any) -> Any:
            told.append(int(status.split(" ", 1)[0]))
            return start_response(status, *rest)

        answer = b"".join(self._application(environ, start))
        self._judge(environ, path.removeprefix(PREFIX), asked, told[-1], answer)
        return [answer]

    def _judge(
        self, environ: dict[str, Any], path: str, asked: bytes, status: int, answer: bytes
    ) -> None:
        if status == TOO_MANY or status >= BROKEN:
            return
        assert self._spec is not None
        method = environ["REQUEST_METHOD"]
        try:
            template, _ = self._spec.operation(method, path)
            self._spec.check(
                method,
                path,
                query=dict(parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True)),
                body=json.loads(asked) if asked else None,
                status=status,
                answer=json.loads(answer) if answer else None,
            )
        except (Mismatch, ValueError) as error:
            with self._lock:
                self.mismatches.append(f"{method} {path}: {error}")
            return
        with self._lock:
            self.checked[f"{method} {template}"] += 1


@contextmanager
def judged(app: Flask, vendor: str = "zoom") -> Iterator[Oracle]:
    """Have every call to a simulator judged meanwhile; raise AssertionError for what was wrong."""
    oracle = Oracle(app.wsgi_app, vendor)
    app.wsgi_app = oracle  # type: ignore[method-assign]
    yield oracle
    shown = "\n".join(oracle.mismatches[:_NAMED])
    assert not oracle.mismatches, (
        f"{len(oracle.mismatches)} calls aren't as the file says:\n{shown}"
    )
