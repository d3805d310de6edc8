"""What a body may hold: its members by name and kind, refused in Graph's words where they don't fit."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from .errors import malformed

Kind = Literal["text", "text?", "flag?", "texts", "texts?", "guids", "objects", "object?", "any"]

GUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def check(
    body: Any, members: Mapping[str, Kind], required: Sequence[str], what: str
) -> dict[str, Any]:
    """Return the body if it holds what it should, else raise 400 BadRequest.

    `what` names the operation or type in the message. Annotations (`@odata.type`) are let pass.
    """
    if not isinstance(body, dict):
        raise malformed("Unable to read JSON request payload. The payload must be an object.")
    for name, value in body.items():
        if name.startswith("@odata."):
            continue
        if name not in members:
            raise malformed(
                f"The property '{name}' does not exist on type '{what}'. Make sure to only use property"
                " names that are defined by the type."
            )
        if not fits(value, members[name]):
            raise malformed(f"Invalid value specified for property '{name}' of '{what}'.")
    missing = [name for name in required if name not in body]
    if missing:
        raise malformed(
            f"One or more parameters of the operation '{what}' are missing from the request payload."
            f" The missing parameters are: {', '.join(missing)}."
        )
    return body


def fits(value: Any, kind: Kind) -> bool:
    """Return whether a JSON value is of that kind; a kind with a question mark may be null."""
    if kind == "any":
        return True
    if value is None:
        return kind.endswith("?")
    kind_ = kind.removesuffix("?")
    if kind_ == "text":
        return isinstance(value, str)
    if kind_ == "flag":
        return isinstance(value, bool)
    if kind_ == "object":
        return isinstance(value, dict)
    if not isinstance(value, list):
        return False
    if kind_ == "objects":
        return all(isinstance(each, dict) for each in value)
    if kind_ == "guids":
        return all(isinstance(each, str) and GUID.fullmatch(each) for each in value)
    return all(isinstance(each, str) for each in value)
