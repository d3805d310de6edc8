"""The scalars of a mapping file, and what every object in it is: strictly what is declared.

Types are strict: YAML's `4077` is a number, and where a name is meant a number or `true` is a missing
pair of quotes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from marshmallow import Schema, ValidationError, fields, validate

from connectors.records import clean
from mappings.entitlements import PoolRef, e164
from mappings.yaml_file import did_you_mean

VERSION = 1
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}
_DURATION = re.compile(r"([0-9]{1,6})([mhd])")


def shown(value: Any) -> str:
    """Return a value as YAML has it, for messages."""
    return str(value).lower() if isinstance(value, bool) else repr(value)


def plain_text(value: Any, wanted: str = "text") -> str:
    """Return clean text that isn't empty; raises ValidationError for anything else."""
    if isinstance(value, Mapping) and len(value) == 1 and None in value.values():
        (name,) = value
        raise ValidationError(f'text in braces must stand in quotes: "{{{name}}}"')
    if value is None:
        raise ValidationError("must have a value")
    if isinstance(value, (Mapping, list)):
        raise ValidationError(f"{wanted} is wanted here, not a {_kind(value)}")
    if not isinstance(value, str):
        raise ValidationError(
            f"{wanted} is wanted here: {shown(value)} without quotes is no text, write quotes around it"
        )
    if not clean(value):
        raise ValidationError("must not be empty")
    return clean(value)


def _kind(value: Any) -> str:
    return "list" if isinstance(value, list) else "mapping"


class Text(fields.Field[str]):
    """Text, clean and not empty."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> str:
        return plain_text(value)


class ExtensionNumber(fields.Field[str]):
    """An extension number: digits, with quotes or without, or attribute text."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> str:
        if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
            return str(value)
        text = plain_text(value, "an extension number")
        if "{" not in text and not re.fullmatch("[0-9]+", text):
            raise ValidationError(f"{text!r} is no extension number: digits alone are")
        return text


class Number(fields.Field["str | PoolRef"]):
    """A direct number as E.164 (or attribute text that gives one), or `{pool: NAME}`.

    `on_move: keep` beside the pool lets whoever holds any number keep it; `swap` is the default.
    """

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> str | PoolRef:
        if isinstance(value, Mapping) and "pool" in value:
            return self._pool(value)
        if isinstance(value, int) and not isinstance(value, bool):
            raise ValidationError(f'a number begins with + and the country\'s code: "+{value}"')
        text = plain_text(value, "a number or {pool: NAME}")
        if "{" in text:
            return text
        number = e164(text)
        if number is None:
            raise ValidationError(f"{text!r} is no number in E.164, such as +49891234")
        return number

    def _pool(self, value: Mapping[str, Any]) -> PoolRef:
        others = {n: ["Unknown field."] for n in value if n not in ("pool", "on_move")}
        move = value.get("on_move", "swap")
        if move not in ("keep", "swap"):
            others["on_move"] = [f"{shown(move)} isn't one of: keep, swap"]
        if others:
            raise ValidationError(others)
        try:
            name = plain_text(value["pool"], "a pool's name")
        except ValidationError as e:
            raise ValidationError({"pool": e.messages}) from e
        if "{" in name:
            raise ValidationError({"pool": ["a pool's name can't take attributes"]})
        return PoolRef(name, move == "keep")


class Truth(fields.Field[bool]):
    """true or false, and nothing that merely looks like it."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> bool:
        if not isinstance(value, bool):
            raise ValidationError(f"true or false is wanted here, not {shown(value)}")
        return value


LONGEST = timedelta(days=36_500)
"""No span in a mapping is longer, so that every day that is worked out with one is a day of the calendar."""


class Duration(fields.Field[timedelta]):
    """A time span as people write it: 30m, 24h, 7d; 0 needs no unit."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> timedelta:
        text = "0d" if value == 0 and not isinstance(value, bool) else value
        match = _DURATION.fullmatch(clean(text)) if isinstance(text, str) else None
        if match is None:
            raise ValidationError(f"{shown(value)} is no time span, such as 30m, 24h or 7d")
        span = timedelta(**{_UNITS[match[2]]: int(match[1])})
        if span > LONGEST:
            raise ValidationError(f"{text} is too long: at most {LONGEST.days}d")
        return span


class Zone(fields.Field[str]):
    """The name of a time zone in the IANA database."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> str:
        name = plain_text(value, "a time zone's name")
        try:
            ZoneInfo(name)
        except (ValueError, OSError, ZoneInfoNotFoundError):
            hint = did_you_mean(name, available_timezones())
            hint = f"; {hint}" if hint.startswith("did") else ": write it like Europe/Prague"
            raise ValidationError(f"{name!r} is no time zone{hint}") from None
        return name


class Version(fields.Field[int]):
    """The version of the file's format."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> int:
        if value != VERSION or isinstance(value, bool):
            raise ValidationError(f"{shown(value)} isn't known here: this is version {VERSION}")
        return VERSION


class Texts(fields.List[str]):
    """A list of texts; maybe an empty one, which manages the entitlement and gives nothing."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            Text(), error_messages={"invalid": "a list is wanted, such as [NAME]"}, **kwargs
        )


class Strict(Schema):
    """An object of a mapping file."""

    error_messages = {"type": "a mapping of names to values is wanted here"}  # noqa: RUF012


def one_of(*choices: str) -> validate.OneOf:
    """Return what lets one of these words pass."""
    return validate.OneOf(choices, error="{input!r} isn't one of: {choices}")
