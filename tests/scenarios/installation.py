"""One installation in a folder: its files, and the command line run on them.

Scenarios see the product as an operator does: files in, a command, its exit status and what it
printed. `run` calls the command line in this process, which is quick; `shell` starts the real
program. Both give a `Ran`.
"""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import requests
import yaml

from provisioner.cli import main
from provisioner.config import Config
from provisioner.simulators import zoom
from provisioner.wiring import Site, Stop, open_site
from tests.processes import environment

PROGRAM = str(Path(sys.executable).with_name("provisioner"))
FIELDS = ("externalId", "userName", "email", "displayName", "active", "groups", "department")
MAPPING: dict[str, Any] = {
    "version": 1,
    "join": "externalId",
    "scope": 'active eq true and groups.display eq "Phone"',
    "leavers": {"do": "remove_license"},
    "rules": [
        {"name": "all", "when": "userName pr", "give": {"license": "zoom_phone"}},
        {"name": "sales", "when": 'department eq "Sales"', "give": {"packages": ["basic"]}},
    ],
}
"""Who is active and in the group Phone has the license, and in Sales the package basic."""


@dataclass(frozen=True)
class Ran:
    """What one command did: exit status, stdout, stderr, and the waits that were left out, in seconds."""

    status: int
    out: str
    err: str
    waits: tuple[float, ...] = ()

    @property
    def said(self) -> str:
        """Everything that was printed."""
        return self.out + self.err

    @property
    def plan(self) -> dict[str, Any]:
        """The plan that was printed as JSON."""
        document: dict[str, Any] = json.loads(self.out)
        return document


class Hurried(Stop):
    """Whoever would wait goes on at once; `waits` are the seconds that they would have waited."""

    def __init__(self) -> None:
        super().__init__()
        self.waits: list[float] = []

    def sleep(self, seconds: float) -> None:
        """Note the wait."""
        self.waits.append(seconds)

    def pause(self, seconds: float) -> None:
        """Note the wait."""
        self.sleep(seconds)


class Installation:
    """A folder with config.yaml, mapping.yaml, people.csv and phone.jsonl, and a store beside them.

    The only sync, `emea`, reads people.csv and provisions the snapshot phone.jsonl, unless a test
    says otherwise.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.sync: dict[str, Any] = {
            "directories": [{"kind": "csv", "name": "hr", "path": "people.csv"}],
            "mapping": "mapping.yaml",
            "phone_system": {"kind": "snapshot", "path": "phone.jsonl"},
        }
        self.configure()
        self.mapping()
        self.phone([])

    def configure(self, **members: Any) -> None:
        """Write config.yaml: the only sync, `emea`, with these members changed (None: left out)."""
        self.sync = {name: v for name, v in (self.sync | members).items() if v is not None}
        document = {"version": 1, "store": "sqlite:///store.db", "syncs": {"emea": self.sync}}
        self.yaml("config.yaml", document)

    def mapping(self, name: str = "mapping.yaml", **members: Any) -> None:
        """Write a mapping: MAPPING with these members changed (None: left out)."""
        document = {k: v for k, v in (MAPPING | members).items() if v is not None}
        self.yaml(name, document)

    def yaml(self, name: str, document: Any) -> None:
        """Write a YAML file."""
        text = yaml.safe_dump(document, sort_keys=False, allow_unicode=True)
        self.write(name, text)

    def write(self, name: str, content: str | bytes) -> Path:
        """Write a file as it is given."""
        path = self.folder / name
        data = content.encode() if isinstance(content, str) else content
        path.write_bytes(data)
        return path

    def people(self, rows: Iterable[Mapping[str, str]], name: str = "people.csv") -> None:
        """Write the directory's CSV: the columns of FIELDS, and whatever else a row has."""
        self.write(name, csv_text(rows))

    def phone(self, lines: Iterable[Mapping[str, Any]], **catalog: Any) -> None:
        """Write the snapshot: a catalog line if one is given, then phone users."""
        written = [{"catalog": catalog}] if catalog else []
        self.write("phone.jsonl", "".join(json.dumps(x) + "\n" for x in [*written, *lines]))

    def phone_users(self) -> dict[str, dict[str, Any]]:
        """Return the snapshot's phone users by mail (else by id)."""
        text = (self.folder / "phone.jsonl").read_text(encoding="utf-8")
        lines = [json.loads(line) for line in text.splitlines()]
        return {x.get("email") or x["id"]: x for x in lines if "catalog" not in x}

    def run(self, command: str, *arguments: str, at: datetime | None = None) -> Ran:
        """Run a command (`plan`, `token list`) in this process, with -c this config and the clock `at`.

        Where the program would wait (between two tries, for a rate limit) it doesn't.
        """
        out, err = io.StringIO(), io.StringIO()
        stop = Hurried()
        opened = partial(open_site, stop=stop)
        if at is not None:
            opened = partial(opened, now=lambda: at)
        with redirect_stdout(out), redirect_stderr(err), patched(opened):
            try:
                main([*command.split(), "-c", str(self.folder / "config.yaml"), *arguments])
                status = 0
            except SystemExit as end:
                status = int(end.code or 0)
        return Ran(status, out.getvalue(), err.getvalue(), tuple(stop.waits))

    def shell(self, command: str, *arguments: str, **environ: str) -> Ran:
        """Run a command as a process of its own, in the installation's folder."""
        return shell([*command.split(), "-c", "config.yaml", *arguments], self.folder, environ)

    def plan(self, *arguments: str, status: int = 0, at: datetime | None = None) -> dict[str, Any]:
        """Plan, hold the exit status against `status`, and return the plan."""
        ran = self.run("plan", "--format", "json", *arguments, at=at)
        assert ran.status == status, ran.said
        return ran.plan

    def carry_out(self, *, at: datetime | None = None) -> dict[str, Any]:
        """Plan, approve and apply, all of which must succeed; return the plan as it was made."""
        plan = self.plan(at=at)
        for command in ("approve", "apply"):
            ran = self.run(command, plan["id"], at=at)
            assert ran.status == 0, ran.said
        return plan


