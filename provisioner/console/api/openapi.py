"""The API's OpenAPI 3.1 document, made from the routes and what their schemas say.

apispec turns marshmallow's schemas into those of OpenAPI, as it has done for as long as both exist; what
the program's own documents hold is read off their types (structs.py).
"""

from __future__ import annotations

import re
from typing import Any

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from apispec.ext.marshmallow.openapi import OpenAPIConverter
from marshmallow import Schema, fields

from provisioner import who
from provisioner.console.api.fields import Struct
from provisioner.console.api.routes import Route
from provisioner.console.api.shown import Problem
from provisioner.console.api.structs import Json, reference, schemas_of
from provisioner.console.refusals import PROBLEM
from provisioner.plan.explanation import Explanation
from provisioner.plan.model import FORMAT, Plan

BASE = "/api/v1"
_PARAMETER = re.compile(r"{(\w+)}")
_REFUSED = {
    "400": "The request can't be understood: `errors` names each parameter that is wrong.",
    "401": "Nobody is signed in.",
    "403": "You may not do this.",
    "404": "It isn't there, or not for you.",
    "409": "It can't be done as things stand; nothing was.",
    "415": "The body isn't application/json.",
    "422": "The body can't be used: `errors` names everything that is wrong, by JSON Pointer.",
    "503": "The store or another system doesn't answer just now.",
}
_ABOUT = """The operators' console as JSON: what will happen to whom and why, approving and applying it, what ran.

It does what the command line does, by the same functions: guard, approvers, freeze and audit hold.
Lists are paged: `next` of a page is what to go on with, null at the end. What isn't done is answered with
a problem document (RFC 9457)."""


def document_of(routes: list[Route], *, named: bool) -> dict[str, Any]:
    """Return the document for whoever is `named` by how they sign in, or says who they are each time."""
    marshmallow = MarshmallowPlugin(schema_name_resolver=_name)
    spec = APISpec(
        title="provisioner",
        version=who.version(),
        openapi_version="3.1.0",
        info={"description": _ABOUT, "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"}},
        servers=[{"url": BASE}],
        security=[{"token": []}, {}],
        plugins=[marshmallow],
    )
    converter = marshmallow.converter
    assert converter is not None
    converter.add_attribute_function(_struct)  # type: ignore[no-untyped-call]
    spec.components.security_scheme("token", {"type": "http", "scheme": "bearer"})
    for name, schema in schemas_of(Plan, Explanation).items():
        spec.components.schema(name, _plan_document(schema) if name == Plan.__name__ else schema)
    for route in routes:
        operation = _operation(converter, route)
        spec.path(path=route.path, operations={route.method: operation})
    document = spec.to_dict()
    return document if named else _with_names(document, routes)


def _with_names(document: dict[str, Any], routes: list[Route]) -> dict[str, Any]:
    """Return the document of an API at which nobody signs in: `by` says who does something."""
    for schema in {_name(route.accepts) for route in routes if route.accepts is not None}:
        described = document["components"]["schemas"][schema]
        described["required"] = [*described.get("required", ()), "by"]
    for path in document["paths"].values():
        for operation in path.values():
            if "requestBody" in operation:
                operation["requestBody"]["required"] = True
    return document


def _operation(converter: OpenAPIConverter, route: Route) -> Json:
    query = [] if route.query is None else _query(converter, route.query)
    names = _PARAMETER.findall(route.path)
    operation: Json = {
        "operationId": route.name,
        "summary": route.summary,
        "tags": [route.path.split("/")[1]],
        "parameters": [*map(_in_path, names), *query],
        "responses": _responses(route),
    }
    if route.told:
        operation["description"] = route.told
    if route.accepts is not None:
        body = {"application/json": {"schema": route.accepts}}
        operation["requestBody"] = {"required": False, "content": body}
    return operation


def _query(converter: OpenAPIConverter, schema: type[Schema]) -> list[Json]:
    listed = converter.schema2parameters(schema(), location="query")
    return [dict(each) for each in listed]


def _in_path(name: str) -> Json:
    schema = {"type": "string", "minLength": 1}
    return {"name": name, "in": "path", "required": True, "schema": schema}


def _responses(route: Route) -> Json:
    shows = route.shows if issubclass(route.shows, Schema) else reference(route.shows)
    done: Json = {
        "description": route.summary if route.method == "get" else "It is done, or has begun.",
        "content": {"application/json": {"schema": shows}},
    }
    if route.located:
        where = {"type": "string", "format": "uri-reference"}
        done["headers"] = {"Location": {"schema": where, "description": "Where it is."}}
    problem = {PROBLEM: {"schema": Problem}}
    without = set() if route.accepts else {"403", "415", "422"}
    refused = {
        status: {"description": said, "content": problem}
        for status, said in _REFUSED.items()
        if status not in without
    }
    return {str(route.status): done, **refused}


def _struct(_: Any, field: fields.Field[Any], **__: Any) -> Json:
    """Return what a field's schema is where it is one of the program's own documents."""
    if not isinstance(field, Struct):
        return {}
    if field.many:
        return {"type": "array", "items": reference(field.struct)}
    return reference(field.struct)


def _name(schema: Any) -> str:
    found: str = (schema if isinstance(schema, type) else type(schema)).__name__
    return found


def _plan_document(schema: Json) -> Json:
    """Return the schema of the document `provisioner-plan/1`: a plan, its format, and how it stands."""
    own = {
        "format": {"type": "string", "const": FORMAT},
        "states": {"type": "string", "description": "A hash of what moves on in it."},
    }
    properties = {**schema["properties"], **own}
    return {**schema, "properties": properties, "required": [*schema["required"], *own]}
