"""Bulk requests (RFC 7644 section 3.7): many operations in one, each as if it had come alone.

`bulkId:…` in data or in a path stands for the id of what another operation of the request creates,
also of a later one: that one is done first. Operations that wait for each other in a circle are refused
with 409, as the RFC lets us. After `failOnErrors` failures the rest is left undone. Where the store fails
on the way, what was done is told, and the rest is 503.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from provisioner.logs import logger
from provisioner.scim.call import Answer, Call, Endpoint
from provisioner.scim.endpoints import known_id
from provisioner.scim.errors import ScimError, invalid_syntax, invalid_value
from provisioner.scim.preconditions import Preconditions
from provisioner.scim.rendering import encoded
from provisioner.store.database import StoreError

REQUEST = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
RESPONSE = "urn:ietf:params:scim:api:messages:2.0:BulkResponse"

_METHODS = ("POST", "PUT", "PATCH", "DELETE")
_TEXTS = ("method", "path", "bulkId", "version")
_REFERENCE = "bulkId:"
_NAMED = re.compile(rf'(?:^|(?<=[/"])){_REFERENCE}([^\s"/\\]+)(?=$|[/"])')
"""A reference is a whole value, a part of a path or URL, or what a filter compares with."""
_PATH = re.compile(r"/*(?P<endpoint>\w+)(?:/(?P<id>[^/?#]+))?/?", re.ASCII)


@dataclass
class _Operation:
    """One operation of the request, and what became of it. `id` is what it is about, or made.

    `refused`: why it can't be carried out, whatever is there.
    """

    method: str
    path: str
    bulk_id: str | None
    data: Any
    version: str | None
    refused: ScimError | None = None
    id: str | None = None
    location: str | None = None
    answer: Answer | None = None
    error: ScimError | None = None
    begun: bool = False

    @property
    def done(self) -> bool:
        return self.answer is not None or self.error is not None


def bulk(call: Call, body: Any, endpoints: Mapping[str, Endpoint]) -> Answer:
    """Carry out a Bulk request; `endpoints` are by their names in paths. Raises ScimError 400, 413."""
    operations, most_errors = _parsed(body, call.limits.bulk_operations)
    done = _Bulk(call, endpoints, operations, most_errors).carry_out()
    told = {"schemas": [RESPONSE], "Operations": [_told(each) for each in done]}
    return Answer(200, encoded(told))


def _parsed(body: Any, most: int) -> tuple[list[_Operation], int | None]:
    if not isinstance(body, dict):
        raise invalid_syntax("the body is not a JSON object")
    members = {name.lower(): value for name, value in body.items()}
    schemas = members.get("schemas") or [REQUEST]
    if not isinstance(schemas, list | str) or REQUEST not in schemas:
        raise invalid_value(f"schemas: expected {REQUEST}")
    errors = members.get("failonerrors")
    if errors is not None and (isinstance(errors, bool) or not isinstance(errors, int)):
        raise invalid_value("failOnErrors: expected a whole number")
    if errors is not None and errors < 0:
        raise invalid_value("failOnErrors: expected no negative number")
    listed = members.get("operations")
    if not isinstance(listed, list):
        raise invalid_syntax("Operations: expected a list")
    if len(listed) > most:
        raise ScimError(413, f"the request has {len(listed)} operations, maxOperations is {most}")
    return [_operation(each, n) for n, each in enumerate(listed)], errors or None


def _operation(raw: Any, number: int) -> _Operation:
    """Return an operation; one that can't be understood fails alone, in its turn."""
    where = f"Operations[{number}]"
    if not isinstance(raw, dict):
        raise invalid_syntax(f"{where}: expected an object")
    members = {name.lower(): value for name, value in raw.items()}
    texts: dict[str, str | None] = dict.fromkeys(_TEXTS)
    refused = None
    for name in _TEXTS:
        value = members.get(name.lower())
        if value is None or _is_text(value):
            texts[name] = value
        else:
            refused = invalid_syntax(f"{where}.{name}: expected text")
    method = (texts["method"] or "").upper()
    if refused is None and method not in _METHODS:
        refused = invalid_syntax(f"{where}.method: expected one of {', '.join(_METHODS)}")
    return _Operation(
        method,
        texts["path"] or "",
        texts["bulkId"],
        members.get("data"),
        texts["version"],
        refused=refused,
    )


def _by_bulk_id(operations: Iterable[_Operation]) -> dict[str, _Operation]:
    """Return what creates something by its bulkId. Raises ScimError 400 if one is given twice."""
    found: dict[str, _Operation] = {}
    for each in operations:
        if each.method == "POST" and each.bulk_id:
            if each.bulk_id in found:
                raise invalid_value(f"bulkId {each.bulk_id[:80]!r} is given twice")
            found[each.bulk_id] = each
    return found


def _is_text(value: Any) -> bool:
    """Whether a value is text that can be given back: JSON's escapes can make half a character."""
    if not isinstance(value, str):
        return False
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


