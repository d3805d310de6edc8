"""A company on a simulated Zoom account over real HTTP, whose network can be tampered with.

`Network` stands between the program and the simulator: for each request it is asked whether to let it
through, to answer in Zoom's place, to lose the answer, or to do something before or after.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from provisioner.simulators import zoom
from tests.scenarios.installation import Installation, person, phone_user, zoom_log, zoom_users
from tests.scenarios.log_effects import effects_of

US, PRO = "US/CA Unlimited Calling Plan", "Zoom Phone Pro"
NUMBERS = [f"+49891234{n:03}" for n in range(60)]
CATALOG = {
    "catalog": {
        "licenses": {"zoom_phone": 60},
        "packages": {US: 50, PRO: 50},
        "sites": ["Munich", "Brno"],
        "templates": [["Office", "Munich"], ["Office", "Brno"]],
        "numbers": [[number, "Munich"] for number in NUMBERS],
    }
}
LICENSED = {"license": "zoom_phone", "site": "Munich", "template": "Office"}
MAPPING: dict[str, Any] = {
    "scope": "active eq true",
    "rules": [
        {"name": "all", "when": "ext pr", "give": {**LICENSED, "extension_number": "{ext}", "number": {"pool": "munich"}}},
        {"name": "some", "when": "not (ext pr)", "give": {**LICENSED, "site": "Brno"}},
        {"name": "pro", "when": 'department eq "HR"', "give": {"packages": [PRO]}},
        {"name": "us", "when": 'department eq "Sales"', "give": {"packages": [US]}},
    ],
    "profile": {"department": "{department}"},
}  # fmt: skip

DRIVER = """
import sys
from provisioner.wiring import Stop, Stopped
def sleep(self, seconds):
    if self.asked():
        raise Stopped("stopped while waiting")
Stop.sleep = sleep
Stop.pause = lambda self, seconds: None
from provisioner.cli import main
main(sys.argv[1:])
"""
"""The command line, in a process that waits for nothing."""


@dataclass
class Request:
    """One request as the network sees it; `number` counts those to the API, from 1."""

    number: int
    method: str
    path: str


Tamper = Callable[[Request, Callable[[], Iterable[bytes]], Any], Iterable[bytes]]


@dataclass
class Network:
    """The wire: `tamper(request, pass_on, start_response)` does what is to happen to each request."""

    app: Any
    tamper: Tamper | None = None
    seen: list[Request] = field(default_factory=list)

    def __call__(self, environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if not path.startswith("/v2/"):
            return self.app(environ, start)  # type: ignore[no-any-return]
        request = Request(len(self.seen) + 1, environ["REQUEST_METHOD"], path)
        self.seen.append(request)
        if self.tamper is None:
            return self.app(environ, start)  # type: ignore[no-any-return]
        return self.tamper(request, lambda: self.app(environ, start), start)


def answer(start: Any, status: str, body: Any = None, **headers: str) -> Iterable[bytes]:
    """Answer in Zoom's place."""
    data = json.dumps(body or {"code": 0, "message": ""}).encode()
    fixed = {"Content-Type": "application/json", "Content-Length": str(len(data)), **headers}
    start(status, list(fixed.items()))
    return [data]


def break_off(start: Any) -> Iterator[bytes]:
    """Begin an answer and break the connection off."""
    start("200 OK", [("Content-Type", "application/json"), ("Content-Length", "1000")])
    yield b'{"begun'
    raise ConnectionError


def as_if_never(pass_on: Callable[[], Iterable[bytes]]) -> None:
    """Let the request take effect, and forget its answer."""
    b"".join(pass_on())


@dataclass
class Company:
    """An installation, the account's address, and the wire between them."""

    here: Installation
    url: str
    network: Network

    def staff(self, *numbers: int, **members: str) -> list[dict[str, str]]:
        """Return rows: every third person in HR, every fourth without an extension of their own."""
        return [
            person(
                n,
                ext="" if n % 4 == 0 else str(4000 + n),
                department="HR" if n % 3 == 0 else "Sales",
                **members,
            )
            for n in numbers
        ]

    def log(self) -> list[dict[str, Any]]:
        return zoom_log(self.url)

    def users(self) -> dict[str, dict[str, Any]]:
        return zoom_users(self.url)

    def portal(self, action: str, **body: Any) -> None:
        requests.post(f"{self.url}/_portal/{action}", json=body, timeout=10).raise_for_status()

    def starts(self, *arguments: str) -> subprocess.Popen[str]:
        """Start a command as a process of its own."""
        return subprocess.Popen(
            [sys.executable, "-c", DRIVER, *arguments, "-c", str(self.here.folder / "config.yaml")],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def effects(self) -> Counter[tuple[str, str]]:
        """Count what every accepted write did: to whom, and which thing of theirs."""
        mails = {user["id"]: mail for mail, user in self.users().items()}
        return effects_of(self.log(), mails)


@contextmanager
def company(folder: Path, before: int = 8, **options: Any) -> Iterator[Company]:
    """Serve an account on which `before` people are as they should be but for what the mapping adds.

    They are adopted; the network lets everything through until it is told otherwise. What the account is
    asked and answers is held against Zoom's own file, where that is at hand.
    """
    given: dict[str, Any] = {
        "account_id": None, "client_id": None, "client_secret": None, "sso": "provisioning", "rates": None,
    }  # fmt: skip
    app = zoom.create_app(options=zoom.Options(**(given | options)))
    lines = [CATALOG, *(_line(n) for n in range(1, before + 1))]
    zoom.load_snapshot(app, [json.dumps(line) for line in lines])
    network = Network(app.wsgi_app)
    app.wsgi_app = network  # type: ignore[method-assign, assignment]
    with zoom.running(app) as url:
        yield _adopted(folder, url, network, before)


def _adopted(folder: Path, url: str, network: Network, before: int) -> Company:
    """Return the company, its first plan carried out."""
    here = Installation(folder)
    people = {"kind": "csv", "name": "hr", "path": "people.csv", "columns": {"ext": "ext"}}
    here.configure(
        directories=[people],
        phone_system={
            "kind": "zoom", "account_id": "a", "client_id": "c", "client_secret": "not-for-anyone",
            "api_url": f"{url}/v2", "token_url": f"{url}/oauth/token", "create": {"action": "ssoCreate"},
        },
        pools={"munich": {"ranges": ["+49891234000-+49891234059"]}},
        limits={"changes": "100%", "removals": "100%"},
        approval={"automatic": ["safe", "service", "destructive"]},
    )  # fmt: skip
    here.mapping(**MAPPING)
    made = Company(here, url, network)
    here.people(made.staff(*range(1, before + 1)))
    here.carry_out()
    return made


def _line(n: int) -> dict[str, Any]:
    site = "Brno" if n % 4 == 0 else "Munich"
    numbers = [] if n % 4 == 0 else [NUMBERS[-n]]
    package, department = (PRO, "HR") if n % 3 == 0 else (US, "Sales")
    return phone_user(
        n, packages=[package], site=site, extension_number=str(4000 + n), numbers=numbers,
        department=department,
    )  # fmt: skip
