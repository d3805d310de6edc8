"""What tests and operators ask of the faults themselves: beside the vendor's own /_portal.

GET  /_portal/faults      the faults that happened so far, as JSON lines: number, method, path, fault
POST /_portal/faults      {"faults": "30%", "seed": 1}: from now on these ("": none)
POST /_portal/hold        {"at": "arrival" or "commit" or "answer", "writes" or "reads": N}: hold the
                          Nth from now on that comes to this point (gate.py); only 2xx commit
GET  /_portal/held        what is held: at, number, method, path; 204 if nothing is. ?wait_s=SECONDS
                          waits for it
POST /_portal/release     let it go on, and hold nothing more
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from .gate import COUNTED, LONGEST_S, POINTS
from .spec import SpecError, parse
from .vendor import Answer

if TYPE_CHECKING:
    from .middleware import Faulty
    from .wire import Environ

HOLD = f"at must be one of {', '.join(POINTS)}, and {' or '.join(COUNTED)} a number"


class Portal:
    """Answers what concerns the faults of one simulator."""

    def __init__(self, faulty: Faulty) -> None:
        self._faulty = faulty

    def answer(self, environ: Environ) -> Answer | None:
        """Return the answer to a request, None where it isn't for us."""
        what = f"{environ['REQUEST_METHOD']} {environ['PATH_INFO'].removeprefix('/_portal/')}"
        if what == "GET faults":
            lines = [json.dumps(met) + "\n" for met in list(self._faulty.met)]
            headers = {"Content-Type": "application/jsonl", "Requests": str(self._faulty.requests)}
            return 200, headers, "".join(lines).encode()
        if what == "GET held":
            return self._held(environ)
        if what == "POST release":
            self._faulty.gate.release()
            return _json(200, {})
        if what in ("POST faults", "POST hold"):
            given = _given(environ)
            try:
                return self._change(given) if what == "POST faults" else self._hold(given)
            except (SpecError, KeyError, TypeError) as error:
                return _json(400, {"code": 400, "message": str(error)})
        return None

    def _change(self, given: dict[str, Any]) -> Answer:
        self._faulty.faults = parse(str(given["faults"]), int(given.get("seed", 0)))
        return _json(200, {})

    def _hold(self, given: dict[str, Any]) -> Answer:
        counted = next((name for name in COUNTED if isinstance(given.get(name), int)), None)
        if given.get("at") not in POINTS or counted is None:
            return _json(400, {"code": 400, "message": HOLD})
        self._faulty.gate.hold(given["at"], counted, given[counted])
        return _json(200, {})

    def _held(self, environ: Environ) -> Answer:
        asked = parse_qs(environ.get("QUERY_STRING", "")).get("wait_s", ["0"])[0]
        wait_s = float(asked) if asked.replace(".", "", 1).isdigit() else 0.0
        held = self._faulty.gate.held(min(wait_s, LONGEST_S))
        return (204, {}, b"") if held is None else _json(200, held.shown())


def _json(status: int, body: Any) -> Answer:
    return status, {"Content-Type": "application/json"}, json.dumps(body).encode()


def _given(environ: Environ) -> dict[str, Any]:
    length = int(environ.get("CONTENT_LENGTH") or 0)
    try:
        given = json.loads(environ["wsgi.input"].read(length) or b"{}")
    except ValueError:
        return {}
    return given if isinstance(given, dict) else {}