class _Bulk:
    """A Bulk request while it is carried out."""

    def __init__(
        self,
        call: Call,
        endpoints: Mapping[str, Endpoint],
        operations: list[_Operation],
        most_errors: int | None,
    ) -> None:
        self.call, self.endpoints, self.operations = call, endpoints, operations
        self.most_errors = most_errors
        self.errors = 0
        self.stalled: ScimError | None = None  # why nothing more is tried
        self.by_bulk_id = _by_bulk_id(operations)

    def carry_out(self) -> list[_Operation]:
        """Return the operations that were done, in the order of the request."""
        for each in self.operations:
            self._in_turn(each)
        return [each for each in self.operations if each.done]

    def _in_turn(self, operation: _Operation) -> None:
        """Do an operation after those that it refers to; without recursion, chains may be long."""
        waiting = [operation]
        while waiting and (self.most_errors is None or self.errors < self.most_errors):
            each = waiting[-1]
            if each.done:
                waiting.pop()
                continue
            before = [] if each.begun else self._needed(each)
            each.begun = True
            circle = next((other for other in before if other.begun), None)
            if circle is not None:
                self._fail(
                    each, ScimError(409, f"{_REFERENCE}{circle.bulk_id} refers back to this")
                )
            elif before:
                waiting += before
            else:
                self._do(each)

    def _needed(self, operation: _Operation) -> list[_Operation]:
        """Return the operations that must be done first; each once."""
        if operation.refused is not None:
            return []
        named = dict.fromkeys(_references((operation.path, operation.data)))
        found = (self.by_bulk_id.get(name) for name in named)
        return [each for each in found if each is not None and not each.done]

    def _do(self, operation: _Operation) -> None:
        try:
            if self.stalled is not None:
                raise self.stalled
            self._carry_out(operation)
        except ScimError as error:
            self._fail(operation, error)
        except StoreError as error:
            if not any(each.answer for each in self.operations):
                raise  # as if nothing had been asked
            logger().error("http.store_failed", exc_info=error)
            self.stalled = ScimError(503, "the store doesn't answer just now")
            self._fail(operation, self.stalled)

    def _fail(self, operation: _Operation, error: ScimError) -> None:
        operation.error = error
        self.errors += 1

    def _carry_out(self, operation: _Operation) -> None:
        if operation.refused is not None:
            raise operation.refused
        endpoint, id = self._target(operation)
        if operation.method == "POST" and not operation.bulk_id:
            raise invalid_value("a POST in a Bulk request needs a bulkId")
        data = self._resolved(operation.data)
        call = replace(self.call, when=Preconditions(operation.version), parameters={})
        answer = self._called(endpoint, call, operation.method, id, data)
        operation.answer = answer
        if answer.location is not None:
            operation.location = answer.location
            operation.id = answer.location.rpartition("/")[2]

    def _called(self, endpoint: Endpoint, call: Call, method: str, id: str, data: Any) -> Answer:
        if method == "POST":
            return endpoint.create(call, data)
        if method == "PUT":
            return endpoint.replace(call, id, data)
        if method == "PATCH":
            # RFC 7644's own example has the operations alone (wso2/product-is issue 6887)
            body = {"Operations": data} if isinstance(data, list) else data
            return endpoint.patch(call, id, body)
        return endpoint.delete(call, id)

    def _target(self, operation: _Operation) -> tuple[Endpoint, str]:
        """Return the endpoint that an operation's path leads to, and the id in it."""
        found = _PATH.fullmatch(self._resolved(operation.path))
        endpoint = self.endpoints.get(found["endpoint"]) if found else None
        shown = f"{operation.method} {operation.path[:80]!r}"
        if found is None or endpoint is None:
            raise ScimError(400, f"{shown} is of no kind of resource", "invalidPath")
        id: str | None = found["id"]
        if (id is None) != (operation.method == "POST"):
            expected = "the path of a kind" if id else "the path of one resource"
            raise ScimError(400, f"{shown}: expected {expected}", "invalidPath")
        if id is not None:
            operation.location = f"{self.call.base}/{found['endpoint']}/{id}"
            known_id(id)
        return endpoint, id or ""

    def _resolved(self, value: Any) -> Any:
        """Return a value with each reference replaced by the id that it stands for."""
        if isinstance(value, str):
            return self._resolved_text(value) if _REFERENCE in value else value
        if isinstance(value, list):
            return [self._resolved(each) for each in value]
        if isinstance(value, dict):
            return {name: self._resolved(each) for name, each in value.items()}
        return value

    def _resolved_text(self, text: str) -> str:
        return _NAMED.sub(lambda found: self._id(found[1]), text)

    def _id(self, name: str) -> str:
        other = self.by_bulk_id.get(name)
        if other is None:
            raise invalid_value(f"no operation creates {_REFERENCE}{name[:80]}")
        if other.id is None:
            raise ScimError(409, f"{_REFERENCE}{name[:80]} was not created")
        return other.id


def _references(value: Any) -> Iterator[str]:
    """Yield the bulkIds that stand anywhere in a value."""
    if isinstance(value, str):
        if _REFERENCE in value:
            yield from _NAMED.findall(value)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _references(each)
    elif isinstance(value, dict):
        for each in value.values():
            yield from _references(each)


def _told(operation: _Operation) -> dict[str, Any]:
    """Return what the response says of an operation (section 3.7.3)."""
    # clients read the response with their own types: a method that is none of the four stays out of it
    told: dict[str, Any] = {"method": operation.method} if operation.method in _METHODS else {}
    if operation.bulk_id is not None:
        told["bulkId"] = operation.bulk_id
    if operation.location is not None:
        told["location"] = operation.location
    if operation.error is not None:
        return told | {"status": str(operation.error.status), "response": operation.error.body()}
    assert operation.answer is not None
    if operation.answer.tag is not None:
        told["version"] = operation.answer.tag
    return told | {"status": str(operation.answer.status)}
