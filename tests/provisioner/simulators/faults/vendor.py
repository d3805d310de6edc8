"""The smallest vendor there is: users by name with one word each, behind the faults, over real HTTP."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from random import Random
from typing import Any

import requests

from provisioner.simulators.faults import LATE_S, Answer, Faulty, parse
from provisioner.simulators.scim_service import serve


class Vendor:
    """`GET /users` lists, `GET /users/NAME` tells, `PUT /users/NAME` sets (and is counted), `POST /token`."""

    def __init__(self) -> None:
        self.users = {"eva": "one", "jan": "two"}
        self.writes = 0
        self.seats = 5
        self.expired = 0
        self.late: list[float] = []

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        name = path.removeprefix("/users/")
        if path == "/users":
            return answer(start, {"users": [{"id": name} for name in self.users]})
        if method == "PUT":
            self.writes += 1
            length = int(environ["CONTENT_LENGTH"])
            self.users[name] = json.loads(environ["wsgi.input"].read(length))["word"]
            self.late.append(environ.get(LATE_S, 0))
            return answer(start, {"id": name})
        if method == "DELETE":
            self.users.pop(name, None)
            return answer(start, None)
        if name not in self.users:
            return answer(start, {"code": 404}, "404 Not Found")
        return answer(start, {"id": name, "word": self.users[name]})

    def sort(self, method: str, path: str) -> str | None:
        if path == "/token":
            return "token"
        if not path.startswith("/users"):
            return None
        return "write" if method != "GET" else "list" if path == "/users" else "read"

    def too_many(self, retry_after_s: float | None) -> Answer:
        return 429, {} if retry_after_s is None else {"Retry-After": f"{retry_after_s:.0f}"}, b"{}"

    def broken(self, status: int) -> Answer:
        return status, {}, b"broken"

    def another(self, path: str, dice: Random) -> str | None:
        return "/users/jan" if path == "/users/eva" else None

    def misnamed(self, body: Any, dice: Random) -> Any:
        return {"id": "jan"} if body == {"id": "eva"} else None

    def touched(self, path: str, body: Any) -> Iterable[str]:
        return [path.rpartition("/")[2]]

    def entries(self, body: Any) -> list[Any] | None:
        found: list[Any] | None = body.get("users")
        return found

    def expire_tokens(self) -> None:
        self.expired += 1

    def take_seat(self, dice: Random) -> Callable[[], None] | None:
        if not self.seats:
            return None
        self.seats -= 1

        def give_back() -> None:
            self.seats += 1

        return give_back


def answer(start: Callable[..., Any], body: Any, status: str = "200 OK") -> Iterable[bytes]:
    data = b"" if body is None else json.dumps(body).encode()
    start(status if data else "204 No Content", [("Content-Length", str(len(data)))])
    return [data]


class Client:
    """Asks the vendor over real HTTP; every request on a connection of its own."""

    def __init__(self, url: str, vendor: Vendor, faulty: Faulty) -> None:
        self.url, self.vendor, self.faulty = url, vendor, faulty
        self.slept: list[float] = []
        self.now = 0.0

    def get(self, path: str, timeout: float = 10) -> requests.Response:
        return requests.get(self.url + path, timeout=timeout)

    def put(self, name: str, word: str, timeout: float = 10) -> requests.Response:
        return requests.put(f"{self.url}/users/{name}", json={"word": word}, timeout=timeout)

    def post(self, path: str, body: Any = None) -> requests.Response:
        return requests.post(self.url + path, json=body, timeout=10)

    def word(self, name: str) -> Any:
        return self.get(f"/users/{name}").json().get("word")

    def met(self) -> list[str]:
        """Return the faults so far, as the portal tells them."""
        return [json.loads(line)["fault"] for line in self.get("/_portal/faults").text.splitlines()]


@contextmanager
def served(spec: str = "", seed: int = 1) -> Iterator[Client]:
    """Serve a vendor with these faults; no time passes but by the client's clock."""
    vendor, faults = Vendor(), parse(spec, seed)
    faulty = Faulty(
        vendor, vendor, faults, sleep=lambda s: client.slept.append(s), now=lambda: client.now
    )
    client = Client("", vendor, faulty)
    with serve(faulty) as url:
        client.url = url
        yield client