def patched(opened: Callable[..., Any]) -> Any:
    """Return a context in which the commands open their installation by `opened`."""
    return patch("provisioner.commands.plans.open_site", opened)


@contextmanager
def one_process() -> Iterator[list[str]]:
    """Run commands as the daemon runs its syncs: what connectors keep is kept. Gives the paths asked for."""
    kept: dict[str, object] = {}
    asked: list[str] = []
    real = open_site

    def opened(config: Config, **given: Any) -> Site:
        site = real(config, record=lambda call: asked.append(call.path), **given)
        return replace(site, _kept=kept)

    with patch(f"{__name__}.open_site", opened):
        yield asked


def shell(arguments: Sequence[str], folder: Path, environ: Mapping[str, str] = {}) -> Ran:
    """Run the installed program and wait for its end."""
    done = subprocess.run(
        [PROGRAM, *arguments],
        cwd=folder,
        env=environment(environ),
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="replace",
        timeout=60,
        check=False,
    )
    return Ran(done.returncode, done.stdout, done.stderr)


def person(number: int, **members: str) -> dict[str, str]:
    """Return a row: somebody active, in the group Phone and the department Sales."""
    row = {
        "externalId": f"E{number:03}",
        "userName": f"user{number}",
        "email": f"user{number}@example.org",
        "displayName": f"User {number}",
        "active": "true",
        "groups": "Phone",
        "department": "Sales",
    }
    return row | members


def staff(count: int, **members: str) -> list[dict[str, str]]:
    """Return `count` rows, numbered from 1."""
    return [person(number, **members) for number in range(1, count + 1)]


def phone_user(number: int, **members: Any) -> dict[str, Any]:
    """Return the phone user of `person(number)`, who has what MAPPING gives in Sales."""
    line = {
        "id": f"p{number}",
        "key": f"E{number:03}",
        "kind": "person",
        "email": f"user{number}@example.org",
        "status": "active",
        "display_name": f"User {number}",
        "license": "zoom_phone",
        "packages": ["basic"],
    }
    return line | members


def phone_users(count: int, **members: Any) -> list[dict[str, Any]]:
    """Return the phone users of `staff(count)`."""
    return [phone_user(number, **members) for number in range(1, count + 1)]


def csv_text(rows: Iterable[Mapping[str, str]]) -> str:
    """Return rows as CSV; columns that only some rows have are blank in the others."""
    listed = list(rows)
    header = list(FIELDS) + sorted({name for row in listed for name in row} - set(FIELDS))
    out = io.StringIO()
    writer = csv.DictWriter(out, header, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(listed)
    return out.getvalue()


def kinds(plan: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return a plan's changes as (kind, user), in its order."""
    return [(change["kind"], change["user"]) for change in plan["changes"]]


def states(plan: Mapping[str, Any]) -> dict[tuple[str, str], str]:
    """Return the state of each change by (kind, user)."""
    return {(change["kind"], change["user"]): change["state"] for change in plan["changes"]}


def rule(name: str, when: str = "userName pr", **give: Any) -> dict[str, Any]:
    """Return a mapping's rule."""
    return {"name": name, "when": when, "give": give}


def only(plan: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """Return a plan's only change of a kind."""
    (change,) = [c for c in plan["changes"] if c["kind"] == kind]
    return dict(change)


@contextmanager
def zoom_account(
    lines: Iterable[Mapping[str, Any]], database: Path | str = ":memory:", **options: Any
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Serve a simulated Zoom account; give its base URL and the `phone_system` that reaches it.

    `database` keeps its state; `options` are the simulator's own.
    """
    given: dict[str, Any] = {
        "account_id": None,
        "client_id": None,
        "client_secret": None,
        "sso": "provisioning",
        "rates": None,
    }
    app = zoom.create_app(database, options=zoom.Options(**(given | options)))
    zoom.load_snapshot(app, [json.dumps(line) for line in lines])
    with zoom.running(app) as url:
        yield (
            url,
            {
                "kind": "zoom",
                "account_id": "a",
                "client_id": "c",
                "client_secret": "not-for-anyones-eyes",
                "api_url": f"{url}/v2",
                "token_url": f"{url}/oauth/token",
                "create": {"action": "ssoCreate"},
            },
        )


def zoom_log(url: str) -> list[dict[str, Any]]:
    """Return every write that the simulated account accepted."""
    text = requests.get(f"{url}/_portal/log", timeout=10).text
    return [json.loads(line) for line in text.splitlines()]


def zoom_users(url: str) -> dict[str, dict[str, Any]]:
    """Return the simulated account's users by mail."""
    text = requests.get(f"{url}/_portal/state", timeout=10).text
    return {x["email"]: x for x in map(json.loads, text.splitlines()) if x.get("email")}
