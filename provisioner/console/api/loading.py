"""Reading what a request gives: every problem is told at once, with where it stands.

In a body that is a JSON Pointer as a URI fragment (RFC 6901 section 6), as in RFC 9457's own example.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

import msgspec
from flask import Request
from marshmallow import Schema, ValidationError

from provisioner.console.door import Refusal, decider, operator
from provisioner.store.database import can_be_kept

_JSON = "application/json"


def loaded_query(request: Request, schema: type[Schema] | None) -> dict[str, Any]:
    """Return the query's parameters. Raises Refusal 400 that tells all that is wrong with them."""
    errors = [
        {"detail": "is given more than once", "parameter": name}
        for name, values in request.args.lists()
        if len(values) > 1
    ]
    try:
        loaded: dict[str, Any] = (schema or Schema)().load(request.args.to_dict())
    except ValidationError as error:
        errors += [{"detail": said, "parameter": steps[0]} for steps, said in _flat(error.messages)]
    if errors:
        raise Refusal(400, _told("query", errors), more={"errors": errors})
    return loaded


def loaded_body(request: Request, schema: type[Schema]) -> tuple[dict[str, Any], str]:
    """Return the body, and who asks for it.

    Raises Refusal: 400 for what is no JSON, 415 for what doesn't say that it is, 422 for what is wrong
    in it, all at once.
    """
    document = _document(request)
    errors: list[dict[str, str]] = []
    loaded: dict[str, Any] = {}
    try:
        loaded = schema().load(document)
    except ValidationError as error:
        errors = [
            {"detail": said, "pointer": _pointer(steps)} for steps, said in _flat(error.messages)
        ]
    if operator().name is None and isinstance(document, dict) and "by" not in document:
        errors.append({"detail": "is needed where nobody signs in", "pointer": "#/by"})
    if errors:
        raise Refusal(422, _told("body", errors), more={"errors": errors})
    return loaded, decider(loaded.pop("by", None))


def checked_path(given: Mapping[str, str]) -> Mapping[str, str]:
    """Return what stands in the path; nothing is called by what no database can hold."""
    if not all(map(can_be_kept, given.values())):
        raise Refusal(404)
    return given


def _document(request: Request) -> Any:
    data = request.get_data()
    if not data:
        return {}
    if request.mimetype != _JSON:
        raise Refusal(415)
    try:
        return msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refusal(400, f"the body is no JSON: {error}") from None


def _told(what: str, errors: list[dict[str, str]]) -> str:
    problems = "a problem" if len(errors) == 1 else f"{len(errors)} problems"
    return f"the {what} has {problems}; nothing was done"


def _flat(messages: Any, steps: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield where each problem stands, and what it is."""
    if isinstance(messages, str):
        yield steps, messages.removesuffix(".")
    elif isinstance(messages, list):
        for each in messages:
            yield from _flat(each, steps)
    else:
        for name, each in messages.items():
            # of the schema itself; of a mapping's keys and values
            within = name in ("_schema",) or (steps and name in ("key", "value"))
            yield from _flat(each, steps if within else (*steps, str(name)))


def _pointer(steps: tuple[str, ...]) -> str:
    escaped = (step.replace("~", "~0").replace("/", "~1") for step in steps)
    return "#" + "".join(f"/{quote(step, safe='~')}" for step in escaped)
