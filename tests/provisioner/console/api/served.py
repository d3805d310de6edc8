"""A real daemon in this process, on free ports, and its API as a client meets it over HTTP.

Every answer is held against the API's own OpenAPI document on its way to the test: a status, a member or
a type that the document doesn't have fails whatever test came by it.
"""

from __future__ import annotations

import io
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import requests
from openapi_schema_validator import OAS31Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from provisioner.commands.daemon import Daemon, Deadline
from provisioner.config import load_config
from provisioner.logs import configure_logs
from provisioner.wiring import Stop, Stopped, open_site
from tests.ports import free_port
from tests.scenarios.installation import Installation, phone_users, staff

PATIENCE_S = 20.0
HERE = "urn:openapi"


class Api:
    """The API of a daemon; `root` is where it serves operators. A `token` signs in; `log` is the daemon's."""

    def __init__(self, root: str, token: str | None = None, judge: Judge | None = None) -> None:
        self.root, self.url = root, f"{root}/api/v1"
        self.session = requests.Session()
        if token is not None:
            self.session.headers["Authorization"] = f"Bearer {token}"
        if judge is None:
            judge = Judge(self.session.get(f"{self.url}/openapi.json", timeout=9).json())
        self.judge = judge
        self.log = io.StringIO()

    def of(self, token: str) -> Api:
        """Return the same API for whoever has another token."""
        return Api(self.root, token, self.judge)

    def ask(self, method: str, path: str, **given: Any) -> requests.Response:
        """Return the answer to a request, whatever it is."""
        answer = self.session.request(method, f"{self.url}{path}", timeout=30, **given)
        self.judge.judge(method, path, answer)
        return answer

    def get(self, path: str, **query: Any) -> Any:
        """Return what GET answers."""
        answer = self.ask("GET", path, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, path: str, status: int = 200, **body: Any) -> Any:
        """Return what POST answers, done by eva unless `by` says otherwise."""
        answer = self.ask("POST", path, json={"by": "eva"} | body)
        assert answer.status_code == status, answer.text
        return answer.json()

    def ended(self, run: str) -> dict[str, Any]:
        """Return a run once it has ended."""
        waiting = threading.Event()
        for _ in range(int(PATIENCE_S / 0.05)):
            found: dict[str, Any] = self.get(f"/runs/{run}")
            if found["ended_at"] is not None:
                return found
            waiting.wait(0.05)
        raise AssertionError(f"run {run} doesn't end")

    def planned(self, sync: str = "emea") -> str:
        """Have a sync run, and return the plan that it made."""
        run = self.ended(self.post(f"/syncs/{sync}/runs", 202)["run"])
        assert run["plan"] is not None, run
        return str(run["plan"])


class Judge:
    """Holds answers against an OpenAPI document, and as if no object had members beyond it."""

    def __init__(self, document: dict[str, Any]) -> None:
        closed = _closed(document)
        resource = Resource.from_contents(closed, DRAFT202012)
        self._paths = {
            re.compile(re.sub(r"{(\w+)}", _part, path)): path for path in closed["paths"]
        }
        self._document = closed
        self._registry: Registry[Any] = Registry().with_resource(HERE, resource)

    def judge(self, method: str, path: str, answer: requests.Response) -> None:
        """Raise AssertionError for an answer that the document doesn't have."""
        known = next((own for found, own in self._paths.items() if found.fullmatch(path)), None)
        if known is None or method.lower() not in self._document["paths"][known]:
            assert answer.status_code in (404, 405), (method, path, answer.text)
            return
        responses = self._document["paths"][known][method.lower()]["responses"]
        said = responses.get(str(answer.status_code))
        assert said is not None, f"{method} {path} answers {answer.status_code}: {answer.text}"
        content = answer.headers["Content-Type"]
        assert content in said["content"], f"{method} {path} answers {content}"
        schema = said["content"][content]["schema"]
        schema = {"$ref": f"{HERE}{schema['$ref']}"} if "$ref" in schema else schema
        validator = OAS31Validator(schema, registry=self._registry)
        problems = [f"{e.json_path}: {e.message}" for e in validator.iter_errors(answer.json())]
        assert problems == [], f"{method} {path}"
        assert ("Location" in said.get("headers", {})) == ("Location" in answer.headers)


def _part(match: re.Match[str]) -> str:
    return "(.+)" if match[1] == "user" else "([^/?]+)"


def _closed(value: Any) -> Any:
    """Return the document with every object closed to members that it doesn't name."""
    if isinstance(value, list):
        return [_closed(each) for each in value]
    if not isinstance(value, dict):
        return value
    found = {name: _closed(each) for name, each in value.items()}
    if found.get("type") == "object" and isinstance(found.get("properties"), dict):
        found.setdefault("additionalProperties", False)
    return found


def with_ports(emea: Installation, **members: Any) -> None:
    """Write config.yaml for a daemon: its syncs are `emea`, and those that `members` name.

    `server` and `store` are the installation's own.
    """
    bind, admin = (f"127.0.0.1:{free_port()}" for _ in range(2))
    server = {"bind": bind, "admin_bind": admin} | members.pop("server", {})
    store = members.pop("store", "sqlite:///store.db")
    syncs = {"emea": emea.sync} | members
    document = {"version": 1, "store": store, "server": server, "syncs": syncs}
    emea.yaml("config.yaml", document)


@contextmanager
def daemon(emea: Installation, token: str | None = None) -> Iterator[Api]:
    """Give the API of a running daemon that holds the schedule."""
    log = io.StringIO()
    configure_logs(log)
    site = open_site(load_config(emea.folder / "config.yaml"), stop=Stop())
    running = Daemon(site, Deadline())
    ended: list[Exception] = []

    def run() -> None:
        try:
            with suppress(Stopped):
                running.run()
        except Exception as error:  # noqa: BLE001 - the test is told
            ended.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    waiting = threading.Event()
    while running.not_ready():
        assert not ended, ended
        waiting.wait(0.01)
    try:
        api = Api(running._admin.url, token)
        api.log = log
        yield api
    finally:
        site.stop.set()
        thread.join(PATIENCE_S)
        site.engine.dispose()
        assert not thread.is_alive()
        assert ended == []


def company(folder: Path, **members: Any) -> Installation:
    """Return a company of four of whom one has no phone yet; `members` are the sync's. Nothing is planned."""
    emea = Installation(folder)
    emea.people(staff(4))
    emea.phone(phone_users(3))
    emea.configure(**members)
    with_ports(emea)
    return emea
