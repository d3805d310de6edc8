"""SCIM services to read from over real HTTP: one that keeps the RFCs or breaks them, one scripted."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from flask import Flask, Response

from connectors.directory import scim_endpoint
from connectors.records import Directory, Flaw, Outside, Person
from provisioner.http import make_http
from provisioner.rates import Limiter
from provisioner.simulators.scim_service import Faults, Style, create_app, serve

logging.getLogger("waitress").setLevel(logging.CRITICAL)  # it complains of answers cut on purpose

TOKEN = "s3cr3t-t0ken"

Resource = dict[str, Any]
Slept = list[float]


def user(number: int, **more: Any) -> Resource:
    return {
        "id": f"u{number}",
        "externalId": f"e{number}",
        "userName": f"user{number}",
        "emails": [{"value": f"u{number}@example.org", "type": "work"}],
        "active": True,
        **more,
    }


def group(key: str, *members: Resource | str, **more: Any) -> Resource:
    shown = [{"value": m, "type": "User"} if isinstance(m, str) else m for m in members]
    return {"id": key, "displayName": f"Group {key}", "members": shown, **more}


def users(count: int) -> list[Resource]:
    return [user(number) for number in range(count)]


def directory(base: str, slept: Slept | None = None, **config: Any) -> Directory:
    """Return the directory as the program makes it, but for pauses, which take no time."""
    pauses = [] if slept is None else slept
    outside = Outside(
        base=Path(),
        http=lambda account, rates: make_http(
            None, Limiter(), pauses.append, account=account, rates=rates
        ),
        now=lambda: datetime.now(UTC),
        sleep=lambda _: None,
    )
    asked = {"url": f"{base}/scim/v2", "token": TOKEN, "page_size": 10, **config}
    return scim_endpoint.connect("hr", scim_endpoint.Config().load(asked), outside, None)


@contextmanager
def service(
    people: list[Resource],
    groups: list[Resource] | None = None,
    *,
    style: Style | None = None,
    **faults: Any,
) -> Iterator[tuple[str, list[str]]]:
    """Serve these, and give the base address and the list of what was asked."""
    app = create_app(
        {"Users": people, "Groups": groups or []},
        TOKEN,
        style=style or Style(),
        faults=Faults(**faults),
    )
    with serve(app) as base:
        yield base, app.extensions["requests"]


@contextmanager
def answering(answer: Callable[[str], Response]) -> Iterator[str]:
    """Serve what `answer` says to a path below the base, such as Users."""
    app = Flask(__name__)
    app.get("/scim/v2/<path:path>")(lambda path: answer(path))
    with serve(app) as base:
        yield base


def listing(*resources: Any, **more: Any) -> Response:
    body = {"totalResults": len(resources), "Resources": resources, **more}
    return Response(json.dumps(body), mimetype="application/scim+json")


def nothing(path: str) -> Response:
    return Response(json.dumps({"detail": f"no {path}"}), 404)


def keys(read: list[Person | Flaw]) -> list[str | None]:
    return [each.key for each in read]


def groups_of(read: list[Person | Flaw]) -> dict[str, set[str]]:
    return {
        each.key: {str(g["display"]) for g in each.resource.get("groups", [])}
        for each in read
        if isinstance(each, Person)
    }
