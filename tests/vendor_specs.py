"""Holds requests and answers against the vendors' own OpenAPI files, where those are at hand.

`VENDOR_SPECS` names a folder with zoom.openapi.json; the repository doesn't carry it. Stricter than
the files: members that a request's or an answer's schema doesn't name are faults too. DEVIATIONS
are the only differences between file and live service that are let pass, each with its reason.

    spec = load("zoom")            # None without VENDOR_SPECS
    spec.check("GET", "/users", query={"status": "active"}, status=200, answer={...})
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from openapi_schema_validator import OAS30Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT4

FOLDER = os.environ.get("VENDOR_SPECS")
WHY_SKIPPED = (
    "VENDOR_SPECS names no folder with the vendors' OpenAPI files: nothing to compare with"
)


class Deviation(NamedTuple):
    """One way in which the live service differs from the file, and how we know."""

    vendor: str
    what: str
    because: str


DEVIATIONS = (
    Deviation("zoom", "201 POST /phone/users/{userId}/calling_plans", "live answers 201 for 200"),
    Deviation("zoom", "201 POST /phone/users/{userId}/phone_numbers", "live answers 201 for 200"),
    Deviation("zoom", "200 PATCH /users/{userId}/settings", "live answers 200 as well as 204"),
    Deviation(
        "zoom", "calling_plans.name in GET /phone/users/{userId}", "live adds the plan's name"
    ),
    Deviation(
        "zoom", "privileges up to 8 in answers", "settable up to 8, documented up to 7 and 3"
    ),
    Deviation(
        "zoom", "oneOf in answers means anyOf", "its branches overlap: real answers match several"
    ),
    Deviation(
        "zoom",
        "bodies of refusals under /scim2",
        "the file tells none: RFC 7644, section 3.12, does",
    ),
    Deviation("zoom", "undeclared 400 401 403 404 405", "errors that every operation may answer"),
)
ALTERNATIVE_STATUS = {
    ("zoom", "POST", "/phone/users/{userId}/calling_plans", 201): 200,
    ("zoom", "POST", "/phone/users/{userId}/phone_numbers", 201): 200,
    ("zoom", "PATCH", "/users/{userId}/settings", 200): 204,
}
ANY_OBJECT = "microsoft.graph.directoryObject"
"""A schema of Graph's in whose place any that inherits from it may stand."""

SCIM_ERROR = {
    "type": "object",
    "required": ["schemas", "status"],
    "properties": {
        "schemas": {
            "type": "array",
            "items": {"enum": ["urn:ietf:params:scim:api:messages:2.0:Error"]},
            "minItems": 1,
        },
        "status": {"type": "string"},
        "scimType": {"type": "string"},
        "detail": {"type": "string"},
    },
    "additionalProperties": False,
}

ERRORS = {"zoom": "ZoomError", "graph": "ODataError"}
"""The schema of a vendor's refusals."""

UNDECLARED = frozenset({400, 401, 403, 404, 405})


class Mismatch(AssertionError):
    """A request or answer that isn't what the vendor's file says; names every fault."""


@cache
def load(vendor: str) -> Spec | None:
    """Return the vendor's specification, or None where VENDOR_SPECS isn't set.

    Raises FileNotFoundError if it is set and the file isn't there: that is a wrong setting.
    """
    if not FOLDER:
        return None
    text = (Path(FOLDER) / f"{vendor}.openapi.json").read_text(encoding="utf-8")
    return Spec(vendor, json.loads(text))


