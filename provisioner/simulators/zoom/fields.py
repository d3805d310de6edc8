"""What a query or body may hold, checked by marshmallow and refused in Zoom's words.

A JSON text is not a number and a number no text; a field that the operation does not know is an
error, as is anything beyond a limit that Zoom's specification states.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, ValidationError, fields
from marshmallow.validate import Email, Length, OneOf, Range

from .errors import ZoomError, invalid

INVALID = "Invalid field."
LARGEST = 2**63 - 1


class Bool(fields.Field[bool]):
    """A JSON boolean and nothing like it."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> bool:
        if not isinstance(value, bool):
            raise ValidationError(INVALID)
        return value


class Int(fields.Field[int]):
    """A JSON whole number of at most 64 bits, never text: licence bit masks go to 2^59."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or abs(value) > LARGEST:
            raise ValidationError(INVALID)
        return value


def text(maximum: int | None = None, *, required: bool = False, minimum: int = 0) -> fields.String:
    """Return a text field of at least `minimum` and at most `maximum` characters."""
    return fields.String(required=required, validate=Length(min=minimum, max=maximum))


def email(*, required: bool = False) -> fields.String:
    """Return a field for a mail address of at most 128 characters."""
    return fields.String(required=required, validate=[Length(max=128), Email()])


def one_of(*values: str, required: bool = False) -> fields.String:
    """Return a text field with a closed list of values."""
    return fields.String(required=required, validate=OneOf(values))


def number_of(*values: int, required: bool = False) -> Int:
    """Return a whole number out of a closed list."""
    return Int(required=required, validate=OneOf(values))


def flag() -> fields.Boolean:
    """Return a boolean of a query, written as text."""
    return fields.Boolean(truthy={"true"}, falsy={"false"})


def asked_number(minimum: int = 0, maximum: int = 2**31) -> fields.Integer:
    """Return a whole number of a query, written as text."""
    return fields.Integer(validate=Range(min=minimum, max=maximum))


def page_size(maximum: int) -> fields.Integer:
    """Return a list's page size: 30 unless given, at most `maximum`."""
    return fields.Integer(load_default=30, validate=Range(min=1, max=maximum))


class Nothing(Schema):
    """An empty query or body."""


def pages(maximum: int) -> dict[str, fields.Field[Any]]:
    """Return what every paged list takes in its query."""
    return {"page_size": page_size(maximum), "next_page_token": fields.String()}


def read(schema: Schema, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return `given` as the schema reads it, or raise 400 code 300 that names every wrong field."""
    try:
        data: dict[str, Any] = schema.load(given)
    except ValidationError as error:
        raise invalid(*sorted(_names(error.messages))) from None
    return data


def read_json(schema: Schema, given: object) -> dict[str, Any]:
    """Return a JSON body as the schema reads it, or raise Zoom's 400."""
    if not isinstance(given, dict):
        raise ZoomError(400, 300, "Request Body should be a valid JSON object.")
    return read(schema, given)


def _names(messages: object, path: str = "") -> set[str]:
    """Return the names of the wrong fields: `users[0].email`."""
    if not isinstance(messages, dict):
        return {path}
    names: set[str] = set()
    for key, inner in messages.items():
        if isinstance(key, int):
            here = f"{path}[{key}]"
        elif key == "_schema":
            here = path
        else:
            here = f"{path}.{key}" if path else str(key)
        names |= _names(inner, here)
    return names
