"""What the API's schemas are made of: fields that take nothing for something else.

JSON has strings, numbers and booleans of its own; "yes" is no boolean here, and "5" no number.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from marshmallow import EXCLUDE, Schema, ValidationError, fields
from marshmallow.validate import Length, Range

from connectors.errors import RunError
from provisioner import who
from provisioner.store.database import can_be_kept
from provisioner.who import LONGEST_NAME

__all__ = ["Asked", "Figures", "Flag", "Name", "Shown", "Struct", "Text", "Whole"]

LONGEST_TEXT = 1_000
_KEPT, _PRINTED = "^[^\\u0000]*$", "^[^\\u0000-\\u001f\\u007f-\\u009f]*$"
"""As JSON Schema's regular expressions have it (ECMA-262)."""
_FIGURES = re.compile("[0-9]{1,18}", re.ASCII)


class Asked(Schema):
    """What is asked for: a member that isn't known is told of."""

    error_messages = {  # noqa: RUF012 - as marshmallow has it
        "unknown": "is not known here",
        "type": "must be an object",
    }


class Shown(Schema):
    """What is answered: described here, and held to it by tests. A later version may have more members."""

    class Meta:
        unknown = EXCLUDE


class Text(fields.String):
    """Text that any database can hold."""

    def __init__(self, *, metadata: Mapping[str, Any] | None = None, **kwargs: Any) -> None:
        super().__init__(metadata={"pattern": _KEPT} | dict(metadata or {}), **kwargs)

    def _deserialize(self, value: Any, *given: Any, **kwargs: Any) -> Any:
        text = super()._deserialize(value, *given, **kwargs)
        if not can_be_kept(text):
            raise ValidationError("holds a character that can't be kept")
        return text


class Name(Text):
    """Whoever does something."""

    def __init__(self) -> None:
        super().__init__(
            validate=Length(1, LONGEST_NAME),
            metadata={
                "description": "Who does it; only where nobody signs in.",
                "pattern": _PRINTED,
            },
        )

    def _deserialize(self, value: Any, *given: Any, **kwargs: Any) -> Any:
        text = super()._deserialize(value, *given, **kwargs)
        try:
            return who.named(text)
        except RunError as error:
            raise ValidationError(error.message) from None


class Flag(fields.Boolean):
    """A boolean, and nothing that looks like one."""

    def _deserialize(self, value: Any, *given: Any, **kwargs: Any) -> Any:
        if not isinstance(value, bool):
            raise self.make_error("invalid", input=value)
        return super()._deserialize(value, *given, **kwargs)


class Whole(fields.Integer):
    """A whole number from `least` to `most`."""

    def __init__(self, least: int = 0, most: int | None = None, **kwargs: Any) -> None:
        super().__init__(strict=True, validate=Range(least, most), **kwargs)

    def _deserialize(self, value: Any, *given: Any, **kwargs: Any) -> Any:
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise self.make_error("invalid", input=value)
        return super()._deserialize(value, *given, **kwargs)


class Figures(Whole):
    """A whole number as a query has it: in figures."""

    def _deserialize(self, value: Any, *given: Any, **kwargs: Any) -> Any:
        if not isinstance(value, str) or not _FIGURES.fullmatch(value):
            raise self.make_error("invalid", input=value)
        return super()._deserialize(int(value), *given, **kwargs)


class Struct(fields.Raw):
    """A value of one of the program's own documents, or a list of such."""

    def __init__(self, struct: type, *, many: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.struct, self.many = struct, many