class Spec:
    """One vendor's OpenAPI file, ready to judge calls."""

    def __init__(self, vendor: str, document: dict[str, Any]) -> None:
        """Take the parsed file; the deviations are worked into it."""
        self.vendor = vendor
        self.document = document
        self._paths = [
            (path, re.compile("[^/]+".join(map(re.escape, re.split(r"\{[^}]+\}", path))) + "$"))
            # a literal part is matched before a parameter: /users/summary before /users/{userId}
            for path in sorted(document["paths"], key=lambda p: (p.count("{"), p))
        ]
        if vendor == "graph":
            _flatten(document)
        _close_and_widen(document)
        document.setdefault("components", {}).setdefault("schemas", {})["ScimError"] = SCIM_ERROR
        resource = Resource.from_contents(document, default_specification=DRAFT4)
        self._registry: Registry[Any] = Registry().with_resource("urn:spec", resource)
        self._validators: dict[str, OAS30Validator] = {}

    def operation(self, method: str, path: str) -> tuple[str, dict[str, Any]]:
        """Return the file's path template and operation; raise Mismatch if there is none."""
        for template, pattern in self._paths:
            operation = self.document["paths"][template].get(method.lower())
            if operation and pattern.match(path):
                return template, operation
        raise Mismatch(f"{method} {path} is no operation of {self.vendor}")

    def operations(self) -> list[tuple[str, str]]:
        """Return every operation of the file: method in capitals, path template."""
        methods = ("get", "post", "put", "patch", "delete")
        paths = self.document["paths"]
        return [(m.upper(), path) for path in paths for m in methods if m in paths[path]]

    def label(self, method: str, path: str) -> str | None:
        """Return the operation's rate label in capitals, or None where the file gives none."""
        label = self.operation(method, path)[1].get("x-rate-limit-label")
        return str(label).upper() if label else None

    def check(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Any = None,
        status: int,
        answer: Any = None,
    ) -> None:
        """Raise Mismatch unless the request (if it was accepted) and the answer are as the file says.

        `path` is below the API's base; `body` and `answer` are parsed JSON, None where there was
        none. A refused request may hold anything: only its answer is judged.
        """
        template, operation = self.operation(method, path)
        at = f"urn:spec#/paths/{_escape(template)}/{method.lower()}"
        faults = list(self._answer_faults(operation, at, method, template, status, answer))
        if status < 400:
            faults += self._query_faults(operation, query or {})
            faults += self._body_faults(operation, at, body)
        if faults:
            raise Mismatch(f"{method} {path} -> {status}: " + "; ".join(faults))

    def _answer_faults(
        self,
        operation: dict[str, Any],
        at: str,
        method: str,
        template: str,
        status: int,
        answer: Any,
    ) -> Iterator[str]:
        status = ALTERNATIVE_STATUS.get((self.vendor, method, template, status), status)
        responses = operation["responses"]
        key = next((k for k in (str(status), f"{status // 100}XX") if k in responses), None)
        declared = None if key is None else responses[key]
        if declared is None:
            if status not in UNDECLARED:
                yield f"status {status} is not declared"
            else:
                yield from self._refusal_faults(template, status, answer)
            return
        at = f"{at}/responses/{key}"
        if "$ref" in declared:
            at = f"urn:spec{declared['$ref']}"
            declared = self.document["components"]["responses"][at.rpartition("/")[2]]
        schema = declared.get("content", {}).get("application/json", {}).get("schema")
        if schema is None and status >= 400 and template.startswith("/scim2/"):
            yield from self._refusal_faults(template, status, answer)
            return
        if schema is None:
            if answer is not None:
                yield "the answer should have no body"
            return
        ref = f"{at}/content/application~1json/schema"
        yield from self._faults(ref, answer, "answer")

    def _refusal_faults(self, template: str, status: int, answer: Any) -> Iterator[str]:
        """Yield what is wrong with a refusal of which the file tells no more than maybe its status."""
        # tokens, methods and rates are looked at before SCIM comes in
        scim = template.startswith("/scim2/") and status not in (401, 405, 429)
        kind = "ScimError" if scim else ERRORS[self.vendor]
        yield from self._faults(f"urn:spec#/components/schemas/{kind}", answer, "answer")

    def _query_faults(self, operation: dict[str, Any], query: Mapping[str, str]) -> Iterator[str]:
        shared = self.document.get("components", {}).get("parameters", {})
        parameters = [
            shared[p["$ref"].rpartition("/")[2]] if "$ref" in p else p
            for p in operation.get("parameters", ())
        ]
        known = {p["name"]: p for p in parameters if p["in"] == "query"}
        for name, parameter in known.items():
            if parameter.get("required") and name not in query:
                yield f"query {name} is missing"
        for name, value in query.items():
            if name not in known:
                yield f"query {name} is not declared"
                continue
            schema = known[name].get("schema", {})
            typed = _typed(value, schema.get("type"))
            for error in OAS30Validator(schema).iter_errors(typed):
                yield f"query {name}: {error.message}"

    def _body_faults(self, operation: dict[str, Any], at: str, body: Any) -> Iterator[str]:
        if "requestBody" not in operation:
            if body is not None:
                yield "the request should have no body"
            return
        if body is None:
            if operation["requestBody"].get("required"):
                yield "the request has no body"
            return
        ref = f"{at}/requestBody/content/application~1json/schema"
        yield from self._faults(ref, body, "body")

    def _faults(self, ref: str, value: Any, what: str) -> Iterator[str]:
        if value is None:
            yield f"{what} is missing"
            return
        if self.vendor == "graph":
            value = _without_annotations(value)
        if ref not in self._validators:
            self._validators[ref] = OAS30Validator({"$ref": ref}, registry=self._registry)
        for error in self._validators[ref].iter_errors(value):
            place = "".join(f"[{p!r}]" for p in error.absolute_path)
            yield f"{what}{place}: {error.message[:200]}"


def _escape(pointer: str) -> str:
    """Return a path as one step of a JSON pointer in a URI fragment."""
    escaped = pointer.replace("~", "~0").replace("/", "~1")
    return escaped.replace("{", "%7B").replace("}", "%7D")


def _typed(value: str, kind: str | None) -> Any:
    if kind == "integer" and re.fullmatch(r"-?\d+", value):
        return int(value)
    if kind == "array":  # not exploded: one parameter, its items separated by commas
        return value.split(",")
    if kind == "boolean" and value in ("true", "false"):
        return value == "true"
    return value


def _close_and_widen(document: dict[str, Any]) -> None:
    """Refuse members that a schema doesn't name, and work the deviations into the document."""
    for template, operations in document["paths"].items():
        for method, operation in operations.items():
            if not isinstance(operation, dict):
                continue
            for media in operation.get("requestBody", {}).get("content", {}).values():
                _close(media["schema"])
            for response in operation.get("responses", {}).values():
                for media in response.get("content", {}).values():
                    _widen(media.get("schema", {}))
                    _close(media.get("schema", {}))
            if (method, template) == ("get", "/phone/users/{userId}"):
                answer = operation["responses"]["200"]["content"]["application/json"]["schema"]
                plan = answer["properties"]["calling_plans"]["items"]["properties"]
                plan["name"] = {"type": "string"}


def _close(schema: Any) -> None:
    """Let an object hold only what its schema names; those that are put together stay open."""
    if not isinstance(schema, dict):
        return
    composed = {"allOf", "anyOf", "oneOf"} & schema.keys()
    if composed or "$ref" in schema:
        return
    if schema.get("properties"):
        schema.setdefault("additionalProperties", False)
        for inner in schema["properties"].values():
            _close(inner)
    _close(schema.get("items"))


def _flatten(document: dict[str, Any]) -> None:
    """Make one closed object of each schema that inherits: its own and every inherited property."""
    schemas = document["components"]["schemas"]

    def properties(schema: dict[str, Any]) -> dict[str, Any]:
        if "$ref" in schema:
            return properties(schemas[schema["$ref"].rpartition("/")[2]])
        inherited = (properties(part) for part in schema.get("allOf", ()))
        own: dict[str, Any] = schema.get("properties", {})
        return {k: v for part in inherited for k, v in part.items()} | own

    def flatten(schema: Any) -> None:
        if isinstance(schema, list):
            for part in schema:
                flatten(part)
        if not isinstance(schema, dict):
            return
        if len(schema.get("allOf", ())) > 1:
            found = properties(schema)
            schema.clear()
            schema |= {"type": "object", "properties": found}
            if schema is not schemas.get(ANY_OBJECT):
                schema["additionalProperties"] = False
        for part in schema.values():
            flatten(part)

    for name in sorted(schemas):
        if "allOf" not in schemas[name] and schemas[name].get("properties"):
            schemas[name].setdefault("additionalProperties", False)
    flatten(document["paths"])
    flatten(schemas)


def _without_annotations(value: Any) -> Any:
    """Return a value without OData's annotations, which no schema names."""
    if isinstance(value, list):
        return [_without_annotations(each) for each in value]
    if not isinstance(value, dict):
        return value
    kept = ("@odata.id", "@odata.nextLink", "@odata.deltaLink", "@odata.count")
    return {
        name: _without_annotations(each)
        for name, each in value.items()
        if not name.startswith("@odata.") or name in kept
    }


def _widen(schema: Any) -> None:
    """Work what the live service answers beyond the file into an answer's schema."""
    if isinstance(schema, list):
        for inner in schema:
            _widen(inner)
    if not isinstance(schema, dict):
        return
    if "oneOf" in schema:
        schema["anyOf"] = schema.pop("oneOf")
    privileges = schema.get("properties", {}).get("privileges")
    if isinstance(privileges, dict) and "items" in privileges:
        privileges["items"]["enum"] = list(range(1, 9))
    for inner in schema.values():
        _widen(inner)
